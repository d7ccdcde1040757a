"""HTTP as DICOMweb needs it: bodies streamed both ways, every wait and every length bounded.

Redirects are not followed (a token would follow them), proxies of the environment are not used, and
nothing is decompressed.
"""

from __future__ import annotations

import logging
import ssl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import httpx2

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beamkeeper.wire.dicomweb.peer import WebPeer

JSON_BYTES_MAX: Final = 64 << 20
"""Answers of up to 100 studies or objects, or what became of as many that were sent."""
DICOM_JSON: Final = "application/dicom+json"
JSON: Final = "application/json"
# The library logs each address it asks, and a search by Patient ID carries one.
logging.getLogger("httpx2").setLevel(logging.WARNING)
logging.getLogger("httpcore2").setLevel(logging.WARNING)

_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOT_LET_IN: Final = frozenset({401, 403, 407})
_REDIRECTS: Final = range(300, 400)


class Answer:
    """One answer, its body not read yet."""

    def __init__(self, response: httpx2.Response, peer: WebPeer, ends_at: float) -> None:
        self._response, self._peer, self._ends_at = response, peer, ends_at

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self._response.status_code)

    @property
    def content_type(self) -> str:
        """The body's type; "" when it does not say."""
        return str(self._response.headers.get("Content-Type", ""))

    def blocks(self) -> Iterator[bytes]:
        """Yield the body as it arrives.

        Raises
        ------
        SourceUnavailable
            It took too long.
        SourceAnswerInvalid
            It is compressed.
        """
        if self._response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise SourceAnswerInvalid(f"{self._peer} compresses its answer, and was asked not to.")
        for block in self._response.iter_raw():
            if time.monotonic() > self._ends_at:
                raise SourceUnavailable(f"{self._peer} did not finish its answer in the time given.")
            yield block

    def whole(self, *, bytes_max: int = JSON_BYTES_MAX) -> bytes:
        """Return the whole body.

        Raises
        ------
        SourceAnswerInvalid
            It is longer than `bytes_max`.
        """
        body = bytearray()
        for block in self.blocks():
            body += block
            if len(body) > bytes_max:
                raise SourceAnswerInvalid(f"{self._peer} answers with more than {bytes_max} bytes.")
        return bytes(body)

    def verify_usual(self) -> None:
        """Raise what a status means that says nothing about objects.

        Raises
        ------
        SourceUnavailable
            The service is busy or broken.
        SourceAnswerInvalid
            It does not let us in, or sends us elsewhere.
        """
        if self.status in _NOT_LET_IN:
            raise SourceAnswerInvalid(
                f"{self._peer} does not let us in (HTTP status {self.status}).",
                do_next="Check user, password or token in the site file, and what they may do there.",
                status=self.status,
            )
        if self.status in _BUSY:
            raise SourceUnavailable(
                f"{self._peer} is busy or broken (HTTP status {self.status}).", status=self.status
            )
        if self.status in _REDIRECTS:
            raise SourceAnswerInvalid(
                f"{self._peer} sends us to another address, and we do not follow.",
                do_next="Write the address it should be into the site file.",
                status=self.status,
            )


class WebLink:
    """Connections to one service, kept open; one thread only."""

    def __init__(self, peer: WebPeer) -> None:
        self.peer = peer
        timeout = httpx2.Timeout(peer.answer_s, connect=peer.connect_s)
        context = ssl.create_default_context() if peer.tls is None else peer.tls.context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._client = httpx2.Client(
            verify=context, trust_env=False, follow_redirects=False, timeout=timeout, http2=False
        )

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def ends_at(self) -> float:
        """Return when a request that begins now must be over, on the monotonic clock."""
        return time.monotonic() + self.peer.transfer_s

    @contextmanager
    def asked(
        self,
        method: str,
        path: str,
        *,
        accept: str = DICOM_JSON,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] | None = None,
        url: str = "",
    ) -> Iterator[Answer]:
        """Make one request, and give its answer while its body comes.

        Parameters
        ----------
        path
            Below the service's address; made of checked UIDs only.
        url
            Another address than the service's.

        Raises
        ------
        SourceUnavailable
            No answer, or not in time.
        """
        ends_at = self.ends_at()
        said = {
            "Accept": accept,
            "Accept-Encoding": "identity",
            "User-Agent": "beamkeeper",
            **(headers or {}),
        }
        if authorization := self.peer.authorization():
            said["Authorization"] = authorization
        try:
            with self._client.stream(
                method, (url or self.peer.url) + path, params=query, headers=said, content=body
            ) as response:
                yield Answer(response, self.peer, ends_at)
        except httpx2.HTTPError as error:
            raise SourceUnavailable(
                f"{self.peer} gave no whole answer: {_why(error)}.",
                do_next="Is it running, may we reach it, and is its certificate one we trust?",
            ) from error


def _why(error: httpx2.HTTPError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.TimeoutException):
        return "it took too long"
    if isinstance(error, httpx2.ConnectError):
        return "there is no connection"
    return f"the connection broke ({type(error).__name__})"
