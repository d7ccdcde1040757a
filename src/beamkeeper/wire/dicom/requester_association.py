"""Our side of an association that we asked for: messages out, messages in, everything bounded.

Several short answers usually come with one system call: what is there is read, and taken apart in the
buffer. Nothing runs beside the caller, so no answer can be taken by anyone else.

References
----------
DICOM PS3.8 9.2 (the states of a requestor: Sta4 to Sta7) and annex E (fragments of a message).
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from beamkeeper.wire.dicom.dimse import COMMAND_BYTES_MAX, CommandField, encode_response, parse_command
from beamkeeper.wire.dicom.dimse import parse_elements as parse_command_elements
from beamkeeper.wire.dicom.dimse_requestor import Response, is_response, response_of
from beamkeeper.wire.dicom.pdu import (
    PDU_HEADER,
    PDV_HEADER,
    AbortReason,
    PduType,
    ProtocolViolation,
    encode_abort,
    encode_release_rp,
)
from beamkeeper.wire.dicom.pdu_requestor import data_set_pdus, encode_message_pdus, encode_release_rq
from beamkeeper.wire.dicom.transport import ConnectionLost, PeerTooSlow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO, TypeAlias

    from beamkeeper.wire.dicom.dimse import Command, Status
    from beamkeeper.wire.dicom.pdu import AnsweredContext
    from beamkeeper.wire.dicom.pdu_requestor import AssociateAnswer
    from beamkeeper.wire.dicom.transport import Transport

    Take: TypeAlias = Callable[[Command, AnsweredContext, Iterator[memoryview]], Status]
    """Keeps one object of a C-GET, given in fragments; the status is our answer."""

MAX_PDU_BYTES = 131_072
"""Longest P-DATA-TF we take."""
PDU_SLACK_BYTES = 12
"""Some senders forget to count their own headers."""
ASSOCIATE_ANSWER_BYTES_MAX = 1 << 16
"""An A-ASSOCIATE-AC with 128 contexts and as many roles is 20 kB."""
IDENTIFIER_BYTES_MAX = 4 << 20
"""The longest identifier is a list of failed objects: 60,000 of them and more."""
RELEASE_S = 5.0
"""How long we wait for the answer to our release."""
_BUFFER_BYTES = 2 * MAX_PDU_BYTES
_IS_COMMAND, _IS_LAST = 0x01, 0x02  # Message Control Header, PS3.8 E.2
_LEAST_PDV_LENGTH = 2  # context ID and control header
_SHORT_PDU_BYTES = 4


class Inbox:
    """What a peer sent and nobody has looked at yet.

    Attributes
    ----------
    view
        The buffer; the unread bytes begin at `start`.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.view = memoryview(bytearray(_BUFFER_BYTES))
        self.start = self._end = 0

    @property
    def is_empty(self) -> bool:
        """Whether everything has been looked at."""
        return self.start == self._end

    def need(self, count: int) -> None:
        """Have at least `count` unread bytes, fewer than half the buffer's size or a little more.

        Raises
        ------
        ConnectionLost, PeerTooSlow
        """
        unread = self._end - self.start
        if unread >= count:
            return
        if not unread:
            self.start = self._end = 0
        elif self.start + count > len(self.view):
            self.view[:unread] = bytes(self.view[self.start : self._end])
            self.start, self._end = 0, unread
        self._end += self._transport.read_at_least(self.view[self._end :], count - unread)

    def pdu_header(self) -> tuple[int, int]:
        """Return type and length of the next PDU, and leave it where it is."""
        self.need(PDU_HEADER.size)
        kind, length = PDU_HEADER.unpack_from(self.view, self.start)
        return kind, length

    def take(self, count: int) -> memoryview:
        """Return the next `count` bytes; they stay as they are until the next `need`."""
        self.need(count)
        start = self.start
        self.start += count
        return self.view[start : self.start]


class ClientAssociation:
    """One established association.

    Attributes
    ----------
    used_at
        Last question or answer, on the monotonic clock.

    Parameters
    ----------
    answer
        What the peer agreed to.
    take
        Keeps the objects of a C-GET; None where no object may come.
    """

    def __init__(
        self, transport: Transport, inbox: Inbox, answer: AssociateAnswer, *, take: Take | None = None
    ) -> None:
        self._transport, self._inbox, self._answer, self._take = transport, inbox, answer, take
        self._pdu_left = 0
        self.is_open = True
        self.used_at = time.monotonic()

    def context_of(self, sop_class_uid: str, transfer_syntax_uid: str = "") -> AnsweredContext | None:
        """Return the first accepted context for a SOP class; None when the peer accepts none.

        Parameters
        ----------
        transfer_syntax_uid
            Only a context in this transfer syntax; "" for any.
        """
        for context in self._answer.contexts.values():
            is_encoded_so = transfer_syntax_uid in {"", context.transfer_syntax_uid}
            if context.abstract_syntax_uid == sop_class_uid and is_encoded_so:
                return context
        return None

    def is_quiet(self) -> bool:
        """Whether the peer has said nothing since its last answer, not even goodbye."""
        return self.is_open and self._inbox.is_empty and not self._transport.wait(0)

    def is_answering(self, *, limit_s: float) -> bool:
        """Whether what came unasked is the beginning of a message; if not, the peer has left.

        Raises
        ------
        ConnectionLost, PeerTooSlow
        """
        self.set_limits(silence_s=limit_s, deadline=time.monotonic() + limit_s)
        return self._pdu_left > 0 or self._inbox.pdu_header()[0] == PduType.P_DATA_TF

    def set_limits(self, *, silence_s: float, deadline: float) -> None:
        """Say how long the peer may be silent, and until when it must have finished."""
        self._transport.silence_limit_s, self._transport.deadline = silence_s, deadline

    def send(self, context: AnsweredContext, command: bytes, data_set: bytes = b"") -> None:
        """Send one message whole.

        Raises
        ------
        ConnectionLost
        """
        self.used_at = time.monotonic()
        limit = self._answer.max_pdu_bytes
        self._transport.send(
            encode_message_pdus(context.context_id, command, data_set, peer_max_pdu_bytes=limit)
        )

    def send_object(self, context: AnsweredContext, command: bytes, file: BinaryIO, size_bytes: int) -> None:
        """Send a command and `size_bytes` of a file after it, read piece by piece.

        Raises
        ------
        ConnectionLost
            The peer hung up, or takes nothing any more.
        PeerTooSlow
            The deadline passed.
        IntegrityError
            The file is shorter than it was said to be.
        """
        limit = self._answer.max_pdu_bytes
        self._transport.send(encode_message_pdus(context.context_id, command, b"", peer_max_pdu_bytes=limit))
        for pdus in data_set_pdus(context.context_id, file, size_bytes, peer_max_pdu_bytes=limit):
            self._transport.send(pdus)
            self._transport.check_time()
        self.used_at = time.monotonic()

    def receive(self) -> tuple[Response, bytes]:
        """Return the next answer and its identifier, b"" for none; objects that come before it are taken.

        Raises
        ------
        ProtocolViolation, ConnectionLost, PeerTooSlow
        StorageFull
            From whoever takes the objects.
        """
        while True:
            context, command = self._command()
            elements = parse_command_elements(command)
            if is_response(elements):
                response = response_of(elements)
                identifier = self._identifier(context) if response.has_data_set else b""
                self.used_at = time.monotonic()
                return response, identifier
            self._store(context, parse_command(command))

    def release(self) -> None:
        """Say goodbye, wait a moment for the answer, and close."""
        with suppress(ConnectionLost, PeerTooSlow, ProtocolViolation):
            if self.is_open:
                self.set_limits(silence_s=RELEASE_S, deadline=time.monotonic() + RELEASE_S)
                self._transport.send(encode_release_rq())
                self._next_pdu()
        self._close()

    def abort(self, reason: AbortReason | None = None) -> None:
        """Break off and close: as the user of the service for None, else because of what came."""
        with suppress(ConnectionLost):
            if self.is_open:
                self._transport.send(encode_abort(reason))
        self._close()

    def _close(self) -> None:
        self.is_open = False
        self._transport.close()

    def _command(self) -> tuple[AnsweredContext, bytes]:
        context_id, control, fragment = self._fragment()
        context = self._answer.contexts.get(context_id)
        if context is None:
            raise ProtocolViolation(f"A fragment came in context {context_id}, which was not accepted.")
        command = bytes(fragment)
        while True:
            if not control & _IS_COMMAND:
                raise ProtocolViolation("A data set came where a command was due.")
            if len(command) > COMMAND_BYTES_MAX:
                raise ProtocolViolation(f"A command set is longer than {COMMAND_BYTES_MAX} bytes.")
            if control & _IS_LAST:
                return context, command
            control, fragment = self._next_fragment(context)
            command += fragment

    def _identifier(self, context: AnsweredContext) -> bytes:
        parts = bytearray()
        for fragment in self._data_set(context):
            if len(parts) + len(fragment) > IDENTIFIER_BYTES_MAX:
                raise ProtocolViolation(f"An identifier is longer than {IDENTIFIER_BYTES_MAX} bytes.")
            parts += fragment
        return bytes(parts)

    def _data_set(self, context: AnsweredContext) -> Iterator[memoryview]:
        """Yield the fragments of a data set; each is good until the next one is asked for."""
        control = 0
        while not control & _IS_LAST:
            control, fragment = self._next_fragment(context)
            if control & _IS_COMMAND:
                raise ProtocolViolation("A command came where a data set was due.")
            yield fragment

    def _store(self, context: AnsweredContext, command: Command) -> None:
        if self._take is None or command.command_field != CommandField.C_STORE_RQ:
            raise ProtocolViolation("A request came where an answer was due.")
        fragments = self._data_set(context)
        status = self._take(command, context, fragments)
        for _ in fragments:  # what was refused is read to its end, so that the peer hears the status
            pass
        self.send(context, encode_response(command, status))

    def _next_fragment(self, context: AnsweredContext) -> tuple[int, memoryview]:
        context_id, control, fragment = self._fragment()
        if context_id != context.context_id:
            raise ProtocolViolation("The fragments of a message came in two presentation contexts.")
        return control, fragment

    def _fragment(self) -> tuple[int, int, memoryview]:
        """Return context ID, control header and bytes of the next fragment (PS3.8 9.3.5)."""
        inbox = self._inbox
        if not self._pdu_left:
            self._pdu_left = self._next_pdu()
        length, context_id, control = PDV_HEADER.unpack_from(inbox.view, inbox.start)
        self._pdu_left -= length + 4
        if length < _LEAST_PDV_LENGTH or self._pdu_left < 0 or 0 < self._pdu_left < PDV_HEADER.size:
            raise ProtocolViolation("A presentation data value does not fit into its PDU.")
        return context_id, control, inbox.take(length + 4)[PDV_HEADER.size :]

    def _next_pdu(self) -> int:
        """Have the next P-DATA-TF whole in the inbox, its header taken; return how long it is.

        Raises
        ------
        ConnectionLost
            The peer releases or aborts.
        """
        kind, length = self._inbox.pdu_header()
        if kind == PduType.P_DATA_TF:
            if not PDV_HEADER.size <= length <= MAX_PDU_BYTES + PDU_SLACK_BYTES:
                raise ProtocolViolation(f"A P-DATA-TF of {length} bytes came; we announced {MAX_PDU_BYTES}.")
            self._inbox.take(PDU_HEADER.size)
            self._inbox.need(length)
            return length
        if kind not in {PduType.A_RELEASE_RQ, PduType.A_RELEASE_RP, PduType.A_ABORT}:
            raise ProtocolViolation(
                f"A PDU of type {kind:02X}H came where an answer was due.", reason=AbortReason.UNEXPECTED_PDU
            )
        if length != _SHORT_PDU_BYTES:
            raise ProtocolViolation(f"A PDU of type {kind:02X}H announces {length} bytes.")
        if kind == PduType.A_RELEASE_RQ:
            self._transport.send(encode_release_rp())
        self._close()
        raise ConnectionLost("The peer ended the association.")
