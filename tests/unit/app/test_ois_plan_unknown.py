"""A plan that the OIS counts and no archive has is named, on the page and in the mail."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.looked import Arrived, PatientFacts
from beamkeeper.app.jobs.standing import stand
from beamkeeper.domain.census import CensusEntry, OisCount
from beamkeeper.domain.crosscheck import UNKNOWN_PLANS_SHOWN_MAX
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE
from beamkeeper.domain.night import NightOutcome, NightReport, PatientNight
from beamkeeper.domain.patient import Patient
from beamkeeper.protect.report import render_html, render_text

if TYPE_CHECKING:
    from beamkeeper.domain.position import CoursePosition

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
NAME, PATIENT_ID = "Vandenbroucke^Adèle", "BK-77123"
HERE, NOWHERE = "1.2.826.1", "1.2.826.2"


def position(*plan_uids: str) -> CoursePosition:
    counts = tuple(
        OisCount(plan_uid=uid, source="ois", fractions_planned=20, fractions_done=3) for uid in plan_uids
    )
    patient = Patient(patient_id=PATIENT_ID, name=NAME)
    entry = CensusEntry(patient=patient, claims=(), counts=counts)
    plan = Arrived(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
        sop_instance_uid=HERE,
        study_instance_uid="1.2",
        series_instance_uid="1.2.3",
        patient_id=PATIENT_ID,
        modality="RTPLAN",
        transfer_syntax_uid="",
        sha256="aa" * 32,
        size_bytes=1,
        pack="",
        offset=0,
    )
    at, _ = stand(PatientFacts(pseudonym="p", entry=entry), [plan], tolerance=DEFAULT_TOLERANCE)
    return at


def report(at: CoursePosition) -> NightReport:
    patient = PatientNight(
        pseudonym="abcdefghijklmnop", patient_id=PATIENT_ID, patient_name=NAME, stored=True, position=at
    )
    return NightReport(
        run_on=date(2026, 3, 2),
        site_name="Site",
        time_zone="Europe/Brussels",
        started_at=AT,
        finished_at=AT,
        outcome=NightOutcome.COMPLETE,
        sources=(),
        patients=(patient,),
    )


def test_a_plan_that_only_the_ois_knows_is_named_on_the_page_and_in_the_mail() -> None:
    said = f"ois counts fractions of a plan that no archive has given: {NOWHERE}."
    shown = report(position(HERE, NOWHERE))
    mail = " ".join(render_text(shown).split())

    assert said in mail
    assert said in render_html(shown)
    assert not [word for word in (*NAME.split("^"), PATIENT_ID) if word in mail]


def test_a_plan_that_is_here_is_not_called_unknown() -> None:
    assert position(HERE).conflicts == ()


def test_many_unknown_plans_are_counted_after_the_first() -> None:
    at = position(*(f"1.3.{number}" for number in range(UNKNOWN_PLANS_SHOWN_MAX + 2)))

    assert len(at.conflicts) == UNKNOWN_PLANS_SHOWN_MAX + 1
    assert any("2 more plans" in conflict.text for conflict in at.conflicts)
