"""The parts of a sheet, from facts to lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from beamkeeper.app.source_check.database import columns_part, server_part, words_part
from beamkeeper.app.source_check.pdf import sheets_pdf
from beamkeeper.app.source_check.people import methods_part, number_part, ten_part
from beamkeeper.app.source_check.sheet import Part, Sheet
from beamkeeper.app.source_check.words import sheet_lines
from beamkeeper.domain.census import Appointment, CensusEntry, CensusReason, Claim, OisCount
from beamkeeper.domain.chart import Chart, ChartField, ChartPlan
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import Course, Prescription
from beamkeeper.protect.census import SectionFound, SelfCheck, WordCount
from beamkeeper.wire.sql import ServerFacts

BRUSSELS = ZoneInfo("Europe/Brussels")
WALL = datetime(2026, 11, 20, 10, tzinfo=BRUSSELS).replace(tzinfo=None)
AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def checked(**changed: object) -> SelfCheck:
    facts: dict[str, object] = {
        "server": ServerFacts(product="SQL Server", version="15.0.2", database="VARIAN", wall_time=WALL),
        "clock_off": timedelta(seconds=40),
        "warnings": (),
        "sections": (),
        "words": (),
        "unasked": (),
    }
    return SelfCheck(**(facts | changed))  # type: ignore[arg-type]


def entry(patient_id: str = "P1", **more: object) -> CensusEntry:
    claims = (Claim(source="ois", reason=CensusReason.TREATED_RECENTLY),)
    return CensusEntry(patient=Patient(patient_id=patient_id, name="Peeters^Jan"), claims=claims, **more)  # type: ignore[arg-type]


def count(done: int, source: str, **more: int) -> OisCount:
    return OisCount(plan_uid="1.2.3", source=source, fractions_planned=30, fractions_done=done, **more)  # type: ignore[arg-type]


def test_a_server_whose_clock_is_of_another_zone_is_bad() -> None:
    part = server_part(checked(clock_off=timedelta(hours=-1)), "Europe/Brussels")

    assert part.verdict == "bad"
    assert "-60 min from Europe/Brussels" in " ".join(part.lines)
    assert server_part(checked(), "Europe/Brussels").verdict == "good"


def test_a_login_that_may_write_is_said() -> None:
    part = server_part(checked(warnings=("The login of this database may write.",)), "UTC")

    assert part.verdict == "warning"
    assert "▲ The login of this database may write." in part.lines


def test_a_needed_section_that_is_not_there_is_bad_and_another_is_a_warning() -> None:
    plan = SectionFound(label="[plan]", is_needed=True, error="There is no table.")
    note = SectionFound(label="[note]", is_needed=False, error="There is no table.")
    lacking = SectionFound(label="[course]", is_needed=True, found=("course_key",), absent=("start",))

    assert columns_part(checked(sections=(plan, lacking))).verdict == "bad"
    assert columns_part(checked(sections=(note,))).verdict == "warning"
    assert columns_part(checked(sections=(lacking,))).lines[1] == "  ▲ not here: start"


def test_words_that_the_mapping_does_not_know_come_first() -> None:
    known = WordCount(label="[plan]", column="status", text="Appr", count=900, meaning="approved")
    odd = WordCount(label="[plan]", column="status", text="Rea\x1bdy", count=2, meaning="")
    part = words_part(checked(words=(known, odd)))

    assert part.verdict == "warning"
    assert part.lines[1:] == (
        "  ▲ Rea dy (2 rows): NOT KNOWN to the mapping",
        "  Appr (900 rows): approved",
    )


def test_plans_that_are_counted_differently_are_listed_with_every_count() -> None:
    chart = Chart(source="ois", plans=(ChartPlan(plan_id="VMAT1", course_id="C1", plan_uid="1.2.3"),))
    odd = entry(counts=(count(12, "ois, history"), count(11, "ois, sessions")), charts=(chart,))
    same = entry("P2", counts=(count(5, "ois, history"), count(5, "ois, sessions")))
    part = methods_part([odd, same])

    assert part.verdict == "warning"
    assert part.lines == (
        "Compared: ois, history; ois, sessions.",
        "2 plans, 1 of them counted differently:",
        "  ▲ P1, plan VMAT1: ois, history 12; ois, sessions 11",
    )


def test_one_way_of_counting_compares_nothing_and_says_so() -> None:
    assert methods_part([entry(counts=(count(1, "ois"),))]).verdict == "unchecked"


def test_ten_patients_are_drawn_by_the_date_and_the_treated_come_first() -> None:
    treated = [entry(f"T{number}") for number in range(30)]
    waiting = CensusEntry(
        patient=Patient(patient_id="W", name="Claes^An"),
        claims=(Claim(source="ois", reason=CensusReason.PLANNED_NOT_STARTED),),
    )
    people = [waiting, *treated]
    first = ten_part(people, BRUSSELS, date(2026, 11, 20))

    drawn = [line for line in first.lines if line.startswith("□")]
    assert len(drawn) == 10
    assert not any("ID W" in line for line in drawn)
    assert ten_part(people, BRUSSELS, date(2026, 11, 20)) == first
    assert ten_part(people, BRUSSELS, date(2026, 11, 21)) != first


def test_a_patient_to_compare_shows_what_stands_on_the_screen() -> None:
    rx = Prescription(name="breast", dose_per_fraction_gy=2.67, total_dose_gy=40.05, number_of_fractions=15)
    field = ChartField(
        plan_uid="1.2.3", field_id="1", energy="6X", beam_meterset=245.3, gantry_angle_deg=181.0,
        gantry_stop_angle_deg=179.0, collimator_angle_deg=10.0, couch_angle_deg=0.0,
    )  # fmt: skip
    full = entry(
        courses=(Course(course_id="C1", prescriptions=(rx,)),),
        counts=(count(12, "ois", fractions_partial=1),),
        charts=(Chart(source="ois", fields=(field,)),),
        appointments=(Appointment(starts_at=AT, activity="Treatment", machine="LINAC1"),),
    )

    assert ten_part([full], BRUSSELS, AT.date()).lines == (
        "□ 1. Peeters, Jan, ID P1, no birth date",
        "    prescribed in course C1: breast, 15 fractions of 2.67 Gy, total 40.05 Gy",
        "    plan 1.2.3: 12 and 1 partial of 30 fractions (ois)",
        "    field 1, 6X, gantry 181 to 179°, collimator 10°, couch 0°, 245.3 MU",
        "    next: 2026-11-20 10:00, Treatment LINAC1",
    )


def test_nobody_on_the_list_is_bad() -> None:
    assert number_part([], ()).verdict == "bad"
    assert ten_part([], BRUSSELS, AT.date()).verdict == "bad"


@pytest.mark.parametrize("text", ["x" * 300, "a b " * 100, "日本語" * 60])
def test_a_printed_line_is_never_wider_than_a_terminal(text: str) -> None:
    part = Part(number=1, title=text, verdict="good", lines=(text, "    " + text), by_hand=text)
    sheet = Sheet(
        site_name=text,
        source="ois",
        checked_at="now",
        version="1",
        settings_sha256="0" * 64,
        parts=(part,),
    )

    assert max(len(line) for line in sheet_lines(sheet)) <= 80


def test_of_two_plans_of_one_name_the_replaced_one_says_so() -> None:
    plans = tuple(
        ChartPlan(plan_id="VMAT1", course_id="C1", plan_uid=uid, status=status)
        for uid, status in (("1.2.3", "superseded"), ("1.2.4", "approved"))
    )
    counts = tuple(replace(count(2, "ois"), plan_uid=plan.plan_uid) for plan in plans)
    part = ten_part([entry(charts=(Chart(source="ois", plans=plans),), counts=counts)], BRUSSELS, AT.date())

    assert [line.strip() for line in part.lines[1:]] == [
        "plan VMAT1 (superseded): 2 of 30 fractions (ois)",
        "plan VMAT1: 2 of 30 fractions (ois)",
    ]


def test_a_sheet_is_for_the_archive_and_names_what_no_font_shows() -> None:
    lines = ("□ 1. Wáng 王, #panic() " + "x" * 200,)
    part = Part(number=5, title="Ten patients", verdict="unchecked", lines=lines, by_hand="Sign.")
    sheet = Sheet(
        site_name="Clinique Zoë",
        source="aria",
        checked_at="2026-11-20 10:00",
        version="0.1.0",
        settings_sha256="",
        parts=(part,),
    )
    pdf = sheets_pdf([sheet, sheet], made_at=0)
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)

    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert "Wáng ‹U+738B›" in text
    assert "#panic()" in text
