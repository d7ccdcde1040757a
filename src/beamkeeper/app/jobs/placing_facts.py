"""Facts for a placement out of an incident: who has to go somewhere, how urgent, for how many sessions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.placing_gaps import Spare, spare_of, treatment_days
from beamkeeper.app.jobs.placing_plans import digest_of
from beamkeeper.app.jobs.triage import CONSIDERED
from beamkeeper.clock import local_date
from beamkeeper.domain.demand import PlanDemand
from beamkeeper.domain.patient import named_apart
from beamkeeper.domain.position import ConflictKind
from beamkeeper.protect.lists import Section, list_rows
from beamkeeper.respond.placement.drafting import Candidate, OpenPlan

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.placing_gaps import SignedGap
    from beamkeeper.domain.position import PlanPosition
    from beamkeeper.protect.lists import ListRow, Person, PlanLine
    from beamkeeper.respond.incident import Inventory
    from beamkeeper.respond.triage import Ranked

_TWICE_OF: Final = 3
"""Two a day are supposed where most of so many last treatment days had two fractions of one plan."""


def wanted_plans(inventory: Inventory) -> dict[str, tuple[Person, list[str]]]:
    """Return by pseudonym the patients to be placed, with the digests of their open plans."""
    persons = {one.pseudonym: one for one in inventory.persons}
    found = {}
    for row in list_rows(inventory.persons, inventory.head):
        person = persons[row.pseudonym]
        digests = [digest for line in _open(row) if (digest := digest_of(person, line.plan_uid)) is not None]
        if digests and row.section in CONSIDERED:
            found[row.pseudonym] = (person, digests)
    return found


def candidates(
    inventory: Inventory,
    ranked: Iterable[Ranked],
    demands: Mapping[str, PlanDemand | str],
    *,
    today: date,
    first_on: date,
    holidays: Collection[date] = (),
    signed: Mapping[str, SignedGap] | None = None,
    allowed: Mapping[int, int] | None = None,
) -> tuple[Candidate, ...]:
    """Return everybody of an inventory as a placement sees them.

    Parameters
    ----------
    ranked
        The order of triage as of `today`.
    demands
        By the digest of the plan's file: what it asks, or why it cannot be read.
    first_on
        The day on which the placement begins: treatment days until then are spent.
    signed
        By pseudonym, the way to go on that a physician signed.
    allowed
        By category, for how many days a course may be prolonged.
    """
    order = {one.pseudonym: one for one in ranked}
    persons = {one.pseudonym: one for one in inventory.persons}
    passed = treatment_days(today, first_on, holidays)
    zone = inventory.head.zone
    found = []
    for row in list_rows(inventory.persons, inventory.head):
        person, ranked_as = persons[row.pseudonym], order.get(row.pseudonym)
        one = _candidate(person, row, ranked_as, demands, passed=passed, zone=zone)
        if gap := (signed or {}).get(row.pseudonym):
            spare = spare_of(
                gap,
                first_on=first_on,
                holidays=holidays,
                category=one.category,
                allowed=allowed or {},
                fractions_left=one.fractions_left,
            )
            one = _as_signed(one, spare)
        found.append(one)
    return tuple(found)


def _as_signed(one: Candidate, spare: Spare | str) -> Candidate:
    """Return a patient by the numbers of the gap that was signed, or with the word why not."""
    if isinstance(spare, str):
        return replace(one, notes=(*one.notes, spare))
    return replace(
        one,
        days_to_spare=spare.days,
        fractions_left=spare.sessions,
        per_day=spare.per_day,
        notes=(*one.notes, *spare.said),
    )


def _candidate(
    person: Person,
    row: ListRow,
    one: Ranked | None,
    demands: Mapping[str, PlanDemand | str],
    *,
    passed: int,
    zone: ZoneInfo,
) -> Candidate:
    lines = _open(row)
    not_placed, would_help = _not_placed(row)
    spare = None if one is None or one.days_to_spare is None else one.days_to_spare - passed
    left, said = fractions_left(person, open_plan_uids(row), zone)
    per_day = sessions_a_day(person, open_plan_uids(row), zone)
    machines = dict.fromkeys(line.machine for line in lines if line.machine)
    where = (
        f"Treated on {', '.join(machines)} so far."
        if row.section is Section.ON_TREATMENT and machines
        else ""
    )
    notes = [
        *filter(None, (where,)),
        *said,
        *((f"{per_day} fractions a day, as given so far.",) if per_day > 1 else ()),
    ]
    if one is not None and one.facts.in_doubt:
        notes.append("The position in the course is in doubt: ask before the first fraction there.")
    return Candidate(
        id=row.pseudonym,
        name=named_apart(row.patient),
        priority=None if one is None else one.rank,
        category=None if one is None else one.facts.rcr_category,
        fractions_left=left,
        days_to_spare=spare,
        begun=row.section is Section.ON_TREATMENT,
        per_day=per_day,
        plans=tuple(_plan(person, line, demands) for line in lines),
        not_placed=not_placed,
        would_help=would_help,
        notes=tuple(notes),
        warnings=row.warnings,
    )


def open_plan_uids(row: ListRow) -> set[str]:
    """Return the plans of which a fraction is left."""
    return {line.plan_uid for line in _open(row)}


def _open(row: ListRow) -> tuple[PlanLine, ...]:
    return tuple(line for line in row.plans if line.section is not Section.FINISHED and line.plan_uid)


def _not_placed(row: ListRow) -> tuple[str, str]:
    if row.section is Section.FINISHED:
        return "finished: no fraction is left by what is held", "nothing, unless that is wrong"
    if row.section is Section.NOT_READY:
        missing = dict.fromkeys(text for line in row.plans for text in line.missing)
        said = " ".join(missing).rstrip(".") or "no plan that could be given"
        return f"not ready to start: {said}", "settle that, then draft again"
    return "", ""


def _plan(person: Person, line: PlanLine, demands: Mapping[str, PlanDemand | str]) -> OpenPlan:
    digest = digest_of(person, line.plan_uid)
    found = demands.get(digest, "it was not read") if digest else "its file is not kept"
    if isinstance(found, PlanDemand):
        return OpenPlan(label=line.label, demand=found)
    return OpenPlan(label=line.label, demand=None, unread=found)


# How often a patient comes ---------------------------------------------------------------------------


def fractions_left(person: Person, open_uids: set[str], zone: ZoneInfo) -> tuple[int | None, tuple[str, ...]]:
    """Return for how many sessions' fractions slots are needed, and what was supposed.

    Plans given on the same days share their sessions; of a plan and the one derived from it the longer
    counts; all others follow one another.
    """
    plans = [at for at in (person.position.plans if person.position else ()) if at.plan_uid in open_uids]
    if not plans or any(at.fractions_planned is None for at in plans):
        return None, ()
    groups: list[tuple[set[date], int]] = []
    said = []
    for at in sorted(plans, key=lambda one: -_left(one)):
        days = _days(at, zone)
        shared = next((index for index, (other, _) in enumerate(groups) if _together(days, other)), None)
        replaced = any(item.kind is ConflictKind.SUPERSEDED for item in at.conflicts) and len(plans) > 1
        if replaced:
            said.append(
                f"{at.rt_plan_label} may be replaced: its fractions are not counted beside the other."
            )
        elif shared is None:
            groups.append((days, _left(at)))
        else:
            said.append(f"{at.rt_plan_label} is given in the same sessions as another plan.")
    if not groups:
        return max(_left(at) for at in plans), tuple(said)
    return sum(left for _, left in groups), tuple(said)


def _together(days: set[date], other: set[date]) -> bool:
    """Whether two plans were given in the same sessions: most days of the shorter are days of the other."""
    return 2 * len(days & other) > min(len(days), len(other))


def _left(at: PlanPosition) -> int:
    return max(0, (at.fractions_planned or 0) - at.fractions_complete)


def _days(at: PlanPosition, zone: ZoneInfo) -> set[date]:
    return {local_date(found, zone) for found in _times(at)}


def _times(at: PlanPosition) -> list[datetime]:
    return [state.last_treated_at for state in at.fractions if state.complete and state.last_treated_at]


def sessions_a_day(person: Person, open_uids: set[str], zone: ZoneInfo) -> int:
    """Return 2 where most of the last treatment days of one plan had two fractions, else 1."""
    for at in person.position.plans if person.position else ():
        if at.plan_uid not in open_uids:
            continue
        counts: Counter[date] = Counter(local_date(found, zone) for found in _times(at))
        last: Sequence[date] = sorted(counts)[-_TWICE_OF:]
        if len(last) == _TWICE_OF and sum(counts[day] > 1 for day in last) * 2 > _TWICE_OF:
            return 2
    return 1
