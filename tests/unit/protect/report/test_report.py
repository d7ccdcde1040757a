"""Both forms of the report: nobody named in the mail, nothing cut off, no failure left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.domain.census import SourceReport
from beamkeeper.domain.change import DOCUMENT, Change, Grade, ObjectComparison
from beamkeeper.domain.night import NightOutcome, NightReport, NotKept, PatientNight
from beamkeeper.domain.position import Conflict, ConflictKind, CoursePosition
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.report import render_html, render_text

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
WIDTH = 80
NAME, PATIENT_ID = "Vandenbroucke^Adèle", "BK-77123"


def comparison(grade: Grade, text: str, *, expected: str = "") -> ObjectComparison:
    change = Change(path="BeamSequence", old="1", new="2", text=text, grade=grade)
    return ObjectComparison(
        sop_instance_uid="1.2.3",
        sop_class_uid="1.2",
        modality="RTPLAN",
        kind="plan",
        label="VMAT1",
        grade=grade,
        changes=(change,),
        expected=expected,
    )


PATIENT = PatientNight(pseudonym="abcdefghijklmnop", patient_id=PATIENT_ID, patient_name=NAME, stored=True)
REPORT = NightReport(
    run_on=date(2026, 3, 2),
    site_name="Site",
    time_zone="Europe/Brussels",
    started_at=AT,
    finished_at=AT,
    outcome=NightOutcome.COMPLETE,
    sources=(SourceReport(source="ois", answered=True, patient_count=1),),
    patients=(PATIENT,),
)


def flat(report: NightReport) -> str:
    return " ".join(render_text(report).split())


def test_the_mail_names_a_patient_by_pseudonym_only_and_the_page_by_name() -> None:
    changed = replace(PATIENT, comparisons=(comparison(Grade.CLINICAL, "Beam 2: 12.4 → 9.1 mm"),))
    report = replace(REPORT, patients=(changed,))
    text, page = render_text(report), render_html(report)

    assert PATIENT.pseudonym[:10] in text
    assert not [word for word in (*NAME.split("^"), PATIENT_ID) if word in text]
    assert PATIENT_ID in page


def test_a_change_that_needs_eyes_is_told_in_words_with_its_grade() -> None:
    changed = replace(PATIENT, comparisons=(comparison(Grade.CLINICAL, "Beam 2: 12.4 → 9.1 mm"),))

    assert "[CLINICAL] plan: VMAT1 · Beam 2: 12.4 → 9.1 mm" in flat(replace(REPORT, patients=(changed,)))


def test_refused_and_unanswered_objects_are_told_apart() -> None:
    lost = (
        NotKept(sop_instance_uid="1.5", what="CT", reason="refused by the source"),
        NotKept(sop_instance_uid="1.6", what="CT", reason="no answer"),
    )
    report = replace(REPORT, outcome=NightOutcome.INCOMPLETE, patients=(replace(PATIENT, not_kept=lost),))

    assert "CT 1.5: refused by the source" in flat(report)
    assert "CT 1.6: no answer" in flat(report)
    assert "1.5" in render_html(report)
    assert not report.is_quiet


def test_documents_are_counted_as_documents_and_their_titles_stand_on_the_page_alone() -> None:
    letter = replace(comparison(Grade.CLINICAL, "“10 mm” → “20 mm”"), kind=DOCUMENT, label="For Mrs Unlisted")
    lost = NotKept(sop_instance_uid="", what=DOCUMENT, title="From Dr Unlisted", reason="refused")
    night = replace(PATIENT, comparisons=(letter, comparison(Grade.CLINICAL, "MU")), not_kept=(lost,))
    report = replace(REPORT, outcome=NightOutcome.INCOMPLETE, patients=(night,))
    page = render_html(report)

    assert "Unlisted" not in flat(report)
    assert "1 object and 1 document" in flat(report)
    assert "· document: refused" in flat(report)
    assert "document From Dr Unlisted: refused" in page
    assert "For Mrs Unlisted" in page


def test_an_empty_list_and_a_stopped_night_are_never_called_quiet() -> None:
    empty = replace(REPORT, patients=())
    stopped = replace(REPORT, outcome=NightOutcome.STOPPED, alarm="30 of 40 objects are gone.")

    assert "not a quiet night" in flat(empty)
    assert "ALARM: 30 of 40 objects are gone." in flat(stopped)
    assert "30 of 40 objects are gone." in render_html(stopped)
    assert not empty.is_quiet
    assert not stopped.is_quiet


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=200)


@settings(deadline=None)
@given(label=words, text=words, warning=words, reason=words)
def test_no_received_text_breaks_the_mail_or_the_page(
    label: str, text: str, warning: str, reason: str
) -> None:
    item = replace(comparison(Grade.CLINICAL, text), label=label)
    patient = replace(PATIENT, comparisons=(item,), error=reason)
    report = replace(REPORT, patients=(patient,), warnings=(warning,), outcome=NightOutcome.INCOMPLETE)
    tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's signature
            tags.append(tag)

    Tags().feed(render_html(report))

    assert all(len(line) <= WIDTH for line in render_text(report).splitlines())
    assert "script" not in tags


def test_markup_in_received_text_is_shown_and_not_obeyed() -> None:
    bad = "<script>alert(1)</script>"
    item = replace(comparison(Grade.CLINICAL, bad), label=bad)
    page = render_html(replace(REPORT, patients=(replace(PATIENT, comparisons=(item,), patient_name=bad),)))

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_sentences_of_others_are_mailed_without_the_names_and_ids_they_quote() -> None:
    said = f"no row for {PATIENT_ID} (VANDENBROUCKE_ADÈLE.dcm)"
    lost = NotKept(sop_instance_uid="1.5", what="CT", reason=said)
    report = replace(
        REPORT,
        patients=(replace(PATIENT, not_kept=(lost,)), replace(PATIENT, stored=False, error=said)),
        warnings=(said,),
        remarks=(said,),
        sources=(SourceReport(source="ois", answered=False, patient_count=0, error=said, warnings=(said,)),),
    )
    text = render_text(report).casefold()

    assert not [word for word in (*NAME.split("^"), PATIENT_ID) if word.casefold() in text]
    assert text.count("no row for") == 6
    assert said in render_html(report)


def test_a_conflict_that_quotes_another_patient_id_is_mailed_without_it() -> None:
    conflict = Conflict(
        kind=ConflictKind.PATIENT_DIFFERS,
        text="Records name another Patient ID ('BK-1'): they are not counted.",
    )
    position = CoursePosition(patient_id=PATIENT_ID, plans=(), conflicts=(conflict,))
    report = replace(REPORT, patients=(replace(PATIENT, position=position),))

    assert "BK-1" not in render_text(report)
    assert "different Patient IDs" in flat(report)
    assert "BK-1" in render_html(report)


def test_file_names_stand_on_the_page_only() -> None:
    report = replace(REPORT, page_only=("exports: DOE_JOHN.dcm: Truncated.",))

    assert "DOE_JOHN" not in render_text(report)
    assert "DOE_JOHN" in render_html(report)


def test_records_of_somebody_without_a_plan_are_told_in_both_forms() -> None:
    position = CoursePosition(patient_id=PATIENT_ID, plans=(), unassigned_record_uids=("1.2.3", "1.2.4"))
    report = replace(REPORT, patients=(replace(PATIENT, position=position),))

    assert "2 treatment records without a plan" in flat(report)
    assert "2 treatment records without a plan" in render_html(report)


def test_a_plan_that_cannot_be_treated_from_the_copy_is_said_in_both_forms_without_uids_in_the_mail() -> None:
    lacking = Readiness(
        plan_uid="1.2", rt_plan_label="VMAT1", blocking=("The structure set is missing (1.2.3).",), remarks=()
    )
    at = CoursePosition(patient_id=PATIENT_ID, plans=())
    report = replace(REPORT, patients=(replace(PATIENT, position=at, readiness=(lacking,)),))

    assert "VMAT1 is not ready to treat from this copy: 1 reason on the page" in flat(report)
    assert "1.2.3" not in flat(report)
    assert "VMAT1: The structure set is missing (1.2.3)." in render_html(report)


@pytest.mark.parametrize(
    ("kind", "label", "title"),
    [
        ("plan", "VMAT1", "plan: VMAT1"),
        ("plan", "plan VMAT1", "plan VMAT1"),
        ("structure set", "structure set STRUCT1", "structure set STRUCT1"),
        ("dose", "plan dose", "plan dose"),
        ("image", "CT slice 3", "image: CT slice 3"),
    ],
)
def test_what_an_object_is_is_said_once(kind: str, label: str, title: str) -> None:
    item = replace(comparison(Grade.CLINICAL, "moved"), kind=kind, label=label)

    assert f"[CLINICAL] {title} ·" in flat(replace(REPORT, patients=(replace(PATIENT, comparisons=(item,)),)))
