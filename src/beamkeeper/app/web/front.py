"""Between the server and the pages: a request is taken whole and in time, then a thread makes its page.

Django reads a form while a thread waits for it: four visitors who send a byte a minute would hold every
thread, and nobody could vote. Here forms are awaited by no thread, for so long and no longer, and one that is
too large is not read at all.

References
----------
PEP 3333 (what Django is asked with); RSGI 1.5 (what granian asks with); RFC 9110 15.5.9, 15.5.14.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.app.web.settings import POST_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.handlers.wsgi import WSGIHandler
    from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]

THREADS: Final = 4
FORM_WITHIN_S: Final = 10.0
"""Whoever takes longer to send a form is hung up on."""
TOO_SLOW, TOO_LARGE, NOT_UNDERSTOOD = 408, 413, 400
HANG_UP: Final = [("connection", "close")]

_Page = tuple[int, list[tuple[str, str]], bytes]


class Front:
    """The pages as granian asks for them.

    Parameters
    ----------
    pages
        Django.
    """

    def __init__(self, pages: WSGIHandler) -> None:
        self._pages = pages
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="page")

    async def __call__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        try:
            async with asyncio.timeout(FORM_WITHIN_S):
                form = await _form(protocol)
        except TimeoutError:
            protocol.response_empty(TOO_SLOW, HANG_UP)
            return
        if form is None:
            protocol.response_empty(TOO_LARGE, HANG_UP)
            return
        try:
            asked = _asked(scope, form)
        except UnicodeError:
            protocol.response_empty(NOT_UNDERSTOOD, HANG_UP)
            return
        loop = asyncio.get_running_loop()
        protocol.response_bytes(*await loop.run_in_executor(self._threads, self._page, asked))

    def _page(self, asked: dict[str, Any]) -> _Page:
        begun: list[tuple[int, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def begin(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
            begun.append((int(status.partition(" ")[0]), headers))
            return written.append

        with closing(self._pages(asked, begin)) as answer:
            written.extend(answer)
        return *begun[0], b"".join(written)


async def _form(protocol: HTTPProtocol) -> bytes | None:
    """Return what was sent; None when it is more than any form of ours."""
    form = bytearray()
    async for part in protocol:
        form += part
        if len(form) > POST_BYTES_MAX:
            return None
    return bytes(form)


def _asked(scope: Scope, form: bytes) -> dict[str, Any]:
    """Return a request as PEP 3333 has it. Nothing of the process's own environment is in it."""
    host, _, port = scope.server.rpartition(":")
    asked: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(form),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        # A header that is sent twice: cookies go on, anything else is one that makes no sense.
        asked[key] = f"{asked[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}" if key in asked else value
    asked["CONTENT_LENGTH"] = str(len(form))
    return asked
