"""The mapping of Varian ARIA: shipped with Beamkeeper, with the few things each department sets."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from beamkeeper.protect.census.mapping import mapping_of

if TYPE_CHECKING:
    from beamkeeper.protect.census.mapping import OisMapping

_Name = Annotated[str, Field(max_length=128, pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]

VENDORS_VIEW = "vendor's view"
"""The method of counting that is undocumented, and asked only where a site says so."""


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


def aria_mapping(settings: AriaSettings) -> OisMapping:
    """Return the shipped mapping for one department; raises `ConfigError` when a setting is wrong."""
    keys: dict[str, Any] = tomllib.loads(aria_text(settings))
    keys["course"]["only"] = settings.courses
    keys["appointment"] |= {
        "treatment": settings.treatment_activities,
        "simulation": settings.simulation_activities,
        "status": keys["appointment"]["status"] | settings.appointment_status,
    }
    if not settings.triage_column:
        del keys["triage"]
    if not settings.vendor_view:
        keys["fraction_count"] = [c for c in keys["fraction_count"] if c["method"] != VENDORS_VIEW]
    for name in ("timezone", "issuer_of_patient_id", "test_patient_ids", "row_limit"):
        keys[name] = getattr(settings, name)
    return mapping_of(keys)


def aria_text(settings: AriaSettings) -> str:
    """Return the shipped mapping as TOML with this department's names of databases and columns in it."""
    text = (files("beamkeeper.protect.census") / "aria.toml").read_text(encoding="utf-8")
    names = {
        "{rt}": _prefix(settings.database, settings.schema_name),
        "{emr}": _prefix(settings.emr_database or settings.database, settings.schema_name),
        "{mrn}": settings.mrn_column,
        "{triage}": settings.triage_column or "UserDefAttrib01",
    }
    for token, name in names.items():
        text = text.replace(token, name)
    return text


def _prefix(*parts: str) -> str:
    return "".join(f"{part}." for part in parts if part)
