"""Where the data of a collector that only encrypts lie: in storage whose key is not on its disk, or nowhere.

Three kinds count: a gocryptfs folder, made and opened by us; dm-crypt under the directory; memory. Which it
is, the kernel says at every opening. What cannot be seen is not believed.

The folder of a bare mount point may not be written (mode 0500), so that data go nowhere when nobody opened
it. That does not hold root back: every door asks the kernel as well.
"""

from __future__ import annotations

import os
import resource
import tempfile
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from beamkeeper.app import gocryptfs
from beamkeeper.app.host import CannotTellError, Host
from beamkeeper.errors import ConfigError, DataClosed, StorageFull

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.site import Site

GUIDE = "docs/guide/sealed-data.md"
TEMPORARY_NAME = "tmp"
TEMPORARY_VARIABLE = "BEAMKEEPER_SEALED_TMP"
"""Set while a process works on sealed data: the only place for its temporary files and traces."""


class Sealed(Enum):
    """What keeps a thief of the disk from reading a folder."""

    GOCRYPTFS = "gocryptfs"
    DM_CRYPT = "dm-crypt"
    MEMORY = "memory"


class Shut(Enum):
    """Why a folder cannot be used though it is sealed."""

    CLOSED = "nobody has opened it"
    BROKEN = "the program that kept it open has ended"
    FOREIGN = "another user opened it"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a folder stands.

    Attributes
    ----------
    sealed
        What it lies on; None when that is in clear, or cannot be seen.
    shut
        Why it cannot be used now; None when it can.
    why
        What could not be seen; "" when all could.
    """

    sealed: Sealed | None
    shut: Shut | None = None
    why: str = ""


def sealed_folder(data_dir: Path) -> Path:
    """Return where the encrypted files of a data directory lie, if gocryptfs keeps them."""
    return data_dir.with_name(f"{data_dir.name}.sealed")


def has_sealed_folder(data_dir: Path) -> bool:
    """Return whether a data directory is one that `beamkeeper data open` opens."""
    return (sealed_folder(data_dir) / gocryptfs.CONF_NAME).exists()


def standing(path: Path, host: Host) -> Standing:
    """Return what a folder lies on, and whether it can be used now."""
    try:
        mount = host.mount_of(path)
        if mount.kind == gocryptfs.KIND:
            return Standing(Sealed.GOCRYPTFS, _shut(mount.mount_point))
        if has_sealed_folder(path):
            return Standing(Sealed.GOCRYPTFS, Shut.CLOSED)
        if mount.kind in {"tmpfs", "ramfs"}:
            return Standing(Sealed.MEMORY)
        return Standing(Sealed.DM_CRYPT if host.is_encrypted(mount) else None)
    except CannotTellError as error:
        return Standing(None, why=str(error))


def _shut(mount_point: str) -> Shut | None:
    try:
        os.stat(mount_point)  # noqa: PTH116 - as the kernel names it
    except PermissionError:
        return Shut.FOREIGN
    except OSError:
        return Shut.BROKEN
    return None


def verify_sealed(site: Site, host: Host | None = None) -> None:
    """Return where a site may keep patients' data; a site that holds its own key may anywhere.

    Raises
    ------
    DataClosed
        It is sealed, and not open.
    ConfigError
        It lies in clear, or nobody can see that it does not.
    """
    if not site.vault.encrypt_only:
        return
    for what, path in (("data_dir", site.data_dir), ("keys_dir", site.vault.keys_dir)):
        found = standing(path, host or Host())
        if found.shut is not None:
            raise _closed(site.data_dir, found.shut)
        if found.sealed is None:
            seen = f": {found.why}" if found.why else ""
            raise ConfigError(
                f"The site file says encrypt_only, and {what} ({path}) is not seen to be encrypted{seen}.",
                do_next=f"Nothing was written. Put it on sealed storage: {GUIDE}.",
            )


def _closed(data_dir: Path, why: Shut) -> DataClosed:
    do_next = {
        Shut.CLOSED: "beamkeeper data open",
        Shut.BROKEN: "beamkeeper data open   (it takes up what is left)",
        Shut.FOREIGN: "Work as the user who opened it: sudo -u beamkeeper beamkeeper ...",
    }[why]
    return DataClosed(f"The data directory {data_dir} is sealed: {why.value}.", do_next=do_next)


def enter(site: Site) -> None:
    """Verify that a site's data may be written, and keep this process's leavings off the disk.

    From then on temporary files lie in the data directory, and a crash writes no memory.
    """
    verify_sealed(site)
    if not site.vault.encrypt_only:
        return
    keep_memory_to_ourselves()
    folder = site.data_dir / TEMPORARY_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFull(
            f"The data directory {site.data_dir} cannot be written: {error.strerror}.",
            do_next="Make room, or give the collector's user the right to write there.",
        ) from error
    # SQLite and every program we call ask the environment.
    os.environ["TMPDIR"] = os.environ[TEMPORARY_VARIABLE] = str(folder)
    tempfile.tempdir = str(folder)


def keep_memory_to_ourselves() -> None:
    """Let a crash of this process, and of those it starts, write no memory to a file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
