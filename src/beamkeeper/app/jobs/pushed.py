"""Objects that somebody sent without our asking: kept with their patient, or named as nobody's.

Success was answered for them, so none may be dropped: those of a patient on tonight's list go into the
patient's parcel, all others stay in the night's spool and are counted in the report.
"""

from __future__ import annotations

import mmap
import threading
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.collect import Collection, Outcome
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.requester import ExpectedObject
from beamkeeper.wire.dicom.spool import ObjectIdentity, SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.protect.collect import Arrivals
    from beamkeeper.wire.dicom.spool import SpooledObject

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """What was sent unasked and is in no parcel of tonight.

    Attributes
    ----------
    late
        Of a patient on the list who had been collected before it came.
    nobody
        Of nobody on the list, or not readable.
    """

    late: tuple[SpooledObject, ...] = ()
    nobody: tuple[SpooledObject, ...] = ()

    def packs(self) -> frozenset[str]:
        """Return the files of the spool that must stay."""
        return frozenset(item.pack for item in (*self.late, *self.nobody))

    def in_words(self, spool: Path) -> tuple[str, ...]:
        """Return one sentence for each kind, without naming anybody."""
        lines = []
        if self.late:
            lines.append(
                f"{len(self.late)} objects were sent to us after their patient had been collected. They "
                f"are kept in {spool}: run the night of this date again to seal them."
            )
        if self.nobody:
            lines.append(
                f"{len(self.nobody)} objects were sent to us of nobody on tonight's list. They are not "
                f"sealed; they are kept in {spool}."
            )
        return tuple(lines)


class Pushed:
    """The unasked objects of one night's spool by Patient ID; safe to ask from several threads."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._lock = threading.Lock()
        self._refs: dict[str, ObjectRef | None] = {}

    def with_pushed(self, patient_id: str, collection: Collection) -> tuple[Collection, frozenset[str]]:
        """Return the collection with what was sent of this patient unasked, and those objects' UIDs.

        An object that a source lists as well is not counted: it was expected anyway.
        """
        received: dict[str, list[SpooledObject]] = defaultdict(list)
        expected: dict[str, ExpectedObject] = {}
        for item, ref in self._unasked():
            if ref is None or ref.patient_id != patient_id or ref.sop_instance_uid in collection.expected:
                continue
            received[ref.sop_instance_uid].append(item)
            expected[ref.sop_instance_uid] = ExpectedObject(
                sop_instance_uid=ref.sop_instance_uid,
                series_instance_uid=ref.series_instance_uid,
                study_instance_uid=ref.study_instance_uid,
                modality=ref.modality,
                sop_class_uid=ref.sop_class_uid,
                patient_id=ref.patient_id,
            )
        if not expected:
            return collection, frozenset()
        whole = replace(
            collection,
            expected={**collection.expected, **expected},
            received={**collection.received, **{uid: tuple(items) for uid, items in received.items()}},
            outcomes={**collection.outcomes, **dict.fromkeys(expected, Outcome.RECEIVED)},
        )
        return whole, frozenset(expected)

    def unclaimed(self, taken: Iterable[tuple[str, str]], patient_ids: Iterable[str]) -> Unclaimed:
        """Return what no patient took.

        Parameters
        ----------
        taken
            (SOP Instance UID, SHA-256) of everything the patients of tonight hold.
        patient_ids
            Everybody on the list.
        """
        held, listed = frozenset(taken), frozenset(patient_ids)
        late: list[SpooledObject] = []
        nobody: list[SpooledObject] = []
        for item, ref in self._unasked():
            if (item.sop_instance_uid, item.sha256) in held:
                continue
            (late if ref is not None and ref.patient_id in listed else nobody).append(item)
        return Unclaimed(late=tuple(late), nobody=tuple(nobody))

    def _unasked(self) -> list[tuple[SpooledObject, ObjectRef | None]]:
        """Return what was sent unasked; what the vault has already is kept already."""
        self._arrivals.refresh()
        items = [item for item in self._arrivals.unasked() if not item.known]
        with self._lock:
            for item in items:
                if item.sha256 not in self._refs:
                    self._refs[item.sha256] = _identified(item, self._arrivals.reader)
            return [(item, self._refs[item.sha256]) for item in items]


def _identified(item: SpooledObject, reader: SpoolReader) -> ObjectRef | None:
    """Return what an object says it is, read in place; None when it cannot be read."""
    with (
        reader.open(item) as spooled,
        Path(spooled.name).open("rb") as pack,
        closing(mmap.mmap(pack.fileno(), 0, access=mmap.ACCESS_READ)) as mapped,
        memoryview(mapped) as whole,
        whole[item.offset : item.offset + item.size_bytes] as view,
    ):
        try:
            return identify(view)
        except ObjectUnreadable:
            return None


def remove_packs_but(spool: Path, keep: frozenset[str]) -> None:
    """Remove every file of the spool that holds nothing unclaimed."""
    reader = SpoolReader(spool)
    for pack in sorted(path.name for path in spool.glob("*.pack")):
        if pack not in keep:
            reader.remove(pack)


def count_unasked(spool: Path) -> int:
    """Return how many objects of a spool nobody asked for and no parcel held when they came."""
    if not spool.is_dir():
        return 0
    return sum(not item.solicited and not item.known for item in SpoolReader(spool).poll())


def hand_on_unasked(before: Path, spool: Path, *, writer_name: str) -> int:
    """Move what was sent unasked to one spool into another, then empty the first; return how many objects.

    Killed half way it leaves objects in both: the same bytes twice are one.
    """
    if not before.is_dir():
        return 0
    reader = SpoolReader(before)
    items = [item for item in reader.poll() if not item.solicited and not item.known]
    if items:
        with SpoolWriter(spool, writer_name) as writer:
            for item in items:
                with reader.open(item) as source:
                    writer.add(b"", iter(partial(source.read, BLOCK_BYTES), b""), _identity(item))
            writer.commit()
    remove_packs_but(before, frozenset())
    return len(items)


def _identity(item: SpooledObject) -> ObjectIdentity:
    return ObjectIdentity(
        sop_class_uid=item.sop_class_uid,
        sop_instance_uid=item.sop_instance_uid,
        transfer_syntax_uid=item.transfer_syntax_uid,
        calling_ae_title=item.calling_ae_title,
        solicited=item.solicited,
    )


def remove_what_we_asked_for(spool: Path) -> bool:
    """Remove from a spool what its sources can send again; return whether anything else is left."""
    keep = frozenset(item.pack for item in SpoolReader(spool).poll() if not item.solicited and not item.known)
    remove_packs_but(spool, keep)
    return bool(keep)
