"""The contract of `Destination` over an S3 server with Object Lock, and what only buckets have."""

from __future__ import annotations

import io
import itertools
import os
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from tests.contract.destination_contract import LARGE, NAME, DestinationContract, put, read
from tests.mirror_peers.s3_server import DAYS, S3Server, s3_server

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.destination import NameTaken
from beamkeeper.wire.objectstore import BucketDestination, S3Api, object_lock, s3_destination
from beamkeeper.wire.objectstore.bucket import SINGLE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.peer

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


class S3Place:
    def __init__(self, server: S3Server, *, lock: bool) -> None:
        self.server = server
        self.bucket = f"copies-{next(_numbers)}"
        server.make_bucket(self.bucket, lock=lock)

    def connect(self) -> BucketDestination:
        return self.server.connect(self.bucket)

    def read(self, name: str) -> bytes | None:
        try:
            answer = self.server.owner.get_object(Bucket=self.bucket, Key=f"site/a/{name}")
        except self.server.owner.exceptions.NoSuchKey:
            return None
        data = answer["Body"].read()
        assert isinstance(data, bytes)
        return data

    def write(self, name: str, data: bytes) -> None:
        self.server.owner.put_object(Bucket=self.bucket, Key=f"site/a/{name}", Body=data)

    def versions(self, name: str) -> list[str]:
        found = self.server.owner.list_object_versions(Bucket=self.bucket, Prefix=f"site/a/{name}")
        return [version["VersionId"] for version in found.get("Versions", [])]


@pytest.fixture(params=[True, False], ids=["object-lock", "plain"])
def place(request: pytest.FixtureRequest, server: S3Server) -> S3Place:
    return S3Place(server, lock=request.param)


@pytest.fixture
def locked(server: S3Server) -> S3Place:
    return S3Place(server, lock=True)


@pytest.fixture
def destination(place: S3Place) -> BucketDestination:
    return place.connect()


class TestS3(DestinationContract):
    """moto, with Object Lock and without."""


def test_the_lock_of_the_bucket_is_told_in_words(server: S3Server, locked: S3Place) -> None:
    plain = S3Place(server, lock=False)

    assert locked.connect().facts().lock == f"Object Lock COMPLIANCE, {DAYS} days"
    assert plain.connect().facts().lock == ""


def test_a_question_about_the_lock_that_gets_no_answer_is_no_answer(server: S3Server, free_port: int) -> None:
    nobody = f"http://127.0.0.1:{free_port}"

    found = object_lock(S3Api(bucket="b", region="x", access_key="k", secret_key="s", endpoint=nobody))

    assert found is None


def test_what_was_put_cannot_be_deleted_by_whoever_has_our_key(locked: S3Place) -> None:
    destination = locked.connect()
    put(destination, NAME, b"sealed")
    version = locked.versions(NAME)[0]

    destination.remove(NAME)
    with pytest.raises(ClientError, match="AccessDenied"):
        locked.server.owner.delete_object(Bucket=locked.bucket, Key=f"site/a/{NAME}", VersionId=version)

    assert locked.versions(NAME) == [version]


def test_a_large_object_is_put_in_parts_and_not_over_another(place: S3Place) -> None:
    large = os.urandom(SINGLE_BYTES_MAX + 12_345)
    destination = place.connect()
    put(destination, NAME, large)

    assert read(destination, NAME) == large
    with pytest.raises(NameTaken):
        destination.put(NAME, io.BytesIO(large[::-1]), size_bytes=len(large))
    assert read(destination, NAME) == large


def test_a_large_object_that_was_cut_short_is_not_there(place: S3Place) -> None:
    class Dying(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > SINGLE_BYTES_MAX:
                raise SourceUnavailable("cut short")
            return super().read(size)

    large = LARGE * 4
    with pytest.raises(SourceUnavailable, match="cut short"):
        place.connect().put(NAME, Dying(large), size_bytes=len(large))

    assert place.read(NAME) is None


def test_a_bucket_that_is_not_there_is_no_empty_one(server: S3Server) -> None:
    destination = s3_destination(server.peer("nowhere"))

    for ask in (
        destination.facts,
        lambda: destination.open(NAME),
        lambda: list(destination.list("targets/")),
        lambda: put(destination, NAME, b"sealed"),
    ):
        with pytest.raises(SourceUnavailable, match="no bucket"):
            ask()


def test_a_server_that_is_down_gives_no_answer(server: S3Server, free_port: int) -> None:
    destination = s3_destination(server.peer("copies", endpoint=f"http://127.0.0.1:{free_port}"))

    with pytest.raises(SourceUnavailable, match="gives no answer"):
        destination.open(NAME)


def test_another_prefix_is_another_place(place: S3Place) -> None:
    put(place.connect(), NAME, b"ours")
    other = s3_destination(place.server.peer(place.bucket, prefix="site/b"))

    assert other.open(NAME) is None
    assert list(other.list("targets/")) == []
