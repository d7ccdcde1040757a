"""A real Samba on loopback that demands SMB 3 encryption, with one share and one user."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.listening import free_port, wait_for_port

from beamkeeper.wire.share.smb import SmbDestination
from beamkeeper.wire.share.smb_line import SmbPeer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USER = "root"
"""Samba maps its users to those of the system; in the tests' container there is this one."""
PASSWORD = "not a secret"

CONFIG = """\
[global]
server role = standalone server
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = {port}
disable netbios = yes
server smb encrypt = {encrypt}
server min protocol = SMB2
passdb backend = tdbsam:{folder}/passdb.tdb
private dir = {folder}/private
lock directory = {folder}/lock
state directory = {folder}/state
cache directory = {folder}/cache
pid directory = {folder}/pid
ncalrpc dir = {folder}/ncalrpc
log file = {folder}/log
usershare max shares = 0
load printers = no
invalid users =
[copies]
path = {folder}/copies
read only = no
[readonly]
path = {folder}/copies
read only = yes
"""


class SambaServer:
    """Where the server is, and the folder it shares."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.root = folder / "copies"

    def peer(self, **changed: object) -> SmbPeer:
        facts: dict[str, object] = {
            "server": "127.0.0.1",
            "port": self.port,
            "share": "copies",
            "folder": "",
            "user": USER,
            "password": PASSWORD,
        }
        return SmbPeer(**(facts | changed))  # type: ignore[arg-type]

    def connect(self) -> SmbDestination:
        return SmbDestination(self.peer())


@contextmanager
def samba_server(
    folder: Path, program: Callable[[str], str], *, encrypt: str = "required"
) -> Iterator[SambaServer]:
    """Run smbd for the time of the context; it wants to be root."""
    smbd, smbpasswd = program("smbd"), program("smbpasswd")
    for name in ("private", "lock", "state", "cache", "pid", "ncalrpc", "copies"):
        (folder / name).mkdir()
    port = free_port()
    config = folder / "smb.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, encrypt=encrypt))
    words = f"{PASSWORD}\n{PASSWORD}\n"
    subprocess.run(
        [smbpasswd, "-c", str(config), "-a", "-s", USER],
        input=words,
        text=True,
        check=True,
        capture_output=True,
    )
    with subprocess.Popen(
        [smbd, "--foreground", "--no-process-group", f"--configfile={config}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # when it ends, smbd ends its whole process group
    ) as process:
        try:
            wait_for_port(port, process)
            yield SambaServer(folder, port)
        finally:
            process.terminate()
