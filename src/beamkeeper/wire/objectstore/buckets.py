"""Opening buckets of the three kinds, with what each needs to know."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from beamkeeper.errors import ConfigError
from beamkeeper.wire.objectstore.bucket import BucketDestination
from beamkeeper.wire.objectstore.s3_api import S3Api
from beamkeeper.wire.objectstore.s3_lock import object_lock
from beamkeeper.wire.objectstore.s3_versions import S3Versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONNECT_S_MAX: Final = 30
RETRIES_MAX: Final = 3
REQUEST_LASTS_MAX: Final = timedelta(hours=24)
"""One parcel over a slow line; a line on which nothing moves ends long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Peer:
    """An S3 bucket.

    Attributes
    ----------
    endpoint
        URL of the server; "" for Amazon's own.
    silence_s
        Longest time without an answer, seconds; within it 16 MB must be sent.
    headers
        Sent with every request, for servers that want more than Amazon's.
    """

    bucket: str
    prefix: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    endpoint: str = ""
    silence_s: float = 120
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzurePeer:
    """A container of an Azure storage account."""

    account: str
    container: str
    prefix: str
    key: str = field(repr=False)
    endpoint: str = ""
    silence_s: float = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class GcsPeer:
    """A bucket of Google Cloud Storage.

    Attributes
    ----------
    service_account
        The JSON key of a service account.
    endpoint
        Of a region ("https://storage.europe-west3.rep.googleapis.com"); "" for Google's own choice.
    """

    bucket: str
    prefix: str
    service_account: str = field(repr=False)
    endpoint: str = ""
    silence_s: float = 120


def s3_destination(peer: S3Peer) -> BucketDestination:
    """Return the bucket as a destination; the first request connects.

    Object Lock wants a checksum with every put: SHA-256 is sent.
    """
    with _explained():
        store = S3Store(
            peer.bucket,
            prefix=peer.prefix or None,
            region=peer.region,
            access_key_id=peer.access_key,
            secret_access_key=peer.secret_key,
            endpoint=peer.endpoint or None,
            checksum_algorithm="SHA256",
            client_options=_client(peer.endpoint, peer.silence_s, peer.headers),
            retry_config=_RETRY,
        )
    api = S3Api(
        bucket=peer.bucket,
        region=peer.region,
        access_key=peer.access_key,
        secret_key=peer.secret_key,
        endpoint=peer.endpoint,
    )
    return BucketDestination(
        store,
        where=f"s3://{peer.bucket}",
        encrypted=not peer.endpoint.startswith("http://"),
        ask_lock=lambda: object_lock(api),
        versions=S3Versions(api, peer.prefix),
    )


def azure_destination(peer: AzurePeer) -> BucketDestination:
    """Return the container as a destination; the first request connects."""
    with _explained():
        store = AzureStore(
            peer.container,
            prefix=peer.prefix or None,
            account_name=peer.account,
            account_key=peer.key,
            endpoint=peer.endpoint or None,
            client_options=_client(peer.endpoint, peer.silence_s, {}),
            retry_config=_RETRY,
        )
    return BucketDestination(
        store,
        where=f"azure://{peer.account}/{peer.container}",
        encrypted=not peer.endpoint.startswith("http://"),
        ask_lock=lambda: None,
    )


def gcs_destination(peer: GcsPeer) -> BucketDestination:
    """Return the bucket as a destination; the first request connects."""
    with _explained():
        store = GCSStore(
            peer.bucket,
            prefix=peer.prefix or None,
            service_account_key=peer.service_account,
            client_options=_client(peer.endpoint, peer.silence_s, {}),
            retry_config=_RETRY,
            config={"base_url": peer.endpoint} if peer.endpoint else None,
        )
    return BucketDestination(
        store,
        where=f"gs://{peer.bucket}",
        encrypted=not peer.endpoint.startswith("http://"),
        ask_lock=lambda: None,
    )


_RETRY: Any = {"max_retries": RETRIES_MAX, "retry_timeout": timedelta(seconds=60)}


def _client(endpoint: str, silence_s: float, headers: Mapping[str, str]) -> Any:
    options: dict[str, Any] = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=CONNECT_S_MAX),
        "read_timeout": timedelta(seconds=silence_s),
        "timeout": REQUEST_LASTS_MAX,
    }
    return options | ({"default_headers": dict(headers)} if headers else {})


@contextmanager
def _explained() -> Iterator[None]:
    """Translate what the library says of wrong settings; its own words may quote them."""
    try:
        yield
    except (BaseError, ValueError) as error:
        raise ConfigError(
            f"The settings of this bucket are not understood ({type(error).__name__}).",
            do_next="Check its name, region, endpoint and keys in the site file.",
        ) from error
