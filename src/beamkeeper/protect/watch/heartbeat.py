"""A heartbeat: all the signed metadata of a vault in one message, for an outsider who sees no mirror.

It says which nights are sealed, proves itself by its signatures and holds nothing secret (pseudonyms,
sizes, digests). Whoever receives it needs the root key and believes nothing that is not signed.
"""

from __future__ import annotations

import io
import json
import re
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
    return json.dumps({"format": FORMAT, "version": 1, "files": files}).encode()


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
    no_heartbeat = IntegrityError("What came is no heartbeat of a vault.", do_next="Ignore it.")
    try:
        document = json.loads(data)
        head = {key: document[key] for key in document.keys() - {"files"}}
        files = {str(name): text.encode("utf-8") for name, text in document["files"].items()}
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise no_heartbeat from error
    if head != {"format": FORMAT, "version": 1} or not 0 < len(files) <= ROOT_ROTATIONS_MAX + 4:
        raise no_heartbeat
    if not all(map(_NAME.fullmatch, files)):
        raise no_heartbeat
    return files
