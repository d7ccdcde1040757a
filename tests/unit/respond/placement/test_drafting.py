"""A draft: every open plan on every machine, the worst one counts, and nobody is dropped."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from plans_and_partners import PARTNERS, candidate, plan

from beamkeeper.domain.plan import RadiationType
from beamkeeper.respond.placement import Candidate, OpenPlan, draft, read_partners, solve

if TYPE_CHECKING:
    from beamkeeper.respond.placement.drafting import Draft, Fit
    from beamkeeper.respond.placement.instance import Instance

MONDAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def made(*everybody: Candidate, text: str = PARTNERS) -> tuple[Draft, Instance]:
    return draft(everybody, read_partners(text), first_on=MONDAY, made_at=NOW)


def fits(one: Candidate, text: str = PARTNERS) -> dict[str, Fit]:
    (drafted,) = made(one, text=text)[0].patients
    return {fit.machine: fit for fit in drafted.fits}


def test_every_machine_is_judged_and_the_instance_has_what_it_found() -> None:
    found, instance = made(candidate())
    (need,) = instance.patient

    assert {fit.machine: fit.delivery_class for fit in found.patients[0].fits} == {
        "own-1": "A",
        "partner-1": "A",
    }
    assert {one.machine: (one.delivery_class, one.travel_min, one.qa) for one in need.options} == {
        "own-1": ("A", 0, False),
        "partner-1": ("A", 35, True),
    }
    assert instance.attacked_domain == "own-ad"


def test_who_has_two_open_plans_goes_only_where_both_can_be_given() -> None:
    boost = plan("BOOST", radiation_type=RadiationType.PROTON)
    found = fits(candidate(plans=(plan(), boost)))["own-1"]

    assert found.delivery_class == "D"
    assert found.reason.startswith("BOOST: ")
    assert [kind for _, kind, _ in found.of_plans] == ["A", "D"]


def test_the_worst_of_two_plans_counts_whatever_their_order_and_their_labels() -> None:
    worse = plan("P", fluence_mode="FFF")
    for plans in ((plan("P"), worse), (worse, plan("P"))):
        assert fits(candidate(plans=plans))["partner-1"].delivery_class == "B"


@pytest.mark.parametrize(
    ("untested", "kind", "to_do"), [("refuse", "D", 0), ("test first", "B", 1)], ids=["refuse", "test-first"]
)
def test_what_was_never_tested_there_is_held_by_the_rule_of_the_file(
    untested: str, kind: str, to_do: int
) -> None:
    text = PARTNERS.replace('commissioned = ["VMAT"]\nslots = 2', "slots = 2")
    text = text.replace("format = 1", f'format = 1\nuntested = "{untested}"')
    found = fits(candidate(), text)["partner-1"]

    assert found.delivery_class == kind
    assert len(found.to_do) == to_do
    assert "no end-to-end test of VMAT was done on partner-1" in " ".join((found.reason, *found.to_do))


def test_a_plan_to_be_made_again_needs_any_tested_technique_there() -> None:
    other = candidate(plans=(plan(technique="IMRT step-and-shoot", energies=(18.0,)),))
    untested = PARTNERS.replace('commissioned = ["VMAT"]\nslots = 2', "slots = 2")

    assert fits(other)["partner-1"].delivery_class == "C"
    assert "no end-to-end test of any technique" in fits(other, untested)["partner-1"].reason


@pytest.mark.parametrize(
    ("more", "reason", "help_"),
    [
        ({"plans": ()}, "no open plan is held", "a plan"),
        ({"plans": (OpenPlan(label="P", demand=None, unread="gone"),)}, "P: gone", "another copy"),
        ({"fractions_left": None}, "how many fractions are left is not known", "physicist"),
        ({"fractions_left": 0}, "0 by what is held", "physicist"),
        ({"priority": None}, "not in the order of triage", "triage"),
        ({"not_placed": "finished", "would_help": "nothing"}, "finished", "nothing"),
    ],
)
def test_who_cannot_be_placed_is_listed_with_reason_and_stops_nobody(
    more: dict[str, object], reason: str, help_: str
) -> None:
    found, instance = made(candidate("b", 2), candidate("a", **({"priority": 1} | more)))  # type: ignore[arg-type]
    (gone,) = found.left_out

    assert [one.id for one in instance.patient] == ["b"]
    assert gone.id == "a"
    assert reason in gone.reason
    assert help_ in gone.would_help


def test_what_nobody_knows_counts_as_urgent_and_is_said() -> None:
    found, instance = made(candidate(category=None, days_to_spare=None))

    assert instance.patient[0].category == 1
    assert instance.patient[0].days_to_spare == 0
    assert "counted as 1 until a physician says" in " ".join(found.patients[0].notes)
    assert "none are counted" in " ".join(found.patients[0].notes)


def test_a_course_not_begun_may_wait_as_the_file_says() -> None:
    text = PARTNERS.replace("format = 1", "format = 1\nspare_not_begun_days = [0, 4, 9]")

    assert made(candidate(begun=False, days_to_spare=None), text=text)[1].patient[0].days_to_spare == 4
    assert made(candidate(begun=True, days_to_spare=None), text=text)[1].patient[0].days_to_spare == 0


def test_sites_without_machines_and_machines_without_slots_are_said_and_everybody_is_answered() -> None:
    text = PARTNERS.partition("[[machine]]")[0]
    found, instance = made(candidate(), text=text)
    (one,) = solve(instance).placed

    assert found.notes == (
        "own lists no machine: nobody can go there.",
        "Partner hospital lists no machine: nobody can go there.",
    )
    assert one.machine == ""
    assert one.reason == "no machine is named that could give any plan of this patient"
    assert (
        "own-1 has no slot" in made(candidate(), text=PARTNERS.replace("slots = 1", "slots = 0"))[0].notes[0]
    )
