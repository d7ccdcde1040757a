"""Command sets of the side that asks: pynetdicom reads our questions, we read its answers."""

from __future__ import annotations

import contextlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pynetdicom.dimse_messages import C_ECHO_RQ, C_FIND_RQ, C_GET_RQ, C_MOVE_RQ
from pynetdicom.dsutils import decode, encode

from beamkeeper.wire.dicom.dimse import Status, encode_response, parse_command
from beamkeeper.wire.dicom.dimse_requestor import (
    COMMENT_CHARACTERS_MAX,
    Question,
    encode_request,
    parse_response,
)
from beamkeeper.wire.dicom.pdu import ProtocolViolation

MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
THEIRS = {
    Question.C_ECHO: C_ECHO_RQ,
    Question.C_FIND: C_FIND_RQ,
    Question.C_MOVE: C_MOVE_RQ,
    Question.C_GET: C_GET_RQ,
}


def response_of_pydicom(**elements: object) -> bytes:
    """Return a C-MOVE-RSP that another implementation encoded."""
    command = Dataset()
    defaults = {
        "AffectedSOPClassUID": MOVE,
        "CommandField": 0x8021,
        "MessageIDBeingRespondedTo": 7,
        "CommandDataSetType": 0x0101,
        "Status": 0xFF00,
        "NumberOfRemainingSuboperations": 1,
        "NumberOfCompletedSuboperations": 2,
        "NumberOfFailedSuboperations": 3,
        "NumberOfWarningSuboperations": 4,
    }
    for keyword, value in (defaults | elements).items():
        if value is not None:
            setattr(command, keyword, value)
    body = encode(command, True, True) or b""
    return b"\0\0\0\0\x04\0\0\0" + len(body).to_bytes(4, "little") + body


RESPONSE = response_of_pydicom()


@pytest.mark.parametrize("question", list(THEIRS))
def test_our_question_is_understood_by_pynetdicom(question: Question) -> None:
    asked = encode_request(question, message_id=9, sop_class_uid=MOVE, move_destination_ae_title="BEAMKEEPER")
    message = THEIRS[question]()
    message.command_set = decode(BytesIO(asked), True, True)
    message.data_set = BytesIO(b"")
    primitive = message.message_to_primitive()

    assert (primitive.MessageID, primitive.AffectedSOPClassUID) == (9, MOVE)
    assert message.command_set.CommandGroupLength == len(asked) - 12
    assert (message.command_set.CommandDataSetType == 0x0101) == (question is Question.C_ECHO)
    if question is Question.C_MOVE:
        assert primitive.MoveDestination == "BEAMKEEPER"


def test_the_numbers_of_a_report_are_read() -> None:
    response = parse_response(RESPONSE)

    assert (response.answers, response.message_id, response.status) == (Question.C_MOVE, 7, 0xFF00)
    assert (response.completed, response.failed, response.warning) == (2, 3, 4)
    assert response.is_pending
    assert not response.has_data_set


def test_what_a_report_leaves_out_is_unknown_and_not_zero() -> None:
    response = parse_response(
        response_of_pydicom(
            NumberOfCompletedSuboperations=None,
            NumberOfFailedSuboperations=None,
            NumberOfWarningSuboperations=None,
            Status=0x0000,
        )
    )

    assert (response.completed, response.failed, response.warning) == (None, None, None)
    assert not response.is_pending


@pytest.mark.parametrize(
    "missing", ["CommandField", "MessageIDBeingRespondedTo", "Status", "CommandDataSetType"]
)
def test_a_response_without_what_it_must_have_is_a_violation(missing: str) -> None:
    with pytest.raises(ProtocolViolation, match="missing"):
        parse_response(response_of_pydicom(**{missing: None}))


def test_a_request_is_no_answer() -> None:
    with pytest.raises(ProtocolViolation, match="A request came"):
        parse_response(encode_request(Question.C_ECHO, message_id=1, sop_class_uid=MOVE))


def test_an_answer_is_no_request() -> None:
    with pytest.raises(ProtocolViolation, match="nobody made"):
        parse_command(RESPONSE)


def test_a_comment_is_one_short_line() -> None:
    sent = response_of_pydicom(ErrorComment="a" * 64)
    long_and_odd = b"a\x1bb\n" + b"c" * 96
    body = sent[12:].replace(b"\x40\0\0\0" + b"a" * 64, b"\x64\0\0\0" + long_and_odd)
    comment = parse_response(sent[:8] + len(body).to_bytes(4, "little") + body).comment

    assert comment == "a b " + "c" * (COMMENT_CHARACTERS_MAX - 4)


def test_every_answer_of_our_receiver_can_be_read_back() -> None:
    asked = parse_command(encode_request(Question.C_ECHO, message_id=5, sop_class_uid="1.2.840.10008.1.1"))

    assert parse_response(encode_response(asked, Status.SUCCESS)).message_id == 5


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_an_answer_or_a_violation(data: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        parse_response(data)


@given(st.integers(0, len(RESPONSE) - 1), st.integers(0, 255))
def test_an_answer_with_one_byte_changed_is_an_answer_or_a_violation(position: int, byte: int) -> None:
    with contextlib.suppress(ProtocolViolation):
        parse_response(RESPONSE[:position] + bytes([byte]) + RESPONSE[position + 1 :])
