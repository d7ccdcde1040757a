"""An announced place stands; what keeping it costs is shown, and only a person or a lost slot changes it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.respond.placement import Instance, Placement, board_of, price, solve

MONDAY = date(2026, 11, 23)
TUESDAY, WEDNESDAY = (MONDAY + timedelta(days=number) for number in (1, 2))


def patient(
    name: str, priority: int = 1, *, on: tuple[str, ...] = ("m1", "n1"), **more: Any
) -> dict[str, Any]:
    options = [{"machine": one, "class": more.pop("kind", "A")} for one in on]
    return {"id": name, "priority": priority, "category": 2, "fractions_left": 5, "options": options} | more


def instance(patients: list[dict[str, Any]], *, slots: int = 1, **more: Any) -> Instance:
    return Instance.model_validate(
        {
            "format": 1,
            "first_on": MONDAY,
            "days": 28,
            "site": [{"id": "m", "replans_a_day": 1}, {"id": "n"}],
            "machine": [
                {"id": "m1", "site": "m", "slots": slots},
                {"id": "m2", "site": "m", "slots": 1},
                {"id": "n1", "site": "n", "slots": slots},
            ],
            "patient": patients,
            **more,
        }
    )


def places(found: Placement) -> dict[str, tuple[str, date | None]]:
    return {one.patient: (one.machine, one.first_on) for one in found.placed}


def told_late(**more: Any) -> list[dict[str, Any]]:
    """One patient was promised the slot that another needs far more."""
    return [
        patient("told", 2, on=("m1",), category=3, announced="m1", announced_from=TUESDAY),
        patient("urgent", 1, on=("m1",), category=1),
    ]


def test_an_announced_place_is_kept_whoever_comes_and_its_cost_is_shown() -> None:
    found = solve(instance(told_late()))

    assert places(found)["told"] == ("m1", TUESDAY)
    assert next(one for one in found.placed if one.patient == "told").reason.startswith("announced, and kept")
    assert found.announced.kept == ("told",)
    assert found.announced.would_move == ("told",)
    assert found.announced.gain > 0


def test_where_a_person_says_so_it_moves_and_gains_what_was_said() -> None:
    kept = solve(instance(told_late()))
    free = solve(instance(told_late(), move_announced=True))

    assert places(free)["urgent"] == ("m1", TUESDAY)
    assert kept.cost - free.cost == pytest.approx(kept.announced.gain)
    assert free.announced.kept == ()


def test_where_slots_were_taken_away_the_most_urgent_keep_theirs_and_nobody_is_dropped() -> None:
    told = [
        patient(name, number, announced="m1", announced_from=TUESDAY)
        for number, name in enumerate(("a", "b", "c"), 1)
    ]
    found = solve(instance(told))

    assert found.announced.kept == ("a",)
    assert found.announced.released == ("b", "c")
    assert all(one.machine for one in found.placed)
    assert "the announced place on m1 cannot be kept" in found.placed[1].reason
    assert found.bound <= found.cost + 1e-9


def test_an_announced_day_that_is_no_day_any_more_keeps_the_machine() -> None:
    found = solve(instance([patient("a", announced="n1", announced_from=MONDAY - timedelta(days=4))]))

    assert places(found)["a"][0] == "n1"
    assert found.announced.other_day == ("a",)


def test_the_work_before_an_announced_day_is_not_counted_again() -> None:
    read = instance([patient("a", on=("m1",), kind="C", announced="m1", announced_from=TUESDAY)])

    assert places(solve(read))["a"] == ("m1", TUESDAY)


def test_whose_data_went_to_a_house_stays_there_on_another_machine_of_it_if_need_be() -> None:
    sent = {"announced": "m1", "announced_from": TUESDAY, "sent_there": True}
    begun = patient("b", 2, on=("m1",), announced="m1", begun_there=True, fractions_left=20)
    read = instance([patient("a", on=("n1", "m1", "m2"), **sent), begun], slots=1)
    found = solve(read)

    assert places(found)["b"] == ("m1", MONDAY)
    assert places(found)["a"][0] == "m2"
    assert places(solve(read.model_copy(update={"move_announced": True})))["a"][0] in {"m1", "m2"}


def test_only_a_person_sends_somebody_on_whose_data_went_elsewhere_and_is_told_of_them() -> None:
    read = instance([patient("a", announced="m1", announced_from=TUESDAY, sent_there=True)])
    board = board_of(read, places(solve(read)))
    move = price(board, "a", "n1", TUESDAY)

    assert move.refusal == ""
    assert "has to be told to delete them" in move.remarks[0]


@pytest.mark.parametrize(("sent", "displaced"), [(True, []), (False, ["there"])])
def test_nobody_whose_data_went_to_a_house_makes_room_there(sent: bool, displaced: list[str]) -> None:
    there = patient(
        "there", 3, on=("m1", "n1"), category=3, announced="m1", announced_from=TUESDAY, sent_there=sent
    )
    read = instance([there, patient("new", 1, on=("m1",), category=1)], slots=1)
    move = price(board_of(read, {"there": ("m1", TUESDAY), "new": ("", None)}), "new", "m1", TUESDAY)

    assert [one.patient for one in move.displaced] == displaced
    assert bool(move.refusal) == sent


def test_by_hand_room_is_made_first_where_nobody_was_told() -> None:
    told = patient("told", 3, on=("m1", "n1"), category=3, announced="m1", announced_from=TUESDAY)
    free = patient("free", 1, on=("m1", "n1"), category=1)
    read = instance([told, free, patient("new", 2, on=("m1",))], slots=2)
    board = board_of(read, {"told": ("m1", TUESDAY), "free": ("m1", TUESDAY), "new": ("", None)})
    move = price(board, "new", "m1", TUESDAY)

    assert [one.patient for one in move.displaced] == ["free"]


needs = st.fixed_dictionaries(
    {
        "category": st.integers(1, 3),
        "fractions_left": st.integers(1, 8),
        "on": st.sets(st.sampled_from(["m1", "m2", "n1"]), min_size=1),
        "told": st.none() | st.tuples(st.sampled_from(["m1", "m2", "n1"]), st.integers(-2, 8)),
        "sent_there": st.booleans(),
    }
)


@settings(deadline=None, max_examples=40)
@given(st.lists(needs, min_size=1, max_size=7))
def test_everybody_told_keeps_the_place_or_is_named_and_the_bound_holds(wanted: list[dict[str, Any]]) -> None:
    patients = []
    for number, one in enumerate(wanted):
        told, on = one.pop("told"), tuple(sorted(one.pop("on")))
        sent = one.pop("sent_there")
        if told is not None:
            day = MONDAY + timedelta(days=told[1])
            one |= {"announced": told[0], "announced_from": day, "sent_there": sent}
        patients.append(patient(str(number), number + 1, on=on, **one))
    read = instance(patients)
    found = solve(read, seconds=2)
    there, word = places(found), found.announced

    assert found.bound <= found.cost + 1e-9
    assert {*word.kept, *word.other_day, *word.released} == {one.id for one in read.patient if one.announced}
    for need in read.patient:
        if need.id in word.kept:
            assert there[need.id] == (need.announced, need.announced_from)
        if need.id in word.other_day:
            assert there[need.id][0] == need.announced
