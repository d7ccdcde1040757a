"""Command sets: those of other implementations are understood, ours by them, nonsense is refused."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pynetdicom.dimse_messages import C_STORE_RSP
from pynetdicom.dsutils import decode, encode

from beamkeeper.wire.dicom.dimse import COMMAND_ELEMENTS_MAX, Status, encode_response, parse_command
from beamkeeper.wire.dicom.pdu import ProtocolViolation

PLAN = "1.2.840.10008.5.1.4.1.1.481.5"


def command_of_pydicom(**elements: object) -> bytes:
    """Return a C-STORE-RQ that another implementation encoded."""
    command = Dataset()
    defaults = {
        "AffectedSOPClassUID": PLAN,
        "CommandField": 1,
        "MessageID": 7,
        "Priority": 2,
        "CommandDataSetType": 1,
        "AffectedSOPInstanceUID": "1.2.3",
    }
    for keyword, value in (defaults | elements).items():
        if value is not None:
            setattr(command, keyword, value)
    body = encode(command, True, True) or b""
    return b"\0\0\0\0\x04\0\0\0" + len(body).to_bytes(4, "little") + body


def test_a_store_request_is_understood() -> None:
    command = parse_command(command_of_pydicom(MoveOriginatorApplicationEntityTitle="OIS"))

    assert (command.command_field, command.message_id, command.has_data_set) == (1, 7, True)
    assert (command.sop_class_uid, command.sop_instance_uid) == (PLAN, "1.2.3")
    assert command.move_originator_ae_title == "OIS"


@pytest.mark.parametrize("status", list(Status))
def test_our_answer_is_understood_by_pynetdicom(status: Status) -> None:
    answer = encode_response(parse_command(command_of_pydicom()), status)
    message = C_STORE_RSP()
    message.command_set = decode(BytesIO(answer), True, True)
    primitive = message.message_to_primitive()

    assert (primitive.MessageIDBeingRespondedTo, primitive.Status) == (7, status)
    assert (primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID) == (PLAN, "1.2.3")
    assert message.command_set.CommandGroupLength == len(answer) - 12


@pytest.mark.parametrize(
    "missing",
    ["AffectedSOPClassUID", "CommandField", "MessageID", "CommandDataSetType", "AffectedSOPInstanceUID"],
)
def test_a_store_request_without_a_mandatory_element_is_refused(missing: str) -> None:
    with pytest.raises(ProtocolViolation):
        parse_command(command_of_pydicom(**{missing: None}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"CommandField": 0x8001},
        {"CommandDataSetType": 0x0101},
        {"AffectedSOPInstanceUID": "not-a-uid"},
        {"AffectedSOPClassUID": "1" * 65},
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI", "ignore:The value length")
def test_a_store_request_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ProtocolViolation):
        parse_command(command_of_pydicom(**wrong))


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c[12:],
        lambda c: c[:8] + b"\xff\xff\xff\xff" + c[12:],
        lambda c: c + c[12:40],
        lambda c: c[:-1],
        lambda c: c + b"\x08\0\x16\0\x02\0\0\x001\0",
        lambda c: c[:16] + b"\xff\xff\xff\xff" + c[20:],
        lambda _: b"",
    ],
)
def test_a_command_out_of_shape_is_refused(damage) -> None:
    with pytest.raises(ProtocolViolation):
        parse_command(damage(command_of_pydicom()))


def test_more_elements_than_any_command_has_are_refused() -> None:
    body = b"".join(
        b"\0\0" + number.to_bytes(2, "little") + bytes(4) for number in range(1, COMMAND_ELEMENTS_MAX + 1)
    )
    with pytest.raises(ProtocolViolation, match="misplaced or too long"):
        parse_command(b"\0\0\0\0\x04\0\0\0" + len(body).to_bytes(4, "little") + body)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_command_or_a_violation(data: bytes) -> None:
    try:
        command = parse_command(data)
    except ProtocolViolation:
        return
    encode_response(command, Status.SUCCESS)


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_mutated_command_is_a_command_or_a_violation(changes: list[tuple[int, int]]) -> None:
    data = bytearray(command_of_pydicom())
    for where, what in changes:
        data[where % len(data)] = what
    try:
        command = parse_command(bytes(data))
    except ProtocolViolation:
        return
    encode_response(command, Status.SUCCESS)
