"""One line for the whole patient: treat, ask first, or do not treat; never more certain than the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.clock import local_date
from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.counting import gap_days
from beamkeeper.domain.namesakes import Alike
from beamkeeper.domain.ois_against import ois_against
from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.readiness import is_count_in_doubt
from beamkeeper.domain.words import at, line, plural, weekday_at
from beamkeeper.protect.dossier.booked import next_session, unrecorded, when_words
from beamkeeper.protect.dossier.sheet import Verdict, VerdictKind
from beamkeeper.protect.dossier.standing import (
    find_position,
    find_ready,
    in_order,
    is_begun,
    is_open,
    left_of_begun,
    short_label,
)
from beamkeeper.protect.dossier.treated_site import side_differs
from beamkeeper.protect.dossier.which_plan import rivals
from beamkeeper.protect.dossier.whom import unbroken, whom_to_ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.dossier.source import DossierSource

ASK_AFTER_DAYS: Final = 7
"""After so many midnights without a fraction a person has to say that the course goes on as planned."""
REASONS_SHOWN_MAX: Final = 3
WHY_SHOWN_MAX: Final = 2
WHY_CHARACTERS_MAX: Final = 160
PLANS_NAMED_MAX: Final = 3
_REFUSED = frozenset({ApprovalStatus.UNAPPROVED, ApprovalStatus.REJECTED})


def verdict(source: DossierSource) -> Verdict:
    """Return what somebody who knows nothing of the patient shall do first, and why.

    Anything that a person would have to settle makes it a question. Records end at the instant of the
    paper: what was given after it is asked in every verdict to treat.
    """
    clinical = [plan for plan in in_order(source) if plan.is_clinical]
    candidates = next_plans(source)
    never = tuple(_never(source, clinical, candidates))
    if never:
        return _said(source, VerdictKind.DO_NOT, never)
    which = tuple(_which(source, candidates))
    of_plans = which or tuple(_of_each(source, candidates))
    if doubts := tuple(dict.fromkeys((*_who(source), *which, *of_plans, *_of_the_patient(source)))):
        would = () if which else tuple(_would(source, candidates))
        why = () if which else tuple(_why(source, candidates))[:WHY_SHOWN_MAX]
        return _said(source, VerdictKind.ASK, doubts, would, why)
    return Verdict(
        kind=VerdictKind.TREAT,
        words=_treat(source, candidates),
        because=(
            *(left for plan in candidates if (left := _left(source, plan))),
            f"Counted to {at(source.as_of, source.zone)}: ask whether a fraction was given after that.",
        ),
    )


def next_plans(source: DossierSource) -> tuple[Plan, ...]:
    """Return the plans that may be what comes next: those that were begun, else those that could be.

    Several where they are treated together, or where a person has to say which.
    """
    left = [plan for plan in in_order(source) if is_open(source, plan)]
    begun = [plan for plan in left if is_begun(find_position(source, plan.sop_instance_uid))]
    approved = [plan for plan in left if plan.approval_status is ApprovalStatus.APPROVED]
    return tuple(begun or approved or left)


def _said(
    source: DossierSource,
    kind: VerdictKind,
    reasons: Sequence[str],
    would: Sequence[str] = (),
    why: Sequence[str] = (),
) -> Verdict:
    shown = list(reasons[:REASONS_SHOWN_MAX])
    if (more := len(reasons) - len(shown)) > 0:
        shown.append(f"and {plural(more, 'more reason')}, below")
    first = {VerdictKind.ASK: "Ask first", VerdictKind.DO_NOT: "Do not treat"}[kind]
    whom, night = whom_to_ask(source), unbroken(source.night_phone)
    asked = " ".join(filter(None, (f"Ask {whom}." if whom else "", f"At night: {night}." if night else "")))
    return Verdict(
        kind=kind,
        words=f"{first}: {'; '.join(shown).replace('?; ', '? Also: ')}",
        because=(*why, *filter(None, (asked,)), *would),
    )


def _why(source: DossierSource, candidates: Sequence[Plan]) -> Iterator[str]:
    """Yield what the evidence does not agree on, so that nobody looks for it further down."""
    course = () if source.position is None else source.position.conflicts
    plans = (find_position(source, plan.sop_instance_uid) for plan in candidates)
    conflicts = (*(one for plan in plans if plan for one in plan.conflicts), *course)
    yield from dict.fromkeys(line(one.text, longest=WHY_CHARACTERS_MAX) for one in conflicts)


# Do not treat ---------------------------------------------------------------------------------------------


def _never(source: DossierSource, clinical: Sequence[Plan], candidates: Sequence[Plan]) -> Iterator[str]:
    positions = () if source.position is None else source.position.plans
    if not source.plans and not positions:
        yield "no plan is here"
    elif not source.plans:
        yield "the plan that the records name is not here"
    elif not clinical:
        yield "the only plans here are not for treating a patient"
    elif not candidates and not _missing_plans(source):
        yield "every fraction of every plan that is here is given"
    elif candidates and all(plan.approval_status in _REFUSED for plan in candidates):
        labels = " and ".join(map(short_label, candidates))
        yield f"{labels} {'is' if len(candidates) == 1 else 'are'} not approved"


def _missing_plans(source: DossierSource) -> tuple[str, ...]:
    """Return the labels of plans that were begun, are not finished, and are not here."""
    known = {plan.sop_instance_uid for plan in source.plans}
    positions = () if source.position is None else source.position.plans
    return tuple(
        line(one.rt_plan_label) or "without label"
        for one in positions
        if one.plan_uid not in known and not one.is_finished
    )


# Ask first ------------------------------------------------------------------------------------------------


def _who(source: DossierSource) -> Iterator[str]:
    if any(Alike.SAME_ID in other.how for other in source.namesakes or ()):
        yield "another person has this Patient ID"
    if source.provenance.is_disputed:
        yield "the night that this is from is disputed"
    if source.provenance.night is None:
        yield "how many fractions were given? This folder shows only what lies in it"


def _of_the_patient(source: DossierSource) -> Iterator[str]:
    if source.entry.disagreements:
        yield "the sources disagree about this patient"
    if source.problems:
        yield "something could not be read or is not sure"
    course = source.position
    if course is None:
        yield "nothing could be counted"
    elif course.unassigned_record_uids or course.conflicts:
        yield "records do not fit the plans"
    if unrecorded(source):
        yield "a session was held of which no record is here"
    if source.entry.finished:
        yield "the OIS calls the course finished"
    yield from (f"plan {one} was begun and is not here" for one in _missing_plans(source))
    positions = () if course is None else course.plans
    treated = any(claim.reason is CensusReason.TREATED_RECENTLY for claim in source.entry.claims)
    if course is not None and treated and not any(map(is_begun, positions)):
        yield "treated in the last days, and no fraction is counted"


def _which(source: DossierSource, candidates: Sequence[Plan]) -> Iterator[str]:
    among = {plan.sop_instance_uid for plan in candidates}
    for pair in rivals(source):
        if among & {pair.older.sop_instance_uid, pair.newer.sop_instance_uid}:
            yield f"which plan, {short_label(pair.older)} or {short_label(pair.newer)}?"
            return
    if len(candidates) > 1 and not _are_together(source, candidates):
        yield f"which plan comes next, {_listed(candidates)}?"


def _listed(plans: Sequence[Plan]) -> str:
    shown = " or ".join(short_label(plan) for plan in plans[:PLANS_NAMED_MAX])
    more = len(plans) - PLANS_NAMED_MAX
    return f"{shown} or one of {plural(more, 'other', 'others')}" if more > 0 else shown


def _of_each(source: DossierSource, candidates: Sequence[Plan]) -> Iterator[str]:
    for plan in candidates:
        named = f"{short_label(plan)}: " if len(candidates) > 1 else ""
        yield from (named + doubt for doubt in _of_one(source, plan))


def _are_together(source: DossierSource, candidates: Sequence[Plan]) -> bool:
    """Return whether all were last treated on one day: then they are given together."""
    lasts = [
        position.last_treated_at if (position := find_position(source, plan.sop_instance_uid)) else None
        for plan in candidates
    ]
    days = {local_date(last, source.zone) if last is not None else None for last in lasts}
    return len(days) == 1 and None not in days


def _of_one(source: DossierSource, plan: Plan) -> Iterator[str]:
    position = find_position(source, plan.sop_instance_uid)
    ready = find_ready(source, plan.sop_instance_uid)
    blocking = () if ready is None else ready.blocking
    if position is None or position.next_fraction_number is None:
        yield "which fraction is next is not known"
    elif is_count_in_doubt(blocking, position, source.position):
        yield "which fraction is next is in doubt"
    elif position.conflicts:
        yield "the records of this plan raise a question"
    if side_differs(source, plan):
        yield "left or right? The sources differ"
    if ois_against(source.entry, position, plan.sop_instance_uid, source.zone):
        yield "the OIS says otherwise"
    if plan.approval_status is ApprovalStatus.UNKNOWN:
        yield "is the plan approved? It does not say"
    elif plan.approval_status in _REFUSED:
        yield "the plan is not approved"
    conflicts = {one.text for one in position.conflicts} if position is not None else set()
    if ready is None:
        yield "whether this copy is enough to treat was not looked at"
    elif set(blocking) - conflicts and plan.approval_status is ApprovalStatus.APPROVED:
        yield "this copy is not enough to treat"
    yield from _of_the_day(source, plan)


def _of_the_day(source: DossierSource, plan: Plan) -> Iterator[str]:
    position = find_position(source, plan.sop_instance_uid)
    last = None if position is None else position.last_treated_at
    days = None if position is None else gap_days(position, source.as_of, source.zone)
    if days is not None and days < 0:
        yield "the last fraction is dated after this paper"
    elif days is not None and days > ASK_AFTER_DAYS:
        yield f"{days} days without a fraction"
    if source.provenance.night is None:
        return  # a folder knows no appointments
    machines = ", ".join(plan.treatment_machine_names)
    session = next_session(source, plan)
    if not machines:
        yield "the plan names no machine"
    elif session is None:
        yield f"no session is booked on {line(machines)}"
    elif last is not None and local_date(session.starts_at, source.zone) == local_date(last, source.zone):
        yield "a fraction was given that day already"


# Treat ----------------------------------------------------------------------------------------------------


def _treat(source: DossierSource, candidates: Sequence[Plan]) -> str:
    first, *others = (_one(source, plan) for plan in candidates)
    return "\n".join((first, *(f"and {said[0].lower()}{said[1:]}" for said in others)))


def _one(source: DossierSource, plan: Plan) -> str:
    position = find_position(source, plan.sop_instance_uid)
    session = next_session(source, plan)
    if position is None or session is None:
        raise ValueError("a verdict to treat without a count or a session")
    verb = "Complete, as a physicist says," if position.next_is_continuation else "Treat"
    what = f"{verb} fraction {position.next_fraction_number} of {position.fractions_planned}"
    when = weekday_at(session.starts_at, source.zone).replace(" ", "\u00a0")
    return f"{what} of plan {short_label(plan)} on {line(session.machine)}, {when}"


def _left(source: DossierSource, plan: Plan) -> str:
    position = find_position(source, plan.sop_instance_uid)
    said = "" if position is None else left_of_begun(plan, position)
    return f"It was begun: {said}. Before the beam, ask a physicist how it is completed." if said else ""


def _would(source: DossierSource, candidates: Sequence[Plan]) -> Iterator[str]:
    for plan in candidates[:PLANS_NAMED_MAX]:
        position = find_position(source, plan.sop_instance_uid)
        if position is None or position.next_fraction_number is None:
            continue
        ready = find_ready(source, plan.sop_instance_uid)
        in_doubt = ready is None or is_count_in_doubt(ready.blocking, position, source.position)
        of = "" if position.fractions_planned is None else f" of {position.fractions_planned}"
        verb = "complete " if position.next_is_continuation else ""
        machine = line(", ".join(plan.treatment_machine_names))
        yield (
            f"Once that is settled: {verb}fraction {position.next_fraction_number}"
            f"{'?' if in_doubt else ''}{of} of plan {short_label(plan)}"
            f"{f' on {machine}' if machine else ''}; {_booked(source, plan)}."
        )


def _booked(source: DossierSource, plan: Plan) -> str:
    return when_words(source, plan).replace("\n", ", ")
