"""A real OpenSSH server on loopback, with keys of its own, for one folder."""

from __future__ import annotations

import getpass
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.listening import free_port, wait_for_port

from beamkeeper.wire.share.sftp import SftpDestination, SftpPeer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
Subsystem sftp internal-sftp
LogLevel ERROR
"""


class SftpServer:
    """Where the server is, and the folder it serves."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.root = folder / "copies"
        self.host_key = (folder / "host_key.pub").read_text()
        self.private_key = (folder / "user_key").read_text()

    def peer(self, **changed: object) -> SftpPeer:
        facts: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "path": str(self.root),
            "host_keys": (self.host_key,),
            "private_key": self.private_key,
            "silence_s": 20,
        }
        return SftpPeer(**(facts | changed))  # type: ignore[arg-type]

    def connect(self) -> SftpDestination:
        return SftpDestination(self.peer())


@contextmanager
def sftp_server(folder: Path, program: Callable[[str], str]) -> Iterator[SftpServer]:
    """Run sshd for the time of the context."""
    sshd, keygen = program("sshd"), program("ssh-keygen")
    for name in ("host_key", "user_key", "other_key"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "authorized_keys").write_bytes((folder / "user_key.pub").read_bytes())
    (folder / "copies").mkdir()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd wants it; systemd makes it as a rule
    port = free_port()
    (folder / "sshd_config").write_text(CONFIG.format(port=port, folder=folder))
    with subprocess.Popen(
        [sshd, "-D", "-e", "-f", str(folder / "sshd_config")],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for_port(port, process)
            yield SftpServer(folder, port)
        finally:
            process.terminate()
