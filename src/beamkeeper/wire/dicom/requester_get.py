"""C-GET: objects over our own association, straight into a spool, byte for byte as sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynetdicom import build_role, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet  # type: ignore[attr-defined]

from beamkeeper.errors import StorageFull
from beamkeeper.wire.dicom.part10 import file_header
from beamkeeper.wire.dicom.requester_link import STATUS_SUCCESS, Link, query_context
from beamkeeper.wire.dicom.spool import ObjectIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom.dataset import Dataset

    from beamkeeper.wire.dicom.peers import Peer, Timeouts
    from beamkeeper.wire.dicom.requester_link import Answers
    from beamkeeper.wire.dicom.spool import SpoolWriter

CONTEXTS_MAX = 128
"""PS3.8: presentation context identifiers are odd and fit a byte."""
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_USUAL = tuple(
    _STORAGE + suffix
    for suffix in (
        *("481.1", "481.2", "481.3", "481.4", "481.5", "481.6", "481.7", "481.8", "481.9"),
        *("2", "2.1", "4", "4.1", "128", "130", "66.1", "66.2", "66.3", "66.4", "104.1", "7"),
        *("1", "1.1", "7.4", "88.11", "88.22", "88.33", "88.67", "11.1", "12.1", "20", "6.1"),
    )
)
_UNCOMPRESSED = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_COMPRESSED = (
    *("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57"),
    *("1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"),
    *("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.5"),
    *("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"),
)
_OUT_OF_RESOURCES, _CANNOT_UNDERSTAND = 0xA700, 0xC000


class GetSession:
    """One association on which a peer may store what we asked for.

    Each kind of object is proposed twice, uncompressed and compressed, so that a peer need not
    re-encode what it holds.
    """

    def __init__(
        self,
        *,
        own_ae_title: str,
        peer: Peer,
        timeouts: Timeouts,
        sop_class_uids: tuple[str, ...],
    ) -> None:
        wanted = tuple(dict.fromkeys((*sop_class_uids, *_USUAL)))[: (CONTEXTS_MAX - 1) // 2]
        self._offered = frozenset(wanted)
        self._timeouts, self._peer = timeouts, peer
        self._writer: SpoolWriter | None = None
        self._failure: StorageFull | None = None
        self._link = Link(
            own_ae_title=own_ae_title,
            peer=peer,
            timeouts=timeouts,
            contexts=[
                query_context(StudyRootQueryRetrieveInformationModelGet),
                *(build_context(uid, list(_UNCOMPRESSED)) for uid in wanted),
                *(build_context(uid, list(_COMPRESSED)) for uid in wanted),
            ],
            roles=[build_role(uid, scp_role=True) for uid in wanted],
            handlers=[(evt.EVT_C_STORE, self._keep)],
        )

    def covers(self, sop_class_uids: Iterable[str]) -> bool:
        """Whether every kind is offered, as far as one association can offer kinds."""
        missing = set(sop_class_uids) - self._offered
        return not missing or len(self._offered) >= (CONTEXTS_MAX - 1) // 2

    def answers(self, identifier: Dataset, *, writer: SpoolWriter, deadline: float) -> Answers:
        """Yield the answers of one C-GET while its objects go into `writer`.

        Raises
        ------
        SourceUnavailable
            The peer stopped answering.
        StorageFull
            The spool takes no more; the association is broken off.
        """
        self._link.verify_accepted(StudyRootQueryRetrieveInformationModelGet, "C-GET")
        self._writer, self._failure = writer, None
        try:
            for answer in self._link.answers(
                lambda association, message_id: association.send_c_get(
                    identifier, StudyRootQueryRetrieveInformationModelGet, message_id
                ),
                service="C-GET",
                wait_s=self._timeouts.pending_s,
                deadline=deadline,
            ):
                if self._failure is not None:
                    raise self._failure
                yield answer
        finally:
            self._writer = None

    def close(self) -> None:
        """Release the association."""
        self._link.close()

    def _keep(self, event: evt.Event) -> int:
        """Put one arriving object into the spool; the data set is neither decoded nor changed."""
        request, context = event.request, event.context
        if self._writer is None or self._failure is not None:
            return _OUT_OF_RESOURCES
        if not isinstance(request, C_STORE) or request.DataSet is None:
            return _CANNOT_UNDERSTAND
        sop_class_uid, sop_instance_uid = (
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
        )
        identity = ObjectIdentity(
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
            transfer_syntax_uid=str(context.transfer_syntax),
            calling_ae_title=self._peer.ae_title,
            solicited=True,
        )
        header = file_header(
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
            transfer_syntax_uid=identity.transfer_syntax_uid,
        )
        try:
            self._writer.add(header, [request.DataSet.getbuffer()], identity)
        except StorageFull as error:
            self._failure = error
            return _OUT_OF_RESOURCES
        return STATUS_SUCCESS
