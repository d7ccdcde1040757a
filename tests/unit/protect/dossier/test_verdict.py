"""One line for the whole patient is never more certain than the facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from dossier_facts import AS_OF, BOOST, FIRST, MINE, bare, chart, entry, plan, record, source

from beamkeeper.domain.census import Appointment, CensusReason, Claim, OisCount
from beamkeeper.domain.chart import ChartPlan
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.plan import ApprovalStatus, Plan
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.dossier import DossierSource, Provenance, make_dossier, render_html, render_text
from beamkeeper.protect.dossier.sheet import VerdictKind
from beamkeeper.protect.dossier.which_plan import rivals

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = 9
"""Fractions given in two weeks; the paper is of the Tuesday after."""


def calm(*plans: Plan, given: int = DONE, share: float = 1.0, **more: object) -> DossierSource:
    """A patient of whom nothing is in doubt: one plan unless others are named, booked on its machine."""
    plans = plans or (plan(),)
    records = tuple(record(number, share=share if number == given else 1.0) for number in range(1, given + 1))
    made = source(
        plans=plans,
        records=records,
        position=course_position(plans, records, patient_id="0012345"),
        readiness=tuple(
            Readiness(plan_uid=one.sop_instance_uid, rt_plan_label=one.rt_plan_label) for one in plans
        ),
        entry=replace(entry(), disagreements=(), counts=(), charts=(replace(chart(), past_appointments=()),)),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def said(here: DossierSource) -> str:
    return make_dossier(here).verdict.words


def with_entry(here: DossierSource, **more: object) -> DossierSource:
    return replace(here, entry=replace(here.entry, **more))  # type: ignore[arg-type]


def test_where_nothing_is_in_doubt_it_names_fraction_plan_machine_and_day() -> None:
    found = make_dossier(calm()).verdict

    assert found.kind is VerdictKind.TREAT
    assert " ".join(found.words.split()) == (
        "Treat fraction 10 of 15 of plan BorstL VMAT on LINAC 3, Tue 2026-11-10 08:00"
    )
    assert found.because == ("Counted to 2026-11-10 03:00: ask whether a fraction was given after that.",)


def test_a_fraction_that_was_begun_is_to_be_completed_and_what_it_had_is_said() -> None:
    found = make_dossier(calm(given=10, share=0.25)).verdict

    assert found.kind is VerdictKind.TREAT
    assert found.words.startswith(
        "Complete, as a physicist says, fraction 10 of 15 of plan BorstL VMAT on LINAC 3"
    )
    assert "beam 2 had 60.7 of 242.8 MU" in found.because[0]


def test_two_plans_of_the_same_days_are_both_treated() -> None:
    boost = plan(BOOST, "BorstL boost")
    records = tuple(record(n, uid=uid) for n in range(1, DONE + 1) for uid in (MINE, BOOST))
    both = (plan(), boost)
    here = calm(*both, records=records, position=course_position(both, records, patient_id="0012345"))

    assert said(here).count("raction 10 of 15 of plan BorstL") == 2
    assert "\nand treat fraction" in said(here)


def conflict(kind: ConflictKind = ConflictKind.SKIPPED_FRACTION) -> Conflict:
    return Conflict(kind=kind, text="Something disagrees.")


def blocked(here: DossierSource, *texts: str) -> DossierSource:
    return replace(here, readiness=tuple(replace(one, blocking=texts) for one in here.readiness))


def in_doubt(here: DossierSource) -> DossierSource:
    assert here.position is not None
    plans = tuple(replace(one, conflicts=(conflict(),)) for one in here.position.plans)
    return blocked(replace(here, position=replace(here.position, plans=plans)), conflict().text)


def of_the_course(here: DossierSource) -> DossierSource:
    assert here.position is not None
    return replace(here, position=replace(here.position, conflicts=(conflict(),)))


def unapproved(here: DossierSource, status: ApprovalStatus) -> DossierSource:
    return replace(here, plans=tuple(replace(one, approval_status=status) for one in here.plans))


def listed(here: DossierSource, *states: str) -> DossierSource:
    """The OIS's own list of the first plans, each with its state."""
    uids = [one.sop_instance_uid for one in here.plans]
    plans = tuple(
        ChartPlan(plan_id=uid, course_id="C1", plan_uid=uid, status=state)
        for uid, state in zip(uids, states, strict=False)
    )
    return with_entry(here, charts=(replace(chart(), plans=plans, past_appointments=()),))


ASKED: dict[str, tuple[Callable[[DossierSource], DossierSource], str]] = {
    "disputed": (
        lambda here: replace(here, provenance=Provenance(night=date(2026, 11, 10), is_disputed=True)),
        "disputed",
    ),
    "folder": (lambda here: replace(here, provenance=Provenance()), "how many fractions were given?"),
    "sources disagree": (lambda here: with_entry(here, disagreements=("a, b",)), "the sources disagree"),
    "unreadable": (lambda here: replace(here, problems=("1 file could not be read.",)), "not sure"),
    "not counted": (lambda here: replace(here, position=None), "nothing could be counted"),
    "records that fit nowhere": (of_the_course, "records do not fit"),
    "a session without a record": (
        lambda here: with_entry(here, charts=(chart(),)),
        "a session was held of which no record is here",
    ),
    "left and right": (
        lambda here: replace(
            here,
            plans=tuple(replace(one, prescription_description="Right breast") for one in here.plans),
        ),
        "left or right? The sources differ",
    ),
    "over by the OIS": (lambda here: with_entry(here, finished=True), "calls the course finished"),
    "count in doubt": (in_doubt, "which fraction is next is in doubt"),
    "the OIS has seen a later day": (
        lambda here: with_entry(
            here,
            counts=(
                OisCount(
                    plan_uid=MINE, source="aria", fractions_planned=15, fractions_done=None,
                    last_treated_at=AS_OF - timedelta(hours=12),
                ),
            ),
        ),
        "the OIS says otherwise",
    ),
    "the OIS calls the plan closed": (lambda here: listed(here, "superseded"), "the OIS says otherwise"),
    "approval unknown": (lambda here: unapproved(here, ApprovalStatus.UNKNOWN), "approved?"),
    "not looked at": (lambda here: replace(here, readiness=()), "was not looked at"),
    "not enough": (lambda here: blocked(here, "No dose refers to the plan."), "not enough to treat"),
    "not booked": (lambda here: with_entry(here, appointments=()), "no session is booked on LINAC 3"),
    "booked elsewhere": (
        lambda here: with_entry(
            here,
            appointments=(
                Appointment(starts_at=AS_OF + timedelta(hours=5), activity="Treatment", machine="LINAC 7"),
            ),
        ),
        "no session is booked on LINAC 3",
    ),
    "a long gap": (lambda here: replace(here, as_of=AS_OF + timedelta(days=4)), "9 days without a fraction"),
    "dated after the paper": (
        lambda here: replace(here, as_of=AS_OF - timedelta(days=6)),
        "the last fraction is dated after this paper",
    ),
    "given that day already": (
        lambda here: with_entry(
            replace(here, as_of=FIRST + timedelta(days=10, hours=1)),
            appointments=(
                Appointment(starts_at=FIRST + timedelta(days=10, hours=8), activity="T", machine="LINAC 3"),
            ),
        ),
        "a fraction was given that day already",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_one_thing_in_doubt_makes_it_a_question(what: str) -> None:
    change, reason = ASKED[what]
    found = make_dossier(change(calm())).verdict

    assert found.kind is VerdictKind.ASK
    assert found.words.startswith("Ask first: ")
    assert reason in found.words


def test_treated_in_the_last_days_without_a_counted_fraction_is_a_question() -> None:
    claims = (Claim(source="aria", reason=CensusReason.TREATED_RECENTLY),)

    assert "no fraction is counted" in said(with_entry(calm(given=0), claims=claims))


def test_a_count_in_doubt_says_what_disagrees_and_not_that_files_are_missing() -> None:
    found = make_dossier(in_doubt(calm()))
    lacking = make_dossier(blocked(in_doubt(calm()), conflict().text, "No dose refers to the plan."))

    assert found.verdict.because[0] == "Something disagrees."
    assert found.standings[0].ready == "The files to treat are all here; clear ▲ first"
    assert lacking.standings[0].ready == "NOT enough to treat: 2 things to clear first"


def test_of_rivals_in_doubt_a_card_says_if_once() -> None:
    new = plan(BOOST, "BorstL new", related_plan_uids=(("PREDECESSOR", MINE),))

    assert (
        make_dossier(in_doubt(calm(plan(), new))).standings[0].next_words
        == "If this plan: fraction 10? of 15"
    )


def test_a_reason_after_a_question_is_told_as_another() -> None:
    new = plan(BOOST, "BorstL new", related_plan_uids=(("PREDECESSOR", MINE),))

    assert "or BorstL new? Also: the sources disagree" in said(
        with_entry(calm(plan(), new), disagreements=("a, b",))
    )


def test_a_question_says_whom_to_ask_and_what_would_be_next() -> None:
    found = make_dossier(in_doubt(calm())).verdict

    assert found.because[1].replace("\u00a0", " ") == (
        "Ask dr. H. Dubois +32 3 555 01 01 or dr. J. Peeters +32 3 555 01 09."
    )
    assert found.because[2].startswith(
        "Once that is settled: fraction 10? of 15 of plan BorstL VMAT on LINAC 3"
    )


NEVER: dict[str, tuple[DossierSource, str]] = {
    "nothing is here": (bare(), "no plan is here"),
    "the plan is not here": (replace(calm(), plans=()), "the plan that the records name is not here"),
    "only for measuring": (calm(plan(plan_intent="MACHINE_QA"), given=0), "not for treating a patient"),
    "all is given": (calm(plan(fractions=9)), "every fraction of every plan that is here is given"),
    "unapproved": (unapproved(calm(), ApprovalStatus.UNAPPROVED), "BorstL VMAT is not approved"),
    "rejected": (unapproved(calm(), ApprovalStatus.REJECTED), "BorstL VMAT is not approved"),
}


@pytest.mark.parametrize("what", NEVER)
def test_without_a_plan_to_give_it_says_do_not_treat(what: str) -> None:
    here, reason = NEVER[what]
    found = make_dossier(here).verdict

    assert found.kind is VerdictKind.DO_NOT
    assert found.words == f"Do not treat: {reason}" or reason in found.words


def test_a_plan_that_was_begun_and_is_not_here_is_asked_for_though_another_is_finished() -> None:
    records = tuple(record(number) for number in range(1, DONE + 1))
    here = calm()
    other = replace(plan(BOOST, "Done", 1), fraction_groups=plan(fractions=1).fraction_groups)
    finished = course_position((other,), (record(1, uid=BOOST),), patient_id="0012345")
    assert here.position is not None
    lost = replace(here.position, plans=(*here.position.plans, *finished.plans))

    assert "plan BorstL VMAT was begun and is not here" in said(
        replace(here, plans=(other,), position=lost, records=records)
    )


def test_of_several_plans_that_could_begin_a_person_says_which() -> None:
    assert said(calm(plan(), plan(BOOST, "BorstL boost"), given=0)).startswith(
        "Ask first: which plan comes next, BorstL VMAT or BorstL boost?"
    )


REPLACING = {
    "PREDECESSOR": "was made out of BorstL VMAT",
    "PRIOR": "of which 6 fractions are not given",
    "ALTERNATIVE": "is an alternative to",
}


@pytest.mark.parametrize("how", REPLACING)
def test_where_one_plan_may_replace_another_both_stand_in_one_box(how: str) -> None:
    new = plan(BOOST, "BorstL new", related_plan_uids=((how, MINE),))
    dossier = make_dossier(calm(plan(), new))
    box = " ".join(render_text(dossier).partition("WHICH PLAN?")[2].split())

    assert dossier.verdict.words.startswith("Ask first: which plan, BorstL VMAT or BorstL new?")
    assert REPLACING[how] in box
    assert "9 of 15 fractions complete" in box
    assert "0 of 15 fractions complete" in box
    assert "Treat with neither before somebody has said which: ask dr. H. Dubois" in box
    assert "Which plan?" in render_html(dossier)
    assert not any("Once that is settled" in one for one in dossier.verdict.because)


def test_a_plan_approved_during_the_course_may_replace_it_unless_an_oiss_list_has_both_open() -> None:
    late = plan(BOOST, "BorstL 2", approved_at=AS_OF - timedelta(days=2))
    here = calm(plan(), late)
    both_open = listed(here, "approved", "approved")

    assert [one.newer.rt_plan_label for one in rivals(here)] == ["BorstL 2"]
    assert rivals(both_open) == ()
    assert said(both_open).startswith("Treat fraction 10 of 15 of plan BorstL VMAT")


def test_two_open_plans_of_one_label_are_rivals_and_finished_or_unapproved_ones_are_not() -> None:
    twin = plan(BOOST)

    assert rivals(calm(plan(), twin))
    assert not rivals(calm(plan(fractions=9), plan(BOOST)))
    assert not rivals(calm(plan(), replace(twin, approval_status=ApprovalStatus.UNAPPROVED)))


def test_the_verdict_stands_in_each_rendering() -> None:
    dossier = make_dossier(calm())

    assert dossier.verdict.words in render_html(dossier)
    assert " ".join(dossier.verdict.words.split()) in " ".join(render_text(dossier).split())
