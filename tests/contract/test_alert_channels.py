"""The channels' contract over a web server, log servers on real sockets, programs, and an SMTP server."""

from __future__ import annotations

import socket
import sys
import threading
import time
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.contract.alert_channel_contract import ALERT, AlertChannelContract
from tests.mail_peers.hook_server import gateway
from tests.mail_peers.mail_servers import Posted, server_context, smtp_server
from tests.papers import issue

from beamkeeper.app.jobs.calling import MailChannel
from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.alerting import CommandChannel, HookChannel, SyslogChannel, SyslogTransport
from beamkeeper.wire.mail import MailSecurity, SmtpServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from tests.mail_peers.hook_server import Gateway

FIELDS = {"to": "+32 470 00 00 00", "text": "$text", "kind": "$kind", "price": "$5"}
SOON_S = 2.0
ARRIVED_S_MAX = 20.0


class TestHook(AlertChannelContract):
    seen_dead = (0, 3)

    @pytest.fixture
    def pager(self) -> Iterator[Gateway]:
        with gateway() as state:
            yield state

    @pytest.fixture
    def channel(self, pager: Gateway) -> HookChannel:
        return HookChannel(name="pager", url=f"http://127.0.0.1:{pager.port}/send?v=1", fields=FIELDS)

    @pytest.fixture
    def heard(self, pager: Gateway) -> Callable[[], list[str]]:
        return lambda: [" ".join(item.values()) for item in pager.taken]

    @pytest.fixture
    def dead(self, free_port: int, tmp_path: Path) -> Iterator[tuple[HookChannel, ...]]:
        wrong = issue(tmp_path, "wrong")[0]
        with (
            gateway() as refusing,
            gateway() as elsewhere,
            gateway(server_context(wrong)) as foreign,
            socket.create_server(("127.0.0.1", 0)) as mute,
        ):
            refusing.status, elsewhere.status = 500, 302
            urls = [
                f"http://127.0.0.1:{free_port}/",
                f"http://127.0.0.1:{refusing.port}/",
                f"http://127.0.0.1:{elsewhere.port}/",
                f"https://127.0.0.1:{foreign.port}/",
                f"http://127.0.0.1:{mute.getsockname()[1]}/",
            ]
            yield tuple(
                HookChannel(name=f"pager-{number}", url=url, fields=FIELDS, answer_s_max=SOON_S)
                for number, url in enumerate(urls)
            )

    def test_what_the_site_file_writes_is_kept_and_what_it_asks_for_is_filled_in(
        self, channel: HookChannel, pager: Gateway
    ) -> None:
        for as_form in (False, True):
            secret = replace(channel, as_form=as_form, secret_header="X-Key", secret="k")
            secret.send(ALERT)

            assert pager.taken[-1] == FIELDS | {"text": ALERT.text, "kind": "overdue"}
            assert pager.headers[-1]["X-Key"] == "k"
        assert "'k'" not in repr(secret)

    def test_a_gateway_behind_tls_is_believed_by_its_authority(self, tmp_path: Path) -> None:
        paper = issue(tmp_path, "gateway")[0]
        with gateway(server_context(paper)) as state:
            HookChannel(
                name="pager",
                url=f"https://127.0.0.1:{state.port}/",
                fields=FIELDS,
                ca_file=paper.certificate,
            ).send(ALERT)

            assert state.texts() == [ALERT.text]


class LogServer:
    """A log server on a real socket: one thread, everything it was sent."""

    def __init__(self, transport: SyslogTransport, context: ssl.SSLContext | None = None) -> None:
        kind = socket.SOCK_DGRAM if transport is SyslogTransport.UDP else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self._context = context
        self.port = int(self._socket.getsockname()[1])
        self.messages: list[bytes] = []
        if kind == socket.SOCK_STREAM:
            self._socket.listen()
        target = self._datagrams if kind == socket.SOCK_DGRAM else self._streams
        threading.Thread(target=target, daemon=True).start()

    def _datagrams(self) -> None:
        while True:
            try:
                data = self._socket.recv(65_536)
            except OSError:
                return
            if not data:
                return
            self.messages.append(data)

    def _streams(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            try:
                if self._context is not None:
                    peer = self._context.wrap_socket(peer, server_side=True)
                parts = []
                while data := peer.recv(65_536):
                    parts.append(data)
                if parts:
                    self.messages.append(b"".join(parts))
                if self._context is not None:
                    peer.unwrap()
            except OSError:
                pass
            finally:
                peer.close()

    def close(self) -> None:
        if self._socket.type == socket.SOCK_STREAM:
            self._socket.shutdown(socket.SHUT_RDWR)
        else:
            self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._socket.close()

    def heard(self, count: int) -> list[str]:
        end = time.monotonic() + ARRIVED_S_MAX
        while len(self.messages) < count and time.monotonic() < end:
            time.sleep(0.01)
        return [data.decode() for data in self.messages]


class SyslogContract(AlertChannelContract):
    transport = SyslogTransport.UDP

    @pytest.fixture
    def paper(self, tmp_path: Path):
        return issue(tmp_path, "syslog")[0]

    @pytest.fixture
    def server(self, paper) -> Iterator[LogServer]:
        context = server_context(paper) if self.transport is SyslogTransport.TLS else None
        server = LogServer(self.transport, context)
        yield server
        server.close()

    @pytest.fixture
    def channel(self, server: LogServer, paper) -> SyslogChannel:
        return SyslogChannel(
            name="syslog",
            host="127.0.0.1",
            port=server.port,
            transport=self.transport,
            hostname="collector",
            ca_file=paper.certificate,
        )

    @pytest.fixture
    def heard(self, server: LogServer, request: pytest.FixtureRequest) -> Callable[[], list[str]]:
        expected = 2 if "two" in request.node.name else 1
        return lambda: server.heard(expected)

    @pytest.fixture
    def dead(self, free_port: int) -> tuple[SyslogChannel, ...]:
        return (SyslogChannel(name="syslog-0", host="127.0.0.1", port=free_port, transport=self.transport),)

    def test_it_is_one_message_as_rfc_5424_has_it(
        self, channel: SyslogChannel, heard: Callable[[], list[str]]
    ) -> None:
        channel.send(ALERT)
        (message,) = heard()
        if self.transport is not SyslogTransport.UDP:
            length, _, message = message.partition(" ")
            assert int(length) == len(message.encode())

        assert message == (
            "<129>1 2026-03-03T09:00:00.000000Z collector beamkeeper - overdue "
            '[beamkeeper@32473 kind="overdue" night="2026-03-03" site="Zuid \\"A\\]\\""] '
            "\ufeff" + ALERT.text
        )


class TestSyslogUdp(SyslogContract):
    seen_dead = (0, 1, 2)

    @pytest.fixture
    def dead(self) -> tuple[SyslogChannel, ...]:
        """Over UDP nobody says that nobody is there; a name that is none is noticed."""
        return tuple(
            SyslogChannel(name=f"syslog-{number}", host=host, port=514)
            for number, host in enumerate(("256.0.0.1", "log..example", "x" * 64 + ".example"))
        )

    def test_a_long_text_fits_one_datagram_and_ends_on_a_whole_letter(self, channel: SyslogChannel) -> None:
        long = replace(ALERT, text="é" * 999)

        assert len(channel.message(long)) <= 1_200
        assert channel.message(long).decode().endswith("é")


class TestSyslogTcp(SyslogContract):
    transport = SyslogTransport.TCP


class TestSyslogTls(SyslogContract):
    transport = SyslogTransport.TLS

    def test_a_log_server_with_a_foreign_certificate_gets_nothing(
        self, channel: SyslogChannel, server: LogServer, tmp_path: Path
    ) -> None:
        foreign = replace(channel, ca_file=issue(tmp_path, "foreign")[0].certificate)
        with pytest.raises(SourceUnavailable, match="not trusted"):
            foreign.send(ALERT)

        assert server.messages == []


PROGRAM = """
import os, sys
with open(sys.argv[1], "a", encoding="utf-8") as file:
    file.write(os.environ["BEAMKEEPER_ALERT_KIND"] + " " + sys.stdin.read())
"""


class TestCommand(AlertChannelContract):
    seen_dead = (0, 3)

    @pytest.fixture
    def channel(self, tmp_path: Path) -> CommandChannel:
        (tmp_path / "siren.py").write_text(PROGRAM, "utf-8")
        return CommandChannel(
            name="siren", arguments=(sys.executable, str(tmp_path / "siren.py"), str(tmp_path / "heard"))
        )

    @pytest.fixture
    def heard(self, tmp_path: Path) -> Callable[[], list[str]]:
        return lambda: (tmp_path / "heard").read_text("utf-8").splitlines()

    @pytest.fixture
    def dead(self) -> tuple[CommandChannel, ...]:
        return (
            CommandChannel(name="siren-0", arguments=("/nowhere/siren",)),
            CommandChannel(name="siren-1", arguments=("false",)),
            CommandChannel(name="siren-2", arguments=("sleep", "600"), answer_s_max=0.2),
            CommandChannel(name="siren-3", arguments=("nul\0",)),
        )

    def test_no_part_of_an_alert_becomes_an_argument_or_a_shells_word(
        self, channel: CommandChannel, heard: Callable[[], list[str]], tmp_path: Path
    ) -> None:
        channel.send(replace(ALERT, text=f"$(touch {tmp_path}/pwned); `id`"))

        assert heard() == [f"overdue $(touch {tmp_path}/pwned); `id`"]
        assert not (tmp_path / "pwned").exists()

    def test_a_command_that_hangs_is_killed_with_all_it_started(self, tmp_path: Path) -> None:
        script = f"sleep 600 & echo $! > {tmp_path}/child; wait"
        with pytest.raises(SourceUnavailable, match="did not end"):
            CommandChannel(name="siren", arguments=("sh", "-c", script), answer_s_max=1.0).send(ALERT)
        child = int((tmp_path / "child").read_text("ascii"))
        state = ""
        end = time.monotonic() + ARRIVED_S_MAX
        while time.monotonic() < end:
            try:
                state = Path(f"/proc/{child}/stat").read_text("ascii").split()[2]
            except (FileNotFoundError, ProcessLookupError):
                state = "gone"
            if state in {"gone", "Z"}:
                break
            time.sleep(0.02)

        assert state in {"gone", "Z"}


class TestMail(AlertChannelContract):
    seen_dead = (2,)

    @pytest.fixture
    def posted(self) -> Posted:
        return Posted(refuse={"zoe@hospital.example"})

    @pytest.fixture
    def channel(self, posted: Posted, free_port: int) -> Iterator[MailChannel]:
        server = SmtpServer(
            host="127.0.0.1",
            port=free_port,
            sender="beamkeeper@hospital.example",
            security=MailSecurity.UNSAFE_NONE,
        )
        for _ in smtp_server(posted, free_port, None):
            yield MailChannel(name="mail", server=server, addresses=("an@hospital.example",))

    @pytest.fixture
    def heard(self, posted: Posted) -> Callable[[], list[str]]:
        def texts() -> list[str]:
            found = []
            for _, data in posted.letters:
                message = message_from_bytes(data, policy=default)
                found.append(f"{message['Subject']} {message.get_content()}")
            return found

        return texts

    @pytest.fixture
    def dead(self, channel: MailChannel) -> tuple[MailChannel, ...]:
        return (
            replace(channel, addresses=()),
            replace(channel, addresses=("zoe@hospital.example",)),
            replace(channel, server=replace(channel.server, port=1)),
        )

    def test_what_nobody_took_is_told_by_the_channels_name(self, dead: tuple[MailChannel, ...]) -> None:
        for channel in dead:
            with pytest.raises(SourceUnavailable, match="written to"):
                channel.send(ALERT)

    def test_one_refused_address_does_not_keep_the_others_from_theirs(
        self, channel: MailChannel, posted: Posted
    ) -> None:
        both = replace(channel, addresses=("zoe@hospital.example", "an@hospital.example"))
        with pytest.raises(SourceUnavailable, match="1 of 2"):
            both.send(ALERT)

        assert len(posted.to("an@hospital.example")) == 1
