"""Plain text out of RTF, as notes and documents of an OIS are kept: nothing in it is followed, opened or run.

One pass without backtracking, so that a hostile note costs no more than its length; whatever is not
understood is left out of the layout and never of the text.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace

RICH_TEXT_CHARACTERS_MAX = 1_000_000
"""A longer note is read up to here."""

_TOKEN = re.compile(
    r"""\\(?P<word>[A-Za-z]{1,32})(?P<number>-?\d{1,10})?[ ]?
      | \\'(?P<byte>[0-9A-Fa-f]{2})
      | \\(?P<sign>.)
      | (?P<brace>[{}])
      | (?P<text>[^\\{}\r\n]+)
      | [\r\n]+ | \\""",
    re.VERBOSE | re.DOTALL,
)

_SHOWN = {
    "par": "\n", "line": "\n", "row": "\n", "sect": "\n", "page": "\n", "tab": "\t", "cell": "\t",
    "emdash": "\u2014", "endash": "\u2013", "bullet": "\u2022", "lquote": "\u2018", "rquote": "\u2019",
    "ldblquote": "\u201c", "rdblquote": "\u201d", "emspace": " ", "enspace": " ",
}  # fmt: skip

_SIGNS = {"~": " ", "_": "-", "-": "", "\n": "\n", "\r": "\n", "\\": "\\", "{": "{", "}": "}"}

_NOT_TEXT = frozenset(
    """
    fonttbl colortbl stylesheet info pict object objdata datafield datastore themedata fldinst header headerl
    headerr headerf footer footerl footerr footerf listtable listoverridetable revtbl rsidtbl generator
    latentstyles xmlnstbl colorschememapping filetbl passwordhash
    """.split()  # noqa: SIM905 - a list of words
)
"""Groups that hold settings, pictures and embedded files."""

_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip

_DEFAULT = "cp1252"


def plain_text(note: str, *, characters_max: int = RICH_TEXT_CHARACTERS_MAX) -> str:
    """Return what a person would read in `note`; a text that is no RTF comes back as it is."""
    if not note.lstrip("\ufeff \t\r\n\x00").startswith("{\\rtf"):
        return note
    reading = _Reading()
    position = 0
    part = note[:characters_max]
    while (match := _TOKEN.match(part, position)) is not None:
        position = match.end() + reading.take(match)
    text = reading.text()
    return text if part is note or len(part) == len(note) else f"{text} … (cut)"


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds between two braces."""

    hidden: bool = False
    in_fonts: bool = False
    fallback_characters: int = 1
    font: int = -1


@dataclass(slots=True)
class _Reading:
    group: _Group = field(default_factory=_Group)
    _outer: list[_Group] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _bytes: bytearray = field(default_factory=bytearray)
    _fonts: dict[int, str] = field(default_factory=dict)
    _codec: str = _DEFAULT
    _to_skip: int = 0

    def take(self, token: re.Match[str]) -> int:
        """Read one token; return how many characters after it are no text."""
        if token["byte"]:
            self._take_byte(int(token["byte"], 16))
        elif token["word"]:
            return self._take_word(token["word"], int(token["number"]) if token["number"] else None)
        elif token["brace"]:
            self._take_brace(token["brace"])
        elif token["sign"]:
            self._take_sign(token["sign"])
        elif token["text"]:
            self._take_text(token["text"])
        return 0

    def text(self) -> str:
        """Return everything read."""
        self._decode()
        joined = "".join(self._parts).replace("\x00", "")
        whole = joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return "\n".join(line.rstrip() for line in whole.splitlines()).strip()

    def _show(self, text: str) -> None:
        self._decode()
        if not self.group.hidden:
            self._parts.append(text)

    def _decode(self) -> None:
        """Show the bytes that came one by one: some codecs need two for a character."""
        if self._bytes:
            codec = self._fonts.get(self.group.font, self._codec)
            self._parts.append(self._bytes.decode(codec, "replace"))
            self._bytes.clear()

    def _take_text(self, text: str) -> None:
        skipped = min(self._to_skip, len(text))
        self._to_skip -= skipped
        if rest := text[skipped:]:
            self._show(rest)

    def _take_byte(self, byte: int) -> None:
        if self._to_skip:
            self._to_skip -= 1
        elif not self.group.hidden:
            self._bytes.append(byte)

    def _take_sign(self, sign: str) -> None:
        if sign == "*":
            self.group = replace(self.group, hidden=True)
        else:
            self._take_text(_SIGNS.get(sign, ""))

    def _take_brace(self, brace: str) -> None:
        self._decode()
        self._to_skip = 0
        if brace == "{":
            self._outer.append(self.group)
        elif self._outer:
            self.group = self._outer.pop()

    def _take_word(self, word: str, number: int | None) -> int:
        if word == "bin":
            return max(0, number or 0)
        if word == "u" and number is not None:
            self._show(chr(number % 0x10000))
            self._to_skip = self.group.fallback_characters
        elif word in _NOT_TEXT:
            self.group = replace(self.group, hidden=True, in_fonts=word == "fonttbl")
        elif word in _SHOWN:
            self._show(_SHOWN[word])
        elif number is not None:
            self._set(word, number)
        return 0

    def _set(self, word: str, number: int) -> None:
        if word == "f":
            self._decode()
            self.group = replace(self.group, font=number)
        elif word == "fcharset" and self.group.in_fonts and number in _CHARSETS:
            self._fonts[self.group.font] = _CHARSETS[number]
        elif word == "uc":
            self.group = replace(self.group, fallback_characters=min(max(0, number), 10))
        elif word == "ansicpg":
            self._codec = _known_codec(number)


def _known_codec(code_page: int) -> str:
    try:
        return codecs.lookup(f"cp{code_page}").name
    except LookupError:
        return _DEFAULT
