"""One object on its way from association to spool: a buffer lent to the kernel, hashed as it fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.errors import StorageFull
from beamkeeper.wire.dicom.dimse import Status
from beamkeeper.wire.dicom.part10 import file_header

if TYPE_CHECKING:
    from beamkeeper.wire.dicom.spool import IncomingObject, ObjectIdentity, SpoolWriter

HOLD_BYTES = 8 << 20
"""Objects up to this size reach the pack only when it is clear that the vault lacks them; larger ones go
there in pieces of it and are taken back when known. Also what one association holds in memory."""

HASH_BYTES = 256 << 10
"""Hash in pieces of this size: still in the processor's cache, and the sender goes on meanwhile."""


class Intake:
    """Where the fragments of a data set go; one for the life of an association.

    Parameters
    ----------
    fragment_bytes_max
        Longest fragment that `room` is asked for.
    object_bytes_max
        Longest data set that is kept.
    buffer_bytes
        Memory for data sets, beside one fragment.
    """

    def __init__(
        self,
        writer: SpoolWriter,
        *,
        fragment_bytes_max: int,
        object_bytes_max: int,
        buffer_bytes: int = HOLD_BYTES,
    ) -> None:
        self._writer = writer
        self._object_bytes_max = object_bytes_max
        self._view = memoryview(bytearray(buffer_bytes + fragment_bytes_max))
        self._used = self._fed = 0
        self._data_set_bytes = 0
        self._incoming: IncomingObject | None = None
        self._is_open = False
        self._status = Status.SUCCESS
        self.failure: StorageFull | None = None

    def begin(self, identity: ObjectIdentity | None) -> None:
        """Start a data set; None for one that nobody keeps (it is read and dropped)."""
        self._data_set_bytes = 0
        self._status = Status.SUCCESS
        self.failure = None
        if identity is None:
            self._status = Status.UNRECOGNIZED_OPERATION
            return
        header = file_header(
            sop_class_uid=identity.sop_class_uid,
            sop_instance_uid=identity.sop_instance_uid,
            transfer_syntax_uid=identity.transfer_syntax_uid,
        )
        try:
            self._open(header, identity)
            self._is_open = True
        except StorageFull as error:
            self._refuse(error)

    def filled(self, size: int) -> None:
        """Take note that `size` bytes are there."""
        self._data_set_bytes += size
        if not self._is_open:
            return  # what nobody keeps is written over by what follows
        if self._data_set_bytes > self._object_bytes_max:
            self._refuse(StorageFull(f"An object is larger than {self._object_bytes_max} bytes."))
            return
        try:
            self._advance(size)
        except StorageFull as error:
            self._refuse(error)

    def finish(self) -> Status:
        """Close the data set; SUCCESS means it is with the writer, durable after its next commit."""
        if self._is_open and not self._data_set_bytes:
            self.discard()
            return Status.CANNOT_UNDERSTAND
        try:
            if self._is_open:
                self._close()
                self._is_open = False
        except StorageFull as error:
            self._refuse(error)
        return self._status

    def _refuse(self, error: StorageFull) -> None:
        """Go on reading, so that the sender hears a status instead of a broken connection."""
        self.discard()
        self._status = Status.OUT_OF_RESOURCES
        self.failure = error

    # How the bytes are kept: here, by the thread that receives them.

    def room(self, size: int) -> memoryview:
        """Return where the next `size` bytes go."""
        return self._view[self._used : self._used + size]

    def discard(self) -> None:
        """Drop what came of an unfinished data set."""
        self._is_open = False
        self._used = self._fed = 0
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None

    def _open(self, header: bytes, identity: ObjectIdentity) -> None:
        self._used = self._fed = 0
        self._incoming = self._writer.begin(header, identity)

    def _advance(self, size: int) -> None:
        self._used += size
        if self._used - self._fed >= HASH_BYTES:
            self._feed()
        if self._used >= HOLD_BYTES and self._incoming is not None:
            self._feed()
            self._incoming.spill()
            self._used = self._fed = 0

    def _close(self) -> None:
        self._feed()
        if self._incoming is not None:
            self._incoming.finish()
            self._incoming = None

    def _feed(self) -> None:
        if self._incoming is not None and self._used > self._fed:
            self._incoming.feed(self._view[self._fed : self._used])
        self._fed = self._used
