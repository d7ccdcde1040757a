"""Objects of every class in a bundle under a partner's number: other programs find nothing new in them."""

from __future__ import annotations

import io
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless, SecondaryCaptureImageStorage

from beamkeeper.clock import zone
from beamkeeper.domain.patient import Patient
from beamkeeper.wire.dicom.coercing import Coercion, coerced
from beamkeeper.wire.dicom.elements import flatten, open_object
from beamkeeper.wire.dicom.encapsulated import EncapsulatedDocument, encapsulated_pdf
from beamkeeper.wire.dicom.reader import read_object, read_stated_patient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AT = datetime(2026, 11, 22, 20, tzinfo=UTC)
OURS = {0x00080005, 0x00100010, 0x00100020, 0x00100021, 0x00101002, 0x04000561}
RECORDS = "ihero-treatment-records/dicom"
EVERY_CLASS = {
    "CT": "monaco-hn-proknow/dicom/**/CT*.dcm",
    "RTSTRUCT": "oncentra-phantom-rtkit/dicom/simple_phantom_case/RS*.dcm",
    "RTPLAN": "eclipse-prostate-slicerrt/dicom/**/RP*.dcm",
    "RTDOSE": "oncentra-phantom-rtkit/dicom/simple_phantom_case/RD*.dcm",
    "RTIMAGE": "oncentra-phantom-rtkit/dicom/simple_phantom_case/RI*.dcm",
    "ION PLAN": "proton-dcpt-let/dicom/**/RN*.dcm",
    "RTRECORD": f"{RECORDS}/**/RTRecord.dcm",
    "ION RECORD": f"{RECORDS}/**/PartialTR.dcm",
    "SUMMARY": f"{RECORDS}/**/*[Ss]ummary*.dcm",
    "REG": "ihero-mmro-transparency/dicom/REG/*.dcm",
    "MR": "ihero-mmro-transparency/dicom/MR/*.dcm",
}


def file_of(real_data: Path, pattern: str) -> bytes:
    return min(path for path in real_data.glob(pattern) if path.is_file()).read_bytes()


def copied(data: bytes, *, name: str = "") -> bytes:
    home = read_stated_patient(data, zone=zone("UTC"))
    assert home is not None
    partner = Patient(patient_id="P-77", issuer_of_patient_id="PARTNER", name=name)
    return coerced(data, Coercion(home=home, partner=partner, source="Home", system="Beamkeeper", at=AT)).data


def document() -> bytes:
    patient = Patient(patient_id="4711", name="Doë^Jane")
    made = EncapsulatedDocument(
        site_name="Home", patient=patient, title="Dossier", kind="dossier", made_at=AT
    )
    return encapsulated_pdf(made, b"%PDF-1.7\n%%EOF\n")


def photo() -> bytes:
    """A secondary capture with compressed pixels, as cameras of treatment rooms export them."""
    made = dcmread(io.BytesIO(document()))
    for keyword in ("EncapsulatedDocument", "EncapsulatedDocumentLength", "MIMETypeOfEncapsulatedDocument"):
        del made[keyword]
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    made.Modality, made.Rows, made.Columns, made.SamplesPerPixel = "OT", 1, 2, 1
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.PhotometricInterpretation = "MONOCHROME2"
    made.file_meta.TransferSyntaxUID = RLELossless
    made.add_new(0x7FE00010, "OB", encapsulate([bytes([1, 0, 0, 0, 64]) + bytes(59) + b"\x01\x07\x08\x00"]))
    made["PixelData"].is_undefined_length = True
    file = io.BytesIO()
    made.save_as(file)
    return file.getvalue()


MADE = {"PDF": document, "SC": photo}


def said_by(validator: str, path: Path, data: bytes) -> set[str]:
    path.write_bytes(data)
    done = subprocess.run([validator, "-new", str(path)], capture_output=True, text=True, check=False)
    return set((done.stdout + done.stderr).splitlines())


@pytest.mark.peer
@pytest.mark.parametrize("kind", [*EVERY_CLASS, *MADE])
def test_another_program_finds_nothing_new_and_both_numbers(
    program: Callable[[str], str], real_data: Path, tmp_path: Path, kind: str
) -> None:
    data = MADE[kind]() if kind in MADE else file_of(real_data, EVERY_CLASS[kind])
    validator, path = program("dciodvfy"), tmp_path / "object.dcm"
    copy = copied(data)
    before, after = (dcmread(io.BytesIO(one), force=True) for one in (data, copy))
    former = after.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0]

    assert said_by(validator, path, copy) <= said_by(validator, path, data)
    assert after.PatientID == "P-77"
    assert former.PatientID == after.OtherPatientIDsSequence[-1].PatientID == before.PatientID
    assert after.SOPInstanceUID == before.SOPInstanceUID
    assert after.get("PixelData") == before.get("PixelData")


@pytest.mark.parametrize("kind", EVERY_CLASS)
def test_nothing_else_changes_and_what_it_says_stays(real_data: Path, kind: str) -> None:
    data = file_of(real_data, EVERY_CLASS[kind])
    copy = copied(data)
    rests = [
        [one for one in flatten(open_object(of).dataset) if one[0][0] not in OURS] for of in (data, copy)
    ]
    read = [read_object(of, zone=zone("UTC")) for of in (data, copy)]

    assert rests[0] == rests[1]
    assert read[0].references == read[1].references
    assert read[0].warnings == read[1].warnings
