"""The binder: everything to print for one department as one PDF, its pages counted through.

Parts are PDF already: lists, dossiers, chart sheets. Cover and contents are set last, when it is known on
which page each part begins; the number of the page in the binder is laid over the lower edge of every page.
"""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import pikepdf
from pikepdf import Name

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.lists.archive import PDF_VERSION, promise
from beamkeeper.protect.lists.page import at
from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.protect.lists.row import ListHead

_TEMPLATE = files(__package__).joinpath("binder.typ").read_bytes()
_STAMP_TEMPLATE: Final = files(__package__).joinpath("stamp.typ").read_bytes()
STAMP: Final = "/BeamkeeperPage"
STAMP_WIDTH_PT: Final = 255.12
"""Of the small pages of `stamp.typ`: 90 mm."""
STAMP_UP_PT: Final = 12
"""Inside what office printers print, below what our pages hold."""
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
    with ExitStack() as opened:
        readers = [opened.enter_context(_reader(part)) for part in binder.parts]
        counts = [len(reader.pages) for reader in readers]
        with pikepdf.open(io.BytesIO(_front(binder, counts, front_pages=1))) as first_try:
            front_pages = len(first_try.pages)
        data = _front(binder, counts, front_pages=front_pages)
        front = opened.enter_context(pikepdf.open(io.BytesIO(data)))
        assert len(front.pages) == front_pages, "a number more or less does not move a line"  # noqa: S101
        made = opened.enter_context(pikepdf.new())
        # Pages are named and not copied: their bytes go from part to binder when it is written.
        for reader in (front, *readers):
            made.pages.extend(reader.pages)
        _outline(made, binder, front_pages, counts)
        stamps = opened.enter_context(pikepdf.open(io.BytesIO(_stamps(binder, len(made.pages)))))
        _number(made, stamps)
        promise(made, (front, *readers, stamps), title="Binder", author="Beamkeeper")
        out = io.BytesIO()
        made.save(out, deterministic_id=True, min_version=PDF_VERSION)
    return out.getvalue()


def _outline(made: pikepdf.Pdf, binder: Binder, front_pages: int, counts: Sequence[int]) -> None:
    """Write the bookmarks: each list, each patient with their parts."""
    chapters: dict[int, pikepdf.OutlineItem] = {}
    with made.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("Contents", 0))
        begins = front_pages
        for part, count in zip(binder.parts, counts, strict=True):
            among = outline.root
            if part.patient is not None:
                if part.patient not in chapters:
                    title = _titled(binder.entries[part.patient])
                    chapters[part.patient] = pikepdf.OutlineItem(title, begins)
                    outline.root.append(chapters[part.patient])
                among = chapters[part.patient].children
            among.append(pikepdf.OutlineItem(part.title, begins))
            begins += count


def _titled(entry: Entry) -> str:
    return f"{entry.rank}. {entry.name}"


def _reader(part: Part) -> pikepdf.Pdf:
    try:
        reader = pikepdf.open(io.BytesIO(part.pdf))
        if len(reader.pages) > 0:
            return reader
        why = "it has no page"
    except (pikepdf.PdfError, ValueError, KeyError, TypeError) as error:
        why = str(error) or type(error).__name__
    raise ObjectUnreadable(f"{part.title} is no PDF that can be read: {why}.")


def is_pdf(pdf: bytes) -> bool:
    """Whether a binder can take these bytes in."""
    try:
        _reader(Part(title="", pdf=pdf)).close()
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


def _number(made: pikepdf.Pdf, stamps: pikepdf.Pdf) -> None:
    """Lay the number of the page in the binder over the lower edge of every page.

    The page's own content is not looked into: what it leaves set is put back before. The name is always the
    same, for a chance one would make other bytes each time.
    """
    for page, stamp in zip(made.pages, stamps.pages, strict=True):
        _, bottom, right, _ = (float(edge) for edge in page.mediabox)
        x, y = right - EDGE_PT - STAMP_WIDTH_PT, bottom + STAMP_UP_PT
        page.add_resource(made.copy_foreign(stamp.as_form_xobject()), Name.XObject, Name(STAMP))
        page.contents_add(b"q\n", prepend=True)
        page.contents_add(f"\nQ\nq 1 0 0 1 {x:.2f} {y:.2f} cm {STAMP} Do Q\n".encode("ascii"))


def _stamps(binder: Binder, total: int) -> bytes:
    said = f"Binder, night of {binder.head.night}"
    words = [f"{said}: page {number} of {total}" for number in range(1, total + 1)]
    return set_pdf(_STAMP_TEMPLATE, {"words": words}, made_at=int(binder.head.made_at.timestamp()))
