"""The file header: the same bytes for the same object, and pydicom reads them."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from beamkeeper.wire.dicom.part10 import IMPLEMENTATION_CLASS_UID, file_header

uids = st.from_regex(r"[1-9]{1,30}(\.[1-9]{1,5}){1,5}", fullmatch=True).filter(lambda uid: len(uid) <= 64)


@given(uids, uids, uids)
def test_pydicom_reads_what_was_said(sop_class: str, sop_instance: str, syntax: str) -> None:
    header = file_header(sop_class_uid=sop_class, sop_instance_uid=sop_instance, transfer_syntax_uid=syntax)
    meta = dcmread(BytesIO(header)).file_meta

    assert (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID) == (sop_class, sop_instance)
    assert (meta.TransferSyntaxUID, meta.ImplementationClassUID) == (syntax, IMPLEMENTATION_CLASS_UID)
    assert meta.FileMetaInformationGroupLength == len(header) - 144
    assert meta.FileMetaInformationVersion == b"\x00\x01"


def test_the_header_of_an_object_never_changes() -> None:
    """These bytes are part of every digest in every vault: a change here makes all objects look new."""
    import hashlib

    header = file_header(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
        sop_instance_uid="1.2.3.4.5",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
    )

    assert (
        hashlib.sha256(header).hexdigest()
        == "01a8b37d2ae7cd60af8d89a263215083fa7aab1be751df064818fbe18a3ef9eb"
    )


@pytest.mark.parametrize("uid", ["1.2.3", "1.2.34"])
def test_every_value_has_an_even_length(uid: str) -> None:
    header = file_header(sop_class_uid=uid, sop_instance_uid=uid, transfer_syntax_uid=uid)

    assert len(header) % 2 == 0
