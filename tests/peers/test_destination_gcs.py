"""The contract of `Destination` over Google's XML interface, as obstore's Google client speaks it."""

from __future__ import annotations

import http.client
import itertools
import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.contract.destination_contract import NAME, DestinationContract, put, read
from tests.mirror_peers.gcs_server import GcsServer, gcs_server, service_account

from beamkeeper.errors import BeamkeeperError, SourceUnavailable
from beamkeeper.wire.destination import NameTaken
from beamkeeper.wire.objectstore import BucketDestination, gcs_destination
from beamkeeper.wire.objectstore.bucket import SINGLE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.peer

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[GcsServer]:
    with gcs_server() as running:
        yield running


class GcsPlace:
    def __init__(self, server: GcsServer) -> None:
        self.server = server
        # Without a hyphen: the client writes it as %2D, which Google reads and moto does not.
        self.bucket = f"copies{next(_numbers)}"
        server.make_bucket(self.bucket)

    def connect(self) -> BucketDestination:
        return self.server.connect(self.bucket)

    def read(self, name: str) -> bytes | None:
        status, body = self.server.request("GET", f"{self.bucket}/site/a/{name}")
        return body if status == http.client.OK else None

    def write(self, name: str, data: bytes) -> None:
        status, said = self.server.request("PUT", f"{self.bucket}/site/a/{name}", data)
        assert status == http.client.OK, said


@pytest.fixture
def place(server: GcsServer) -> GcsPlace:
    return GcsPlace(server)


@pytest.fixture
def destination(place: GcsPlace) -> BucketDestination:
    return place.connect()


class TestGoogle(DestinationContract):
    """obstore's Google client before moto, its condition translated."""


def test_a_large_object_is_put_in_parts_and_not_over_another(destination: BucketDestination) -> None:
    large = os.urandom(SINGLE_BYTES_MAX + 12_345)
    put(destination, NAME, large)

    assert read(destination, NAME) == large
    with pytest.raises(NameTaken):
        put(destination, NAME, large[::-1])
    assert read(destination, NAME) == large


def test_a_bucket_that_is_not_there_is_no_empty_one(server: GcsServer) -> None:
    destination = gcs_destination(server.peer("nowhere"))

    for ask in (
        destination.facts,
        lambda: destination.open(NAME),
        lambda: list(destination.list("targets/")),
        lambda: put(destination, NAME, b"sealed"),
    ):
        with pytest.raises(SourceUnavailable, match="no bucket"):
            ask()


def test_a_service_account_that_google_does_not_know_is_refused_in_words(place: GcsPlace) -> None:
    stranger = service_account(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    destination = gcs_destination(place.server.peer(place.bucket, service_account=stranger))

    with pytest.raises(BeamkeeperError) as refusal:
        destination.open(NAME)

    assert "PRIVATE KEY" not in str(refusal.value)
