"""Making, opening and closing the sealed data directory, and the passphrase that does it.

The passphrase lies nowhere on this computer in clear: a person types it, or the site file says where it comes
from (`[vault] data_key`), or three recovery cards give it: beside the sealed folder lies a copy that is
encrypted to the recovery key alone.
"""

from __future__ import annotations

import base64
import fcntl
import io
import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from beamkeeper.app import gocryptfs
from beamkeeper.app.host import CannotTellError, Host
from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.app.sealed_data import (
    GUIDE,
    Sealed,
    Shut,
    has_sealed_folder,
    keep_memory_to_ourselves,
    sealed_folder,
    standing,
)
from beamkeeper.errors import ConfigError, KeyUnavailable, StorageFull
from beamkeeper.vault import age, resolve_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.vault import RecoveryKeys

LETTERS, GROUP = 24, 4
"""Of a passphrase: 120 bits in base32, in groups that can be read aloud."""
BARE_MODE, MOUNTING_MODE = 0o500, 0o700
"""Of the mount point: fusermount wants to be allowed to write there, nobody else shall."""
COPY_BYTES_MAX = 4096


def card_copy(data_dir: Path) -> Path:
    """Return where the passphrase lies, encrypted to the recovery key."""
    return data_dir.with_name(f"{data_dir.name}.passphrase.age")


def new_passphrase() -> str:
    """Return a passphrase nobody could guess, for paper."""
    letters = base64.b32encode(secrets.token_bytes(LETTERS * 5 // 8)).decode().lower()
    return "-".join(letters[at : at + GROUP] for at in range(0, LETTERS, GROUP))


@contextmanager
def made_and_open(site: Site, passphrase: str) -> Iterator[None]:
    """Make a sealed data directory and leave it open; when what follows fails, it is gone again.

    Raises
    ------
    ConfigError
        Something lies there already, or gocryptfs is not installed.
    StorageFull
        It cannot be made.
    """
    folder, point = sealed_folder(site.data_dir), site.data_dir
    if point.is_dir() and any(point.iterdir()):
        raise ConfigError(
            f"{point} is not empty: what lies there would not be sealed.",
            do_next="Make the new site elsewhere.",
        )
    gocryptfs.make(folder, passphrase)
    try:
        open_data(site, passphrase)
        yield
    except BaseException:
        close_data(site)
        shutil.rmtree(folder)
        point.chmod(MOUNTING_MODE)
        point.rmdir()
        raise


def open_data(site: Site, passphrase: str) -> bool:
    """Open the sealed data directory; return False when it is open already.

    Raises
    ------
    ConfigError
        There is none, or something lies in its mount point.
    KeyUnavailable
        The passphrase is another one.
    """
    folder, point = _sealed(site), site.data_dir
    keep_memory_to_ourselves()
    with _alone(folder):
        found = standing(point, Host())
        if found.sealed is Sealed.GOCRYPTFS and found.shut in {None, Shut.FOREIGN}:
            return False
        if found.shut is Shut.BROKEN:
            gocryptfs.unmount(point)
        _mount(folder, point, passphrase)
    return True


def _mount(folder: Path, point: Path, passphrase: str) -> None:
    """Mount, and leave the bare mount point below such that nobody but root could write there."""
    try:
        point.mkdir(mode=MOUNTING_MODE, parents=True, exist_ok=True)
        bare = os.open(point, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StorageFull(
            f"The mount point {point} cannot be used: {error.strerror}.",
            do_next="It must belong to the collector's user.",
        ) from error
    try:
        if any(point.iterdir()):
            raise ConfigError(
                f"Files lie in the bare mount point {point}: they are not sealed.",
                do_next="Move them away; they may tell of patients. Then open again.",
            )
        os.fchmod(bare, MOUNTING_MODE)
        gocryptfs.mount(folder, point, passphrase)
    finally:
        os.fchmod(bare, BARE_MODE)
        os.close(bare)


def close_data(site: Site) -> bool:
    """Close the sealed data directory; return False when it is closed already.

    Raises
    ------
    AlreadyRunning
        A process works with it.
    """
    folder = _sealed(site)
    with _alone(folder):
        if standing(site.data_dir, Host()).shut is Shut.CLOSED:
            return False
        gocryptfs.unmount(site.data_dir)
    return True


def _sealed(site: Site) -> Path:
    if not has_sealed_folder(site.data_dir):
        raise ConfigError(
            f"There is no sealed folder {sealed_folder(site.data_dir)}.",
            do_next=f"`beamkeeper init --encrypt-only` makes one; see {GUIDE}.",
        )
    return sealed_folder(site.data_dir)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold off others who open or close at the same time; the kernel lets go if we die."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ConfigError(
            f"The sealed folder {folder} cannot be read: {error.strerror}.",
            do_next="Work as the collector's user.",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def open_by_reference(site: Site) -> bool:
    """Open a shut data directory if the site file says where its key is; return whether it was shut.

    Raises
    ------
    KeyUnavailable
        The key is not there, is another one, or lies beside what it opens.
    """
    if not site.vault.data_key or not has_sealed_folder(site.data_dir):
        return False
    if standing(site.data_dir, Host()).shut not in {Shut.CLOSED, Shut.BROKEN}:
        return False
    return open_data(site, passphrase_by_reference(site))


def passphrase_by_reference(site: Site) -> str:
    """Return what `[vault] data_key` points at.

    Raises
    ------
    KeyUnavailable
        The site file names no reference, nothing is there, or it lies in clear beside what it opens.
    """
    reference = site.vault.data_key
    if not reference:
        raise KeyUnavailable("The site file names no data_key.", do_next="beamkeeper data open")
    if lies_beside(site):
        raise KeyUnavailable(
            f"The key {reference} lies on the disk of what it opens: a thief would have both.",
            do_next="Keep it on a stick that is taken out, or bind it to the computer's TPM: " + GUIDE,
        )
    return resolve_secret(reference)


def lies_beside(site: Site, host: Host | None = None) -> bool:
    """Return whether the passphrase lies in a file of the file system that it opens, in clear."""
    return in_clear_beside(site.vault.data_key, sealed_folder(site.data_dir), host)


def in_clear_beside(reference: str, folder: Path, host: Host | None = None) -> bool:
    """Return whether a reference is to a file in clear on the file system that holds a folder."""
    kind, _, name = reference.partition(":")
    if kind != "file":
        return False
    try:
        if os.stat(name).st_dev != folder.stat().st_dev:  # noqa: PTH116 - a reference is text
            return False
    except OSError:
        return False
    host = host or Host()
    try:
        return not host.is_encrypted(host.mount_of(folder))
    except CannotTellError:
        return True


def keep_for_cards(site: Site, passphrase: str, recovery: RecoveryKeys) -> None:
    """Lay a copy of the passphrase beside the sealed folder that three cards open."""
    sealed = io.BytesIO()
    age.encrypt(io.BytesIO(passphrase.encode()), sealed, [recovery.recipient])
    write_whole(card_copy(site.data_dir), sealed.getvalue())


def passphrase_by_cards(site: Site, recovery: RecoveryKeys) -> str:
    """Return the passphrase that `keep_for_cards` kept.

    Raises
    ------
    KeyUnavailable
        There is no such copy, or these are not the cards of this site.
    """
    path = card_copy(site.data_dir)
    try:
        with path.open("rb") as file:
            sealed = file.read(COPY_BYTES_MAX)
    except OSError as error:
        raise KeyUnavailable(
            f"The copy of the passphrase for the cards, {path}, cannot be read.",
            do_next="It was made by `beamkeeper init`: look in a backup of it.",
        ) from error
    return age.open_small(sealed, recovery.identity).decode()
