"""Who an object says the patient is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.domain.patient import Patient
from beamkeeper.wire.dicom.reader_bytes import open_object
from beamkeeper.wire.dicom.values import data_set_of

if TYPE_CHECKING:
    from typing_extensions import Buffer


def read_patient(data: Buffer) -> Patient | None:
    """Return the patient of the Patient module; None when the object names no Patient ID.

    Raises
    ------
    ObjectUnreadable
        The bytes are not a whole DICOM object.
    """
    top = data_set_of(open_object(data), ZoneInfo("UTC"))
    patient_id = top.identifier("PatientID")
    if not patient_id:
        return None
    return Patient(
        patient_id=patient_id,
        issuer_of_patient_id=top.text("IssuerOfPatientID"),
        name=top.text("PatientName"),
        birth_on=top.day("PatientBirthDate"),
        sex=top.code("PatientSex"),
    )
