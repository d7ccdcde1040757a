"""What the pages say for sentences of the rules, in every language; settings want a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
TONGUES = ("en", "nl", "fr", "de")


def said(sentences: Sequence[str]) -> dict[str, list[str | None]]:
    """Return each sentence in each language; None where it stays in English."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.console_house.tongues"],
        input=json.dumps(list(sentences)),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def _main() -> None:
    import django
    from django.conf import settings
    from django.utils import translation

    web = ROOT / "src" / "beamkeeper" / "app" / "web"
    settings.configure(USE_I18N=True, LANGUAGE_CODE="en", LOCALE_PATHS=[web / "locale"])
    django.setup()
    from beamkeeper.app.web.rule_words import in_readers_words

    sentences = json.load(sys.stdin)
    found = {}
    for tongue in TONGUES:
        with translation.override(tongue):
            found[tongue] = [in_readers_words(sentence) for sentence in sentences]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main()
