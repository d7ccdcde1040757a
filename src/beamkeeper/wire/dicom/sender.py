"""Sending objects to a storage provider: C-STORE, byte for byte, of any size, over our own association.

A data set goes out as it lies in its file. Each pair of SOP class and transfer syntax has a presentation
context of its own, so that a peer agrees to exactly what we hold or says that it does not; nothing is
encoded anew to please it. "Success" means that the peer said so, and no more.

References
----------
DICOM PS3.4 annex B (Storage Service Class), PS3.7 9.1.1 (C-STORE)
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.dicom.dimse_requestor import Question, encode_request
from beamkeeper.wire.dicom.outgoing import StoreAnswer, StoreVerdict
from beamkeeper.wire.dicom.pdu import CONTEXTS_MAX, ProtocolViolation
from beamkeeper.wire.dicom.peers import Peer, Timeouts, verify_ae_title
from beamkeeper.wire.dicom.requester_link import MESSAGE_ID_MAX, Link
from beamkeeper.wire.dicom.transport import ConnectionLost, PeerTooSlow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from beamkeeper.wire.dicom.dimse_requestor import Response
    from beamkeeper.wire.dicom.outgoing import Outgoing
    from beamkeeper.wire.dicom.pdu import AnsweredContext
    from beamkeeper.wire.dicom.requester_association import ClientAssociation

__all__ = ["Peer", "Sender", "StoreAnswer", "StoreVerdict", "Timeouts"]

WARNINGS: Final = frozenset({0x0001, 0xB000, 0xB006, 0xB007})
_OUT_OF_RESOURCES: Final = 0xA700
_WORDS: Final = {
    0x0110: "processing failure",
    0x0112: "it does not know the object",
    0x0117: "the object's identity is not valid",
    0x0122: "it does not store objects of this class",
    0x0124: "we are not allowed to store there",
    0x0210: "it has had this message already",
    0x0211: "it does not know C-STORE",
    0xB000: "elements were changed on arrival",
    0xB006: "elements were thrown away on arrival",
    0xB007: "the object does not match its class",
}
_WORDS_BY_RANGE: Final = {
    0xA700: "out of resources: it has no room",
    0xA900: "the object does not match its class",
    0xC000: "it cannot understand the object",
}


class Sender:
    """Stores objects at one peer, one after the other; one thread only. A context manager.

    Parameters
    ----------
    kinds
        (SOP class, transfer syntax) of everything that will be sent. Of more than 128, only so many are
        proposed at a time; objects sorted by kind then need the fewest associations.
    """

    def __init__(
        self,
        *,
        own_ae_title: str,
        peer: Peer,
        kinds: Iterable[tuple[str, str]],
        timeouts: Timeouts | None = None,
    ) -> None:
        verify_ae_title(own_ae_title)
        self._own_ae_title, self._peer, self._timeouts = own_ae_title, peer, timeouts or Timeouts()
        ordered = sorted(set(kinds))
        groups = [ordered[at : at + CONTEXTS_MAX] for at in range(0, len(ordered), CONTEXTS_MAX)]
        self._group_of = {kind: tuple(group) for group in groups for kind in group}
        self._proposed: tuple[tuple[str, str], ...] = ()
        self._link: Link | None = None
        self._message_id = 0

    @property
    def peer(self) -> Peer:
        """Whom we send to."""
        return self._peer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the association; harmless when there is none."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def store(self, item: Outgoing) -> StoreAnswer:
        """Send one object and return what the peer says of it.

        Raises
        ------
        SourceUnavailable
            Nothing answers, the peer hung up, or it took too long: whether it has the object is unknown.
        SourceAnswerInvalid
            Its answers break DICOM.
        """
        link = self._link_for((item.sop_class_uid, item.transfer_syntax_uid))
        association = link.association()
        context = association.context_of(item.sop_class_uid, item.transfer_syntax_uid)
        if context is None:
            reason = (
                f"it does not agree to class {item.sop_class_uid} in transfer syntax"
                f" {item.transfer_syntax_uid}"
            )
            return StoreAnswer(verdict=StoreVerdict.NOT_AGREED, reason=reason)
        is_whole = False
        try:
            response = self._exchanged(association, context, item)
            is_whole = True
        except PeerTooSlow as error:
            raise SourceUnavailable(f"{self._peer} did not finish C-STORE in the time given.") from error
        except ConnectionLost as error:
            raise SourceUnavailable(
                f"{self._peer} closed the association during C-STORE.",
                do_next="See its log: it may have no room, or refuse the object.",
            ) from error
        except ProtocolViolation as error:
            link.abort(error.reason)
            raise SourceAnswerInvalid(
                f"{self._peer} answers C-STORE in bytes that are not DICOM: {error.message}"
            ) from error
        finally:
            if not is_whole:
                link.abort()
        return _answer(response)

    def _link_for(self, kind: tuple[str, str]) -> Link:
        group = self._group_of.get(kind, (kind,))
        if self._link is None or group != self._proposed:
            self.close()
            self._proposed = group
            self._link = Link(
                own_ae_title=self._own_ae_title,
                peer=self._peer,
                timeouts=self._timeouts,
                contexts=[(sop_class, (syntax,)) for sop_class, syntax in group],
            )
        return self._link

    def _exchanged(
        self, association: ClientAssociation, context: AnsweredContext, item: Outgoing
    ) -> Response:
        """Send one object whole and return the answer to it."""
        message_id = self._message_id = self._message_id % MESSAGE_ID_MAX + 1
        command = encode_request(
            Question.C_STORE,
            message_id=message_id,
            sop_class_uid=item.sop_class_uid,
            sop_instance_uid=item.sop_instance_uid,
        )
        deadline = time.monotonic() + self._timeouts.transfer_s
        association.set_limits(silence_s=self._timeouts.pending_s, deadline=deadline)
        with item.path.open("rb", buffering=0) as file:
            file.seek(item.data_set_at)
            association.send_object(context, command, file, item.data_set_bytes)
        response, _ = association.receive()
        if (response.message_id, response.answers) != (message_id, Question.C_STORE) or response.is_pending:
            raise ProtocolViolation("It is not the answer to what was sent.")
        return response


def _answer(response: Response) -> StoreAnswer:
    status = response.status
    if status == 0:
        return StoreAnswer(verdict=StoreVerdict.STORED)
    words = _WORDS.get(status) or _WORDS_BY_RANGE.get(status & 0xFF00 if status < 0xC000 else status & 0xF000)  # noqa: PLR2004 - Cxxx is one range (PS3.4 B.2-1)
    reason = f"{response.comment or words or 'it gives no reason'} (status {status:04X})"
    if status in WARNINGS:
        return StoreAnswer(verdict=StoreVerdict.WARNED, status=status, reason=reason)
    is_full = status & 0xFF00 == _OUT_OF_RESOURCES
    verdict = StoreVerdict.FULL if is_full else StoreVerdict.REFUSED
    return StoreAnswer(verdict=verdict, status=status, reason=reason)
