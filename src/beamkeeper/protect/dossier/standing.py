"""Where each plan stands and what comes next: the first thing anybody looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.counting import gap_days
from beamkeeper.domain.ois_against import ois_against
from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.readiness import is_count_in_doubt
from beamkeeper.domain.words import at, gy, line, number, plural, weekday_at
from beamkeeper.protect.dossier.booked import next_session, when_words
from beamkeeper.protect.dossier.sheet import Standing
from beamkeeper.protect.dossier.treated_site import side_differs, treated_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.plan import Plan
    from beamkeeper.domain.position import FractionState, PlanPosition
    from beamkeeper.domain.readiness import Readiness
    from beamkeeper.protect.dossier.source import DossierSource

LABEL_CHARACTERS_MAX = 40
WARNINGS_SHOWN_MAX = 4
"""So many stand on the first page for each plan; the details have all of them."""


def label(plan: Plan) -> str:
    """Return what people call a plan."""
    return line(plan.rt_plan_label or plan.rt_plan_name) or "(plan without label)"


def short_label(plan: Plan) -> str:
    """Return what people call a plan, cut where it is longer than a heading can bear."""
    return shortened(label(plan))


def shortened(words: str) -> str:
    """Return the beginning of a long label; all of it stands on the plan's card or on page 2."""
    return words if len(words) <= LABEL_CHARACTERS_MAX else f"{words[:LABEL_CHARACTERS_MAX].rstrip()}…"


def find_position(source: DossierSource, plan_uid: str) -> PlanPosition | None:
    """Return where a plan stands; None where it was not counted."""
    plans = () if source.position is None else source.position.plans
    return next((at_ for at_ in plans if at_.plan_uid == plan_uid), None)


def find_ready(source: DossierSource, plan_uid: str) -> Readiness | None:
    """Return whether a plan can be treated from this copy; None where nobody looked."""
    return next((item for item in source.readiness if item.plan_uid == plan_uid), None)


def in_order(source: DossierSource) -> tuple[Plan, ...]:
    """Return the plans in the order somebody needs them.

    To be completed first, then being treated, ready to start, finished, and last those that treat nobody;
    within each, what is booked next on a machine of the plan, then the last treated.
    """
    return tuple(sorted(source.plans, key=lambda plan: _rank(source, plan)))


def is_open(source: DossierSource, plan: Plan) -> bool:
    """Return whether there is something left to treat with a plan."""
    position = find_position(source, plan.sop_instance_uid)
    return plan.is_clinical and not (position is not None and position.is_finished)


def is_begun(position: PlanPosition | None) -> bool:
    """Return whether anything of a plan was given, by the records."""
    return position is not None and bool(
        position.fractions_complete or any(fraction.begun for fraction in position.fractions)
    )


def _rank(source: DossierSource, plan: Plan) -> tuple[int, int, float, float, str]:
    position = find_position(source, plan.sop_instance_uid)
    last = position.last_treated_at if position else None
    if not plan.is_clinical:
        group = 4
    elif position is None or position.is_finished:
        group = 3
    elif position.next_is_continuation:
        group = 0
    else:
        group = 1 if last is not None else 2
    unapproved = plan.approval_status is not ApprovalStatus.APPROVED
    ago = -last.timestamp() if last else 0.0
    return group, unapproved, _booked_next(source, plan), ago, label(plan) + plan.sop_instance_uid


def _booked_next(source: DossierSource, plan: Plan) -> float:
    booked = next_session(source, plan)
    return float("inf") if booked is None else booked.starts_at.timestamp()


def standings(source: DossierSource) -> tuple[Standing, ...]:
    """Return where every plan stands, also plans that records name and nobody kept."""
    known = {plan.sop_instance_uid for plan in source.plans}
    others = () if source.position is None else source.position.plans
    return (
        *(_standing(source, plan) for plan in in_order(source)),
        *(_without_plan(source, position) for position in others if position.plan_uid not in known),
    )


def _standing(source: DossierSource, plan: Plan) -> Standing:
    position = find_position(source, plan.sop_instance_uid)
    ready = find_ready(source, plan.sop_instance_uid)
    warnings = _warnings(source, plan, position, ready)
    return Standing(
        plan=label(plan),
        next_words=_next_words(source, plan, position, ready),
        given=_given(plan, position),
        facts=tuple(_facts(source, plan, position)),
        ready=_ready_words(source, plan, ready, position),
        plan_uid=plan.sop_instance_uid,
        warnings=_first_of(warnings),
    )


def _without_plan(source: DossierSource, position: PlanPosition) -> Standing:
    return Standing(
        plan=line(position.rt_plan_label) or "(plan without label)",
        next_words="A person has to say: the plan is not here",
        given=counted(position),
        facts=tuple(_position_facts(source, position)),
        ready="NOT enough to treat: the plan is not here",
        warnings=_first_of([conflict.text for conflict in position.conflicts]),
    )


def _next_words(
    source: DossierSource, plan: Plan, position: PlanPosition | None, ready: Readiness | None
) -> str:
    if not plan.is_clinical:
        return f"Not for treating a patient: {plan.plan_intent.lower().replace('_', ' ')}"
    if position is None:
        return "A person has to say: nothing could be counted"
    of = "" if position.fractions_planned is None else f" of {position.fractions_planned}"
    if position.is_finished:
        return f"Finished: all {position.fractions_planned} given"
    if position.next_fraction_number is None:
        return "A person has to say which fraction is next"
    if ready is not None and is_count_in_doubt(ready.blocking, position, source.position):
        complete = "complete " if position.next_is_continuation else ""
        return f"Ask first: {complete}fraction {position.next_fraction_number}?{of}"
    if position.next_is_continuation:
        return f"Complete fraction {position.next_fraction_number}{of} first"
    begun = is_begun(position)
    refused = plan.approval_status in {ApprovalStatus.UNAPPROVED, ApprovalStatus.REJECTED}
    first = "Not approved: " if refused else "" if begun else "Not begun: "
    return f"{first}{'fraction' if first else 'Fraction'} {position.next_fraction_number}{of}"


def _given(plan: Plan, position: PlanPosition | None) -> str:
    if position is None:
        return "not counted"
    left = left_of_begun(plan, position)
    begun = f"in fraction {position.next_fraction_number} {left}" if left else ""
    return "; ".join(filter(None, (counted(position), begun)))


def counted(position: PlanPosition) -> str:
    """Return how many fractions are complete: "9 of 15 fractions complete, 1 partial"."""
    of = "?" if position.fractions_planned is None else str(position.fractions_planned)
    partial = f", {plural(position.fractions_partial, 'partial', 'partial')}"
    return f"{position.fractions_complete} of {of} fractions complete" + partial * bool(
        position.fractions_partial
    )


def left_of_begun(plan: Plan, position: PlanPosition) -> str:
    """Return what the fraction that was begun had and has not; "" where none was."""
    if not position.next_is_continuation:
        return ""
    begun = next((item for item in position.fractions if _is_next(item, position)), None)
    if begun is None:
        return ""
    units = {beam.beam_number: beam.primary_dosimeter_unit.value or "?" for beam in plan.beams}
    said = [
        f"beam {beam} had {number(given)} of {number(wanted)} {units.get(beam, '')}".strip()
        for beam, given, wanted in begun.partial_beams
    ]
    if begun.missing_beam_numbers:
        said.append("nothing yet of beam " + ", ".join(map(str, begun.missing_beam_numbers)))
    return "; ".join(said)


def _is_next(fraction: FractionState, position: PlanPosition) -> bool:
    group = position.next_fraction_group_number
    return fraction.fraction_number == position.next_fraction_number and (
        group is None or fraction.fraction_group_number == group
    )


def _facts(source: DossierSource, plan: Plan, position: PlanPosition | None) -> Iterator[tuple[str, str]]:
    yield "Machine", line(", ".join(plan.treatment_machine_names)) or "not stated"
    if is_open(source, plan):
        yield "Booked", when_words(source, plan)
    yield "Site, side", treated_site(source, plan)
    yield "Intent", intent_words(source, plan)
    if position is not None:
        yield from _position_facts(source, position, plan)
    if plan.approval_status is ApprovalStatus.APPROVED:
        yield "Approved", at(plan.approved_at, source.zone) if plan.approved_at else "yes, no date"
    else:
        yield "Approved", "NO" if plan.approval_status is not ApprovalStatus.UNKNOWN else "not stated"


def intent_words(source: DossierSource, plan: Plan) -> str:
    """Return what a plan is for, by the plan itself, else by the OIS; "not stated"."""
    charts = (item for chart in source.entry.charts for item in chart.plans)
    listed = [item.intent for item in charts if item.plan_uid == plan.sop_instance_uid]
    courses = [course.intent for course in source.entry.courses if plan.sop_instance_uid in course.plan_uids]
    said = (plan.plan_intent.replace("_", " "), *listed, *courses)
    return next((line(text).lower() for text in said if text.strip()), "not stated")


def _position_facts(
    source: DossierSource, position: PlanPosition, plan: Plan | None = None
) -> Iterator[tuple[str, str]]:
    each = plan.dose_per_fraction_gy if plan is not None else None
    planned = position.fractions_planned
    of = f" of {gy(each * planned)}" if each is not None and planned is not None else ""
    yield "Dose so far", gy(position.dose_so_far_gy) + of
    last = position.last_treated_at
    days = gap_days(position, source.as_of, source.zone)
    if last is None or days is None:
        yield "Last treated", "never, by these records"
    else:
        yield "Last treated", f"{weekday_at(last, source.zone)}, {gap_words(days)}"


def gap_words(days: int) -> str:
    """Return how long before the paper the last treatment was, in midnights."""
    if days < 0:
        return f"{plural(-days, 'day')} AFTER this paper: look at the clocks"
    return {0: "the same day", 1: "the day before"}.get(days, f"{days} days before")


def _ready_words(
    source: DossierSource, plan: Plan, ready: Readiness | None, position: PlanPosition | None
) -> str:
    if not plan.is_clinical:
        return ""
    if position is not None and position.is_finished:
        return "Nothing is left to treat with this plan"
    if ready is None:
        return "Whether this copy is enough to treat was not looked at"
    of_course = () if source.position is None else source.position.conflicts
    conflicts = {one.text for one in (*(position.conflicts if position else ()), *of_course)}
    if not set(ready.blocking) - conflicts:
        if ready.blocking or (position is not None and position.conflicts):
            return "The files to treat are all here; clear ▲ first"
        return "Every file needed to treat is in this copy"
    return f"NOT enough to treat: {plural(len(ready.blocking), 'thing')} to clear first"


def _warnings(
    source: DossierSource, plan: Plan, position: PlanPosition | None, ready: Readiness | None
) -> list[str]:
    conflicts = () if position is None else tuple(conflict.text for conflict in position.conflicts)
    blocking = () if ready is None else ready.blocking
    side = side_differs(source, plan)
    against = ois_against(source.entry, position, plan.sop_instance_uid, source.zone)
    return list(dict.fromkeys((*((side,) if side else ()), *conflicts, *against, *blocking)))


def _first_of(warnings: list[str]) -> tuple[str, ...]:
    shown = tuple(line(text) for text in warnings[:WARNINGS_SHOWN_MAX])
    more = len(warnings) - len(shown)
    return (*shown, f"and {more} more, under “What is missing and what disagrees”") if more > 0 else shown
