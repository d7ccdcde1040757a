"""The board's rows and days: everybody once, under the machine, in the order of triage."""

from __future__ import annotations

from datetime import date
from typing import Any

from beamkeeper.app.web.room.grid import Grid, days_shown, grid_of, grouped
from beamkeeper.respond.placement import Instance, solve

MONDAY = date(2026, 3, 2)


def instance(*patients: dict[str, Any], **more: Any) -> Instance:
    return Instance.model_validate(
        {
            "format": 1,
            "first_on": MONDAY,
            "days": 28,
            "attacked_domain": "own-ad",
            "lead_days": [0, 0, 0],
            "site": [{"id": "near"}, {"id": "far"}, {"id": "same", "failure_domain": "own-ad"}],
            "machine": [
                {"id": "far-1", "site": "far", "slots": 2},
                {"id": "same-1", "site": "same", "slots": 9},
                {"id": "near-1", "site": "near", "slots": 1},
            ],
            "patient": patients,
        }
        | more
    )


def need(name: str, priority: int, *machines: str, **more: Any) -> dict[str, Any]:
    options = [{"machine": one, "class": "A"} for one in machines]
    return {"id": name, "priority": priority, "category": 1, "fractions_left": 3, "options": options} | more


def board(made: Instance) -> Grid:
    return grid_of(made, solve(made, seconds=1).placed)


def test_who_has_no_place_stands_first_then_machines_by_site_each_in_the_order_of_triage() -> None:
    made = board(
        instance(
            need("c", 3, "far-1"), need("b", 2, "far-1"), need("n", 4, "near-1"), need("nowhere", 5, "same-1")
        )
    )
    groups = grouped(made, made.rows)

    assert [one.machine.id if one.machine else None for one in groups] == [None, "near-1", "far-1"]
    assert [[row.need.id for row in one.rows] for one in groups] == [["nowhere"], ["n"], ["b", "c"]]


def test_a_group_that_was_begun_on_the_page_before_says_so() -> None:
    made = board(instance(need("a", 1, "far-1"), need("b", 2, "far-1")))

    assert grouped(made, made.rows[1:], before=made.rows[0])[0].goes_on
    assert not grouped(made, made.rows)[0].goes_on


def test_letters_of_a_patient_follow_the_machines_and_what_is_never_used_has_none() -> None:
    made = board(instance(need("a", 1, "same-1", "far-1")))

    assert [one.id for one in made.machines] == ["near-1", "far-1", "same-1"]
    assert made.rows[0].fits == "-A-"


def test_who_has_begun_there_is_not_offered_another_place() -> None:
    made = board(instance(need("a", 1, "far-1", "near-1", announced="far-1", begun_there=True)))

    assert made.rows[0].fits == ""
    assert made.rows[0].has_begun


def test_a_day_bears_the_session_of_the_patient_and_the_slots_of_the_machine() -> None:
    of = instance(need("a", 1, "far-1", per_day=2, fractions_left=6), holidays=["2026-03-03"])
    made, days = board(of), days_shown(of, MONDAY, 1, MONDAY)

    assert [one.text for one in made.cells("a", days)] == ["1", "", "2", "3■", "", "", ""]
    assert [one and (one.used, one.begin, one.is_full) for one in made.machine_cells("far-1", days)] == [
        (2, 1, True),
        None,
        (2, 0, True),
        (2, 0, True),
        (0, 0, False),
        None,
        None,
    ]


def test_weeks_begin_on_monday_and_mark_weekends_holidays_today_and_what_is_over() -> None:
    of = instance(holidays=["2026-03-05"])
    days = days_shown(of, date(2026, 3, 4), 2, date(2026, 3, 3))

    assert (days[0].on, len(days)) == (MONDAY, 14)
    assert [one.kind for one in days[:7]] == ["", "", "", "holiday", "", "weekend", "weekend"]
    assert [one.on.day for one in days if one.is_today] == [3]
    assert [one.on.day for one in days if one.is_over] == [2]


def test_without_machines_everybody_stands_without_a_place() -> None:
    made = board(instance(need("a", 1), machine=[]))

    assert made.machines == ()
    assert not made.rows[0].has_begun
    assert [one.placed.machine for one in made.rows] == [""]
