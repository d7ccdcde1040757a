"""The program that encrypts a collector's data: gocryptfs, a file system in user space, and how it is told.

The passphrase goes over standard input: never into arguments, the environment or a file. What the program
says on failure is told by its exit status, for its words name paths.

References
----------
gocryptfs(1), "EXIT CODES"; fusermount(1); https://nuetzlich.net/gocryptfs/forward_mode_crypto
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from beamkeeper.errors import AlreadyRunning, ConfigError, KeyUnavailable, StorageFull

if TYPE_CHECKING:
    from pathlib import Path

CONF_NAME = "gocryptfs.conf"
KIND = "fuse.gocryptfs"
"""What the kernel calls such a file system."""
ANSWER_S_MAX = 60
WRONG_PASSPHRASE = 12
NO_FUSE = 19


def make(folder: Path, passphrase: str) -> None:
    """Make an empty encrypted folder that `passphrase` opens.

    Raises
    ------
    ConfigError
        The program is not installed, or refuses the folder.
    StorageFull
        The folder cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError as error:
        raise ConfigError(
            f"{folder} is there already.", do_next="Use it, or make the new site elsewhere."
        ) from error
    except OSError as error:
        raise StorageFull(
            f"{folder} cannot be made: {error.strerror}.", do_next="Give this user the right to write there."
        ) from error
    _run("-q", "-init", "--", str(folder), passphrase=passphrase)


def mount(folder: Path, point: Path, passphrase: str) -> None:
    """Show at `point` what lies encrypted in `folder`, to this user alone, until it is unmounted.

    Raises
    ------
    KeyUnavailable
        The passphrase is another one.
    ConfigError
        The program is not installed, or cannot work here.
    """
    _run("-q", "-noexec", "--", str(folder), str(point), passphrase=passphrase)


def unmount(point: Path) -> None:
    """Show nothing at `point` any more.

    Raises
    ------
    AlreadyRunning
        A process works with a file of it.
    """
    done = subprocess.run(
        [_program("fusermount3", "fusermount"), "-u", "--", str(point)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=ANSWER_S_MAX,
    )
    if done.returncode:
        raise AlreadyRunning(
            f"{point} is in use, or another user opened it.",
            do_next="Stop `beamkeeper serve` and every other command, and leave that folder in all shells.",
        )


def _run(*arguments: str, passphrase: str) -> None:
    done = subprocess.run(
        [_program("gocryptfs"), *arguments],
        input=f"{passphrase}\n".encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=ANSWER_S_MAX,
    )
    if done.returncode == WRONG_PASSPHRASE:
        raise KeyUnavailable(
            "This passphrase does not open the data directory.",
            do_next="Type it as `beamkeeper init` showed it, or: beamkeeper data open --words",
        )
    if done.returncode == NO_FUSE:
        raise ConfigError(
            "This computer does not let this user mount a file system (FUSE).",
            do_next="`modprobe fuse`; is /dev/fuse there, and fusermount setuid root?",
        )
    if done.returncode:
        raise ConfigError(
            f"gocryptfs refuses, with status {done.returncode}.",
            do_next="See gocryptfs(1), EXIT CODES; is its folder whole, and the mount point empty?",
        )


def _program(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    raise ConfigError(
        f"The program {names[0]} is not installed.",
        do_next="apt install gocryptfs; or let data_dir lie on LUKS: docs/guide/sealed-data.md.",
    )
