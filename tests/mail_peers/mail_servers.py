"""Real mail servers on loopback: aiosmtpd that takes letters, Dovecot that keeps a mailbox."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from tests.papers import Paper, issue

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "beamkeeper", "only-for-tests"
STARTED_S_MAX = 30.0


def server_context(paper: Paper) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paper.certificate, paper.key)
    return context


@dataclass
class Posted:
    """What an SMTP server took: (recipient, message bytes)."""

    letters: list[tuple[str, bytes]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters += [(address, envelope.content) for address in envelope.rcpt_tos]
        return "250 taken"

    def to(self, address: str) -> list[bytes]:
        return [data for who, data in self.letters if who == address]


def _may_enter(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=good, handled=good)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, **self.SMTP_kwargs)


def smtp_server(
    posted: Posted, port: int, paper: Paper | None, *, implicit_tls: bool = False
) -> Iterator[Controller]:
    """Serve SMTP on loopback; with a certificate it insists on STARTTLS and a login, or on TLS at once."""
    settings: dict[str, Any] = {}
    if paper is not None and not implicit_tls:
        settings = {"authenticator": _may_enter, "auth_required": True}
        settings |= {"tls_context": server_context(paper), "require_starttls": True}
    controller = _Controller(
        posted,
        hostname="127.0.0.1",
        port=port,
        ssl_context=server_context(paper) if paper and implicit_tls else None,
        ready_timeout=STARTED_S_MAX,
        **settings,
    )
    controller.start()
    try:
        yield controller
    finally:
        controller.stop()


@dataclass
class Dovecot:
    """A Dovecot with one user and one Maildir."""

    folder: Path
    port: int
    tls_port: int
    paper: Paper
    process: subprocess.Popen[bytes]
    delivered: int = 0

    @property
    def maildir(self) -> Path:
        return self.folder / "mail"

    def deliver(self, data: bytes) -> None:
        """Put a message into the mailbox as a delivery agent does."""
        self.delivered += 1
        name = f"{1_700_000_000 + self.delivered}.{self.delivered}.test"
        (self.maildir / "tmp" / name).write_bytes(data)
        shutil.chown(self.maildir / "tmp" / name, "mail", "mail")
        (self.maildir / "tmp" / name).rename(self.maildir / "new" / name)

    def unread_count(self) -> int:
        seen = [path for path in (self.maildir / "cur").iterdir() if "S" in path.name.rpartition(",")[2]]
        return self.delivered - len(seen)


_SETTINGS = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
default_login_user = dovenull
default_internal_user = dovecot
auth_mechanisms = plain login
first_valid_uid = 1
passdb {{
  driver = static
  args = password={{PLAIN}}{password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@contextmanager
def dovecot(program: str, ports: tuple[int, int]) -> Iterator[Dovecot]:
    """Run Dovecot in the foreground; it needs root to change to its own users.

    In a folder of its own: pytest's are closed to those users.
    """
    with tempfile.TemporaryDirectory(prefix="beamkeeper-dovecot-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        paper, _ = issue(folder, "dovecot")
        for name in ("run", "home", "mail/new", "mail/cur", "mail/tmp"):
            (folder / name).mkdir(parents=True)
        for path in (folder / "home", *(folder / "mail").rglob("*"), folder / "mail"):
            shutil.chown(path, "mail", "mail")
        settings = folder / "dovecot.conf"
        settings.write_text(
            _SETTINGS.format(
                folder=folder,
                certificate=paper.certificate,
                key=paper.key,
                password=PASSWORD,
                port=ports[0],
                tls_port=ports[1],
            )
        )
        process = subprocess.Popen([program, "-F", "-c", str(settings)], stderr=subprocess.PIPE)
        try:
            _wait_for(ports[1], process)
            yield Dovecot(folder, ports[0], ports[1], paper, process)
        finally:
            process.terminate()
            process.communicate(timeout=STARTED_S_MAX)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + STARTED_S_MAX
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"Dovecot ended: {process.communicate()[1]!r}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("Dovecot does not listen")


def two_free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
