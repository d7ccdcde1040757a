"""Ten years of a large department in ARIA's tables: millions of beams, a few hundred patients on treatment.

Nothing goes wrong here; `quirks` has that. This is what makes a careless question take minutes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from beamkeeper.rehearse.sim.aria.clinic import BEAM, FIRST_MACHINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

COURSES_PER_YEAR = 6_500
YEARS = 10
FRACTIONS = (5, 5, 15, 15, 20, 25, 33)
BEAMS = 3
MACHINES = 9
BATCH_ROWS = 50_000
WEEK_DAYS = 5
DOCTOR = FIRST_MACHINE + 1000
YEARS_OLD = timedelta(days=60 * 365)
PLAN_BEFORE = timedelta(days=4)

COLUMNS: dict[str, tuple[str, ...]] = {
    "Patient": ("PatientSer", "PatientId", "LastName", "FirstName", "DateOfBirth", "Sex", "HomePhone"),
    "PatientParticular": ("PatientSer", "MedicalAlerts"),
    "PointOfContact": (
        "PointOfContactSer", "PatientSer", "PrimaryFlag", "Relationship", "LastName", "HomePhone",
    ),
    "PatientDoctor": ("PatientDoctorSer", "PatientSer", "ResourceSer", "PrimaryFlag", "OncologistFlag"),
    "Doctor": ("ResourceSer", "FirstName", "LastName"),
    "Machine": ("ResourceSer", "MachineId", "MachineScale"),
    "EnergyMode": ("EnergyModeSer", "DisplayCode"),
    "Activity": ("ActivitySer", "ActivityCode", "ObjectStatus"),
    "Course": ("CourseSer", "PatientSer", "CourseId", "ClinicalStatus", "StartDateTime", "CompletedDateTime"),
    "TreatmentPhase": ("TreatmentPhaseSer", "CourseSer"),
    "Prescription": (
        "PrescriptionSer", "TreatmentPhaseSer", "PrescriptionName", "Status", "NumberOfFractions",
    ),
    "PrescriptionAnatomy": ("PrescriptionAnatomySer", "PrescriptionSer", "AnatomyRole", "AnatomyName"),
    "PrescriptionAnatomyItem": (
        "PrescriptionAnatomyItemSer", "PrescriptionAnatomySer", "ItemType", "ItemValue", "ItemValueUnit",
    ),
    "PlanSetup": (
        "PlanSetupSer", "CourseSer", "PlanSetupId", "Status", "StatusUserName", "StatusDate", "TreatmentType",
    ),
    "RTPlan": ("RTPlanSer", "PlanSetupSer", "PlanUID", "NoFractions", "PrescribedDose", "DicomSeqNumber"),
    "DoseContribution": ("DoseContributionSer", "RTPlanSer", "RefPointSer"),
    "Radiation": ("RadiationSer", "PlanSetupSer", "ResourceSer", "RadiationId", "RadiationNumber"),
    "ExternalFieldCommon": ("RadiationSer", "Meterset", "SetupFieldFlag", "EnergyModeSer"),
    "ExternalField": ("RadiationSer", "GantryRtn", "StopAngle", "CollRtn"),
    "Session": ("SessionSer", "CourseSer", "SessionNum"),
    "SessionRTPlan": ("SessionRTPlanSer", "SessionSer", "RTPlanSer", "Status"),
    "TreatmentRecord": (
        "TreatmentRecordSer", "PatientSer", "RTPlanSer", "PlanUID", "TreatmentRecordDateTime",
        "ActualMachineSer",
    ),
    "RadiationHstry": (
        "RadiationHstrySer", "TreatmentRecordSer", "RadiationSer", "TreatmentDeliveryType",
        "TerminationStatus", "TreatmentStartTime", "TreatmentEndTime", "FractionNumber",
    ),
    "ExternalFieldCommonHstry": ("RadiationHstrySer", "PlannedMeterset", "ActualMeterset"),
    "ScheduledActivity": (
        "ScheduledActivitySer", "ActivityInstanceSer", "PatientSer", "ScheduledStartTime", "ScheduledEndTime",
        "ObjectStatus", "ScheduledActivityCode",
    ),
    "ActivityInstance": ("ActivityInstanceSer", "ActivitySer", "ObjectStatus"),
    "Attendee": ("AttendeeSer", "ActivityInstanceSer", "ResourceSer"),
    "pt": ("pt_id", "patient_ser"),
    "visit_note": (
        "visit_note_ser", "pt_id", "note_typ", "trans_log_tstamp", "doc_file_loc", "valid_entry_ind",
    ),
    "note_typ": ("note_typ", "note_typ_desc"),
    "quick_note": (
        "quick_note_ser", "pt_id", "note_tstamp", "quick_note_text", "quick_note_typ", "valid_entry_ind",
    ),
}  # fmt: skip
"""What is filled; the other columns stay empty."""

Batch = tuple[str, list[tuple[Any, ...]]]


@dataclass(slots=True)
class Bulk:
    """A department that began so many courses a year for so many years, up to `now` on the server's clock."""

    now: datetime
    courses_per_year: int = COURSES_PER_YEAR
    years: int = YEARS
    _rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    _keys: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _random: Random = field(default_factory=lambda: Random(4))

    def batches(self) -> Iterator[Batch]:
        """Yield rows for one table at a time; no more than some ten thousand are held at once."""
        for number in range(MACHINES):
            self._write("Machine", FIRST_MACHINE + number, f"LINAC{number + 1}", "IEC61217")
        self._write("Doctor", DOCTOR, "Ann", "Oncologist")
        self._write("EnergyMode", 1, "6X")
        self._write("Activity", 1, "Daily Treatment", "Active")
        self._write("note_typ", 1, "Consult".ljust(40))
        count = self.courses_per_year * self.years
        for number in range(count):
            age = timedelta(days=365 * self.years * (count - number) / count - 10)
            self._course(number + 1, (self.now - age).replace(hour=0, minute=0, second=0, microsecond=0))
            yield from self._full(BATCH_ROWS)
        yield from self._full(1)

    def _full(self, rows_min: int) -> Iterator[Batch]:
        for name in [name for name, rows in self._rows.items() if len(rows) >= rows_min]:
            yield name, self._rows.pop(name)

    def _write(self, table: str, *values: Any) -> None:
        self._rows[table].append(values)

    def _next(self, table: str) -> int:
        self._keys[table] += 1
        return self._keys[table]

    def _course(self, number: int, first_day: datetime) -> None:
        """Write one patient with one course of one plan."""
        fractions = self._random.choice(FRACTIONS)
        days = list(_working_days(first_day, fractions))
        machine = FIRST_MACHINE + number % MACHINES
        is_over = days[-1] < self.now - timedelta(days=3)
        self._person(number, first_day)
        ended = days[-1] + timedelta(days=2) if is_over else None
        self._write("Course", number, number, "C1", "COMPLETED" if is_over else "ACTIVE", first_day, ended)
        self._orders(number, fractions)
        approved = first_day - PLAN_BEFORE
        status, at = ("Completed", ended) if is_over else ("TreatApproval", approved)
        self._write("PlanSetup", number, number, "VMAT", status, "physicist", at, "Photon")
        uid = f"1.2.246.352.71.5.{number}"
        self._write("RTPlan", number, number, uid.ljust(64), fractions, 2.0, 1)
        self._write("DoseContribution", number, number, number)
        for beam in range(BEAMS + 1):
            radiation = (number - 1) * (BEAMS + 1) + beam + 1
            is_setup = beam == 0
            self._write("Radiation", radiation, number, machine, f"Field {beam}", beam + 1)
            self._write("ExternalFieldCommon", radiation, None if is_setup else 120.0, int(is_setup), 1)
            self._write("ExternalField", radiation, 181.0, 179.0, 30.0)
        for fraction_number, day in enumerate(days, start=1):
            self._fraction(number, fraction_number, day + timedelta(hours=8 + number % 9), uid, machine)

    def _person(self, number: int, first_day: datetime) -> None:
        who = (number, f"P{number:07}", f"Name{number}", "Anna")
        self._write("Patient", *who, first_day - YEARS_OLD, "Female".ljust(16), "+32 1")
        self._write("PatientParticular", number, "Pacemaker" if number % 50 == 0 else None)
        self._write("PointOfContact", number, number, 1, "Spouse", "Janssens", "+32 2")
        self._write("PatientDoctor", number, number, DOCTOR, 1, 1)
        self._write("pt", f"PT{number}".ljust(20), number)
        for _ in range(4):
            note = self._next("visit_note")
            self._write(
                "visit_note", note, f"PT{number}".ljust(20), 1, first_day, f"{note}.docx".ljust(255), "Y"
            )
            self._write("quick_note", note, f"PT{number}".ljust(20), first_day, "Skin red", 1, "Y")

    def _orders(self, number: int, fractions: int) -> None:
        self._write("TreatmentPhase", number, number)
        self._write("Prescription", number, number, "Breast", "Approved", fractions)
        self._write("PrescriptionAnatomy", number, number, 2, "PTV")
        for kind, value in (("TOTAL DOSE", 2 * fractions), ("DOSE PER FRACTION", 2)):
            self._write("PrescriptionAnatomyItem", self._next("Item"), number, kind, str(value), "Gy")

    def _fraction(self, number: int, fraction_number: int, at: datetime, uid: str, machine: int) -> None:
        """Write one session: booked, and delivered when its time has come."""
        session, is_given = self._next("Session"), at < self.now
        self._write("Session", session, number, fraction_number)
        self._write("SessionRTPlan", session, session, number, "COMPLETE" if is_given else "TREAT")
        self._write("ActivityInstance", session, 1, "Active")
        self._write("Attendee", session, session, machine)
        status = "Completed" if is_given else "Open"
        self._write("ScheduledActivity", session, session, number, at, at + 5 * BEAM, "Active", status)
        if not is_given:
            return
        record = self._next("TreatmentRecord")
        self._write("TreatmentRecord", record, number, number, uid, at, machine)
        for beam in range(1, BEAMS + 1):
            history, start = self._next("RadiationHstry"), at + beam * BEAM
            radiation = (number - 1) * (BEAMS + 1) + beam + 1
            self._write(
                "RadiationHstry", history, record, radiation, "TREATMENT", "NORMAL", start, start + BEAM,
                fraction_number,
            )  # fmt: skip
            self._write("ExternalFieldCommonHstry", history, 120.0, 120.0)


def _working_days(first_day: datetime, count: int) -> Iterator[datetime]:
    day, found = first_day, 0
    while found < count:
        if day.weekday() < WEEK_DAYS:
            yield day
            found += 1
        day += timedelta(days=1)
