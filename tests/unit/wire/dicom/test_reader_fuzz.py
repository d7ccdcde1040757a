"""Hostile bytes end as an object or as ObjectUnreadable: nothing else, and in bounded memory."""

from __future__ import annotations

import struct
import tracemalloc
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from reader_objects import (
    BIG,
    CT,
    DEFLATED,
    DOSE,
    EXPLICIT,
    IMPLICIT,
    data_set,
    element,
    file_of,
    header,
    identity,
    part10,
    plan,
)

from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.reader import read_object, read_object_and_patient

UTC = ZoneInfo("UTC")
MEMORY_BYTES_A_BYTE_MAX = 120
"""Python objects of a control point of few bytes are larger than it; what matters is that it is linear."""
SEEDS = [
    file_of(content, syntax, undefined=undefined)
    for content in (
        plan(),
        identity(DOSE, "RTDOSE", DoseUnits="GY", DoseGridScaling="1", Rows=2, Columns=2, PixelData=bytes(8)),
        identity(CT, "CT", Rows=2, Columns=2, BitsAllocated=16, PixelData=bytes(8)),
    )
    for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED)
    for undefined in (False, True)
]
LENGTHS = [0, 1, 7, 8, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]
KEYWORDS = (
    *("SpecificCharacterSet", "PatientID", "RTPlanLabel", "RTPlanDate", "ReviewDate", "ReviewTime"),
    *("ApprovalStatus", "TimezoneOffsetFromUTC", "FractionGroupSequence", "BeamSequence", "PixelData"),
    *("DoseReferenceSequence", "Rows", "Columns", "BitsAllocated", "NumberOfFrames", "SamplesPerPixel"),
    *("DoseGridScaling", "DoseUnits", "ReferencedRTPlanSequence", "StructureSetROISequence"),
    *("ROIContourSequence", "TreatmentSessionBeamSequence", "TreatmentDate", "TreatmentTime"),
)
quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ends_well(data: bytes) -> None:
    try:
        item, _patient = read_object_and_patient(data, zone=UTC)
    except ObjectUnreadable:
        return
    assert isinstance(item, ClinicalObject)
    assert item.ref == identify(data)


@st.composite
def mutated(draw):
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["byte", "length", "cut", "insert", "repeat", "swap"])):
            case "byte":
                data[at] = draw(st.integers(0, 255))
            case "length":
                data[at : at + 4] = struct.pack("<I", draw(st.sampled_from(LENGTHS)))
            case "cut":
                del data[at : at + draw(st.integers(1, 64))]
            case "insert":
                data[at:at] = draw(st.binary(max_size=16))
            case "repeat":
                data[at:at] = data[at : at + 64] * 3
            case _:
                data[at : at + 8] = data[at : at + 8][::-1]
        if not data:
            return b""
    return bytes(data)


@quick
@given(mutated())
def test_mutated_objects_end_well(data):
    ends_well(data)


@quick
@given(st.binary(max_size=400))
@example(b"")
@example(bytes(128) + b"DICM")
def test_any_bytes_end_well(data):
    ends_well(data)
    ends_well(bytes(128) + b"DICM" + data)
    ends_well(part10(data))
    ends_well(part10(data_set(identity()) + data))
    ends_well(part10(data, DEFLATED))


@quick
@given(
    st.dictionaries(
        st.sampled_from(KEYWORDS),
        st.binary(max_size=40),
        max_size=8,
    ),
    st.sampled_from(["481.5", "481.2", "481.3", "481.4", "481.7", "481.8", "2", "66.1", "481.1"]),
    st.sampled_from([IMPLICIT, EXPLICIT, BIG]),
)
def test_any_values_in_known_elements_end_well(values, kind, syntax):
    content = identity(kind, "X")
    body = {**content, **{k: v for k, v in values.items() if not k.endswith("Sequence")}}
    data = data_set(body, syntax)
    for keyword, value in values.items():
        if keyword.endswith("Sequence"):
            empty = element(keyword, [], syntax)
            data += empty[:-4] + struct.pack(">I" if syntax == BIG else "<I", len(value)) + value
    ends_well(part10(data, syntax))


@quick
@given(st.integers(0, 60), st.booleans(), st.sampled_from([IMPLICIT, EXPLICIT, BIG]))
def test_nesting_to_any_depth_ends_well(depth, undefined, syntax):
    content: dict[str, object] = {"BeamNumber": "1"}
    for _ in range(depth):
        content = {"BeamNumber": "1", "BeamSequence": [content]}
    ends_well(file_of(identity() | content, syntax, undefined=undefined))


@pytest.mark.parametrize("length", [n for n in LENGTHS if n > 8])
@pytest.mark.parametrize("vr", ["OW", "SQ", "UN", "UT"])
def test_a_huge_stated_length_ends_well_in_little_memory(length, vr):
    data = part10(data_set(identity()) + header(0x7FE00010, vr, length) + bytes(64))
    assert memory_bytes(data) < 1 << 20


def test_empty_items_stay_within_memory_of_their_size():
    items = bytes.fromhex("feff00e000000000") * 50_000
    points = header(0x300A0111, "SQ", len(items)) + items
    beam = element("BeamNumber", "1") + points
    inside = bytes.fromhex("feff00e0") + struct.pack("<I", len(beam)) + beam
    data = part10(data_set(identity()) + header(0x300A00B0, "SQ", len(inside)) + inside)

    assert memory_bytes(data) < MEMORY_BYTES_A_BYTE_MAX * len(data)


def memory_bytes(data: bytes) -> int:
    tracemalloc.start()
    try:
        ends_well(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.peer
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_mutated_real_objects_end_well(real_data, data):
    small = sorted(p for p in real_data.rglob("*") if p.is_file() and 200 < p.stat().st_size < 300_000)
    raw = bytearray(data.draw(st.sampled_from(small)).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            raw[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
        else:
            raw[at:] = raw[at + data.draw(st.integers(0, 9)) :]
        if not raw:
            break
    ends_well(bytes(raw))


def test_a_read_object_is_the_same_from_any_buffer():
    for raw in SEEDS:
        try:
            once = read_object(raw, zone=UTC)
        except ObjectUnreadable:
            continue
        assert once == read_object(memoryview(bytearray(raw)), zone=UTC)
