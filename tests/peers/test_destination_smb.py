"""The contract of `Destination` over a real Samba, and what only SMB has."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.contract.destination_contract import NAME, DestinationContract, LineContract, ResumingContract, put
from tests.mirror_peers.samba_server import SambaServer, samba_server

from beamkeeper.errors import SourceUnavailable, StorageFull
from beamkeeper.wire.share.smb import SmbDestination

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(os.geteuid() != 0, reason="Samba's server must be started by root"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, program) -> Iterator[SambaServer]:
    with samba_server(tmp_path_factory.mktemp("samba"), program) as running:
        yield running


class SmbPlace:
    def __init__(self, server: SambaServer) -> None:
        self._server = server
        shutil.rmtree(server.root, ignore_errors=True)
        server.root.mkdir()

    def connect(self) -> SmbDestination:
        return self._server.connect()

    def read(self, name: str) -> bytes | None:
        path = self._server.root / name
        return path.read_bytes() if path.exists() else None

    def write(self, name: str, data: bytes) -> None:
        path = self._server.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.fixture
def place(server: SambaServer) -> SmbPlace:
    return SmbPlace(server)


@pytest.fixture
def destination(place: SmbPlace) -> Iterator[SmbDestination]:
    made = place.connect()
    yield made
    made.close()


class TestSmb(DestinationContract, ResumingContract, LineContract):
    """Samba with encryption required."""


def test_what_passes_the_wire_is_encrypted(destination: SmbDestination) -> None:
    assert destination.facts().encrypted is True


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


def test_a_folder_that_is_not_there_is_never_made(server: SambaServer, place: SmbPlace) -> None:
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


def test_a_share_that_may_only_be_read_is_not_silence(server: SambaServer, place: SmbPlace) -> None:
    destination = SmbDestination(server.peer(share="readonly"))

    with pytest.raises(StorageFull, match="no right to write"):
        put(destination, NAME, b"sealed")
    destination.close()
