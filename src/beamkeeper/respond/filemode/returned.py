"""What came back from the machine, held against what was released: whose, of which plan, how much, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.meterset import DEFAULT_TOLERANCE, usable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.record import BeamDelivery, TreatmentRecord
    from beamkeeper.respond.filemode.drop import BeamLeft, Drop

EARLIER_MAX: Final = timedelta(minutes=10)
"""A console's clock may be slow by so much."""


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


def _of_record(drop: Drop, record: TreatmentRecord) -> Iterator[str]:
    if record.patient_id.strip() != drop.patient.patient_id.strip():
        yield "It names another Patient ID than the drop."
    if record.referenced_plan_uid is None:
        yield "It names no plan."
    elif record.referenced_plan_uid != drop.plan_uid:
        yield "It names another plan than the one that was released."
    if record.treated_at is None:
        yield "It does not say when it was given."
    elif record.treated_at < drop.released_at - EARLIER_MAX:
        yield "It was given before the plan was released."
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
