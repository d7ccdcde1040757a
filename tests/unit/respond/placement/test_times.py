"""Everybody comes at the same time each day, nobody shares a slot, and what was told stays."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.errors import ConfigError
from beamkeeper.respond.placement import Instance, solve
from beamkeeper.respond.placement.instance import read_instance
from beamkeeper.respond.placement.times import APART, Promised, times_of

MONDAY = date(2026, 11, 23)
FROM = time(17)


def instance(patients: list[dict[str, Any]], **machine: Any) -> Instance:
    return Instance.model_validate(
        {
            "format": 1,
            "first_on": MONDAY,
            "days": 28,
            "lead_days": (0, 0, 0),
            "site": [{"id": "s"}],
            "machine": [
                {"id": "m", "site": "s", "slots": 3, "first_slot_at": FROM, "slot_minutes": 20} | machine
            ],
            "patient": [
                {"id": str(number), "priority": number + 1, "category": 1, "fractions_left": 5}
                | {"options": [{"machine": "m", "class": "A", "qa": False}]}
                | one
                for number, one in enumerate(patients)
            ],
        }
    )


def laid(read: Instance, promised: Promised | None = None) -> dict[str, tuple[tuple[date, time | None], ...]]:
    return dict(times_of(read, solve(read, seconds=1).placed, promised or {}))


def test_three_patients_of_a_machine_come_one_after_the_other_each_at_the_same_time_every_day() -> None:
    found = laid(instance([{}, {}, {}]))

    assert sorted({at for _, at in sessions} for sessions in found.values()) == sorted(
        [{time(17)}, {time(17, 20)}, {time(17, 40)}]
    )
    assert {len(sessions) for sessions in found.values()} == {5}


def test_two_sessions_of_a_day_lie_six_hours_apart() -> None:
    long_day = {"slots": 30, "first_slot_at": time(8), "slot_minutes": 20}

    (sessions,) = laid(instance([{"per_day": 2}], **long_day)).values()

    assert [at for day, at in sessions if day == MONDAY] == [time(8), time(14)]


def test_two_sessions_of_a_day_that_do_not_lie_six_hours_apart_have_no_time() -> None:
    (sessions,) = laid(instance([{"per_day": 2}])).values()

    assert {at for _, at in sessions} == {None}
    assert len(sessions) >= 5


def test_where_nobody_knows_when_slots_begin_there_are_days_and_no_times() -> None:
    found = laid(instance([{}, {}], first_slot_at=None))

    assert {at for sessions in found.values() for _, at in sessions} == {None}


def test_a_day_on_which_the_usual_slot_is_taken_has_another_time_and_no_other_day_has() -> None:
    tuesday = MONDAY + timedelta(days=1)
    others = {("another", "m", MONDAY): (time(17, 20),), ("somebody", "m", tuesday): (FROM,)}

    (sessions,) = laid(instance([{}], slots=2), others).values()

    assert [at for day, at in sessions if day == tuesday] == [time(17, 20)]
    assert {at for day, at in sessions if day != tuesday} == {FROM}


def test_a_time_that_was_told_stays_with_its_patient_and_goes_to_nobody_else() -> None:
    days = [MONDAY + timedelta(days=number) for number in range(5)]
    promised = {("2", "m", day): (FROM,) for day in days}

    found = laid(instance([{}, {}, {}]), promised)

    assert found["2"] == tuple((day, FROM) for day in days)
    assert FROM not in {at for name in ("0", "1") for _, at in found[name]}


def test_a_told_time_between_two_slots_keeps_both_free() -> None:
    days = [MONDAY + timedelta(days=number) for number in range(5)]

    found = laid(instance([{}, {}]), {("1", "m", day): (time(17, 10),) for day in days})

    assert {at for _, at in found["1"]} == {time(17, 10)}
    assert {at for _, at in found["0"]} == {time(17, 40)}


@pytest.mark.parametrize(
    "machine",
    [
        {"first_slot_at": "23:30", "slots": 3},
        {"first_slot_at": "17:00:30"},
        {"first_slot_at": "17:00+01:00"},
        {"first_slot_at": 61200},
        {"first_slot_at": "five"},
        {"slot_minutes": 0},
    ],
)
def test_a_machine_whose_slots_have_no_sensible_time_is_refused(machine: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="machine"):
        instance([{}], **machine)


def test_a_time_may_be_written_as_toml_writes_it_or_as_text() -> None:
    site = 'format = 1\nfirst_on = 2026-11-23\n[[site]]\nid = "s"\n'
    text = f'{site}[[machine]]\nid = "m"\nsite = "s"\nslots = 2\n'

    assert read_instance(f"{text}first_slot_at = 17:30:00\n".encode()) == read_instance(
        f'{text}first_slot_at = "17:30"\n'.encode()
    )
    with pytest.raises(ConfigError, match="17:00"):
        read_instance(f'{text}first_slot_at = "later"\n'.encode())


@settings(max_examples=40, deadline=None)
@given(
    per_day=st.lists(st.sampled_from([1, 1, 1, 2]), min_size=1, max_size=8),
    slots=st.integers(1, 40),
    other=st.integers(0, 40),
    told=st.integers(0, 8),
)
def test_no_two_sessions_of_a_machine_overlap_whoever_was_told_what(
    per_day: list[int], slots: int, other: int, told: int
) -> None:
    long_day = {"slots": slots, "first_slot_at": time(7), "other_days": {MONDAY + timedelta(days=2): other}}
    read = instance([{"per_day": one} for one in per_day], **long_day)
    before = laid(read)
    promised: dict[tuple[str, str, date], tuple[time, ...]] = {}
    for name in list(before)[:told]:
        for day, at in before[name]:
            if at is not None:
                promised[name, "m", day] = (*promised.get((name, "m", day), ()), at)

    # Others come first this time; what was told holds all the same.
    found = dict(times_of(read, list(reversed(solve(read, seconds=1).placed)), promised))

    for (name, _, day), times in promised.items():
        assert tuple(at for on, at in found[name] if on == day) == times
    taken = Counter((day, at) for sessions in found.values() for day, at in sessions if at is not None)
    assert max(taken.values(), default=1) == 1
    for name, sessions in found.items():
        for day in {day for day, _ in sessions}:
            two = [one for on, one in sessions if on == day and one is not None]
            if per_day[int(name)] == 2 and len(two) == 2:
                assert datetime.combine(day, two[1]) - datetime.combine(day, two[0]) >= APART
