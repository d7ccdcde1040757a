"""Several SMB reads or writes under way at once: a server that answers one at a time leaves a line idle.

References
----------
MS-SMB2 3.2.4.1.2 (credits: how much a client may have under way)
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from smbprotocol.exceptions import SMBException

from beamkeeper.wire.destination import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE_BYTES: Final = 1 << 20
UNDER_WAY_MAX: Final = 8
CREDIT_BYTES: Final = 64 << 10
"""What one credit pays for."""


class UnderWay:
    """The requests on one open file that are not answered yet, oldest first.

    Parameters
    ----------
    file
        An open file of smbclient, unbuffered.
    """

    def __init__(self, file: Any) -> None:
        self._fd = file.fd
        self._waiting: deque[tuple[Any, Callable[[Any], Any], int]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def piece_bytes(self) -> int:
        """The largest piece the server takes and we ask for."""
        connection = self._fd.connection
        return int(min(PIECE_BYTES, connection.max_read_size, connection.max_write_size))

    def has_room(self, size_bytes: int) -> bool:
        """Return whether one more request of that size may be sent before an answer comes."""
        window = self._fd.connection.sequence_window
        needed = -(-max(size_bytes, 1) // CREDIT_BYTES)
        return not self._waiting or (
            len(self._waiting) < UNDER_WAY_MAX and window["high"] - window["low"] >= needed
        )

    def send(self, message: Any, receive: Callable[[Any], Any], size_bytes: int) -> None:
        """Send a request, asking for the credits that keep the line full."""
        tree = self._fd.tree_connect
        request = self._fd.connection.send(
            message,
            sid=tree.session.session_id,
            tid=tree.tree_connect_id,
            credit_request=UNDER_WAY_MAX * (self.piece_bytes // CREDIT_BYTES + 1),
        )
        self._waiting.append((request, receive, size_bytes))

    def write(self, data: bytes, at: int) -> None:
        """Send `data` for the offset `at`, waiting for older answers as long as it must."""
        while not self.has_room(len(data)):
            self.settle()
        message, receive = self._fd.write(data, offset=at, send=False)
        self.send(message, receive, len(data))

    def ask(self, at: int, size_bytes: int) -> None:
        """Ask for a piece; its bytes come with `settle`, in the order asked."""
        message, receive = self._fd.read(at, size_bytes, send=False)
        self.send(message, receive, size_bytes)

    def settle(self) -> Any:
        """Return the answer to the oldest request: bytes that were read, or how many were written.

        Raises
        ------
        SMBException
            Fewer were written than were sent.
        """
        request, receive, size_bytes = self._waiting.popleft()
        answer = receive(request)
        if isinstance(answer, int) and answer != size_bytes:
            raise SMBException(f"{answer} bytes of {size_bytes} were written")
        return answer

    def leave(self) -> None:
        """Take what answers still come and forget them."""
        while self._waiting:
            with contextlib.suppress(SMBException, OSError):
                self.settle()


def write_from(file: Any, source: BinaryIO, at: int) -> None:
    """Write what `source` still has to the offset `at` of `file` and behind."""
    under_way = UnderWay(file)
    try:
        while block := source.read(BLOCK_BYTES):
            for start in range(0, len(block), under_way.piece_bytes):
                piece = block[start : start + under_way.piece_bytes]
                under_way.write(piece, at)
                at += len(piece)
        while len(under_way):
            under_way.settle()
    finally:
        under_way.leave()


class Ahead:
    """Reads a file in order, some pieces ahead of who reads."""

    def __init__(self, file: Any) -> None:
        self._under_way = UnderWay(file)
        self._size_bytes = int(file.fd.end_of_file)
        self._asked = 0
        self._held = memoryview(b"")

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; return how much that is, 0 at the end."""
        if not self._held:
            self._ask()
            if not len(self._under_way):
                return 0
            self._held = memoryview(self._under_way.settle())
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count

    def leave(self) -> None:
        """Stop in the middle."""
        self._under_way.leave()

    def _ask(self) -> None:
        while (length := min(self._under_way.piece_bytes, self._size_bytes - self._asked)) > 0:
            if not self._under_way.has_room(length):
                return
            self._under_way.ask(self._asked, length)
            self._asked += length
