"""What an S3 bucket keeps out of sight: versions of objects that were removed there, and until when.

References
----------
Amazon S3 API, ListObjectVersions, HeadObject (x-amz-object-lock-retain-until-date), DeleteObject
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.destination import OldVersion, segments, verify_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.wire.objectstore.s3_api import S3Api

_ENTRY: Final = re.compile(r"<(Version|DeleteMarker)>(.*?)</\1>", re.DOTALL)
_UNTIL: Final = "x-amz-object-lock-retain-until-date"
_HOLD: Final = "x-amz-object-lock-legal-hold"
_OK, _NO_CONTENT, _NOT_FOUND = 200, 204, 404


class S3Versions:
    """The versions in one bucket below one prefix; see `Versions`.

    Parameters
    ----------
    prefix
        As the destination's; names do not carry it.
    """

    def __init__(self, api: S3Api, prefix: str) -> None:
        self._api = api
        self._prefix = f"{prefix}/" if prefix else ""

    def list(self, folder: str) -> tuple[OldVersion, ...] | None:
        """Return every version of every name in a folder; None when the bucket does not say."""
        found: list[OldVersion] = []
        query = {"versions": "", "prefix": self._prefix + "/".join(segments(folder.rstrip("/"))) + "/"}
        while True:
            answer = self._api.ask("GET", query=query)
            if answer.status != _OK:
                return None
            found += self._read(answer.text)
            verify_count(len(found))
            if "<IsTruncated>true<" not in answer.text:
                return tuple(found)
            on = {"key-marker": _value(answer.text, "NextKeyMarker")}
            on["version-id-marker"] = _value(answer.text, "NextVersionIdMarker")
            if not on["key-marker"] or on.items() <= query.items():
                raise SourceAnswerInvalid("The bucket begins a list of versions and does not go on with it.")
            query |= on

    def locked_until(self, version: OldVersion) -> datetime | None:
        """Return until when a lock keeps a version; None when none does, or it does not say.

        A legal hold has no end: the end of time is returned.
        """
        answer = self._api.ask("HEAD", self._prefix + version.name, {"versionId": version.version})
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if headers.get(_HOLD, "").upper() == "ON":
            return datetime.max.replace(tzinfo=UTC)
        try:
            until = datetime.fromisoformat(headers.get(_UNTIL, ""))
        except ValueError:
            return None
        return until if until.tzinfo else until.replace(tzinfo=UTC)

    def destroy(self, version: OldVersion) -> bool:
        """Delete a version for good; return whether the bucket says that it did. Its word is no proof."""
        answer = self._api.ask("DELETE", self._prefix + version.name, {"versionId": version.version})
        return answer.status in {_OK, _NO_CONTENT, _NOT_FOUND}

    def _read(self, text: str) -> Iterator[OldVersion]:
        for kind, entry in _ENTRY.findall(text):
            key, version = _value(entry, "Key"), _value(entry, "VersionId")
            if key.startswith(self._prefix) and version:
                yield OldVersion(
                    name=key[len(self._prefix) :], version=version, is_marker=kind == "DeleteMarker"
                )


def _value(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>([^<&]{{1,1024}})</{tag}>", text)
    return found[1] if found else ""
