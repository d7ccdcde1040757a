"""What a document says, as lines of text: from PDF, Word, Excel, RTF and plain text.

Runs only in the process of `reader_main`, behind the `fence`, which may be killed: a hostile file may take
all the time and memory that process has, and nothing else. Nothing in a file is executed, no link in it is
followed, XML with a document type is refused (entities), and no more is unpacked than `UNPACKED_BYTES_MAX`.

References
----------
ECMA-376 17.3 (runs and paragraphs), 18.3 (cells), 18.4 (shared strings); ISO 32000-1 9 (text)
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import io
import lzma
import pkgutil
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from beamkeeper.domain.rich_text import plain_text
from beamkeeper.protect.documents.content import DOCX, PDF, RTF, TEXT, XLSX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

UNPACKED_BYTES_MAX: Final = 64 << 20
MEMBERS_MAX: Final = 5_000
PAGES_MAX: Final = 500
LINES_MAX: Final = 20_000
LINE_CHARACTERS_MAX: Final = 2_000
_ODD: Final = (ValueError, LookupError, TypeError, ArithmeticError, OSError, RuntimeError)
"""What libraries raise for bytes they do not understand."""
_NOT_UNPACKED: Final = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError)
READ: Final = frozenset({PDF, DOCX, XLSX, RTF, TEXT})
"""Kinds that can be read."""
_CODECS: Final = (
    "ascii",
    "charmap",
    "cp437",
    "cp932",
    "cp950",
    "cp1252",
    "gb18030",
    "gb2312",
    "gbk",
    "latin-1",
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-be",
    "utf-16-le",
)
"""What documents are written in: names in packages, those of expat, and the maps of ISO 32000-1 9.7.5.2."""


class NotReadError(Exception):
    """Why a document gives no text, in words."""


def load(media_types: Iterable[str]) -> None:
    """Load whatever reading these kinds takes: behind the fence nothing can be loaded any more."""
    for codec in _CODECS:
        codecs.lookup(codec)
    if PDF in media_types:
        import pypdf  # noqa: PLC0415 - takes a fifth of a second, and only a PDF needs it

        for found in pkgutil.walk_packages(pypdf.__path__, "pypdf."):
            with contextlib.suppress(ImportError):  # what draws pictures is not installed here
                importlib.import_module(found.name)


def lines_of(data: bytes, media_type: str) -> list[str]:
    """Return the text of a document, a line each, blanks evened out, empty lines left out.

    Raises
    ------
    NotReadError
        It is damaged, locked by a password, or built to do harm.
    """
    lines = []
    for line in _READERS[media_type](data):
        even = " ".join(line.split())
        if even:
            lines.append(even[:LINE_CHARACTERS_MAX])
        if len(lines) > LINES_MAX:
            raise NotReadError(f"it has more than {LINES_MAX:,} lines")
    return lines


def _plain(data: bytes) -> Iterator[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    yield from text.splitlines()


def _rtf(data: bytes) -> Iterator[str]:
    # Pictures stand in RTF as hexadecimal digits, megabytes of them, before the text that follows.
    yield from plain_text(data.decode("latin-1"), characters_max=UNPACKED_BYTES_MAX).splitlines()


def _pdf(data: bytes) -> Iterator[str]:
    import pypdf  # noqa: PLC0415 - as in `load`
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise NotReadError("a password locks it")
        count = len(reader.pages)
        if count > PAGES_MAX:
            raise NotReadError(f"it has more than {PAGES_MAX} pages")
        for page in reader.pages:
            yield from page.extract_text().splitlines()
    except (PyPdfError, AttributeError, *_ODD) as error:
        raise NotReadError(f"it is a damaged PDF ({type(error).__name__})") from error


def _docx(data: bytes) -> Iterator[str]:
    with _opened(data) as package:
        parts = [name for name in package.namelist() if _OF_WORD.fullmatch(name)]
        room = _Room()
        for name in sorted(parts, key=lambda one: (one != "word/document.xml", one)):
            yield from _word_lines(room.read(package, name))


_OF_WORD: Final = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml")


def _word_lines(data: bytes) -> list[str]:
    lines: list[str] = []
    held: list[str] = []
    inside = 0

    def begin(name: str, _: dict[str, str]) -> None:
        nonlocal inside
        kind = name.rpartition(":")[2]
        if kind in {"t", "delText"}:
            inside += 1
        elif kind in {"tab", "br", "cr"}:
            held.append(" ")

    def end(name: str) -> None:
        nonlocal inside
        kind = name.rpartition(":")[2]
        if kind in {"t", "delText"}:
            inside -= 1
        elif kind == "p":
            lines.append("".join(held))
            held.clear()

    def text(found: str) -> None:
        if inside:
            held.append(found)

    _parse(data, begin, end, text)
    return [*lines, "".join(held)]


def _xlsx(data: bytes) -> Iterator[str]:
    with _opened(data) as package:
        room = _Room()
        names = set(package.namelist())
        shared: list[str] = []
        if "xl/sharedStrings.xml" in names:
            shared = _shared_strings(room.read(package, "xl/sharedStrings.xml"))
        sheets = sorted((name for name in names if _SHEET.fullmatch(name)), key=lambda one: (len(one), one))
        for name in sheets:
            title = name.rpartition("/")[2].removesuffix(".xml")
            yield from (f"{title} {cell}" for cell in _cells(room.read(package, name), shared))


_SHEET: Final = re.compile(r"xl/worksheets/sheet\d+\.xml")


def _shared_strings(data: bytes) -> list[str]:
    found: list[str] = []
    held: list[str] = []
    inside = 0

    def begin(name: str, _: dict[str, str]) -> None:
        nonlocal inside
        inside += name.rpartition(":")[2] == "t"

    def end(name: str) -> None:
        nonlocal inside
        kind = name.rpartition(":")[2]
        inside -= kind == "t"
        if kind == "si":
            found.append("".join(held))
            held.clear()

    def text(part: str) -> None:
        if inside:
            held.append(part)

    _parse(data, begin, end, text)
    return found


def _cells(data: bytes, shared: list[str]) -> list[str]:
    found: list[str] = []
    held: list[str] = []
    inside = 0
    where = kind_of_cell = ""

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside, where, kind_of_cell
        kind = name.rpartition(":")[2]
        if kind == "c":
            where, kind_of_cell = attributes.get("r", "?"), attributes.get("t", "n")
            held.clear()
        inside += kind in {"v", "t"}

    def end(name: str) -> None:
        nonlocal inside
        kind = name.rpartition(":")[2]
        inside -= kind in {"v", "t"}
        if kind == "c" and held:
            found.append(f"{where}: {_cell_text(''.join(held), kind_of_cell, shared)}")

    def text(part: str) -> None:
        if inside:
            held.append(part)

    _parse(data, begin, end, text)
    return found


def _cell_text(value: str, kind: str, shared: list[str]) -> str:
    if kind != "s":
        return value
    try:
        return shared[int(value)]
    except (ValueError, IndexError) as error:
        raise NotReadError("a cell names a text that is not there") from error


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, *_ODD) as error:
        raise NotReadError("it is a damaged Office file") from error
    if len(package.infolist()) > MEMBERS_MAX:
        raise NotReadError(f"it has more than {MEMBERS_MAX:,} parts")
    return package


class _Room:
    """Unpacks parts of a package, all of them together no more than `UNPACKED_BYTES_MAX`."""

    def __init__(self) -> None:
        self._left_bytes = UNPACKED_BYTES_MAX

    def read(self, package: zipfile.ZipFile, name: str) -> bytes:
        # What the list at the end says of a part's size is the file's own word: it is counted while unpacked.
        try:
            with package.open(name) as part:
                data = part.read(self._left_bytes + 1)
        except (*_NOT_UNPACKED, *_ODD) as error:
            raise NotReadError("it is a damaged Office file, or a password locks it") from error
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise NotReadError(f"it unpacks to more than {UNPACKED_BYTES_MAX >> 20} MiB")
        return data


def _parse(
    data: bytes,
    begin: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> None:
    """Read XML as it comes; a document type, and with it every entity, is refused."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, *_ODD) as error:
        raise NotReadError("it is a damaged Office file") from error


def _refuse(*_: object) -> None:
    raise NotReadError("its XML declares a document type, which no Office program writes")


_READERS: Final[dict[str, Callable[[bytes], Iterable[str]]]] = {
    PDF: _pdf,
    DOCX: _docx,
    XLSX: _xlsx,
    RTF: _rtf,
    TEXT: _plain,
}
