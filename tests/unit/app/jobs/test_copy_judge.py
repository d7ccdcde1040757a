"""What a store gives back is ours by bytes or by every value; and what is not is told without any value."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian

sys.path.insert(0, str(Path(__file__).parents[3] / "dicom_peers"))

from outgoing_objects import outgoing_of
from query_archives import write_object

from beamkeeper.app.jobs.copy_judge import judge_by
from beamkeeper.protect.compare import CompareRules
from beamkeeper.protect.copies import How, Returned
from beamkeeper.wire.dicom.part10 import file_header

JUDGE = judge_by(CompareRules())


@pytest.fixture
def sent(tmp_path):
    folder = tmp_path / "sent"
    folder.mkdir()
    write_object(folder, patient_id="P1", study="1.1", series="1.1.1", uid="1.1.1.1", kind="RTPLAN")
    return outgoing_of(folder / "1.1.1.1.dcm")


def returned(path: Path, data: bytes) -> Returned:
    path.write_bytes(data)
    return Returned(sop_instance_uid="1.1.1.1", sha256=hashlib.sha256(data).hexdigest(), path=path)


def altered(sent, tmp_path, change) -> Returned:
    dataset = dcmread(sent.path)
    change(dataset)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return returned(tmp_path / "back", buffer.getvalue())


def test_another_file_header_over_the_same_data_set_is_the_same_bytes(sent, tmp_path):
    header = file_header(
        sop_class_uid=sent.sop_class_uid,
        sop_instance_uid=sent.sop_instance_uid,
        transfer_syntax_uid=sent.transfer_syntax_uid,
    )
    back = returned(tmp_path / "back", header + sent.path.read_bytes()[sent.data_set_at :])

    assert JUDGE(sent, back).how is How.SAME_BYTES


def test_the_same_bytes_under_another_transfer_syntax_are_not_called_the_same_bytes(sent, tmp_path):
    header = file_header(
        sop_class_uid=sent.sop_class_uid,
        sop_instance_uid=sent.sop_instance_uid,
        transfer_syntax_uid="1.2.840.10008.1.2.4.70",
    )
    back = returned(tmp_path / "back", header + sent.path.read_bytes()[sent.data_set_at :])

    assert JUDGE(sent, back).how is not How.SAME_BYTES


def test_what_was_encoded_anew_is_the_same_content(sent, tmp_path):
    def encode(dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    assert JUDGE(sent, altered(sent, tmp_path, encode)).how is How.SAME_CONTENT


def test_another_value_is_named_by_its_place_and_never_by_itself(sent, tmp_path):
    def rename(dataset) -> None:
        dataset.PatientName = "Secret^Name"

    judgement = JUDGE(sent, altered(sent, tmp_path, rename))

    assert judgement.how is None
    assert judgement.differs
    assert "Secret" not in str(judgement.differs)
    assert "Doe" not in str(judgement.differs)


def test_one_byte_of_the_same_length_makes_another_object(sent, tmp_path):
    data = sent.path.read_bytes().replace(b"Doe^Jane", b"Roe^Jane")

    assert JUDGE(sent, returned(tmp_path / "back", data)).how is None


def test_what_a_site_lets_change_does_not_count(sent, tmp_path):
    def coerce(dataset) -> None:
        dataset.InstitutionName = "Elsewhere"

    back = altered(sent, tmp_path, coerce)
    lenient = judge_by(CompareRules(volatile=frozenset({"InstitutionName"})))

    assert JUDGE(sent, back).how is None
    assert lenient(sent, back).how is How.SAME_CONTENT


@pytest.mark.parametrize("data", [b"", b"not DICOM at all", bytes(128) + b"DICM", bytes(200)])
def test_what_is_no_object_is_told_and_is_no_error(sent, tmp_path, data):
    judgement = JUDGE(sent, returned(tmp_path / "back", data))

    assert judgement.how is None
    assert judgement.differs


def test_half_an_object_is_not_ours(sent, tmp_path):
    whole = sent.path.read_bytes()

    assert JUDGE(sent, returned(tmp_path / "back", whole[: len(whole) // 2])).how is None


def test_a_bare_data_set_comes_back_with_a_header_and_is_ours(sent, tmp_path):
    bare = tmp_path / "bare"
    bare.write_bytes(sent.path.read_bytes()[sent.data_set_at :])
    item = dataclasses.replace(sent, path=bare, data_set_at=0, size_bytes=bare.stat().st_size)

    assert JUDGE(item, returned(tmp_path / "back", item.header + bare.read_bytes())).how is How.SAME_BYTES
