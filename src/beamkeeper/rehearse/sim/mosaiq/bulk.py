"""Ten years of a large department in MOSAIQ's tables: millions of beams, a few hundred patients on treatment.

Nothing goes wrong here; `quirks` has that. This is what makes a careless question take minutes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import CHAR

from beamkeeper.rehearse.sim.mosaiq import tables
from beamkeeper.rehearse.sim.mosaiq.clinic import APPROVED, COMPLETE, OLDEST_VERSION, VMAT, rich_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column, Table

COURSES_PER_YEAR = 6_500
YEARS = 10
SESSIONS = (5, 5, 15, 15, 20, 25, 33)
ROOMS = 9
BATCH_ROWS = 50_000
MINUTES_IN_HUNDREDTHS = 6_000
DOCTOR = 100
SATURDAY = 5
FIELDS = (2, 2, 3, 4)
NOTES_EACH = 4

BY_NAME = tables.TABLES.meta.tables


def _width(column: Column[Any]) -> int:
    """Return how wide a fixed-length column is; 0 for any other."""
    return (column.type.length or 0) if isinstance(column.type, CHAR) else 0


COLUMNS: dict[str, tuple[str, ...]] = {
    "Patient": ("Pat_ID1", "Last_Name", "First_Name", "Birth_DtTm", "Inactive"),
    "Ident": ("Idt_ID", "Pat_Id1", "IDA", "Version"),
    "Admin": ("Adm_ID", "Pat_ID1", "Gender", "Attending_Md_Id"),
    "PatCPlan": ("PCP_ID", "Pat_ID1", "Course", "MED_ID", "Tx_Intent"),
    "Medical": ("MED_ID", "PAT_ID1", "TPG_ID"),
    "Site": (
        "SIT_ID", "SIT_SET_ID", "Version", "Pat_ID1", "PCP_ID", "Site_Name", "Dose_Tx", "Dose_Ttl",
        "Fractions", "IsDoseInCcGE", "Status_Enum", "Sanct_DtTm", "Sanct_ID",
    ),
    "TxField": (
        "FLD_ID", "FLD_SET_ID", "Version", "Pat_ID1", "SIT_Set_ID", "Field_Label", "Field_Name",
        "Machine_ID_Staff_ID", "Type_Enum", "Modality_Enum", "MetersetUnit_Enum", "Meterset", "Fractions_Tx",
        "Last_Tx_DtTm", "OriginalPlanUID", "OriginalBeamNumber", "IsHidden",
    ),
    "TxFieldPoint": ("TFP_ID", "FLD_ID", "Point", "Gantry_Ang", "Coll_Ang", "Couch_Ang", "Energy"),
    "PatCItem": ("PCI_ID", "Pat_ID1", "PCP_ID", "Due_DtTm", "Act_DtTm", "Status_Enum", "System_Act"),
    "PatTxCal": ("PTC_ID", "PCI_ID", "Pat_ID1", "FLD_Set_ID", "Status_enum", "IsPartial", "PF_Only"),
    "Dose_Hst": (
        "DHS_ID", "Pat_ID1", "SIT_ID", "FLD_ID", "PTC_ID", "Tx_DtTm", "Fx_Number_InEffect", "Meterset",
        "Type_Enum", "WasQAMode", "PartiallyTreated",
    ),
    "Schedule": (
        "Sch_Id", "Sch_Set_Id", "Version", "Pat_ID1", "App_DtTm", "Duration_time", "Activity", "Location",
        "SchStatus_Hist_SD", "Suppressed",
    ),
    "Notes": (
        "Note_ID", "Pat_ID1", "Note_Type", "Subject", "notes", "Status_Enum", "Create_DtTm", "Create_ID",
    ),
    "Staff": ("Staff_ID", "Last_Name", "Type", "Machine_Type"),
    "CPT": ("PRS_ID", "Hsp_Code", "Short_Desc"),
    "Prompt": ("Pro_ID", "PGroup", "Enum", "Text"),
    "Topog": ("TPG_ID", "Diag_Code", "Description"),
}  # fmt: skip
"""What is filled; the other columns stay empty."""

_WIDTHS = {
    name: [_width(table.c[one]) for one in COLUMNS[name]]
    for name, table in BY_NAME.items()
    if name in COLUMNS
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """The keys of one course, and the days of its sessions."""

    patient: int
    course: int
    site: int
    room: int
    days: list[datetime]
    plan_uid: str


@dataclass(slots=True)
class Bulk:
    """Rows of many courses, in batches.

    Parameters
    ----------
    now
        The wall clock of the server; courses begin up to a week later.
    """

    now: datetime
    courses_per_year: int = COURSES_PER_YEAR
    years: int = YEARS
    seed: int = 1
    _waiting: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    _keys: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def batches(self) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        """Yield (table, rows) until everything is written; rows are in the order of `COLUMNS`."""
        random = Random(self.seed)
        self._codes()
        days = self.years * 365
        for number in range(self.courses_per_year * self.years):
            before = timedelta(days=random.randrange(-7, days))
            self._course(random, number + 1, (self.now - before).date())
            yield from self._full(BATCH_ROWS)
        yield from self._full(1)

    def _full(self, rows: int) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        for name, waiting in self._waiting.items():
            if len(waiting) >= rows:
                self._waiting[name] = []
                yield name, waiting

    def _add(self, table: Table, *values: Any) -> int:
        """Write a row whose key is the next number; return the key."""
        name = table.name
        self._keys[name] += 1
        row = (self._keys[name], *values)
        widths = _WIDTHS[name]
        self._waiting[name].append(
            tuple(
                v.ljust(width) if width and isinstance(v, str) else v
                for v, width in zip(row, widths, strict=True)
            )
        )
        return self._keys[name]

    def _codes(self) -> None:
        for number in range(1, ROOMS + 1):
            self._add(tables.STAFF, f"LINAC{number}", "Location", 1)
        self._keys["Staff"] = DOCTOR - 1
        self._add(tables.STAFF, "Vermeulen", "Physician", 0)
        self._add(tables.CPT, "77412", "Treatment Daily")
        self._add(tables.PROMPT, "#NT1", 1, "Progress")
        self._add(tables.TOPOG, "C50.9", "Breast")

    def _course(self, random: Random, number: int, first_day: date) -> None:
        at = datetime.combine(first_day, self.now.time().replace(hour=random.randrange(8, 18)))
        approved = at - timedelta(days=random.randrange(1, 10))
        patient = self._add(tables.PATIENT, f"Name{number}", "Ada", datetime(1950, 1, 1), 0)  # noqa: DTZ001
        self._add(tables.IDENT, patient, f"B{number:07d}", 0)
        self._add(tables.ADMIN, patient, "Female", DOCTOR)
        course = self._add(tables.COURSE, patient, 1, self._add(tables.MEDICAL, patient, 1), "Curative")
        sessions = random.choice(SESSIONS)
        days = [
            day
            for day in (at + timedelta(days=d) for d in range(2 * sessions + 5))
            if day.weekday() < SATURDAY
        ]
        one = _Course(
            patient=patient,
            course=course,
            site=self._site(patient, course, sessions, approved),
            room=random.randrange(1, ROOMS + 1),
            days=days[:sessions],
            plan_uid=f"1.2.826.0.1.3680043.10.5432.9.{number}",
        )
        fields = [self._field(one, label) for label in range(1, random.choice(FIELDS) + 1)]
        for fraction, day in enumerate(one.days, start=1):
            self._session(one, fields, day, fraction)
        for note in range(NOTES_EACH):
            text = rich_text(f"Note {note}: no complaints.")
            self._add(tables.NOTES, patient, 1, "", text, APPROVED, approved, DOCTOR)

    def _site(self, patient: int, course: int, sessions: int, approved: datetime) -> int:
        """Write a prescription that was edited once; return its set id."""
        of_set = self._keys["Site"] + 1
        ordered = ("BREAST", 200.0, 200.0 * sessions, sessions, 0, APPROVED, approved, DOCTOR)
        for version in (OLDEST_VERSION, 0):
            self._add(tables.SITE, of_set, version, patient, course, *ordered)
        return of_set

    def _field(self, one: _Course, label: int) -> int:
        """Write a field that was edited once, with its control points; return its set id."""
        of_set = self._keys["TxField"] + 1
        given = [day for day in one.days if day < self.now]
        counted = (len(given), given[-1] if given else None)
        names = (str(label), f"Field {label}", one.room)
        for version in (OLDEST_VERSION, 0):
            whose = (of_set, version, one.patient, one.site)
            key = self._add(tables.FIELD, *whose, *names, VMAT, 1, 1, 120.0, *counted, one.plan_uid, label, 0)
            for point in (0, 1):
                self._add(tables.POINT, key, point, 181.0 - 2 * point, 10.0, 0.0, 6)
        return of_set

    def _session(self, one: _Course, fields: list[int], day: datetime, fraction: int) -> None:
        """Write a session with its beams: the history points at the old state of each field."""
        done = day < self.now
        status = COMPLETE if done else APPROVED
        session = self._add(tables.CALENDAR, one.patient, one.course, day, day if done else None, status, 2)
        for order, of_set in enumerate(fields):
            entry = self._add(tables.CALENDAR_FIELD, session, one.patient, of_set, status, 0, 0)
            if done:
                beam = (one.patient, one.site, of_set, entry, day + timedelta(minutes=2 * order))
                self._add(tables.DELIVERED, *beam, fraction, 120.0, VMAT, 0, 0)
        booked = (one.patient, day, 15 * MINUTES_IN_HUNDREDTHS, "77412", one.room, " C" if done else "", 0)
        self._add(tables.SCHEDULE, self._keys["Schedule"] + 1, 0, *booked)
