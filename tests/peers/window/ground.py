"""Two network namespaces and the cable between them: a collector, and a hospital with friends and strangers.

The collector's card is `card0`. The hospital has the archive (allowed both ways), a mail server (allowed out)
and a stranger, each with an IPv4 and an IPv6 address.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tests.peers.window.readied import Readied, ReadiedGuard

TALK = Path(__file__).with_name("talk.py")
CARD = "card0"
WORKER = "nobody"
COLLECTOR, ARCHIVE, MAIL, STRANGER = "10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.9"
COLLECTOR6, ARCHIVE6, STRANGER6 = "fd77::1", "fd77::2", "fd77::9"
ARCHIVE_PORT, MAIL_PORT, RECEIVER_PORT, OTHER_PORT, TIME_PORT = 1104, 1587, 11113, 1445, 1123
WAIT_S = 60.0
TRIES_MAX = 5

SITE = """
format = 1
[site]
name = "Window test"
time_zone = "Europe/Brussels"
data_dir = "data"
[vault]
directory = "vault"
keys_dir = "keys"
[night]
dossiers = false
lists = false
[receiver]
port = {receiver_port}
[window]
interface = "{card}"
addresses = ["{collector}/24", "{collector6}/64"]
worker = "{worker}"
lease_seconds = {lease_s}
longest_minutes = 60
socket = "{socket}"
hosts_file = "{hosts}"
inbound_from = ["archive.test"]
{more}
[[window.allow]]
purpose = "mail"
host = "mail.test"
port = {mail_port}
[[window.allow]]
purpose = "time"
host = "archive.test"
port = {time_port}
transport = "udp"
[[sources]]
kind = "dicom"
name = "archive"
ae_title = "ARCHIVE"
host = "archive.test"
port = {archive_port}
"""
HOSTS = f"127.0.0.1 localhost\n{ARCHIVE} archive.test\n{ARCHIVE6} archive.test\n{MAIL} mail.test # smtp\n"


@dataclass
class Held:
    """A connection that a process in a namespace keeps."""

    process: subprocess.Popen[str]

    def still(self) -> str:
        """Send a line over it; "alive", "closed" or "silence ..."."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("still there?\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@dataclass
class Hammer:
    """A process that tries to connect all the time."""

    process: subprocess.Popen[str]

    def connected_count(self) -> int:
        """Stop it; return how often it came through."""
        out, _ = self.process.communicate()
        return int(out.split()[-1])


class Ground:
    """Everything a window test stands on; a context manager that removes it all."""

    def __init__(self, folder: Path, readied: Readied, *, lease_s: int = 30, more: str = "") -> None:
        tag = secrets.token_hex(3)
        self.collector, self.hospital = f"bk-c-{tag}", f"bk-h-{tag}"
        self.folder, self._readied = folder, readied
        self.site_file = folder / "site.toml"
        # A Unix socket's path has at most 107 characters, and pytest's folders are for root alone.
        self.run_dir = Path(f"/run/bk-test-{tag}")
        self.socket = self.run_dir / "socket"
        self._lease_s, self._more = lease_s, more
        self._stack = ExitStack()
        self._tag = tag

    def __enter__(self) -> Self:
        try:
            for space in (self.collector, self.hospital):
                ip("netns", "add", space)
                self._stack.callback(ip, "netns", "del", space)
                ip("-n", space, "link", "set", "lo", "up")
            self.plug_in()
            self.run_dir.mkdir(mode=0o755)
            self._stack.callback(shutil.rmtree, self.run_dir)
            self._write_site()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def plug_in(self) -> None:
        """Put a cable between the two; the hospital's end is up."""
        ip(
            *("link", "add", CARD, "netns", self.collector, "type", "veth"),
            *("peer", "name", "hospital0", "netns", self.hospital),
        )
        for address in (f"{ARCHIVE}/24", f"{MAIL}/24", f"{STRANGER}/24", f"{ARCHIVE6}/64", f"{STRANGER6}/64"):
            more = ("nodad",) if ":" in address else ()
            ip("-n", self.hospital, "addr", "add", address, "dev", "hospital0", *more)
        ip("-n", self.hospital, "link", "set", "hospital0", "up")

    def _write_site(self) -> None:
        hosts = self.folder / "hosts"
        hosts.write_text(HOSTS)
        self.site_file.write_text(
            SITE.format(
                card=CARD,
                collector=COLLECTOR,
                collector6=COLLECTOR6,
                worker=WORKER,
                lease_s=self._lease_s,
                socket=self.socket,
                hosts=hosts,
                more=self._more,
                receiver_port=RECEIVER_PORT,
                archive_port=ARCHIVE_PORT,
                mail_port=MAIL_PORT,
                time_port=TIME_PORT,
            )
        )

    def bare_network(self) -> None:
        """Switch the collector's card on without any rules: how it would be without a window."""
        for address in (f"{COLLECTOR}/24", f"{COLLECTOR6}/64"):
            ip(
                "-n",
                self.collector,
                "addr",
                "add",
                address,
                "dev",
                CARD,
                *(("nodad",) if ":" in address else ()),
            )
        ip("-n", self.collector, "link", "set", CARD, "up")

    def second_card(self, name: str, own: str, peer: str) -> None:
        """Put another cable between the two; both ends are up."""
        ip(
            *("link", "add", name, "netns", self.collector, "type", "veth"),
            *("peer", "name", "hospital1", "netns", self.hospital),
        )
        for space, card, address in ((self.collector, name, own), (self.hospital, "hospital1", peer)):
            ip("-n", space, "addr", "add", f"{address}/24", "dev", card)
            ip("-n", space, "link", "set", card, "up")

    def network_behind_the_collector(self, address: str) -> str:
        """Make a namespace that only the collector is joined to, as a router would be; return its name."""
        inner, ours = f"bk-i-{self._tag}", address.rpartition(".")[0] + ".1"
        ip("netns", "add", inner)
        self._stack.callback(ip, "netns", "del", inner)
        ip(
            "link",
            "add",
            "inner0",
            "netns",
            self.collector,
            "type",
            "veth",
            "peer",
            "name",
            "card0",
            "netns",
            inner,
        )
        for space, card, own in ((self.collector, "inner0", ours), (inner, "card0", address)):
            ip("-n", space, "addr", "add", f"{own}/24", "dev", card)
            ip("-n", space, "link", "set", card, "up")
        ip("-n", inner, "route", "add", "default", "via", ours)
        ip("-n", self.hospital, "route", "add", f"{address}/32", "via", COLLECTOR)
        self.run(self.collector, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        return inner

    # Programs -----------------------------------------------------------------------------------

    def start(
        self, space: str, *command: str, user: str = "", stdin: int | None = None
    ) -> subprocess.Popen[str]:
        """Start a program in a namespace; it is killed when the ground goes."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", space, *as_user(user), *command],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=self._said_anew(),
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        )
        self._stack.callback(end, process)
        return process

    def _said_anew(self) -> IO[str]:
        """Return a file for what a program writes on standard error."""
        return self._stack.enter_context((self.folder / f"{secrets.token_hex(4)}.stderr").open("w"))

    def run(self, space: str, *command: str, user: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program in a namespace to its end."""
        return subprocess.run(
            ["ip", "netns", "exec", space, *as_user(user), *command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def beamkeeper(self, *words: str, user: str = "") -> subprocess.CompletedProcess[str]:
        """Run `beamkeeper window ...` on the collector."""
        program = str(Path(sys.executable).with_name("beamkeeper"))
        return self.run(self.collector, program, "window", *words, "--site", str(self.site_file), user=user)

    def start_beamkeeper(self, *words: str, user: str = "") -> subprocess.Popen[str]:
        """Start `beamkeeper window ...` on the collector."""
        program = str(Path(sys.executable).with_name("beamkeeper"))
        return self.start(self.collector, program, "window", *words, "--site", str(self.site_file), user=user)

    def guard(self, *before: str) -> subprocess.Popen[str] | ReadiedGuard:
        """Start the watchdog, and wait until it answers.

        Parameters
        ----------
        before
            A program that starts it, as systemd would; without one it is forked, which is quicker.
        """
        said = self.said().count("the window is shut\n")
        self._guard = self._started_by(before) if before else self._forked()
        self.wait_until(lambda: self.said().count("the window is shut\n") > said)
        return self._guard

    def _started_by(self, before: tuple[str, ...]) -> subprocess.Popen[str]:
        module = ("-I", "-m", "beamkeeper.app.window_main", "--site", str(self.site_file))
        return self.start(self.collector, *before, sys.executable, *module)

    def _forked(self) -> ReadiedGuard:
        process = self._readied.guard(self.collector, self.site_file, self._said_anew())
        self._stack.callback(end, process)
        return process

    def restart_guard(self) -> None:
        """Have the watchdog read its site file anew."""
        self._guard.terminate()
        self._guard.wait()
        self.guard()

    def worker(self, *, minutes: float = 5, code: str = "", user: str = WORKER) -> subprocess.Popen[str]:
        """Start a worker that holds the window until its standard input ends; return when it is open.

        Parameters
        ----------
        code
            Python that runs while it is open.
        """
        process = self.asker(
            f"window.open(datetime.now(UTC) + timedelta(minutes={minutes}))\n"
            "print(window.reading().state.value, flush=True)\n"
            f"{code}\n"
            "sys.stdin.read()\n",
            user=user,
        )
        assert process.stdout
        assert process.stdout.readline() == "open\n", self.said()
        return process

    def asker(self, code: str, *, user: str = WORKER) -> subprocess.Popen[str]:
        """Start Python that has a `window` of the worker's kind."""
        head = (
            "import os, sys, time\n"
            "from datetime import UTC, datetime, timedelta\n"
            "from pathlib import Path\n"
            "from beamkeeper.errors import WindowUnavailable\n"
            "from beamkeeper.protect.isolate import GuardedWindow\n"
            f"window = GuardedWindow(Path({str(self.socket)!r}))\n"
        )
        return self.start(self.collector, sys.executable, "-c", head + code, user=user, stdin=subprocess.PIPE)

    def ask(self, code: str, *, user: str = WORKER) -> str:
        """Run Python that has a `window`; return what it prints, or its refusal."""
        guarded = "\n".join("    " + line for line in code.splitlines())
        process = self.asker(
            f"try:\n{guarded}\nexcept WindowUnavailable as error:\n    print('REFUSED', error.message)\n",
            user=user,
        )
        return process.communicate()[0]

    def said(self) -> str:
        """Return what all programs wrote on standard error."""
        return "".join(path.read_text() for path in self.folder.glob("*.stderr"))

    def wait_until(self, holds, what: str = "it never came true") -> None:
        """Wait for something to become true; no test depends on how long it took."""
        ends = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < ends, f"{what}\n{self.said()}\n{self.rules()}"
            time.sleep(0.1)  # what is asked for starts a program as a rule

    def rules(self) -> str:
        """Return the collector's rules."""
        return self.run(self.collector, "nft", "list", "ruleset").stdout

    def members(self) -> str:
        """Return the sets of the collector's rules, without what lapsed."""
        return self.run(self.collector, "nft", "list", "sets", "inet").stdout.replace("flags timeout", "")

    def left_s(self) -> float:
        """Return after how many seconds the kernel would shut the window by itself; 0 when it has."""
        listed = self.run(self.collector, "nft", "list", "set", "inet", "beamkeeper", "window").stdout
        found = re.search(r"expires (?:(\d+)s)?(?:(\d+)ms)?", listed)
        return float(found[1] or 0) + float(found[2] or 0) / 1000 if found else 0.0

    def card_is_up(self) -> bool:
        """Whether the collector's card is switched on."""
        shown = self.run(self.collector, "ip", "link", "show", "dev", CARD).stdout
        return "UP" in shown.partition("<")[2].partition(">")[0].split(",")

    # Peers --------------------------------------------------------------------------------------

    def serve(self, space: str, address: str, port: int, kind: str = "echo", *, user: str = "") -> None:
        """Start a server in a namespace and wait for it."""
        process = self.start(space, sys.executable, str(TALK), kind, address, str(port), user=user)
        assert process.stdout
        assert process.stdout.readline() == "ready\n", self.said()

    def attempt(
        self, space: str, source: str, address: str, port: int, kind: str = "try", *, user: str = ""
    ) -> str:
        """Return the first word of what came of one attempt to connect."""
        done = self.run(space, sys.executable, str(TALK), kind, source, address, str(port), user=user)
        return done.stdout.split()[0] if done.stdout else done.stderr

    def reached(
        self, space: str, source: str, address: str, port: int, kind: str = "try", *, user: str = ""
    ) -> str:
        """Return what came of connecting where it is meant to succeed: on a busy machine not at once."""
        for _ in range(TRIES_MAX):
            came = self.attempt(space, source, address, port, kind, user=user)
            if came in {"connected", "answered"}:
                break
        return came

    def hammer(self, space: str, source: str, address: str, port: int, *, user: str = "") -> Hammer:
        """Try to connect all the time, until asked how often it came through."""
        process = self.start(
            *(space, sys.executable, str(TALK), "hammer", source, address, str(port)),
            user=user,
            stdin=subprocess.PIPE,
        )
        assert process.stdout
        assert process.stdout.readline() == "trying\n", self.said()
        return Hammer(process)

    def hold(self, space: str, source: str, address: str, port: int, *, user: str = "") -> Held:
        """Connect and stay connected."""
        process = self.start(
            space,
            sys.executable,
            str(TALK),
            "hold",
            source,
            address,
            str(port),
            user=user,
            stdin=subprocess.PIPE,
        )
        assert process.stdout
        assert process.stdout.readline() == "connected\n", self.said()
        return Held(process)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def as_user(user: str) -> list[str]:
    if not user:
        return []
    found = pwd.getpwnam(user)
    # A desk's Python may lie in a home that others cannot read; reading is all this user gets.
    read = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return ["setpriv", f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups", *read, "--"]


def end(process: subprocess.Popen[str] | ReadiedGuard) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
