"""The messages of an established association: fragments put together, objects stored, requests answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from beamkeeper.errors import StorageFull
from beamkeeper.wire.dicom.dimse import (
    COMMAND_BYTES_MAX,
    Command,
    CommandField,
    Status,
    encode_response,
    parse_command,
)
from beamkeeper.wire.dicom.pdu import (
    PDU_HEADER,
    PDV_HEADER,
    AbortReason,
    PduType,
    ProtocolViolation,
    encode_command_pdus,
)
from beamkeeper.wire.dicom.spool import ObjectIdentity
from beamkeeper.wire.dicom.stowing import Stowing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beamkeeper.wire.dicom.pdu import AnsweredContext, AssociateRequest
    from beamkeeper.wire.dicom.receiver import ReceiverConfig
    from beamkeeper.wire.dicom.spool import SpoolWriter
    from beamkeeper.wire.dicom.transport import Transport

HEADER_BYTES = PDU_HEADER.size + PDV_HEADER.size
"""Header of a P-DATA-TF and of its first fragment: what is read together."""

PDU_SLACK_BYTES = 12
"""Some senders forget to count their own headers: a PDU may exceed what we announced by this much."""

_IS_COMMAND, _IS_LAST = 0x01, 0x02  # Message Control Header, PS3.8 E.2


class Messages:
    """What comes in P-DATA-TF PDUs.

    Attributes
    ----------
    stored_count, refused_count, received_bytes
        For the log.

    Parameters
    ----------
    contexts
        The accepted presentation contexts by their ID.
    """

    def __init__(
        self,
        transport: Transport,
        config: ReceiverConfig,
        request: AssociateRequest,
        contexts: Mapping[int, AnsweredContext],
        writer: SpoolWriter,
    ) -> None:
        self._transport = transport
        self._config = config
        self._request = request
        self._contexts = contexts
        self._pdu_bytes_max = config.max_pdu_bytes + PDU_SLACK_BYTES
        self._intake = Stowing(
            writer, fragment_bytes_max=self._pdu_bytes_max, object_bytes_max=config.max_object_bytes
        )
        self._command_view = memoryview(bytearray(COMMAND_BYTES_MAX))
        self._command_used = 0
        self._command: Command | None = None
        self._context_id = 0
        self.stored_count = self.refused_count = self.received_bytes = 0

    def receive(self, header: memoryview, filled: int) -> int:
        """Read a P-DATA-TF, and those that follow while a message is unfinished, and answer.

        Parameters
        ----------
        header
            12 bytes, of which `filled` (at least 6) are read: the PDU header and the start of the fragment's.

        Returns
        -------
        How many bytes of the next PDU stand in `header`: 0, or at least 6 of one that is not P-DATA-TF.

        Raises
        ------
        ProtocolViolation, ConnectionLost, PeerTooSlow, ReceiverStopped
        """
        while filled:
            if header[0] != PduType.P_DATA_TF:
                return filled
            filled = self._receive_pdu(header, filled)
        return 0

    def _receive_pdu(self, header: memoryview, filled: int) -> int:
        """Read the fragments of one PDU; return how much of the next PDU's header is read, 0 at rest."""
        left = self._checked_length(header)
        if filled < HEADER_BYTES:
            self._transport.read(header[filled:])
        while True:
            length, context_id, control = PDV_HEADER.unpack_from(header, PDU_HEADER.size)
            left -= length + 4
            if length < 2 or left < 0 or 0 < left < PDV_HEADER.size:  # noqa: PLR2004 - context ID and control
                raise ProtocolViolation("A presentation data value does not fit into its PDU.")
            room = self._room(context_id, control, length - 2)
            is_last = bool(control & _IS_LAST)
            filled = 0
            if left:
                self._transport.read_with_header(room, header[PDU_HEADER.size :])
            elif is_last:
                self._transport.read(room)
            else:
                filled = self._transport.read_with_header(room, header)
            self._take(control, length - 2)
            if left:
                continue
            if is_last and self._command is not None:  # its data set comes at once
                filled = self._transport.read_at_least(header, PDU_HEADER.size)
            return filled

    def _checked_length(self, header: memoryview) -> int:
        length = int(PDU_HEADER.unpack_from(header)[1])
        if not PDV_HEADER.size <= length <= self._pdu_bytes_max:
            raise ProtocolViolation(
                f"A P-DATA-TF of {length} bytes came; we announced {self._config.max_pdu_bytes}."
            )
        return length

    def _room(self, context_id: int, control: int, size: int) -> memoryview:
        """Return where a fragment goes, after checking that it may come now."""
        self._transport.check_time()
        is_first = self._command is None and not self._command_used
        if is_first:
            if context_id not in self._contexts:
                raise ProtocolViolation(f"A fragment came in context {context_id}, which was not accepted.")
            self._context_id = context_id
        elif context_id != self._context_id:
            raise ProtocolViolation("The fragments of a message came in two presentation contexts.")
        if bool(control & _IS_COMMAND) != (self._command is None):
            raise ProtocolViolation(
                "A data set came where a command was due, or a command where a data set was.",
                reason=AbortReason.UNEXPECTED_PDU_PARAMETER,
            )
        if self._command is not None:
            return self._intake.room(size)
        if self._command_used + size > COMMAND_BYTES_MAX:
            raise ProtocolViolation(f"A command set is longer than {COMMAND_BYTES_MAX} bytes.")
        return self._command_view[self._command_used : self._command_used + size]

    def _take(self, control: int, size: int) -> None:
        """Account for a fragment that was read, and act when it was the last of its kind."""
        if self._command is not None:
            self._intake.filled(size)
            self.received_bytes += size
            if control & _IS_LAST:
                self._finish_data_set(self._command)
            return
        self._command_used += size
        if control & _IS_LAST:
            command = parse_command(bytes(self._command_view[: self._command_used]))
            self._command_used = 0
            self._begin(command)

    def _begin(self, command: Command) -> None:
        if command.has_data_set:
            self._command = command
            is_store = command.command_field == CommandField.C_STORE_RQ
            self._intake.begin(self._identity(command) if is_store else None)
        elif command.command_field == CommandField.C_ECHO_RQ:
            self._answer(command, Status.SUCCESS)
        elif command.command_field != CommandField.C_CANCEL_RQ:  # which has no answer, PS3.7 9.3.2.3
            self._answer(command, Status.UNRECOGNIZED_OPERATION)

    def _identity(self, command: Command) -> ObjectIdentity:
        return ObjectIdentity(
            sop_class_uid=command.sop_class_uid,
            sop_instance_uid=command.sop_instance_uid,
            transfer_syntax_uid=self._contexts[self._context_id].transfer_syntax_uid,
            calling_ae_title=self._request.calling_ae_title,
            solicited=self._is_solicited(command),
        )

    def _finish_data_set(self, command: Command) -> None:
        self._command = None
        status = self._intake.finish()
        if status is Status.SUCCESS and not self._is_safe(command):
            status = Status.OUT_OF_RESOURCES
        if status is Status.SUCCESS:
            self.stored_count += 1
        else:
            self.refused_count += 1
        self._answer(command, status)

    def _is_safe(self, command: Command) -> bool:
        """Return whether success may be answered: at once for what we asked for, else when it is on disk."""
        if self._is_solicited(command):
            return True
        try:
            self._intake.commit()
        except StorageFull:
            return False
        return True

    def _is_solicited(self, command: Command) -> bool:
        return command.move_originator_ae_title in self._config.own_move_originators

    def _answer(self, command: Command, status: Status) -> None:
        response = encode_response(command, status)
        self._transport.send(
            encode_command_pdus(self._context_id, response, peer_max_pdu_bytes=self._request.max_pdu_bytes)
        )
        self._transport.deadline = time.monotonic() + self._config.object_s

    @property
    def waiting_count(self) -> int:
        """How many objects are not durable yet."""
        return self._intake.waiting_count

    def commit(self) -> None:
        """Return when every object answered with success is durable.

        Raises
        ------
        StorageFull
        """
        self._intake.commit()

    def close(self) -> None:
        """Drop an object that came in part, and leave the writer to its owner.

        Raises
        ------
        StorageFull
            An object that was answered with success could not be kept.
        """
        self._intake.close()
