"""The computer as its files show it: read here, judged in `checkup_host`; under another root for tests."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from beamkeeper.protect.isolate.host_files import (
    LOGON_PROGRAMS,
    Listener,
    Mount,
    mount_of,
    read_listeners,
    read_mounts,
    read_swaps,
)

FILE_BYTES_MAX = 4 << 20
PIECE_BYTES = 16 << 10
LAYERS_MAX = 8
"""Of devices upon devices: a volume on an array on encryption on a disk."""
UTC_NAMES = frozenset({"UTC", "UCT", "Zulu", "Universal"})
UNSYNCHRONISED = 0x40
"""STA_UNSYNC of adjtimex(2)."""
_TIMEX_BYTES = 512


class CannotTellError(Exception):
    """A fact that could not be read; the text says why, to stand after "because"."""


@dataclass(frozen=True, slots=True)
class Host:
    """A computer running Linux.

    Attributes
    ----------
    root
        Where its files are; "/" but for tests.
    clock_status
        The status word of adjtimex(2); None asks the kernel.
    """

    root: Path = field(default=Path("/"))
    clock_status: int | None = None

    def verify_linux(self) -> None:
        """Raise CannotTellError where there is no Linux to look at."""
        if not (self.root / "proc").is_dir() or not sys.platform.startswith("linux"):
            raise CannotTellError("this computer does not run Linux")

    def zone_name(self) -> str:
        """Return the IANA name of the zone this computer lives in; "" where it names none, or only UTC.

        It is a proposal for a person: a rescue laptop keeps UTC, and that is no hospital's clock on the wall.
        """
        try:
            target = str((self.root / "etc" / "localtime").readlink())
        except OSError:
            return ""
        _, found, name = target.partition("zoneinfo/")
        return "" if not found or name.rpartition("/")[2] in UTC_NAMES else name

    def text(self, name: str) -> str:
        """Return a file of the system.

        Raises
        ------
        CannotTellError
            It cannot be read.
        """
        try:
            with (self.root / name).open("rb", buffering=0) as file:
                # In pieces: the kernel takes a buffer of the asked size for its own files.
                pieces = iter(lambda: file.read(PIECE_BYTES), b"")
                data = b"".join(islice(pieces, FILE_BYTES_MAX // PIECE_BYTES))
        except OSError as error:
            raise CannotTellError(f"/{name} cannot be read ({error.strerror})") from error
        return data.decode("utf-8", errors="replace")

    def listeners(self) -> tuple[Listener, ...]:
        """Return every socket that waits for anybody, of every user."""
        found: set[Listener] = set()
        for name in ("tcp", "tcp6", "udp", "udp6"):
            if name.endswith("6") and not (self.root / "proc/net" / name).exists():
                continue  # a kernel without IPv6
            found |= set(read_listeners(name[:3], self.text(f"proc/net/{name}")))
        return tuple(sorted(found, key=lambda item: (item.port, item.transport, str(item.address))))

    def logon_programs(self) -> tuple[str, ...]:
        """Return the running programs that let somebody log on from elsewhere."""
        found = set()
        for folder in (self.root / "proc").glob("[0-9]*"):
            try:
                name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
            except OSError:  # it ended while we looked
                continue
            if name in LOGON_PROGRAMS:
                found.add(name)
        return tuple(sorted(found))

    def mount_of(self, path: Path) -> Mount:
        """Return the file system a path lies on, or would lie on.

        Raises
        ------
        CannotTellError
            The kernel names none.
        """
        found = mount_of(str(path.resolve()), read_mounts(self.text("proc/self/mountinfo")))
        if found is None:
            raise CannotTellError(f"the kernel names no file system for {path}")
        return found

    def is_encrypted(self, mount: Mount) -> bool:
        """Whether every byte of a file system goes through dm-crypt on its way to a disk.

        Raises
        ------
        CannotTellError
            The way to the disk cannot be seen from here.
        """
        device = mount.device
        if device.startswith("0:"):
            device = self._device_number(mount.source)
        return self._layers_encrypt(self._folder_of(device), LAYERS_MAX)

    def _device_number(self, source: str) -> str:
        if not source.startswith("/dev/"):
            raise CannotTellError(f"{source} is no device")
        return self._number_of(source)

    def _number_of(self, path: str) -> str:
        name = Path(os.path.realpath(self.root / path.lstrip("/"))).name
        try:
            return self.text(f"sys/class/block/{name}/dev").strip()
        except CannotTellError as error:
            raise CannotTellError(f"{path} is no device the kernel shows") from error

    def _folder_of(self, device: str) -> Path:
        folder = self.root / "sys/dev/block" / device
        if not folder.exists():
            raise CannotTellError(f"the kernel shows no device {device}")
        return folder.resolve()

    def _layers_encrypt(self, folder: Path, layers: int) -> bool:
        try:
            if (folder / "dm/uuid").read_text(encoding="ascii").startswith("CRYPT-"):
                return True
        except OSError:  # no device-mapper device
            pass
        below = [] if layers == 0 else sorted(folder.glob("slaves/*"))
        if below:
            return all(self._layers_encrypt(slave.resolve(), layers - 1) for slave in below)
        if (folder / "partition").exists() and (folder.parent / "slaves").is_dir():
            above = sorted((folder.parent / "slaves").glob("*"))
            return bool(above) and all(self._layers_encrypt(slave.resolve(), layers - 1) for slave in above)
        return False

    def swaps(self) -> dict[str, bool]:
        """Return where memory may be written to, and whether it is encrypted there or stays in memory."""
        return {name: self._keeps_secret(name) for name in read_swaps(self.text("proc/swaps"))}

    def _keeps_secret(self, name: str) -> bool:
        if Path(name).name.startswith("zram"):
            return True
        if name.startswith("/dev/"):
            return self._layers_encrypt(self._folder_of(self._number_of(name)), LAYERS_MAX)
        return self.is_encrypted(self.mount_of(Path(name)))

    def clock_is_synchronised(self) -> bool:
        """Whether something keeps the kernel's clock right.

        Raises
        ------
        CannotTellError
            The kernel does not answer.
        """
        status = _clock_status() if self.clock_status is None else self.clock_status
        return not status & UNSYNCHRONISED

    def radios(self) -> tuple[str, ...]:
        """Return the network cards that need no cable, and Bluetooth."""
        cards = (self.root / "sys/class/net").glob("*")
        found = [card.name for card in cards if (card / "wireless").exists() or (card / "phy80211").exists()]
        return tuple(sorted([*found, *(item.name for item in (self.root / "sys/class/bluetooth").glob("*"))]))


def _clock_status() -> int:
    """Return the status word of the kernel's clock; nothing is set (adjtimex(2) with modes 0)."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError) as error:
        raise CannotTellError("this system has no adjtimex") from error
    buffer = (ctypes.c_long * (_TIMEX_BYTES // ctypes.sizeof(ctypes.c_long)))()
    if adjtimex(buffer) < 0:
        raise CannotTellError(f"adjtimex failed ({os.strerror(ctypes.get_errno())})")
    # struct timex: modes (int, padded to a long), offset, freq, maxerror, esterror (longs), status (int).
    return int(
        ctypes.cast(ctypes.byref(buffer, 5 * ctypes.sizeof(ctypes.c_long)), ctypes.POINTER(ctypes.c_int))[0]
    )
