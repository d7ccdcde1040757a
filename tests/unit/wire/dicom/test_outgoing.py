"""Where the data set of a file begins, and what it is encoded in; whatever the bytes are."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.outgoing import META_BYTES_MAX, encoding_of
from beamkeeper.wire.dicom.part10 import file_header

EXPLICIT, IMPLICIT, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70"
EXPLICIT_DATA = b"\x08\x00\x16\x00UI\x04\x001.2\0"
IMPLICIT_DATA = b"\x08\x00\x16\x00\x04\x00\x00\x001.2\0"


def header(syntax: str) -> bytes:
    return file_header(sop_class_uid="1.2.3", sop_instance_uid="1.2.3.4", transfer_syntax_uid=syntax)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, JPEG])
@pytest.mark.parametrize("data", [EXPLICIT_DATA, IMPLICIT_DATA, b""])
def test_a_data_set_begins_where_the_file_meta_information_ends(syntax, data):
    start = header(syntax)

    assert encoding_of(io.BytesIO(start + data)) == (syntax, len(start))


def test_file_meta_information_without_preamble_or_without_its_length_is_read():
    meta = header(IMPLICIT)[132:]
    without_length = meta[12:]

    assert encoding_of(io.BytesIO(meta + IMPLICIT_DATA)) == (IMPLICIT, len(meta))
    assert encoding_of(io.BytesIO(without_length + IMPLICIT_DATA)) == (IMPLICIT, len(without_length))


@pytest.mark.parametrize(("data", "syntax"), [(EXPLICIT_DATA, EXPLICIT), (IMPLICIT_DATA, IMPLICIT)])
def test_a_bare_data_set_is_told_by_its_first_element(data, syntax):
    assert encoding_of(io.BytesIO(data)) == (syntax, 0)


@pytest.mark.parametrize(
    "data",
    [
        header(IMPLICIT)[:-3],
        header(IMPLICIT)[:140],
        bytes(128) + b"DICM",
        bytes(128) + b"DICM" + IMPLICIT_DATA,
        bytes(128) + b"DICM" + b"\x02\x00\x01\x00OB\x00\x00\xff\xff\xff\xff",
        bytes(128) + b"DICM" + b"\x02\x00\x12\x00UI\x04\x001.2\0",
    ],
)
def test_a_header_that_is_cut_off_or_names_no_syntax_is_refused(data):
    with pytest.raises(ObjectUnreadable, match="header"):
        encoding_of(io.BytesIO(data))


@given(st.binary(max_size=400), st.booleans())
def test_whatever_the_bytes_are_the_only_error_is_ours(data, marked):
    content = bytes(128) + b"DICM" + data if marked else data
    try:
        syntax, start = encoding_of(io.BytesIO(content))
    except ObjectUnreadable:
        return

    assert syntax
    assert 0 <= start <= min(len(content), META_BYTES_MAX)
