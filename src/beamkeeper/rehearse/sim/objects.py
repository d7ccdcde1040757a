"""What every synthetic object has in common, and how it becomes bytes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.rehearse.sim.treatments import SimPatient

CT = UID("1.2.840.10008.5.1.4.1.1.2")
RT_STRUCTURE_SET = UID("1.2.840.10008.5.1.4.1.1.481.3")
RT_PLAN = UID("1.2.840.10008.5.1.4.1.1.481.5")
RT_ION_PLAN = UID("1.2.840.10008.5.1.4.1.1.481.8")
RT_DOSE = UID("1.2.840.10008.5.1.4.1.1.481.2")
RT_BEAMS_RECORD = UID("1.2.840.10008.5.1.4.1.1.481.4")
RT_ION_BEAMS_RECORD = UID("1.2.840.10008.5.1.4.1.1.481.9")
REGISTRATION = UID("1.2.840.10008.5.1.4.1.1.66.1")

IMPLEMENTATION = UID("2.25.113059749145936325402354257176981405696")
"""Implementation Class UID in the file meta group of everything made here."""


def item(**elements: object) -> Dataset:
    """Return a data set (or sequence item) with these elements, by DICOM keyword."""
    ds = Dataset()
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def reference(sop_class: str, sop_instance: str) -> Dataset:
    """Return an item that points at one instance."""
    return item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=sop_instance)


def da(day: date) -> str:
    """Return a day as DICOM writes it."""
    return day.strftime("%Y%m%d")


def tm(instant: datetime) -> str:
    """Return a wall-clock time as DICOM writes it."""
    return instant.strftime("%H%M%S")


def ds(value: float, decimals: int = 2) -> str:
    """Return a Decimal String of at most `decimals` decimals, without needless zeros."""
    text = f"{value:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def header(
    patient: SimPatient,
    sop_class: UID,
    sop_instance: str,
    modality: str,
    *,
    made_at: datetime,
    series: str,
    study: str = "",
    series_number: int = 1,
) -> Dataset:
    """Return a data set with patient, study, series, equipment and SOP common filled.

    Parameters
    ----------
    made_at
        When it was made: aware, in the department's zone (its wall clock is what DICOM writes).
    study
        Its study; "" for the study of the planning objects.
    """
    person = patient.person
    charset = list(person.character_set)
    return item(
        SpecificCharacterSet=charset if len(charset) > 1 else charset[0],
        InstanceCreationDate=da(made_at),
        InstanceCreationTime=tm(made_at),
        SOPClassUID=sop_class,
        SOPInstanceUID=sop_instance,
        StudyDate=da(patient.simulated_on if not study else made_at),
        StudyTime="081500" if not study else tm(made_at),
        AccessionNumber="",
        Modality=modality,
        Manufacturer="Beamkeeper simulated department",
        InstitutionName="Simulated Hospital",
        ReferringPhysicianName="Referrer^Simulated",
        StationName="SIM",
        ManufacturerModelName="Synthetic",
        SoftwareVersions="1",
        DeviceSerialNumber="SIM-1",
        PatientName=person.name,
        PatientID=person.patient_id,
        PatientBirthDate=da(person.birth_on),
        PatientSex=person.sex,
        StudyInstanceUID=study or patient.study_uid,
        SeriesInstanceUID=series,
        StudyID="1",
        SeriesNumber=str(series_number),
        OperatorsName="Operator^Simulated",
    )


def encode(dataset: Dataset, transfer_syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """Return the object as a DICOM file: preamble, file meta group, data set."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = transfer_syntax
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = "BEAMKEEPER_SIM"
    dataset.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def approval(made_at: datetime) -> dict[str, str]:
    """Return the Approval module of an approved object."""
    return {
        "ApprovalStatus": "APPROVED",
        "ReviewDate": da(made_at),
        "ReviewTime": tm(made_at),
        "ReviewerName": "Physician^Simulated",
    }
