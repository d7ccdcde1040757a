"""Asking an S3 bucket for its Object Lock: one signed GET, because obstore has no call for it.

References
----------
Amazon S3 API, GetObjectLockConfiguration; AWS Signature Version 4
"""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

ANSWER_BYTES_MAX: Final = 64 << 10
TIMEOUT_S: Final = 30
_EMPTY: Final = hashlib.sha256(b"").hexdigest()
_NOT_FOUND: Final = 404


def object_lock(*, bucket: str, region: str, access_key: str, secret_key: str, endpoint: str) -> str | None:
    """Return the bucket's default retention in words ("Object Lock COMPLIANCE, 35 days").

    "" when it has none, so that whoever has the key can delete what lies there; None when the bucket
    does not say (a missing right, a server that does not know the question).
    """
    base = endpoint or f"https://s3.{region}.amazonaws.com"
    request = _signed(f"{base.rstrip('/')}/{bucket}", region, access_key, secret_key, datetime.now(UTC))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context())
    )
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return _in_words(answer.read(ANSWER_BYTES_MAX).decode(errors="replace"))
    except urllib.error.HTTPError as error:
        with error:
            text = error.read(ANSWER_BYTES_MAX).decode(errors="replace")
        return "" if error.code == _NOT_FOUND and "ObjectLockConfigurationNotFound" in text else None
    except OSError:
        return None


def _in_words(text: str) -> str:
    mode = re.search(r"<Mode>(GOVERNANCE|COMPLIANCE)</Mode>", text)
    period = re.search(r"<(Days|Years)>(\d{1,6})</", text)
    if mode and period:
        return f"Object Lock {mode[1]}, {period[2]} {period[1].lower()}"
    return "Object Lock without a default retention" if ">Enabled<" in text else ""


def _signed(url: str, region: str, access_key: str, secret_key: str, now: datetime) -> urllib.request.Request:
    """Return a GET of `url?object-lock`, signed (AWS Signature Version 4, path style)."""
    parts = urlsplit(url)
    stamp, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
    headers = {"host": parts.netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        [
            "GET",
            parts.path,
            "object-lock=",
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            _EMPTY,
        ]
    )
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret_key}".encode()
    for step in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return urllib.request.Request(f"{url}?object-lock", headers=headers | {"authorization": authorization})  # noqa: S310 - the site file's own address, checked there
