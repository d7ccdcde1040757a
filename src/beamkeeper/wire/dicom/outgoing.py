"""An object as a file that is to be sent, and what a destination says of it.

References
----------
DICOM PS3.10 chapter 7 (file meta information)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Final

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.part10 import file_header

if TYPE_CHECKING:
    from pathlib import Path

META_BYTES_MAX: Final = 1 << 20
"""File meta information is below 1 kB; a private part of it could be longer."""

_MARK, _MARK_AT = b"DICM", 128
_GROUP = b"\x02\x00"
_SHORT = struct.Struct("<4x2sH")
_LONG = struct.Struct("<I")
_LONG_VRS = frozenset({b"OB", b"OW", b"UN", b"SQ", b"UT", b"OF", b"OD", b"OL", b"OV", b"UC", b"UR"})
_TRANSFER_SYNTAX = b"\x02\x00\x10\x00"
_EXPLICIT_LITTLE, _IMPLICIT_LITTLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One object on disk, ready to be sent.

    Attributes
    ----------
    sha256, size_bytes
        Of the whole file at `path`.
    data_set_at
        Where the data set begins in it; 0 for a file without preamble and file meta information.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    path: Path
    sha256: str
    size_bytes: int
    data_set_at: int

    @property
    def data_set_bytes(self) -> int:
        """How long the data set is."""
        return self.size_bytes - self.data_set_at

    @property
    def header(self) -> bytes:
        """What must stand before the file to make it a DICOM file: b"" where it is one."""
        if self.data_set_at:
            return b""
        return file_header(
            sop_class_uid=self.sop_class_uid,
            sop_instance_uid=self.sop_instance_uid,
            transfer_syntax_uid=self.transfer_syntax_uid,
        )


def encoding_of(file: BinaryIO) -> tuple[str, int]:
    """Return the transfer syntax of a DICOM file, and where its data set begins.

    A data set without any header (some planning systems export them) is told by its first element.

    Raises
    ------
    ObjectUnreadable
        Its header is cut off, or has no transfer syntax.
    """
    file.seek(0)
    head = file.read(META_BYTES_MAX)
    start = _MARK_AT + len(_MARK) if head[_MARK_AT : _MARK_AT + len(_MARK)] == _MARK else 0
    position, syntax = start, ""
    while head[position : position + 2] == _GROUP:
        value_at, end = _extent(head, position)
        if end > len(head):
            raise _cut_off()
        if head[position : position + 4] == _TRANSFER_SYNTAX:
            syntax = head[value_at:end].rstrip(b"\0 ").decode("latin-1")
        position = end
    if position > start and syntax:
        return syntax, position
    if position > start or start:
        raise _cut_off()
    states_vr = head[4:6].isalpha() and head[4:6].isupper()
    return (_EXPLICIT_LITTLE if states_vr else _IMPLICIT_LITTLE), 0


def _extent(head: bytes, position: int) -> tuple[int, int]:
    """Return where the value of the element at `position` begins and ends."""
    if position + 12 > len(head):
        raise _cut_off()
    vr, length = _SHORT.unpack_from(head, position)
    if vr in _LONG_VRS:
        return position + 12, position + 12 + int(_LONG.unpack_from(head, position + 8)[0])
    return position + 8, position + 8 + int(length)


def _cut_off() -> ObjectUnreadable:
    return ObjectUnreadable(
        "The object's file header is cut off or names no transfer syntax: it cannot be sent as it is.",
        do_next="Nothing is lost: it stays in the vault as it came.",
    )


class StoreVerdict(StrEnum):
    """What a peer's word on one object amounts to."""

    STORED = "stored"
    WARNED = "stored with a warning"
    FULL = "no room"
    REFUSED = "refused"
    HAS_ANOTHER = "has one already"
    """It says that it has an object of this UID, and did not take ours: reading back tells which."""
    NOT_AGREED = "not agreed"
    """The peer accepts no context for this SOP class in this transfer syntax: nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAnswer:
    """What a peer said of one object.

    Attributes
    ----------
    status
        The DIMSE status, or the HTTP status and failure reason; 0 on success or where nothing was sent.
    reason
        The peer's own words, or ours for its status; "" on success.
    """

    verdict: StoreVerdict
    status: int = 0
    reason: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether the peer says that it has the object."""
        return self.verdict in {StoreVerdict.STORED, StoreVerdict.WARNED}
