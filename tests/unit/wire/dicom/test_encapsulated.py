"""A PDF as a DICOM object: what goes in comes out, the validator has no complaint, twice is once."""

from __future__ import annotations

import hashlib
import io
import subprocess
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pydicom
import pytest

from beamkeeper.domain.patient import Patient
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.encapsulated import EncapsulatedDocument, encapsulated_pdf, uids_of
from beamkeeper.wire.dicom.reader import read_object_and_patient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom import FileDataset

BRUSSELS = ZoneInfo("Europe/Brussels")
PDF = b"%PDF-1.7\nodd in length.\n%%EOF"
DOCUMENT = EncapsulatedDocument(
    site_name="AZ Sint-Rembert",
    patient=Patient(
        patient_id="0012345",
        issuer_of_patient_id="AZR",
        name="Lefèvre^Marie-Thérèse=王^小東",
        birth_on=date(1958, 4, 30),
        sex="F",
    ),
    title="Dossier",
    kind="dossier",
    made_at=datetime(2026, 11, 10, 3, 0, tzinfo=BRUSSELS),
    study_instance_uid="1.2.3.4",
    source_instances=(("1.2.840.10008.5.1.4.1.1.481.5", "1.2.3"),),
)


def read(data: bytes) -> FileDataset:
    return pydicom.dcmread(io.BytesIO(data))


def test_the_pdf_comes_out_as_it_went_in() -> None:
    item = read(encapsulated_pdf(DOCUMENT, PDF))

    assert len(PDF) % 2 == 1
    assert item.EncapsulatedDocument[: item.EncapsulatedDocumentLength] == PDF
    assert len(item.EncapsulatedDocument) % 2 == 0


def test_it_says_whose_it_is_in_any_script() -> None:
    data = encapsulated_pdf(DOCUMENT, PDF)
    item, patient = read_object_and_patient(data, zone=BRUSSELS)

    assert patient == DOCUMENT.patient
    assert item.label == "PDF document"
    assert item.ref.study_instance_uid == "1.2.3.4"
    assert item.ref.modality == "DOC"


def test_the_same_document_is_the_same_file_and_another_one_another_object() -> None:
    one, again = encapsulated_pdf(DOCUMENT, PDF), encapsulated_pdf(DOCUMENT, PDF)
    other = read(encapsulated_pdf(DOCUMENT, PDF.replace(b"odd", b"new")))

    assert one == again
    assert other.SOPInstanceUID != read(one).SOPInstanceUID
    assert other.SeriesInstanceUID == read(one).SeriesInstanceUID


def test_what_it_will_be_known_by_is_told_before_it_is_made() -> None:
    uids = uids_of(DOCUMENT, hashlib.sha256(PDF).hexdigest())
    item = read(encapsulated_pdf(DOCUMENT, PDF))

    assert uids.sop_instance_uid == item.SOPInstanceUID
    assert uids.study_instance_uid == item.StudyInstanceUID
    assert uids.series_instance_uid == item.SeriesInstanceUID


def test_the_instances_of_a_series_have_an_order() -> None:
    assert read(encapsulated_pdf(replace(DOCUMENT, instance_number=20260302), PDF)).InstanceNumber == 20260302


def test_without_a_study_all_documents_of_a_patient_share_one() -> None:
    alone = replace(DOCUMENT, study_instance_uid="")
    twin = replace(alone, kind="list")
    stranger = replace(alone, patient=replace(alone.patient, issuer_of_patient_id="other"))
    studies = [str(read(encapsulated_pdf(d, PDF)).StudyInstanceUID) for d in (alone, twin, stranger)]

    assert studies[0] == studies[1] != studies[2]


@pytest.mark.parametrize("bytes_", [b"", b"garbage", b"%PDF-1.7 cut off"])
def test_what_is_no_whole_pdf_is_refused(bytes_: bytes) -> None:
    with pytest.raises(ObjectUnreadable, match="not a whole PDF"):
        encapsulated_pdf(DOCUMENT, bytes_)


@pytest.mark.parametrize(
    "patient",
    [
        DOCUMENT.patient,
        Patient(patient_id="7", name=""),
        Patient(patient_id="x\\y" * 40, name="A\x00^B" * 30 + "=" * 9, sex="?"),
    ],
    ids=["plain", "bare", "hostile"],
)
def test_the_validator_has_no_complaint(
    patient: Patient, tmp_path: Path, program: Callable[[str], str]
) -> None:
    path = tmp_path / "document.dcm"
    path.write_bytes(encapsulated_pdf(replace(DOCUMENT, patient=patient), PDF))
    done = subprocess.run([program("dciodvfy"), str(path)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stdout + done.stderr
