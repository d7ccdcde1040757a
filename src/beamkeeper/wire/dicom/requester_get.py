"""C-GET: objects over our own association, straight into a spool, byte for byte as sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.wire.dicom.dimse_requestor import Question
from beamkeeper.wire.dicom.intake import Intake
from beamkeeper.wire.dicom.pdu import CONTEXTS_MAX, ProtocolViolation
from beamkeeper.wire.dicom.requester_association import MAX_PDU_BYTES, PDU_SLACK_BYTES
from beamkeeper.wire.dicom.requester_link import Link, query_context
from beamkeeper.wire.dicom.spool import ObjectIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beamkeeper.wire.dicom.dimse import Command, Status
    from beamkeeper.wire.dicom.pdu import AnsweredContext
    from beamkeeper.wire.dicom.peers import Peer, Timeouts
    from beamkeeper.wire.dicom.requester_link import Answers
    from beamkeeper.wire.dicom.requester_query import Query
    from beamkeeper.wire.dicom.spool import SpoolWriter

STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
OBJECT_BYTES_MAX = 4 << 30
"""Longest object that is kept, as in our receiver; a longer one is refused, the others go on."""
OFFERS_MAX = CONTEXTS_MAX - 1
"""Presentation contexts that are left for storage: C-GET itself takes one."""

_STORAGE = "1.2.840.10008.5.1.4.1.1."
USUAL = tuple(
    _STORAGE + suffix
    for suffix in (
        *("481.1", "481.2", "481.3", "481.4", "481.5", "481.6", "481.7", "481.8", "481.9"),
        *("2", "2.1", "4", "4.1", "128", "130", "66.1", "66.2", "66.3", "66.4", "104.1", "7"),
        *("1", "1.1", "7.4", "88.11", "88.22", "88.33", "88.67", "11.1", "12.1", "20", "6.1"),
    )
)
"""What a radiotherapy archive may hold, where it does not say what it holds."""
_WITHOUT_PIXELS = frozenset(
    _STORAGE + suffix
    for suffix in (
        *("481.3", "481.4", "481.5", "481.6", "481.7", "481.8", "481.9"),
        *("66.1", "66.2", "66.3", "104.1", "88.11", "88.22", "88.33", "88.67", "11.1"),
    )
)
_PLAIN = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_DEFLATED, _BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
_ENCAPSULATED = (
    *("1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"),
    *("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"),
    *("1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.81"),
    *("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"),
)
_OFFERS_LEAST = 3
"""Explicit, implicit, and everything else together."""


def offers(listed: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return what to propose for storage: SOP class and transfer syntaxes, at most `OFFERS_MAX`.

    The acceptor picks one transfer syntax a context, and an archive that does not transcode can send
    only what it holds in one of those. So each transfer syntax gets a context of its own, first for the
    SOP classes the archive listed; where the room ends, the rest of a class share one.
    """
    room = OFFERS_MAX
    found: list[tuple[str, tuple[str, ...]]] = []
    wanted = tuple(dict.fromkeys(listed))[:OFFERS_MAX]
    for position, uid in enumerate(wanted):
        found += _offers_of(uid, room // (len(wanted) - position))
        room = OFFERS_MAX - len(found)
    for uid in USUAL:
        if uid not in wanted and room:
            found += _offers_of(uid, min(room, _OFFERS_LEAST))
            room = OFFERS_MAX - len(found)
    return found


def _offers_of(sop_class_uid: str, room: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield at most `room` contexts of one SOP class, which is at least one."""
    pixels = () if sop_class_uid in _WITHOUT_PIXELS else _ENCAPSULATED
    syntaxes = (*_PLAIN, *pixels, _DEFLATED, _BIG_ENDIAN)
    if len(syntaxes) <= room:
        yield from ((sop_class_uid, (syntax,)) for syntax in syntaxes)
        return
    if room < _OFFERS_LEAST:
        groups = [_PLAIN, syntaxes[len(_PLAIN) :]][:room]
    else:
        alone = room - 1
        groups = [*((syntax,) for syntax in syntaxes[:alone]), syntaxes[alone:]]
    yield from ((sop_class_uid, group) for group in groups)


class GetSession:
    """One association on which a peer may store what we asked for."""

    def __init__(
        self,
        *,
        own_ae_title: str,
        peer: Peer,
        timeouts: Timeouts,
        sop_class_uids: tuple[str, ...],
    ) -> None:
        contexts = offers(sop_class_uids)
        self._listed = frozenset(sop_class_uids)
        self._timeouts, self._peer = timeouts, peer
        self._intake: Intake | None = None
        self._bytes_left: int | None = None
        self._link = Link(
            own_ae_title=own_ae_title,
            peer=peer,
            timeouts=timeouts,
            contexts=[query_context(STUDY_ROOT_GET), *contexts],
            storage_roles=tuple(dict.fromkeys(uid for uid, _ in contexts)),
            take=self._keep,
        )

    def covers(self, sop_class_uids: Iterable[str]) -> bool:
        """Whether these kinds were all proposed first, in each transfer syntax as far as there was room."""
        return self._listed.issuperset(sop_class_uids)

    def answers(
        self, identifier: Query, *, writer: SpoolWriter, deadline: float, bytes_max: int | None = None
    ) -> Answers:
        """Yield the answers of one C-GET while its objects go into `writer`.

        Parameters
        ----------
        bytes_max
            All objects together; who sends more is cut off. None for no other bound than the disk's.

        Raises
        ------
        SourceUnavailable
            The peer stopped answering.
        SourceAnswerInvalid
            The peer does not offer C-GET, its answers break DICOM, or it sends more than `bytes_max`.
        StorageFull
            The spool takes no more; the association is broken off.
        """
        self._bytes_left = bytes_max
        intake = self._intake = Intake(
            writer, fragment_bytes_max=MAX_PDU_BYTES + PDU_SLACK_BYTES, object_bytes_max=OBJECT_BYTES_MAX
        )
        try:
            yield from self._link.answers(
                Question.C_GET,
                STUDY_ROOT_GET,
                identifier,
                service="C-GET",
                wait_s=self._timeouts.pending_s,
                deadline=deadline,
            )
        finally:
            intake.discard()

    def close(self) -> None:
        """Release the association."""
        self._link.close()

    def _count(self, size: int) -> None:
        if self._bytes_left is None:
            return
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise ProtocolViolation("It sends far more than was asked for.")

    def _keep(self, command: Command, context: AnsweredContext, fragments: Iterator[memoryview]) -> Status:
        """Put one arriving object into the spool; the data set is neither decoded nor changed."""
        intake = self._intake
        assert intake is not None, "objects come during `answers` only"  # noqa: S101 - our own order
        identity = ObjectIdentity(
            sop_class_uid=command.sop_class_uid,
            sop_instance_uid=command.sop_instance_uid,
            transfer_syntax_uid=context.transfer_syntax_uid,
            calling_ae_title=self._peer.ae_title,
            solicited=True,
        )
        intake.begin(identity)
        size = 0
        for fragment in fragments:
            intake.room(len(fragment))[:] = fragment
            intake.filled(len(fragment))
            size += len(fragment)
            self._count(len(fragment))
        status = intake.finish()
        if intake.failure is not None and size <= OBJECT_BYTES_MAX:
            raise intake.failure  # the spool is full: nothing that follows could be kept
        return status
