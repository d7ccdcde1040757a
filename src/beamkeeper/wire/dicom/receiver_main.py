"""The receiver's own process: listens, and forks one single-threaded child for each association.

Started by `receiver.Receiver`, which writes two lines of JSON to its standard input (places, configuration)
and keeps that pipe open: when it closes, the parent is gone or wants an end, and everything here stops.
Children hold the reading end of a second pipe; its writing end is the listener's alone, so they see the end
of the listener too, however it came. Standard error is a log of JSON lines: no UIDs, no identifiers of
patients.
"""

from __future__ import annotations

import gc
import ipaddress
import json
import os
import secrets
import select
import signal
import socket
import ssl
import sys
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from beamkeeper.errors import BeamkeeperError, ConfigError, IntegrityError
from beamkeeper.wire.dicom.association import Association
from beamkeeper.wire.dicom.known import KnownDigests
from beamkeeper.wire.dicom.receiver import ReceiverConfig
from beamkeeper.wire.dicom.spool import SpoolWriter
from beamkeeper.wire.dicom.transport import TlsTransport, Transport

if TYPE_CHECKING:
    from collections.abc import Container

REFUSALS_MAX = 8
"""Children that only say no (wrong address, no room); connections beyond them are closed unheard."""

REFUSAL_LIMIT_S = 2.0
"""Time a peer has that will be refused anyway."""

GRACE_S = 3.0
"""Time children get to make durable what they have when everything stops."""

REAP_S = 0.5
"""How often children that ended are looked for."""

CRASH_STATUS = 70
"""Exit status of a child that met a mistake of ours."""

_BACKLOG = 64
_INPUT_BYTES_MAX = 1 << 20


def log(action: str, **facts: object) -> None:
    """Write one line; in one call, so that the lines of several processes do not mix."""
    line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "action": action, **facts}
    os.write(2, json.dumps(line).encode() + b"\n")


class Listener:
    """Accepts connections and counts the children that serve them."""

    def __init__(self, config: ReceiverConfig, spool_dir: Path, known_path: Path | None) -> None:
        self._config = config
        self._spool_dir = spool_dir
        self._known_path = known_path
        self._networks = tuple(ipaddress.ip_network(network) for network in config.allowed_networks)
        self._tls = _tls_context(config)
        self._socket = _listen(config)
        self._stop_read, self._stop_write = os.pipe()
        self._associations: dict[int, str] = {}
        self._refusals: dict[int, str] = {}
        self._count = 0

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self._socket.getsockname()[1])

    def run(self) -> None:
        """Accept until standard input closes."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self._socket, select.POLLIN)
        while True:
            ready = dict(poll.poll(REAP_S * 1000))
            self._reap()
            if 0 in ready:
                break
            if ready:
                self._accept()
        self._stop()

    def _accept(self) -> None:
        try:
            connection, address = self._socket.accept()
        except OSError as error:  # the peer was gone before we looked, or no file handles are left
            log("accept_failed", error=error.strerror)
            time.sleep(0.01)
            return
        peer = ipaddress.ip_address(address[0])
        is_allowed = any(peer in network for network in self._networks)
        is_busy = not self._has_room(str(peer))
        children = self._associations if is_allowed and not is_busy else self._refusals
        if children is self._refusals and len(children) >= REFUSALS_MAX:
            log("connection_dropped", peer=str(peer))
        else:
            self._fork(connection, children, str(peer), is_allowed=is_allowed, is_busy=is_busy)
        connection.close()

    def _has_room(self, peer: str) -> bool:
        of_this_address = sum(address == peer for address in self._associations.values())
        return (
            len(self._associations) < self._config.max_associations
            and of_this_address < self._config.max_associations_of_one_address
        )

    def _fork(
        self,
        connection: socket.socket,
        children: dict[int, str],
        peer: str,
        *,
        is_allowed: bool,
        is_busy: bool,
    ) -> None:
        self._count += 1
        try:
            pid = os.fork()
        except OSError as error:
            log("fork_failed", error=error.strerror)
            return
        if pid:
            children[pid] = peer
            return
        try:
            os.close(0)
            os.close(self._stop_write)
            self._socket.close()
            self._serve(connection, peer, is_allowed=is_allowed, is_busy=is_busy)
        except BaseException as error:  # noqa: BLE001 - the top of a child, which must end here
            log("association_crashed", error=type(error).__name__, where=_where(error))
            os._exit(CRASH_STATUS)
        os._exit(0)

    def _serve(self, connection: socket.socket, peer: str, *, is_allowed: bool, is_busy: bool) -> None:
        """Be the child: serve one association."""
        config = self._config
        if not is_allowed or is_busy:
            config = _hurried(config)
        connection.settimeout(config.artim_s)
        try:
            transport = self._transport(connection)
        except OSError as error:
            log("tls_refused", error=str(error.strerror or error))
            return
        writer = SpoolWriter(self._spool_dir, _spool_name(self._count), known=self._known())
        association = Association(transport, config, writer, is_address_allowed=is_allowed, is_busy=is_busy)
        failed = ""
        try:
            association.run()
        except BeamkeeperError as error:
            failed = error.message
        if asked := association.refused:
            log(
                "association_refused",
                calling=asked.calling_ae_title,
                called=asked.called_ae_title,
                peer=peer,
                address_allowed=is_allowed,
            )
        messages = association.messages
        log(
            "association_ended",
            ended_by=association.ended_by,
            failed=failed,
            stored=messages.stored_count if messages else 0,
            refused=messages.refused_count if messages else 0,
            received_bytes=messages.received_bytes if messages else 0,
        )

    def _transport(self, connection: socket.socket) -> Transport:
        if self._tls is None:
            return Transport(connection, self._stop_read)
        secured = self._tls.wrap_socket(connection, server_side=True)
        return TlsTransport(secured, self._stop_read)

    def _known(self) -> Container[bytes]:
        """Return what the vault has; without a readable list nothing is known, and everything is kept."""
        if self._known_path is None:
            return frozenset()
        try:
            return KnownDigests(self._known_path)
        except FileNotFoundError:
            return frozenset()
        except (OSError, IntegrityError) as error:
            log("known_digests_unreadable", error=str(error))
            return frozenset()

    def _reap(self) -> None:
        while self._associations or self._refusals:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._associations.pop(pid, None)
            self._refusals.pop(pid, None)
            if status:
                log("association_died", wait_status=status)

    def _stop(self) -> None:
        self._socket.close()
        os.close(self._stop_write)
        deadline = time.monotonic() + GRACE_S
        while (self._associations or self._refusals) and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.01)
        for pid in (*self._associations, *self._refusals):
            os.kill(pid, signal.SIGKILL)


def _listen(config: ReceiverConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.bind_address else socket.AF_INET
    try:
        return socket.create_server((config.bind_address, config.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        where = f"{config.bind_address} port {config.port}"
        raise ConfigError(f"cannot listen on {where}: {error.strerror}") from error


def _tls_context(config: ReceiverConfig) -> ssl.SSLContext | None:
    """Return TLS 1.2 or later with the certificates of the configuration (PS3.15 B.12)."""
    if config.tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.tls.certificate_file, config.tls.private_key_file)
        context.load_verify_locations(config.tls.client_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot load the TLS certificates: {error.strerror or error}") from error
    context.verify_mode = ssl.CERT_REQUIRED if config.tls.mutual else ssl.CERT_OPTIONAL
    return context


def _where(error: BaseException) -> str:
    """Return the line where it happened; its message stays out, it may hold what was received."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _hurried(config: ReceiverConfig) -> ReceiverConfig:
    return replace(config, artim_s=min(config.artim_s, REFUSAL_LIMIT_S))


def _spool_name(count: int) -> str:
    """Return a name that no other association, day or machine has; nothing in it was received."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}-{count}-{secrets.token_hex(4)}"


def main() -> int:
    """Read what to do from standard input, say the port on standard output, serve; return the exit status."""
    try:
        places = json.loads(sys.stdin.buffer.readline(_INPUT_BYTES_MAX))
        config = ReceiverConfig.from_json(sys.stdin.buffer.readline(_INPUT_BYTES_MAX).decode())
        known_path = Path(places["known_path"]) if places["known_path"] else None
        listener = Listener(config, Path(places["spool_dir"]), known_path)
    except BeamkeeperError as error:
        os.write(1, json.dumps({"error": error.message}).encode() + b"\n")
        return error.exit_status
    os.write(1, json.dumps({"port": listener.port}).encode() + b"\n")
    gc.freeze()  # children share these pages
    log("listening", port=listener.port)
    listener.run()
    log("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
