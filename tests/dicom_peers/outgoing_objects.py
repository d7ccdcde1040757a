"""Objects on disk, ready to be sent: made up, or from the real sets."""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from typing import TYPE_CHECKING

from raw_sender import EXPLICIT, PLAN, Instance

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.outgoing import Outgoing, encoding_of
from beamkeeper.wire.dicom.part10 import file_header

if TYPE_CHECKING:
    from pathlib import Path

_NOT_STORED = "1.2.840.10008.5.1.4.34."
"""Worklist objects among the real files: no archive stores them."""


def written(folder: Path, instance: Instance) -> Outgoing:
    """Write an instance as the file we would keep of it."""
    header = file_header(
        sop_class_uid=instance.sop_class_uid,
        sop_instance_uid=instance.sop_instance_uid,
        transfer_syntax_uid=instance.transfer_syntax_uid,
    )
    path = folder / f"{instance.sop_instance_uid}.out"
    path.write_bytes(header + instance.data_set)
    return Outgoing(
        sop_class_uid=instance.sop_class_uid,
        sop_instance_uid=instance.sop_instance_uid,
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.4",
        transfer_syntax_uid=instance.transfer_syntax_uid,
        path=path,
        sha256=hashlib.sha256(header + instance.data_set).hexdigest(),
        size_bytes=len(header) + len(instance.data_set),
        data_set_at=len(header),
    )


def whole(size: int, number: int = 1, *, syntax: str = EXPLICIT, sop_class: str = PLAN) -> Instance:
    """Return a data set of `size` bytes that any parser can read: two UIDs and a private block."""
    uid = f"1.2.3.4.{number}"
    parts = [
        _element(0x0008, 0x0016, b"UI", sop_class.encode(), syntax),
        _element(0x0008, 0x0018, b"UI", uid.encode(), syntax),
        _element(0x0009, 0x0010, b"LO", b"TEST", syntax),
    ]
    head = b"".join(parts)
    value = bytes((index * 7 + number) % 251 for index in range(251))
    length = max(0, size - len(head) - (12 if syntax == EXPLICIT else 8))
    block = _element(0x0009, 0x1001, b"OB", (value * (length // 251 + 1))[:length], syntax)
    return Instance(sop_class, uid, syntax, head + block)


def _element(group: int, element: int, vr: bytes, value: bytes, syntax: str) -> bytes:
    value += b"\0" * (len(value) % 2)
    if syntax != EXPLICIT:
        return struct.pack("<HHI", group, element, len(value)) + value
    if vr == b"OB":
        return struct.pack("<HH2s2xI", group, element, vr, len(value)) + value
    return struct.pack("<HH2sH", group, element, vr, len(value)) + value


def outgoing_of(path: Path, **more: str) -> Outgoing | None:
    """Return a file as it would be sent; None for what is no object of an archive."""
    data = path.read_bytes()
    try:
        ref = identify(data)
    except ObjectUnreadable:
        return None
    if not ref.sop_class_uid or ref.sop_class_uid.startswith(_NOT_STORED):
        return None
    with path.open("rb") as file:
        syntax, start = encoding_of(file)
    found = Outgoing(
        sop_class_uid=ref.sop_class_uid,
        sop_instance_uid=ref.sop_instance_uid,
        study_instance_uid=ref.study_instance_uid,
        series_instance_uid=ref.series_instance_uid,
        transfer_syntax_uid=syntax,
        path=path,
        sha256=ref.sha256,
        size_bytes=ref.size_bytes,
        data_set_at=start,
    )
    return dataclasses.replace(found, **more)


def real_outgoing(real_data: Path, *, most: int | None = None) -> list[Outgoing]:
    """Return the real objects, one for each SOP Instance UID."""
    found: dict[str, Outgoing] = {}
    for path in sorted(real_data.rglob("*")):
        if path.is_file() and (item := outgoing_of(path)) is not None:
            found.setdefault(item.sop_instance_uid, item)
        if most is not None and len(found) >= most:
            break
    return list(found.values())
