"""Placing everybody: within slots, with a reason, and never far from the best."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.errors import ConfigError
from beamkeeper.respond.placement import Instance, Placement, read_instance, solve
from beamkeeper.respond.placement.solving import GOOD_ENOUGH

MONDAY = date(2026, 11, 23)


def instance(patients: list[dict[str, Any]], machines: dict[str, int] | None = None, **more: Any) -> Instance:
    slots = machines if machines is not None else {"m1": 1}
    sites = more.pop("site", [{"id": "s", "failure_domain": "other", "replans_a_day": 1}])
    return Instance.model_validate(
        {
            "format": 1,
            "first_on": MONDAY,
            "days": 28,
            "site": sites,
            "machine": [
                {"id": name, "site": sites[0]["id"], "slots": count} for name, count in slots.items()
            ],
            "patient": patients,
            **more,
        }
    )


def patient(name: str, priority: int = 1, *, on: tuple[str, ...] = ("m1",), **more: Any) -> dict[str, Any]:
    kind = more.pop("kind", "A")
    options = [{"machine": one, "class": kind} for one in on]
    return {"id": name, "priority": priority, "category": 2, "fractions_left": 5, "options": options} | more


def by_id(found: Placement) -> dict[str, Any]:
    return {one.patient: one for one in found.placed}


def in_use(read: Instance, found: Placement) -> Counter[tuple[str, date]]:
    """Return sessions by machine and day, counted here and not by the code under test."""
    used: Counter[tuple[str, date]] = Counter()
    for one, need in zip(found.placed, read.patient, strict=True):
        if one.first_on is None:
            continue
        machine = next(item for item in read.machine if item.id == one.machine)
        days = (one.first_on + timedelta(days=number) for number in range(365))
        open_days = (day for day in days if read.slots_on(machine, day) or day > MONDAY + timedelta(days=27))
        for day in itertools.islice(open_days, -(-need.fractions_left // need.per_day)):
            used[one.machine, day] += need.per_day
    return used


def test_the_urgent_one_goes_first_and_the_other_follows() -> None:
    found = by_id(solve(instance([patient("slow", 2), patient("fast", 1, category=1)])))

    assert found["fast"].first_on == date(2026, 11, 24)
    assert found["slow"].first_on == date(2026, 12, 1)
    assert found["fast"].reason == "the best of all places that fit this patient"
    assert "worth more to others" in found["slow"].reason
    assert found["slow"].would_help == "one slot more a day on m1 from 2026-11-24 to 2026-11-30"


@pytest.mark.parametrize(("kind", "day"), [("A", 24), ("B", 25), ("C", 26)])
def test_what_has_to_be_done_before_takes_its_days(kind: str, day: int) -> None:
    (one,) = solve(instance([patient("a", kind=kind)])).placed

    assert one.first_on == date(2026, 11, day)


def test_a_partner_in_the_attacked_domain_is_never_used() -> None:
    read = instance([patient("a")], attacked_domain="other")
    (one,) = solve(read).placed

    assert one.machine == ""
    assert "stands in the attacked failure domain" in one.reason


@pytest.mark.parametrize(
    ("site", "options", "said"),
    [
        ({"agreement_signed": False}, {"kind": "A"}, "agreement with s is not signed"),
        ({}, {"kind": "D"}, "the plan cannot be given there"),
        ({"replans_a_day": 0}, {"kind": "C"}, "s plans none"),
    ],
)
def test_a_refusal_says_why_and_what_would_change_it(
    site: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    read = instance([patient("a", **options)], site=[{"id": "s", "replans_a_day": 1} | site])
    (one,) = solve(read).placed

    assert one.machine == ""
    assert said in one.reason
    assert one.would_help


def test_a_patient_without_any_machine_or_plan_is_refused_in_words() -> None:
    found = by_id(solve(instance([patient("none", on=()), patient("a", 2)])))

    assert "no machine is named" in found["none"].reason
    assert found["a"].machine == "m1"


def test_machines_without_a_slot_and_sites_without_machines_stop_nobody_else() -> None:
    read = instance([patient("a"), patient("b", 2, on=("m2",))], {"m1": 0, "m2": 1})
    found = by_id(solve(read))

    assert "no slot for us on any day" in found["a"].reason
    assert found["b"].machine == "m2"
    assert solve(instance([patient("a", on=())], {})).placed[0].machine == ""
    assert solve(instance([])).placed == ()


def test_who_began_somewhere_stays_there() -> None:
    read = instance(
        [patient("a", on=("m1", "m2"), announced="m2", begun_there=True, fractions_left=2)],
        {"m1": 5, "m2": 5},
    )
    (one,) = solve(read).placed

    assert (one.machine, one.first_on) == ("m2", MONDAY)
    assert one.reason == "treatment has begun there"


def test_what_was_announced_is_changed_only_for_more_than_the_change_costs() -> None:
    told = patient("a", on=("m1", "m2"), announced="m2")
    read = instance([told], {"m1": 1, "m2": 1}, move_announced=True)

    assert solve(read).placed[0].machine == "m2"


def test_a_persons_decision_is_kept_and_its_price_is_shown() -> None:
    others = [patient(f"p{number}", number, category=1) for number in range(2, 6)]
    read = instance([patient("vip", 9, category=3, fixed="m1", fixed_from=date(2026, 11, 24)), *others])
    one = by_id(solve(read))["vip"]

    assert one.first_on == date(2026, 11, 24)
    assert "a person decided so; its slots are worth" in one.reason


def test_a_day_that_is_no_treatment_day_cannot_be_decided_for() -> None:
    read = instance([patient("a", fixed="m1", fixed_from=date(2026, 11, 28))])
    (one,) = solve(read).placed

    assert one.machine == ""
    assert one.reason


def test_two_a_day_take_two_slots() -> None:
    read = instance([patient("a", per_day=2), patient("b", 2)], {"m1": 2})
    found = by_id(solve(read))

    assert found["a"].first_on == date(2026, 11, 24)
    assert found["b"].first_on == date(2026, 11, 27)


def test_holidays_and_service_days_are_not_treated_on() -> None:
    read = instance(
        [patient("a")],
        holidays=[date(2026, 11, 24)],
        machine=[{"id": "m1", "site": "s", "slots": 1, "other_days": {"2026-11-25": 0, "2026-11-28": 1}}],
    )

    assert solve(read).placed[0].first_on == date(2026, 11, 26)


needs = st.fixed_dictionaries(
    {
        "category": st.integers(1, 3),
        "fractions_left": st.integers(1, 12),
        "days_to_spare": st.integers(-3, 4),
        "per_day": st.integers(1, 2),
        "on": st.sets(st.sampled_from(["m1", "m2", "m3"]), max_size=3),
        "kind": st.sampled_from("ABCD"),
    }
)


@settings(deadline=None)
@given(st.lists(needs, min_size=1, max_size=8), st.lists(st.integers(0, 2), min_size=3, max_size=3))
def test_no_slot_is_given_twice_and_nobody_is_left_without_a_word(
    wanted: list[dict[str, Any]], slots: list[int]
) -> None:
    patients = [
        patient(str(number), number + 1, **{**one, "on": tuple(sorted(one["on"]))})
        for number, one in enumerate(wanted)
    ]
    read = instance(patients, dict(zip(("m1", "m2", "m3"), slots, strict=True)))
    found = solve(read, seconds=5)
    there = {one.id: one for one in read.machine}

    for (machine, day), count in in_use(read, found).items():
        assert day > MONDAY + timedelta(days=27) or count <= read.slots_on(there[machine], day)
    assert [one.patient for one in found.placed] == [one.id for one in read.patient]
    assert all(one.reason for one in found.placed)
    assert found.bound <= found.cost + 1e-9


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 8)), min_size=2, max_size=4))
def test_with_few_patients_it_is_as_good_as_trying_every_order(wanted: list[tuple[int, int]]) -> None:
    patients = [
        patient(str(number), number + 1, category=category, fractions_left=left)
        for number, (category, left) in enumerate(wanted)
    ]
    read = instance(patients, days=60)
    weights = read.weights
    days = read.calendar()
    best = float("inf")
    for order in itertools.permutations(range(len(patients))):
        start, cost = 1, 0.0
        for index in order:
            need = read.patient[index]
            share = 1 - (need.priority - 1) / len(patients)
            cost += weights.loss_a_day[need.category - 1] * start + weights.priority_a_day * share * start
            start += need.fractions_left
        best = min(best, cost)
    assert len(days) > sum(left for _, left in wanted)

    assert best - 1e-9 <= solve(read).cost <= best * (1 + 2 * GOOD_ENOUGH)


@pytest.mark.parametrize(
    ("cost", "bound", "gap"), [(2.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, None), (1.0, -3.0, None)]
)
def test_a_bound_that_proves_nothing_is_never_called_the_best(
    cost: float, bound: float, gap: float | None
) -> None:
    assert Placement(placed=(), cost=cost, bound=bound, seconds=0, is_complete=True).gap == gap


def test_the_same_input_gives_the_same_placement() -> None:
    read = instance(
        [patient(str(number), number + 1, on=("m1", "m2")) for number in range(20)], {"m1": 1, "m2": 2}
    )

    assert solve(read).placed == solve(read).placed


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": 2}, "format"),
        ({"colour": 1}, "colour"),
        ({"machine": [{"id": "m1", "site": "s", "slots": -1}]}, "machine.0.slots"),
        ({"machine": [{"id": "m1", "site": "zz", "slots": 1}]}, "zz, which is not listed"),
        ({"patient": [patient("a"), patient("a")]}, "two patients share an id"),
        ({"patient": [patient("a", on=("m9",))]}, "m9, which is not listed"),
        ({"patient": [patient("a", category=4)]}, "patient.0.category"),
        ({"patient": [patient("a", on=("m1", "m1"))]}, "a names a machine twice"),
        ({"days": 0}, "days"),
        ({"first_on": "9999-12-30"}, "first_on"),
        ({"patient": [patient("a", priority=True)]}, "patient.0.priority"),
        ({"patient": [patient("a", fractions_left="5")]}, "patient.0.fractions_left"),
        ({"patient": [patient("a", begun_there=True)]}, "`announced` is empty"),
        ({"patient": [patient("a", fixed_from="2026-11-24")]}, "`fixed` is empty"),
        ({"weights": {"loss_a_day": [1.4, -0.5, 0.1]}}, "weights.loss_a_day.1"),
        ({"weights": {"loss_a_day": [float("nan"), 0.5, 0.1]}}, "weights.loss_a_day.0"),
        ({"weights": {"refused": float("inf")}}, "weights.refused"),
    ],
)
def test_a_mistake_in_an_instance_is_named(change: dict[str, Any], match: str) -> None:
    good = instance([patient("a")]).model_dump(mode="json", by_alias=True)

    with pytest.raises(ConfigError, match=match):
        read_instance(json.dumps(good | change).encode(), is_json=True)


@pytest.mark.parametrize("data", [b"\xff", b"[", b"x = [" * 2000])
def test_what_is_no_instance_is_refused(data: bytes) -> None:
    for is_json in (True, False):
        with pytest.raises(ConfigError):
            read_instance(data, is_json=is_json)


def test_a_key_that_stands_twice_is_refused_and_hides_nothing() -> None:
    text = json.dumps(instance([patient("a")]).model_dump(mode="json", by_alias=True))

    with pytest.raises(ConfigError, match="'days' stands twice"):
        read_instance(text.replace('"days"', '"days": 2, "days"', 1).encode(), is_json=True)


def test_a_million_patients_are_counted_and_not_read() -> None:
    many = b'{"format": 1, "patient": [' + b"0," * 999_999 + b"0]}"

    with pytest.raises(ConfigError, match="1000000 patients; at most 20000"):
        read_instance(many, is_json=True)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"site": [{"id": str(one)} for one in range(2001)]}, "2001 sites; at most 2000"),
        ({"holidays": ["2026-01-01"] * 367}, "367 holidays; at most 366"),
    ],
)
def test_a_small_file_cannot_ask_for_hours_of_looking(more: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        read_instance(json.dumps({"format": 1, "first_on": "2026-11-23"} | more).encode(), is_json=True)


def test_more_ways_than_fit_into_a_laptop_are_refused_with_what_would_help() -> None:
    machines = {f"m{number}": 1 for number in range(1000)}
    many = [patient(str(number), on=tuple(machines)) for number in range(30)]

    with pytest.raises(ValueError, match="fewer days, or fewer machines"):
        instance(many, machines, days=366)


def test_the_attacked_domain_is_known_however_it_is_typed() -> None:
    (one,) = solve(instance([patient("a")], attacked_domain=" OTHER")).placed

    assert "attacked failure domain" in one.reason


def test_where_nobody_treats_on_any_day_the_loss_is_that_of_waiting() -> None:
    every = [MONDAY + timedelta(days=number) for number in range(28)]
    none = [solve(instance([patient("a")], holidays=every)), solve(instance([patient("a", on=())], {}))]

    assert [found.placed[0].waited_days for found in none] == [20, 20]
    assert [found.placed[0].loss for found in none] == [pytest.approx(20 * 0.5)] * 2


def test_plans_are_checked_as_many_a_day_as_the_site_can() -> None:
    site = [{"id": "s", "qa_a_day": 1}]
    found = by_id(solve(instance([patient(str(one), one) for one in (1, 2, 3)], {"m1": 5}, site=site)))

    assert [found[name].first_on for name in "123"] == [date(2026, 11, day) for day in (24, 25, 26)]


def test_who_is_treated_on_the_own_machine_or_began_there_needs_no_check() -> None:
    own = patient("a") | {"options": [{"machine": "m1", "class": "A", "qa": False}]}
    begun = patient("b", 2, announced="m1", begun_there=True)
    found = by_id(solve(instance([own, begun], {"m1": 5}, site=[{"id": "s", "qa_a_day": 0}])))

    assert found["a"].machine == found["b"].machine == "m1"
    refused = solve(instance([patient("c")], site=[{"id": "s", "qa_a_day": 0}])).placed[0]
    assert "has to be checked there, and s checks none" in refused.reason


def test_who_began_by_a_plan_made_there_stays_where_nobody_plans_any_more() -> None:
    begun = patient("a", kind="C", announced="m1", begun_there=True)
    found = by_id(solve(instance([begun, patient("b", 2, kind="C")], {"m1": 5}, site=[{"id": "s"}])))

    assert found["a"].machine == "m1"
    assert "s plans none" in found["b"].reason


def test_who_cannot_go_on_anywhere_hides_nothing_of_how_good_the_others_places_are() -> None:
    shut = [{"id": "s", "replans_a_day": 1}, {"id": "gone", "agreement_signed": False}]
    machines = [{"id": "m1", "site": "s", "slots": 1}, {"id": "g1", "site": "gone", "slots": 5}]
    begun = patient("b", 9, on=("g1",), announced="g1", begun_there=True)
    found = solve(instance([patient("a"), begun], site=shut, machine=machines))

    assert [one.machine for one in found.placed] == ["m1", ""]
    assert found.cost < 100


def test_who_has_the_announced_place_after_all_is_not_said_to_have_lost_it() -> None:
    wednesday = date(2026, 11, 25)
    any_day = patient("a", announced="m1", fractions_left=1, category=3, days_to_spare=3)
    one_day = patient("b", 2, announced="m1", announced_from=wednesday, fractions_left=1)
    read = instance([any_day, one_day], days=3, first_on=wednesday, lead_days=(0, 1, 2))
    found = solve(read)

    assert by_id(found)["b"].first_on == wednesday
    assert set(found.announced.kept) == {"a", "b"}
    assert "cannot be kept" not in by_id(found)["b"].reason


def test_who_is_without_a_place_by_the_weights_alone_is_told_so() -> None:
    (one,) = solve(instance([patient("a")], weights={"refused": 0.0, "travel_a_visit_hour": 9})).placed
    far = patient("b") | {"options": [{"machine": "m1", "class": "A", "travel_min": 600}]}
    (other,) = solve(instance([far], weights={"travel_a_visit_hour": 9})).placed

    assert one.machine == "m1"
    assert "costs more than to have none" in other.reason
    assert other.would_help


def test_a_course_that_has_begun_and_has_no_slot_at_once_says_until_when() -> None:
    begun = patient("a", announced="m1", begun_there=True)
    twice = patient("b", 2, per_day=2)
    found = by_id(solve(instance([begun, twice], {"m1": 2}, days=7)))

    assert found["a"].reason == f"treatment has begun there; it has no slot before {found['a'].first_on}"


def test_days_on_which_only_a_house_treats_to_which_nobody_goes_shorten_no_lead() -> None:
    friday = date(2026, 11, 27)
    sites = [{"id": "s", "replans_a_day": 1}, {"id": "own", "failure_domain": "AD"}]
    weekend = {str(friday + timedelta(days=number)): 9 for number in (1, 2)}
    machines = [
        {"id": "m1", "site": "s", "slots": 1},
        {"id": "linac", "site": "own", "slots": 9, "other_days": weekend},
    ]
    more = {"site": sites, "first_on": friday, "attacked_domain": "AD"}
    (alone,) = solve(instance([patient("a", kind="C")], machine=machines[:1], **more)).placed
    (one,) = solve(instance([patient("a", kind="C")], machine=machines, **more)).placed

    assert one.first_on == alone.first_on == date(2026, 12, 2)


def test_another_day_than_the_one_announced_is_a_change_as_well() -> None:
    day = date(2026, 11, 25)
    told = patient("a", category=3, announced="m1", announced_from=day)
    read = instance([told], {"m1": 1}, move_announced=True)

    assert solve(read).placed[0].first_on == day


def test_solving_again_with_a_patient_more_moves_nobody_who_was_announced() -> None:
    few = [patient(f"p{number}", number + 1, on=("m1", "m2"), fractions_left=3) for number in range(12)]
    first = by_id(solve(instance(few, {"m1": 2, "m2": 1})))
    told = [
        one | {"announced": first[one["id"]].machine, "announced_from": first[one["id"]].first_on}
        for one in few
    ]
    new = patient("new", 13, on=("m1", "m2"), fractions_left=3)
    more = instance([*told, new], {"m1": 2, "m2": 1}, move_announced=True)
    places = {name: (one.machine, one.first_on) for name, one in first.items()}
    again = by_id(solve(more, start=places))

    assert {name: (again[name].machine, again[name].first_on) for name in places} == places
    assert again["new"].machine


def test_where_the_time_is_over_everybody_still_has_an_answer() -> None:
    read = instance([patient(str(number), number + 1) for number in range(40)], {"m1": 2})
    found = solve(read, seconds=0.0)

    assert not found.is_complete
    assert len(found.placed) == 40
    assert all(one.reason for one in found.placed)
