"""What a department sets of an OIS whose mapping is shipped.

Apart from the mappings: the site file is read by every command, most of which ask no database.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MrnColumn = Literal["IDA", "IDB", "IDC", "IDD", "IDE", "IDF"]
RayCareView = Literal[
    "contact", "physician", "prescription", "treated", "fraction_count", "note", "triage", "document", "photo"
]
"""What a RayCare department may give beside patients, courses, plans and appointments."""
_Name = Annotated[str, Field(max_length=128, pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]
_Named = Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class AriaSettings(BaseModel):
    """What differs from department to department.

    Attributes
    ----------
    timezone
        Zone of the server's wall clock (IANA name).
    schema_name, database, emr_database
        Where the tables stand: `dbo` in the database of the URL unless said otherwise. Before version 13
        or so radiotherapy and EMR had databases of their own.
    mrn_column
        The column of Patient that holds the Patient ID which the DICOM objects carry.
    test_patient_ids
        Patterns of those who are no patients; they are left out of the list and named on the report.
    courses
        Patterns of Course IDs that are courses of treatment (`[1-9]*`); none: every course is one.
    treatment_activities, simulation_activities
        Patterns of what activities are called on the screen.
    triage_column
        The user-defined attribute of the patient that holds the triage code; "" for none.
    vendor_view
        Whether the vendor's own figures are asked too (`vv_syDoseFiguresApp`, undocumented).
    appointment_status
        Status texts of this department and our words for them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str
    schema_name: Annotated[_Name, Field(alias="schema")] = "dbo"
    database: _Name = ""
    emr_database: _Name = ""
    mrn_column: Literal["PatientId", "PatientId2", "SSN"] = "PatientId"
    issuer_of_patient_id: str = ""
    test_patient_ids: tuple[str, ...] = ("$*",)
    courses: tuple[str, ...] = ()
    treatment_activities: tuple[str, ...] = ("*treat*",)
    simulation_activities: tuple[str, ...] = ("*sim*", "*CT*")
    triage_column: Annotated[str, Field(pattern=r"^(UserDefAttrib(0[1-9]|1[0-6]))?$")] = ""
    vendor_view: bool = False
    appointment_status: dict[str, str] = {}
    row_limit: int = 200_000


class NextOfKin(BaseModel):
    """Where a department finds whom to call for a patient, in a table that no public source names.

    Attributes
    ----------
    patient
        The column that holds Pat_ID1.
    relation
        The column that says who it is; "" for none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: _Named = "Admin"
    patient: _Named = "Pat_ID1"
    name: _Named
    phone: _Named
    relation: _Name = ""


class TriageCode(BaseModel):
    """Where a department keeps the triage code; `patient` is the column that holds Pat_ID1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: _Named = "Admin"
    patient: _Named = "Pat_ID1"
    code: _Named


class PhotoColumns(BaseModel):
    """Where a department keeps photographs of its patients; `patient` is the column that holds Pat_ID1.

    Attributes
    ----------
    kind
        The column that says what is on it; "" for none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: _Named
    patient: _Named = "Pat_ID1"
    picture: _Named
    kind: _Name = ""


class MosaiqSettings(BaseModel):
    """What differs from department to department.

    Attributes
    ----------
    timezone
        Zone of the server's wall clock (IANA name).
    mrn_column
        The column of Ident that holds the Patient ID which the DICOM objects carry.
    test_patient_ids, test_patient_names
        Patterns of those who are no patients; they are left out of the list and named on the report.
    treatment_rooms
        Patterns of the rooms where patients are treated; none: the rooms of a treatment machine.
    treatment_activities, simulation_activities
        Patterns of `code description`; none: what the kind of the room says.
    schedule_status
        Status letters of this department and our words for them.
    next_of_kin, triage, photo
        Where these stand in this department; None: they are not read, for no public source says where.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str
    mrn_column: MrnColumn = "IDA"
    issuer_of_patient_id: str = ""
    test_patient_ids: tuple[str, ...] = ()
    test_patient_names: tuple[str, ...] = ("zz*", "test", "test *", "*phantom*", "qa", "qa *")
    treatment_rooms: tuple[str, ...] = ()
    treatment_activities: tuple[str, ...] = ()
    simulation_activities: tuple[str, ...] = ()
    schedule_status: dict[str, str] = {}
    next_of_kin: NextOfKin | None = None
    triage: TriageCode | None = None
    photo: PhotoColumns | None = None
    row_limit: int = 200_000


class RayCareSettings(BaseModel):
    """What differs from department to department.

    Attributes
    ----------
    timezone
        Zone of times that say none (IANA name).
    schema_name, prefix
        Where the views stand, and what their names begin with.
    more
        The views there are beside those of patients, courses, plans and appointments.
    course_status, plan_status, prescription_status, appointment_status
        Texts of this department and our words for them; our own words need none.
    treatment_activities, simulation_activities
        Patterns of activities.
    test_patient_ids, test_patient_names
        Patterns of those who are no patients; they are left out of the list and named on the report.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str
    schema_name: Annotated[_Name, Field(alias="schema")] = ""
    prefix: _Name = "bk_"
    more: tuple[RayCareView, ...] = ()
    course_status: dict[str, str] = {}
    plan_status: dict[str, str] = {}
    prescription_status: dict[str, str] = {}
    appointment_status: dict[str, str] = {}
    treatment_activities: tuple[str, ...] = ()
    simulation_activities: tuple[str, ...] = ()
    issuer_of_patient_id: str = ""
    test_patient_ids: tuple[str, ...] = ()
    test_patient_names: tuple[str, ...] = ("zz*", "*phantom*")
    row_limit: int = 200_000
