"""One line a plan: where it stands, what is next, what it needs, what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.ois_against import ois_against
from beamkeeper.domain.plan import ApprovalStatus, Plan, RadiationType
from beamkeeper.domain.position import ConflictKind
from beamkeeper.domain.readiness import is_count_in_doubt
from beamkeeper.protect.lists.row import PlanLine, Section

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.position import FractionState, PlanPosition
    from beamkeeper.protect.lists.row import ListHead, Person

NO_PLAN = "No plan is kept that could be treated."
_KIND_WORDS = {
    RadiationType.PHOTON: "photons",
    RadiationType.ELECTRON: "electrons",
    RadiationType.PROTON: "protons",
    RadiationType.ION: "ions",
    RadiationType.NEUTRON: "neutrons",
    RadiationType.BRACHY: "brachytherapy",
}


def plan_lines(person: Person, head: ListHead) -> tuple[PlanLine, ...]:
    """Return a line for each plan that was begun or is approved; those on treatment first.

    When there is none, whatever plan is kept gets its line, so that what is missing is said; a patient
    without any plan gets one line that says so.
    """
    plans = {plan.sop_instance_uid: plan for plan in person.plans if plan.is_clinical}
    positions = {at.plan_uid: at for at in (person.position.plans if person.position else ())}
    other = {plan.sop_instance_uid for plan in person.plans} - set(plans)
    uids = dict.fromkeys(uid for uid in (*positions, *plans) if uid not in other)
    lines = [_line(person, plans.get(uid), positions.get(uid), head) for uid in uids]
    told = [line for line in lines if _is_told(line, plans.get(line.plan_uid))] or lines
    if not told:
        return (_no_plan(person),)
    return tuple(sorted(told, key=lambda line: (line.section.place, line.label, line.plan_uid)))


def plans_left_out(person: Person, lines: Iterable[PlanLine]) -> tuple[str, ...]:
    """Return the labels of plans that treat patients and have no line."""
    listed = {line.plan_uid for line in lines}
    return tuple(
        plan.rt_plan_label or "(plan without label)"
        for plan in person.plans
        if plan.is_clinical and plan.sop_instance_uid not in listed
    )


def _is_told(line: PlanLine, plan: Plan | None) -> bool:
    begun = line.section in {Section.ON_TREATMENT, Section.FINISHED}
    return begun or plan is None or plan.approval_status is ApprovalStatus.APPROVED


def _no_plan(person: Person) -> PlanLine:
    treated = any(count.fractions_done for count in person.entry.counts)
    section = Section.ON_TREATMENT if treated else Section.NOT_READY
    return PlanLine(
        plan_uid="",
        label="no plan",
        section=section,
        given="",
        next_fraction="?",
        next_said="a person has to say",
        missing=(NO_PLAN,),
    )


def _line(person: Person, plan: Plan | None, at: PlanPosition | None, head: ListHead) -> PlanLine:
    uid = at.plan_uid if at is not None else plan.sop_instance_uid if plan is not None else ""
    missing = [text for item in person.readiness if item.plan_uid == uid for text in item.blocking]
    if plan is None:
        missing.append("The plan itself is not kept.")
    elif not any(item.plan_uid == uid for item in person.readiness):
        missing.append("Whether it can be treated is not known.")
    conflicts = _conflicts(person.entry, at, uid, head.zone)
    next_fraction, next_said = _next(at)
    if next_fraction not in {"?", "none"} and is_count_in_doubt(missing, at, person.position):
        next_fraction, next_said = f"{next_fraction}?", f"{next_said}, if the count is right"
    last = at.last_treated_at if at is not None else None
    label = plan.rt_plan_label if plan is not None else at.rt_plan_label if at is not None else ""
    return PlanLine(
        plan_uid=uid,
        label=label or "(plan without label)",
        section=_section(at, person.entry, uid, is_ready=not set(missing) - _asked(at)),
        given=_given(at, plan),
        next_fraction=next_fraction,
        next_said=next_said,
        is_continuation=at is not None and at.next_is_continuation,
        conflicts=conflicts,
        last_treated_at=last,
        days_since=None if last is None else (head.today - last.astimezone(head.zone).date()).days,
        dose=_dose(at, plan),
        intent=_intent(person.entry, plan, uid),
        machine=_machine(person.entry, plan, uid),
        needs=_needs(person.entry, plan, uid),
        missing=tuple(dict.fromkeys(missing)),
    )


def _asked(at: PlanPosition | None) -> set[str]:
    """Return what only has to be asked: a first session may have been given; the plan can be, either way."""
    conflicts = at.conflicts if at is not None else ()
    return {one.text for one in conflicts if one.kind is ConflictKind.POSSIBLY_DELIVERED}


def _section(at: PlanPosition | None, entry: CensusEntry, uid: str, *, is_ready: bool) -> Section:
    """Return where a plan belongs; one that any source counts a fraction of was begun."""
    if at is not None and at.is_over:
        return Section.FINISHED
    begun = at is not None and bool(at.fractions_complete or at.fractions_partial or at.last_treated_at)
    if begun or any(count.plan_uid == uid and count.fractions_done for count in entry.counts):
        return Section.ON_TREATMENT
    return Section.READY if is_ready else Section.NOT_READY


def _given(at: PlanPosition | None, plan: Plan | None) -> str:
    planned = at.fractions_planned if at is not None else plan.number_of_fractions_planned if plan else None
    of = "?" if planned is None else planned
    if at is None:
        return f"? of {of} given"
    begun = f", {at.fractions_partial} begun" if at.fractions_partial else ""
    return f"{at.fractions_complete} of {of} given{begun}"


def _next(at: PlanPosition | None) -> tuple[str, str]:
    """Return what is next, short and in words."""
    if at is None:
        return "?", "where the course stands is not known"
    if at.is_finished:
        return "none", "all fractions are given"
    if at.is_replaced:
        return "none", "replaced: nothing more is given by this plan"
    number = at.next_fraction_number
    if number is None:
        return "?", "a person has to say"
    if not at.next_is_continuation:
        return str(number), f"fraction {number}"
    state = next((item for item in at.fractions if item.fraction_number == number and item.is_partial), None)
    return f"finish {number}", f"finish fraction {number} first{'' if state is None else _open_beams(state)}"


def _open_beams(state: FractionState) -> str:
    partial = [f"beam {number} has {given:.2f} of {of:.2f} MU" for number, given, of in state.partial_beams]
    nothing = [str(number) for number in state.missing_beam_numbers]
    if nothing:
        partial.append(f"beam {', '.join(nothing)} not given")
    return ": " + "; ".join(partial) if partial else ""


def _conflicts(entry: CensusEntry, at: PlanPosition | None, uid: str, zone: ZoneInfo) -> tuple[str, ...]:
    said = [conflict.text for conflict in at.conflicts] if at is not None else []
    return tuple(dict.fromkeys((*said, *ois_against(entry, at, uid, zone))))


def _dose(at: PlanPosition | None, plan: Plan | None) -> str:
    if at is None or at.dose_so_far_gy is None:
        return ""
    each = plan.dose_per_fraction_gy if plan else None
    total = None if each is None or not at.fractions_planned else each * at.fractions_planned
    return f"{at.dose_so_far_gy:.2f} Gy" + ("" if total is None else f" of {total:.2f} Gy")


def _intent(entry: CensusEntry, plan: Plan | None, uid: str) -> str:
    listed = [item.intent for chart in entry.charts for item in chart.plans if item.plan_uid == uid]
    of_plan = [plan.plan_intent] if plan is not None else []
    return next(filter(None, (*of_plan, *listed)), "").lower()


def _machine(entry: CensusEntry, plan: Plan | None, uid: str) -> str:
    if plan is not None and plan.treatment_machine_names:
        return ", ".join(plan.treatment_machine_names)
    listed = (item.machine for chart in entry.charts for item in chart.plans if item.plan_uid == uid)
    return next(filter(None, listed), "")


def _needs(entry: CensusEntry, plan: Plan | None, uid: str) -> str:
    """Return what a machine must have: kind of radiation, energies, technique, leaf pairs."""
    beams = [beam for beam in plan.beams if beam.is_treatment] if plan is not None else []
    fields = [
        item for chart in entry.charts for item in chart.fields if item.plan_uid == uid and not item.is_setup
    ]
    parts = [
        _joined(_KIND_WORDS.get(beam.radiation_type, "") for beam in beams),
        _joined(item.energy for item in fields),
        _joined(beam.technique for beam in beams),
        _joined(f"{beam.mlc_leaf_pairs} leaf pairs" for beam in beams if beam.mlc_leaf_pairs),
        _joined(name for beam in beams for name in beam.accessories),
    ]
    return " · ".join(filter(None, parts))


def _joined(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, words)))
