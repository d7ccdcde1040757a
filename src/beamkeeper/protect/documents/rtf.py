r"""RTF as lines of text: what stands on the page, without what describes or embeds.

References
----------
Rich Text Format 1.9.1: groups, control words, destinations (`\*`), `\u` and `\uc`
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH_MAX: Final = 1_000

_TOKEN: Final = re.compile(
    r"\\(?P<word>[a-z]+)(?P<number>-?\d{1,10})? ?"
    r"|\\'(?P<code>[0-9a-f]{2})|\\(?P<sign>.)|(?P<brace>[{}])|[\r\n]+|(?P<plain>[^\\{}\r\n]+)",
    re.DOTALL,
)
_HIDDEN: Final = frozenset(
    {
        *("fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "themedata", "colorschememapping"),
        *("latentstyles", "datastore", "xmlnstbl", "listtable", "listoverridetable", "rsidtbl", "generator"),
        "fldinst",
    }
)
"""Destinations whose text stands on no page."""
_SAID: Final = {
    **dict.fromkeys(("par", "line", "page", "sect", "row"), "\n"),
    **dict.fromkeys(("tab", "cell"), " "),
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
}
_SIGNS: Final = {"\\": "\\", "{": "{", "}": "}", "~": " ", "_": "-"}


class NotReadError(Exception):
    """Why a document gives no text, in words."""


def rtf_lines(data: bytes) -> list[str]:
    """Return the text of an RTF file as lines.

    Raises
    ------
    NotReadError
        Its groups are nested beyond reason.
    """
    text = "".join(_Reading().pieces(data.decode("latin-1")))
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.splitlines()


class _Reading:
    def __init__(self) -> None:
        self._hidden = [False]
        self._replacements = [1]
        self._skip = 0

    def pieces(self, text: str) -> Iterator[str]:
        for token in _TOKEN.finditer(text):
            if brace := token["brace"]:
                self._group(brace)
            elif token["word"] in _HIDDEN or token["sign"] == "*":
                self._hidden[-1] = True
            elif not self._hidden[-1]:
                yield self._said(token)

    def _group(self, brace: str) -> None:
        self._skip = 0
        if brace == "{":
            self._hidden.append(self._hidden[-1])
            self._replacements.append(self._replacements[-1])
            if len(self._hidden) > DEPTH_MAX:
                raise NotReadError("its groups are nested too deep")
        elif len(self._hidden) > 1:
            self._hidden.pop()
            self._replacements.pop()

    def _said(self, token: re.Match[str]) -> str:
        word, number, code, plain = token["word"], token["number"], token["code"], token["plain"]
        if word == "uc":
            self._replacements[-1] = max(0, int(number or 1))
        elif word == "u" and number:
            self._skip = self._replacements[-1]
            return chr(int(number) % 0x10000)
        elif word:
            return _SAID.get(word, "")
        elif code:
            if self._skip:
                self._skip -= 1
            else:
                return bytes.fromhex(code).decode("cp1252", errors="replace")
        elif plain:
            shown, self._skip = plain[self._skip :], max(0, self._skip - len(plain))
            return str(shown)
        return _SIGNS.get(token["sign"] or "", "")
