"""A plan that people said is replaced by another: what is next then, and what counts as given.

No copy knows which of two plans holds when the system that decided it is gone, so people say it. What they
say changes no record: the old plan gives nothing more, and what was given by it counts in the new one's
numbering, or the new one begins at 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from beamkeeper.domain.crosscheck import check_skipped, check_successors
from beamkeeper.domain.findings import Findings
from beamkeeper.domain.placing import fraction_groups
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.position import (
    Conflict,
    ConflictKind,
    CoursePosition,
    FractionState,
    PlanPosition,
)
from beamkeeper.domain.words import plural

_ASKED_WHICH = frozenset({ConflictKind.SUPERSEDED, ConflictKind.FOLLOWED})
"""Questions about a plan that its being replaced answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What two people said: by one plan nothing more is given, another one holds.

    Attributes
    ----------
    old_uid, new_uid
        SOP Instance UIDs of the plans.
    after
        How many fractions the old one had given when that was said.
    goes_on
        Whether these count in the new one's numbering; else it begins at 1.
    said
        Who said it, when, and why, in words.
    """

    old_uid: str
    new_uid: str
    after: int
    goes_on: bool
    said: str


def in_effect(said: Iterable[Replacement]) -> tuple[Replacement, ...]:
    """Return what holds of everything that was said, in order: of each plan the last word.

    Whoever says that a plan holds says as well that nothing replaces it; so no plan replaces itself in a
    circle. Old plans come before what replaces them.
    """
    by_old: dict[str, Replacement] = {}
    for one in said:
        if one.old_uid == one.new_uid:
            continue
        by_old.pop(one.new_uid, None)
        by_old[one.old_uid] = one
    ordered: dict[str, Replacement] = {}
    while by_old:
        awaited = {one.new_uid for one in by_old.values()}
        ready = {uid: one for uid, one in by_old.items() if uid not in awaited}
        ordered |= ready
        by_old = {uid: one for uid, one in by_old.items() if uid not in ready}
    return tuple(ordered.values())


def with_replaced(
    position: CoursePosition, plans: Iterable[Plan], said: Iterable[Replacement]
) -> CoursePosition:
    """Return a position with what people said of plans that are replaced.

    Parameters
    ----------
    position
        As counted from records, without any of this.
    said
        What holds, as `in_effect` returns it.
    """
    whose = position.patient_id.strip()
    known = {plan.sop_instance_uid: plan for plan in plans if plan.patient_id.strip() == whose}
    at = {one.plan_uid: one for one in position.plans}
    lost: list[Conflict] = []
    holding: dict[str, str] = {}
    for one in said:
        old, new = at.get(one.old_uid), at.get(one.new_uid)
        if old is None or new is None or not {one.old_uid, one.new_uid} <= known.keys():
            lost.append(_not_here(one))
            continue
        at[one.new_uid] = _holding(new, old, one, known[one.new_uid])
        at[one.old_uid] = _closed(old, new, one)
        holding[one.old_uid] = one.new_uid
    given = {uid: one.fractions_complete for uid, one in at.items()}
    found = {uid: _asked(one, known, holding, given) for uid, one in at.items()}
    return replace(
        position,
        plans=tuple(found[one.plan_uid] for one in position.plans),
        conflicts=(*position.conflicts, *lost),
    )


def _closed(old: PlanPosition, new: PlanPosition, said: Replacement) -> PlanPosition:
    """Return the old plan: nothing comes next by it."""
    begun = " What was begun by it stays unfinished." if old.fractions_partial else ""
    text = (
        f"REPLACED by plan {new.rt_plan_label!r} after {plural(said.after, 'fraction')}: nothing more is "
        f"given by this one.{begun} {said.said}"
    )
    kept = tuple(one for one in old.conflicts if one.kind not in _ASKED_WHICH)
    return replace(
        old,
        next_fraction_number=None,
        next_fraction_group_number=None,
        next_is_continuation=False,
        conflicts=(*kept, Conflict(kind=ConflictKind.REPLACED, text=text)),
    )


def _holding(new: PlanPosition, old: PlanPosition, said: Replacement, plan: Plan) -> PlanPosition:
    """Return the new plan: it goes on where the old one ended, or begins at 1."""
    dose = "" if old.dose_so_far_gy is None else f" ({old.dose_so_far_gy:.2f} Gy)"
    how = "they count here" if said.goes_on else "this one begins at 1"
    text = (
        f"Holds instead of plan {old.rt_plan_label!r}, by which {plural(said.after, 'fraction')}{dose} "
        f"were given: {how}. {said.said}"
    )
    conflicts = [Conflict(kind=ConflictKind.REPLACES, text=text)]
    if old.fractions_complete != said.after:
        text = (
            f"By the records {plural(old.fractions_complete, 'fraction')} were given by plan "
            f"{old.rt_plan_label!r}; when it was said to be replaced, {said.after}. Say again which holds."
        )
        conflicts.append(Conflict(kind=ConflictKind.REPLACED_AND_GIVEN, text=text))
    last = max(filter(None, (old.last_treated_at, new.last_treated_at)), default=None)
    new = replace(new, last_treated_at=last, conflicts=(*new.conflicts, *conflicts))
    return _gone_on(new, old, said, plan) if said.goes_on else new


def _gone_on(new: PlanPosition, old: PlanPosition, said: Replacement, plan: Plan) -> PlanPosition:
    """Return the new plan with the fractions of the old one counted in its own numbers."""
    groups = fraction_groups(plan)
    own = {state.fraction_number: state for state in new.fractions}
    twice = sorted(number for number, state in own.items() if number <= said.after and state.begun)
    if len(groups) != 1 or twice:
        which = f"fraction {twice[0]} of it has a record of its own" if twice else "it has several groups"
        text = f"Its numbers cannot go on from plan {old.rt_plan_label!r}: {which}. Say again which holds."
        doubt = Conflict(kind=ConflictKind.REPLACED_AND_GIVEN, text=text)
        return replace(new, conflicts=(*new.conflicts, doubt))
    group = groups[0]
    states = (*_carried(old, said.after, group.fraction_group_number), *new.fractions)
    complete = [state.fraction_number for state in states if state.begun and state.complete]
    following = max(complete, default=0) + 1
    planned = group.number_of_fractions_planned
    is_left = planned is None or following <= planned
    doses = (old.dose_so_far_gy, new.dose_so_far_gy)
    made = replace(
        new,
        fractions=states,
        fractions_complete=len(complete),
        dose_so_far_gy=None if None in doses else sum(filter(None, doses)),
        first_treated_at=old.first_treated_at or new.first_treated_at,
        conflicts=_skipped_anew(new, states),
    )
    if made.fractions_partial:
        return made
    return replace(
        made,
        next_fraction_number=following if is_left else None,
        next_fraction_group_number=group.fraction_group_number if is_left else None,
    )


def _carried(old: PlanPosition, after: int, group: int) -> tuple[FractionState, ...]:
    """Return the complete fractions of the old plan, numbered from 1, without records of the new one."""
    given = [state for state in old.fractions if state.complete and state.begun][:after]
    return tuple(
        FractionState(
            fraction_number=number,
            complete=True,
            first_treated_at=state.first_treated_at,
            last_treated_at=state.last_treated_at,
            fraction_group_number=group,
        )
        for number, state in enumerate(given, start=1)
    )


def _skipped_anew(new: PlanPosition, states: tuple[FractionState, ...]) -> tuple[Conflict, ...]:
    """Return the conflicts, with gaps in the numbers looked for among everything that was given."""
    found = Findings()
    check_skipped([state for state in states if state.begun], "", found)
    kept = (one for one in new.conflicts if one.kind is not ConflictKind.SKIPPED_FRACTION)
    return (*kept, *found.conflicts())


def _asked(
    at: PlanPosition, known: Mapping[str, Plan], holding: Mapping[str, str], given: Mapping[str, int]
) -> PlanPosition:
    """Return a plan that was not replaced, with what is asked about plans that nobody has spoken of."""
    before = [uid for uid in (at.plan_uid, *holding) if _end(uid, holding) == at.plan_uid]
    if at.plan_uid in holding or not holding or at.plan_uid not in known:
        return at
    others = [plan for uid, plan in known.items() if uid not in holding and uid != at.plan_uid]
    found = Findings()
    for uid in before:
        check_successors(known[uid], given[uid], others, found)
    kept = (one for one in at.conflicts if one.kind not in _ASKED_WHICH)
    return replace(at, conflicts=(*kept, *found.conflicts()))


def _end(uid: str, holding: Mapping[str, str]) -> str:
    while uid in holding:
        uid = holding[uid]
    return uid


def _not_here(said: Replacement) -> Conflict:
    text = f"A plan that was said to hold, or the one it replaces, is not in this copy. {said.said}"
    return Conflict(kind=ConflictKind.REPLACED_AND_GIVEN, text=text)
