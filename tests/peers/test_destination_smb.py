"""The contract of `Destination` over a real Samba, and what only SMB has."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING, Self

import pytest
from tests.contract.destination_contract import (
    NAME,
    DestinationContract,
    FolderPlace,
    LineContract,
    ResumingContract,
    put,
)
from tests.mirror_peers.samba_server import SambaServer, samba_server

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable, StorageFull
from beamkeeper.wire.share.smb import SmbDestination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beamkeeper.wire.destination import Destination

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(os.geteuid() != 0, reason="Samba's server must be started by root"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, program) -> Iterator[SambaServer]:
    with samba_server(tmp_path_factory.mktemp("samba"), program) as running:
        yield running


@pytest.fixture
def place(server: SambaServer) -> FolderPlace:
    return FolderPlace(server.root, server.connect)


@pytest.fixture
def destination(place: FolderPlace) -> Iterator[Destination]:
    made = place.connect()
    yield made
    made.close()


class TestSmb(DestinationContract, ResumingContract, LineContract):
    """Samba with encryption required."""


def test_what_passes_the_wire_is_encrypted(destination: SmbDestination) -> None:
    assert destination.facts().encrypted is True


def test_a_server_that_does_not_encrypt_is_refused_and_gets_nothing(tmp_path: Path, program) -> None:
    with samba_server(tmp_path, program, encrypt="off") as server:
        destination = SmbDestination(server.peer())
        with pytest.raises(SourceAnswerInvalid, match="does not encrypt what passes the wire"):
            put(destination, NAME, b"sealed")
        destination.close()
        assert list(server.root.iterdir()) == []


def test_a_wrong_password_says_so(server: SambaServer) -> None:
    destination = SmbDestination(server.peer(password="wrong"))

    with pytest.raises(SourceUnavailable, match="refuses the logon"):
        destination.facts()
    destination.close()


def test_a_server_that_is_down_gives_no_answer(server: SambaServer, free_port: int) -> None:
    destination = SmbDestination(server.peer(port=free_port))

    with pytest.raises(SourceUnavailable, match="gives no answer"):
        destination.facts()
    destination.close()


def test_a_folder_that_is_not_there_is_never_made(server: SambaServer, place: FolderPlace) -> None:
    destination = SmbDestination(server.peer(folder="not/there"))

    for ask in (
        lambda: list(destination.list("targets/")),
        lambda: destination.open(NAME),
        lambda: put(destination, NAME, b"sealed"),
    ):
        with pytest.raises(SourceUnavailable, match="no folder"):
            ask()
    assert list(server.root.iterdir()) == []
    destination.close()


def test_a_share_that_may_only_be_read_is_not_silence(server: SambaServer, place: FolderPlace) -> None:
    destination = SmbDestination(server.peer(share="readonly"))

    with pytest.raises(StorageFull, match="no right to write"):
        put(destination, NAME, b"sealed")
    destination.close()


class Line:
    """A wire to the server on which somebody sits, who can keep back or change what the server says."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.is_frozen = threading.Event()
        self.is_false = threading.Event()
        self._ends: list[socket.socket] = [self._server]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._ends += (client, server)
                threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if is_answer and self.is_false.is_set():
                    data = data[:-1] + bytes([data[-1] ^ 1])
                if not (is_answer and self.is_frozen.is_set()):
                    to.sendall(data)
            to.shutdown(socket.SHUT_RDWR)


def ask_everything(destination: SmbDestination) -> Iterator[Callable[[], object]]:
    yield destination.facts
    yield lambda: list(destination.list("targets/"))
    yield lambda: destination.open(NAME)
    yield lambda: destination.remove(NAME)


def test_a_share_that_falls_silent_is_given_up_whatever_it_is_asked(
    server: SambaServer, place: FolderPlace
) -> None:
    place.write(NAME, b"sealed" * 1000)
    with Line(server.port) as line:
        peer = server.peer(port=line.port, silence_s=0.3)
        destination = SmbDestination(peer)
        reader = destination.open(NAME)
        assert reader is not None
        line.is_frozen.set()

        with pytest.raises(SourceUnavailable, match="gives no answer"):
            reader.read()
        reader.close()
        destination.close()
        for number in range(4):
            line.is_frozen.clear()
            destination = SmbDestination(peer)
            destination.facts()
            line.is_frozen.set()
            with pytest.raises(SourceUnavailable, match="gives no answer"):
                list(ask_everything(destination))[number]()
            destination.close()


def test_answers_that_were_changed_on_the_wire_are_named_and_crash_nothing(
    server: SambaServer, place: FolderPlace
) -> None:
    place.write(NAME, b"sealed")
    with Line(server.port) as line:
        for number in range(4):
            line.is_false.clear()
            destination = SmbDestination(server.peer(port=line.port))
            destination.facts()
            line.is_false.set()
            with pytest.raises(SourceAnswerInvalid, match="what is no answer of SMB"):
                list(ask_everything(destination))[number]()
            destination.close()
