"""Whole objects are identified, anything else is named with its reason."""

from __future__ import annotations

from hashlib import sha256
from itertools import accumulate

import pytest
from pydicom.datadict import tag_for_keyword
from reader_objects import (
    BIG,
    CT,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    STORAGE,
    data_set,
    element,
    file_of,
    header,
    identity,
    part10,
)

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.identify import identify, is_storage_object
from beamkeeper.wire.dicom.reader_bytes import DEPTH_MAX, ELEMENTS_MAX, INFLATED_BYTES_MAX, Syntax, _Walk

IMAGE = identity(CT, "CT", Rows=4, Columns=4, BitsAllocated=16, SamplesPerPixel=1, PixelData=bytes(32))


def reason(data) -> str:
    with pytest.raises(ObjectUnreadable) as raised:
        identify(data)
    return raised.value.message


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("undefined", [False, True])
def test_an_object_is_identified_in_every_encoding(syntax, undefined):
    data = file_of(
        identity(ReferencedRTPlanSequence=[{"ReferencedSOPInstanceUID": "1.9"}]), syntax, undefined=undefined
    )
    ref = identify(data)

    assert ref.sop_instance_uid == "1.2.3.4"
    assert ref.sop_class_uid == STORAGE + "481.5"
    assert (ref.study_instance_uid, ref.series_instance_uid) == ("1.2.3.1", "1.2.3.2")
    assert (ref.patient_id, ref.modality, ref.transfer_syntax_uid) == ("P1", "RTPLAN", syntax)


def test_the_digest_and_size_are_those_of_the_whole_file():
    data = file_of(identity())
    ref = identify(memoryview(data))

    assert ref.sha256 == sha256(data).hexdigest()
    assert ref.size_bytes == len(data)


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_an_object_without_preamble_and_file_meta_is_identified(syntax):
    assert identify(file_of(identity(), syntax, meta=False)).transfer_syntax_uid == syntax


def test_file_meta_without_preamble_is_read():
    assert identify(file_of(identity(), preamble=False)).sop_instance_uid == "1.2.3.4"


def test_group_lengths_are_passed_over():
    assert identify(file_of(identity(), group_lengths=True)).patient_id == "P1"


def test_a_wrongly_stated_transfer_syntax_is_seen_through():
    body = data_set(identity(), IMPLICIT)

    assert identify(part10(body, EXPLICIT)).sop_instance_uid == "1.2.3.4"


@pytest.mark.parametrize("padding", [b"\0", b" ", b" \0", b"\0\0"])
def test_padding_of_uids_is_removed(padding):
    assert identify(file_of(identity(SOPInstanceUID=b"1.2.3.4" + padding))).sop_instance_uid == "1.2.3.4"


@pytest.mark.parametrize("uid", [b"", b"../../etc", b"1.2.x", b"1." * 33, b"1.2\n3"])
def test_an_object_without_valid_sop_instance_uid_is_refused(uid):
    assert "no valid SOP Instance UID" in reason(file_of(identity(SOPInstanceUID=uid)))


def test_other_invalid_uids_are_left_out_and_never_passed_on():
    ref = identify(file_of(identity(StudyInstanceUID=b"/etc/passwd!", SeriesInstanceUID=b"1.2\\3.4 ")))

    assert (ref.study_instance_uid, ref.series_instance_uid) == ("", "")


def test_outer_blanks_of_a_patient_id_are_removed_and_inner_ones_kept():
    assert identify(file_of(identity(PatientID=b"  A 1  "))).patient_id == "A 1"


def test_a_64_character_patient_id_is_kept_whole():
    assert identify(file_of(identity(PatientID="x" * 64))).patient_id == "x" * 64


def test_a_patient_id_is_never_cut():
    assert "Patient ID has 300 characters" in reason(file_of(identity(PatientID="x" * 300)))


@pytest.mark.parametrize(
    ("charset", "raw"), [("ISO_IR 100", b"M\xfcller"), ("ISO_IR 192", "Müller".encode()), ("", b"M\xfcller")]
)
def test_a_patient_id_is_read_in_its_character_set(charset, raw):
    assert identify(file_of(identity(SpecificCharacterSet=charset, PatientID=raw))).patient_id == "Müller"


def test_a_worklist_message_is_told_from_a_stored_object():
    message = file_of({"TransactionUID": "1.2", "ProcedureStepState": "IN PROGRESS"})

    assert "message, not a stored object" in reason(message)


def test_a_dicom_directory_is_called_so():
    directory = data_set({"FileSetID": "CD", "DirectoryRecordSequence": [{"DirectoryRecordType": "PATIENT"}]})

    assert "DICOMDIR" in reason(part10(directory))


def test_a_procedure_step_has_an_identity_and_is_no_storage_object():
    step = identity() | {"SOPClassUID": "1.2.840.10008.5.1.4.34.6.1"}

    assert not is_storage_object(identify(file_of(step)))
    assert is_storage_object(identify(file_of(identity())))


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7 and more", bytes(4096), b"\x08\0" * 40])
def test_what_is_not_dicom_is_called_so(data):
    assert reason(data).startswith("Not DICOM")


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
def test_every_truncation_inside_an_element_is_noticed(syntax):
    whole = file_of(IMAGE, syntax)
    written = [element(k, v, syntax) for k, v in sorted(IMAGE.items(), key=lambda kv: tag_for_keyword(kv[0]))]
    ends = {len(whole)} if syntax == DEFLATED else set(accumulate(map(len, reversed(written)), initial=0))
    for missing in range(1, len(whole) - 132):
        if syntax == DEFLATED or missing not in ends:
            with pytest.raises(ObjectUnreadable):
                identify(whole[:-missing])


def test_a_truncated_object_says_how_much_is_left():
    assert reason(file_of(IMAGE)[:-5]) == "Truncated: (7FE0,0010) states 32 bytes, 27 are left."


def test_pixel_data_shorter_than_rows_and_columns_are_truncated():
    assert "pixel data hold 30 bytes" in reason(file_of(IMAGE | {"PixelData": bytes(30)}))


def test_pixel_data_that_were_left_out_do_not_make_an_object_unreadable():
    assert identify(file_of(IMAGE | {"PixelData": b""})).modality == "CT"


def test_encapsulated_pixel_data_are_walked_to_their_end():
    fragments = bytes.fromhex("feff00e000000000 feff00e004000000 01020304 feffdde000000000")
    body = data_set(identity(CT, "CT", Rows=512, Columns=512, BitsAllocated=16))
    body += header(0x7FE00010, "OB", 0xFFFFFFFF) + fragments

    assert identify(part10(body)).modality == "CT"
    assert "Truncated" in reason(part10(body[:-8]))


def test_line_ending_conversion_is_recognised():
    lines = "\n".join(["a line"] * 6).encode() + b"\r\n"
    damaged = file_of(IMAGE | {"RTPlanDescription": lines})
    damaged = damaged.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    assert "line-ending conversion" in reason(damaged)


def test_a_truncated_object_with_one_honest_line_end_is_not_called_converted():
    assert "line-ending" not in reason(file_of(IMAGE | {"RTPlanDescription": "one\r\n"})[:-3])


def test_zeros_after_the_last_element_are_forgiven_and_junk_is_not():
    assert identify(file_of(identity()) + bytes(512)).sop_instance_uid == "1.2.3.4"
    assert reason(file_of(identity()) + b"\x01junk that is no element")


def test_zeros_instead_of_elements_are_noticed_at_the_first_one():
    assert "zeros where an element must be" in reason(part10(data_set(identity()) + bytes(1 << 20)))
    assert "zeros where an element must be" in reason(part10(data_set(identity()) + bytes(80) + b"x" * 8))


def test_the_number_of_elements_is_bounded():
    body = data_set(IMAGE)
    walk = _Walk(memoryview(body), Syntax(explicit=True), elements_left=len(IMAGE) - 1)

    with pytest.raises(ObjectUnreadable, match=f"more than {ELEMENTS_MAX} elements"):
        walk.level(0, len(body), 0, None)


def test_deep_nesting_ends_at_the_named_limit():
    bomb = b""
    for _ in range(20_000):
        bomb += header(0x300A00B0, "SQ", 0xFFFFFFFF) + bytes.fromhex("feff00e0ffffffff")

    assert f"more than {DEPTH_MAX} deep" in reason(part10(data_set({"SOPClassUID": "1.2"}) + bomb))


def test_a_deflate_bomb_ends_at_the_named_limit():
    bomb = part10(element("SOPClassUID", "1.2") + bytes(INFLATED_BYTES_MAX), DEFLATED)

    assert len(bomb) < INFLATED_BYTES_MAX / 500
    assert "grows beyond" in reason(bomb)


def test_a_huge_stated_length_costs_nothing():
    body = data_set(identity()) + header(0x7FE00010, "OW", 0xFFFFFFFE)

    assert "states 4294967294 bytes, 0 are left" in reason(part10(body))
