"""The first page says nothing that misleads somebody in a hurry."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from dossier_facts import BOOST, MINE, chart, plan, source

from beamkeeper.domain.chart import Note, NoteKind
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.objects import ObjectKind, ObjectRef
from beamkeeper.domain.patient import Contact
from beamkeeper.domain.plan import ApprovalStatus, Course, Plan
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.domain.volume import Roi, StructureSet
from beamkeeper.protect.dossier import DossierSource, make_dossier, render_html, render_pdf, render_text
from beamkeeper.protect.dossier.alert_words import NO_ORDER, what_is_usual
from beamkeeper.protect.dossier.sheet import Pairs, Table
from beamkeeper.protect.dossier.treated_site import NOT_SAID, side_differs, side_of, treated_site

if TYPE_CHECKING:
    from collections.abc import Callable


def test_what_was_called_off_for_a_day_to_come_is_no_last_session() -> None:
    here = source()
    (chart, *others) = here.entry.charts
    called_off = replace(
        chart.past_appointments[0], starts_at=here.as_of + timedelta(days=2), status="cancelled"
    )
    charts = (replace(chart, past_appointments=(called_off, *chart.past_appointments)), *others)
    text = render_text(make_dossier(replace(here, entry=replace(here.entry, charts=charts))))
    last = next(one for one in text.splitlines() if one.strip().startswith("Last ") and "LINAC 3" in one)

    assert f"{here.as_of - timedelta(days=1):%Y-%m-%d}" in last
    assert "cancelled" not in last


def test_a_finished_plan_is_never_called_enough_to_treat() -> None:
    here = source()
    assert here.position is not None
    done = tuple(
        replace(
            one, fractions_complete=one.fractions_planned or 0, fractions_partial=0, next_fraction_number=None
        )
        for one in here.position.plans
    )
    dossier = make_dossier(replace(here, position=replace(here.position, plans=done)))

    assert "Nothing is left to treat with this plan" in {one.ready for one in dossier.standings}
    assert not any("all that is needed" in one.ready for one in dossier.standings)


def test_where_something_disagrees_the_paper_does_not_say_that_all_is_there() -> None:
    here = source()
    assert here.position is not None
    doubt = Conflict(kind=ConflictKind.FOLLOWED, text="Plan B follows this one: is it replaced?")
    plans = tuple(replace(one, conflicts=(doubt,)) for one in here.position.plans)
    ready = tuple(replace(one, blocking=()) for one in here.readiness)
    dossier = make_dossier(replace(here, position=replace(here.position, plans=plans), readiness=ready))

    assert {one.ready for one in dossier.standings} == {"The files to treat are all here; clear ▲ first"}


def test_of_two_plans_that_are_treated_the_one_booked_first_stands_first() -> None:
    here = source()
    booked = here.entry.appointments[0]
    first = [one.plan for one in make_dossier(here).standings]
    machines = {plan.rt_plan_label: plan.treatment_machine_names for plan in here.plans}
    swapped = tuple(
        replace(plan, beams=tuple(replace(beam, treatment_machine_name=f"M{number}") for beam in plan.beams))
        for number, plan in enumerate(here.plans)
    )
    assert here.position is not None
    begun = tuple(
        replace(one, next_is_continuation=False, last_treated_at=here.as_of, fractions_partial=0)
        for one in here.position.plans
    )
    orders = []
    for number in range(len(swapped)):
        soon = replace(booked, machine=f"M{number}", starts_at=here.as_of + timedelta(hours=6))
        entry = replace(here.entry, appointments=(soon,))
        position = replace(here.position, plans=begun)
        made = replace(
            here,
            plans=tuple(replace(plan, approval_status=ApprovalStatus.APPROVED) for plan in swapped),
            entry=entry,
            position=position,
        )
        orders.append(make_dossier(made).standings[0].plan)

    assert len(first) == len(machines) == len(set(orders))


SIDES = {
    "C50.4 breast, left": "L",
    "Borst L": "L",
    "C2_RtLung^PTVp": "R",
    "Rechter long": "R",
    "Sein gauche": "L",
    "Left and right breast": "",
    "RT boost": "",
    "L4 spine": "",
    "Prostate": "",
    "PTVbright": "",
    "": "",
}


@pytest.mark.parametrize("text", SIDES)
def test_a_side_is_what_a_word_says_and_never_a_part_of_another(text: str) -> None:
    assert side_of(text) == SIDES[text]


def of_one_plan(*courses: Course, **more: object) -> tuple[DossierSource, Plan]:
    made = replace(plan(), prescription_description="", dose_references=(), **more)
    here = source(plans=(made,))
    return replace(here, entry=replace(here.entry, courses=courses)), made


def test_site_and_side_stand_as_they_are_said_with_who_says_it() -> None:
    mine = Course(course_id="C1", diagnosis="C50.4 breast, left", plan_uids=(MINE,))
    other = Course(course_id="C2", diagnosis="C50.4 breast, right", plan_uids=(BOOST,))
    here, made = of_one_plan(mine, other, treatment_sites=("Breast",), referenced_structure_set_uid="1.9")

    assert treated_site(here, made) == "Breast (plan); C50.4 breast, left (diagnosis)"
    assert side_differs(here, made) == ""
    assert treated_site(*of_one_plan()) == NOT_SAID


def test_a_target_on_the_other_side_than_the_diagnosis_is_asked_about() -> None:
    mine = Course(course_id="C1", diagnosis="C50.4 breast, left", plan_uids=(MINE,))
    here, made = of_one_plan(mine, referenced_structure_set_uid="1.9")
    drawn = StructureSet(
        sop_instance_uid="1.9",
        patient_id="0012345",
        structure_set_label="CT",
        rois=(
            Roi(roi_number=1, roi_name="Breast_R", interpreted_type="PTV"),
            Roi(roi_number=2, roi_name="Lung_L", interpreted_type="ORGAN"),
        ),
    )
    kept = ClinicalObject(
        ref=ObjectRef(
            sop_class_uid="1.2.840.10008.5.1.4.1.1.481.3", sop_instance_uid="1.9", study_instance_uid="1",
            series_instance_uid="1", patient_id="0012345", modality="RTSTRUCT",
            transfer_syntax_uid="1.2.840.10008.1.2", sha256="ab" * 32, size_bytes=1,
        ),
        kind=ObjectKind.STRUCTURE_SET,
        label="structures",
        content=drawn,
    )  # fmt: skip
    there = replace(here, objects=(kept,))

    assert side_differs(there, made) == (
        "Left or right? C50.4 breast, left (diagnosis) says left, Breast_R (structures) says right."
    )
    assert side_differs(there, made) in make_dossier(there).standings[0].warnings


USUAL = {
    "Pacemaker": "cardiologist",
    "ICD implanted": "cardiologist",
    "Latexallergie": "latex",
    "Penicillin allergy": "how bad",
    "Patient is zwanger": "do not treat before",
    "MRSA": "protection",
    "Risk of fall": "two people",
    "history of suicide attempt": "",
    "Wants tea": "",
}


@pytest.mark.parametrize("text", USUAL)
def test_an_alert_says_what_is_usually_done_or_that_nothing_is_said(text: str) -> None:
    here = source()
    charts = (replace(chart(), notes=(Note(kind=NoteKind.ALERT, text=text, author="dr. H"),)),)
    (said,) = make_dossier(replace(here, entry=replace(here.entry, charts=charts))).alerts

    assert USUAL[text] in what_is_usual(text)
    assert bool(USUAL[text]) == bool(what_is_usual(text))
    assert said.startswith(f"{text} (dr. H)\n→ ")
    assert (NO_ORDER in said) == (not USUAL[text])


def test_the_number_of_the_night_stands_first_among_those_to_call_or_that_there_is_none() -> None:
    number = "+32 3 555 00 00, physicist on call"
    told, silent = (make_dossier(source(night_phone=one)) for one in (number, ""))
    (calls,) = (section for section in told.first if section.title == "Whom to call")
    first = next(block for block in calls.blocks if isinstance(block, Pairs))

    assert first.rows[0] == ("At night", number.replace("2 3 555 00 00", "2\u00a03\u00a0555\u00a000\u00a000"))
    assert any("At night: +32" in one for one in told.verdict.because)
    assert "no number of the department is known here" in render_text(silent)
    assert not any("At night" in one for one in silent.verdict.because)


FOUND_AT_ONCE = ("Ask first: which plan comes next", "fraction 1 of 5", "LINAC 3")


def test_the_telephone_numbers_stay_on_the_first_page_with_twelve_plans_and_long_names(
    read_back: Callable[..., str],
) -> None:
    plans = tuple(plan(f"1.2.{n}", f"Plan {n} with a label that does not end " * 2, 5) for n in range(12))
    here = source(
        plans=plans,
        records=(),
        position=course_position(plans, (), patient_id="0012345"),
        night_phone="+32 3 555 00 00",
    )
    patient = replace(here.entry.patient, name="Vandenbroucke-Lefèvre van der Straeten^Marie-Thérèse " * 2)
    page = read_back(
        render_pdf(make_dossier(replace(here, entry=replace(here.entry, patient=patient)))), last=1
    )

    for said in (
        "Ask first: which plan comes next",
        "fraction 1 of 5",
        "LINAC 3",
        "+32 3 555 00 00",
        "+32 470 12 34 56",
    ):
        assert said in page.replace("\u00a0", " ")
    assert "Other plans" in page


def test_plans_that_rival_one_another_promise_nothing() -> None:
    new = plan(BOOST, "BorstL new", related_plan_uids=(("PREDECESSOR", MINE),))
    plans = (plan(), new)
    made = source(plans=plans, position=course_position(plans, (), patient_id="0012345"), records=())
    found = make_dossier(made).standings

    assert all(one.next_words.startswith("If this plan: ") for one in found)
    assert not any("all that is needed" in one.ready for one in found)
    assert "If this plan:" in render_html(make_dossier(made))


@pytest.mark.parametrize(
    ("year", "said"), [(1800, "226 years?"), (2025, "1 year)"), (2027, "in the future?")]
)
def test_a_birth_date_that_cannot_be_is_doubted_beside_it(year: int, said: str) -> None:
    here = source()
    patient = replace(here.entry.patient, birth_on=date(year, 1, 1))
    born = dict(make_dossier(replace(here, entry=replace(here.entry, patient=patient))).identity.others)[
        "Born"
    ]

    assert born.startswith(f"{year}-01-01 (")
    assert said in born


def test_many_accessories_do_not_make_a_page_of_a_beam() -> None:
    blocks = tuple(f"block Block {number}" for number in range(9))
    made = plan(beams=tuple(replace(one, accessories=blocks) for one in plan().beams))
    here = replace(source(plans=(made,)), entry=replace(source().entry, charts=()))
    (beams,) = (one for one in make_dossier(here).second if one.title == "Beams")
    table = next(block for block in beams.blocks if isinstance(block, Table))

    assert table.rows[0][-1] == ", ".join(blocks)


def test_records_that_count_nowhere_are_listed_with_the_plan_they_name() -> None:
    here = source()
    lost = replace(here.records[0], referenced_plan_uid="1.9.9")
    position = course_position((), (lost,), patient_id="0012345")
    dossier = make_dossier(replace(here, plans=(), records=(lost,), position=position))
    text = " ".join(render_text(dossier).partition("DELIVERY HISTORY")[2].split())

    assert dossier.verdict.words == "Do not treat: no plan is here"
    assert "treatment records are" in dossier.nothing_to_treat
    assert "1.9.9" in text
    assert "LINAC 3" in text
    assert "No record says" not in text
    assert "1 record belongs to no plan here and counts nowhere." in render_text(dossier)


@pytest.mark.parametrize("relation", ["self", "Zelf", "patiënte", "elle-même", "daughter"])
def test_the_patients_own_number_is_called_so_whatever_the_source_calls_it(relation: str) -> None:
    here = source()
    contacts = (Contact(relation=relation, name="Z", phone="1"),)
    patient = replace(here.entry.patient, contacts=contacts)
    made = make_dossier(replace(here, entry=replace(here.entry, patient=patient)))
    (calls,) = (section for section in made.first if section.title == "Whom to call")
    rows = next(block for block in calls.blocks if isinstance(block, Pairs)).rows

    assert rows[1] == (("daughter", "1  Z") if relation == "daughter" else ("Patient", "1"))
