"""Command sets of C-STORE and C-ECHO, strictly parsed and written (DICOM PS3.7 6.3, 9.3, annex E)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from beamkeeper.wire.dicom.pdu import ProtocolViolation, parse_uid

COMMAND_BYTES_MAX = 16 * 1024
"""A C-STORE-RQ has about 200 bytes; error comments of other messages stay below 1 kB."""

COMMAND_ELEMENTS_MAX = 64
VERIFICATION_UID = "1.2.840.10008.1.1"

_ELEMENT = struct.Struct("<HHI")
_US = struct.Struct("<H")
_UL = struct.Struct("<I")
NO_DATA_SET = 0x0101
RESPONSE_BIT = 0x8000


class CommandField(IntEnum):
    """The requests we know (PS3.7 E.1-1); every other is answered with "unrecognized operation"."""

    C_STORE_RQ = 0x0001
    C_ECHO_RQ = 0x0030
    C_CANCEL_RQ = 0x0FFF


class Status(IntEnum):
    """What we answer (PS3.7 annex C, PS3.4 table B.2-1)."""

    SUCCESS = 0x0000
    UNRECOGNIZED_OPERATION = 0x0211
    OUT_OF_RESOURCES = 0xA700
    CANNOT_UNDERSTAND = 0xC000


class Element(IntEnum):
    """The command elements we read or write (PS3.7 E.1-1), all of group 0000."""

    GROUP_LENGTH = 0x0000
    AFFECTED_SOP_CLASS_UID = 0x0002
    COMMAND_FIELD = 0x0100
    MESSAGE_ID = 0x0110
    MESSAGE_ID_RESPONDED_TO = 0x0120
    MOVE_DESTINATION = 0x0600
    PRIORITY = 0x0700
    COMMAND_DATA_SET_TYPE = 0x0800
    STATUS = 0x0900
    ERROR_COMMENT = 0x0902
    AFFECTED_SOP_INSTANCE_UID = 0x1000
    NUMBER_OF_REMAINING_SUBOPERATIONS = 0x1020
    NUMBER_OF_COMPLETED_SUBOPERATIONS = 0x1021
    NUMBER_OF_FAILED_SUBOPERATIONS = 0x1022
    NUMBER_OF_WARNING_SUBOPERATIONS = 0x1023
    MOVE_ORIGINATOR_AE_TITLE = 0x1030


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request as it came.

    Attributes
    ----------
    has_data_set
        A data set follows.
    sop_class_uid, sop_instance_uid
        "" where the message has none; a C-STORE-RQ has both.
    move_originator_ae_title
        Who asked for the C-MOVE of which this C-STORE is a part; "" for none.
    """

    command_field: int
    message_id: int
    has_data_set: bool
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    move_originator_ae_title: str = ""


def parse_command(data: bytes) -> Command:
    """Return the request in a command set (Implicit VR Little Endian, group 0000 only).

    Raises
    ------
    ProtocolViolation
        Wrong group length, elements out of order or cut off, a mandatory element missing, or a response to
        a request we never made.
    """
    elements = parse_elements(data)
    field = us_of(elements, Element.COMMAND_FIELD)
    if field & RESPONSE_BIT:
        raise ProtocolViolation(f"The message {field:04X}H answers a request nobody made.")
    sop_class = elements.get(Element.AFFECTED_SOP_CLASS_UID, b"")
    sop_instance = elements.get(Element.AFFECTED_SOP_INSTANCE_UID, b"")
    has_data_set = us_of(elements, Element.COMMAND_DATA_SET_TYPE) != NO_DATA_SET
    if field == CommandField.C_STORE_RQ and not has_data_set:
        raise ProtocolViolation("A C-STORE-RQ says that no data set follows.")
    is_store = field == CommandField.C_STORE_RQ
    message_id = 0 if field == CommandField.C_CANCEL_RQ else us_of(elements, Element.MESSAGE_ID)
    return Command(
        command_field=field,
        message_id=message_id,
        has_data_set=has_data_set,
        sop_class_uid=parse_uid(sop_class, "Affected SOP Class UID") if sop_class or is_store else "",
        sop_instance_uid=parse_uid(sop_instance, "Affected SOP Instance UID")
        if sop_instance or is_store
        else "",
        move_originator_ae_title=elements.get(Element.MOVE_ORIGINATOR_AE_TITLE, b"")
        .decode("latin-1")
        .strip("\0 "),
    )


def parse_elements(data: bytes) -> dict[int, bytes]:
    """Return the elements of a command set by their number.

    Raises
    ------
    ProtocolViolation
        Wrong group length, elements out of order, too many or cut off.
    """
    elements: dict[int, bytes] = {}
    position, before = 0, -1
    while position < len(data):
        start = position + _ELEMENT.size
        if start > len(data):
            raise ProtocolViolation("A command element is cut off in its header.")
        group, element, length = _ELEMENT.unpack_from(data, position)
        position = start + length
        if group != 0 or element <= before or position > len(data) or len(elements) >= COMMAND_ELEMENTS_MAX:
            raise ProtocolViolation(
                f"The command element ({group:04X},{element:04X}) is misplaced or too long."
            )
        elements[element] = data[start:position]
        before = element
    length_field = elements.get(Element.GROUP_LENGTH, b"")
    if len(length_field) != _UL.size or _UL.unpack(length_field)[0] != len(data) - _ELEMENT.size - _UL.size:
        raise ProtocolViolation(
            "Command Group Length (0000,0000) is missing or is not the length that follows."
        )
    return elements


def us_of(elements: dict[int, bytes], element: Element) -> int:
    """Return a mandatory 16-bit number of a command set.

    Raises
    ------
    ProtocolViolation
        It is missing or not two bytes.
    """
    value = elements.get(element, b"")
    if len(value) != _US.size:
        raise ProtocolViolation(f"The command element (0000,{element:04X}) is missing or not two bytes.")
    return int(_US.unpack(value)[0])


def encode_response(command: Command, status: Status) -> bytes:
    """Return the command set that answers `command`."""
    group = b""
    if command.sop_class_uid:
        group += uid_element(Element.AFFECTED_SOP_CLASS_UID, command.sop_class_uid)
    group += us_element(Element.COMMAND_FIELD, command.command_field | RESPONSE_BIT)
    group += us_element(Element.MESSAGE_ID_RESPONDED_TO, command.message_id)
    group += us_element(Element.COMMAND_DATA_SET_TYPE, NO_DATA_SET)
    group += us_element(Element.STATUS, status)
    if command.sop_instance_uid:
        group += uid_element(Element.AFFECTED_SOP_INSTANCE_UID, command.sop_instance_uid)
    return command_set(group)


def command_set(group: bytes) -> bytes:
    """Return a command set: the elements in `group` behind the length of all of them."""
    return _ELEMENT.pack(0, Element.GROUP_LENGTH, _UL.size) + _UL.pack(len(group)) + group


def uid_element(element: Element, uid: str) -> bytes:
    """Return a UID as a command element."""
    return text_element(element, uid, pad=b"\0")


def text_element(element: Element, text: str, *, pad: bytes = b" ") -> bytes:
    """Return ASCII text as a command element, padded to even length."""
    value = text.encode("ascii")
    value += pad * (len(value) % 2)
    return _ELEMENT.pack(0, element, len(value)) + value


def us_element(element: Element, value: int) -> bytes:
    """Return a 16-bit number as a command element."""
    return _ELEMENT.pack(0, element, _US.size) + _US.pack(value)
