"""One row a patient: where each stands, what is missing, what must be seen first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from people_on_lists import HEAD, NIGHT, NOW, person, place, plan

from beamkeeper.domain.census import CensusReason, Claim, OisCount
from beamkeeper.domain.chart import Chart, ChartPlan, Note, NoteKind, Triage
from beamkeeper.domain.patient import Contact
from beamkeeper.domain.position import Conflict, ConflictKind, CoursePosition
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.lists import ListRow, Person, Section, list_rows, row_among
from beamkeeper.protect.lists.category import suggested


def row_of(*persons: Person) -> ListRow:
    return next(row for row in list_rows(persons, HEAD) if row.pseudonym == persons[0].pseudonym)


def test_a_row_says_how_many_are_given_what_is_next_and_how_long_ago() -> None:
    line = row_of(person(1, given=12, days_ago=4)).plans[0]

    assert (line.given, line.next_fraction, line.days_since) == ("12 of 25 given", "13", 4)
    assert line.dose == "24.00 Gy of 50.00 Gy"
    assert line.needs == "photons · 6X · VMAT · 60 leaf pairs"


def test_a_fraction_begun_is_to_be_finished_first_with_what_is_missing_of_it() -> None:
    line = row_of(person(1, partial=True)).plans[0]

    assert (line.given, line.next_fraction) == ("12 of 25 given, 1 begun", "finish 13")
    assert line.next_said == "finish fraction 13 first: beam 1 has 120.00 of 350.00 MU"


def test_a_count_in_doubt_gives_no_next_fraction_without_a_question_mark() -> None:
    said = "The OIS counts 13 fractions, the records 12."
    line = row_of(person(1, conflict=said, missing=(said,))).plans[0]

    assert (line.next_fraction, line.next_said) == ("13?", "fraction 13, if the count is right")


@pytest.mark.parametrize(
    ("facts", "section"),
    [
        ({"given": 12}, Section.ON_TREATMENT),
        ({"given": 12, "missing": ("No dose.",)}, Section.ON_TREATMENT),
        ({"given": 12, "finished": True}, Section.ON_TREATMENT),
        ({"given": 0}, Section.READY),
        ({"given": 0, "missing": ("No dose.",)}, Section.NOT_READY),
        ({"given": None}, Section.NOT_READY),
        ({"given": 25}, Section.FINISHED),
        ({"given": 0, "finished": True}, Section.FINISHED),
    ],
)
def test_a_patient_stands_where_the_records_say(facts: dict, section: Section) -> None:
    assert row_of(person(1, **facts)).section is section


@pytest.mark.parametrize(("also", "section"), [((), Section.READY), (("No dose.",), Section.NOT_READY)])
def test_who_may_have_begun_unseen_is_still_ready_to_start_and_is_asked(
    also: tuple[str, ...], section: Section
) -> None:
    said = "POSSIBLY DELIVERED: booked today."
    given = person(1, given=0, missing=(said, *also))
    assert given.position is not None
    (at,) = given.position.plans
    conflict = Conflict(kind=ConflictKind.POSSIBLY_DELIVERED, text=said)
    asked = replace(given.position, plans=(replace(at, conflicts=(conflict,)),))
    row = row_of(replace(given, position=asked))

    assert row.section is section
    assert (row.plans[0].next_fraction, row.plans[0].is_ready) == ("1?", False)


def test_a_source_that_calls_an_open_course_finished_is_contradicted() -> None:
    assert "by what is kept it is not" in row_of(person(1, finished=True)).warnings[0]


def with_entry(given: Person, **changes: object) -> Person:
    return replace(given, entry=replace(given.entry, **changes))  # type: ignore[arg-type]


def test_a_course_that_only_the_ois_counts_is_on_treatment() -> None:
    counted = OisCount(plan_uid="1.2.1", source="aria", fractions_planned=25, fractions_done=4)

    assert row_of(with_entry(person(1, given=0), counts=(counted,))).section is Section.ON_TREATMENT


def test_who_was_treated_and_has_nothing_counted_is_on_treatment_and_marked() -> None:
    claim = Claim(source="aria", reason=CensusReason.TREATED_RECENTLY)
    row = row_of(with_entry(person(1, given=0), claims=(claim,)))

    assert row.section is Section.ON_TREATMENT
    assert "no fraction is counted for any plan" in " ".join(row.warnings)


def test_a_patient_without_a_plan_has_a_line_that_says_so() -> None:
    row = row_of(person(1, given=None))

    assert [line.missing for line in row.plans] == [("No plan is kept that could be treated.",)]


def test_plans_neither_begun_nor_approved_are_named_and_take_no_line() -> None:
    one = person(1)
    trial = plan("1.2.9", "Trial", approved=False)
    row = row_of(replace(one, plans=(*one.plans, trial)))

    assert [line.label for line in row.plans] == ["Prostate"]
    assert row.remarks == ("Also kept, neither begun nor approved: Trial.",)


def test_a_boost_that_follows_has_a_line_of_its_own_after_the_plan_on_treatment() -> None:
    one = person(1)
    boost = plan("1.2.5", "Boost", fractions=8)
    assert one.position is not None
    position = replace(one.position, plans=(place(boost, 0), *one.position.plans))
    ready = (*one.readiness, Readiness(plan_uid="1.2.5", rt_plan_label="Boost"))
    row = row_of(replace(one, plans=(boost, *one.plans), position=position, readiness=ready))

    assert [(line.label, line.section) for line in row.plans] == [
        ("Prostate", Section.ON_TREATMENT),
        ("Boost", Section.READY),
    ]


def test_a_plan_that_only_records_know_is_listed_and_not_ready() -> None:
    one = replace(person(1), plans=(), readiness=())
    line = row_of(one).plans[0]

    assert line.section is Section.ON_TREATMENT
    assert line.missing == ("The plan itself is not kept.",)


def test_two_patients_of_one_name_are_told_apart_and_marked_on_both() -> None:
    one, other = person(1, "Jansen^Maria"), person(2, "JANSEN^María", born=date(1961, 7, 8))
    rows = list_rows([one, other, person(3)], HEAD)

    said = {row.pseudonym: row.warnings for row in rows}
    assert said["p0001"] == (
        "SAME NAME as JANSEN, María, born 1961-07-08, ID 0000002: compare birth date and ID.",
    )
    assert said["p0002"] == (
        "SAME NAME as Jansen, Maria, born 1950-01-02, ID 0000001: compare birth date and ID.",
    )
    assert said["p0003"] == ()


def test_of_too_many_of_one_name_each_is_told_that_and_none_is_named() -> None:
    crowd = [person(number, "Test^Patient") for number in range(110)]
    twin = person(200, "Claes^Anna", patient_id="0000007")
    rows = list_rows([*crowd, twin], HEAD)
    said = {row.pseudonym: row.warnings for row in rows}
    many = "SAME NAME as so many others of this list that none is named here: compare birth date and ID."

    assert all(many in said[one.pseudonym] for one in crowd)
    assert said["p0007"][0].startswith("SAME PATIENT ID as Claes, Anna, born 1950-01-02")
    assert row_among(crowd[7], [*crowd, twin], HEAD).warnings == said["p0007"]


def test_a_very_similar_name_and_a_twin_are_marked_too() -> None:
    born = date(1990, 5, 17)
    rows = list_rows(
        [
            person(1, "Jansen^Maria"),
            person(2, "Janssen^Maria", born=date(1961, 7, 8)),
            person(3, "Claes^Lisa", born=born),
            person(4, "Claes^Charlotte", born=born),
        ],
        HEAD,
    )
    said = {row.pseudonym: row.warnings for row in rows}

    assert said["p0001"] == (
        "SIMILAR NAME: Janssen, Maria, born 1961-07-08, ID 0000002: compare birth date and ID.",
    )
    assert said["p0003"][0].startswith(
        "SAME FAMILY NAME AND BIRTH DATE: Claes, Charlotte, born 1990-05-17, ID 0000004: "
    )


def test_two_persons_with_one_patient_id_are_marked() -> None:
    rows = list_rows([person(1, "A^B", patient_id="7"), person(2, "C^D", patient_id="7")], HEAD)

    assert all(row.warnings[0].startswith("SAME PATIENT ID as") for row in rows)


def test_patients_without_a_name_are_not_the_same() -> None:
    assert all(not row.warnings for row in list_rows([person(1, "^"), person(2, "^")], HEAD))


def test_a_copy_that_is_not_the_newest_says_so_and_where_the_newest_stands() -> None:
    one = person(1, given=12)
    newer = CoursePosition(patient_id="", plans=(place(one.plans[0], 13),))
    row = row_of(replace(one, passed_over=(date(2026, 3, 4),), newer=newer))

    assert row.warnings == (
        "As of the night of 2026-03-03: nobody has confirmed what later nights brought (2026-03-04).",
        "By the copy nobody confirmed: Prostate 13 of 25 given. Ask before you treat.",
    )


def test_a_copy_nobody_confirmed_at_all_says_so() -> None:
    row = row_of(replace(person(1), passed_over=(NIGHT,)))

    assert row.warnings == ("NOT CONFIRMED: no copy of this patient was confirmed by people (2026-03-03).",)


def test_sources_that_give_different_codes_are_shown() -> None:
    one = person(1, code="3")
    other = Chart(source="mosaiq", triage=Triage(code="1", reason="cord"))
    row = row_of(with_entry(one, charts=(*one.entry.charts, other)))

    assert row.triage is not None
    assert row.triage.code == "1"
    assert "aria: 3, mosaiq: 1" in row.warnings[0]


def test_an_ois_that_calls_an_open_plan_superseded_is_shown() -> None:
    one = person(1)
    chart = Chart(
        source="mosaiq", plans=(ChartPlan(plan_id="P", course_id="C", plan_uid="1.2.1", status="superseded"),)
    )
    line = row_of(with_entry(one, charts=(*one.entry.charts, chart))).plans[0]

    assert line.conflicts == ("mosaiq calls this plan superseded.",)


def test_a_treatment_that_only_the_ois_knows_is_shown() -> None:
    counted = OisCount(
        plan_uid="1.2.1", source="aria", fractions_planned=25, fractions_done=13, last_treated_at=NOW
    )
    line = row_of(with_entry(person(1), counts=(counted,))).plans[0]

    assert line.conflicts == ("aria knows a treatment on 2026-03-03, which no record kept here shows.",)


def test_alerts_are_told() -> None:
    one = person(1)
    chart = Chart(
        source="aria", notes=(Note(kind=NoteKind.ALERT, text="pacemaker"), Note(kind=NoteKind.NOTE, text="x"))
    )

    assert row_of(with_entry(one, charts=(chart,))).remarks == ("Alert: pacemaker",)


def test_the_patient_is_called_first_and_without_a_number_somebody_close() -> None:
    assert (row_of(person(1)).first_call or Contact(relation="", name="", phone="")).relation == "self"
    assert (
        row_of(person(1, phone="")).first_call or Contact(relation="", name="", phone="")
    ).name == "Els Jansen"


@pytest.mark.parametrize(
    ("diagnosis", "intents", "number"),
    [
        ("C53.9 cervix", ("Curative",), 1),
        ("c32 larynx", ("radical",), 1),
        ("C67.2 bladder", ("Radical",), 1),
        ("C61 prostate", ("curative",), 2),
        ("C50.4 breast", ("adjuvant",), 2),
        ("C34.1 lung", ("Palliative",), 3),
        ("", ("Palliatief",), 3),
        ("C53.9 cervix", (), None),
        ("C53.9 cervix", ("Curative", "Palliative"), None),
        ("C71.9 brain", ("Curative",), None),
        ("prostate", ("Curative",), None),
        ("", (), None),
    ],
)
def test_a_category_is_suggested_from_diagnosis_and_intent_only(
    diagnosis: str, intents: tuple[str, ...], number: int | None
) -> None:
    category = suggested(diagnosis, intents)

    assert category.number == number
    assert category.word.endswith("?") or "a physician decides" in category.reason
