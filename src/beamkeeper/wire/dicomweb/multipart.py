"""`multipart/related`: many objects in one body, written with a known length and read with every bound.

References
----------
RFC 2046 section 5.1, RFC 2387; DICOM PS3.18 section 8.6.1.2
"""

from __future__ import annotations

import secrets
from email.message import Message
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import SourceAnswerInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from beamkeeper.wire.dicom.outgoing import Outgoing

BOUNDARY_CHARACTERS_MAX: Final = 70
"""RFC 2046."""
PART_HEADER_BYTES_MAX: Final = 8 << 10
BEFORE_FIRST_BYTES_MAX: Final = 64
"""Line ends that some servers put before the first part; nothing else may stand there."""
BLOCK_BYTES: Final = 256 << 10

_PART_HEADER: Final = b"Content-Type: application/dicom\r\n\r\n"


class RelatedBody:
    """A body of DICOM files, streamed from disk.

    Attributes
    ----------
    content_type, size_bytes
        For the request's header.

    Parameters
    ----------
    verify_time
        Called between blocks; raises when the time is over.
    """

    def __init__(self, items: Sequence[Outgoing], *, verify_time: Callable[[], None]) -> None:
        self._items, self._verify_time = items, verify_time
        self._boundary = secrets.token_hex(24).encode()
        boundary = self._boundary.decode()
        self.content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        around = len(self._opening) + len(b"\r\n")
        self.size_bytes = sum(around + len(item.header) + item.size_bytes for item in items)
        self.size_bytes += len(self._closing)

    @property
    def _opening(self) -> bytes:
        return b"--" + self._boundary + b"\r\n" + _PART_HEADER

    @property
    def _closing(self) -> bytes:
        return b"--" + self._boundary + b"--\r\n"

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body; the digits of a random boundary cannot stand in a file by chance."""
        for item in self._items:
            yield self._opening + item.header
            with item.path.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    self._verify_time()
                    yield block
            yield b"\r\n"
        yield self._closing


def boundary_of(content_type: str) -> bytes:
    """Return the boundary a `multipart/related` content type names.

    Raises
    ------
    SourceAnswerInvalid
        It is no such type, or its boundary breaks RFC 2046.
    """
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary", "")
    if header.get_content_type() != "multipart/related" or not isinstance(boundary, str):
        raise SourceAnswerInvalid("The answer is not of the type multipart/related that was asked for.")
    if (
        not 0 < len(boundary) <= BOUNDARY_CHARACTERS_MAX
        or not boundary.isascii()
        or not boundary.isprintable()
    ):
        raise SourceAnswerInvalid("The answer's boundary between parts breaks RFC 2046.")
    return boundary.encode("ascii")


class RelatedReader:
    """Reads a `multipart/related` body part by part while it comes; nothing is kept but one block.

    Parameters
    ----------
    chunks
        The body as it arrives.
    parts_max, part_bytes_max
        More, or longer ones, are no answer to what was asked.
    """

    def __init__(
        self, chunks: Iterable[bytes], boundary: bytes, *, parts_max: int, part_bytes_max: int
    ) -> None:
        self._chunks = iter(chunks)
        self._delimiter = b"\r\n--" + boundary
        self._parts_max, self._part_bytes_max = parts_max, part_bytes_max
        self._buffer = bytearray(b"\r\n")  # the first delimiter need not be on a line of its own

    def parts(self) -> Iterator[Iterator[bytes]]:
        """Yield each part as the blocks of its content; a part not read to its end is skipped.

        Raises
        ------
        SourceAnswerInvalid
            It is cut off, breaks RFC 2046, or is beyond a bound.
        """
        self._skip_to_first()
        for _ in range(self._parts_max + 1):
            if self._is_closed():
                return
            blocks = self._blocks(self._header_length())
            yield blocks
            for _ in blocks:
                pass
        raise SourceAnswerInvalid(f"The answer has more than {self._parts_max} parts.")

    def _skip_to_first(self) -> None:
        while (at := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > BEFORE_FIRST_BYTES_MAX + len(self._delimiter):
                raise SourceAnswerInvalid("The answer does not begin with its boundary.")
            self._more()
        if self._buffer[:at].strip(b"\r\n"):
            raise SourceAnswerInvalid("Something stands before the first part of the answer.")
        del self._buffer[: at + len(self._delimiter)]

    def _is_closed(self) -> bool:
        """Take what follows a delimiter: "--" after the last part, a line end before another."""
        while len(self._buffer) < 2:  # noqa: PLR2004 - two signs decide
            self._more()
        mark = bytes(self._buffer[:2])
        if mark not in {b"--", b"\r\n"}:
            raise SourceAnswerInvalid("A boundary in the answer is followed by neither a part nor its end.")
        return mark == b"--"

    def _header_length(self) -> int | None:
        """Take the header of a part; return the Content-Length it states, None for none."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > PART_HEADER_BYTES_MAX:
                break
            self._more()
        if not 0 <= end <= PART_HEADER_BYTES_MAX:
            raise SourceAnswerInvalid("A part of the answer has no end of its header.")
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        stated = None
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip().lower() == "content-transfer-encoding" and value.strip().lower() != "binary":
                raise SourceAnswerInvalid("A part of the answer is encoded; only binary is DICOMweb.")
            if name.strip().lower() == "content-length":
                if not value.strip().isdecimal():
                    raise SourceAnswerInvalid("A part of the answer states a length that is none.")
                stated = int(value)
        return stated

    def _blocks(self, stated: int | None) -> Iterator[bytes]:
        size, keep = 0, len(self._delimiter) - 1
        while (at := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > keep:
                block = bytes(self._buffer[:-keep])
                del self._buffer[:-keep]
                size += len(block)
                self._verify_size(size)
                yield block
            self._more()
        block = bytes(self._buffer[:at])
        del self._buffer[: at + len(self._delimiter)]
        size += len(block)
        self._verify_size(size)
        if stated is not None and stated != size:
            raise SourceAnswerInvalid(f"A part of the answer has {size} bytes and states {stated}.")
        yield block

    def _verify_size(self, size: int) -> None:
        if size > self._part_bytes_max:
            raise SourceAnswerInvalid(f"A part of the answer is longer than {self._part_bytes_max} bytes.")

    def _more(self) -> None:
        chunk = next(self._chunks, b"")
        if not chunk:
            raise SourceAnswerInvalid("The answer is cut off in the middle of a part.")
        self._buffer += chunk
