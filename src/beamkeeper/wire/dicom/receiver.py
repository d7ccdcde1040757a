"""The storage receiver as its user sees it: a configuration, and a process as long as a `with` block.

The process is its own (`receiver_main`): small, without pydicom, one forked and single-threaded child for
each association. What arrives is read with `spool.SpoolReader` from the folder given here.

    with Receiver(config, spool_dir=spool) as receiver:
        ...  # the peer sends to receiver.port
        SpoolReader(spool).poll()
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING

from beamkeeper.errors import BeamkeeperError, ConfigError
from beamkeeper.wire.dicom.pdu import CONTEXTS_MAX

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

STOP_LIMIT_S = 10.0
"""Time the process gets to make durable what came, before it is killed."""

START_LIMIT_LINE_BYTES = 4096
_AE_TITLE_LENGTH_MAX = 16
_PDU_BYTES_MIN, _PDU_BYTES_MAX = 4096, 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsServer:
    """Files (PEM) for TLS 1.2 or later (DICOM PS3.15 B.12).

    Attributes
    ----------
    client_ca_file
        Who may have signed the certificates of senders.
    mutual
        A sender without such a certificate is turned away.
    """

    certificate_file: str
    private_key_file: str
    client_ca_file: str
    mutual: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverConfig:
    """What the receiver answers to, and every limit it keeps.

    Attributes
    ----------
    port
        0 takes a free one; see `Receiver.port`.
    allowed_calling_ae_titles
        Who may send; nobody else. AE titles are no authentication: use TLS where the network is shared.
    allowed_networks
        From where (CIDR).
    own_move_originators
        Our own AE titles as C-MOVE requesters: objects with one of them as Move Originator (0000,1030) were
        asked for, and a group commit is enough. Success for any other object is answered when it is on
        disk.
    max_pdu_bytes
        Longest P-DATA-TF we announce; 131,072 is the most that DCMTK sends.
    max_associations
        How many at once, of everybody.
    max_object_bytes
        Longest data set; a longer one is answered with A700.
    artim_s
        Time for the first PDU, and for the peer to close at the end.
    idle_s
        Silence allowed on an association.
    object_s
        Time allowed for one message.
    """

    ae_title: str
    allowed_calling_ae_titles: frozenset[str]
    bind_address: str = "127.0.0.1"
    port: int = 0
    allowed_networks: tuple[str, ...] = ("127.0.0.0/8",)
    tls: TlsServer | None = None
    own_move_originators: frozenset[str] = frozenset()
    max_pdu_bytes: int = 131_072
    max_associations: int = 64
    max_contexts: int = CONTEXTS_MAX
    max_object_bytes: int = 4 << 30
    artim_s: float = 30.0
    idle_s: float = 300.0
    object_s: float = 1800.0

    def __post_init__(self) -> None:
        titles = {self.ae_title, *self.allowed_calling_ae_titles, *self.own_move_originators}
        for title in titles:
            if not 0 < len(title) <= _AE_TITLE_LENGTH_MAX or not title.isascii() or title.strip() != title:
                raise ConfigError(f"{title!r} is not an AE title: 1 to 16 characters, no blanks around them.")
        if not self.allowed_calling_ae_titles:
            raise ConfigError(
                "The receiver allows no calling AE title.", do_next="Name the senders it may hear."
            )
        if not _PDU_BYTES_MIN <= self.max_pdu_bytes <= _PDU_BYTES_MAX:
            raise ConfigError(
                f"max_pdu_bytes is {self.max_pdu_bytes}, not {_PDU_BYTES_MIN} to {_PDU_BYTES_MAX}."
            )
        if (
            not 0 < self.max_contexts <= CONTEXTS_MAX
            or self.max_associations < 1
            or self.max_object_bytes < 1
        ):
            raise ConfigError("The receiver's limits must be positive, and contexts at most 128.")
        if min(self.artim_s, self.idle_s, self.object_s) <= 0:
            raise ConfigError("The receiver's time limits must be positive.")
        for network in self.allowed_networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ConfigError(f"{network!r} is not a network such as 10.1.2.0/24.") from error

    @property
    def max_associations_of_one_address(self) -> int:
        """How many of them one address may have: whoever holds on to its places shuts out nobody else."""
        return max(1, self.max_associations * 3 // 4)

    def to_json(self) -> str:
        """Return the configuration as one line."""
        return json.dumps(asdict(self), default=sorted)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the configuration that `to_json` wrote."""
        fields = json.loads(text)
        for name in ("allowed_calling_ae_titles", "own_move_originators"):
            fields[name] = frozenset(fields[name])
        fields["allowed_networks"] = tuple(fields["allowed_networks"])
        fields["tls"] = fields["tls"] and TlsServer(**fields["tls"])
        return cls(**fields)


class Receiver:
    """A storage receiver that runs from `with` to the end of its block.

    Parameters
    ----------
    spool_dir
        Where objects go; see `spool`.
    known_path
        A file written by `known.write_known`; read anew by each association. None, or no such file: nothing
        is known.
    log
        Where the process writes its log, lines of JSON without patient identifiers; None: our standard error.

    Raises
    ------
    ConfigError
        The process could not listen (port taken, certificate unreadable, ...).
    """

    def __init__(
        self,
        config: ReceiverConfig,
        *,
        spool_dir: Path,
        known_path: Path | None = None,
        log: IO[bytes] | None = None,
    ) -> None:
        self._config = config
        self._spool_dir = spool_dir
        self._known_path = known_path
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self._port

    @property
    def pid(self) -> int:
        """The process that listens."""
        return self._running().pid

    def is_alive(self) -> bool:
        """Return whether the process still runs."""
        return self._running().poll() is None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BeamkeeperError("The receiver has not been started.", do_next="Use it in a `with` block.")
        return self._process

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "beamkeeper.wire.dicom.receiver_main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for us: we tell it when to stop
        )
        places = {
            "spool_dir": os.fspath(self._spool_dir),
            "known_path": self._known_path and os.fspath(self._known_path),
        }
        try:
            self._port = self._start(json.dumps(places), self._config.to_json())
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self, *lines: str) -> int:
        """Tell the process what it needs, and return the port it says."""
        process = self._running()
        assert process.stdin is not None, "a pipe was asked for"  # noqa: S101
        assert process.stdout is not None, "a pipe was asked for"  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        answer = process.stdout.readline(START_LIMIT_LINE_BYTES)
        reply = json.loads(answer or b'{"error": "its process ended"}')
        if "error" in reply:
            raise ConfigError(
                f"The storage receiver could not start: {reply['error']}.", do_next="See its log."
            )
        return int(reply["port"])

    def stop(self) -> None:
        """Stop listening, let associations make durable what they have, and end the process."""
        process = self._process
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __exit__(self, *_: object) -> None:
        self.stop()
