"""Who is treated, and how to reach them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One way to reach a patient or somebody close.

    Attributes
    ----------
    relation
        "self", "spouse", "daughter", … as the source writes it.
    """

    relation: str
    name: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One person on the department's list.

    Attributes
    ----------
    patient_id
        Patient ID (0010,0020), the key all sources are joined by.
    issuer_of_patient_id
        Issuer of Patient ID (0010,0021); "" when the department has one.
    name
        Patient's Name (0010,0010) in DICOM form `Family^Given^Middle^Prefix^Suffix`.
    birth_on
        Patient's Birth Date (0010,0030); None when no source knows it.
    sex
        "F", "M", "O" or "" (unknown).
    language
        Language to speak with the patient (ISO 639-1), "" when unknown.
    """

    patient_id: str
    name: str
    issuer_of_patient_id: str = ""
    birth_on: date | None = None
    sex: str = ""
    language: str = ""
    contacts: tuple[Contact, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a patient who cannot be told from another."""
        if not self.patient_id:
            raise ValueError("a patient without Patient ID cannot be told from another")


def shown_name(name: str) -> str:
    """Return a Patient's Name (PN) as people write it: "Jansen, Maria", other scripts in brackets.

    References
    ----------
    DICOM PS3.5 6.2.1: groups parted by "=", components by "^" (family, given, middle, prefix, suffix).
    """
    groups = [_written(group) for group in name.split("=")]
    first, *others = [group for group in groups if group] or [""]
    return f"{first} ({'; '.join(others)})" if others else first


def named_apart(patient: Patient) -> str:
    """Return who it is where others may bear the name: "Jansen, Maria (born 1949-01-09, ID 0012345)"."""
    born = f"born {patient.birth_on}" if patient.birth_on else "birth date not known"
    return f"{shown_name(patient.name) or '(no name)'} ({born}, ID {patient.patient_id})"


def _written(group: str) -> str:
    family, *rest = [part.strip() for part in group.split("^")]
    given = " ".join(part for part in rest if part)
    return f"{family}, {given}" if family and given else family or given
