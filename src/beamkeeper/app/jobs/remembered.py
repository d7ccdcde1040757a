"""What is remembered of a patient between nights, held against what is kept: the kept bytes decide.

An object whose bytes are identical is not read again, so what was said of it must be remembered. If
that memory is lost, damaged or older than the ledger, a course would look as if it had never begun.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.looked import PatientFacts
from beamkeeper.app.jobs.notes import read_note
from beamkeeper.app.jobs.standing import is_quarantined, named_only
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.plan import Plan
from beamkeeper.errors import IntegrityError
from beamkeeper.wire.dicom.reader import read_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.bytes_at_hand import BytesAtHand
    from beamkeeper.app.jobs.looked import ListedPatient
    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.plan import ControlPoint
    from beamkeeper.vault import StoredObject

NOT_DESCRIBED = frozenset({ObjectKind.IMAGE})
"""Kinds that are counted and compared but not described in the facts: a patient has thousands."""
FORGOTTEN = (
    "What was remembered of this patient was lost or damaged; it was read again from the copies in the vault."
)


def remembered(path: Path) -> PatientFacts | None:
    """Return the facts kept at `path`; None when they are lost or damaged, to be read anew."""
    try:
        return read_note(path, PatientFacts)
    except IntegrityError:
        return None


def without_description(
    current: Iterable[StoredObject], facts: PatientFacts | None
) -> tuple[StoredObject, ...]:
    """Return the kept objects that the facts should describe, and do not as they are kept."""
    described = {item.ref.sop_instance_uid: item.ref.sha256 for item in (facts.objects if facts else ())}
    kinds: dict[tuple[str, str], ObjectKind] = {}  # asked once a class: a patient has thousands of images
    forgotten = []
    for item in current:
        what = (item.sop_class_uid, item.modality)
        if what not in kinds:
            kinds[what] = named_only(item).kind
        if (
            kinds[what] not in NOT_DESCRIBED
            and described.get(item.sop_instance_uid) != item.sha256
            and not is_quarantined(item)
        ):
            forgotten.append(item)
    return tuple(forgotten)


def describe(
    forgotten: Sequence[StoredObject],
    facts: PatientFacts | None,
    listed: ListedPatient,
    *,
    at_hand: BytesAtHand,
    zone: ZoneInfo,
) -> PatientFacts:
    """Return the facts with every forgotten object described from the bytes that are kept.

    Raises
    ------
    IntegrityError, KeyUnavailable
        The bytes cannot be read back: where the patient stands is then not known.
    """
    before = facts or PatientFacts(pseudonym=listed.pseudonym, entry=listed.entry)
    known = {item.ref.sop_instance_uid: item for item in before.objects}
    for item in forgotten:
        read = read_object(at_hand.kept(item), zone=zone)
        known[item.sop_instance_uid] = in_outline(read)
    return replace(before, objects=tuple(known[uid] for uid in sorted(known)))


def in_outline(read: ClinicalObject) -> ClinicalObject:
    """Return what an object says, a plan without what only a comparison of bytes needs."""
    if not isinstance(read.content, Plan):
        return read
    beams = tuple(replace(beam, control_points=_outline(beam.control_points)) for beam in read.content.beams)
    return replace(read, content=replace(read.content, beams=beams))


def _outline(points: Sequence[ControlPoint]) -> tuple[ControlPoint, ...]:
    """Return what a table of beams shows: where a beam begins and ends, and its extremes; no leaf."""
    kept = {0, len(points) - 1} if points else set()
    for value_of in (attrgetter("gantry_angle_deg"), attrgetter("nominal_beam_energy")):
        stated = [place for place, point in enumerate(points) if value_of(point) is not None]
        if stated:
            kept |= {extreme(stated, key=lambda place: value_of(points[place])) for extreme in (min, max)}
    return tuple(replace(points[place], leaf_positions_mm=()) for place in sorted(kept))
