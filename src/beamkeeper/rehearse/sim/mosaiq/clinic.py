"""What a department writes into MOSAIQ, in the order in which it would: versions, set ids, calendars."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from beamkeeper.rehearse.sim.mosaiq import tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Table

OLDEST_VERSION = 32000
"""The first state of a record; each later one counts down, and the current one is 0."""

VOID, CLOSED, COMPLETE, HOLD, APPROVED, PENDING = 1, 2, 3, 4, 5, 7
STATIC, SETUP, KV_SETUP, PORT, VMAT = 1, 3, 4, 6, 13
RADIATION_SESSION = 2
HUNDREDTHS_OF_A_SECOND = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """A field as the planning system sends it."""

    label: str
    plan_uid: str
    number: int
    name: str = ""
    meterset: float = 120.0
    machine: str = "LINAC1"
    type_enum: int = VMAT
    energy: int = 6
    gantry: tuple[float, float] = (181.0, 179.0)


def leaves(positions_cm: Sequence[float]) -> bytes:
    """Return leaf positions as MOSAIQ keeps them: little-endian 16 bit, hundredths of a centimetre."""
    return struct.pack(f"<{len(positions_cm)}h", *(round(one * 100) for one in positions_cm))


def rich_text(text: str) -> str:
    """Return text as the RTF that MOSAIQ's editor writes."""
    escaped = text.replace("\\", r"\\").replace("{", r"\{").replace("}", r"\}").replace("\n", "\\par\n")
    written = "".join(one if one.isascii() else _escaped(one) for one in escaped)
    head = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}}\viewkind4\uc1\pard\f0\fs20 "
    return f"{head}{written}\\par}}"


def _escaped(character: str) -> str:
    """Return a character as RTF has it: signed numbers of 16 bits, each with what to show instead."""
    units = struct.iter_unpack("<h", character.encode("utf-16-le"))
    return "".join(f"\\u{unit}?" for (unit,) in units)


@dataclass(slots=True)
class Clinic:
    """Rows of every table, written as a department would write them; naive local times."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)

    def add(self, table: Table, **values: Any) -> int:
        """Write one row; return its key."""
        of_table = self.rows.setdefault(table.name, [])
        key = len(of_table) + 1
        of_table.append({table.primary_key.columns[0].name: key, **values})
        return key

    def row(self, table: Table, key: int) -> dict[str, Any]:
        """Return a row that was written, to look at or to spoil."""
        return self.rows[table.name][key - 1]

    def add_versioned(self, table: Table, set_column: str, **values: Any) -> int:
        """Write the first state of a record; return its set id."""
        key = self.add(table, Version=0, **values)
        self.row(table, key)[set_column] = key
        return key

    def edit(self, table: Table, set_column: str, set_id: int, **changes: Any) -> int:
        """Write a new state of a record: the row that was current keeps its id and becomes an old version."""
        states = [row for row in self.rows[table.name] if row[set_column] == set_id]
        current = next(row for row in states if row["Version"] == 0)
        key = self.add(table)
        primary = table.primary_key.columns[0].name
        self.row(table, key).update({**current, **changes, primary: key})
        current["Version"] = OLDEST_VERSION - (len(states) - 1)
        return key

    def current(self, table: Table, set_column: str, set_id: int) -> dict[str, Any]:
        """Return the current state of a record."""
        rows = self.rows[table.name]
        return next(row for row in rows if row[set_column] == set_id and row["Version"] == 0)

    # Staff: people, rooms and machines are rows of one table.

    def staff(
        self, name: str, *, kind: str = "Physician", machine_type: int = 0, first_name: str = ""
    ) -> int:
        """Return somebody or some room of that name, written when it is not there."""
        if name not in self._names:
            self._names[name] = self.add(
                tables.STAFF,
                Last_Name=name,
                First_Name=first_name,
                Initials=name[:3].upper(),
                User_Name=name.lower(),
                Type=kind,
                Machine_Type=machine_type,
                Status_inactive=0,
                Deleted=0,
                Work_Phone=f"+32 3 {len(self._names):06d}" if kind == "Physician" else "",
                PasswordBytes=b"never read",
            )
        return self._names[name]

    def room(self, name: str) -> int:
        """Return an accelerator or, for names that begin with CT, a simulator."""
        return self.staff(name, kind="Location", machine_type=2 if name.startswith("CT") else 1)

    # The person.

    def patient(self, mrn: str, last_name: str, first_name: str = "Ada", **values: Any) -> int:
        """Write a patient; `values` may name any column of Patient, Ident or Admin."""
        where = {t.name: {c.name for c in t.columns} for t in (tables.PATIENT, tables.IDENT, tables.ADMIN)}
        of = {name: {k: v for k, v in values.items() if k in columns} for name, columns in where.items()}
        person = {"Last_Name": last_name, "First_Name": first_name, "Inactive": 0, "Clin_Status": 1}
        patient = self.add(tables.PATIENT, **(person | of["Patient"]))
        identity = {"IDA": mrn, "Version": 0, "Status_Inactive": 0}
        self.add(tables.IDENT, **(identity | of["Ident"] | {"Pat_Id1": patient}))
        home = {"Gender": "Female", "Attending_Md_Id": self.staff("Vermeulen")}
        self.add(tables.ADMIN, **(home | of["Admin"] | {"Pat_ID1": patient}))
        return patient

    def course(self, patient: int, number: int = 1, *, code: str = "C50.9", intent: str = "Curative") -> int:
        """Write a course with its diagnosis."""
        topography = self.add(tables.TOPOG, Diag_Code=code, Description=f"Diagnosis {code}")
        medical = self.add(tables.MEDICAL, PAT_ID1=patient, TPG_ID=topography)
        return self.add(tables.COURSE, Pat_ID1=patient, Course=number, MED_ID=medical, Tx_Intent=intent)

    def site(self, patient: int, course: int, name: str, *, approved_at: datetime, **values: Any) -> int:
        """Write an approved prescription; return its set id."""
        fractions = values.get("Fractions", 15)
        dose = values.get("Dose_Tx", 267.0)
        ordered = {
            "Site_Name": name, "Technique": "VMAT", "Target": f"PTV_{name}", "Dose_Tx": dose,
            "Dose_Ttl": dose * fractions,
            "Fractions": fractions, "Frac_Pattern": "Daily", "IsDoseInCcGE": 0, "Status_Enum": APPROVED,
            "Sanct_DtTm": approved_at, "Sanct_ID": self.staff("Vermeulen"), "Create_DtTm": approved_at,
        }  # fmt: skip
        columns = ordered | values | {"Pat_ID1": patient, "PCP_ID": course}
        return self.add_versioned(tables.SITE, "SIT_SET_ID", **columns)

    def edit_site(self, set_id: int, **changes: Any) -> int:
        """Edit a prescription: it waits for approval again; the approved state stays as an old version."""
        pending = {"Status_Enum": PENDING, "Sanct_DtTm": None, "Sanct_ID": None}
        return self.edit(tables.SITE, "SIT_SET_ID", set_id, **(pending | changes))

    def beam(self, patient: int, site: int, beam: Beam, **values: Any) -> int:
        """Write a field with its first and last control point; return its set id."""
        columns = {
            "Field_Label": beam.label, "Field_Name": beam.name or f"Field {beam.label}",
            "Type_Enum": beam.type_enum,
            "Machine_ID_Staff_ID": self.room(beam.machine), "Modality_Enum": 1, "Meterset": beam.meterset,
            "MetersetUnit_Enum": 1, "Fractions_Tx": 0, "OriginalPlanUID": beam.plan_uid,
            "OriginalBeamNumber": beam.number,
            "OriginalBeamName": beam.name or beam.label, "IsHidden": 0, "IsFFF": 0, "ControlPoints": 2,
        }  # fmt: skip
        field_set = self.add_versioned(
            tables.FIELD, "FLD_SET_ID", **(columns | values | {"Pat_ID1": patient, "SIT_Set_ID": site})
        )
        self.control_points(field_set, beam)
        return field_set

    def control_points(self, field_id: int, beam: Beam) -> None:
        """Write the first and the last control point of one version of a field."""
        for point, (weight, gantry) in enumerate(zip((0.0, 1.0), beam.gantry, strict=True)):
            self.add(
                tables.POINT, FLD_ID=field_id, Point=point, Index=weight, Gantry_Ang=gantry, Coll_Ang=10.0,
                Couch_Ang=0.0, Gantry_Dir_Enum=1, Energy=beam.energy, Energy_Unit_Enum=2, MLC_Leaves=60,
                A_Leaf_Set=leaves([1.5] * 60), B_Leaf_Set=leaves([-1.5] * 60),
            )  # fmt: skip

    def edit_beam(self, set_id: int, **changes: Any) -> int:
        """Edit a field; its control points are written again for the new row. Returns the row id."""
        key = self.edit(tables.FIELD, "FLD_SET_ID", set_id, **changes)
        old = [row for row in self.rows[tables.POINT.name] if row["FLD_ID"] == set_id]
        for row in old:
            self.add(tables.POINT, **{**row, "FLD_ID": key, "TFP_ID": len(self.rows[tables.POINT.name]) + 1})
        return key

    # Sessions and beams.

    def session(
        self, patient: int, course: int, due_at: datetime, fields: Sequence[int], **values: Any
    ) -> int:
        """Write a session of the calendar with its fields; return its PCI_ID."""
        columns = {
            "Due_DtTm": due_at,
            "Status_Enum": APPROVED,
            "System_Act": RADIATION_SESSION,
            "IsPreTreat": 0,
        }
        session = self.add(tables.CALENDAR, **(columns | values | {"Pat_ID1": patient, "PCP_ID": course}))
        for order, set_id in enumerate(fields, start=1):
            self.add(
                tables.CALENDAR_FIELD, PCI_ID=session, Pat_ID1=patient, FLD_Set_ID=set_id,
                Status_enum=APPROVED,
                TxSequence=order, IsPartial=0, PF_Only=0, PF_During=0,
            )  # fmt: skip
        return session

    def treat(
        self, session: int, at: datetime, *, fraction: int, share: float = 1.0, only: Sequence[int] = ()
    ) -> list[int]:
        """Give a session, or a `share` of its beams' meterset; return the rows of Dose_Hst.

        The history points to the version of field and prescription that is valid now.
        """
        calendar = self.row(tables.CALENDAR, session)
        given: list[int] = []
        of_session = [r for r in self.rows[tables.CALENDAR_FIELD.name] if r["PCI_ID"] == session]
        for order, entry in enumerate(of_session):
            if only and entry["FLD_Set_ID"] not in only:
                continue
            given.append(self._beam_on(calendar, entry, at + timedelta(minutes=2 * order), fraction, share))
        calendar["Act_DtTm"] = at
        calendar["Status_Enum"] = COMPLETE
        return given

    def _beam_on(
        self, calendar: dict[str, Any], entry: dict[str, Any], at: datetime, fraction: int, share: float
    ) -> int:
        current = self.current(tables.FIELD, "FLD_SET_ID", entry["FLD_Set_ID"])
        site = self.current(tables.SITE, "SIT_SET_ID", current["SIT_Set_ID"])
        partial = int(share < 1)
        entry["IsPartial"] = partial
        whole = not partial and current["Type_Enum"] not in (SETUP, KV_SETUP, PORT)
        current["Fractions_Tx"] = (current["Fractions_Tx"] or 0) + int(whole)
        current["Last_Tx_DtTm"] = site["Last_DtTm"] = at
        delivered = self.add(
            tables.DELIVERED, Pat_ID1=calendar["Pat_ID1"], SIT_ID=site["SIT_ID"], FLD_ID=current["FLD_ID"],
            PTC_ID=entry["PTC_ID"], Tx_DtTm=at, Fractions_Tx=fraction, Fx_Number_InEffect=fraction,
            Dose_Tx_Act=site["Dose_Tx"], Meterset=round((current["Meterset"] or 0) * share, 2),
            MetersetUnit_Enum=1,
            Energy=6, Machine_ID_Staff_ID=current["Machine_ID_Staff_ID"], Type_Enum=current["Type_Enum"],
            Modality_Enum=1, WasQAMode=0, WasVerified=1, WasOverridden=0, PartiallyTreated=partial,
            Termination_Status_Enum=2 if partial else 1,
        )  # fmt: skip
        self.track(delivered, complete=not partial)
        return delivered

    def track(self, delivered: int, *, complete: bool) -> int:
        """Write the log of the attempt that a row of the history came from."""
        given = self.row(tables.DELIVERED, delivered)
        return self.add(
            tables.TRACKED, Pat_ID1=given["Pat_ID1"], FLD_ID=given["FLD_ID"], SIT_ID=given["SIT_ID"],
            Machine_ID_Staff_ID=given["Machine_ID_Staff_ID"], Create_DtTm=given["Tx_DtTm"],
            Edit_DtTm=given["Tx_DtTm"],
            WasQAMode=given["WasQAMode"], WasBeamEnabled=1, WasBeamOn=1,
            WasBeamComplete=int(complete), WasCanceled=0,
            WasRecorded=1, DHS_ID=delivered, PTC_ID=given["PTC_ID"],
        )  # fmt: skip

    # The day and the file.

    def appointment(
        self, patient: int, at: datetime, activity: str, room: str, *, status: str = "", **values: Any
    ) -> int:
        """Write an appointment of 15 minutes; return its set id."""
        columns = {
            "App_DtTm": at, "Duration_time": 15 * 60 * HUNDREDTHS_OF_A_SECOND,
            "Activity": activity, "Suppressed": 0,
            "Location": self.room(room), "Staff_ID": self.staff("Vermeulen"), "SchStatus_Hist_SD": status,
        }  # fmt: skip
        return self.add_versioned(tables.SCHEDULE, "Sch_Set_Id", **(columns | values | {"Pat_ID1": patient}))

    def activity(self, code: str, description: str) -> None:
        """Write what an activity code stands for."""
        self.add(tables.CPT, Hsp_Code=code, Short_Desc=description, Description=description, Deleted=0)

    def note(self, patient: int, kind: str, text: str, at: datetime, *, subject: str = "") -> int:
        """Write a note in RTF; its kind is a number that Prompt spells out."""
        if f"note {kind}" not in self._names:
            number = 1 + sum(row["PGroup"] == "#NT1" for row in self.rows.get(tables.PROMPT.name, ()))
            self._names[f"note {kind}"] = number
            self.add(tables.PROMPT, PGroup="#NT1", Enum=number, Text=kind)
        return self.add(
            tables.NOTES, Pat_ID1=patient, Note_Type=self._names[f"note {kind}"], Subject=subject,
            notes=rich_text(text), Status_Enum=APPROVED, Create_DtTm=at, Create_ID=self.staff("Vermeulen"),
        )  # fmt: skip

    def document(self, patient: int, files: Sequence[str], at: datetime, *, status: int = APPROVED) -> int:
        """Write a document of several pages, each a file of the share; return its set id."""
        document = self.add_versioned(
            tables.DOCUMENT,
            "OBJ_SET_ID",
            Pat_ID1=patient,
            DocType=1,
            File_Format=4,
            Status_Enum=status,
            Create_DtTm=at,
        )
        for page, name in enumerate(files, start=1):
            self.add(tables.DOCUMENT_FILE, OBJ_ID=document, eSCANFilename=name, PageNumber=page)
        return document
