"""Opens a parcel ahead of its reader: decryption and unpacking run in a thread of their own."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import zstandard

from beamkeeper.errors import IntegrityError
from beamkeeper.vault import age

if TYPE_CHECKING:
    from collections.abc import Sequence

WINDOW_BYTES_MAX: Final = 1 << 27
"""Largest zstd window accepted: what the stock `zstd -d` accepts, and our memory limit per parcel."""
BLOCK_BYTES: Final = 128 << 10
"""Unpacked bytes handed over at a time: small enough for the processor's cache (decision 0020)."""
QUEUE_BLOCKS: Final = 32
"""Unpacked blocks waiting for the reader."""
_GATHERED_BYTES: Final = 64 << 10
_POLL_S: Final = 0.1


class _Stopped(Exception):
    """The reader went away."""


class Opening:
    """The tar inside a parcel, as a reader.

    Parameters
    ----------
    sealed
        The age file; read by the opening thread until `stop`.
    """

    def __init__(self, sealed: age.Reader, identities: Sequence[str]) -> None:
        self._sealed = sealed
        self._identities = identities
        self._blocks: queue.Queue[bytes] = queue.Queue(QUEUE_BLOCKS)
        self._stopping = threading.Event()
        self._current = b""
        self._at = 0
        self._ended = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="open-parcel")
        self._outcome: Future[None] = self._pool.submit(self._run)

    def read(self, size: int, /) -> bytes:
        """Return up to `size` unpacked bytes; b"" at the end, which is then known to be genuine.

        Raises
        ------
        KeyUnavailable, IntegrityError
            As `age.decrypt`; IntegrityError too when the compressed stream is damaged.
        """
        if self._at == len(self._current) and not self._ended:
            self._current, self._at = self._blocks.get(), 0
            self._ended = not self._current
        if self._ended:
            self._verify_outcome()
            return b""
        block = self._current[self._at : self._at + size]
        self._at += len(block)
        return block

    def stop(self) -> None:
        """End the thread, wherever it stands."""
        self._stopping.set()
        self._pool.shutdown()

    def write(self, data: bytes, /) -> int:
        """Take unpacked bytes from the decompressor; called by the opening thread."""
        if data:
            self._hand_over(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def _run(self) -> None:
        try:
            unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
            unpacked = unpacker.stream_writer(self, write_size=BLOCK_BYTES)  # type: ignore[arg-type]
            gathering = _Gathering(unpacked)
            age.decrypt(self._sealed, gathering, self._identities)
            gathering.flush()
        finally:
            if not self._stopping.is_set():
                self._hand_over(b"")

    def _hand_over(self, block: bytes) -> None:
        while not self._stopping.is_set():
            try:
                self._blocks.put(block, timeout=_POLL_S)
            except queue.Full:
                continue
            return
        raise _Stopped

    def _verify_outcome(self) -> None:
        try:
            self._outcome.result()
        except zstandard.ZstdError as error:
            raise IntegrityError(
                f"This parcel is damaged: it cannot be unpacked to its end ({error}).",
                do_next="Use another copy of the vault, or an earlier night.",
            ) from error


class _Gathering:
    """Joins the decryptor's 8 KiB pieces so that the decompressor is called less often."""

    def __init__(self, sink: age.Sink) -> None:
        self._sink = sink
        self._held = bytearray()

    def write(self, data: bytes, /) -> int:
        self._held += data
        if len(self._held) >= _GATHERED_BYTES:
            self.flush()
        return len(data)

    def flush(self) -> None:
        held, self._held = bytes(self._held), bytearray()
        if held:
            self._sink.write(held)
