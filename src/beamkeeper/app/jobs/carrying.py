"""Carrying bundles by a place that both houses reach: a disk, an SFTP server, a share, a bucket.

The place is never trusted: nothing is written over, everything is read back, and who takes a bundle out
checks its signature before anything else. `bundle.json` goes last: who sees it finds the others there.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from beamkeeper.app.jobs.destinations import connect_remote
from beamkeeper.app.site_mirrors import DirectoryMirror, MirrorSection
from beamkeeper.errors import ConfigError, IntegrityError, StorageFull
from beamkeeper.respond.handover.bundle import (
    HEADER,
    HEADER_BYTES_MAX,
    LIMITS,
    SEALED,
    SIGNATURE,
    is_bundle_id,
)
from beamkeeper.wire.destination import BLOCK_BYTES, NameTaken
from beamkeeper.wire.share.directory import DirectoryDestination
from beamkeeper.wire.sshsig import SIGNATURE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from beamkeeper.wire.destination import Destination

FOLDER: Final = "handover"
ORDER: Final = (SEALED, SIGNATURE, HEADER)
BUNDLES_MAX: Final = 10_000
PLACE_BYTES_MAX: Final = 64 << 10
_BYTES_MAX: Final[Mapping[str, int]] = {
    SEALED: LIMITS.total_bytes,
    SIGNATURE: SIGNATURE_BYTES_MAX,
    HEADER: HEADER_BYTES_MAX,
}


def open_place(path: Path) -> Destination:
    """Return the place that a file names: the keys of one `[[mirrors]]` section, secrets by reference.

    Raises
    ------
    ConfigError
        The file cannot be read, or says something else.
    SourceUnavailable, KeyUnavailable
        The place gives no answer; a secret cannot be read.
    """
    try:
        with path.open("rb") as file:
            found: dict[str, Any] = tomllib.loads(file.read(PLACE_BYTES_MAX).decode())
        section: MirrorSection = TypeAdapter(MirrorSection).validate_python(found)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.", do_next="Name a file of a place."
        ) from error
    except (ValueError, ValidationError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ConfigError(
            f"{path} names no place: {first}.",
            do_next='Write one [[mirrors]] section without its heading: name = "line", kind = "sftp", …',
        ) from error
    if isinstance(section, DirectoryMirror):
        return DirectoryDestination(section.path)
    return connect_remote(section)


def send(bundle: Path, place: Destination) -> str:
    """Put a bundle into a place and read it back; what is there already with the same bytes is fine.

    Returns
    -------
    str
        The bundle's identifier.

    Raises
    ------
    IntegrityError
        Something else lies there under its name, or what was read back is not what was sent.
    SourceUnavailable, StorageFull
        No answer, or no room: send it again.
    """
    for name in ORDER:
        path = bundle / name
        target = f"{FOLDER}/{bundle.name}/{name}"
        try:
            with path.open("rb") as source:
                size = os.fstat(source.fileno()).st_size
                digest = hashlib.file_digest(source, "sha256").hexdigest()
                source.seek(0)
                with suppress(NameTaken):  # sent before, or somebody else's: reading it back tells
                    place.put(target, source, size_bytes=size)
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be read: {error.strerror}.", do_next="Name the folder of a whole bundle."
            ) from error
        if _digest_there(place, target, size) != digest:
            raise IntegrityError(
                f"What lies at the place under {target} is not what was sent.",
                do_next="Do not use this place; send the bundle another way.",
            )
    return bundle.name


def fetch(place: Destination, into: Path) -> tuple[str, ...]:
    """Copy every bundle of a place that is not in a folder yet; return their identifiers.

    Nothing of them is believed: `receive` and `handover back` check them. A bundle that is still being sent
    has no `bundle.json` yet, and is left for the next time.

    Raises
    ------
    IntegrityError
        The place lists more bundles, or larger files, than there can be.
    SourceUnavailable, StorageFull
    """
    names: dict[str, set[str]] = {}
    for listed in place.list(f"{FOLDER}/"):
        _, _, rest = listed.name.partition("/")
        bundle_id, _, name = rest.partition("/")
        if is_bundle_id(bundle_id) and name in ORDER:
            names.setdefault(bundle_id, set()).add(name)
    if len(names) > BUNDLES_MAX:
        raise IntegrityError(
            f"The place lists more than {BUNDLES_MAX} bundles.", do_next="Look who writes there."
        )
    whole = sorted(bundle_id for bundle_id, found in names.items() if found == set(ORDER))
    return tuple(bundle_id for bundle_id in whole if _fetched(place, bundle_id, into))


def _fetched(place: Destination, bundle_id: str, into: Path) -> bool:
    folder = into / bundle_id
    if folder.exists():
        return False
    staging = into / f".{bundle_id}-{secrets.token_hex(4)}"
    try:
        staging.mkdir(mode=0o700, parents=True)
        for name in ORDER:
            source = place.open(f"{FOLDER}/{bundle_id}/{name}")
            if source is None:
                return False
            left = _BYTES_MAX[name]
            with source, (staging / name).open("xb") as out:
                while block := source.read(BLOCK_BYTES):
                    left -= len(block)
                    if left < 0:
                        raise IntegrityError(f"{name} of bundle {bundle_id} is larger than it can be.")
                    out.write(block)
        staging.rename(folder)
    except OSError as error:
        raise StorageFull(
            f"A bundle cannot be kept in {into}: {error.strerror}.", do_next="Make room."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return True


def _digest_there(place: Destination, name: str, size_bytes: int) -> str:
    """Return the SHA-256 of what the place gives back; "" where it gives nothing."""
    source = place.open(name)
    if source is None:
        return ""
    digest, count = hashlib.sha256(), 0
    with source:
        while count <= size_bytes and (block := source.read(BLOCK_BYTES)):
            digest.update(block)
            count += len(block)
    return digest.hexdigest()
