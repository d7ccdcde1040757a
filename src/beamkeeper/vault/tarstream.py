"""The tar inside a parcel: written without surprises, read without trust.

We write plain ustar records (regular files only, everything that could vary is fixed), with a pax
record only for a member beyond ustar's 8 GiB. We read exactly that, bounded, and nothing else:
the library's reader would follow links and load extension records of any size.

References
----------
POSIX.1-2017 pax, "ustar Interchange Format"
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from beamkeeper.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from beamkeeper.vault.age import Reader

RECORD_BYTES: Final = 512
BLOCK_BYTES: Final = 1 << 20
MEMBER_NAME_LENGTH_MAX: Final = 100
"""Characters: what a ustar header holds without a prefix."""
PAX_BYTES_MAX: Final = 4096
"""A pax record of ours holds one size: a few dozen bytes."""
PADDING_BYTES_MAX: Final = 64 << 10
"""Zeros after the last member: GNU tar fills up 10 kB, others up to 64."""

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PAX_SIZE = re.compile(rb"(\d+) size=(\d{1,18})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file that goes into a parcel.

    Attributes
    ----------
    name
        Where it lies inside: ASCII segments joined by "/", 100 characters at most.
    open
        Returns a fresh reader of exactly `size_bytes` bytes.
    sha256
        The digest those bytes must have, lower-case hexadecimal; None when nobody knows it.
    """

    name: str
    size_bytes: int
    open: Callable[[], BinaryIO]
    sha256: str | None = None

    def __post_init__(self) -> None:
        """Refuse a name that could leave the folder it is unpacked in."""
        if not is_member_name(self.name):
            raise ValueError(f"{self.name!r} cannot name a member of a parcel")
        if self.size_bytes < 0:
            raise ValueError(f"{self.size_bytes=}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelLimits:
    """What a reader accepts before it calls a parcel hostile.

    Attributes
    ----------
    total_bytes
        All members together, unpacked: the limit on decompression bombs.
    """

    members: int = 200_000
    member_bytes: int = 64 << 30
    total_bytes: int = 1 << 40


def is_member_name(name: str) -> bool:
    """Return whether `name` may stand in a parcel: relative, plain ASCII, no hidden part, no ".."."""
    return len(name) <= MEMBER_NAME_LENGTH_MAX and all(_SEGMENT.fullmatch(part) for part in name.split("/"))


class TarSource:
    """Reads as the tar of `members`, in the order given, holding one block at a time.

    Parameters
    ----------
    mtime_s
        Modification time written for every member, seconds since 1970 UTC.
    """

    def __init__(self, members: Sequence[Member], *, mtime_s: int) -> None:
        names = [member.name for member in members]
        if len(set(names)) != len(names):
            raise ValueError("two members of one parcel bear the same name")
        self._blocks = _coalesced(_tar_blocks(members, mtime_s))

    def read(self, size: int = -1, /) -> bytes:  # noqa: ARG002 - the compressor takes what it is given
        """Return the next block, at most about 1 MiB; b"" at the end."""
        return next(self._blocks, b"")


def _tar_blocks(members: Sequence[Member], mtime_s: int) -> Iterator[bytes]:
    for member in members:
        yield _header(member, mtime_s)
        yield from _content(member)
        yield bytes(-member.size_bytes % RECORD_BYTES)
    yield bytes(2 * RECORD_BYTES)


def _coalesced(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Join small blocks (headers, padding, records of a few kB) so that each hand-over is worth it."""
    gathered: list[bytes] = []
    size = 0
    for block in blocks:
        gathered.append(block)
        size += len(block)
        if size >= BLOCK_BYTES // 2:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


def _header(member: Member, mtime_s: int) -> bytes:
    info = tarfile.TarInfo(member.name)
    info.size, info.mtime, info.mode = member.size_bytes, mtime_s, 0o600
    return info.tobuf(tarfile.PAX_FORMAT, "ascii", "strict")


def _content(member: Member) -> Iterator[bytes]:
    """Yield the member's bytes, verified against its size and digest as they pass."""
    digest = hashlib.sha256()
    left = member.size_bytes
    with member.open() as source:
        while left:
            block = source.read(min(left, BLOCK_BYTES))
            if not block:
                break
            left -= len(block)
            if member.sha256 is not None:
                digest.update(block)
            yield block
        longer = not left and bool(source.read(1))
    if left or longer or (member.sha256 is not None and digest.hexdigest() != member.sha256):
        raise IntegrityError(
            f"{member.name} changed between its receipt and its sealing"
            f" (expected {member.size_bytes} bytes of a known digest).",
            do_next="Collect this patient again; nothing of this parcel was stored.",
            member=member.name,
            size_bytes_expected=member.size_bytes,
        )


def iter_members(source: Reader, limits: ParcelLimits) -> Generator[tuple[str, int, io.BufferedIOBase]]:
    """Yield (name, size in bytes, reader) of every member of a tar; a reader is good until the next step.

    Raises
    ------
    IntegrityError
        The stream is not a tar of ours, is cut short, or goes beyond `limits`.
    """
    seen: set[str] = set()
    total = 0
    while (header := _exactly(source, RECORD_BYTES)) != bytes(RECORD_BYTES):
        name, size, typeflag = _parse_header(header)
        if typeflag == b"x":
            size = _pax_size(source, size)
            name, _, typeflag = _parse_header(_exactly(source, RECORD_BYTES))
        total += size
        if typeflag != b"0" or not is_member_name(name) or name in seen:
            raise _broken("it holds something other than plainly named regular files")
        if len(seen) >= limits.members or size > limits.member_bytes or total > limits.total_bytes:
            raise _broken("it holds more, or larger, members than any parcel may")
        seen.add(name)
        content = _Content(source, size)
        yield name, size, content
        content.drain()
        _exactly(source, -size % RECORD_BYTES)
    _verify_end(source)


def _verify_end(source: Reader) -> None:
    """Read the second empty record and the zeros some programs round a tar up with, and nothing else."""
    left = PADDING_BYTES_MAX
    ending = _exactly(source, RECORD_BYTES)
    while ending:
        left -= len(ending)
        if left < 0 or ending.strip(b"\0"):
            raise _broken("bytes follow its end")
        ending = source.read(BLOCK_BYTES)


class _Content(io.BufferedIOBase):
    """Reads one member's bytes out of the stream, never beyond its end, and hands blocks on as they come."""

    def __init__(self, source: Reader, size: int) -> None:
        self._source, self._left = source, size

    def readable(self) -> bool:
        return True

    def read1(self, size: int | None = -1, /) -> bytes:
        """Return the next block, at most `size` bytes; b"" at the end."""
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        if not wanted:
            return b""
        block = self._source.read(wanted)
        if not block:
            raise _broken("it ends in the middle of a member")
        self._left -= len(block)
        return block

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        left = self._left if size is None or size < 0 else size
        blocks: list[bytes] = []
        while block := self.read1(left):
            blocks.append(block)
            left -= len(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def drain(self) -> None:
        while self.read1(BLOCK_BYTES):
            pass


def _parse_header(header: bytes) -> tuple[str, int, bytes]:
    try:
        info = tarfile.TarInfo.frombuf(header, "ascii", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise _broken("a member's header is damaged") from error
    if info.size < 0:
        raise _broken("a member's header is damaged")
    return info.name, info.size, info.type


def _pax_size(source: Reader, size: int) -> int:
    if size > PAX_BYTES_MAX:
        raise _broken("an extension record is larger than any of ours")
    record = _exactly(source, size)
    _exactly(source, -size % RECORD_BYTES)
    found = _PAX_SIZE.fullmatch(record)
    if found is None or int(found[1]) != len(record):
        raise _broken("it holds an extension record that is not ours")
    return int(found[2])


def _exactly(source: Reader, size: int) -> bytes:
    gathered = b""
    while len(gathered) < size:
        block = source.read(size - len(gathered))
        if not block:
            raise _broken("it ends too early")
        gathered += block
    return gathered


def _broken(what: str) -> IntegrityError:
    return IntegrityError(
        f"This parcel is not one that Beamkeeper sealed: {what}.",
        do_next="Use another copy of the vault, or an earlier night.",
    )
