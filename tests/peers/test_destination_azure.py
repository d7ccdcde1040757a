"""The contract of `Destination` over Azurite, where npm has brought it (`npm install azurite`)."""

from __future__ import annotations

import http.client
import itertools
from typing import TYPE_CHECKING

import pytest
from tests.contract.destination_contract import NAME, DestinationContract, put
from tests.mirror_peers.azure_server import AzureServer, azure_server, azurite

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.objectstore import BucketDestination, azure_destination

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        azurite() is None,
        reason="Azure Blob is NOT tried: npm's azurite is not here (set AZURITE to its azurite-blob)",
    ),
]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    program = azurite()
    assert program is not None
    with azure_server(tmp_path_factory.mktemp("azurite"), program) as running:
        yield running


class AzurePlace:
    def __init__(self, server: AzureServer) -> None:
        self.server = server
        self.container = f"copies-{next(_numbers)}"
        server.make_container(self.container)

    def connect(self) -> BucketDestination:
        return self.server.connect(self.container)

    def read(self, name: str) -> bytes | None:
        status, body = self.server.request("GET", f"{self.container}/site/a/{name}")
        return body if status == http.client.OK else None

    def write(self, name: str, data: bytes) -> None:
        status, said = self.server.request(
            "PUT", f"{self.container}/site/a/{name}", data, x_ms_blob_type="BlockBlob"
        )
        assert status == http.client.CREATED, said


@pytest.fixture
def place(server: AzureServer) -> AzurePlace:
    return AzurePlace(server)


@pytest.fixture
def destination(place: AzurePlace) -> BucketDestination:
    return place.connect()


class TestAzure(DestinationContract):
    """Azurite."""


def test_a_container_that_is_not_there_is_no_empty_one(server: AzureServer) -> None:
    destination = azure_destination(server.peer("nowhere"))

    for ask in (
        destination.facts,
        lambda: destination.open(NAME),
        lambda: list(destination.list("targets/")),
        lambda: put(destination, NAME, b"sealed"),
    ):
        with pytest.raises(SourceUnavailable, match="no bucket"):
            ask()
