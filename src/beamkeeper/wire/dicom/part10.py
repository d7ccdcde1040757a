"""The file header of a received object: preamble, `DICM`, and File Meta Information that never varies."""

from __future__ import annotations

import struct
from functools import lru_cache

IMPLEMENTATION_CLASS_UID = "2.25.230000225132569710260459579595114815576"
"""Ours, from a UUID (PS3.5 B.2). Never changed: it is part of the SHA-256 of every file we keep."""

IMPLEMENTATION_VERSION_NAME = "BEAMKEEPER"
"""Without a version number, for the same reason."""

MANUFACTURER = "Beamkeeper"
"""Manufacturer (0008,0070) of every object of our own making."""

_PREAMBLE_BYTES = 128
_ELEMENT = struct.Struct("<HH2sH")
_GROUP = 0x0002


def file_header(*, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Return preamble, prefix and File Meta Information for a data set as it was sent.

    The same three UIDs give the same bytes on every day and machine (no time, no AE title), so that one
    object received twice is one file with one SHA-256.

    References
    ----------
    DICOM PS3.10, 7.1.
    """
    fixed = _fixed_elements(sop_class_uid, transfer_syntax_uid)
    group = fixed[0] + _uid(0x0003, sop_instance_uid) + fixed[1]
    length = _ELEMENT.pack(_GROUP, 0x0000, b"UL", 4) + struct.pack("<I", len(group))
    return bytes(_PREAMBLE_BYTES) + b"DICM" + length + group


@lru_cache(maxsize=256)
def _fixed_elements(sop_class_uid: str, transfer_syntax_uid: str) -> tuple[bytes, bytes]:
    """Return what stands before and after Media Storage SOP Instance UID."""
    version = struct.pack("<HH2s2xI", _GROUP, 0x0001, b"OB", 2) + b"\x00\x01"
    before = version + _uid(0x0002, sop_class_uid)
    after = _uid(0x0010, transfer_syntax_uid) + _uid(0x0012, IMPLEMENTATION_CLASS_UID)
    return before, after + _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode("ascii"), b" ")


def _uid(element: int, uid: str) -> bytes:
    return _element(element, b"UI", uid.encode("ascii"), b"\0")


def _element(element: int, vr: bytes, value: bytes, pad: bytes) -> bytes:
    value += pad * (len(value) % 2)
    return _ELEMENT.pack(_GROUP, element, vr, len(value)) + value
