"""Protocol data units of the DICOM upper layer, as bytes and as values (DICOM PS3.8, section 9.3).

Everything here takes bytes from strangers: each length is checked before it is used, each count has a
bound, and whatever does not fit raises `ProtocolViolation`, which carries the reason for the A-ABORT.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PDU_HEADER = struct.Struct(">BxI")
PDV_HEADER = struct.Struct(">IBB")

ASSOCIATE_RQ_BYTES_MAX = 1 << 20
"""128 contexts with all 45 transfer syntaxes each and a user token are 250 kB."""

CONTEXTS_MAX = 128
"""Presentation context IDs are the odd numbers of one byte."""

UID_LENGTH_MAX = 64
TRANSFER_SYNTAXES_PER_CONTEXT_MAX = 128
APPLICATION_CONTEXT_UID = "1.2.840.10008.3.1.1.1"

_FIXED = struct.Struct(">HH16s16s32s")
_ITEM = struct.Struct(">BxH")
_MAX_LENGTH = struct.Struct(">I")
_UID_CHARACTERS = frozenset("0123456789.")


class PduType(IntEnum):
    """The seven PDUs (PS3.8 9.3.1)."""

    A_ASSOCIATE_RQ = 0x01
    A_ASSOCIATE_AC = 0x02
    A_ASSOCIATE_RJ = 0x03
    P_DATA_TF = 0x04
    A_RELEASE_RQ = 0x05
    A_RELEASE_RP = 0x06
    A_ABORT = 0x07


class AbortReason(IntEnum):
    """Why the service provider aborts (PS3.8 9.3.8)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PDU_PARAMETER = 4
    UNEXPECTED_PDU_PARAMETER = 5
    INVALID_PDU_PARAMETER_VALUE = 6


class Rejection(Enum):
    """Why an association is refused: result, source, reason (PS3.8 9.3.4)."""

    APPLICATION_CONTEXT_NOT_SUPPORTED = (1, 1, 2)
    CALLING_AE_TITLE_NOT_RECOGNIZED = (1, 1, 3)
    CALLED_AE_TITLE_NOT_RECOGNIZED = (1, 1, 7)
    PROTOCOL_VERSION_NOT_SUPPORTED = (1, 2, 2)
    LOCAL_LIMIT_EXCEEDED = (2, 3, 2)


class ContextResult(IntEnum):
    """What becomes of a proposed presentation context (PS3.8 9.3.3.2)."""

    ACCEPTANCE = 0
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


class ProtocolViolation(SourceAnswerInvalid):
    """A peer sent bytes that are not DICOM upper layer or DIMSE.

    Attributes
    ----------
    reason
        What the A-ABORT says.
    """

    def __init__(
        self, message: str, *, reason: AbortReason = AbortReason.INVALID_PDU_PARAMETER_VALUE, **facts: object
    ) -> None:
        super().__init__(message, do_next="Look at the sender: it does not speak DICOM here.", **facts)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedContext:
    """A presentation context as a requestor proposes it; syntaxes in the order it lists them."""

    context_id: int
    abstract_syntax_uid: str
    transfer_syntax_uids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredContext:
    """What we make of a proposed context."""

    context_id: int
    result: ContextResult
    abstract_syntax_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateRequest:
    """An A-ASSOCIATE-RQ.

    Attributes
    ----------
    max_pdu_bytes
        Longest variable field of a P-DATA-TF that the requestor takes; 0 means no limit.
    to_echo
        The 64 bytes that an A-ASSOCIATE-AC returns as they came (PS3.8 9.3.3).
    """

    protocol_version: int
    called_ae_title: str
    calling_ae_title: str
    application_context_uid: str
    contexts: tuple[ProposedContext, ...]
    max_pdu_bytes: int
    to_echo: bytes


def parse_associate_rq(body: bytes, *, contexts_max: int = CONTEXTS_MAX) -> AssociateRequest:
    """Return the A-ASSOCIATE-RQ whose variable field is `body`.

    User identity, role selection, asynchronous operations and anything unknown are passed over: not answering
    them means the defaults (PS3.7 annex D.3.3).

    Raises
    ------
    ProtocolViolation
        A length points outside, a context ID is even or used twice, a UID is none, or there are too many.
    """
    if len(body) < _FIXED.size:
        raise ProtocolViolation(f"An A-ASSOCIATE-RQ has {len(body)} bytes; the least is {_FIXED.size}.")
    version, _, called, calling, _ = _FIXED.unpack_from(body)
    application_context, max_pdu_bytes = "", 0
    contexts: list[ProposedContext] = []
    for kind, value in parse_items(body[_FIXED.size :]):
        if kind == 0x10:  # noqa: PLR2004 - item types as PS3.8 9.3.2 numbers them
            application_context = _uid(value)
        elif kind == 0x20:  # noqa: PLR2004
            contexts.append(_proposed_context(value))
        elif kind == 0x50:  # noqa: PLR2004
            max_pdu_bytes = parse_maximum_length(value)
        if len(contexts) > contexts_max:
            raise ProtocolViolation(f"More than {contexts_max} presentation contexts are proposed.")
    if len({context.context_id for context in contexts}) < len(contexts):
        raise ProtocolViolation("A presentation context ID is used twice.")
    return AssociateRequest(
        protocol_version=version,
        called_ae_title=_ae_title(called),
        calling_ae_title=_ae_title(calling),
        application_context_uid=application_context,
        contexts=tuple(contexts),
        max_pdu_bytes=max_pdu_bytes,
        to_echo=bytes(body[4 : _FIXED.size]),
    )


def parse_items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and value of each item; the field must end where its last item ends.

    Raises
    ------
    ProtocolViolation
        An item is cut off.
    """
    position = 0
    while position < len(data):
        start = position + _ITEM.size
        if start > len(data):
            raise ProtocolViolation("An item of an association PDU is cut off in its header.")
        kind, length = _ITEM.unpack_from(data, position)
        position = start + length
        if position > len(data):
            raise ProtocolViolation(f"An item announces {length} bytes where {len(data) - start} are left.")
        yield kind, data[start:position]


def _proposed_context(value: bytes) -> ProposedContext:
    if len(value) < 4 or value[0] % 2 == 0:  # noqa: PLR2004 - ID and three reserved bytes
        raise ProtocolViolation("A presentation context has no odd ID.")
    abstract, transfer = "", []
    for kind, item in parse_items(value[4:]):
        if kind == 0x30:  # noqa: PLR2004
            abstract = _uid(item)
        elif kind == 0x40:  # noqa: PLR2004
            transfer.append(_uid(item))
    if not abstract or not 0 < len(transfer) <= TRANSFER_SYNTAXES_PER_CONTEXT_MAX:
        raise ProtocolViolation(f"Presentation context {value[0]} lacks its syntaxes, or has too many.")
    return ProposedContext(
        context_id=value[0], abstract_syntax_uid=abstract, transfer_syntax_uids=tuple(transfer)
    )


def parse_maximum_length(user_information: bytes) -> int:
    """Return the longest P-DATA-TF the other side takes, bytes; 0 means no limit (PS3.8 D.1)."""
    for kind, value in parse_items(user_information):
        if kind == 0x51:  # noqa: PLR2004 - Maximum Length Sub-Item, PS3.8 D.1
            if len(value) != _MAX_LENGTH.size:
                raise ProtocolViolation("The Maximum Length sub-item is not 4 bytes.")
            return int(_MAX_LENGTH.unpack(value)[0])
    return 0


def _uid(value: bytes) -> str:
    return parse_uid(value, "UID of the association request")


def parse_uid(value: bytes, what: str) -> str:
    """Return a UID without its padding.

    Digits and dots, 1 to 64 of them, is all that is asked: real systems break the finer rules of PS3.5
    section 9, and an object is not lost for that.
    """
    uid = value.rstrip(b"\0 ").decode("latin-1")
    if not 0 < len(uid) <= UID_LENGTH_MAX or not _UID_CHARACTERS.issuperset(uid):
        raise ProtocolViolation(f"The {what} is not 1 to {UID_LENGTH_MAX} digits and dots.")
    return uid


def _ae_title(value: bytes) -> str:
    return value.decode("latin-1").strip("\0 ")


def encode_associate_ac(
    request: AssociateRequest, contexts: Iterable[AnsweredContext], *, max_pdu_bytes: int
) -> bytes:
    """Return an A-ASSOCIATE-AC; `max_pdu_bytes` is what we are willing to receive."""
    user_information = (
        encode_item(0x51, _MAX_LENGTH.pack(max_pdu_bytes))
        + encode_item(0x52, IMPLEMENTATION_CLASS_UID.encode("ascii"))
        + encode_item(0x55, IMPLEMENTATION_VERSION_NAME.encode("ascii"))
    )
    body = [
        struct.pack(">HH", 1, 0),
        request.to_echo,
        encode_item(0x10, APPLICATION_CONTEXT_UID.encode("ascii")),
    ]
    for context in contexts:
        syntax = encode_item(0x40, context.transfer_syntax_uid.encode("ascii"))
        body.append(encode_item(0x21, bytes((context.context_id, 0, context.result, 0)) + syntax))
    body.append(encode_item(0x50, user_information))
    return encode_pdu(PduType.A_ASSOCIATE_AC, b"".join(body))


def encode_associate_rj(rejection: Rejection) -> bytes:
    """Return an A-ASSOCIATE-RJ."""
    return encode_pdu(PduType.A_ASSOCIATE_RJ, bytes((0, *rejection.value)))


def encode_release_rp() -> bytes:
    """Return an A-RELEASE-RP."""
    return encode_pdu(PduType.A_RELEASE_RP, bytes(4))


def encode_abort(reason: AbortReason | None) -> bytes:
    """Return an A-ABORT: by the service provider for `reason`, by the service user for None."""
    source_and_reason = (0, 0) if reason is None else (2, int(reason))
    return encode_pdu(PduType.A_ABORT, bytes((0, 0, *source_and_reason)))


def encode_command_pdus(context_id: int, command_set: bytes, *, peer_max_pdu_bytes: int) -> bytes:
    """Return the P-DATA-TF PDUs that carry a command set, none longer than the peer takes."""
    limit = peer_max_pdu_bytes or len(command_set) + PDV_HEADER.size
    step = max(1, limit - PDV_HEADER.size)
    pdus = []
    for start in range(0, len(command_set), step):
        piece = command_set[start : start + step]
        is_last = start + step >= len(command_set)
        pdv = PDV_HEADER.pack(len(piece) + 2, context_id, 0x03 if is_last else 0x01) + piece
        pdus.append(encode_pdu(PduType.P_DATA_TF, pdv))
    return b"".join(pdus)


def encode_item(kind: int, value: bytes) -> bytes:
    """Return an item or sub-item of an association PDU."""
    return _ITEM.pack(kind, len(value)) + value


def encode_pdu(kind: PduType, body: bytes) -> bytes:
    """Return a PDU with its header."""
    return PDU_HEADER.pack(kind, len(body)) + body
