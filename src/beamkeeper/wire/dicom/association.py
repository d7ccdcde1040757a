"""One association from its first byte to its last: the state machine, driven by what the peer sends."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, ClassVar

from beamkeeper.errors import StorageFull
from beamkeeper.wire.dicom import pdu
from beamkeeper.wire.dicom.messages import HEADER_BYTES, Messages
from beamkeeper.wire.dicom.negotiation import WRONG_NAMES, answer_contexts, refusal
from beamkeeper.wire.dicom.pdu import AbortReason, ContextResult, PduType, ProtocolViolation
from beamkeeper.wire.dicom.state import NEXT_STATE, Action, Event, State, action_for
from beamkeeper.wire.dicom.transport import ConnectionLost, PeerTooSlow, ReceiverStopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.wire.dicom.receiver import ReceiverConfig
    from beamkeeper.wire.dicom.spool import SpoolWriter
    from beamkeeper.wire.dicom.transport import Transport

COMMIT_IDLE_S = 0.05
"""Silence after which a group is committed: Orthanc keeps associations open long after a C-MOVE."""

_EVENTS = {
    PduType.A_ASSOCIATE_RQ: Event.ASSOCIATE_RQ_RECEIVED,
    PduType.A_ASSOCIATE_AC: Event.ASSOCIATE_AC_RECEIVED,
    PduType.A_ASSOCIATE_RJ: Event.ASSOCIATE_RJ_RECEIVED,
    PduType.P_DATA_TF: Event.P_DATA_RECEIVED,
    PduType.A_RELEASE_RQ: Event.RELEASE_RQ_RECEIVED,
    PduType.A_RELEASE_RP: Event.RELEASE_RP_RECEIVED,
    PduType.A_ABORT: Event.ABORT_RECEIVED,
}
_SHORT_PDU_BYTES = 4  # variable field of A-RELEASE and A-ABORT, PS3.8 9.3.6 to 9.3.8


class Association:
    """The acceptor's side of one association; `run` returns when it is over.

    Attributes
    ----------
    ended_by
        Why it ended, in words without identifiers: for the log.
    messages
        None before it is established.

    Parameters
    ----------
    is_address_allowed, is_busy
        What the listener knows of the peer's address and of how many associations there are.
    """

    def __init__(
        self,
        transport: Transport,
        config: ReceiverConfig,
        writer: SpoolWriter,
        *,
        is_address_allowed: bool,
        is_busy: bool,
    ) -> None:
        self._transport = transport
        self._config = config
        self._writer = writer
        self._is_address_allowed = is_address_allowed
        self._is_busy = is_busy
        self._state = State.IDLE
        self._header = memoryview(bytearray(HEADER_BYTES))
        self._filled = 0
        self._request: pdu.AssociateRequest | None = None
        self._abort_reason = AbortReason.NOT_SPECIFIED
        self._is_deaf = False
        self.messages: Messages | None = None
        self.refused: pdu.AssociateRequest | None = None
        self.ended_by = ""

    def run(self) -> None:
        """Serve the peer to the end; what was stored is durable then.

        Raises
        ------
        StorageFull
            Objects that were answered with success could not be made durable (we ask for them again).
        """
        event: Event | None = Event.TRANSPORT_CONNECTED
        try:
            while event is not None:
                event = self._follow(event)
        except ReceiverStopped as stopped:
            self._note(stopped.message)
            if self._state is State.ESTABLISHED:
                with contextlib.suppress(ConnectionLost):
                    self._act(Event.ABORT)
        finally:
            with contextlib.closing(self._transport), contextlib.closing(self._writer):
                if self.messages is not None:
                    self.messages.close()

    def _follow(self, event: Event) -> Event | None:
        """Do what `event` asks for; return what happens next, None at the end."""
        try:
            following = self._act(event)
            if following is None and self._state is not State.IDLE:
                following = self._receive()
        except ConnectionLost as error:
            self._note(error.message)
            return Event.TRANSPORT_CLOSED
        except PeerTooSlow as error:
            self._note(error.message)
            has_artim = self._state in (State.AWAITING_ASSOCIATE_RQ, State.AWAITING_CLOSE)
            return Event.ARTIM_EXPIRED if has_artim else Event.ABORT
        except ProtocolViolation as error:
            self._note(error.message)
            self._abort_reason = error.reason
            return Event.INVALID_PDU_RECEIVED
        except StorageFull as error:
            self._note(error.message)
            return Event.ABORT
        return following

    def _act(self, event: Event) -> Event | None:
        action = action_for(self._state, event)
        if action is Action.AA_8 and event is not Event.INVALID_PDU_RECEIVED:
            self._note(f"The peer sent {event.name} in {self._state.value}.")
            self._abort_reason = AbortReason.UNEXPECTED_PDU
        self._state = NEXT_STATE[action]
        return self._ACTIONS[action](self)

    def _note(self, ended_by: str) -> None:
        """Keep the first reason: what follows is its consequence."""
        self.ended_by = self.ended_by or ended_by

    # What the actions of PS3.8 tables 9-6 to 9-9 do.

    def _start_artim(self) -> None:
        self._transport.deadline = time.monotonic() + self._config.artim_s
        self._transport.silence_limit_s = self._config.artim_s

    def _indicate_request(self) -> Event:
        """AE-6: decide."""
        return Event.REJECT if self._refusal() else Event.ACCEPT

    def _refusal(self) -> pdu.Rejection | None:
        return refusal(
            self._asked,
            ae_title=self._config.ae_title,
            allowed_calling_ae_titles=self._config.allowed_calling_ae_titles,
            is_address_allowed=self._is_address_allowed,
            is_busy=self._is_busy,
        )

    @property
    def _asked(self) -> pdu.AssociateRequest:
        assert self._request is not None, "no request before Sta3"  # noqa: S101 - our own order of states
        return self._request

    @property
    def _established(self) -> Messages:
        assert self.messages is not None, "messages exist in Sta6"  # noqa: S101 - our own order of states
        return self.messages

    def _accept(self) -> None:
        """AE-7."""
        answers = answer_contexts(self._asked)
        accepted = {a.context_id: a for a in answers if a.result is ContextResult.ACCEPTANCE}
        self.messages = Messages(self._transport, self._config, self._asked, accepted, self._writer)
        self._transport.silence_limit_s = self._config.idle_s
        max_pdu_bytes = self._config.max_pdu_bytes
        self._transport.send(pdu.encode_associate_ac(self._asked, answers, max_pdu_bytes=max_pdu_bytes))

    def _reject(self) -> None:
        """AE-8."""
        rejection = self._refusal()
        assert rejection is not None, "Evt8 follows a refusal"  # noqa: S101 - our own order of events
        self._note(f"Refused: {rejection.name}.")
        if rejection in WRONG_NAMES:
            self.refused = self._asked
        self._start_artim()
        self._transport.send(pdu.encode_associate_rj(rejection))

    def _indicate_data(self) -> None:
        """DT-2: the body of the PDU is read here, straight to where it belongs."""
        self._filled = self._established.receive(self._header, self._filled)

    def _indicate_release(self) -> Event:
        """AR-2: everything is durable before the peer hears that it may go."""
        self._note("Released.")
        self._established.commit()
        return Event.RELEASE

    def _answer_release(self) -> None:
        """AR-4."""
        self._start_artim()
        self._transport.send(pdu.encode_release_rp())

    def _abort_as_user(self) -> None:
        """AA-1."""
        self._abort(None)

    def _abort_as_provider(self) -> None:
        """AA-7, AA-8."""
        self._abort(self._abort_reason)

    def _abort(self, reason: AbortReason | None) -> None:
        """Say so once; after words we could not follow, the rest is thrown away unread."""
        self._start_artim()
        self._is_deaf = True
        self._transport.send(pdu.encode_abort(reason))

    def _end(self) -> None:
        """AA-2 to AA-5, AR-5: `run` closes the connection."""
        self._note("The peer aborted.")

    def _nothing(self) -> None:
        """AA-6."""

    # What comes next.

    def _receive(self) -> Event:
        if self._is_deaf:
            while True:
                self._transport.read_at_least(self._header, 1)
        if self._state is State.ESTABLISHED and not self._filled:
            self._await_message()
        if self._filled < pdu.PDU_HEADER.size:
            self._read_header()
        kind, length = pdu.PDU_HEADER.unpack_from(self._header)
        if kind not in _EVENTS:
            raise ProtocolViolation(f"A PDU of type {kind:02X}H came.", reason=AbortReason.UNRECOGNIZED_PDU)
        if kind != PduType.P_DATA_TF or self._state is not State.ESTABLISHED:
            self._take_body(kind, length)
        return _EVENTS[PduType(kind)]

    def _await_message(self) -> None:
        """Wait between messages, and use the silence to make durable what came."""
        messages = self._established
        if messages.waiting_count and not self._transport.wait(COMMIT_IDLE_S):
            messages.commit()
        if not messages.waiting_count and not self._transport.wait(self._config.idle_s):
            raise PeerTooSlow(f"No message came for {self._config.idle_s:.0f} s.")
        self._transport.deadline = time.monotonic() + self._config.object_s

    def _read_header(self) -> None:
        """Read what is there of a PDU header and, of a P-DATA-TF, of its first fragment's."""
        wanted = HEADER_BYTES if self._state is State.ESTABLISHED else pdu.PDU_HEADER.size
        rest = self._header[self._filled : wanted]
        self._filled += self._transport.read_at_least(rest, pdu.PDU_HEADER.size - self._filled)

    def _take_body(self, kind: int, length: int) -> None:
        """Read the variable field of a PDU other than P-DATA-TF in Sta6; remember a request."""
        is_short = kind in (PduType.A_RELEASE_RQ, PduType.A_RELEASE_RP, PduType.A_ABORT)
        if length > pdu.ASSOCIATE_RQ_BYTES_MAX or (is_short and length != _SHORT_PDU_BYTES):
            raise ProtocolViolation(f"A PDU of type {kind:02X}H announces {length} bytes.")
        body = bytearray(length)
        start = pdu.PDU_HEADER.size
        early = min(length, self._filled - start)
        body[:early] = self._header[start : start + early]
        self._transport.read(memoryview(body)[early:])
        rest = bytes(self._header[start + early : self._filled])
        self._header[: len(rest)] = rest
        self._filled = len(rest)
        if kind == PduType.A_ASSOCIATE_RQ and self._state is State.AWAITING_ASSOCIATE_RQ:
            self._request = pdu.parse_associate_rq(bytes(body), contexts_max=self._config.max_contexts)

    _ACTIONS: ClassVar[dict[Action, Callable[[Association], Event | None]]] = {
        Action.AE_5: _start_artim,
        Action.AE_6: _indicate_request,
        Action.AE_7: _accept,
        Action.AE_8: _reject,
        Action.DT_2: _indicate_data,
        Action.AR_2: _indicate_release,
        Action.AR_4: _answer_release,
        Action.AR_5: _end,
        Action.AA_1: _abort_as_user,
        Action.AA_2: _end,
        Action.AA_3: _end,
        Action.AA_4: _end,
        Action.AA_5: _end,
        Action.AA_6: _nothing,
        Action.AA_7: _abort_as_provider,
        Action.AA_8: _abort_as_provider,
    }
