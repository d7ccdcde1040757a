"""Stock Orthanc with its DICOMweb plugin, and a service that answers whatever a test wants."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from query_archives import OWN_AE_TITLE, running
from tests.listening import free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True)
class WebArchive:
    """A running Orthanc: over the web and over DICOM."""

    url: str
    dicom_port: int
    ae_title: str = "ORTHANC"


@contextlib.contextmanager
def orthanc_web(program: str, folder: Path, **settings: object) -> Iterator[WebArchive]:
    """Orthanc as Debian ships it, `OverwriteInstances` off unless a test says otherwise."""
    if not PLUGIN.exists():
        pytest.skip("the Debian package orthanc-dicomweb is not installed here")
    folder.mkdir(exist_ok=True)
    http, dicom = free_port(), free_port()
    configuration = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomPort": dicom,
        "DicomAet": "ORTHANC",
        "DicomModalities": {"us": {"AET": OWN_AE_TITLE, "Host": "127.0.0.1", "Port": 1}},
        "UnknownSopClassAccepted": True,
    } | settings
    path = folder / "orthanc.json"
    path.write_text(json.dumps(configuration))
    with running([program, str(path)], port=http, log=folder / "orthanc.log"):
        yield WebArchive(f"http://127.0.0.1:{http}/dicom-web", dicom)


@dataclass(frozen=True)
class Said:
    """One answer of a made-up service."""

    status: int
    content_type: str = "application/dicom+json"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    stated_length: int | None = None


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@contextlib.contextmanager
def service(
    answer: Callable[[Asked], Said], *, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[Asked]]]:
    """Yield the address of a service that answers as told, and everything it was asked."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            one = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
            asked.append(one)
            said = answer(one)
            self.send_response(said.status)
            self.send_header("Content-Type", said.content_type)
            length = len(said.body) if said.stated_length is None else said.stated_length
            self.send_header("Content-Length", str(length))
            for name, value in said.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)
            if length != len(said.body):
                self.close_connection = True

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the base class calls them so

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] - a client that turns away
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/dicom-web", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
