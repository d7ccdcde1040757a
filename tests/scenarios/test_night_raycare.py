"""A whole night of a department with RayStation and RayCare: files, receipts, records, four reports."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest
from archive_site import site_before
from night_site import NIGHT_1, SmallSite, make_objects, patient_night
from pydicom import dcmread
from tests.listening import free_port
from tests.unit.protect.census.receipt_builders import TRIAGE, write_receipt

from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.night import NightOutcome
from beamkeeper.rehearse.sim import Archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom import Dataset

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.night import NightReport

TREATED, WAITING = 3, 2
"""Skin, two fractions given in the last days; breast, approved yesterday and not started."""
REPORTS = {
    "patient": "patient_key,patient_id,last_name,first_name,birth_date,sex,language,phone_home,phone_mobile",
    "course": "course_key,patient_key,course_id,status,diagnosis_code,diagnosis_text,intent",
    "plan": "plan_key,course_key,plan_id,plan_uid,status,approved_by,approved_at,planned_fractions,machine",
    "appointment": "patient_key,start,minutes,activity,machine,status",
}
SECTION = """\
[[sources]]
kind = "raycare"
name = "raycare"
url = "csv:///{folder}"
timezone = "Europe/Brussels"
course_status = {{ "In treatment" = "open" }}
plan_status = {{ "Approved" = "approved" }}
appointment_status = {{ "Booked" = "open" }}
treatment_activities = ["Fraction*"]
"""
_ARCHIVE = '[[sources]]\nkind = "dicom"'


def write_reports(folder: Path, plans: dict[int, Dataset]) -> None:
    """Write what a scheduled report of RayCare would: two patients and a phantom."""
    rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in REPORTS}
    for number, plan in plans.items():
        last, first = str(plan.PatientName).split("^")[:2]
        phone = f"+32 470 {number}"
        rows["patient"].append((number, plan.PatientID, last, first, "1962-06-30", "F", "nl", "", phone))
        rows["course"].append((number, number, "C1", "In treatment", "", "", ""))
        fractions = int(plan.FractionGroupSequence[0].NumberOfFractionsPlanned)
        rows["plan"].append(
            (number, number, plan.RTPlanLabel, plan.SOPInstanceUID, "Approved", "", "2026-02-23 15:30:00",
             fractions, "")
        )  # fmt: skip
        rows["appointment"].append((number, "2026-03-03 09:00:00", 15, "Fraction", "LINAC2", "Booked"))
    rows["patient"].append((9, "QA-9", "ZZ-Daily", "Phantom", "", "", "", "", ""))
    rows["appointment"].append((9, "2026-03-03 07:00:00", 15, "Fraction", "LINAC2", "Booked"))
    for name, columns in REPORTS.items():
        with (folder / f"bk_{name}.csv").open("w", encoding="utf-8", newline="") as file:
            file.write(columns + "\n")
            csv.writer(file).writerows(rows[name])


class Night:
    """One night, and what it was made from."""

    def __init__(self, root: Path, archive: Archive, plans: dict[int, Dataset]) -> None:
        (root / "receipts").mkdir()
        for plan in plans.values():
            of = {"patient_id": str(plan.PatientID), "patient_name": str(plan.PatientName)}
            of |= {"beam_set": str(plan.RTPlanLabel), "written_at": f"{NIGHT_1}T00:05:00Z", "reviewed_at": ""}
            write_receipt(root / "receipts", **of, triage=TRIAGE | {"given_at": f"{NIGHT_1}T00:04:00Z"})
        (root / "reports").mkdir()
        write_reports(root / "reports", plans)
        sources = (
            f'[[sources]]\nkind = "folder"\nname = "raystation-files"\npath = "{root / "files"}"\n'
            f'[[sources]]\nkind = "receipts"\nname = "raystation"\npath = "{root / "receipts"}"\n'
            f"{SECTION.format(folder=root / 'reports')}"
        )
        self.site: SmallSite = site_before(
            archive, root / "site", port=free_port(), changed={_ARCHIVE: sources + _ARCHIVE}
        )
        self.plans = plans
        self.report: NightReport = self.site.night(NIGHT_1)

    def entry(self, number: int) -> CensusEntry:
        census = self.site.runtime().ledger.last_census()
        assert census is not None
        return next(e for e in census.entries if e.patient.patient_id == str(self.plans[number].PatientID))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    root = tmp_path_factory.mktemp("raycare")
    make_objects(root / "files", who=(TREATED,))
    make_objects(root / "files", who=(WAITING,), sessions=0)
    (root / "archive").mkdir()
    for record in (root / "files" / f"p{TREATED}").glob("RTRECORD-*.dcm"):
        record.rename(root / "archive" / record.name)
    plans = {n: dcmread(root / "files" / f"p{n}" / "RTPLAN-1.dcm") for n in (TREATED, WAITING)}
    with Archive(root / "archive") as archive:
        yield Night(root, archive, plans)


def test_files_from_the_planning_system_and_records_from_the_archive_make_one_whole_copy(
    night: Night,
) -> None:
    assert night.report.outcome is NightOutcome.COMPLETE
    assert {p.patient_id for p in night.report.patients} == {str(p.PatientID) for p in night.plans.values()}
    treated = patient_night(night.report, str(night.plans[TREATED].PatientID))
    assert treated.position is not None
    assert [plan.fractions_complete for plan in treated.position.plans] == [2]
    night.site.verify_vault(NIGHT_1)


def test_each_source_says_what_it_alone_knows(night: Night) -> None:
    treated, waiting = night.entry(TREATED), night.entry(WAITING)
    said = {(claim.source, claim.reason) for claim in treated.claims}
    code = next(chart.triage for chart in waiting.charts if chart.triage)

    assert ("archive", CensusReason.TREATED_RECENTLY) in said
    assert ("raycare", CensusReason.SCHEDULED_SOON) in said
    assert ("raystation", CensusReason.PLANNED_NOT_STARTED) in said
    assert code.code == "2"
    assert waiting.appointments[0].machine == "LINAC2"
    assert [contact.phone for contact in treated.patient.contacts] == [f"+32 470 {TREATED}"]


def test_the_phantom_of_the_reports_is_on_no_list(night: Night) -> None:
    said = [text for source in night.report.sources for text in source.warnings]

    assert any(text.startswith("1 test patient is left out") for text in said)
