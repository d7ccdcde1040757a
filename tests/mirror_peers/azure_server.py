"""Azurite, Microsoft's emulator of Azure Blob storage, on loopback; where npm has brought it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import os
import shutil
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from tests.listening import free_port, wait_for_port

from beamkeeper.wire.objectstore import AzurePeer, BucketDestination, azure_destination

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT = "devstoreaccount1"
KEY = base64.b64encode(b"a key that azurite is told on its way in").decode()
VERSION = "2021-08-06"


def azurite() -> str | None:
    """Return the program; `AZURITE` in the environment names one that is not on the path."""
    return os.environ.get("AZURITE") or shutil.which("azurite-blob")


class AzureServer:
    """Where the server is, and what its owner can do."""

    def __init__(self, port: int) -> None:
        self.port = port

    def request(self, method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> Any:
        """Send a request signed with the account's key; return (status, body)."""
        named = {
            "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True),
            "x-ms-version": VERSION,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        canonical = "".join(f"{name}:{named[name]}\n" for name in sorted(named))
        resource = f"/{ACCOUNT}/{ACCOUNT}/{path}" + "".join(
            "\n" + pair.replace("=", ":") for pair in sorted(filter(None, query.split("&")))
        )
        length = str(len(body)) if body else ""
        text = f"{method}\n\n\n{length}\n\n\n\n\n\n\n\n\n{canonical}{resource}"
        digest = hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)
        named["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            target = f"/{ACCOUNT}/{path}" + (f"?{query}" if query else "")
            connection.request(method, target, body or None, named | {"Content-Length": str(len(body))})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def make_container(self, name: str) -> None:
        status, said = self.request("PUT", name, query="restype=container")
        assert status == http.client.CREATED, said

    def peer(self, container: str, **changed: Any) -> AzurePeer:
        facts: dict[str, Any] = {
            "account": ACCOUNT,
            "container": container,
            "prefix": "site/a",
            "key": KEY,
            "endpoint": f"http://127.0.0.1:{self.port}/{ACCOUNT}",
            "silence_s": 20,
        }
        return AzurePeer(**(facts | changed))

    def connect(self, container: str) -> BucketDestination:
        return azure_destination(self.peer(container))


@contextmanager
def azure_server(folder: Path, program: str) -> Iterator[AzureServer]:
    """Run azurite for the time of the context; it is told to keep to itself."""
    port = free_port()
    command = [program, "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command += ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    environment = os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            wait_for_port(port, process)
            yield AzureServer(port)
        finally:
            process.terminate()
