"""A draft: every open plan on every machine, the worst one counts, and nobody is dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans_and_partners import PARTNERS, candidate, demand, plan

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


def with_accessories(*names: str, replans: int = 0) -> str:
    """Return the partners' file with accessories at the partner; "own" plans nothing again."""
    listed = ", ".join(f'"{name}"' for name in names)
    return PARTNERS.replace("replans_a_day = 2", f"replans_a_day = {replans}\naccessories = [{listed}]")


def test_who_needs_an_accessory_that_nobody_has_is_refused_with_its_name_and_what_would_change_it() -> None:
    _, instance = made(
        candidate("a", plans=(plan(accessories=("FRAME",)),)), candidate("b", 2), text=with_accessories()
    )
    refused, other = solve(instance).placed

    assert (refused.machine, other.machine) == ("", "own-1")
    why = "beam 1: accessory: needs FRAME; there: none named; where it can be sent along, name it there"
    assert refused.reason == (
        f"own-1: it has to be planned again ({why}), and own plans none; "
        f"partner-1: it has to be planned again ({why}), and partner plans none"
    )
    assert refused.would_help == "another machine, or that one of these no longer holds"


def test_who_needs_an_accessory_goes_where_it_is() -> None:
    needs = candidate(plans=(plan(accessories=("FRAME",)),))
    _, instance = made(needs, text=with_accessories("HEADREST", "FRAME"))
    (placed,) = solve(instance).placed

    assert (placed.machine, placed.delivery_class) == ("partner-1", "A")


def test_who_goes_where_the_accessory_is_not_goes_with_a_new_plan_and_both_are_said() -> None:
    needs = candidate(plans=(plan(accessories=("FRAME",)),))
    found, instance = made(needs, text=with_accessories("HEADREST", replans=2))
    (placed,) = solve(instance).placed
    fit = next(one for one in found.patients[0].fits if one.machine == placed.machine)

    assert (placed.machine, placed.delivery_class) == ("partner-1", "C")
    assert "needs FRAME; there: HEADREST; where it can be sent along, name it there" in fit.reason
    assert fit.to_do == ("send FRAME along, or find it at partner-1 (accessories there: HEADREST)",)


def test_a_breath_hold_that_nobody_can_watch_is_refused_and_one_partner_is_enough() -> None:
    held = replace(plan(), demand=replace(demand(), motion_techniques=("BREATH_HOLD",)))
    nobody = with_accessories().replace("commissioned", "motion = []\ncommissioned")
    one = with_accessories().replace("slots = 2", 'motion = ["BREATH_HOLD"]\nslots = 2')
    one = one.replace("slots = 1", "motion = []\nslots = 1")
    (refused,), (placed,) = (
        solve(made(candidate(plans=(held,)), text=text)[1]).placed for text in (nobody, one)
    )

    assert refused.machine == ""
    assert "motion: needs breath hold; there: nothing" in refused.reason
    assert (placed.machine, placed.delivery_class) == ("partner-1", "A")


NAMES = st.sets(st.sampled_from(["FRAME", "mask M1", "bite block B2", "BOARD"]))


@given(in_beam=NAMES, around=NAMES, there=NAMES)
def test_nobody_goes_where_an_accessory_is_not_named_without_a_word_of_it(
    in_beam: set[str], around: set[str], there: set[str]
) -> None:
    asked = replace(demand(accessories=tuple(sorted(in_beam))), things=tuple(sorted(around)))
    needs = candidate(plans=(OpenPlan(label="P", demand=asked),))
    found = fits(needs, with_accessories(*sorted(there)))["partner-1"]

    assert found.delivery_class == ("C" if in_beam - there else "A")
    for name in (in_beam | around) - there:
        assert any(f"send {name} along" in text for text in found.to_do)
    assert not any(f"send {name} along" in text for name in there for text in found.to_do)
