"""Gathering conflicts while counting: one per kind and sentence, however many records show it."""

from __future__ import annotations

from beamkeeper.domain.position import Conflict, ConflictKind


class Findings:
    """Conflicts found so far; adding them in any order gives the same list."""

    def __init__(self) -> None:
        self._record_uids: dict[tuple[ConflictKind, str], set[str]] = {}

    def add(self, kind: ConflictKind, text: str, *record_uids: str) -> None:
        """Note a conflict, and the records that show it."""
        self._record_uids.setdefault((kind, text), set()).update(record_uids)

    def conflicts(self) -> tuple[Conflict, ...]:
        """Return every conflict once, ordered by kind and sentence."""
        return tuple(
            Conflict(kind=kind, text=text, record_uids=tuple(sorted(uids)))
            for (kind, text), uids in sorted(self._record_uids.items())
        )
