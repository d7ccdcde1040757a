"""Asking an S3 bucket for its Object Lock.

References
----------
Amazon S3 API, GetObjectLockConfiguration
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from beamkeeper.wire.objectstore.s3_api import S3Api

_OK: Final = 200
_NOT_FOUND: Final = 404


def object_lock(api: S3Api) -> str | None:
    """Return the bucket's default retention in words ("Object Lock COMPLIANCE, 35 days").

    "" when it has none, so that whoever has the key can delete what lies there; None when the bucket
    does not say (a missing right, a server that does not know the question).
    """
    try:
        answer = api.ask("GET", query={"object-lock": ""})
    except (SourceUnavailable, SourceAnswerInvalid):
        return None
    if answer.status == _OK:
        return _in_words(answer.text)
    has_none = answer.status == _NOT_FOUND and "ObjectLockConfigurationNotFound" in answer.text
    return "" if has_none else None


def _in_words(text: str) -> str:
    mode = re.search(r"<Mode>(GOVERNANCE|COMPLIANCE)</Mode>", text)
    period = re.search(r"<(Days|Years)>(\d{1,6})</", text)
    if mode and period:
        return f"Object Lock {mode[1]}, {period[2]} {period[1].lower()}"
    return "Object Lock without a default retention" if ">Enabled<" in text else ""
