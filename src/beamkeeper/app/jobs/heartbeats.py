"""Heartbeats: the collector sends its signed metadata to watchers, and a watcher takes them.

What is sent holds nothing secret and proves itself; so the door takes it from anybody, believes only
what the site signed, and lets nobody hold it open.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from beamkeeper.app.jobs.network import network
from beamkeeper.app.jobs.notes import read_note, write_note
from beamkeeper.errors import BeamkeeperError, ConfigError, IntegrityError, SourceUnavailable
from beamkeeper.protect.watch import HEARTBEAT_BYTES_MAX, packed
from beamkeeper.vault import LocalStore
from beamkeeper.wire.tls import TlsClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.app.jobs.watching import Watcher
    from beamkeeper.app.site import Site
    from beamkeeper.app.site_heartbeats import HeartbeatTarget
    from beamkeeper.app.site_watch import HeartbeatSection
    from beamkeeper.clock import Clock

ANSWER_S: Final = 30.0
CONNECTIONS_MAX: Final = 16
VISIT_S: Final = 120.0
"""The most one visit may take, however slowly it drips."""
EVERY_S: Final = 600.0
NETWORK_FOR: Final = timedelta(minutes=2)
"""How long one heartbeat may hold the network, where the network is rationed."""
PATH: Final = "/heartbeat"
READ_AT_ONCE_BYTES_MAX: Final = 2 * HEARTBEAT_BYTES_MAX
"""The most that all visitors together may have us hold."""
_TAKEN: Final = range(200, 300)
_LENGTH: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The last heartbeat that a watcher took, and the digest of what it said."""

    at: datetime
    sha256: str


@dataclass(frozen=True)
class HeartbeatDuty:
    """Send the signed metadata to one watcher every ten minutes: silence is what it alarms on.

    Attributes
    ----------
    number
        Counted from 1 in the site file; an address may hold a token and is not shown.
    """

    site: Site
    target: HeartbeatTarget
    number: int
    retry_s: float = 120.0

    @property
    def name(self) -> str:
        """What the log calls it."""
        return f"heartbeat {self.number}"

    @property
    def _note_path(self) -> Path:
        return self.site.data_dir / "heartbeats" / f"{self.number}.json"

    def wait_s(self, clock: Clock) -> float:
        """Return how long the next heartbeat can wait."""
        sent = self._sent()
        passed_s = (clock.now() - sent.at).total_seconds() if sent else EVERY_S
        return 0.0 if passed_s < 0 else EVERY_S - passed_s

    def work(self, clock: Clock) -> str:
        """Send one heartbeat; only one that says something new is worth a line.

        Raises
        ------
        SourceUnavailable
            The watcher does not take it.
        """
        data = packed(LocalStore(self.site.vault.directory))
        with network(self.site, clock.now() + NETWORK_FOR):
            send_heartbeat(self.target, data)
        before, digest = self._sent(), hashlib.sha256(data).hexdigest()
        write_note(self._note_path, Sent(at=clock.now(), sha256=digest))
        return "" if before and before.sha256 == digest else "the watcher knows the newest metadata"

    def _sent(self) -> Sent | None:
        try:
            return read_note(self._note_path, Sent)
        except IntegrityError:
            return None


def send_heartbeat(target: HeartbeatTarget, data: bytes) -> None:
    """Post one heartbeat.

    Raises
    ------
    SourceUnavailable
        No connection, no answer in time, or not taken.
    """
    try:
        connection, path = _connection(target)
        try:
            # A redirect is not followed: it would have us ask whatever address the other end likes.
            connection.request("POST", path, body=data, headers={"Content-Type": "application/json"})
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _not_taken("no answer") from error
    if status not in _TAKEN:
        raise _not_taken(f"it answers {status}")


def _connection(target: HeartbeatTarget) -> tuple[http.client.HTTPConnection, str]:
    parts = urlsplit(target.url)
    host, path = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=ANSWER_S), path
    ours = TlsClient(ca_file=target.tls_ca).context() if target.tls_ca else None
    context = ours or ssl.create_default_context()
    return http.client.HTTPSConnection(host, parts.port, timeout=ANSWER_S, context=context), path


def _not_taken(said: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"A heartbeat was not taken: {said}.",
        do_next="Is the watcher running, is its address right, and does it watch this site's root key?",
    )


class _Door(ThreadingHTTPServer):
    """Takes heartbeats; a few connections at a time, each with a time limit."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], watcher: Watcher, clock: Clock) -> None:
        self.watcher, self.clock = watcher, clock
        self.context: ssl.SSLContext | None = None
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self._room, self._room_lock = READ_AT_ONCE_BYTES_MAX, threading.Lock()
        super().__init__(address, _Visit)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        request.settimeout(ANSWER_S)  # of each read, and of the whole TLS handshake
        try:
            secured = self.context.wrap_socket(request, server_side=True) if self.context else request
            closing = threading.Timer(VISIT_S, self.shutdown_request, (secured,))
            closing.daemon = True
            closing.start()
            try:
                super().process_request_thread(secured, client_address)
            finally:
                closing.cancel()
        except OSError:  # a stranger who does not speak TLS, or hung up
            self.shutdown_request(request)
        finally:
            self._free.release()

    @contextmanager
    def room_for(self, size_bytes: int) -> Iterator[bool]:
        """Hold room for a body while the block lasts; False when there is none."""
        with self._room_lock:
            has_room = size_bytes <= self._room
            self._room -= size_bytes if has_room else 0
        try:
            yield has_room
        finally:
            with self._room_lock:
                self._room += size_bytes if has_room else 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever knocks here decides what an error looks like."""


class _Visit(BaseHTTPRequestHandler):
    server: _Door
    server_version = "watch"
    sys_version = ""

    def do_POST(self) -> None:
        """Take one heartbeat."""
        length = self.headers.get("Content-Length", "")
        if self.path != PATH or _LENGTH.fullmatch(length) is None or int(length) > HEARTBEAT_BYTES_MAX:
            self._answer(400, "no heartbeat")
            return
        with self.server.room_for(int(length)) as has_room:
            if has_room:
                self._take(int(length))
            else:
                self._answer(503, "busy: come again")

    def _take(self, length: int) -> None:
        try:
            self.server.watcher.take_heartbeat(self.rfile.read(length), self.server.clock.now())
        except BeamkeeperError:
            self._answer(403, "not signed by the site this computer watches, or older than the last")
        else:
            self._answer(200, "taken")

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing a stranger wrote."""


@contextmanager
def heartbeat_door(section: HeartbeatSection, watcher: Watcher, clock: Clock) -> Iterator[int]:
    """Take heartbeats while the block lasts; yield the port.

    Raises
    ------
    ConfigError
        The address is taken, or a TLS file is not valid.
    """
    try:
        door = _Door((section.bind, section.port), watcher, clock)
    except OSError as error:
        raise ConfigError(
            f"Nothing can listen at {section.bind}:{section.port}: {error.strerror}.",
            do_next="Name another port in the watcher's file, or find out what has this one.",
        ) from error
    try:
        door.context = _tls(section)
        threading.Thread(target=door.serve_forever, name="heartbeats", daemon=True).start()
        yield int(door.server_address[1])
        door.shutdown()
    finally:
        door.server_close()


def _tls(section: HeartbeatSection) -> ssl.SSLContext | None:
    if section.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(section.tls_certificate, section.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("The watcher's certificate or key is missing or is not valid PEM.") from error
    return context
