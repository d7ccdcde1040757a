"""Which fractions get a day at another house: none of a plan that may be replaced."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.unit.protect.lists.people_on_lists import HEAD, ZONE, person

from beamkeeper.app.jobs.handing_over import Agreed
from beamkeeper.app.jobs.handover_days import dated, may_be_replaced
from beamkeeper.domain.chart import ChartPlan
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.protect.lists import Person, list_rows
from beamkeeper.respond.handover import new_keys

FIRST = date(2026, 3, 4)
AGREED = Agreed(
    to=new_keys("AZ Noord").card, by="A", days=tuple(FIRST + timedelta(days=ahead) for ahead in range(3))
)


def with_conflict(one: Person, kind: ConflictKind) -> Person:
    assert one.position is not None
    plan = replace(one.position.plans[0], conflicts=(Conflict(kind=kind, text="said"),))
    return replace(one, position=replace(one.position, plans=(plan,)))


def with_status(one: Person, status: str) -> Person:
    uid = one.plans[0].sop_instance_uid
    chart = replace(
        one.entry.charts[0], plans=(ChartPlan(plan_id="P", course_id="C1", plan_uid=uid, status=status),)
    )
    return replace(one, entry=replace(one.entry, charts=(chart,)))


@pytest.mark.parametrize(
    ("changed", "is_dated"),
    [
        (person(1), True),
        (with_status(person(1), "approved"), True),
        (with_conflict(person(1), ConflictKind.FOLLOWED), True),  # most often a boost
        (with_conflict(person(1), ConflictKind.SUPERSEDED), False),
        (with_status(person(1), "superseded"), False),
    ],
)
def test_a_plan_that_may_be_replaced_gets_no_day(changed: Person, is_dated: bool) -> None:
    (row,) = list_rows([changed], HEAD)
    found = [(one.fraction_number, one.day) for one in dated(changed, row.plans, AGREED, ZONE, FIRST)]
    assert changed.position is not None

    assert found == ([(13 + number, day) for number, day in enumerate(AGREED.days)] if is_dated else [])
    assert may_be_replaced(changed, changed.position.plans[0]) is not is_dated
