"""The pictures of a night's dossiers: drawn once, and remembered until what they are drawn from changes.

A night that brings a new fraction brings no new image. The bytes come from tonight's spool, and out of the
vault only where something has to be drawn again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Final

import zstandard

from beamkeeper.app.jobs.bytes_at_hand import BytesAtHand
from beamkeeper.app.jobs.dossier_photos import kept_photos, with_photos, words_of
from beamkeeper.app.jobs.drawing_time import DrawingTime
from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.errors import BeamkeeperError, IntegrityError, ObjectUnreadable
from beamkeeper.protect.dossier import Picture, PictureKind, Pictures, materials_of, named, pictures_together
from beamkeeper.vault.state import THIS_PARCEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from beamkeeper.app.jobs.dossier_photos import KeptPhoto
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.dossier import DossierSource
    from beamkeeper.vault import Member, StoredDocument, StoredObject
    from beamkeeper.wire.dicom.spool import SpoolReader

DRAWN_AS: Final = 2
"""Raised when pictures of the same bytes are drawn otherwise: remembered ones are then drawn again."""
REMEMBERED_BYTES_MAX: Final = 64 << 20
DRAWN_FROM_BYTES_MAX: Final = 64 << 20
"""A larger object is not drawn: a night keeps within its memory."""

TIME_NAME: Final = "milliseconds"
DRAWN_LATER: Final = (
    "Not drawn in this night, which drew others as long as it may: a later night draws it when something else"
    " of the patient is new, `beamkeeper dossier` at any time."
)


def pictures_dir(runtime: Runtime, pseudonym: str) -> Path:
    """Return where the pictures of one patient are remembered."""
    return runtime.site.data_dir / "pictures" / pseudonym


def forget_pictures(runtime: Runtime, pseudonym: str) -> None:
    """Forget what was drawn of one patient."""
    shutil.rmtree(pictures_dir(runtime, pseudonym), ignore_errors=True)


def with_tonights_pictures(
    source: DossierSource,
    held: Sequence[StoredObject],
    members: Sequence[Member],
    *,
    documents: Iterable[StoredDocument],
    runtime: Runtime,
    spool: SpoolReader,
    pseudonym: str,
    scratch: Path,
) -> DossierSource:
    """Return a dossier's facts with the pictures of each plan, with photos, and what these cannot show.

    Parameters
    ----------
    held
        Every version of the patient's objects, those of tonight among them.
    members
        What is sealed tonight, documents too.
    documents
        Every version of the patient's documents, of which some are photos.
    scratch
        For what has to come out of the vault; removed at the end.
    """
    remembered = RememberedPictures(pictures_dir(runtime, pseudonym))
    photos = kept_photos(documents, source.entry.charts, words_of(runtime.site.documents), source.zone)
    with BytesAtHand(
        spool=spool,
        vault=runtime.vault,
        kept=[item for item in held if item.parcel != THIS_PARCEL],
        identities=runtime.keys.identities,
        scratch=scratch,
    ) as at_hand:
        time = DrawingTime(scratch.parent / TIME_NAME, runtime.site.night.pictures_minutes)
        made = named(_drawn(source, _Objects(held, members, at_hand), remembered, time))
        drawn = replace(source, pictures=made.pictures, picture_notes=made.reservations)
        whole = with_photos(drawn, photos, _Photos(remembered, members, at_hand).picture_of)
    remembered.tidy()
    return whole


def _drawn(
    source: DossierSource, objects: _Objects, remembered: RememberedPictures, time: DrawingTime
) -> Iterator[tuple[Plan, Pictures]]:
    """Yield each plan with its pictures: those that are not remembered are drawn together, and remembered.

    Where the night has drawn long enough nothing is drawn and nothing remembered, so that a later night does.
    """
    materials = materials_of(source.objects, objects.bytes_of)
    made = [remembered.find(material.made_from) for material in materials]
    missing = [material for material, found in zip(materials, made, strict=True) if found is None]
    late = bool(missing) and time.is_used_up
    drawn: Iterator[Pictures] = repeat(Pictures((), (DRAWN_LATER,)))
    if missing and not late:
        with time.spent():
            objects.take_out(dict.fromkeys(digest for material in missing for digest in material.made_from))
            drawn = iter(pictures_together(missing))
    for material, found in zip(materials, made, strict=True):
        pictures = found or next(drawn)
        if found is None and not late and objects.failed.isdisjoint(material.made_from):
            remembered.keep(material.made_from, pictures)
        yield material.plan, pictures


class _Objects:
    """The bytes of a patient's objects, from the spool or out of the vault.

    Attributes
    ----------
    failed
        SHA-256 of what was asked for and could not be had.
    """

    def __init__(self, held: Iterable[StoredObject], members: Iterable[Member], at_hand: BytesAtHand) -> None:
        self._held = {item.sha256: item for item in held}
        self._members = {member.name: member for member in members}
        self._at_hand = at_hand
        self.failed: set[str] = set()

    def take_out(self, digests: Iterable[str]) -> None:
        """Make ready what lies in the vault, each parcel read once."""
        wanted = (self._held[digest] for digest in digests if digest in self._held)
        self._at_hand.prepare((), {}, also=[item for item in wanted if item.parcel != THIS_PARCEL])

    def bytes_of(self, ref: ObjectRef) -> bytes:
        """Return the bytes of an object; raises any error of ours."""
        try:
            return self._bytes_of(ref)
        except BeamkeeperError:
            self.failed.add(ref.sha256)
            raise

    def _bytes_of(self, ref: ObjectRef) -> bytes:
        item = self._held.get(ref.sha256)
        if item is None:
            raise IntegrityError("The object is not among those that are kept.")
        if item.size_bytes > DRAWN_FROM_BYTES_MAX:
            raise ObjectUnreadable(f"An object of {item.size_bytes >> 20} MiB is too large to be drawn.")
        if item.parcel != THIS_PARCEL:
            return bytes(self._at_hand.kept(item))
        with self._members[item.member].open() as source:
            return source.read()


class _Photos:
    """Photographs among a patient's documents, new tonight or out of the vault."""

    def __init__(
        self, remembered: RememberedPictures, members: Iterable[Member], at_hand: BytesAtHand
    ) -> None:
        self._remembered, self._at_hand = remembered, at_hand
        self._members = {member.name: member for member in members}

    def picture_of(self, photo: KeptPhoto) -> Picture:
        """Return the picture of a photo; raises any error of ours."""
        made = self._remembered.find(photo.made_from)
        if made is None:
            made = Pictures(pictures=(photo.picture(self._bytes_of(photo.document)),), reservations=())
            self._remembered.keep(photo.made_from, made)
        return made.pictures[0]

    def _bytes_of(self, item: StoredDocument) -> bytes:
        if item.parcel != THIS_PARCEL:
            self._at_hand.prepare((), {}, also=[item])
            return self._at_hand.kept_file(item).read_bytes()
        with self._members[item.member].open() as source:
            return source.read()


class RememberedPictures:
    """The pictures of one patient's plans in a folder, each under what it was drawn from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._used: set[str] = set()

    def find(self, made_from: Sequence[str]) -> Pictures | None:
        """Return pictures that were drawn from the same bytes in the same way; None where there are none."""
        path = self._path(made_from)
        try:
            packed = path.read_bytes()
            data = zstandard.ZstdDecompressor().decompress(packed, max_output_size=REMEMBERED_BYTES_MAX)
            stated = json.loads(data)
            return Pictures(
                pictures=tuple(_picture(item) for item in stated["pictures"]),
                reservations=tuple(map(str, stated["reservations"])),
            )
        except (OSError, zstandard.ZstdError, ValueError, KeyError, TypeError):
            return None  # absent or damaged: they are drawn again

    def keep(self, made_from: Sequence[str], made: Pictures) -> None:
        """Remember the pictures of one plan."""
        stated = {
            "pictures": [_stated(picture) for picture in made.pictures],
            "reservations": list(made.reservations),
        }
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        packed = zstandard.ZstdCompressor().compress(json.dumps(stated).encode())
        write_whole(self._path(made_from), packed)

    def tidy(self) -> None:
        """Forget what was not asked for since this was made: plans that are gone or drawn otherwise."""
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            if path.name not in self._used:
                path.unlink(missing_ok=True)

    def _path(self, made_from: Sequence[str]) -> Path:
        key = hashlib.sha256(json.dumps([DRAWN_AS, *made_from]).encode()).hexdigest()
        self._used.add(f"{key}.json.zst")
        return self._folder / f"{key}.json.zst"


def _stated(picture: Picture) -> dict[str, object]:
    return {
        "kind": picture.kind.value,
        "title": picture.title,
        "caption": picture.caption,
        "svg": picture.svg.decode(),
        "alternative": picture.alternative,
        "width_mm": picture.width_mm,
        "height_mm": picture.height_mm,
    }


def _picture(stated: dict[str, object]) -> Picture:
    return Picture(
        kind=PictureKind(str(stated["kind"])),
        title=str(stated["title"]),
        caption=str(stated["caption"]),
        svg=str(stated["svg"]).encode(),
        alternative=str(stated["alternative"]),
        width_mm=float(str(stated["width_mm"])),
        height_mm=float(str(stated["height_mm"])),
    )
