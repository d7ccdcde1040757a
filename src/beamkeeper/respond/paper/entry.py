"""Fractions that were written on paper: typed in by one person, typed again by a second, counted as such.

Nothing here pretends to be a machine's record. What a hand wrote stays in the incident's journal with who
typed it, who checked it and, where it was wrong, who struck it out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.meterset import DEFAULT_TOLERANCE, usable
from beamkeeper.domain.plan import DeliveryType
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.domain.record import BY_HAND, BeamDelivery, TerminationStatus, TreatmentRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.plan import Beam, Plan

ENTERED: Final = "fraction entered by hand"
CHECKED: Final = "hand entry checked"
STRUCK: Final = "hand entry struck out"
"""How the journal names them; `respond.incident.Deed` has the same words."""
"""Begins the name under which a hand entry is counted; no SOP Instance UID can."""
SAME_SESSION_MAX: Final = timedelta(hours=3)
"""A clock on the wall and a machine's differ, and paper is written later; two a day lie further apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandEntry:
    """One fraction, or part of one, as it was written on paper.

    Attributes
    ----------
    number
        Its line in the journal, by which people name it.
    beams
        (beam number, meterset) of what was given, in the plan's unit.
    is_continuation
        Whether it goes on with a fraction that was begun.
    checked_by
        Who typed it a second time; "" before.
    struck_by
        Who struck it out; "" while it stands.
    """

    number: int
    pseudonym: str
    plan_uid: str
    fraction_number: int
    given_at: datetime
    machine: str
    beams: tuple[tuple[int, float], ...]
    is_continuation: bool
    entered_by: str
    entered_at: datetime
    remark: str = ""
    checked_by: str = ""
    struck_by: str = ""

    @property
    def total(self) -> float:
        """The metersets together: what the second person types."""
        return sum(meterset for _, meterset in self.beams)


def entries(rows: Iterable[AuditRow], pseudonym: str) -> tuple[HandEntry, ...]:
    """Return what was typed in for a patient, by the journal, in its order."""
    found: dict[int, HandEntry] = {}
    for row in rows:
        if row.patient_pseudonym != pseudonym:
            continue
        if row.action == ENTERED:
            found[row.sequence] = _entry(row, pseudonym)
        elif row.action in {CHECKED, STRUCK} and row.outcome == "ok":
            number = int(str(row.details["entry"]))
            one = found[number]
            found[number] = (
                replace(one, checked_by=row.actor)
                if row.action == CHECKED
                else replace(one, struck_by=row.actor)
            )
    return tuple(found.values())


def details_of(
    plan: Plan,
    *,
    fraction_number: int,
    given_at: datetime,
    machine: str,
    beams: Sequence[tuple[int, float]],
    is_continuation: bool,
) -> dict[str, object]:
    """Return what the journal keeps of an entry."""
    return {
        "plan_uid": plan.sop_instance_uid,
        "fraction": fraction_number,
        "given_at": given_at.isoformat(),
        "machine": machine,
        "beams": [[number, meterset] for number, meterset in beams],
        "continuation": is_continuation,
    }


def _entry(row: AuditRow, pseudonym: str) -> HandEntry:
    said = row.details
    beams = said["beams"]
    assert isinstance(beams, list), "the journal proved whole, and we wrote it"  # noqa: S101
    return HandEntry(
        number=row.sequence,
        pseudonym=pseudonym,
        plan_uid=str(said["plan_uid"]),
        fraction_number=int(str(said["fraction"])),
        given_at=datetime.fromisoformat(str(said["given_at"])),
        machine=str(said.get("machine", "")),
        beams=tuple((int(number), float(meterset)) for number, meterset in beams),
        is_continuation=bool(said["continuation"]),
        entered_by=row.actor,
        entered_at=row.at,
        remark=str(said.get("said", "")),
    )


def as_records(
    written: Iterable[HandEntry], plans: Iterable[Plan], recorded: Iterable[TreatmentRecord]
) -> tuple[tuple[TreatmentRecord, ...], dict[str, tuple[Conflict, ...]]]:
    """Return hand entries as records to count, and what is doubtful about them, by plan.

    What a machine recorded of the same beam, fraction and session counts instead of what a hand wrote, never
    besides it. An entry that nobody checked counts, so that its fraction is not offered again, and leaves the
    count in doubt.
    """
    known = {plan.sop_instance_uid: plan for plan in plans}
    machine = tuple(recorded)
    records: list[TreatmentRecord] = []
    doubts: dict[str, list[Conflict]] = {}
    for entry in written:
        plan = known.get(entry.plan_uid)
        if plan is None or entry.struck_by:
            continue
        own = doubts.setdefault(entry.plan_uid, [])
        if not entry.checked_by:
            text = f"Fraction {entry.fraction_number} was typed in from paper (line {entry.number}); nobody "
            own.append(Conflict(kind=ConflictKind.POSSIBLY_DELIVERED, text=f"{text}has checked it."))
        left, differing = _beside(entry, plan, machine)
        own += differing
        if left:
            records.append(_record(entry, plan, left))
    return tuple(records), {uid: tuple(found) for uid, found in doubts.items()}


def _beside(
    entry: HandEntry, plan: Plan, recorded: Sequence[TreatmentRecord]
) -> tuple[tuple[tuple[int, float], ...], list[Conflict]]:
    """Return the beams that no machine recorded, and where hand and machine differ."""
    left: list[tuple[int, float]] = []
    differing: list[Conflict] = []
    for number, meterset in entry.beams:
        beam = _beam(plan, number)
        given = [
            (record.sop_instance_uid, usable(delivery.delivered_meterset) or 0.0)
            for record in recorded
            if record.referenced_plan_uid == entry.plan_uid
            for delivery in record.deliveries
            if _is_same(entry, beam, delivery, record)
        ]
        if not given:
            left.append((number, meterset))
            continue
        total = sum(value for _, value in given)
        allowed = DEFAULT_TOLERANCE.allowed(max(meterset, total), beam.primary_dosimeter_unit)
        if abs(total - meterset) > allowed + _WRITTEN_TO:
            text = (
                f"Fraction {entry.fraction_number}, beam {number}: {meterset:g} written on paper, {total:g} "
                "recorded by the machine, which is counted."
            )
            uids = tuple(sorted({uid for uid, _ in given}))
            differing.append(Conflict(kind=ConflictKind.SUSPECTED_DUPLICATE, text=text, record_uids=uids))
    return tuple(left), differing


_WRITTEN_TO: Final = 0.5
"""People write whole monitor units."""


def _is_same(entry: HandEntry, beam: Beam, delivery: BeamDelivery, record: TreatmentRecord) -> bool:
    is_beam = delivery.referenced_beam_number == beam.beam_number or (
        delivery.referenced_beam_number is None and delivery.beam_name.strip() == beam.beam_name.strip()
    )
    resumed = delivery.delivery_type is DeliveryType.CONTINUATION
    at = delivery.started_at or record.treated_at
    near = at is None or abs(at - entry.given_at) <= SAME_SESSION_MAX
    return (
        is_beam
        and near
        and delivery.current_fraction_number == entry.fraction_number
        and resumed is entry.is_continuation
    )


def _beam(plan: Plan, number: int) -> Beam:
    return next(beam for beam in plan.beams if beam.beam_number == number)


def _record(entry: HandEntry, plan: Plan, beams: Sequence[tuple[int, float]]) -> TreatmentRecord:
    """Return an entry in the form that is counted; its name says that no machine made it."""

    def delivery(number: int, meterset: float) -> BeamDelivery:
        beam = _beam(plan, number)
        return BeamDelivery(
            referenced_beam_number=number,
            beam_name=beam.beam_name,
            current_fraction_number=entry.fraction_number,
            delivery_type=DeliveryType.CONTINUATION if entry.is_continuation else DeliveryType.TREATMENT,
            termination_status=TerminationStatus.UNKNOWN,  # the meterset speaks
            specified_meterset=beam.beam_meterset,
            delivered_meterset=meterset,
            primary_dosimeter_unit=beam.primary_dosimeter_unit,
            treatment_machine_name=entry.machine,
            started_at=entry.given_at,
        )

    return TreatmentRecord(
        sop_instance_uid=f"{BY_HAND}{entry.number}",
        patient_id=plan.patient_id,
        referenced_plan_uid=plan.sop_instance_uid,
        treated_at=entry.given_at,
        treatment_machine_name=entry.machine,
        deliveries=tuple(delivery(number, meterset) for number, meterset in beams),
    )
