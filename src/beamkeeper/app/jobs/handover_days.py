"""Which fractions are given on which of the agreed days, and which wait for a person's word."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from beamkeeper.clock import local_instant
from beamkeeper.domain.ois_against import closed_by_ois
from beamkeeper.domain.position import ConflictKind
from beamkeeper.protect.lists import Section
from beamkeeper.respond.handover import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.handing_over import Agreed
    from beamkeeper.domain.position import PlanPosition
    from beamkeeper.protect.lists import Person
    from beamkeeper.protect.lists.row import PlanLine


def dated(
    person: Person, lines: Sequence[PlanLine], agreed: Agreed, zone: ZoneInfo, today: date
) -> Iterator[Session]:
    """Lay the open fractions of what has begun on the agreed days; what waits for a word gets no day.

    A plan that may be replaced waits, and so does the plan that may replace it: nobody gives a fraction of
    the old one because a day stood beside it.
    """
    positions = {at.plan_uid: at for at in person.position.plans} if person.position else {}
    begun = [line for line in lines if line.section is Section.ON_TREATMENT] or lines[:1]
    for line in begun:
        at = positions.get(line.plan_uid)
        if at is None or at.next_fraction_number is None or at.fractions_planned is None:
            continue
        if may_be_replaced(person, at):
            continue
        numbers = range(at.next_fraction_number, at.fractions_planned + 1)
        visits = zip_longest(agreed.days, agreed.times)
        coming = [(day, at) for day, at in visits if day >= today]
        for number, (day, wall) in zip(numbers, coming, strict=False):
            yield Session(
                plan_uid=line.plan_uid,
                rt_plan_label=line.label,
                fraction_number=number,
                day=day,
                machine=agreed.machine,
                is_rest=at.next_is_continuation and number == at.next_fraction_number,
                starts_at=None if wall is None else local_instant(day, wall, zone),
            )


def may_be_replaced(person: Person, at: PlanPosition) -> bool:
    """Whether an approved plan was derived from this one, or the OIS treats by it no more.

    What the OIS called it before the attack is no question any more where people said that this one holds.
    """
    kinds = {one.kind for one in at.conflicts}
    if ConflictKind.SUPERSEDED in kinds:
        return True
    return ConflictKind.REPLACES not in kinds and any(closed_by_ois(person.entry, at.plan_uid))
