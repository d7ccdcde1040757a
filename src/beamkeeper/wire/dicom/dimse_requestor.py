"""Command sets of the one who asks, C-STORE to C-MOVE, and what answers them (PS3.7 9.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from beamkeeper.wire.dicom.dimse import (
    NO_DATA_SET,
    RESPONSE_BIT,
    Element,
    command_set,
    parse_elements,
    text_element,
    uid_element,
    us_element,
    us_of,
)
from beamkeeper.wire.dicom.pdu import ProtocolViolation

STATUS_SUCCESS = 0x0000
STATUS_PENDING = frozenset({0xFF00, 0xFF01})
COMMENT_CHARACTERS_MAX = 64
"""Error Comment is an LO (PS3.7 E.1-1)."""

_DATA_SET_FOLLOWS = 0x0001
_MEDIUM = 0x0000
_US_BYTES = 2


class Question(IntEnum):
    """The requests we make (PS3.7 E.1-1)."""

    C_STORE = 0x0001
    C_GET = 0x0010
    C_FIND = 0x0020
    C_MOVE = 0x0021
    C_ECHO = 0x0030


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer.

    Attributes
    ----------
    answers
        The Command Field of the request it answers.
    has_data_set
        An identifier follows.
    completed, failed, warning
        Sub-operations of a C-MOVE or C-GET so far; None where the answer does not say.
    comment
        Error Comment (0000,0902), control characters removed; "" for none.
    """

    answers: int
    message_id: int
    status: int
    has_data_set: bool
    completed: int | None = None
    failed: int | None = None
    warning: int | None = None
    comment: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether more answers follow."""
        return self.status in STATUS_PENDING


def encode_request(
    question: Question,
    *,
    message_id: int,
    sop_class_uid: str,
    move_destination_ae_title: str = "",
    sop_instance_uid: str = "",
) -> bytes:
    """Return the command set of a request; all but C-ECHO say that a data set follows."""
    group = uid_element(Element.AFFECTED_SOP_CLASS_UID, sop_class_uid)
    group += us_element(Element.COMMAND_FIELD, question)
    group += us_element(Element.MESSAGE_ID, message_id)
    if question is Question.C_MOVE:
        group += text_element(Element.MOVE_DESTINATION, move_destination_ae_title)
    if question is Question.C_ECHO:
        return command_set(group + us_element(Element.COMMAND_DATA_SET_TYPE, NO_DATA_SET))
    group += us_element(Element.PRIORITY, _MEDIUM)
    group += us_element(Element.COMMAND_DATA_SET_TYPE, _DATA_SET_FOLLOWS)
    if question is Question.C_STORE:
        group += uid_element(Element.AFFECTED_SOP_INSTANCE_UID, sop_instance_uid)
    return command_set(group)


def is_response(elements: dict[int, bytes]) -> bool:
    """Return whether a command set answers something.

    Raises
    ------
    ProtocolViolation
        It does not say what it is.
    """
    return bool(us_of(elements, Element.COMMAND_FIELD) & RESPONSE_BIT)


def response_of(elements: dict[int, bytes]) -> Response:
    """Return the answer in the elements of a command set.

    Raises
    ------
    ProtocolViolation
        A mandatory element is missing, or a number is not two bytes.
    """
    return Response(
        answers=us_of(elements, Element.COMMAND_FIELD) & ~RESPONSE_BIT,
        message_id=us_of(elements, Element.MESSAGE_ID_RESPONDED_TO),
        status=us_of(elements, Element.STATUS),
        has_data_set=us_of(elements, Element.COMMAND_DATA_SET_TYPE) != NO_DATA_SET,
        completed=_count(elements, Element.NUMBER_OF_COMPLETED_SUBOPERATIONS),
        failed=_count(elements, Element.NUMBER_OF_FAILED_SUBOPERATIONS),
        warning=_count(elements, Element.NUMBER_OF_WARNING_SUBOPERATIONS),
        comment=_comment(elements.get(Element.ERROR_COMMENT, b"")),
    )


def parse_response(data: bytes) -> Response:
    """Return the answer in a command set.

    Raises
    ------
    ProtocolViolation
        It is no well-formed command set, or a request.
    """
    elements = parse_elements(data)
    if not is_response(elements):
        raise ProtocolViolation("A request came where an answer was due.")
    return response_of(elements)


def _count(elements: dict[int, bytes], element: Element) -> int | None:
    return us_of(elements, element) if len(elements.get(element, b"")) == _US_BYTES else None


def _comment(raw: bytes) -> str:
    text = "".join(c if c.isprintable() else " " for c in raw[:COMMENT_CHARACTERS_MAX].decode("latin-1"))
    return text.strip()
