"""The department's oncology information system: a small database of its own shape, on SQLite.

Nobody's product; the shapes that hurt in real ones are here: fixed-length text with trailing blanks,
naive local times, a test patient, a cancelled appointment, codes that must be mapped. What the
tables are called and what stands in them is documented in `ois_mapping.toml`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, DateTime, Float, ForeignKey, Integer, MetaData, String, Table, create_engine

from beamkeeper.rehearse.sim.ois_facts import local

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

_META = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, _META, *columns)


PATIENT = _table(
    "Patient",
    Column("PatSer", Integer, primary_key=True),
    Column("PatId", String(70), nullable=False),
    Column("LastName", String(64)),
    Column("FirstName", String(64)),
    Column("BirthDate", DateTime),
    Column("Sex", String(16)),
    Column("Lang", String(8)),
    Column("PhoneHome", String(32)),
    Column("PhoneMobile", String(32)),
    Column("DeathDate", DateTime),
    Column("TestFlag", Integer),
)
CONTACT = _table(
    "Contact",
    Column("ContactSer", Integer, primary_key=True),
    Column("PatSer", ForeignKey("Patient.PatSer")),
    Column("Relation", String(32)),
    Column("FullName", String(128)),
    Column("Phone", String(32)),
    Column("PrimaryFlag", Integer),
)
COURSE = _table(
    "Course",
    Column("CourseSer", Integer, primary_key=True),
    Column("PatSer", ForeignKey("Patient.PatSer")),
    Column("CourseId", String(32)),
    Column("Status", String(16)),
    Column("StartDate", DateTime),
    Column("EndDate", DateTime),
    Column("DiagCode", String(16)),
    Column("DiagText", String(128)),
    Column("Intent", String(16)),
)
PRESCRIPTION = _table(
    "Prescription",
    Column("RxSer", Integer, primary_key=True),
    Column("CourseSer", ForeignKey("Course.CourseSer")),
    Column("RxName", String(64)),
    Column("FractionDoseGy", Float),
    Column("TotalDoseGy", Float),
    Column("Fractions", Integer),
    Column("Target", String(64)),
    Column("Technique", String(32)),
)
PLAN = _table(
    "PlanSetup",
    Column("PlanSer", Integer, primary_key=True),
    Column("CourseSer", ForeignKey("Course.CourseSer")),
    Column("PlanId", String(32)),
    Column("PlanUid", String(70)),
    Column("Status", String(16)),
    Column("StatusDate", DateTime),
    Column("Intent", String(16)),
    Column("Fractions", Integer),
    Column("Machine", String(32)),
)
APPOINTMENT = _table(
    "Appointment",
    Column("ApptSer", Integer, primary_key=True),
    Column("PatSer", ForeignKey("Patient.PatSer")),
    Column("StartTime", DateTime),
    Column("Activity", String(64)),
    Column("Machine", String(32)),
    Column("Status", String(16)),
    Column("ActiveFlag", Integer),
)
DELIVERY = _table(
    "Delivery",
    Column("DeliverySer", Integer, primary_key=True),
    Column("PlanSer", ForeignKey("PlanSetup.PlanSer")),
    Column("FractionNo", Integer),
    Column("State", String(16)),
    Column("DeliveredAt", DateTime),
)
DOCUMENT = _table(
    "Document",
    Column("DocSer", Integer, primary_key=True),
    Column("PatSer", ForeignKey("Patient.PatSer")),
    Column("Title", String(64)),
    Column("DocType", String(32)),
    Column("Created", DateTime),
    Column("Path", String(255)),
    Column("ValidFlag", Integer),
)


def padded(text: str, width: int) -> str:
    """Return text as a fixed-length column gives it back: with trailing blanks."""
    return text.ljust(width)


@dataclass(slots=True)
class OisRows:
    """Rows of every table, numbered as they are added."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: Table, **values: Any) -> int:
        """Add a row; return its key."""
        of_table = self.rows.setdefault(table.name, [])
        key = len(of_table) + 1
        blank = dict.fromkeys(column.name for column in table.columns)
        of_table.append({**blank, table.primary_key.columns[0].name: key, **values})
        return key


def write_database(path: Path, rows: OisRows) -> None:
    """Replace everything in the database in one transaction; a reader sees the old rows or the new."""
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            _META.create_all(connection)
            for table in reversed(_META.sorted_tables):
                connection.execute(table.delete())
            for table in _META.sorted_tables:
                if of_table := rows.rows.get(table.name):
                    connection.execute(table.insert(), of_table)
    finally:
        engine.dispose()


def add_test_patient(rows: OisRows, today: datetime, zone: ZoneInfo) -> None:
    """Add the phantom that physicists treat before the day begins; it must never reach a list."""
    patient = rows.add(
        PATIENT,
        PatId=padded("$QA-PHANTOM", 64),
        LastName="QA Phantom",
        FirstName="Daily",
        Sex=padded("Other", 16),
        Lang="",
        TestFlag=1,
    )
    course = rows.add(
        COURSE, PatSer=patient, CourseId="QA", Status=padded("Active", 16), Intent=padded("QA", 16)
    )
    rows.add(
        PLAN,
        CourseSer=course,
        PlanId="DAILYQA",
        PlanUid=padded("", 64),
        Status=padded("PlanAppr", 16),
        Intent=padded("MACHINE_QA", 16),
        Fractions=999,
        Machine="LINAC1",
    )
    tomorrow = today + timedelta(days=1, hours=7)
    add_appointment(rows, patient, tomorrow, activity="Machine QA", machine="LINAC1", zone=zone)


def add_appointment(
    rows: OisRows,
    patient_key: int,
    at: datetime,
    *,
    activity: str,
    machine: str,
    zone: ZoneInfo,
    status: str = "Open",
) -> None:
    """Add one booked session."""
    rows.add(
        APPOINTMENT,
        PatSer=patient_key,
        StartTime=local(at, zone),
        Activity=activity,
        Machine=machine,
        Status=padded(status, 16),
        ActiveFlag=1,
    )


def mapping_text() -> str:
    """Return the mapping that lets the census read this database, as shipped."""
    return (files("beamkeeper.rehearse.sim") / "ois_mapping.toml").read_text(encoding="utf-8")


def table_names() -> Iterable[str]:
    """Return the names of all tables."""
    return tuple(table.name for table in _META.sorted_tables)
