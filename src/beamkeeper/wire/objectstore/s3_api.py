"""Single signed requests to an S3 bucket, for what obstore has no call for: its lock, its old versions.

References
----------
AWS Signature Version 4
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

ANSWER_BYTES_MAX: Final = 4 << 20
"""A thousand versions are below 1 MB."""
ANSWER_S_MAX: Final = 60
SILENCE_S_MAX: Final = 30
_BLOCK: Final = 64 << 10
_EMPTY: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Answer:
    """One answer, whole."""

    status: int
    text: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Api:
    """A bucket, asked by name; nothing stays open between two requests.

    Attributes
    ----------
    endpoint
        URL of the server; "" for Amazon's own.
    """

    bucket: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    endpoint: str = ""

    def ask(self, method: str, key: str = "", query: Mapping[str, str] | None = None) -> S3Answer:
        """Return what the server answers, whatever its status.

        Raises
        ------
        SourceUnavailable
            It gives no whole answer in time.
        SourceAnswerInvalid
            Its answer is too long.
        """
        request = self._signed(method, key, query or {}, datetime.now(UTC))
        ends_at = time.monotonic() + ANSWER_S_MAX
        try:
            try:
                answer = _opener().open(request, timeout=SILENCE_S_MAX)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                return S3Answer(
                    status=answer.code, text=_whole(answer, ends_at), headers=dict(answer.headers.items())
                )
        except OSError as error:
            raise SourceUnavailable(
                f"s3://{self.bucket} gives no answer ({type(error).__name__}).",
                do_next="Check the address and that the firewall lets us through; it is tried again.",
            ) from error

    def _signed(
        self, method: str, key: str, query: Mapping[str, str], now: datetime
    ) -> urllib.request.Request:
        """Return a request without a body, signed, path style."""
        base = (self.endpoint or f"https://s3.{self.region}.amazonaws.com").rstrip("/")
        parts = urlsplit(f"{base}/{quote(self.bucket)}" + (f"/{quote(key)}" if key else ""))
        asked = "&".join(f"{quote(name, safe='')}={quote(query[name], safe='')}" for name in sorted(query))
        stamp, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
        headers = {"host": parts.netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
        names = ";".join(sorted(headers))
        lines = (f"{name}:{headers[name]}" for name in sorted(headers))
        canonical = "\n".join([method, parts.path, asked, *lines, "", names, _EMPTY])
        scope = f"{day}/{self.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        secret = f"AWS4{self.secret_key}".encode()
        for step in (day, self.region, "s3", "aws4_request"):
            secret = hmac.digest(secret, step.encode(), "sha256")
        signature = hmac.digest(secret, text.encode(), "sha256").hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names},"
            f" Signature={signature}"
        )
        return urllib.request.Request(f"{parts.geturl()}?{asked}", headers=headers, method=method)  # noqa: S310 - the site file's own address, checked there


def _opener() -> urllib.request.OpenerDirector:
    """Return who asks: no proxy of the environment, and a redirect is an answer, not an order."""
    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        made.add_handler(handler)
    return made


def _whole(answer: IO[bytes], ends_at: float) -> str:
    found = bytearray()
    while block := answer.read(_BLOCK):
        found += block
        if len(found) > ANSWER_BYTES_MAX:
            raise SourceAnswerInvalid(f"The bucket answers more than {ANSWER_BYTES_MAX} bytes.")
        if time.monotonic() > ends_at:
            raise TimeoutError("the time for the whole answer is over")
    return found.decode(errors="replace")
