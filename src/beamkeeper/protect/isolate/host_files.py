"""What the kernel's files say of this computer, read into facts: sockets, disks, swap. Rules; no I/O.

The shapes are those of proc(5) and sysfs(5). A line that has another shape is passed over: what cannot be
read is told by whoever asked, never taken for "nothing there".
"""

from __future__ import annotations

import ipaddress
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beamkeeper.protect.isolate.plan import Address

LISTENING_TCP = "0A"
UNCONNECTED_UDP = "07"
LOGON_PORTS = {
    22: "SSH",
    23: "Telnet",
    512: "rexec",
    513: "rlogin",
    514: "rsh",
    3389: "Remote Desktop",
    5900: "VNC",
    5985: "WinRM",
    5986: "WinRM",
    9090: "Cockpit",
}
LOGON_PROGRAMS = frozenset(
    (
        "sshd",
        "dropbear",
        "telnetd",
        "in.telnetd",
        "xrdp",
        "xrdp-sesman",
        "Xvnc",
        "x11vnc",
        "cockpit-ws",
        "teamviewerd",
    )
)
_IPV4_CHARACTERS = 8
_FIELDS_MIN = 10
_MOUNT_FIELDS_MIN = 6


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """A socket that takes what strangers send.

    Attributes
    ----------
    transport
        "tcp" or "udp".
    uid
        Whose it is.
    """

    port: int
    transport: str
    address: Address
    uid: int

    @property
    def is_local(self) -> bool:
        """Whether only this computer reaches it."""
        mapped = getattr(self.address, "ipv4_mapped", None)
        return (mapped or self.address).is_loopback

    def in_words(self) -> str:
        """Return it as a person reads it; no name of a program, for root alone may know it."""
        where = f"[{self.address}]" if self.address.version == 6 else str(self.address)  # noqa: PLR2004 - the version of IP
        known = f" ({LOGON_PORTS[self.port]})" if self.transport == "tcp" and self.port in LOGON_PORTS else ""
        return f"{where}:{self.port}/{self.transport}{known}"


def read_listeners(transport: str, text: str) -> Iterator[Listener]:
    """Return the sockets of `/proc/net/tcp`, `tcp6`, `udp` or `udp6` that wait for anybody."""
    wanted = LISTENING_TCP if transport == "tcp" else UNCONNECTED_UDP
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < _FIELDS_MIN or fields[3] != wanted:
            continue
        hexadecimal, _, port = fields[1].partition(":")
        try:
            address = _kernel_address(hexadecimal)
            yield Listener(port=int(port, 16), transport=transport, address=address, uid=int(fields[7]))
        except ValueError:
            continue


def _kernel_address(hexadecimal: str) -> Address:
    """Return an address that the kernel writes as 32-bit words in its own byte order."""
    data = bytes.fromhex(hexadecimal)
    if sys.byteorder == "little":
        data = b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))
    kind = ipaddress.IPv4Address if len(hexadecimal) == _IPV4_CHARACTERS else ipaddress.IPv6Address
    return kind(data)


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system.

    Attributes
    ----------
    device
        "major:minor" of what it lies on; "0:N" has no device of its own.
    """

    device: str
    mount_point: str
    kind: str
    source: str

    @property
    def is_elsewhere(self) -> bool:
        """Whether it lies on another computer."""
        return self.kind in {
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "smbfs",
            "9p",
            "ceph",
            "afs",
        } or self.kind.startswith(("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.glusterfs"))


def read_mounts(mountinfo: str) -> tuple[Mount, ...]:
    """Return the file systems of `/proc/self/mountinfo`, in its order."""
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, more = before.split(), after.split()
        if len(fields) >= _MOUNT_FIELDS_MIN and len(more) >= 2:  # noqa: PLR2004 - type and source
            found.append(
                Mount(
                    device=fields[2],
                    mount_point=_unescaped(fields[4]),
                    kind=more[0],
                    source=_unescaped(more[1]),
                )
            )
    return tuple(found)


def mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """Return the file system an absolute path lies on: of the longest mount points the last."""
    best: Mount | None = None
    for mount in mounts:
        point = mount.mount_point.rstrip("/")
        holds = path == point or path.startswith(point + "/")
        if holds and (best is None or len(mount.mount_point) >= len(best.mount_point)):
            best = mount
    return best


def _unescaped(text: str) -> str:
    for code, character in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        text = text.replace(code, character)
    return text


def read_swaps(text: str) -> tuple[str, ...]:
    """Return the devices and files of `/proc/swaps`."""
    return tuple(_unescaped(line.split()[0]) for line in text.splitlines()[1:] if line.split())


def core_dumps_go_nowhere(core_pattern: str) -> bool:
    """Whether `/proc/sys/kernel/core_pattern` keeps no memory of a process that crashes."""
    return core_pattern.strip() in {
        "|/bin/false",
        "|/usr/bin/false",
        "|/bin/true",
        "|/usr/bin/true",
        "/dev/null",
    }


def names_come_from_files_alone(nsswitch: str) -> bool | None:
    """Whether `/etc/nsswitch.conf` asks nobody but the hosts file; None when it does not say."""
    for line in nsswitch.splitlines():
        key, _, value = line.partition("#")[0].partition(":")
        if key.strip() == "hosts":
            return set(value.split()) <= {"files", "myhostname"}
    return None
