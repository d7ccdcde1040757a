"""Identifiers: pydicom reads what we ask, we read what it answers, in every character set."""

from __future__ import annotations

import contextlib
from datetime import date
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.charset import convert_encodings
from pynetdicom.dsutils import decode, encode

from beamkeeper.errors import ObjectUnreadable, SourceAnswerInvalid
from beamkeeper.wire.dicom.requester_query import Answer, query

LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\\\x00", exclude_categories=["Cc", "Cs"]))


def answer_of_pydicom(*, explicit: bool, **values: object) -> bytes:
    identifier = Dataset()
    for keyword, value in values.items():
        setattr(identifier, keyword, value)
    return encode(identifier, not explicit, True) or b""


@pytest.mark.parametrize("explicit", [True, False])
@given(patient_id=LETTERS)
def test_what_we_ask_is_understood_by_pydicom(explicit: bool, patient_id: str) -> None:
    asked = query("IMAGE", returning=("SOPClassUID",), PatientID=patient_id, SOPInstanceUID=("1.2", "1.3"))
    read = decode(BytesIO(asked.encoded(explicit=explicit)), not explicit, True)

    assert [element.keyword for element in read if element.keyword != "SpecificCharacterSet"] == [
        *("SOPClassUID", "SOPInstanceUID", "QueryRetrieveLevel", "PatientID")
    ]
    assert read.QueryRetrieveLevel == "IMAGE"
    assert str(read.PatientID or "").strip() == patient_id.strip()
    assert list(read.SOPInstanceUID) == ["1.2", "1.3"]
    assert ("SpecificCharacterSet" in read) != patient_id.isascii()


def test_a_key_given_later_takes_the_place_of_the_first() -> None:
    asked = query("SERIES", returning=("Modality",), StudyInstanceUID="1.2")

    assert asked.having(PatientID="P1").keys == {"Modality": "", "StudyInstanceUID": "1.2", "PatientID": "P1"}
    assert "PatientID" not in asked.keys


@pytest.mark.parametrize("explicit", [True, False])
def test_every_kind_of_value_is_read(explicit: bool) -> None:
    data = answer_of_pydicom(
        explicit=explicit,
        PatientID="P1",
        PatientBirthDate="19600102",
        StudyInstanceUID="1.2.3",
        FailedSOPInstanceUIDList=["1.4", "1.5", "1.4"],
        NumberOfSeriesRelatedInstances="12",
    )
    answer = Answer(data, explicit=explicit)

    assert (answer.text("PatientID"), answer.text("PatientName")) == ("P1", "")
    assert answer.uid("StudyInstanceUID") == "1.2.3"
    assert answer.uids("FailedSOPInstanceUIDList") == ("1.4", "1.5")
    assert answer.day("PatientBirthDate") == date(1960, 1, 2)
    assert answer.day("StudyDate") is None
    assert answer.count("NumberOfSeriesRelatedInstances") == 12


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 192", "山田^太郎"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("GB18030", "王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
    ],
)
def test_names_are_read_in_their_character_set(charset: str | list[str], name: str) -> None:
    data = answer_of_pydicom(explicit=True, SpecificCharacterSet=charset, PatientName=name)

    assert Answer(data, explicit=True).text("PatientName") == name
    assert convert_encodings(charset)  # the set is one pydicom knows


def test_an_answer_without_its_uid_is_no_answer() -> None:
    answer = Answer(answer_of_pydicom(explicit=True, PatientID="P1"), explicit=True)

    with pytest.raises(SourceAnswerInvalid, match="without a valid StudyInstanceUID"):
        answer.uid("StudyInstanceUID")


WHOLE = answer_of_pydicom(explicit=True, PatientID="P1", StudyInstanceUID="1.2.3", PatientName="Doe^Jane")


@given(st.binary(max_size=200), st.booleans())
def test_arbitrary_bytes_are_an_answer_or_unreadable(data: bytes, explicit: bool) -> None:
    with contextlib.suppress(ObjectUnreadable):
        answer = Answer(data, explicit=explicit)
        answer.text("PatientName")
        answer.day("StudyDate")
        answer.count("NumberOfSeriesRelatedInstances")
        answer.uids("FailedSOPInstanceUIDList")


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_an_answer_with_one_byte_changed_is_an_answer_or_unreadable(position: int, byte: int) -> None:
    with contextlib.suppress(ObjectUnreadable):
        Answer(WHOLE[:position] + bytes([byte]) + WHOLE[position + 1 :], explicit=True).text("PatientID")


@pytest.mark.parametrize("end", range(1, len(WHOLE)))
def test_an_answer_cut_short_is_never_taken_for_a_whole_one(end: int) -> None:
    try:
        cut = Answer(WHOLE[:end], explicit=True)
    except ObjectUnreadable:
        return
    assert cut.text("PatientID") in {"", "P1"}
    assert cut.uids("StudyInstanceUID") in {(), ("1.2.3",)}
