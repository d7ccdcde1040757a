"""A heartbeat: all the signed metadata of a vault in one message, for an outsider who sees no mirror.

It says which nights are sealed, proves itself by its signatures and holds nothing secret (pseudonyms,
sizes, digests). Whoever receives it needs the root key and believes nothing that is not signed.
"""

from __future__ import annotations

import io
import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import IntegrityError
from beamkeeper.vault.metadata import TIMESTAMP_NAME, root_name, snapshot_name, targets_name
from beamkeeper.vault.reading import StoreReader
from beamkeeper.vault.trust import (
    ROOT_BYTES_MAX,
    ROOT_ROTATIONS_MAX,
    SNAPSHOT_BYTES_MAX,
    TARGETS_BYTES_MAX,
    TIMESTAMP_BYTES_MAX,
)

if TYPE_CHECKING:
    from beamkeeper.vault import ParcelStore

FORMAT: Final = "beamkeeper-heartbeat"
HEARTBEAT_BYTES_MAX: Final = 64 << 20
"""About 100,000 parcels; JSON in JSON grows by a sixth."""

FILES_BESIDE_ROOTS: Final = 4
"""The first root, timestamp, snapshot and targets."""

_HEAD: Final = f'{{"format": "{FORMAT}", "version": 1, "files": {{'
_NAME = re.compile(r"metadata/(timestamp|[1-9]\d{0,8}\.(root|snapshot|targets))\.json")


def packed(store: ParcelStore) -> bytes:
    """Return the metadata of the vault in `store` as one message; they are verified by who receives it.

    Raises
    ------
    IntegrityError
        The vault's metadata are not whole.
    SourceUnavailable
        The store does not answer.
    """
    read = StoreReader(store)
    files: dict[str, str] = {}

    def take(name: str, bytes_max: int) -> dict[str, object] | None:
        data = read(name, bytes_max=bytes_max)
        if data is None:
            return None
        try:
            files[name] = data.decode("utf-8")
            signed: dict[str, object] = json.loads(data)["signed"]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(f"{name} is no signed metadata.", name=name) from error
        return signed

    for version in range(1, ROOT_ROTATIONS_MAX + 2):
        if take(root_name(version), ROOT_BYTES_MAX) is None:
            break
    timestamp = take(TIMESTAMP_NAME, TIMESTAMP_BYTES_MAX)
    snapshot = take(snapshot_name(_version(timestamp, "snapshot.json")), SNAPSHOT_BYTES_MAX)
    take(targets_name(_version(snapshot, "targets.json")), TARGETS_BYTES_MAX)
    return (_HEAD + json.dumps(files)[1:] + "}").encode()


def _version(signed: dict[str, object] | None, name: str) -> int:
    try:
        return int(signed["meta"][name]["version"])  # type: ignore[index]
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("The vault's signed metadata are not whole.", lacks=name) from error


def unpack(data: bytes, store: ParcelStore) -> None:
    """Put the files of a heartbeat into an empty `store`, where they are verified like any vault.

    Raises
    ------
    IntegrityError
        It is no heartbeat; nothing of it may be believed.
    """
    for name, text in _files(data).items():
        if name == TIMESTAMP_NAME:
            store.replace(name, text)
        else:
            store.put(name, io.BytesIO(text))


def _files(data: bytes) -> dict[str, bytes]:
    """Return the files of a heartbeat, in memory that is bounded by its length whatever it holds.

    Not by the library's reader of JSON: 64 MB of brackets would become gigabytes of empty lists before
    anybody could see that no site signed them.
    """
    try:
        return _read_files(data.decode("utf-8"))
    except (ValueError, IndexError) as error:
        raise IntegrityError("What came is no heartbeat of a vault.", do_next="Ignore it.") from error


def _read_files(text: str) -> dict[str, bytes]:
    if not text.startswith(_HEAD):
        raise ValueError("another beginning")
    files: dict[str, bytes] = {}
    place = len(_HEAD)
    while len(files) <= ROOT_ROTATIONS_MAX + FILES_BESIDE_ROOTS:
        name, place = _string(text, place)
        if text[place : place + 2] != ": " or _NAME.fullmatch(name) is None or name in files:
            raise ValueError("no file of a vault's metadata")
        content, place = _string(text, place + 2)
        files[name] = content.encode("utf-8")
        if text[place : place + 3] == "}}":
            return files
        if text[place : place + 2] != ", ":
            raise ValueError("no list of files")
        place += 2
    raise ValueError("too many files")


def _string(text: str, place: int) -> tuple[str, int]:
    """Return the JSON string that begins at `place`, and where it ends."""
    if text[place] != '"':
        raise ValueError("no string")
    content, end = scanstring(text, place + 1)
    return str(content), int(end)
