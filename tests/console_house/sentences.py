"""Every sentence of the pages, as gettext will look it up: out of the templates and the Python."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

WEB = Path(__file__).resolve().parents[2] / "src" / "beamkeeper" / "app" / "web"
_KEYWORDS = (
    "_",
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
    "npgettext",
)


class Sentence(NamedTuple):
    """One message: its context, its words, and its plural where it has one."""

    context: str | None
    text: str
    plural: str | None


def sentences() -> dict[Sentence, set[str]]:
    """Return every message, with the files it stands in."""
    found: dict[Sentence, set[str]] = {}
    for path in sorted([*WEB.rglob("*.py"), *WEB.rglob("*.html")]):
        text = path.read_text(encoding="utf-8")
        source = templatize(text) if path.suffix == ".html" else text
        for _, function, arguments, _ in extract_python(BytesIO(source.encode()), _KEYWORDS, (), {}):
            parts = arguments if isinstance(arguments, tuple) else (arguments,)
            context = str(parts[0]) if function and function.startswith(("pgettext", "npgettext")) else None
            words = [str(part) for part in (parts[1:] if context is not None else parts) if part is not None]
            if not words:
                continue
            many = words[1] if function and "ngettext" in function and len(words) > 1 else None
            found.setdefault(Sentence(context, words[0], many), set()).add(str(path.relative_to(WEB)))
    return found
