"""An S3 server with Object Lock on loopback: moto, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from tests.listening import free_port, wait_for_port

from beamkeeper.wire.objectstore import BucketDestination, S3Peer, s3_destination

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "eu-central-1"
KEY, SECRET = "AKIATEST", "not a secret"
DAYS = 35
# What Amazon takes from the checksum alone, moto wants said once more.
MOTO_WANTS = {"x-amz-sdk-checksum-algorithm": "SHA256"}


class S3Server:
    """Where the server is, and what its owner can do."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.owner: Any = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=Config(retries={"max_attempts": 1}),
        )

    def make_bucket(self, name: str, *, lock: bool, default: bool = True) -> None:
        where = {"LocationConstraint": REGION}
        self.owner.create_bucket(
            Bucket=name, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=lock
        )
        if lock and default:
            retention = {"Mode": "COMPLIANCE", "Days": DAYS}
            self.owner.put_object_lock_configuration(
                Bucket=name,
                ObjectLockConfiguration={
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": retention},
                },
            )

    def peer(self, bucket: str, **changed: Any) -> S3Peer:
        facts: dict[str, Any] = {
            "bucket": bucket,
            "prefix": "site/a",
            "region": REGION,
            "access_key": KEY,
            "secret_key": SECRET,
            "endpoint": self.endpoint,
            "silence_s": 20,
            "headers": MOTO_WANTS,
        }
        return S3Peer(**(facts | changed))

    def connect(self, bucket: str) -> BucketDestination:
        return s3_destination(self.peer(bucket))


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run moto's server for the time of the context."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = os.environ | {"AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": ""}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            wait_for_port(port, process)
            yield S3Server(port)
        finally:
            process.terminate()
