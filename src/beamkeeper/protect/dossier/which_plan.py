"""Where one plan may stand in the place of another: shown side by side, decided by a person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.words import at, line, plural
from beamkeeper.protect.dossier.sheet import Marked, Section, Table
from beamkeeper.protect.dossier.standing import counted, find_position, is_begun, is_open, label
from beamkeeper.protect.dossier.whom import whom_to_ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.dossier.sheet import Standing
    from beamkeeper.protect.dossier.source import DossierSource

SHOWN_MAX = 4
_PROMISES = ("This copy has all", "The files to treat")
_NOT_OPEN = frozenset({"done", "superseded", "rejected"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """Two open plans of which one may replace the other.

    Attributes
    ----------
    because
        What says so, in a sentence.
    """

    older: Plan
    newer: Plan
    because: str


def rivals(source: DossierSource) -> tuple[Rivals, ...]:
    """Return every two plans that both have fractions left and of which one may replace the other.

    By what the plans say of each other; else by one label for both, or by an approval that came after the
    other was begun where no OIS lists both as open. Plans that nobody approved rival none.
    """
    plans = [
        plan
        for plan in source.plans
        if is_open(source, plan) and plan.approval_status is ApprovalStatus.APPROVED
    ]
    found = {pair: said for pair in combinations(plans, 2) if (said := _stated(source, *pair))}
    return tuple(found.values())


def _stated(source: DossierSource, one: Plan, other: Plan) -> Rivals | None:
    for older, newer in ((one, other), (other, one)):
        for how, uid in newer.related_plan_uids:
            if uid == older.sop_instance_uid and (said := _related(source, older, newer, how)):
                return Rivals(older=older, newer=newer, because=said)
    older, newer = sorted(
        (one, other), key=lambda plan: not is_begun(find_position(source, plan.sop_instance_uid))
    )
    if label(one) == label(other):
        said = "Both plans bear the same label, and neither says how it relates to the other."
        return Rivals(older=older, newer=newer, because=said)
    if _came_later(source, older, newer):
        said = (
            f"{label(newer)} was approved after {label(older)} was begun, and nothing says whether it comes "
            "after it or in its place."
        )
        return Rivals(older=older, newer=newer, because=said)
    return None


def _related(source: DossierSource, older: Plan, newer: Plan, how: str) -> str:
    """Return what a relationship (300A,0055) means for two open plans; "" where it means no rivalry."""
    position = find_position(source, older.sop_instance_uid)
    planned = None if position is None else position.fractions_planned
    left = None if position is None or planned is None else planned - position.fractions_complete
    if how == "PREDECESSOR":
        return f"{label(newer)} was made out of {label(older)}."
    if how == "PRIOR":
        missing = "some fractions" if left is None else plural(left, "fraction")
        verb = "is" if left == 1 else "are"
        return (
            f"{label(newer)} follows {label(older)}, of which {missing} {verb} not given: "
            "in its place, or after it?"
        )
    return f"{label(newer)} is an alternative to {label(older)}." if how == "ALTERNATIVE" else ""


def _came_later(source: DossierSource, older: Plan, newer: Plan) -> bool:
    begun, fresh = (find_position(source, plan.sop_instance_uid) for plan in (older, newer))
    if begun is None or begun.first_treated_at is None or is_begun(fresh) or newer.approved_at is None:
        return False
    return newer.approved_at > begun.first_treated_at and not _both_open(source, older, newer)


def _both_open(source: DossierSource, one: Plan, other: Plan) -> bool:
    """Return whether an OIS lists both plans, and calls neither of them closed."""
    for chart in source.entry.charts:
        listed = {item.plan_uid: item.status for item in chart.plans if item.plan_uid}
        states = [listed.get(plan.sop_instance_uid) for plan in (one, other)]
        if None not in states and _NOT_OPEN.isdisjoint(states):
            return True
    return False


def without_a_promise(source: DossierSource, found: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return where the plans stand; of those that rival, nothing that reads like an order to treat."""
    named = {plan.sop_instance_uid for pair in rivals(source) for plan in (pair.older, pair.newer)}
    return tuple(
        replace(
            one,
            next_words=_if_this_plan(one.next_words),
            ready="Its files are all here, but which plan is it"
            if one.ready.startswith(_PROMISES)
            else one.ready,
        )
        if one.plan_uid in named
        else one
        for one in found
    )


def _if_this_plan(next_words: str) -> str:
    """Return what would come next; that one asks first is said by the box above it already."""
    words = next_words.removeprefix("Ask first: ")
    return f"If this plan: {words[0].lower()}{words[1:]}"


def which_plan(source: DossierSource) -> Iterator[Section]:
    """Yield the box that sets rivals side by side and says whom to ask; nothing where there are none."""
    found = rivals(source)
    if not found:
        return
    plans = {plan.sop_instance_uid: plan for pair in found for plan in (pair.older, pair.newer)}
    rows = tuple(_row(source, plan) for plan in plans.values())
    said = [pair.because for pair in found[:SHOWN_MAX]]
    if (more := len(found) - SHOWN_MAX) > 0:
        said.append(f"and {plural(more, 'pair')} more")
    whom = whom_to_ask(source) or "who approved them"
    said.append(f"Treat with neither before somebody has said which: ask {whom}.")
    table = Table(
        header=("Plan", "Given", "Last treated", "Approved", "By"),
        rows=rows,
        widths=("1fr", "auto", "auto", "auto", "1fr"),
    )
    yield Section(title="Which plan?", blocks=(table, Marked(items=tuple(said))))


def _row(source: DossierSource, plan: Plan) -> tuple[str, ...]:
    position = find_position(source, plan.sop_instance_uid)
    last = None if position is None else position.last_treated_at
    return (
        label(plan),
        "not counted" if position is None else counted(position),
        "never, by these records" if last is None else at(last, source.zone),
        at(plan.approved_at, source.zone) if plan.approved_at else "yes, no date",
        line(shown_name(plan.approved_by)) or "not said",
    )
