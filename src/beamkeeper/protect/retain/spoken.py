"""What people said about keeping: a hold by anybody, its end by two. A rule over their words; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

EVERYBODY = ""
"""Stands for all patients: an incident."""


class WordKind(StrEnum):
    """What somebody said."""

    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of one person.

    Attributes
    ----------
    pseudonym
        Whom it is about; "" for everybody.
    reason
        In that person's words; it may name people and never leaves the ledger.
    """

    at: datetime
    person: str
    kind: WordKind
    pseudonym: str
    reason: str = ""


def standing_hold(words: Iterable[Word], pseudonym: str, *, needed: int) -> Word | None:
    """Return the hold that stands over a patient (or "" for everybody); None when none does.

    It ends once `needed` different people released after it was placed; of a hold and a release at one
    instant the hold is the later.
    """
    said = _about(words, pseudonym)
    held = [word for word in said if word.kind is WordKind.HOLD]
    if not held or len(_releasers(said, after=held[-1])) >= needed:
        return None
    return held[-1]


def released_by(words: Iterable[Word], pseudonym: str, *, since: datetime | None) -> frozenset[str]:
    """Return who released a patient since the last hold, and since an instant (the last treatment)."""
    said = _about(words, pseudonym)
    held = [word for word in said if word.kind is WordKind.HOLD]
    releases = _releasers(said, after=held[-1] if held else None)
    return frozenset(word.person for word in releases.values() if since is None or word.at > since)


def _about(words: Iterable[Word], pseudonym: str) -> list[Word]:
    mine = {word for word in words if word.pseudonym == pseudonym}
    return sorted(mine, key=lambda word: (word.at, word.kind is WordKind.HOLD, word.person))


def _releasers(said: list[Word], *, after: Word | None) -> dict[str, Word]:
    """Return the last release of each person after a hold."""
    later = said if after is None else said[said.index(after) + 1 :]
    return {word.person: word for word in later if word.kind is WordKind.RELEASE}
