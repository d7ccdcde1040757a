"""DICOM files that are built to break a reader: each is named in bounded time, and the others go on."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from beamkeeper.app.jobs.bundle_objects import Held, read_held
from beamkeeper.domain.patient import Patient
from beamkeeper.respond.handover.import_facts import Unread, read_imported
from beamkeeper.wire.dicom.coercing import Coercion, coerced
from beamkeeper.wire.dicom.reader_bytes import INFLATED_BYTES_MAX

if TYPE_CHECKING:
    from pathlib import Path

ZONE = ZoneInfo("Europe/Brussels")
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
DEEP = 10_000
DEFLATED = "1.2.840.10008.1.2.1.99"


def object_of(extra: bytes = b"", *, syntax: str = ExplicitVRLittleEndian, inflated: int = 0) -> bytes:
    """A whole small object, with bytes put after its last element."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.Modality, ds.PatientID, ds.PatientName = "CT", "4711", "Doe^Jane"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    whole = out.getvalue()
    if syntax == ExplicitVRLittleEndian:
        return whole + extra
    meta_end = 144 + struct.unpack_from("<I", whole, 140)[0]
    meta = whole[:meta_end].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    assert len(meta) == meta_end + 2
    meta = meta[:140] + struct.pack("<I", meta_end - 144 + 2) + meta[144:]
    at = meta.index(b"1.2.840.10008.1.2.1.99") - 2
    meta = meta[:at] + struct.pack("<H", 22) + meta[at + 2 :]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(whole[meta_end:]) + packer.compress(extra)
    for _ in range(inflated >> 20):
        body += packer.compress(bytes(1 << 20))
    return meta + body + packer.flush()


def nested(*, is_open: bool) -> bytes:
    """A private sequence in a sequence, ten thousand times, with and without stated lengths."""
    data = b""
    head = struct.pack("<HH", 0x3287, 0x1010) + b"SQ\0\0"
    if is_open:
        data = (head + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4) * DEEP
        return data + (b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0") * DEEP
    for _ in range(DEEP):
        data = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(data)) + data
        data = head + struct.pack("<I", len(data)) + data
    return data


def bomb() -> bytes:
    value = struct.pack("<HH", 0x7FE0, 0x0010) + b"OW\0\0" + struct.pack("<I", 1 << 30)
    return object_of(value, syntax=DEFLATED, inflated=INFLATED_BYTES_MAX + (1 << 20))


@pytest.mark.parametrize(
    "data",
    [
        object_of(nested(is_open=True)),
        bomb(),
        object_of()[:-1],
        b"",
        b"DICM" * 40,
        object_of(b"\x00" * 5 + b"\x01"),
    ],
    ids=["deep", "deflated bomb", "cut", "empty", "mark only", "rest"],
)
def test_what_is_built_to_break_a_reader_is_named_and_the_next_file_is_read(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "1.dcm").write_bytes(data)
    (tmp_path / "2.dcm").write_bytes(object_of())
    first, second = read_held(sorted(tmp_path.iterdir()), ZONE)
    (judged,) = read_imported([("1.dcm", data)], zone=ZONE)

    assert first == tmp_path / "1.dcm"
    assert isinstance(second, Held)
    assert isinstance(judged, Unread)


def test_sequences_of_stated_length_are_passed_over_and_never_followed_down() -> None:
    data = object_of(nested(is_open=False))
    (judged,) = read_imported([("1.dcm", data)], zone=ZONE)
    home, there = Patient(patient_id="4711", name="Doe^Jane"), Patient(patient_id="N-1", name="")
    how = Coercion(home=home, partner=there, source="UZ Zuid", system="Beamkeeper", at=AT)

    assert not isinstance(judged, Unread)
    assert coerced(data, how).data.endswith(nested(is_open=False))
