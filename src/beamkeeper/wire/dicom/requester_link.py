"""One association to a peer, kept open from question to question; every failure a plain sentence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.dicom.dimse_requestor import Question, Response, encode_request
from beamkeeper.wire.dicom.pdu import PDU_HEADER, AbortReason, PduType, ProposedContext, ProtocolViolation
from beamkeeper.wire.dicom.pdu_requestor import encode_associate_rq, parse_associate_ac, parse_associate_rj
from beamkeeper.wire.dicom.requester_association import (
    ASSOCIATE_ANSWER_BYTES_MAX,
    MAX_PDU_BYTES,
    ClientAssociation,
    Inbox,
)
from beamkeeper.wire.dicom.requester_connection import connect, no_tls
from beamkeeper.wire.dicom.requester_query import EXPLICIT_LITTLE_UID, IMPLICIT_LITTLE_UID
from beamkeeper.wire.dicom.transport import ConnectionLost, PeerTooSlow

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from typing import TypeAlias

    from beamkeeper.wire.dicom.pdu import AnsweredContext
    from beamkeeper.wire.dicom.pdu_requestor import AssociateAnswer, Refusal
    from beamkeeper.wire.dicom.peers import Peer, Timeouts
    from beamkeeper.wire.dicom.requester_association import Take
    from beamkeeper.wire.dicom.requester_query import Query
    from beamkeeper.wire.dicom.transport import Transport

    Answers: TypeAlias = Generator[tuple[Response, bytes, bool], None, None]
    """Response, identifier (b"" for none), and whether the identifier is in explicit VR."""

MESSAGE_ID_MAX = 65535
ANSWERS_MAX = 1_000_000
"""Answers one question may have: a report for each object of the largest archive's largest transfer."""
ANSWERS_BYTES_MAX = 256 << 20
"""All answers to one question together: half a million objects at 500 bytes each, as much as is asked for."""
IDLE_S = 60.0
"""An association nobody used for that long is closed; the next question opens another."""
_CALLED_UNKNOWN, _CALLING_UNKNOWN = (1, 7), (1, 3)
_BUSY_SOURCE = 3


class Link:
    """Asks one peer over one association at a time; one thread only.

    Parameters
    ----------
    contexts
        What is proposed: abstract syntax and transfer syntaxes, at most 128.
    storage_roles, take
        For C-GET: SOP classes we take, and who keeps their objects.
    """

    def __init__(
        self,
        *,
        own_ae_title: str,
        peer: Peer,
        timeouts: Timeouts,
        contexts: Iterable[tuple[str, Sequence[str]]],
        storage_roles: Sequence[str] = (),
        take: Take | None = None,
    ) -> None:
        self._peer, self._timeouts, self._own_ae_title = peer, timeouts, own_ae_title
        self._contexts = tuple(
            ProposedContext(
                context_id=2 * index + 1, abstract_syntax_uid=uid, transfer_syntax_uids=tuple(syntaxes)
            )
            for index, (uid, syntaxes) in enumerate(contexts)
        )
        self._storage_roles, self._take = storage_roles, take
        self._association: ClientAssociation | None = None
        self._message_id = 0

    def association(self) -> ClientAssociation:
        """Return the open association, opening one where none is.

        Raises
        ------
        SourceUnavailable
            Nothing answers, or the peer refuses; the message says which.
        SourceAnswerInvalid
            The peer went on answering a question that was over.
        """
        if self._association is None or not self._is_usable(self._association):
            self.close()
            self._association = self._open()
        return self._association

    def close(self) -> None:
        """Release the association; harmless when there is none."""
        association, self._association = self._association, None
        if association is not None:
            association.release()

    def abort(self, reason: AbortReason | None = None) -> None:
        """Break the association off: the peer has had its time."""
        association, self._association = self._association, None
        if association is not None:
            association.abort(reason)

    def answers(
        self,
        question: Question,
        sop_class_uid: str,
        identifier: Query | None = None,
        *,
        service: str,
        wait_s: float,
        deadline: float,
        move_destination_ae_title: str = "",
    ) -> Answers:
        """Ask, and yield answers until the peer has finished.

        Parameters
        ----------
        wait_s
            Longest silence.
        deadline
            End of all answers, on the monotonic clock.

        Raises
        ------
        SourceUnavailable
            The peer fell silent, hung up, or was not done by the deadline.
        SourceAnswerInvalid
            Its answers break DICOM, or it does not offer the service.
        """
        association = self.association()
        context = self._context(association, sop_class_uid, service)
        finished = False
        try:
            association.set_limits(silence_s=wait_s, deadline=deadline)
            for response, data, is_explicit in self._asked(
                association, context, question, identifier, move_destination_ae_title
            ):
                finished = not response.is_pending
                yield response, data, is_explicit
                if not finished and time.monotonic() > deadline:
                    raise self._not_done(service)
        except PeerTooSlow as error:
            if time.monotonic() > deadline:
                raise self._not_done(service) from error
            raise SourceUnavailable(
                f"{self._peer} stopped answering during {service} (waited {wait_s:g} s at most).",
                service=service,
            ) from error
        except ConnectionLost as error:
            raise SourceUnavailable(f"{self._peer} closed the association.", service=service) from error
        except ProtocolViolation as error:
            self.abort(error.reason)
            raise SourceAnswerInvalid(
                f"{self._peer} answers {service} in bytes that are not DICOM: {error.message}",
                service=service,
            ) from error
        finally:
            if not finished:
                self.abort()

    def _context(self, association: ClientAssociation, sop_class_uid: str, service: str) -> AnsweredContext:
        context = association.context_of(sop_class_uid)
        if context is None:
            raise SourceAnswerInvalid(
                f"{self._peer} accepts the association but does not offer {service.partition(' ')[0]}.",
                do_next="Ask its administrator to allow this service for our AE title.",
                sop_class_uid=sop_class_uid,
            )
        return context

    def _asked(
        self,
        association: ClientAssociation,
        context: AnsweredContext,
        question: Question,
        identifier: Query | None,
        destination: str,
    ) -> Answers:
        """Send one question and yield what answers it, to the last answer."""
        is_explicit = context.transfer_syntax_uid == EXPLICIT_LITTLE_UID
        message_id = self._message_id = self._message_id % MESSAGE_ID_MAX + 1
        command = encode_request(
            question,
            message_id=message_id,
            sop_class_uid=context.abstract_syntax_uid,
            move_destination_ae_title=destination,
        )
        asked = b"" if identifier is None else identifier.encoded(explicit=is_explicit)
        association.send(context, command, asked)
        bytes_left = ANSWERS_BYTES_MAX
        for _ in range(ANSWERS_MAX):
            response, data = association.receive()
            if (response.message_id, response.answers) != (message_id, question):
                raise self._not_asked()
            bytes_left -= len(data)
            if bytes_left < 0:
                break
            yield response, data, is_explicit
            if not response.is_pending:
                return
        raise SourceAnswerInvalid(
            f"{self._peer} sent more than {ANSWERS_MAX} answers or {ANSWERS_BYTES_MAX} bytes to one question."
        )

    def _is_usable(self, association: ClientAssociation) -> bool:
        """Whether the next question may go over this association."""
        if not association.is_open or time.monotonic() - association.used_at > IDLE_S:
            return False
        if association.is_quiet():
            return True
        try:
            if association.is_answering(limit_s=self._timeouts.answer_s):
                self.abort()
                raise self._not_asked()
        except (ConnectionLost, PeerTooSlow):
            association.abort()
        return False

    def _not_asked(self) -> SourceAnswerInvalid:
        return SourceAnswerInvalid(f"{self._peer} answered a question that was not asked.")

    def _not_done(self, service: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self._peer} did not finish {service} in the time given.",
            service=service,
        )

    def _open(self) -> ClientAssociation:
        transport = connect(self._peer, limit_s=self._timeouts.connect_s)
        try:
            inbox = Inbox(transport)
            answer = self._agree(transport, inbox)
        except BaseException:
            transport.close()
            raise
        return ClientAssociation(transport, inbox, answer, take=self._take)

    def _agree(self, transport: Transport, inbox: Inbox) -> AssociateAnswer:
        """Ask for the association and return what the peer agrees to."""
        transport.silence_limit_s = self._timeouts.associate_s
        transport.deadline = time.monotonic() + self._timeouts.associate_s
        request = encode_associate_rq(
            called_ae_title=self._peer.ae_title,
            calling_ae_title=self._own_ae_title,
            contexts=self._contexts,
            max_pdu_bytes=MAX_PDU_BYTES,
            storage_roles=self._storage_roles,
        )
        try:
            transport.send(request)
            kind, body = _associate_answer(inbox)
            if kind == PduType.A_ASSOCIATE_AC:
                return parse_associate_ac(body, self._contexts)
            refusal = parse_associate_rj(body)
        except ConnectionLost as error:
            # With TLS 1.3 a server says only now that it does not accept our certificate, and not every
            # one waits for its words to arrive; one that merely hangs up leaves no cause.
            is_about_tls = self._peer.tls is not None and error.__cause__ is not None
            raise (no_tls(self._peer) if is_about_tls else self._no_association()) from error
        except (PeerTooSlow, ProtocolViolation) as error:
            raise self._no_association() from error
        raise self._why_rejected(refusal)

    def _no_association(self) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self._peer} takes connections but agrees to no association.",
            do_next="Check that DICOM listens on this port, with or without TLS as in the site file.",
        )

    def _why_rejected(self, refusal: Refusal) -> SourceUnavailable:
        reason = (refusal.source, refusal.reason)
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
        if refusal.source == _BUSY_SOURCE:
            return SourceUnavailable(f"{self._peer} is busy and refuses the association for now.")
        return SourceUnavailable(
            f"{self._peer} refuses the association.", source=refusal.source, reason=refusal.reason
        )


def _associate_answer(inbox: Inbox) -> tuple[int, bytes]:
    kind, length = inbox.pdu_header()
    is_answer = kind in {PduType.A_ASSOCIATE_AC, PduType.A_ASSOCIATE_RJ}
    if not is_answer or length > ASSOCIATE_ANSWER_BYTES_MAX:
        raise ProtocolViolation("What came is no answer to an association request.")
    return kind, bytes(inbox.take(PDU_HEADER.size + length)[PDU_HEADER.size :])


def query_context(sop_class_uid: str) -> tuple[str, Sequence[str]]:
    """Return a context for a query service in the uncompressed transfer syntaxes."""
    return sop_class_uid, (IMPLICIT_LITTLE_UID, EXPLICIT_LITTLE_UID)
