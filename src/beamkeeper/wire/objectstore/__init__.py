"""Buckets as places for copies: S3 (and what speaks its language), Azure Blob, Google Cloud Storage.

`s3_destination`, `azure_destination` and `gcs_destination` open a bucket as a `Destination`
(`wire.destination`), over obstore; `object_lock` asks an S3 bucket for its write-once protection.
"""

from beamkeeper.wire.objectstore.bucket import BucketDestination
from beamkeeper.wire.objectstore.buckets import (
    AzurePeer,
    GcsPeer,
    S3Peer,
    azure_destination,
    gcs_destination,
    s3_destination,
)
from beamkeeper.wire.objectstore.s3_api import S3Api
from beamkeeper.wire.objectstore.s3_lock import object_lock

__all__ = [
    "AzurePeer",
    "BucketDestination",
    "GcsPeer",
    "S3Api",
    "S3Peer",
    "azure_destination",
    "gcs_destination",
    "object_lock",
    "s3_destination",
]
