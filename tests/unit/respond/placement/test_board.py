"""A move by hand: its price is what is taken, and nobody is displaced who may not be."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.respond.placement import (
    Board,
    Instance,
    board_of,
    price,
    price_of_undoing,
    solve,
    timetable,
)

if TYPE_CHECKING:
    from beamkeeper.respond.placement.board import Place

MONDAY = date(2026, 11, 23)
TUESDAY = MONDAY + timedelta(days=1)


def instance(patients: list[dict[str, Any]], **more: Any) -> Instance:
    slots = more.pop("slots", {"m1": 1, "m2": 1})
    site = {"id": "s", "failure_domain": "ok", "replans_a_day": 1} | more.pop("site", {})
    return Instance.model_validate(
        {
            "format": 1,
            "first_on": MONDAY,
            "days": 28,
            "site": [site, {"id": "bad", "failure_domain": "attacked"}],
            "attacked_domain": "attacked",
            "machine": [
                *({"id": name, "site": "s", "slots": count} for name, count in slots.items()),
                {"id": "x", "site": "bad", "slots": 9},
            ],
            "patient": patients,
            **more,
        }
    )


def patient(
    name: str, priority: int, *, on: tuple[str, ...] = ("m1", "m2", "x"), **more: Any
) -> dict[str, Any]:
    options = [{"machine": one, "class": more.get("kind", "A")} for one in on]
    more.pop("kind", None)
    return {"id": name, "priority": priority, "category": 2, "fractions_left": 5, "options": options} | more


def board(read: Instance) -> Board:
    return board_of(read, {one.patient: (one.machine, one.first_on) for one in solve(read).placed})


def test_the_board_stands_where_the_placement_does_and_costs_the_same() -> None:
    read = instance([patient("a", 1), patient("b", 2), patient("c", 3)])
    found = solve(read)
    places = {one.patient: (one.machine, one.first_on) for one in found.placed}

    assert board_of(read, places).places() == places
    assert board_of(read, places).cost == pytest.approx(found.cost)


def test_what_a_move_is_said_to_cost_is_what_the_whole_costs_more_afterwards() -> None:
    now = board(instance([patient("a", 1, category=1), patient("b", 2), patient("c", 3)]))
    move = price(now, "c", "m1", TUESDAY)
    again = board_of(move.board.instance, move.board.places())

    assert move.refusal == ""
    assert move.board.places()["c"] == ("m1", TUESDAY)
    assert move.price == pytest.approx(move.board.cost - now.cost)
    assert again.cost == pytest.approx(move.board.cost)
    assert [one.patient for one in move.displaced] in (["a"], ["b"])
    assert move.price > 0


def test_pricing_changes_nothing() -> None:
    now = board(instance([patient("a", 1), patient("b", 2), patient("c", 3)]))
    before, chosen = now.places(), now.chosen.copy()
    price(now, "c", "m1", TUESDAY)

    assert now.places() == before
    assert (now.chosen == chosen).all()


def test_the_best_free_day_is_taken_where_none_is_named() -> None:
    now = board(instance([patient("a", 1), patient("b", 2)], slots={"m1": 2, "m2": 2}))
    move = price(now, "a", "m2")

    assert move.wanted == ("m2", TUESDAY)
    assert move.displaced == ()


def test_nobody_is_displaced_who_began_there_or_for_whom_a_person_decided() -> None:
    held = [
        patient("a", 1, on=("m1",), announced="m1", begun_there=True),
        patient("b", 2, on=("m1",), fixed="m1"),
    ]
    now = board(instance([*held, patient("c", 3, on=("m1", "m2"))], slots={"m1": 2, "m2": 1}))
    move = price(now, "c", "m1", TUESDAY)

    assert "held by patients who may not be moved (2 of them" in move.refusal
    assert move.board is now


@pytest.mark.parametrize(
    ("need", "machine", "day", "said"),
    [
        ({}, "x", TUESDAY, "attacked failure domain"),
        ({"kind": "D"}, "m1", TUESDAY, "the plan cannot be given there"),
        ({"on": ("m2",)}, "m1", TUESDAY, "nobody has said that m1 could give the plan"),
        ({}, "m1", date(2026, 11, 28), "no treatment day"),
        ({"announced": "m2", "begun_there": True}, "m1", TUESDAY, "treatment has begun on m2"),
    ],
)
def test_a_move_that_may_not_be_made_says_why(
    need: dict[str, Any], machine: str, day: date, said: str
) -> None:
    move = price(board(instance([patient("a", 1, **need)])), "a", machine, day)

    assert said in move.refusal
    assert move.moved == ()


def test_a_person_can_be_quicker_than_a_class_usually_takes_and_is_told() -> None:
    now = board(instance([patient("a", 1, kind="C")]))
    move = price(now, "a", "m1", MONDAY)

    assert move.board.places()["a"] == ("m1", MONDAY)
    assert "class C usually takes 3 treatment days" in move.remarks[0]


def test_what_was_announced_is_said_when_it_changes() -> None:
    now = board(instance([patient("a", 1, announced="m1", announced_from=TUESDAY)]))

    assert "m1 was announced" in price(now, "a", "m2", TUESDAY).remarks[0]
    assert "m1 was announced" in price(now, "a", "m1", MONDAY + timedelta(days=2)).remarks[0]
    assert price(now, "a", "m1", TUESDAY).remarks == ()


def test_who_was_told_of_a_place_and_has_to_leave_it_is_said() -> None:
    told = patient("a", 1, on=("m1",), announced="m1", announced_from=TUESDAY)
    now = board(instance([told, patient("b", 2, on=("m1", "m2"))]))

    move = price(now, "b", "m1", TUESDAY)
    assert move.remarks == ("1 patient who must go elsewhere was told of the place already",)
    assert [one.patient for one in move.hurt] == ["a"]


def test_no_day_that_is_over_is_given_to_anybody_by_a_move() -> None:
    wednesday = MONDAY + timedelta(days=2)
    now = board(instance([patient("a", 1), patient("b", 2), patient("c", 3)], slots={"m1": 1, "m2": 1}))
    later = next(name for name, (_, day) in now.places().items() if day and day > wednesday)

    assert f"{TUESDAY} is over" in price(now, later, "m1", TUESDAY, today=wednesday).refusal
    for machine in ("m1", "m2"):
        move = price(now, later, machine, today=wednesday)
        days = [day for _, day in (one.after for one in move.moved) if day]
        assert all(day >= wednesday for day in days)
    assert "no day is left on m1" in price(now, later, "m1", today=MONDAY + timedelta(days=99)).refusal


def test_whose_first_day_is_over_is_not_displaced_and_the_one_who_moves_is_asked_about() -> None:
    now = board(instance([patient("a", 1, on=("m1",)), patient("b", 2, on=("m1", "m2"))]))
    assert now.places()["a"] == ("m1", TUESDAY)
    there = price(now, "b", "m1", MONDAY + timedelta(days=3), today=MONDAY + timedelta(days=2))

    assert "may not be moved" in there.refusal
    away = price(now, "b", "m1", today=MONDAY + timedelta(days=2))
    assert f"{TUESDAY} on m2 is over: if treatment began there" in away.remarks[0]


def test_who_would_be_left_without_a_place_is_said() -> None:
    read = instance(
        [patient("a", 1, on=("m1",), fractions_left=9), patient("b", 2, on=("m1",), fractions_left=9)],
        slots={"m1": 1, "m2": 0},
        days=14,
    )
    now = board(read)
    move = price(now, "b", "m1", TUESDAY)

    assert now.places() == {"a": ("m1", TUESDAY), "b": ("", None)}
    assert [(one.patient, one.is_left_without) for one in move.hurt] == [("a", True)]
    assert "1 patient would have no place any more" in move.remarks


def test_a_decision_taken_back_frees_the_patient_and_moves_nobody_else() -> None:
    now = board(
        instance([patient("a", 1), patient("b", 2, fixed="m1", fixed_from=MONDAY + timedelta(days=9))])
    )
    move = price_of_undoing(now, "b")

    assert move.price < 0
    assert [one.patient for one in move.moved] == ["b"]
    assert move.board.instance.patient[1].fixed == ""


@pytest.mark.parametrize("day", [MONDAY, MONDAY + timedelta(days=9)])
def test_a_day_that_the_board_had_no_column_for_is_priced_and_undone_like_any_other(day: date) -> None:
    now = board(instance([patient("a", 1), patient("b", 2, kind="C"), patient("c", 3)]))
    there = price(now, "b", "m1", day).board
    back = price_of_undoing(there, "b").board

    assert there.cost == pytest.approx(board_of(there.instance, there.places()).cost)
    assert back.cost == pytest.approx(board_of(back.instance, back.places()).cost)
    assert there.places()["b"] == ("m1", day)
    assert back.places()["b"][1] == now.places()["b"][1]


def test_a_decision_that_found_no_slot_is_priced_in_tumour_control_alone() -> None:
    saturday = MONDAY + timedelta(days=5)
    now = board(instance([patient("a", 1, fixed="m1", fixed_from=saturday)]))
    free = board_of(instance([patient("a", 1)]), {})

    assert now.places()["a"] == ("", None)
    assert price(now, "a", "m1", TUESDAY).price == pytest.approx(price(free, "a", "m1", TUESDAY).price)
    assert price_of_undoing(now, "a").price == pytest.approx(price_of_undoing(free, "a").price)


def test_the_staffs_day_is_made_room_in_as_well() -> None:
    read = instance([patient("a", 1, kind="C"), patient("b", 2, kind="C")], slots={"m1": 5, "m2": 5})
    now = board(read)
    first = {name: day for name, (_, day) in now.places().items()}
    move = price(now, "b", "m1", first["a"])

    assert first["b"] == first["a"] + timedelta(days=1)
    assert [one.patient for one in move.displaced] == ["a"]


def six(slots: int) -> Instance:
    return instance(
        [patient(f"p{number}", number + 1, fractions_left=1 + number) for number in range(6)],
        slots={"m1": slots, "m2": 1},
    )


@cache
def placed_once(slots: int) -> dict[str, Place]:
    return board(six(slots)).places()


moves = st.tuples(st.integers(0, 5), st.sampled_from(["m1", "m2"]), st.integers(0, 11))


@settings(deadline=None, max_examples=25)
@given(st.lists(moves, min_size=1, max_size=6), st.integers(1, 2))
def test_after_any_moves_no_slot_is_given_twice_and_the_prices_add_up(
    wanted: list[tuple[int, str, int]], slots: int
) -> None:
    read = six(slots)
    now = first = board_of(read, placed_once(slots))
    total = 0.0
    for number, machine, day in wanted:
        move = price(now, f"p{number}", machine, MONDAY + timedelta(days=day))
        if not move.refusal:
            now, total = move.board, total + move.price
            assert now.places()[f"p{number}"] == (machine, MONDAY + timedelta(days=day))

    assert now.cost - first.cost == pytest.approx(total)
    used: Counter[tuple[str, date]] = Counter()
    for name, (machine, from_on) in now.places().items():
        need = next(one for one in read.patient if one.id == name)
        days = [MONDAY + timedelta(days=index) for index in range(28)]
        open_days = [day for day in days if from_on and day >= from_on and day.weekday() < 5]
        used.update((machine, day) for day in open_days[: need.fractions_left] if machine)
    assert all(count <= {"m1": slots, "m2": 1}[machine] for (machine, _), count in used.items())


def test_a_timetable_has_every_session_once_and_no_machine_that_is_never_used() -> None:
    read = instance([patient("a", 1), patient("b", 2, per_day=2, fractions_left=4)], slots={"m1": 3, "m2": 0})
    days = timetable(read, solve(read).placed)
    counts = Counter(one.patient for day in days for one in day.sessions)

    assert counts == {"a": 5, "b": 2}
    assert {one.machine for one in days} == {"m1"}
    assert next(one for one in days if one.day == TUESDAY).free == 0


def test_who_is_refused_before_and_after_a_decision_is_taken_back_loses_nothing() -> None:
    began = patient("a", 1, on=("m1",), announced="m1", begun_there=True)
    now = board(instance([began, patient("b", 2, fixed="m1")], slots={"m1": 1, "m2": 1}, days=5))
    full = patient("c", 1, on=("m1",), announced="m1", begun_there=True)
    both = board_of(instance([began, full], days=5), {"a": ("m1", MONDAY), "c": ("", None)})

    assert now.places()["b"] == ("", None)
    assert abs(price_of_undoing(now, "b").price) < 100
    assert price_of_undoing(both, "c").price == pytest.approx(0)


def test_a_decision_taken_back_costs_no_more_than_what_is_lost_where_the_house_has_no_room() -> None:
    sent = patient("a", 2, announced="m1", sent_there=True, fixed="m2")
    full = patient("b", 1, on=("m1",), announced="m1", begun_there=True, fractions_left=30)
    far = {"site": [{"id": "s"}, {"id": "t"}], "attacked_domain": ""}
    machines = [{"id": "m1", "site": "s", "slots": 1}, {"id": "m2", "site": "t", "slots": 1}]
    sent["options"] = [one for one in sent["options"] if one["machine"] != "x"]
    read = Instance.model_validate(
        {"format": 1, "first_on": MONDAY, "days": 12, "machine": machines, "patient": [sent, full], **far}
    )
    move = price_of_undoing(board_of(read, {"a": ("m2", TUESDAY), "b": ("m1", MONDAY)}), "a")

    assert move.wanted == ("", None)
    assert "the patient would have no place any more, and was told of one: call" in move.remarks
    assert move.lost < move.price < 100
    assert price(move.board, "a", "m2", TUESDAY).price == pytest.approx(-move.price)
