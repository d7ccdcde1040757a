"""A RayCare department: views or reports with the columns of the shipped mapping."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beamkeeper.domain.census import CensusReason
from beamkeeper.errors import ConfigError, SourceUnavailable
from beamkeeper.protect.census import CensusWindow, SqlSource, parse_mapping, raycare_mapping
from beamkeeper.protect.census.entities import Entity
from beamkeeper.protect.ois_settings import RayCareSettings

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
SETTINGS = RayCareSettings(
    timezone="Europe/Brussels",
    more=("contact", "triage"),
    course_status={"In treatment": "open"},
    treatment_activities=("Fraction*",),
    simulation_activities=("CT*",),
)
REPORTS = {
    "patient": (
        "patient_key;patient_id;last_name;first_name;birth_date;sex;language;phone_home;phone_mobile;"
        "deceased_date\n7;0012345;Peeters;Zoë;1960-01-02;F;nl;;+32 470;\n8;QA-1;ZZ-Daily;;;;;;;\n"
    ),
    "course": (
        "course_key;patient_key;course_id;status;diagnosis_code;diagnosis_text;intent\n"
        "70;7;C1;In treatment;C50.9;Breast;Curative\n"
    ),
    "plan": (
        "plan_key;course_key;plan_id;plan_uid;status;approved_by;approved_at;planned_fractions;machine\n"
        "700;70;VMAT1;1.2.3;approved;Claes;2026-11-20 15:00;15;LINAC2\n"
    ),
    "appointment": (
        "patient_key;start;minutes;activity;machine;status\n"
        "7;2026-11-24 09:00;15;Fraction 1;LINAC2;open\n7;2026-11-18 09:00;15;CT head;CT1;done\n"
        "8;2026-11-24 07:00;15;Fraction;LINAC2;open\n"
    ),
    "contact": "patient_key;relation;name;phone;is_primary\n7;spouse;Janssens;+32 471;1\n",
    "triage": "patient_key;code;reason;given_by;given_at\n7;2;close to the cord;Claes;2026-11-20 15:10\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in REPORTS.items():
        path = tmp_path / f"bk_{name}.csv"
        path.write_text(text, encoding="utf-8")
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return tmp_path


def source(folder: Path) -> SqlSource:
    return SqlSource(raycare_mapping(SETTINGS), f"csv:///{folder}", name="raycare")


def test_reports_give_what_a_database_gives(folder: Path) -> None:
    answer = source(folder).ask(NOW, CensusWindow())
    (entry,) = answer.entries
    (chart,) = entry.charts

    assert (entry.patient.patient_id, entry.patient.name) == ("0012345", "Peeters^Zoë")
    assert [(one.relation, one.phone) for one in entry.patient.contacts] == [
        ("self", "+32 470"),
        ("spouse", "+32 471"),
    ]
    assert {claim.reason for claim in entry.claims} == {
        CensusReason.SCHEDULED_SOON,
        CensusReason.PLANNED_NOT_STARTED,
        CensusReason.SIMULATED_RECENTLY,
    }
    assert chart.triage is not None
    assert chart.triage.code == "2"
    assert chart.plans[0].approved_at == datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    assert answer.test_patient_ids == {"QA-1"}
    assert answer.warnings == ("This source cannot tell who was treated lately.",)


def test_reports_of_another_day_are_no_answer(folder: Path) -> None:
    later = NOW + timedelta(hours=37)

    with pytest.raises(SourceUnavailable, match=r"The report bk_appointment was written 37 hours ago"):
        source(folder).ask(later, CensusWindow())


def test_views_that_the_department_does_not_name_are_not_asked() -> None:
    def asked(*more: str) -> set[Entity]:
        return set(raycare_mapping(RayCareSettings(timezone="UTC", more=more)).entities)

    least = {Entity.PATIENT, Entity.COURSE, Entity.PLAN, Entity.APPOINTMENT}
    assert asked() == least
    assert asked("note", "fraction_count") == least | {Entity.NOTE, Entity.FRACTION_COUNT}


def test_a_word_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(ConfigError, match="waiting"):
        raycare_mapping(RayCareSettings(timezone="UTC", plan_status={"Draft": "waiting"}))


GUIDE = Path(__file__).parents[4] / "docs" / "guide" / "sources.md"
TABLES = """
CREATE TABLE bk_patient (patient_no, mrn, last_name, first_name, born_on, sex, phone, mobile, language);
CREATE TABLE bk_course (course_no, patient_no, course_name, state);
CREATE TABLE bk_plan (plan_no, course_no, plan_name, sop_instance_uid, state, approved_at, fractions);
CREATE TABLE bk_appointment (patient_no, starts_at, minutes, activity, room, state);
INSERT INTO bk_patient VALUES (7,'0012345','Peeters','Zoë','1960-01-02','F','','+32 470','nl');
INSERT INTO bk_course VALUES (70,7,'C1','In treatment');
INSERT INTO bk_plan VALUES (700,70,'VMAT1','1.2.3','Approved','2026-11-20 15:00:00',15);
INSERT INTO bk_appointment VALUES (7,'2026-11-24 09:00:00',15,'Fraction 1','LINAC2','Booked');
"""


def test_the_mapping_that_the_guide_gives_to_begin_with_reads_four_views(tmp_path: Path) -> None:
    (text,) = re.findall(
        r"^```toml\n(format = 1\nsource = \"ois\".*?)^```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    path = tmp_path / "ois.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(TABLES)
    (entry,) = SqlSource(parse_mapping(text), f"sqlite:///{path}").ask(NOW, CensusWindow()).entries

    assert (entry.patient.patient_id, entry.courses[0].plan_uids) == ("0012345", ("1.2.3",))
    assert {claim.reason for claim in entry.claims} == {
        CensusReason.SCHEDULED_SOON,
        CensusReason.PLANNED_NOT_STARTED,
    }
