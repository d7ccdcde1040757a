"""Which of a patient's documents are photographs, and what of them stands on the dossier.

A photo comes as any document does, and is kept sealed byte for byte. It is one when its kind, its title or
its place says so, by the words of the site file; nothing looks at what is on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.app.site_documents import PHOTO_WORDS, SETUP_WORDS
from beamkeeper.clock import local_date
from beamkeeper.domain.words import line, plural
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.dossier import portrait, setup_photo
from beamkeeper.wire.paper.photo import DECODED_TYPES, FILE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from zoneinfo import ZoneInfo

    from beamkeeper.app.site_documents import DocumentsSection
    from beamkeeper.domain.chart import Chart, ChartDocument
    from beamkeeper.protect.dossier import DossierSource, Picture
    from beamkeeper.vault import StoredDocument


SETUP_SHOWN_MAX: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoWords:
    """Words by which photographs are known.

    Attributes
    ----------
    photo
        In the kind, the title or the place of a document: it is a photograph.
    setup
        As well: it is one of the setup, and not of who it is.
    """

    photo: tuple[str, ...] = PHOTO_WORDS
    setup: tuple[str, ...] = SETUP_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPhoto:
    """One photograph that is kept.

    Attributes
    ----------
    dated_on
        When the OIS says that it was made or revised, else the night that first kept it.
    is_stated
        Whether the OIS says so.
    """

    document: StoredDocument
    is_setup: bool
    dated_on: date
    is_stated: bool

    @property
    def title(self) -> str:
        """What the OIS or the share calls it."""
        return line(self.document.title, longest=60)

    @property
    def dated(self) -> str:
        """When it is from, in words."""
        return f"{self.dated_on}" if self.is_stated else f"kept since {self.dated_on}"

    @property
    def made_from(self) -> tuple[str, ...]:
        """Everything that its picture depends on."""
        return ("photo", self.document.sha256, str(self.is_setup), self.title, self.dated)

    def picture(self, data: bytes) -> Picture:
        """Return its picture; raises `ObjectUnreadable` where the file is no photograph."""
        if self.is_setup:
            return setup_photo(data, name=self.title, dated=self.dated)
        return portrait(data, dated=self.dated)


def words_of(sections: Iterable[DocumentsSection]) -> PhotoWords:
    """Return by which words a site knows photographs."""
    every = tuple(sections)
    if not every:
        return PhotoWords()
    return PhotoWords(
        photo=tuple(dict.fromkeys(word for section in every for word in section.photos)),
        setup=tuple(dict.fromkeys(word for section in every for word in section.setup_photos)),
    )


def kept_photos(
    documents: Iterable[StoredDocument], charts: Iterable[Chart], words: PhotoWords, zone: ZoneInfo
) -> tuple[KeptPhoto, ...]:
    """Return the photographs among a patient's current documents, the newest first."""
    named = {f"{chart.source}/{item.document_id}": item for chart in charts for item in chart.documents}
    found = [
        _photo(item, named.get(item.document_id.partition("#")[0]), words, zone)
        for item in documents
        if item.present and not item.superseded and item.media_type in DECODED_TYPES
    ]
    photos = [one for one in found if one is not None]
    return tuple(sorted(photos, key=lambda one: (-one.dated_on.toordinal(), one.document.document_id)))


def _photo(
    item: StoredDocument, named: ChartDocument | None, words: PhotoWords, zone: ZoneInfo
) -> KeptPhoto | None:
    told = " ".join((item.title, item.document_id, named.kind if named else "")).casefold()
    if not any(word.casefold() in told for word in words.photo):
        return None
    stated = (named.revised_at or named.created_at) if named else None
    return KeptPhoto(
        document=item,
        is_setup=any(word.casefold() in told for word in words.setup),
        dated_on=item.first_seen_on if stated is None else local_date(stated, zone),
        is_stated=stated is not None,
    )


def with_photos(
    source: DossierSource, photos: Iterable[KeptPhoto], draw: Callable[[KeptPhoto], Picture]
) -> DossierSource:
    """Return a dossier's facts with the photo of the patient and those of the setup.

    Parameters
    ----------
    draw
        Gives the picture of a photo; may raise any error of ours.
    """
    everything = tuple(photos)
    portraits = [one for one in everything if not one.is_setup]
    setups = [one for one in everything if one.is_setup]
    notes = list(_told(portraits, setups))
    photo = _drawn(portraits[0], draw, notes) if portraits else None
    shown = [picture for one in setups[:SETUP_SHOWN_MAX] if (picture := _drawn(one, draw, notes))]
    return replace(
        source, photo=photo, setup_photos=tuple(shown), picture_notes=(*source.picture_notes, *notes)
    )


def _told(portraits: list[KeptPhoto], setups: list[KeptPhoto]) -> Iterator[str]:
    if len(portraits) > 1:
        is_known = portraits[0].dated_on > portraits[1].dated_on
        which = "the newest is shown" if is_known else "which of them is the newest is not known"
        yield f"{plural(len(portraits), 'photo')} of the patient are kept; {which}."
    if (more := len(setups) - SETUP_SHOWN_MAX) > 0:
        yield f"{plural(more, 'setup photo')} more are kept and not printed."


def _drawn(one: KeptPhoto, draw: Callable[[KeptPhoto], Picture], notes: list[str]) -> Picture | None:
    """Return a picture; None, and a word about it, where there is none."""
    if one.document.size_bytes > FILE_BYTES_MAX:
        notes.append(f"The photo “{one.title}” is kept and not shown: it is larger than a photo may be.")
        return None
    try:
        return draw(one)
    except BeamkeeperError as error:
        notes.append(f"The photo “{one.title}” is not shown: {error.message}")
        return None
