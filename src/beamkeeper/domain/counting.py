"""Where a patient stands in the course, counted from treatment records (`protocols` 2.3 to 2.5).

Counting has no order and no memory: the same records, however ordered, repeated or cut into parts,
give the same position, and one more record never lowers the number of complete fractions. What the
evidence does not agree on is shown as a conflict and never resolved silently.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from beamkeeper.clock import local_date
from beamkeeper.domain.beam_sums import BeamSum, sum_beams
from beamkeeper.domain.census import OisCount
from beamkeeper.domain.crosscheck import (
    check_numbers,
    check_ois,
    check_successors,
    check_summaries,
    resumed_count,
)
from beamkeeper.domain.findings import Findings
from beamkeeper.domain.given_dose import dose_so_far_gy
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE, MetersetTolerance, usable
from beamkeeper.domain.placing import Placement, fraction_groups, place, treatment_beams
from beamkeeper.domain.plan import FractionGroup, Plan
from beamkeeper.domain.position import ConflictKind, CoursePosition, FractionState, PlanPosition
from beamkeeper.domain.record import TreatmentRecord, TreatmentSummary


def course_position(
    plans: Iterable[Plan],
    records: Iterable[TreatmentRecord],
    *,
    patient_id: str,
    tolerance: MetersetTolerance = DEFAULT_TOLERANCE,
    ois_counts: Iterable[OisCount] = (),
    summaries: Iterable[TreatmentSummary] = (),
) -> CoursePosition:
    """Return where the patient stands in every plan that treats.

    Parameters
    ----------
    plans
        The plans collected for this patient. Those of another Patient ID are shown and not counted;
        verification, QA, research and service plans are left out, and so are their records.
    records
        The treatment records collected for this patient, in any order, any number of times.
    patient_id
        Whose position this is.
    ois_counts, summaries
        What others count: second opinions, never mixed into our own count.

    References
    ----------
    DICOM PS3.3 C.8.8.21.2 (delivered meterset is that of one item), C.8.8.29.1 (a continuation has
    the number of the fraction it completes); `protocols` 2.5.
    """
    findings = Findings()
    known = _own_plans(plans, patient_id, findings)
    unique = _each_once(records, findings)
    by_plan: dict[str, list[TreatmentRecord]] = {uid: [] for uid in known}
    unassigned: set[str] = set()
    for record in unique:
        if _is_placed(record, known, patient_id, findings):
            by_plan[record.referenced_plan_uid or ""].append(record)
        else:
            unassigned.add(record.sop_instance_uid)

    opinions, counted = tuple(summaries), tuple(ois_counts)
    positions = []
    for uid, plan in known.items():
        if not plan.is_clinical:
            continue
        own = Findings()
        placement = place(plan, by_plan[uid], own, tolerance=tolerance)
        unassigned |= placement.unassigned_record_uids
        beams = sum_beams(plan, placement.parts, own, tolerance)
        fractions = _fractions(plan, beams)
        complete, partial = _count(fractions)
        check_numbers(plan, by_plan[uid], fractions, own)
        resumed = resumed_count(fractions, placement.parts)
        check_ois(plan, complete, partial, counted, own, resumed=resumed)
        check_summaries(plan, complete, partial, opinions, own)
        check_successors(plan, complete, known.values(), own)
        positions.append(_plan_position(plan, beams, fractions, placement, own))
    return CoursePosition(
        patient_id=patient_id,
        plans=tuple(positions),
        unassigned_record_uids=tuple(sorted(unassigned)),
        conflicts=findings.conflicts(),
    )


def gap_days(position: CoursePosition | PlanPosition, now: datetime, zone: ZoneInfo) -> int | None:
    """Return the calendar days since the last treatment on the wall of the site; None if none is dated.

    Today counts 0, yesterday 1: midnights passed, not working days and not days without treatment.
    """
    if isinstance(position, PlanPosition):
        last = position.last_treated_at
    else:
        last = max((p.last_treated_at for p in position.plans if p.last_treated_at is not None), default=None)
    return None if last is None else (local_date(now, zone) - local_date(last, zone)).days


def _own_plans(plans: Iterable[Plan], patient_id: str, findings: Findings) -> dict[str, Plan]:
    """Return the patient's plans by UID, in the order of their UIDs; different copies of one are shown."""
    found: dict[str, set[Plan]] = {}
    for plan in plans:
        if plan.patient_id.strip() != patient_id.strip():
            text = f"Plan {plan.rt_plan_label!r} names another Patient ID ({plan.patient_id!r}): not counted."
            findings.add(ConflictKind.PATIENT_DIFFERS, text)
        else:
            found.setdefault(plan.sop_instance_uid, set()).add(plan)
    for copies in found.values():
        if len(copies) > 1:
            text = (
                f"{len(copies)} different copies of plan {min(c.rt_plan_label for c in copies)!r} are here."
            )
            findings.add(ConflictKind.PLAN_CHANGED, text)
    return {uid: min(found[uid], key=repr) for uid in sorted(found)}


def _each_once(records: Iterable[TreatmentRecord], findings: Findings) -> list[TreatmentRecord]:
    """Return each record once (rule 5: idempotent by SOP Instance UID), in the order of their UIDs.

    Of two different copies of one record the one with the larger meterset counts, so that no
    fraction is offered again that may have been given; the conflict is shown.
    """
    found: dict[str, set[TreatmentRecord]] = {}
    for record in records:
        found.setdefault(record.sop_instance_uid, set()).add(record)
    for uid, copies in found.items():
        if len(copies) > 1:
            text = "A record is here in different copies; the one with the larger meterset is counted."
            findings.add(ConflictKind.RECORD_CHANGED, text, uid)
    return [max(found[uid], key=_most_given) for uid in sorted(found)]


def _most_given(record: TreatmentRecord) -> tuple[float, str]:
    return math.fsum(usable(delivery.delivered_meterset) or 0.0 for delivery in record.deliveries), repr(
        record
    )


def _is_placed(record: TreatmentRecord, known: dict[str, Plan], patient_id: str, findings: Findings) -> bool:
    """Whether the record is the patient's and of a plan that is here; if not, say why."""
    uid = record.sop_instance_uid
    if record.patient_id.strip() != patient_id.strip():
        text = f"Records name another Patient ID ({record.patient_id!r}): they are not counted."
        findings.add(ConflictKind.PATIENT_DIFFERS, text, uid)
    elif record.referenced_plan_uid is None:
        findings.add(ConflictKind.NO_PLAN, "Records name no plan: they are not counted.", uid)
    elif record.referenced_plan_uid not in known:
        text = f"Records name plan {record.referenced_plan_uid}, which is not here: they are not counted."
        findings.add(ConflictKind.PLAN_UNKNOWN, text, uid)
    else:
        return True
    return False


def _count(fractions: Iterable[FractionState]) -> tuple[int, int]:
    """Return (complete, begun and not finished)."""
    complete = [state.complete for state in fractions if state.begun]
    return sum(complete), len(complete) - sum(complete)


def _plan_position(
    plan: Plan,
    beams: Sequence[BeamSum],
    fractions: tuple[FractionState, ...],
    placement: Placement,
    findings: Findings,
) -> PlanPosition:
    complete, partial = _count(fractions)
    upcoming = _next_fraction(plan, fractions, findings)
    dated = [
        at for state in fractions for at in (state.first_treated_at, state.last_treated_at) if at is not None
    ]
    return PlanPosition(
        plan_uid=plan.sop_instance_uid,
        rt_plan_label=plan.rt_plan_label,
        fractions_planned=plan.number_of_fractions_planned,
        fractions_complete=complete,
        fractions_partial=partial,
        next_fraction_number=None if upcoming is None else upcoming[1],
        next_fraction_group_number=None if upcoming is None else upcoming[0],
        next_is_continuation=bool(partial),
        dose_so_far_gy=dose_so_far_gy(plan, fractions, beams),
        first_treated_at=min(dated, default=None),
        last_treated_at=max(dated, default=None),
        fractions=fractions,
        conflicts=findings.conflicts(),
        open_portfilms=placement.open_portfilms,
    )


def _fractions(plan: Plan, beams: Sequence[BeamSum]) -> tuple[FractionState, ...]:
    """Return every fraction that has a record, in order of group and number (rule 4)."""
    groups = {group.fraction_group_number: group for group in fraction_groups(plan)}
    by_fraction: dict[tuple[int, int], list[BeamSum]] = {}
    for beam in beams:
        by_fraction.setdefault((beam.fraction_group_number, beam.fraction_number), []).append(beam)
    return tuple(
        _fraction(plan, groups[group], number, by_fraction[group, number])
        for group, number in sorted(by_fraction)
    )


def _fraction(plan: Plan, group: FractionGroup, number: int, given: Sequence[BeamSum]) -> FractionState:
    by_number = {beam.beam_number: beam for beam in given if beam.begun}
    needed = [beam.beam_number for beam in treatment_beams(plan, group)]
    dated = [at for beam in given if beam.begun for at in beam.delivered_at]
    return FractionState(
        fraction_number=number,
        fraction_group_number=group.fraction_group_number,
        begun=bool(by_number),
        complete=bool(needed) and all(n in by_number and by_number[n].complete for n in needed),
        missing_beam_numbers=tuple(n for n in needed if n not in by_number),
        partial_beams=tuple(
            (n, by_number[n].delivered, by_number[n].specified or 0.0)
            for n in needed
            if n in by_number and not by_number[n].complete
        ),
        first_treated_at=min(dated, default=None),
        last_treated_at=max(dated, default=None),
        record_uids=tuple(sorted({uid for beam in given for uid in beam.record_uids})),
    )


def _next_fraction(
    plan: Plan, fractions: Sequence[FractionState], findings: Findings
) -> tuple[int, int] | None:
    """Return (group, number) of the fraction to give next; None when finished or a person has to say.

    A begun fraction is completed before any new one (rule 4). After that the number after the last
    complete one; never one beyond the planned number, even if an earlier number was skipped.
    """
    for state in fractions:
        if state.is_partial:
            return state.fraction_group_number, state.fraction_number
    open_groups = []
    for group in fraction_groups(plan):
        numbers = [
            state.fraction_number
            for state in fractions
            if state.complete and state.fraction_group_number == group.fraction_group_number
        ]
        planned = group.number_of_fractions_planned
        if treatment_beams(plan, group) and (planned is None or len(numbers) < planned):
            open_groups.append((group.fraction_group_number, max(numbers, default=0) + 1, planned))
    if len(open_groups) > 1:
        listed = ", ".join(str(number) for number, _, _ in open_groups)
        text = f"Fraction groups {listed} are not finished and the plan does not say which comes first."
        findings.add(ConflictKind.FRACTION_GROUP_ORDER, text)
    for number, upcoming, planned in open_groups:
        if planned is None or upcoming <= planned:
            return number, upcoming
    return None
