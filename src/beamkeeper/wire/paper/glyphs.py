"""Which characters the built-in fonts can show: what they cannot is printed as its code point.

PDF/A refuses a document with a character that no font shows, and a patient whose name cannot be printed
needs the paper as much as another. Fonts of the machine are left out: the same facts have to give the same
bytes anywhere.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

import typst

from beamkeeper.domain.words import code_point, visible

PDF_STANDARD: Final = "a-2b"
_SURELY = frozenset(
    chr(code)
    for first, last in ((0x20, 0x7E), (0xA0, 0x17F), (0x386, 0x3CE), (0x400, 0x45F))
    for code in range(first, last + 1)
    if code not in {0xAD, 0x38B, 0x38D, 0x3A2}
) | frozenset("\n–—‘’“”…→▲×°‹›")
"""Latin, Greek and Cyrillic letters and the signs we use: every one is in Libertinus Serif (tested)."""
_ONE = b"""#set document(date: datetime(year: 2026, month: 1, day: 1))
#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"))
#sys.inputs.sign"""


@cache
def fonts() -> typst.Fonts:
    """Return the fonts that come with typst."""
    return typst.Fonts(include_system_fonts=False)


@lru_cache(maxsize=16_384)
def is_shown(sign: str) -> bool:
    """Whether the built-in fonts have a character."""
    if sign in _SURELY:
        return True
    try:
        typst.compile(
            _ONE, sys_inputs={"sign": sign}, font_paths=fonts(), pdf_standards=PDF_STANDARD, timestamp=0
        )
    except typst.TypstError:
        return False
    return True


def printable(text: str) -> str:
    """Return text with what no font shows, and what would hide or reorder, as code points."""
    if _SURELY.issuperset(text):
        return text
    return "".join(map(_printed, text))


def _printed(sign: str) -> str:
    if sign in _SURELY:
        return sign
    shown = visible(sign)
    return shown if shown != sign or is_shown(sign) else code_point(sign)


def ascii_only(text: str) -> str:
    """Return text with everything outside ASCII as code points: the last resort."""
    return "".join(sign if sign.isascii() else code_point(sign)[1:-1] for sign in text)
