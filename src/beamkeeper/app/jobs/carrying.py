"""Carrying bundles by a place that both houses reach: a disk, an SFTP server, a share, a bucket.

The place is never trusted: nothing is written over, everything is read back, and who takes a bundle out
checks its signature before it is copied. `bundle.json` goes last: who sees it finds the others there.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from beamkeeper.app.jobs.destinations import connect_remote
from beamkeeper.app.site import explain
from beamkeeper.app.site_mirrors import DirectoryMirror, MirrorSection
from beamkeeper.domain.toml_text import tables_in
from beamkeeper.errors import ConfigError, IntegrityError, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.respond.handover.bundle import (
    HEADER,
    HEADER_BYTES_MAX,
    LIMITS,
    SEALED,
    SIGNATURE,
    is_bundle_id,
    read_header,
)
from beamkeeper.respond.handover.working import no_room, working
from beamkeeper.wire.destination import BLOCK_BYTES, NameTaken
from beamkeeper.wire.share.directory import DirectoryDestination
from beamkeeper.wire.sshsig import SIGNATURE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from beamkeeper.respond.handover import Card, Desk
    from beamkeeper.wire.destination import Destination

FOLDER: Final = "handover"
ORDER: Final = (SEALED, SIGNATURE, HEADER)
BUNDLES_MAX: Final = 10_000
PLACE_BYTES_MAX: Final = 64 << 10
IN: Final = "in"
"""Folder of a desk: what was taken out of a place, and not opened yet."""


def open_place(path: Path) -> Destination:
    """Return the place that a file names: the keys of one `[[mirrors]]` section, secrets by reference.

    Raises
    ------
    ConfigError
        The file cannot be read, or says something else.
    SourceUnavailable, KeyUnavailable
        The place gives no answer; a secret cannot be read.
    """
    do_next = 'Write one [[mirrors]] section without its heading: name = "line", kind = "sftp", …'
    try:
        with path.open("rb") as file:
            text = file.read(PLACE_BYTES_MAX).decode()
        found = tables_in(text, str(path), do_next=do_next)
        section: MirrorSection = TypeAdapter(MirrorSection).validate_python(found)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", do_next="Name a file of a place.") from error
    except ValidationError as error:
        raise ConfigError(f"{path} names no place. {explain(error)}", do_next=do_next) from error
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was taken out of a place.

    Attributes
    ----------
    bundles
        Identifiers of what is new.
    left
        What was not taken, each with the reason, in sentences.
    """

    bundles: tuple[str, ...]
    left: tuple[str, ...] = ()


def fetch(place: Destination, desk: Desk) -> Fetched:
    """Copy every bundle of a place that is sealed for this desk into its folder `in`, if it is not there yet.

    Only what a trusted house signed is copied, no more of it than it signed, and only if it is that: what
    anybody else put there takes no room, and stops nothing that comes after it. What is sealed for another
    house is theirs. A bundle that is still being sent has no `bundle.json` yet, and waits for the next time.

    Raises
    ------
    IntegrityError
        The place lists more bundles than there can be.
    SourceUnavailable
        The place gives no list.
    StorageFull
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
    came, left = [], []
    known, own = (desk.card, *desk.known()), desk.card.recipient
    for bundle_id in sorted(one for one, found in names.items() if found == set(ORDER)):
        if (desk.path / IN / bundle_id).exists():
            continue
        try:
            if _fetched(place, bundle_id, desk.path / IN, known, own):
                came.append(bundle_id)
        except (IntegrityError, SourceUnavailable, SourceAnswerInvalid) as error:
            left.append(f"{bundle_id}: {error.message}")
    return Fetched(bundles=tuple(came), left=tuple(left))


def _fetched(place: Destination, bundle_id: str, into: Path, known: Sequence[Card], own: str) -> bool:
    """Copy one bundle; False when it is sealed for another house, or another process was quicker."""
    with working(into, ".fetching-") as work:
        staging = work / bundle_id
        try:
            staging.mkdir(mode=0o700)
            for name, most in ((HEADER, HEADER_BYTES_MAX), (SIGNATURE, SIGNATURE_BYTES_MAX)):
                _copied(place, bundle_id, name, staging, most)
            header, _ = read_header(staging, known)
            if header.recipient != own:
                return False
            if header.bundle_id != bundle_id:
                raise IntegrityError("It lies there under the name of another bundle.")
            most = min(header.size_bytes, LIMITS.total_bytes)
            if _copied(place, bundle_id, SEALED, staging, most) != header.sha256:
                raise IntegrityError("Its sealed file is not the one that was signed.")
            staging.rename(into / bundle_id)
        except OSError as error:
            if (into / bundle_id).is_dir():
                return False
            raise no_room(into, error) from error
    return True


def _copied(place: Destination, bundle_id: str, name: str, staging: Path, most: int) -> str:
    """Copy one file, never more than it may have; return its SHA-256."""
    source = place.open(f"{FOLDER}/{bundle_id}/{name}")
    if source is None:
        raise IntegrityError(f"Its {name} is listed and not given.")
    digest = hashlib.sha256()
    with source, (staging / name).open("xb") as out:
        while block := source.read(BLOCK_BYTES):
            most -= len(block)
            if most < 0:
                raise IntegrityError(f"Its {name} is larger than it can be.")
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


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
