"""Google's XML interface on loopback: moto's S3 server behind what the two dialects differ in.

No emulator that `uv`, npm or Debian bring answers the requests of obstore's Google client (record 0050 names
what was tried). Google documents its XML interface as one that S3's tools can use; here the client's own
requests are answered by moto after two translations: the condition `x-goog-if-generation-match: 0` becomes
`If-None-Match: *`, which moto honours, and the token is checked as Google would: signed by the account's key.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.listening import free_port, wait_for_port

from beamkeeper.wire.objectstore import BucketDestination, GcsPeer, gcs_destination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ACCOUNT = "collector@hospital.example"


class AsGoogle:
    """The WSGI application: whoever has no token of this key is refused, the rest is moto's."""

    def __init__(self, s3: Callable[..., Iterable[bytes]], key: rsa.RSAPublicKey) -> None:
        self._s3 = s3
        self._key = key

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not self._is_genuine(environ.pop("HTTP_AUTHORIZATION", "")):
            start_response("401 Unauthorized", [("Content-Type", "application/xml")])
            return [b"<Error><Code>AuthenticationRequired</Code></Error>"]
        environ["HTTP_AUTHORIZATION"] = "AWS somebody:signed"  # moto wants a name, and checks no more
        if (generation := environ.pop("HTTP_X_GOOG_IF_GENERATION_MATCH", None)) is not None:
            if generation != "0":
                raise ValueError(f"only «no generation» is translated, not {generation!r}")
            environ["HTTP_IF_NONE_MATCH"] = "*"
        return self._s3(environ, start_response)

    def _is_genuine(self, authorization: str) -> bool:
        signed, _, signature = authorization.removeprefix("Bearer ").rpartition(".")
        try:
            self._key.verify(
                base64.urlsafe_b64decode(signature + "=="),
                signed.encode(),
                padding.PKCS1v15(),
                hashes.SHA256(),
            )
        except (InvalidSignature, ValueError):
            return False
        claims = signed.partition(".")[2]
        return bool(json.loads(base64.urlsafe_b64decode(claims + "=="))["iss"] == ACCOUNT)


def service_account(key: rsa.RSAPrivateKey) -> str:
    """Return the JSON that Google gives for a service account's key."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    facts = {"type": "service_account", "client_email": ACCOUNT, "private_key_id": "1"}
    return json.dumps(facts | {"private_key": pem.decode()})


class GcsServer:
    """Where the server is, and what its owner can do."""

    def __init__(self, port: int, key: rsa.RSAPrivateKey) -> None:
        self.port = port
        self.service_account = service_account(key)
        self._key = key

    def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request with the owner's token; return (status, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, f"/{path}", body or None, {"Authorization": f"Bearer {self._token()}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _token(self) -> str:
        parts = ({"alg": "RS256", "typ": "JWT"}, {"iss": ACCOUNT})
        signed = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
        )
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    def make_bucket(self, name: str) -> None:
        status, said = self.request("PUT", name)
        assert status == http.client.OK, said

    def peer(self, bucket: str, **changed: Any) -> GcsPeer:
        facts: dict[str, Any] = {
            "bucket": bucket,
            "prefix": "site/a",
            "service_account": self.service_account,
            "endpoint": f"http://127.0.0.1:{self.port}",
            "silence_s": 20,
        }
        return GcsPeer(**(facts | changed))

    def connect(self, bucket: str) -> BucketDestination:
        return gcs_destination(self.peer(bucket))


@contextmanager
def gcs_server() -> Iterator[GcsServer]:
    """Run the server for the time of the context, in a process of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    port = free_port()
    command = [sys.executable, "-m", "tests.mirror_peers.gcs_server", str(port), public.decode()]
    environment = os.environ | {"AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            wait_for_port(port, process)
            yield GcsServer(port, key)
        finally:
            process.terminate()


def _serve(port: int, pem: str) -> None:
    from moto.moto_server.werkzeug_app import create_backend_app
    from werkzeug.serving import run_simple

    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    run_simple("127.0.0.1", port, AsGoogle(create_backend_app("s3"), key), threaded=True)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2])
