"""What the spool's files look like: names, journal lines, and the facts they carry (see `spool`)."""

from __future__ import annotations

import json
import os
import re
import zlib
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING

from beamkeeper.errors import IntegrityError, StorageFull

if TYPE_CHECKING:
    from pathlib import Path

LINE_BYTES_MAX = 4096
"""Longest journal line a reader looks at; two UIDs and an AE title need 600."""

FORMAT = {"format": "beamkeeper-spool", "version": 1}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectIdentity:
    """What a sender said of an object it is about to send.

    Attributes
    ----------
    solicited
        We asked for it, count, and can ask again: a group commit is enough.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae_title: str
    solicited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledObject:
    """One whole object that arrived.

    Attributes
    ----------
    sha256
        Lower-case hexadecimal SHA-256 of the whole file.
    size_bytes
        Size of that file.
    known
        The vault has these bytes already; they were not kept again and cannot be read from the spool.
    pack
        File name of the pack; "" when `known`.
    offset
        Where the file starts in the pack, bytes.
    received_at
        ISO 8601, UTC.
    """

    sha256: str
    size_bytes: int
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae_title: str
    solicited: bool
    known: bool
    pack: str
    offset: int
    received_at: str


_FIELD_NAMES = tuple(field.name for field in fields(SpooledObject))
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def journal_line(fields: dict[str, object]) -> bytes:
    """Return a journal line: checksum, blank, JSON."""
    text = _ENCODER.encode(fields).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def object_line(spooled: SpooledObject) -> bytes:
    """Return the journal line of one object (`dataclasses.asdict` would cost 20 times as much)."""
    return journal_line({name: getattr(spooled, name) for name in _FIELD_NAMES})


def parse_line(line: bytes) -> dict[str, object] | None:
    """Return what the line says; None when it is not one that a writer finished."""
    checksum, _, text = line[:-1].partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def check_format(name: str, fields: dict[str, object]) -> None:
    """Raise IntegrityError unless the first line of a journal names the format we know."""
    found = {key: fields.get(key) for key in FORMAT}
    if found != FORMAT:
        raise IntegrityError(
            f"The spool journal {name} says it is {found}; this program reads {FORMAT}.",
            do_next="Read it with the version of Beamkeeper that wrote it.",
        )


def spooled_object(name: str, fields: dict[str, object]) -> SpooledObject:
    """Return the object a journal line stands for."""
    try:
        spooled = SpooledObject(**fields)  # type: ignore[arg-type]
        datetime.fromisoformat(spooled.received_at)
    except (TypeError, ValueError) as error:
        raise IntegrityError(
            f"The spool journal {name} has a line whose fields are not those of its version.",
            do_next="Keep the file and report it: its checksum is right, so a program wrote it so.",
        ) from error
    return spooled


def checked_pack_name(pack: str) -> str:
    """Return `pack` when it is a file name of ours: it was read from a journal."""
    if not NAME.fullmatch(pack) or not pack.endswith(".pack"):
        raise IntegrityError(f"{pack!r} is not the name of a pack in the spool.")
    return pack


def sync_folder(folder: Path) -> None:
    """Make new and removed names durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unreadable(spooled: SpooledObject, why: str) -> IntegrityError:
    """Return the error that says why an object cannot be read."""
    return IntegrityError(
        f"Object {spooled.sop_instance_uid} cannot be read from the spool: {why}.",
        do_next="Ask its source for it again.",
        sop_instance_uid=spooled.sop_instance_uid,
        pack=spooled.pack,
        offset=spooled.offset,
    )


def storage_full(error: OSError, what: str) -> StorageFull:
    """Return the error that says what the disk refused."""
    return StorageFull(
        f"The spool could not be {what}: {os.strerror(error.errno) if error.errno else error}.",
        do_next="Make room on the spool disk, or give this user the right to write there.",
        errno=error.errno,
    )
