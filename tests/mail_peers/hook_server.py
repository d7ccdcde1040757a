"""A real web server on loopback that plays a pager gateway."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator


@dataclass
class Gateway:
    """What came in, and what is answered."""

    port: int = 0
    status: int = 200
    location: str = "http://127.0.0.1:1/"
    asked: int = 0
    taken: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def texts(self) -> list[str]:
        return [item["text"] for item in self.taken]


@contextmanager
def gateway(tls: ssl.SSLContext | None = None) -> Iterator[Gateway]:
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked += 1
            self.send_error(405)

        def do_POST(self) -> None:
            state.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            form = self.headers["Content-Type"].startswith("application/x-www-form")
            if state.status == 200:
                state.taken.append(dict(parse_qsl(body.decode())) if form else json.loads(body))
                state.headers.append(dict(self.headers.items()))
            self.send_response(state.status)
            self.send_header("Location", state.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
