"""A drop: one plan of one patient for one session, as it was released and as it lies on the share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.domain.patient import Patient
from beamkeeper.domain.placing import fraction_groups, treatment_beams

if TYPE_CHECKING:
    from beamkeeper.domain.plan import Plan
    from beamkeeper.domain.position import PlanPosition


class FileKind(StrEnum):
    """What a file of a drop is; the value begins its name."""

    PLAN = "RP"
    STRUCTURE_SET = "RS"
    IMAGE = "CT"
    REFERENCE_IMAGE = "RI"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropFile:
    """One file, byte for byte as it was received when the systems still worked.

    Attributes
    ----------
    name
        Of its kind and its SOP Instance UID: says nothing of the patient.
    """

    name: str
    kind: FileKind
    sop_instance_uid: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamLeft:
    """One beam of the session.

    Attributes
    ----------
    delivered, planned
        Meterset of this fraction, in `unit`; `planned` None where the plan does not say.
    """

    beam_number: int
    beam_name: str
    delivered: float
    planned: float | None
    unit: str

    @property
    def left(self) -> float | None:
        """What is still to be given; None where the plan does not say how much belongs to it."""
        return None if self.planned is None else max(0.0, self.planned - self.delivered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """One drop, as released.

    Attributes
    ----------
    drop_id
        Names it in the journal and in the incident's folder.
    share, folder
        The machine's share as it was mounted, and the drop's folder in it.
    is_simulator
        Whether the share is one of a simulator.
    physicist
        Who decided how a fraction that was begun goes on; "" where none was.
    cautions
        What the two people were warned of.
    """

    drop_id: str
    pseudonym: str
    patient: Patient
    plan_uid: str
    rt_plan_label: str
    fraction_number: int
    fractions_planned: int | None
    fractions_complete: int
    is_continuation: bool
    beams: tuple[BeamLeft, ...]
    machine_id: str
    treatment_machine_name: str
    share: str
    folder: str
    is_simulator: bool
    files: tuple[DropFile, ...]
    released_at: datetime
    released_by: tuple[str, ...]
    reason: str
    physicist: str = ""
    cautions: tuple[str, ...] = ()


def staging(drop: Drop) -> str:
    """Return the folder in which a drop is written before it gets its name; no operator opens it."""
    return f".beamkeeper-{drop.drop_id}"


def session_beams(plan: Plan, at: PlanPosition) -> tuple[BeamLeft, ...]:
    """Return the beams of the next fraction with what records show of each."""
    group = next(
        (one for one in fraction_groups(plan) if one.fraction_group_number == at.next_fraction_group_number),
        None,
    )
    if group is None:
        return ()
    begun = next(
        (
            state
            for state in at.fractions
            if state.fraction_number == at.next_fraction_number
            and state.fraction_group_number == group.fraction_group_number
            and state.is_partial
        ),
        None,
    )
    partial = {} if begun is None else {number: given for number, given, _ in begun.partial_beams}
    missing = () if begun is None else begun.missing_beam_numbers

    def delivered(number: int, planned: float | None) -> float:
        if begun is None or number in missing:
            return 0.0
        return partial.get(number, planned or 0.0)

    return tuple(
        BeamLeft(
            beam_number=beam.beam_number,
            beam_name=beam.beam_name,
            delivered=delivered(beam.beam_number, beam.beam_meterset),
            planned=beam.beam_meterset,
            unit=beam.primary_dosimeter_unit.value or "MU",
        )
        for beam in treatment_beams(plan, group)
    )
