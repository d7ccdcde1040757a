"""The contract of `Destination` over a real OpenSSH server, and what only SFTP has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.destination_contract import (
    NAME,
    DestinationContract,
    FolderPlace,
    LineContract,
    ResumingContract,
    put,
)
from tests.mirror_peers.sftp_server import SftpServer, sftp_server

from beamkeeper.errors import ConfigError, SourceAnswerInvalid, SourceUnavailable, StorageFull
from beamkeeper.wire.share.sftp import SftpDestination

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.wire.destination import Destination

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, program) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("sftp"), program) as running:
        yield running


@pytest.fixture
def place(server: SftpServer) -> FolderPlace:
    return FolderPlace(server.root, server.connect, coarse_times=True)


@pytest.fixture
def destination(place: FolderPlace) -> Iterator[Destination]:
    made = place.connect()
    yield made
    made.close()


class TestSftp(DestinationContract, ResumingContract, LineContract):
    """OpenSSH's own server."""


def test_a_server_with_another_host_key_is_refused(server: SftpServer) -> None:
    other = (server.folder / "other_key.pub").read_text()
    destination = SftpDestination(server.peer(host_keys=(other,)))

    with pytest.raises(SourceAnswerInvalid, match="another host key than the pinned one"):
        destination.facts()
    destination.close()


def test_a_refused_login_says_so(server: SftpServer) -> None:
    other = (server.folder / "other_key").read_text()
    destination = SftpDestination(server.peer(private_key=other))

    with pytest.raises(SourceUnavailable, match="refuses the login"):
        destination.facts()
    destination.close()


@pytest.mark.parametrize("wrong", [{"host_keys": ("ssh-ed25519 AAAAsmudged",)}, {"private_key": "smudged"}])
def test_a_key_that_cannot_be_read_is_said_and_never_shown(
    server: SftpServer, wrong: dict[str, object]
) -> None:
    destination = SftpDestination(server.peer(**wrong))

    with pytest.raises(ConfigError, match="cannot be read") as found:
        destination.facts()
    assert "smudged" not in f"{found.value} {found.value.do_next}"
    destination.close()


def test_a_server_that_is_down_gives_no_answer(server: SftpServer, free_port: int) -> None:
    destination = SftpDestination(server.peer(port=free_port))

    with pytest.raises(SourceUnavailable, match="gives no answer"):
        destination.facts()
    destination.close()


def test_a_folder_that_is_not_there_is_never_made(server: SftpServer) -> None:
    missing = server.root / "not-mounted"
    destination = SftpDestination(server.peer(path=str(missing)))

    for ask in (
        lambda: list(destination.list("targets/")),
        lambda: destination.open(NAME),
        lambda: put(destination, NAME, b"sealed"),
    ):
        with pytest.raises(SourceUnavailable, match="has no folder"):
            ask()
    assert not missing.exists()
    destination.close()


def test_no_right_to_write_is_not_silence(server: SftpServer, place: FolderPlace) -> None:
    (server.root / "targets").write_bytes(b"a file where a folder should be")

    destination = place.connect()
    with pytest.raises((SourceUnavailable, StorageFull)):
        put(destination, NAME, b"sealed")
    destination.close()
