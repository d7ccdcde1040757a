"""A Query/Retrieve archive on loopback that sends its objects byte for byte, and can misbehave."""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)
from pynetdicom import AE, AllStoragePresentationContexts, _config, build_context, evt
from pynetdicom.dimse_primitives import C_STORE

from beamkeeper.rehearse.sim.holdings import Holdings, Stored
from beamkeeper.rehearse.sim.queries import QueryRefused, find, retrieve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pynetdicom.association import Association
    from pynetdicom.events import Event

_LOG = logging.getLogger(__name__)

# By default pynetdicom logs queries and answers, patient names included.
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False
_config.LOG_HANDLER_LEVEL = "none"

TRANSFER_SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEGLosslessSV1,
    JPEG2000Lossless,
    RLELossless,
]
_VERIFICATION = UID("1.2.840.10008.1.1")
_PATIENT_ROOT = frozenset(UID(f"1.2.840.10008.5.1.4.1.2.1.{service}") for service in (1, 2, 3))
_STUDY_ROOT = frozenset(UID(f"1.2.840.10008.5.1.4.1.2.2.{service}") for service in (1, 2, 3))
"""C-FIND, C-MOVE and C-GET of each information model (DICOM PS3.4 C.6)."""

_CONTEXT_COUNT_MAX = 128
_SILENCE_MAX_S = 120.0

# Status values, DICOM PS3.4 C.4 and PS3.7 annex C
_PENDING, _SUCCESS, _REFUSED_BY_MODEL = 0xFF00, 0x0000, 0xA900
_NO_SUCH_CLASS, _CANNOT_PROCESS = 0x0122, 0x0110


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How the archive misbehaves; nothing by default.

    Attributes
    ----------
    refuse_sop_instance_uid
        This object is never sent: its sub-operation fails.
    hang_up_after
        After so many objects of a retrieve both associations are aborted.
    garbage_after
        After so many objects bytes that are no DICOM end the storage association.
    silent_after
        After so many objects nothing more is sent; 0 is silent from the request on.
    """

    refuse_sop_instance_uid: str = ""
    hang_up_after: int | None = None
    garbage_after: int | None = None
    silent_after: int | None = None


class Archive:
    """A C-ECHO, C-FIND, C-MOVE, C-GET and C-STORE provider over a folder of files.

    Parameters
    ----------
    folder
        Holds the objects, `*.dcm`, anywhere below.
    ae_title
        Callers who ask for another one are rejected.
    port
        0 for a free one; `port` says which after `start`.
    destinations
        Where C-MOVE may send: AE title to (host, port).
    calling_ae_titles
        Who may call; empty for everyone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ae_title: str = "SIMARCHIVE",
        port: int = 0,
        destinations: Mapping[str, tuple[str, int]] | None = None,
        calling_ae_titles: tuple[str, ...] = (),
    ) -> None:
        self.ae_title = ae_title
        self.host = "127.0.0.1"
        self.port = port
        self.faults = Faults()
        self._destinations = dict(destinations or {})
        self._holdings = Holdings(folder)
        self._entity = _RawSendingEntity(self, ae_title)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = list(calling_ae_titles)
        self._server: Any = None

    def start(self) -> None:
        """Read what there is and listen on loopback."""
        self._holdings.rescan()
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, _no_delay),
            (evt.EVT_C_ECHO, lambda _event: _SUCCESS),
            (evt.EVT_C_FIND, self._on_find),
            (evt.EVT_C_MOVE, self._on_move),
            (evt.EVT_C_GET, self._on_get),
            (evt.EVT_C_STORE, self._on_store),
        ]
        self._server = self._entity.start_server((self.host, self.port), block=False, evt_handlers=handlers)
        self.port = int(self._server.server_address[1])

    def stop(self) -> None:
        """Close every association and stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None
        self._entity.shutdown()
        self._entity.close_finished()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def set_faults(self, faults: Faults) -> None:
        """Misbehave from now on as said; `Faults()` to behave again."""
        self.faults = faults

    def add_destination(self, ae_title: str, host: str, port: int) -> None:
        """Allow C-MOVE to one more place."""
        self._destinations[ae_title] = (host, port)

    def rescan(self) -> int:
        """Look at the folder again after files came, went or changed; return how many objects there are."""
        return self._holdings.rescan()

    def store(self, data: bytes) -> str:
        """Add or replace one object; return its SOP Instance UID."""
        return self._holdings.put(data)

    def remove(self, sop_instance_uid: str) -> None:
        """Delete one object."""
        self._holdings.remove(sop_instance_uid)

    def uids_of(self, patient_id: str) -> tuple[str, ...]:
        """Return the SOP Instance UIDs of everything held for one Patient ID."""
        return self._holdings.uids_of(patient_id)

    def stored(self, sop_instance_uid: str) -> Stored | None:
        """Return what is held under that UID; None when nothing is."""
        return self._holdings.find(sop_instance_uid)

    def _on_find(self, event: Event) -> Iterator[tuple[int, Dataset | None]]:
        if self.faults.silent_after == 0:
            _be_silent(event.assoc)
        patient_root = event.request.AffectedSOPClassUID in _PATIENT_ROOT
        try:
            for answer in find(self._holdings.all(), event.identifier, patient_root=patient_root):
                if event.is_cancelled:
                    yield 0xFE00, None
                    return
                yield _PENDING, answer
        except QueryRefused as error:
            _LOG.info("query refused: %s", error)
            yield _REFUSED_BY_MODEL, None

    def _asked_for(self, event: Event) -> list[Stored]:
        patient_root = event.request.AffectedSOPClassUID in _PATIENT_ROOT
        return retrieve(self._holdings.all(), event.identifier, patient_root=patient_root)

    def _on_move(self, event: Event) -> Iterator[Any]:
        destination = self._destinations.get(event.move_destination or "")
        if destination is None:
            yield None, None
            return
        try:
            objects = self._asked_for(event)
        except QueryRefused as error:
            _LOG.info("retrieve refused: %s", error)
            yield (*destination, {"contexts": [build_context(_VERIFICATION)]})
            yield 1
            yield _REFUSED_BY_MODEL, None
            return
        pairs = dict.fromkeys((o.sop_class_uid, o.transfer_syntax_uid) for o in objects)
        contexts = [build_context(*pair) for pair in pairs][:_CONTEXT_COUNT_MAX]
        opened = [(evt.EVT_CONN_OPEN, _no_delay)]
        yield (*destination, {"contexts": contexts, "evt_handlers": opened, "max_pdu": 1 << 17})
        yield len(objects)
        yield from self._send(event.assoc, objects)

    def _on_get(self, event: Event) -> Iterator[Any]:
        try:
            objects = self._asked_for(event)
        except QueryRefused as error:
            _LOG.info("retrieve refused: %s", error)
            yield 1
            yield _REFUSED_BY_MODEL, None
            return
        # The provider sends on the association it was asked on: teach that one to send raw bytes too.
        vars(event.assoc)["send_c_store"] = partial(self.send_raw, event.assoc)
        yield len(objects)
        yield from self._send(event.assoc, objects)

    def _send(self, asking: Association, objects: list[Stored]) -> Iterator[tuple[int, Dataset | None]]:
        """Hand object after object to pynetdicom, misbehaving where asked to."""
        for index, stored in enumerate(objects):
            if self.faults.silent_after is not None and index >= self.faults.silent_after:
                _be_silent(asking)
            if self.faults.hang_up_after is not None and index >= self.faults.hang_up_after:
                asking.abort()
                return
            named = Dataset()
            named.SOPClassUID, named.SOPInstanceUID = stored.sop_class_uid, stored.sop_instance_uid
            yield _PENDING, named

    def _on_store(self, event: Event) -> int:
        self._holdings.put(event.encoded_dataset())
        return _SUCCESS

    def send_raw(
        self,
        assoc: Association,
        named: Dataset,
        *,
        msg_id: int = 1,
        priority: int = 2,
        originator_aet: str | None = None,
        originator_id: int | None = None,
    ) -> Dataset:
        """Send one object as the file holds it; return the peer's status, a failure when none came.

        Takes the place of `Association.send_c_store`, which would encode the data set again.
        """
        uid = str(named.SOPInstanceUID)
        stored = self._holdings.find(uid)
        if stored is None or uid == self.faults.refuse_sop_instance_uid or not assoc.is_established:
            return _status(_CANNOT_PROCESS)
        context_id = _context_for(assoc, stored)
        if context_id is None:
            return _status(_NO_SUCH_CLASS)
        if self._garbage_due(msg_id, originator_id):
            _socket(assoc).sendall(b"\x04\x00\x00\x00\x00\x08this is not DICOM" * 8)
            assoc.abort()
            return _status(_CANNOT_PROCESS)
        request = C_STORE()
        request.MessageID, request.Priority = msg_id, priority
        request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = stored.sop_class_uid, uid
        request.MoveOriginatorApplicationEntityTitle = originator_aet
        request.MoveOriginatorMessageID = originator_id
        request.DataSet = BytesIO(stored.data_set_bytes())
        response = _exchange(assoc, request, context_id)
        return _status(response.Status if isinstance(response, C_STORE) else _CANNOT_PROCESS)

    def _garbage_due(self, msg_id: int, originator_id: int | None) -> bool:
        """Whether garbage is due before this object; message IDs count from the request's."""
        after = self.faults.garbage_after
        return after is not None and msg_id - (originator_id or 0) > after


class _RawSendingEntity(AE):
    """An application entity whose outgoing storage associations send stored bytes unchanged."""

    def __init__(self, archive: Archive, ae_title: str) -> None:
        super().__init__(ae_title=ae_title)
        self._archive = archive
        self._opened: list[Association] = []
        self.maximum_pdu_size = 1 << 17
        self.maximum_associations = 25
        self.network_timeout = self.dimse_timeout = 60
        self.connection_timeout = 10
        self.add_supported_context(_VERIFICATION)
        for query in sorted(_PATIENT_ROOT | _STUDY_ROOT):
            self.add_supported_context(query)
        for context in AllStoragePresentationContexts:
            self.add_supported_context(
                str(context.abstract_syntax),
                TRANSFER_SYNTAXES,
                scu_role=True,
                scp_role=True,
            )

    def associate(self, *arguments: Any, **options: Any) -> Association:
        """Open a storage association (see `Archive.send_raw`)."""
        self.close_finished()
        assoc = super().associate(*arguments, **options)
        self._opened.append(assoc)
        vars(assoc)["send_c_store"] = partial(self._archive.send_raw, assoc)
        _leave_answers_to_who_waits(assoc)
        return assoc

    def close_finished(self) -> None:
        """Close the connections of associations that have ended: pynetdicom leaves aborted ones open."""
        ended = [assoc for assoc in self._opened if not assoc.is_established]
        self._opened = [assoc for assoc in self._opened if assoc.is_established]
        for assoc in ended:
            if assoc.dul.socket is not None:
                assoc.dul.socket.close()


def _status(value: int | None) -> Dataset:
    status = Dataset()
    status.Status = value
    return status


def _leave_answers_to_who_waits(assoc: Association) -> None:
    """Keep pynetdicom's own thread from taking an answer and dropping it.

    It looks for messages as well and may be on its way past its pause when a request is sent: then the
    response is lost, and the transfer stands still until the time limit (seen: 60 s, one transfer in
    some hundred). Nobody asks anything of us on an association that we opened to send.
    """
    take = assoc.dimse.get_msg

    def get_msg(block: bool = False) -> tuple[int | None, Any]:  # noqa: FBT001, FBT002 - called so
        return take(block=True) if block else (None, None)

    vars(assoc.dimse)["get_msg"] = get_msg


def _exchange(assoc: Association, request: C_STORE, context_id: int) -> object:
    """Send a request and return the response; None when none came.

    The association's own thread would take the response away, so it is paused in between, exactly as
    `Association.send_c_store` does; pynetdicom has no public way to send bytes that are encoded already.
    """
    checkpoint = assoc._reactor_checkpoint  # noqa: SLF001 - as said above
    checkpoint.clear()
    try:
        while not assoc._is_paused:  # noqa: SLF001
            time.sleep(0.0001)
        assoc.dimse.send_msg(request, context_id)
        _, response = assoc.dimse.get_msg(block=True)
    finally:
        checkpoint.set()
    return response


def _context_for(assoc: Association, stored: Stored) -> int | None:
    """Return the accepted context of exactly that class and transfer syntax; None when there is none."""
    for context in assoc.accepted_contexts:
        if context.abstract_syntax == stored.sop_class_uid and (
            stored.transfer_syntax_uid in context.transfer_syntax
        ):
            return context.context_id
    return None


def _socket(assoc: Association) -> socket.socket:
    wrapped = assoc.dul.socket
    if wrapped is None or wrapped.socket is None:
        raise ConnectionError("the association has no connection any more")
    return wrapped.socket


def _no_delay(event: Event) -> None:
    """Send small packets at once: waiting for acknowledgements costs 40 ms an object."""
    _socket(event.assoc).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _be_silent(assoc: Association) -> None:
    """Answer nothing until the peer gives up, at most two minutes."""
    deadline = time.monotonic() + _SILENCE_MAX_S
    while assoc.is_established and not assoc.acse.is_aborted() and time.monotonic() < deadline:
        time.sleep(0.02)
