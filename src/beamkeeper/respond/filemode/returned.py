"""What came back from the machine, held against what was released: whose, of which plan, how much, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.meterset import DEFAULT_TOLERANCE, usable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beamkeeper.domain.record import BeamDelivery, TreatmentRecord
    from beamkeeper.respond.filemode.drop import BeamLeft, Drop

EARLIER_MAX: Final = timedelta(minutes=10)
"""A console's clock may be slow by so much."""
OTHER_PATIENT: Final = "It names another Patient ID than the drop."
OTHER_PLAN: Final = "It names another plan than the one that was released."
NO_PLAN: Final = "It names no plan."
EARLIER: Final = "It was given before the plan was released."
CLOCKS: Final = "It says this fraction and a time before the release: compare the clocks."
OF_OTHERS: Final = frozenset({OTHER_PATIENT, OTHER_PLAN, NO_PLAN, EARLIER})
"""A record with one of these shows nothing of this session."""


class ReturnedKind(StrEnum):
    """What a file that came back is."""

    RECORD = "treatment record"
    IMAGE = "image"
    OTHER_OBJECT = "other DICOM object"
    OTHER_FILE = "log or other file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """One file that came back, kept byte for byte under its digest.

    Attributes
    ----------
    place
        Where it lay on the share; the machine chose the names.
    sop_instance_uid
        "" where it is no DICOM object.
    problems
        What keeps it from being taken for a part of this session, in words.
    fraction_missing
        Whether a record leaves a fraction number empty: people have to say which it is.
    """

    place: tuple[str, ...]
    kind: ReturnedKind
    sha256: str
    size_bytes: int
    sop_instance_uid: str = ""
    problems: tuple[str, ...] = ()
    fraction_missing: bool = False


def judged(drop: Drop, record: TreatmentRecord) -> tuple[str, ...]:
    """Return what is wrong with a record that came back from a drop; () when it is this session's."""
    return tuple(dict.fromkeys(_of_record(drop, record)))


def is_numbered(record: TreatmentRecord) -> bool:
    """Return whether every delivery says of which fraction it is."""
    return all(one.current_fraction_number for one in record.deliveries)


def given_in(drops: Iterable[Drop], record: TreatmentRecord) -> Drop | None:
    """Return the drop in whose session a record was made: the last of its plan before it; None without one.

    It may come back with a later drop, of the same plan or of somebody else's.
    """
    of_plan = [one for one in drops if one.plan_uid == record.referenced_plan_uid]
    if record.treated_at is None:
        return of_plan[0] if len(of_plan) == 1 else None
    before = [one for one in of_plan if one.released_at - EARLIER_MAX <= record.treated_at]
    return max(before, key=lambda one: one.released_at, default=None)


def _says(record: TreatmentRecord) -> set[int | None]:
    return {one.current_fraction_number for one in record.deliveries}


def _of_record(drop: Drop, record: TreatmentRecord) -> Iterator[str]:
    if record.patient_id.strip() != drop.patient.patient_id.strip():
        yield OTHER_PATIENT
    if record.referenced_plan_uid is None:
        yield NO_PLAN
    elif record.referenced_plan_uid != drop.plan_uid:
        yield OTHER_PLAN
    if record.treated_at is None:
        yield "It does not say when it was given."
    elif record.treated_at < drop.released_at - EARLIER_MAX:
        yield CLOCKS if _says(record) == {drop.fraction_number} else EARLIER
    if not record.deliveries:
        yield "It names no beam."
    beams = {beam.beam_number: beam for beam in drop.beams}
    for delivery in record.deliveries:
        yield from _of_delivery(drop, beams, delivery)


def _of_delivery(drop: Drop, beams: dict[int, BeamLeft], delivery: BeamDelivery) -> Iterator[str]:
    number = delivery.current_fraction_number
    if number is None:
        yield "It leaves the fraction number empty."
    elif number != drop.fraction_number:
        yield f"It says fraction {number}; fraction {drop.fraction_number} was released."
    machine = delivery.treatment_machine_name
    if machine and machine != drop.treatment_machine_name:
        yield f"It was given on {machine}; {drop.treatment_machine_name} was meant."
    beam = beams.get(delivery.referenced_beam_number or -1)
    given = usable(delivery.delivered_meterset)
    if beam is None:
        yield f"It names beam {delivery.referenced_beam_number}, which is not of this session."
    elif given is None:
        yield f"Beam {beam.beam_number}: it does not say how much was given."
    elif beam.left is not None and given > beam.left + DEFAULT_TOLERANCE.allowed(
        beam.planned or 0.0, delivery.primary_dosimeter_unit
    ):
        yield f"Beam {beam.beam_number}: {given:.2f} {beam.unit} given, {beam.left:.2f} were left to give."
