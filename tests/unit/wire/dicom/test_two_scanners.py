"""The two readers of bytes find the same elements, and refuse the same cut files."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RTPlanStorage,
)

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom import elements, reader_bytes


def tags_read(data: bytes) -> set[int] | None:
    """Return the elements; None where it is refused, or holds none: whoever reads on refuses that."""
    try:
        return set(reader_bytes.open_object(data).elements) or None
    except ObjectUnreadable:
        return None


def tags_compared(data: bytes) -> set[int] | None:
    try:
        found = elements.open_object(data).dataset.elements
    except ObjectUnreadable:
        return None
    return set(found)


def object_in(syntax: UID, *, is_open: bool) -> bytes:
    ds, item = Dataset(), Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = RTPlanStorage, "1.2.3", "RTPLAN"
    ds.PatientID, ds.PatientName = "4711", "Doe^Jane"
    item.BeamName, item.BeamNumber = "Arc", 1
    ds.BeamSequence = Sequence([item])
    ds["BeamSequence"].is_undefined_length = is_open
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=lambda one: one.name
)
def test_cut_at_any_byte_they_say_the_same(syntax: UID, *, is_open: bool) -> None:
    whole = object_in(syntax, is_open=is_open)
    differ = [
        size for size in range(132, len(whole) + 1) if tags_read(whole[:size]) != tags_compared(whole[:size])
    ]

    assert tags_read(whole) is not None
    assert not differ
