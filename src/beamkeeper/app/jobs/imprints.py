"""Imprints of what a collector that only encrypts has sealed, one file a patient, by the digest of the bytes.

They lie in the sealed data directory. What is damaged or lost is no error: the next change of that object is
put before a person unread, as without imprints.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.compare import Imprint, imprint_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from typing_extensions import Buffer

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.protect.compare import CompareRules
    from beamkeeper.protect.compare.imprint import Entry, Level

FOLDER: Final = "imprints"
FORMAT: Final = 1
_KEY_CONTEXT: Final = b"beamkeeper/imprint/v1"


class Imprints:
    """What is remembered of the meaning of one patient's sealed objects.

    Parameters
    ----------
    key
        Of the digests: `imprint_key`.
    rules
        What a site declares as never counting.
    """

    def __init__(self, path: Path, key: bytes, rules: CompareRules) -> None:
        self._path, self.key, self._rules = path, key, rules
        self._known = _read(path)
        self._is_new = False

    def of(self, sha256: str) -> Imprint | None:
        """Return what is left of an object by the SHA-256 of its bytes; None when nothing is."""
        return self._known.get(sha256)

    def take(self, sha256: str, data: Buffer) -> None:
        """Remember an object; one that cannot be read leaves nothing."""
        if sha256 in self._known:
            return
        try:
            self._known[sha256] = imprint_of(data, self.key, self._rules)
        except ObjectUnreadable:
            return
        self._is_new = True

    def save(self, keep: Collection[str]) -> None:
        """Write what is remembered, but only of bytes with these digests; nothing when nothing was added."""
        if not self._is_new:
            return
        known = {sha256: item for sha256, item in self._known.items() if sha256 in keep}
        written = {
            sha256: {"bits": item.entropy_bits, "whole": item.whole, "level": item.level}
            for sha256, item in sorted(known.items())
        }
        write_whole(self._path, json.dumps({"format": FORMAT, "imprints": written}).encode())


def imprint_key(pseudonym_key: bytes) -> bytes:
    """Return the key of a site's imprints, which says nothing about the one it is made from."""
    return hmac.digest(pseudonym_key, _KEY_CONTEXT, hashlib.sha256)


def imprints_path(runtime: Runtime, pseudonym: str) -> Path:
    """Return where the imprints of one patient lie."""
    return runtime.site.data_dir / FOLDER / f"{pseudonym}.json"


def imprints_of(runtime: Runtime, pseudonym: str, rules: CompareRules) -> Imprints | None:
    """Return a patient's imprints; None where the collector can open what it sealed and needs none."""
    if runtime.keys.identities:
        return None
    return Imprints(imprints_path(runtime, pseudonym), imprint_key(runtime.keys.pseudonym_key), rules)


def _read(path: Path) -> dict[str, Imprint]:
    try:
        kept = json.loads(path.read_bytes())
        if kept["format"] != FORMAT:
            return {}
        return {
            sha256: Imprint(
                entropy_bits=float(item["bits"]),
                whole=str(item["whole"]),
                level=None if item["level"] is None else _level(item["level"]),
            )
            for sha256, item in kept["imprints"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _level(found: dict[str, object]) -> Level:
    return {name: _entry(entry) for name, entry in found.items()}


def _entry(found: object) -> Entry:
    """Return an entry as it was: JSON knows no tuples."""
    if not isinstance(found, list):
        return str(found)
    if found and isinstance(found[0], str):
        return (found[0], str(found[1]))
    return [(str(number), _level(level)) for number, level in found]
