"""Records that came back from a drop, held against what was released; and the slip that went along."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from course_builders import MONDAY, delivery, record
from pypdf import PdfReader

from beamkeeper.domain.patient import Patient
from beamkeeper.respond.filemode import BeamLeft, Drop, judged
from beamkeeper.respond.filemode.returned import given_in
from beamkeeper.respond.filemode.slip import slip_pdf

if TYPE_CHECKING:
    from beamkeeper.domain.record import TreatmentRecord

BEAMS = tuple(
    BeamLeft(beam_number=number, beam_name=f"Arc {number}", delivered=0.0, planned=100.0, unit="MU")
    for number in (1, 2)
)
DROP = Drop(
    drop_id="d1",
    pseudonym="0" * 64,
    patient=Patient(patient_id="P1", name="Jansen^Maria", birth_on=date(1961, 4, 7), sex="F"),
    plan_uid="1.1",
    rt_plan_label="PROSTATE",
    fraction_number=2,
    fractions_planned=30,
    fractions_complete=1,
    is_continuation=False,
    beams=BEAMS,
    machine_id="tb1",
    treatment_machine_name="TB1",
    share="/mnt/i",
    folder="P1_born-1961-04-07_fraction-2_d1",
    is_simulator=False,
    files=(),
    released_at=MONDAY,
    released_by=("A. Jansen", "B. Peeters"),
    reason="OIS gone",
)


def came(**more: object) -> TreatmentRecord:
    return record("9.1", delivery(1, 2, **more), at=MONDAY + timedelta(minutes=20))  # type: ignore[arg-type]


def test_a_record_of_the_session_has_no_problem() -> None:
    assert judged(DROP, came()) == ()


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (replace(came(), patient_id="P2"), "another Patient ID"),
        (replace(came(), referenced_plan_uid="1.2"), "another plan"),
        (replace(came(), referenced_plan_uid=None), "names no plan"),
        (replace(came(), treated_at=MONDAY - timedelta(days=1)), "compare the clocks"),
        (
            replace(came(current_fraction_number=1), treated_at=MONDAY - timedelta(days=1)),
            "given before the plan was released",
        ),
        (replace(came(), treated_at=None), "does not say when"),
        (replace(came(), deliveries=()), "names no beam"),
        (came(referenced_beam_number=7), "beam 7, which is not of this session"),
        (came(current_fraction_number=None), "leaves the fraction number empty"),
        (came(current_fraction_number=1), "says fraction 1; fraction 2 was released"),
        (came(delivered_meterset=None), "does not say how much"),
        (came(delivered_meterset=120.0), "120.00 MU given, 100.00 were left"),
        (came(treatment_machine_name="TB2"), "given on TB2"),
    ],
)
def test_what_does_not_fit_the_release_is_named(of: TreatmentRecord, said: str) -> None:
    assert said in " ".join(judged(DROP, of))


def test_of_a_begun_beam_no_more_may_come_than_was_left() -> None:
    begun = replace(DROP, beams=(replace(BEAMS[0], delivered=60.0),), is_continuation=True)

    assert "100.00 MU given, 40.00 were left" in " ".join(judged(begun, came()))


def text_of(drop: Drop) -> tuple[int, str]:
    pages = PdfReader(io.BytesIO(slip_pdf(drop, ZoneInfo("Europe/Brussels")))).pages
    return len(pages), " ".join("".join(page.extract_text() for page in pages).split())


def test_the_slip_says_what_the_machine_does_not_know_on_one_page() -> None:
    count, said = text_of(DROP)

    assert count == 1
    for words in (
        "Jansen, Maria",
        "ID P1",
        "born 1961-04-07",
        "Fraction 2 of 30",
        "PROSTATE",
        "TB1",
        DROP.folder,
    ):
        assert words.replace(" ", "") in said.replace(" ", "").replace("\u200b", "")
    assert "DRILL" not in said
    assert "A. Jansen and B. Peeters" in said


@pytest.mark.parametrize("beam_count", [1, 10, 18, 60])
def test_the_slip_is_one_page_however_much_there_is_to_say(beam_count: int) -> None:
    beams = tuple(replace(BEAMS[0], beam_number=number, beam_name="N" * 60) for number in range(beam_count))
    long = replace(
        DROP,
        beams=beams,
        is_continuation=True,
        physicist="C. Maes",
        is_simulator=True,
        cautions=tuple(f"{number} " + "word " * 25 for number in range(12)),
        patient=replace(DROP.patient, name="W" * 60 + "^" + "X" * 60, patient_id="I" * 64),
        reason="because " * 12,
    )
    count, said = text_of(long)

    assert count == 1
    assert "FINISH A FRACTION THAT WAS BEGUN" in said
    assert "DRILL" in said
    assert ("more beams" in said) is (beam_count > 18)


def test_the_same_drop_gives_the_same_slip() -> None:
    assert slip_pdf(DROP, ZoneInfo("UTC")) == slip_pdf(DROP, ZoneInfo("UTC"))


def test_a_record_belongs_to_the_last_drop_of_its_plan_before_it() -> None:
    later = replace(DROP, drop_id="d3", released_at=MONDAY + timedelta(days=1), fraction_number=3)
    other = replace(DROP, drop_id="d2", released_at=MONDAY + timedelta(minutes=5), plan_uid="2.2")
    drops = (DROP, other, later)

    assert given_in(drops, came()) == DROP
    assert given_in(drops, replace(came(), treated_at=MONDAY + timedelta(days=1, minutes=9))) == later
    assert given_in(drops, replace(came(), treated_at=MONDAY - timedelta(days=1))) is None
    assert given_in(drops, replace(came(), treated_at=None)) is None
    assert given_in((DROP, other), replace(came(), treated_at=None)) == DROP
