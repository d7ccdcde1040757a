"""A site as a night leaves it, for the console to show: ledger, reports, people; no vault is needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.reporting import write_report
from beamkeeper.app.site import Site, load_site
from beamkeeper.domain.census import CensusReason, SourceReport
from beamkeeper.domain.change import Change, Grade, ObjectComparison
from beamkeeper.domain.night import NightOutcome, NightReport, NotKept, PatientNight
from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.domain.position import CoursePosition, PlanPosition
from beamkeeper.domain.readiness import Readiness
from beamkeeper.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

NIGHT = date(2026, 3, 3)
BEFORE = date(2026, 3, 2)
MORNING = datetime(2026, 3, 3, 7, 30, tzinfo=UTC)
"""Half past eight on the site's wall; the deadline is ten."""
PEOPLE = {"an": "physicist", "bo": "physician", "cy": "physicist"}
OTHERS = {"di": "therapist", "it": "it", "ed": "auditor"}

_SITE = """\
format = 1

[site]
name = "AZ Example"
time_zone = "Europe/Brussels"
data_dir = "data"

[vault]
directory = "vault"
keys_dir = "keys"

[console]
port = {port}
idle_minutes = 15
session_hours = 10

[[sources]]
kind = "folder"
name = "ois"
path = "."

[quorum]
people = [
  {{ login = "an", name = "An Peeters", role = "physicist", language = "en" }},
  {{ login = "bo", name = "Bo Van den Broeck-Vandenbroucke", role = "physician", language = "en" }},
  {{ login = "cy", name = "Cy Dumont", role = "physicist", language = "en" }},
]
"""


@dataclass(frozen=True, slots=True)
class House:
    """One made site."""

    site: Site
    site_file: Path
    ledger: Ledger


def pseudonym(number: int) -> str:
    return f"{number:064x}"


def leaf(number: int) -> ObjectComparison:
    text = f"Beam 2, control point {number}, leaf pair 31 (bank X1): 12.4 → 9.1 mm"
    change = Change(
        path=f"BeamSequence[BeamNumber=2]/ControlPointSequence[{number}]/LeafJawPositions[30]",
        old="12.4",
        new="9.1",
        text=text,
        grade=Grade.CLINICAL,
    )
    return comparison(Grade.CLINICAL, "plan", "VMAT1", (change,))


def comparison(grade: Grade, kind: str, label: str, changes: tuple[Change, ...] = ()) -> ObjectComparison:
    return ObjectComparison(
        sop_instance_uid="2.25.1234567890",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
        modality="RTPLAN",
        kind=kind,
        label=label,
        grade=grade,
        changes=changes,
    )


def position(patient_id: str, given: int) -> CoursePosition:
    plan = PlanPosition(
        plan_uid="2.25.77",
        rt_plan_label="VMAT1",
        fractions_planned=30,
        fractions_complete=given,
        fractions_partial=0,
        next_fraction_number=given + 1,
        next_is_continuation=False,
        dose_so_far_gy=2.0 * given,
        first_treated_at=MORNING - timedelta(days=20),
        last_treated_at=MORNING - timedelta(days=1),
    )
    return CoursePosition(patient_id=patient_id, plans=(plan,))


def patient_night(number: int, name: str, **more: object) -> PatientNight:
    known = PatientNight(
        pseudonym=pseudonym(number),
        patient_id=f"BK-{number:05d}",
        patient_name=name,
        reasons=(CensusReason.TREATED_RECENTLY,),
        expected_count=40,
        received_count=40,
        identical_count=39,
        stored=True,
        position=position(f"BK-{number:05d}", number % 30),
        readiness=(Readiness(plan_uid="2.25.77", rt_plan_label="VMAT1"),),
    )
    return replace(known, **more)  # type: ignore[arg-type]


LONG_NAME = (
    "Wolfeschlegelsteinhausenbergerdorff-Vandenbroucke^Adèle Marie-Antoinette Christine^van der^Prof. Dr."
)


def few_patients() -> tuple[PatientNight, ...]:
    """Four that need people, and two that do not; names of every length and script."""
    lost = NotKept(sop_instance_uid="2.25.9", what="CT image", reason="refused by the source")
    many = tuple(
        Change(
            path=f"x[{n}]",
            old=str(n),
            new=str(n + 1),
            text=f"Beam 1, control point {n}",
            grade=Grade.CLINICAL,
        )
        for n in range(60)
    )
    return (
        patient_night(1, "Dubois^Hélène", comparisons=(leaf(17),)),
        patient_night(2, LONG_NAME, comparisons=(comparison(Grade.CLINICAL, "plan", "IMRT2", many),)),
        patient_night(3, "Jansen^Maria", not_kept=(lost,), received_count=39),
        patient_night(4, "Yamada^Tarou=山田^太郎"),
        patient_night(5, "O'Neil<script>^Sean"),
        patient_night(6, "Turned\u202e^dnuor", comparisons=(leaf(3),)),
    )


def report(patients: tuple[PatientNight, ...], *, night: date = NIGHT, **more: object) -> NightReport:
    at = datetime(night.year, night.month, night.day, 1, tzinfo=UTC)
    whole = all(patient.is_whole for patient in patients)
    made = NightReport(
        run_on=night,
        site_name="AZ Example",
        time_zone="Europe/Brussels",
        started_at=at,
        finished_at=at + timedelta(hours=2),
        outcome=NightOutcome.COMPLETE if whole else NightOutcome.INCOMPLETE,
        sources=(SourceReport(source="ois", answered=True, patient_count=len(patients)),),
        patients=patients,
        compared_with=night - timedelta(days=1),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def make_house(folder: Path, port: int) -> House:
    """Make an empty site: nothing was ever collected."""
    site_file = folder / "beamkeeper.toml"
    site_file.write_text(_SITE.format(port=port), encoding="utf-8")
    site = load_site(site_file)
    site.data_dir.mkdir(mode=0o700)
    ledger = Ledger.open(site.ledger_url)
    ledger.migrate()
    return House(site, site_file, ledger)


def add_night(house: House, made: NightReport) -> None:
    """Let a night have been reported."""
    house.ledger.begin_night(made.run_on, made.started_at)
    for item in made.patients:
        contacts = (Contact(relation="self", name="", phone="+32 2 555 01 02"),)
        person = Patient(
            patient_id=item.patient_id, name=item.patient_name, birth_on=date(1960, 1, 2), contacts=contacts
        )
        house.ledger.upsert_patient(item.pseudonym, person, seen_on=made.run_on)
        if item.comparisons:
            house.ledger.record_changes(made.run_on, item.pseudonym, item.comparisons)
    write_report(house.site.night_dir(made.run_on), made)
    house.ledger.finish_night(
        made.run_on,
        finished_at=made.finished_at,
        outcome=made.outcome.value,
        summary={
            "patients": len(made.patients),
            "whole": sum(item.is_whole for item in made.patients),
            "eyes": made.eyes_count,
        },
    )
