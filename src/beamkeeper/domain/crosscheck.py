"""Holding our count against the plan's numbers and against what others count; differences are shown."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import timedelta

from beamkeeper.domain.census import OisCount
from beamkeeper.domain.findings import Findings
from beamkeeper.domain.meterset import Part
from beamkeeper.domain.placing import fraction_groups
from beamkeeper.domain.plan import ApprovalStatus, DeliveryType, FractionGroup, Plan
from beamkeeper.domain.position import Conflict, ConflictKind, FractionState
from beamkeeper.domain.record import TreatmentRecord, TreatmentSummary

UNKNOWN_PLANS_SHOWN_MAX = 5


def check_numbers(
    plan: Plan, records: Iterable[TreatmentRecord], fractions: Sequence[FractionState], findings: Findings
) -> None:
    """Show fractions beyond the planned number, skipped ones, and begun ones that were passed over."""
    for group in fraction_groups(plan):
        begun = [s for s in fractions if s.begun and s.fraction_group_number == group.fraction_group_number]
        named = f" of group {group.fraction_group_number}" if len(plan.fraction_groups) > 1 else ""
        _check_beyond(group, begun, named, findings)
        check_skipped(begun, named, findings)
        latest = max((state.fraction_number for state in begun), default=0)
        for state in begun:
            if state.is_partial and state.fraction_number < latest:
                text = f"Fraction {state.fraction_number}{named} was begun, not finished, and passed over."
                findings.add(ConflictKind.PARTIAL_LEFT_BEHIND, text, *state.record_uids)
    planned = plan.number_of_fractions_planned
    for record in records:
        if planned is not None and record.number_of_fractions_planned not in _counts(plan):
            text = f"The plan has {planned} fractions, a record says {record.number_of_fractions_planned}."
            findings.add(ConflictKind.FRACTIONS_PLANNED_DIFFER, text, record.sop_instance_uid)


def _counts(plan: Plan) -> frozenset[int | None]:
    """Return what a record may rightly say: the number of its group, of the plan, or nothing."""
    of_groups = {group.number_of_fractions_planned for group in plan.fraction_groups}
    return frozenset({None, plan.number_of_fractions_planned} | of_groups)


def _check_beyond(
    group: FractionGroup, begun: Sequence[FractionState], named: str, findings: Findings
) -> None:
    planned = group.number_of_fractions_planned
    for state in begun:
        if planned is not None and state.fraction_number > planned:
            text = f"A record is of fraction {state.fraction_number}{named}, but {planned} are planned."
            findings.add(ConflictKind.BEYOND_PLANNED, text, *state.record_uids)


def check_skipped(begun: Sequence[FractionState], named: str, findings: Findings) -> None:
    """Name the gaps as ranges: a hostile fraction number of two thousand million costs nothing."""
    before = 0
    for number in sorted(state.fraction_number for state in begun):
        if number > before + 1:
            last = number - 1
            which = f"Fraction {last}" if last == before + 1 else f"Fractions {before + 1} to {last}"
            text = f"{which}{named} left no record, though fraction {number} did."
            findings.add(ConflictKind.SKIPPED_FRACTION, text)
        before = number


def check_successors(plan: Plan, complete: int, plans: Iterable[Plan], findings: Findings) -> None:
    """Show approved plans that name this one before it is finished: a replan, or a boost.

    RT Plan Relationship (300A,0055): PREDECESSOR is what a plan was derived from, PRIOR what was
    delivered before it. DICOM does not say whether the older one is still to be finished, and two
    plans that both say "give the next fraction" are the wrong position waiting to happen.
    """
    planned = plan.number_of_fractions_planned
    if planned is not None and complete >= planned:
        return
    left = "some" if planned is None else planned - complete
    for other in plans:
        for how, named in other.related_plan_uids:
            if named != plan.sop_instance_uid or other.approval_status is not ApprovalStatus.APPROVED:
                continue
            label = f"Plan {other.rt_plan_label!r} (approved)"
            if how == "PREDECESSOR":
                text = f"{label} was derived from this one: which of them is valid?"
                findings.add(ConflictKind.SUPERSEDED, text)
            elif how == "PRIOR":
                text = f"{label} follows this one, of which {left} fractions are not given: is it replaced?"
                findings.add(ConflictKind.FOLLOWED, text)


SESSION_MAX = timedelta(hours=2)
"""No session of one fraction lasts longer; beams further apart were given in several."""


def resumed_count(fractions: Iterable[FractionState], parts: Iterable[Part]) -> int:
    """Return how many complete fractions took more than one session."""
    continued = {
        (part.fraction_group_number, part.fraction_number)
        for part in parts
        if part.delivery_type is DeliveryType.CONTINUATION
    }
    return sum(
        state.complete
        and ((state.fraction_group_number, state.fraction_number) in continued or _is_long(state))
        for state in fractions
    )


def _is_long(state: FractionState) -> bool:
    first, last = state.first_treated_at, state.last_treated_at
    return first is not None and last is not None and last - first > SESSION_MAX


def check_ois(
    plan: Plan,
    complete: int,
    partial: int,
    ois_counts: Iterable[OisCount],
    findings: Findings,
    *,
    resumed: int = 0,
) -> None:
    """Show where the OIS database counts differently.

    Parameters
    ----------
    resumed
        Complete fractions that took several sessions: an OIS may go on calling them partial as well.
    """
    for count in ois_counts:
        if count.plan_uid != plan.sop_instance_uid:
            continue
        planned = plan.number_of_fractions_planned
        if count.fractions_planned is not None and planned is not None and count.fractions_planned != planned:
            text = f"{count.source} plans {count.fractions_planned} fractions, the plan {planned}."
            findings.add(ConflictKind.COUNT_DIFFERS, text)
        done, begun = count.fractions_done, count.fractions_partial
        if begun is not None and not partial <= begun <= partial + resumed:
            text = f"{count.source} counts {begun} fractions begun and not finished, the records {partial}."
            findings.add(ConflictKind.COUNT_DIFFERS, text)
        most = complete if begun is not None else complete + partial
        if done is not None and not complete <= done <= most:
            text = f"{count.source} counts {done} fractions done, the records {_in_words(complete, partial)}."
            findings.add(ConflictKind.COUNT_DIFFERS, text)


def unknown_plans(ois_counts: Iterable[OisCount], held_uids: Container[str]) -> tuple[Conflict, ...]:
    """Return which plans the OIS database counts and nobody has: what is treated from them is not kept.

    Parameters
    ----------
    held_uids
        SOP Instance UIDs of everything kept of the patient.
    """
    unknown = sorted({(c.plan_uid, c.source) for c in ois_counts if c.plan_uid not in held_uids})
    findings = Findings()
    for plan_uid, source in unknown[:UNKNOWN_PLANS_SHOWN_MAX]:
        text = f"{source} counts fractions of a plan that no archive has given: {plan_uid}."
        findings.add(ConflictKind.OIS_PLAN_UNKNOWN, text)
    if (more := len(unknown) - UNKNOWN_PLANS_SHOWN_MAX) > 0:
        text = f"The OIS counts fractions of {more} more plans that no archive has given."
        findings.add(ConflictKind.OIS_PLAN_UNKNOWN, text)
    return findings.conflicts()


def check_summaries(
    plan: Plan, complete: int, partial: int, summaries: Iterable[TreatmentSummary], findings: Findings
) -> None:
    """Show where the fullest treatment summary counts differently; older ones naturally say less."""
    stated = [
        summary.number_of_fractions_delivered
        for summary in summaries
        if summary.referenced_plan_uid == plan.sop_instance_uid
        and summary.patient_id.strip() == plan.patient_id.strip()
        and summary.number_of_fractions_delivered is not None
    ]
    if stated and not complete <= max(stated) <= complete + partial:
        text = (
            f"A treatment summary counts {max(stated)} fractions, the records {_in_words(complete, partial)}."
        )
        findings.add(ConflictKind.COUNT_DIFFERS, text)


def _in_words(complete: int, partial: int) -> str:
    return f"{complete} complete" + (f" and {partial} begun" if partial else "")
