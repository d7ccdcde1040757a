"""One association to a peer, kept open from question to question; every failure a plain sentence."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pynetdicom
from pynetdicom import AE, _config, evt
from pynetdicom.presentation import build_context

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from pydicom.dataset import Dataset
    from pynetdicom.association import Association
    from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
    from pynetdicom.presentation import PresentationContext
    from pynetdicom.transport import AssociationSocket

    from beamkeeper.wire.dicom.peers import Peer, Timeouts

    Ask = Callable[[Association, int], Iterator[tuple[Dataset, Dataset | None]]]
    Answers = Generator[tuple[Dataset, Dataset | None], None, None]

# By default pynetdicom logs queries and answers, patient names included.
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False
_config.LOG_HANDLER_LEVEL = "none"

MESSAGE_ID_MAX = 65535
QUICK_S, PATIENT_S = 0.001, 0.02
"""How often the reactor looks for news: during a query, and otherwise."""
IDLE_S = 60.0
"""An association nobody used for that long is closed; the next question opens another."""
MAXIMUM_PDU_BYTES = 131_072
STATUS_SUCCESS = 0x0000
STATUS_PENDING = frozenset({0xFF00, 0xFF01})
_CALLED_UNKNOWN, _CALLING_UNKNOWN = (1, 7), (1, 3)
_BUSY_SOURCE = 3
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)
"""Linux only."""


class _Caller(AE):
    """An application entity that closes sockets which never got a connection; pynetdicom drops them open."""

    def __init__(self, ae_title: str) -> None:
        super().__init__(ae_title)
        self._sockets: list[socket.socket] = []

    def _create_socket(self, *args: Any) -> AssociationSocket:
        created = super()._create_socket(*args)
        if created.socket is not None:
            self._sockets.append(created.socket)
        return created

    def close_unconnected(self) -> None:
        """Close what an association that never came about left behind."""
        for left in self._sockets:
            left.close()


class Link:
    """Asks one peer over one association at a time; one thread only.

    Parameters
    ----------
    abstract_syntaxes
        SOP classes to negotiate.
    roles, handlers
        For C-GET: role selection and the C-STORE handler.
    """

    def __init__(
        self,
        *,
        own_ae_title: str,
        peer: Peer,
        timeouts: Timeouts,
        contexts: Sequence[PresentationContext],
        roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
        handlers: Sequence[tuple[evt.InterventionEvent, Callable[[evt.Event], int]]] = (),
    ) -> None:
        self._peer, self._timeouts, self._own_ae_title = peer, timeouts, own_ae_title
        self._contexts, self._roles, self._handlers = list(contexts), list(roles), list(handlers)
        self._association: Association | None = None
        self._message_id = 0
        self._answered_another = False

    def association(self) -> Association:
        """Return the open association, opening one where none is.

        Raises
        ------
        SourceUnavailable
            Nothing answers, or the peer refuses; the message says which.
        """
        if self._association is not None and self._association.is_established:
            return self._association
        self.close()
        self._association = self._open()
        return self._association

    def close(self) -> None:
        """Release the association; harmless when there is none."""
        association, self._association = self._association, None
        if association is not None and association.is_established:
            association.release()

    def next_message_id(self) -> int:
        """Return the Message ID of the next question; answers with another one are not taken."""
        self._message_id = self._message_id % MESSAGE_ID_MAX + 1
        self._answered_another = False
        return self._message_id

    def abort(self) -> None:
        """Break the association off: the peer has had its time."""
        association, self._association = self._association, None
        if association is not None and association.is_alive():
            association.abort()

    def verify_accepted(self, sop_class_uid: str, what: str) -> None:
        """Raise SourceAnswerInvalid unless the peer offers that service."""
        accepted = {context.abstract_syntax for context in self.association().accepted_contexts}
        if sop_class_uid not in accepted:
            raise SourceAnswerInvalid(
                f"{self._peer} accepts the association but does not offer {what}.",
                do_next="Ask its administrator to allow this service for our AE title.",
                sop_class_uid=sop_class_uid,
            )

    def answers(
        self,
        ask: Ask,
        *,
        service: str,
        wait_s: float,
        deadline: float,
    ) -> Answers:
        """Yield (status, identifier) until the peer has finished.

        Parameters
        ----------
        wait_s
            Longest silence between two answers.
        deadline
            End of all answers, on the monotonic clock.

        Raises
        ------
        SourceUnavailable
            The peer fell silent, hung up, or was not done by the deadline.
        """
        association = self.association()
        association.dimse_timeout = wait_s
        _pace(association, QUICK_S if service.startswith("C-FIND") else PATIENT_S)
        finished = False
        try:
            for status, identifier in self._ask(association, ask):
                if self._answered_another:
                    raise SourceAnswerInvalid(f"{self._peer} answered a question that was not asked.")
                if "Status" not in status:
                    raise SourceUnavailable(
                        f"{self._peer} stopped answering during {service} (waited {wait_s:g} s at most).",
                        service=service,
                    )
                finished = status.Status not in STATUS_PENDING
                yield status, identifier
                if not finished and time.monotonic() > deadline:
                    raise SourceUnavailable(
                        f"{self._peer} did not finish {service} in the time given.",
                        service=service,
                    )
        finally:
            _pace(association, PATIENT_S)
            if not finished:
                self.abort()

    def _ask(self, association: Association, ask: Ask) -> Answers:
        try:
            yield from ask(association, self.next_message_id())
        except RuntimeError as error:  # pynetdicom: the association ended between two questions
            raise SourceUnavailable(f"{self._peer} closed the association.") from error

    def _open(self) -> Association:
        ae = _Caller(ae_title=self._own_ae_title)
        ae.connection_timeout = self._timeouts.connect_s
        ae.acse_timeout = self._timeouts.associate_s
        ae.dimse_timeout = self._timeouts.answer_s
        ae.network_timeout = IDLE_S
        ae.maximum_pdu_size = MAXIMUM_PDU_BYTES
        connected: list[evt.Event] = []

        def on_connected(event: evt.Event) -> None:
            connected.append(event)
            _set_tcp(event, socket.TCP_NODELAY)

        tls = self._peer.tls
        try:
            association = ae.associate(
                self._peer.host,
                self._peer.port,
                contexts=self._contexts,
                ae_title=self._peer.ae_title,
                max_pdu=MAXIMUM_PDU_BYTES,
                ext_neg=list(self._roles),
                tls_args=None if tls is None else (tls.context(), tls.server_name or self._peer.host),
                evt_handlers=[
                    (evt.EVT_CONN_OPEN, on_connected),
                    (evt.EVT_DATA_SENT, lambda event: _set_tcp(event, _QUICK_ACK)),
                    (evt.EVT_DATA_RECV, lambda event: _set_tcp(event, _QUICK_ACK)),
                    *self._handlers,
                ],
            )
        except OSError as error:
            raise SourceUnavailable(
                f"There is no way to {self._peer}: {error.strerror or 'the host is unknown'}.",
                do_next="Check host and port in the site file, and that the network is up.",
            ) from error
        if association.is_established:
            self._take_answers_only_when_asked(association)
            return association
        ae.close_unconnected()
        raise self._why_not(association, connected=bool(connected))

    def _take_answers_only_when_asked(self, association: Association) -> None:
        """Leave every answer to the one who waits for it.

        pynetdicom's own thread looks for messages as well, and is paused while one of our questions
        runs; but it can be on its way past the pause when the question is sent, and then takes an
        answer and drops it: a list with an object missing and no error (seen once in some hundred
        queries on a busy machine). We serve no requests between questions, so it gets none.
        """
        take = association.dimse.get_msg

        def get_msg(block: bool = False) -> Any:  # noqa: FBT001, FBT002 - pynetdicom calls it so
            if not block:
                return None, None
            context_id, message = take(block=True)
            answers = getattr(message, "MessageIDBeingRespondedTo", None)
            if answers is not None and answers != self._message_id:
                self._answered_another = True
                return None, None
            return context_id, message

        association.dimse.get_msg = get_msg  # type: ignore[method-assign]

    def _why_not(self, association: Association, *, connected: bool) -> SourceUnavailable:
        if association.is_rejected:
            return self._why_rejected(association)
        if not connected and self._peer.tls is not None:
            return SourceUnavailable(
                f"There is no TLS connection to {self._peer}: nothing answers there, or one side "
                "does not accept the other's certificate.",
                do_next="Check host, port, certificate and authority files in the site file.",
            )
        if not connected:
            return SourceUnavailable(
                f"Nothing answers as {self._peer}.",
                do_next="Check host and port in the site file, that the peer runs, and the firewall.",
            )
        return SourceUnavailable(
            f"{self._peer} takes connections but agrees to no association.",
            do_next="Check that DICOM listens on this port, with or without TLS as in the site file.",
        )

    def _why_rejected(self, association: Association) -> SourceUnavailable:
        answer = association.acceptor.primitive
        source = getattr(answer, "result_source", None)
        reason = (source, getattr(answer, "diagnostic", None))
        if reason == _CALLED_UNKNOWN:
            return SourceUnavailable(
                f"{self._peer.host}:{self._peer.port} does not answer to the AE title {self._peer.ae_title}.",
                do_next="Ask for the peer's right AE title and put it into the site file.",
            )
        if reason == _CALLING_UNKNOWN:
            return SourceUnavailable(
                f"{self._peer} does not know our AE title {self._own_ae_title}.",
                do_next="Have our AE title, address and port entered at the peer.",
            )
        if source == _BUSY_SOURCE:
            return SourceUnavailable(f"{self._peer} is busy and refuses the association for now.")
        return SourceUnavailable(f"{self._peer} refuses the association.", source=source, reason=reason[1])


def _pace(association: Association, delay_s: float) -> None:
    """Say how often pynetdicom's reactor looks at the socket: it polls, and knows no other way.

    Once a millisecond while answers of a query are awaited one by one; seldom while the peer sends
    thousands of objects elsewhere, or nothing is asked at all. There polling was a third of our CPU.
    """
    association.dul._run_loop_delay = delay_s  # noqa: SLF001 - documented there as the knob


def _set_tcp(event: evt.Event, option: int | None) -> None:
    """Set one TCP option of an association's socket, where the system has it.

    A question is a command and a data set, an answer too: where one side waits with the second for
    the acknowledgement of the first (Nagle) and the other delays it, each costs 40 ms. The
    acknowledgement setting does not last and is renewed with each piece of data.
    """
    connection = event.assoc.dul.socket
    if option is not None and connection is not None and connection.socket is not None:
        with suppress(OSError):
            connection.socket.setsockopt(socket.IPPROTO_TCP, option, 1)


def query_context(sop_class_uid: str) -> PresentationContext:
    """Return a context for a query service in the uncompressed transfer syntaxes."""
    return build_context(sop_class_uid, pynetdicom.DEFAULT_TRANSFER_SYNTAXES[:2])
