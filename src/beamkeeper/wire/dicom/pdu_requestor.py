"""Protocol data units of the one who asks for an association, as bytes and as values (DICOM PS3.8, 9.3).

The counterpart of `pdu`, under the same rule: whatever a stranger's bytes are, the only error is
`ProtocolViolation`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.errors import IntegrityError
from beamkeeper.wire.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from beamkeeper.wire.dicom.pdu import (
    APPLICATION_CONTEXT_UID,
    PDU_HEADER,
    PDV_HEADER,
    AnsweredContext,
    ContextResult,
    PduType,
    ProposedContext,
    ProtocolViolation,
    encode_item,
    encode_pdu,
    parse_items,
    parse_maximum_length,
    parse_uid,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

_FIXED = struct.Struct(">HH16s16s32x")
_ROLE = struct.Struct(">BB")
_REJECTION = struct.Struct("BBBB")
_IS_COMMAND, _IS_LAST = 0x01, 0x02  # Message Control Header, PS3.8 E.2

PDU_SENT_BYTES_MAX = 131_072
"""Longest P-DATA-TF we send, also to a peer that would take a longer one."""
SENT_AT_ONCE_BYTES = 256 << 10
"""So many bytes of PDUs go to the kernel with one call: most peers take 16 kB a PDU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateAnswer:
    """An A-ASSOCIATE-AC.

    Attributes
    ----------
    contexts
        The accepted presentation contexts by their ID.
    max_pdu_bytes
        Longest variable field of a P-DATA-TF that the acceptor takes; 0 means no limit.
    """

    contexts: Mapping[int, AnsweredContext]
    max_pdu_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An A-ASSOCIATE-RJ; the numbers are those of PS3.8 9.3.4."""

    source: int
    reason: int


def encode_associate_rq(
    *,
    called_ae_title: str,
    calling_ae_title: str,
    contexts: Iterable[ProposedContext],
    max_pdu_bytes: int,
    storage_roles: Iterable[str] = (),
) -> bytes:
    """Return an A-ASSOCIATE-RQ.

    Parameters
    ----------
    max_pdu_bytes
        What we are willing to receive.
    storage_roles
        SOP classes whose objects we take on this association: the SCP role, for C-GET (PS3.7 D.3.3.4).
    """
    body = [
        _FIXED.pack(1, 0, _title(called_ae_title), _title(calling_ae_title)),
        encode_item(0x10, APPLICATION_CONTEXT_UID.encode("ascii")),
    ]
    for context in contexts:
        syntaxes = b"".join(encode_item(0x40, uid.encode("ascii")) for uid in context.transfer_syntax_uids)
        abstract = encode_item(0x30, context.abstract_syntax_uid.encode("ascii"))
        body.append(encode_item(0x20, bytes((context.context_id, 0, 0, 0)) + abstract + syntaxes))
    user_information = [
        encode_item(0x51, struct.pack(">I", max_pdu_bytes)),
        encode_item(0x52, IMPLEMENTATION_CLASS_UID.encode("ascii")),
        *(encode_item(0x54, _role(uid)) for uid in storage_roles),
        encode_item(0x55, IMPLEMENTATION_VERSION_NAME.encode("ascii")),
    ]
    body.append(encode_item(0x50, b"".join(user_information)))
    return encode_pdu(PduType.A_ASSOCIATE_RQ, b"".join(body))


def _title(ae_title: str) -> bytes:
    return ae_title.encode("ascii").ljust(16)


def _role(sop_class_uid: str) -> bytes:
    uid = sop_class_uid.encode("ascii")
    return struct.pack(">H", len(uid)) + uid + _ROLE.pack(0, 1)


def parse_associate_ac(body: bytes, proposed: Iterable[ProposedContext]) -> AssociateAnswer:
    """Return the A-ASSOCIATE-AC whose variable field is `body`; titles and roles in it are not looked at.

    Raises
    ------
    ProtocolViolation
        A length points outside, or a context is accepted that was not proposed so.
    """
    if len(body) < _FIXED.size:
        raise ProtocolViolation(f"An A-ASSOCIATE-AC has {len(body)} bytes; the least is {_FIXED.size}.")
    by_id = {context.context_id: context for context in proposed}
    contexts: dict[int, AnsweredContext] = {}
    max_pdu_bytes = 0
    for kind, value in parse_items(body[_FIXED.size :]):
        if kind == 0x21:  # noqa: PLR2004 - item types as PS3.8 9.3.3 numbers them
            answered = _answered_context(value, by_id)
            if answered is not None:
                contexts[answered.context_id] = answered
        elif kind == 0x50:  # noqa: PLR2004
            max_pdu_bytes = parse_maximum_length(value)
    return AssociateAnswer(contexts=contexts, max_pdu_bytes=max_pdu_bytes)


def _answered_context(value: bytes, by_id: dict[int, ProposedContext]) -> AnsweredContext | None:
    """Return an accepted context; None for one that is refused, whose syntax means nothing (9.3.3.2)."""
    if len(value) < 4 or value[0] not in by_id:  # noqa: PLR2004 - ID, reserved, result, reserved
        raise ProtocolViolation("A presentation context is answered that was not proposed.")
    if value[2] != ContextResult.ACCEPTANCE:
        return None
    proposed = by_id[value[0]]
    syntaxes = [parse_uid(item, "transfer syntax") for kind, item in parse_items(value[4:]) if kind == 0x40]  # noqa: PLR2004
    if len(syntaxes) != 1 or syntaxes[0] not in proposed.transfer_syntax_uids:
        raise ProtocolViolation("A presentation context is accepted with a transfer syntax not proposed.")
    return AnsweredContext(
        context_id=value[0],
        result=ContextResult.ACCEPTANCE,
        abstract_syntax_uid=proposed.abstract_syntax_uid,
        transfer_syntax_uid=syntaxes[0],
    )


def parse_associate_rj(body: bytes) -> Refusal:
    """Return the A-ASSOCIATE-RJ whose variable field is `body`.

    Raises
    ------
    ProtocolViolation
        It is not four bytes.
    """
    if len(body) != _REJECTION.size:
        raise ProtocolViolation(f"An A-ASSOCIATE-RJ has {len(body)} bytes, not {_REJECTION.size}.")
    _, _, source, reason = _REJECTION.unpack(body)
    return Refusal(source=source, reason=reason)


def encode_release_rq() -> bytes:
    """Return an A-RELEASE-RQ."""
    return encode_pdu(PduType.A_RELEASE_RQ, bytes(4))


def encode_message_pdus(
    context_id: int, command: bytes, data_set: bytes, *, peer_max_pdu_bytes: int
) -> bytes:
    """Return the P-DATA-TF PDUs of a whole message, none longer than the peer takes; b"" is no data set."""
    pdus = _fragments(context_id, command, _IS_COMMAND, peer_max_pdu_bytes)
    if data_set:
        pdus += _fragments(context_id, data_set, 0, peer_max_pdu_bytes)
    return b"".join(pdus)


def data_set_pdus(
    context_id: int, file: BinaryIO, size_bytes: int, *, peer_max_pdu_bytes: int
) -> Iterator[memoryview]:
    """Yield the P-DATA-TF PDUs of a data set that lies in a file from its position on, several at a time.

    Each piece is good until the next one is asked for: memory stays the same for any size.

    Raises
    ------
    IntegrityError
        The file ends before `size_bytes`.
    """
    step = min(peer_max_pdu_bytes or PDU_SENT_BYTES_MAX, PDU_SENT_BYTES_MAX) - PDV_HEADER.size
    step = max(2, step - step % 2)  # fragments have even lengths (PS3.8 annex E)
    heads = PDU_HEADER.size + PDV_HEADER.size
    buffer = memoryview(bytearray(max(1, SENT_AT_ONCE_BYTES // (step + heads)) * (step + heads)))
    left = size_bytes
    while left:
        filled = 0
        while left and filled < len(buffer):
            length = min(step, left)
            left -= length
            PDU_HEADER.pack_into(buffer, filled, PduType.P_DATA_TF, length + PDV_HEADER.size)
            control = 0 if left else _IS_LAST
            PDV_HEADER.pack_into(buffer, filled + PDU_HEADER.size, length + 2, context_id, control)
            _read_whole(file, buffer[filled + heads : filled + heads + length])
            filled += heads + length
        yield buffer[:filled]


def _read_whole(file: BinaryIO, view: memoryview) -> None:
    filled = 0
    while filled < len(view):
        count = file.readinto(view[filled:])  # type: ignore[attr-defined]
        if not count:
            raise IntegrityError(
                "A file ended while it was being sent: it became shorter.",
                do_next="Look at the disk it lies on.",
            )
        filled += count


def _fragments(context_id: int, data: bytes, control: int, peer_max_pdu_bytes: int) -> list[bytes]:
    step = max(1, (peer_max_pdu_bytes or len(data) + PDV_HEADER.size) - PDV_HEADER.size)
    pdus = []
    for start in range(0, len(data), step):
        piece = data[start : start + step]
        last = _IS_LAST if start + step >= len(data) else 0
        pdus.append(
            encode_pdu(PduType.P_DATA_TF, PDV_HEADER.pack(len(piece) + 2, context_id, control | last) + piece)
        )
    return pdus
