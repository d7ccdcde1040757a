"""The binder: everything to print for one department as one PDF, its pages counted through.

Parts are PDF already: lists, dossiers, chart sheets. Cover and contents are set last, when it is known on
which page each part begins; the number of the page in the binder is written on the lower edge of every page.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.lists.page import at
from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypdf import PageObject
    from pypdf.generic import PdfObject, RectangleObject

    from beamkeeper.protect.lists.row import ListHead

_TEMPLATE = files(__package__).joinpath("binder.typ").read_bytes()
STAMP_FONT: Final = NameObject("/BeamkeeperPage")
_FONT: Final = {
    NameObject("/Type"): NameObject("/Font"),
    NameObject("/Subtype"): NameObject("/Type1"),
    NameObject("/BaseFont"): NameObject("/Helvetica-Bold"),
}
"""One of the fourteen fonts that every reader of PDF has."""
STAMP_SIZE_PT: Final = 8
STAMP_UP_PT: Final = 17
"""6 mm from the lower edge: inside what office printers print, below what our pages hold."""
STAMP_WIDTH: Final = 0.53
"""Mean width of a letter of that font, in its size."""
EDGE_PT: Final = 34
PART_BYTES_MAX: Final = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One PDF of the binder.

    Attributes
    ----------
    title
        As it stands among the bookmarks.
    patient
        Index of the patient it is of; None for a list.
    kind
        "list", "dossier" or "chart".
    """

    title: str
    pdf: bytes
    kind: str = "list"
    patient: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One patient among the contents."""

    rank: int
    name: str
    identifiers: str
    next_fraction: str
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binder:
    """A binder before it is bound."""

    head: ListHead
    counts: tuple[str, ...]
    parts: tuple[Part, ...]
    entries: tuple[Entry, ...]
    decides: str


def bind(binder: Binder) -> bytes:
    """Return the binder as one PDF; the same binder gives the same bytes.

    Raises
    ------
    ObjectUnreadable
        A part is no PDF that can be read: which one, by title.
    """
    readers = [_reader(part) for part in binder.parts]
    counts = [len(reader.pages) for reader in readers]
    front = PdfReader(io.BytesIO(_front(binder, counts, front_pages=1)))
    front_pages = len(front.pages)
    front = PdfReader(io.BytesIO(_front(binder, counts, front_pages=front_pages)))
    assert len(front.pages) == front_pages, "a number more or less does not move a line"  # noqa: S101
    writer = PdfWriter()
    writer.append(front, outline_item="Contents", import_outline=False)
    chapters: dict[int, IndirectObject] = {}
    for part, reader in zip(binder.parts, readers, strict=True):
        first = len(writer.pages)
        writer.append(reader, import_outline=False)
        chapter = None
        if part.patient is not None:
            if part.patient not in chapters:
                title = _titled(binder.entries[part.patient])
                chapters[part.patient] = writer.add_outline_item(title=title, page_number=first)
            chapter = chapters[part.patient]
        writer.add_outline_item(title=part.title, page_number=first, parent=chapter)
    _number(writer, f"Binder, night of {binder.head.night}")
    writer.metadata = {"/Title": "Binder", "/Author": "Beamkeeper"}
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _titled(entry: Entry) -> str:
    return f"{entry.rank}. {entry.name}"


def _reader(part: Part) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(part.pdf))
        if len(reader.pages) > 0:
            return reader
        why = "it has no page"
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = str(error) or type(error).__name__
    raise ObjectUnreadable(f"{part.title} is no PDF that can be read: {why}.")


def is_pdf(pdf: bytes) -> bool:
    """Whether a binder can take these bytes in."""
    try:
        _reader(Part(title="", pdf=pdf))
    except ObjectUnreadable:
        return False
    return len(pdf) <= PART_BYTES_MAX


def _front(binder: Binder, counts: Sequence[int], *, front_pages: int) -> bytes:
    """Return cover and contents, with the page each part begins on when these take `front_pages`."""
    begins, page = [], front_pages + 1
    for count in counts:
        begins.append(page)
        page += count
    lists = [
        {"title": part.title, "page": str(begin)}
        for part, begin in zip(binder.parts, begins, strict=True)
        if part.patient is None
    ]
    pages: dict[tuple[int, str], list[str]] = {}
    for part, begin in zip(binder.parts, begins, strict=True):
        if part.patient is not None:
            pages.setdefault((part.patient, part.kind), []).append(str(begin))
    head = binder.head
    facts = {
        "site": head.site_name,
        "night": f"Night of {head.night:%A %Y-%m-%d}",
        "trust": head.trust,
        "made": at(head.made_at, head.zone),
        "warnings": [*head.warnings, *(f"NOT LISTED: {text}" for text in head.not_read)],
        "counts": list(binder.counts),
        "pages": str(page - 1),
        "decides": binder.decides,
        "lists": lists,
        "patients": [
            {
                "rank": str(entry.rank),
                "name": entry.name,
                "identifiers": entry.identifiers,
                "next": entry.next_fraction,
                "remark": entry.remark,
                "dossier": ", ".join(pages.get((index, "dossier"), ["–"])),
                "chart": ", ".join(pages.get((index, "chart"), ["–"])),
            }
            for index, entry in enumerate(binder.entries)
        ],
    }
    return set_pdf(_TEMPLATE, facts, made_at=int(head.made_at.timestamp()))


def _number(writer: PdfWriter, said: str) -> None:
    """Write the number of the page in the binder on the lower edge of every page.

    The page's own content is not parsed: that takes pypdf long on a page of drawings.
    """
    total = len(writer.pages)
    font = _added(writer, DictionaryObject(_FONT))
    before = _added(writer, _stream(b"q\n"))
    for number, page in enumerate(writer.pages, start=1):
        resources = DictionaryObject(page.get("/Resources", DictionaryObject()).get_object())
        fonts = DictionaryObject(resources.get("/Font", DictionaryObject()).get_object())
        fonts[STAMP_FONT] = font
        resources[NameObject("/Font")] = fonts
        page[NameObject("/Resources")] = resources
        text = f"{said}: page {number} of {total}"
        stamp = _added(writer, _stream(_drawn(text, page.mediabox)))
        page[NameObject("/Contents")] = ArrayObject([before, *_contents(page), stamp])


def _contents(page: PageObject) -> list[PdfObject]:
    """Return a page's own content streams, of which it may have none, one, or several."""
    found = page.raw_get("/Contents") if "/Contents" in page else ArrayObject()
    held = found.get_object()
    return list(held) if isinstance(held, ArrayObject) else [found]


def _drawn(text: str, page: RectangleObject) -> bytes:
    x = float(page.right) - EDGE_PT - len(text) * STAMP_SIZE_PT * STAMP_WIDTH
    y = float(page.bottom) + STAMP_UP_PT
    return f"\nQ\nBT {STAMP_FONT} {STAMP_SIZE_PT} Tf 0 g {x:.1f} {y:.1f} Td ({text}) Tj ET\n".encode("ascii")


def _stream(data: bytes) -> StreamObject:
    stream = StreamObject()
    stream.set_data(data)
    return stream


def _added(writer: PdfWriter, thing: PdfObject) -> IndirectObject:
    return writer._add_object(thing)  # noqa: SLF001 - pypdf has no public way to add an object
