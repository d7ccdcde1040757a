"""How a run over one destination ended, in facts and in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PROBLEMS_MAX: Final = 20
"""Problems told one by one; more are counted."""


class MirrorState(StrEnum):
    """Where a destination stands."""

    MIRRORED = "mirrored"
    """Everything that signed metadata name was read back from there, every digest equal."""
    BEHIND = "behind"
    """Something is still to be sent or proved."""
    ALTERED = "altered"
    """Somebody changed what lies there: a person must look."""
    FULL = "full"
    """No room, or no right to write."""
    UNREACHABLE = "unreachable"
    """No answer: says nothing about what lies there."""


class ProblemKind(StrEnum):
    """What is wrong with one object at a destination."""

    ALTERED = "altered"
    GONE = "gone"
    TURNED_BACK = "turned back"
    LIED = "lied"
    """It answered success and gives other bytes back, or none."""
    AHEAD = "ahead"
    """It holds signed metadata newer than this vault's."""
    NOT_HERE = "not here"
    """The vault itself lacks what its metadata name."""
    KEPT = "kept"
    """It still has what signed metadata say was removed."""
    STRANGE = "strange"
    """It lists what no vault holds."""


SERIOUS: Final = frozenset(
    {
        ProblemKind.ALTERED,
        ProblemKind.GONE,
        ProblemKind.TURNED_BACK,
        ProblemKind.LIED,
        ProblemKind.AHEAD,
    }
)
"""Signs that somebody who should not writes at the destination."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that was found at a destination.

    Attributes
    ----------
    name
        The object; "" where it is the destination as a whole.
    text, do_next
        Plain sentences.
    """

    kind: ProblemKind
    name: str
    text: str
    do_next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedThere:
    """The parcels of one patient that this run removed, by a signed statement.

    Attributes
    ----------
    gone_count
        Neither listed nor readable any more.
    kept_count
        Still there: an Object Lock, a missing right, a destination that does not obey.
    """

    pseudonym: str
    gone_count: int
    kept_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run over one destination.

    Attributes
    ----------
    proved_count, proved_bytes
        Named parcels that are there, read back at some time with the right digest.
    waiting_count, waiting_bytes
        Named parcels that are not (yet) proved there.
    sent_count, sent_bytes, reread_count
        What this run did.
    removed
        What was removed by signed statement, for each patient of whom something was there.
    timestamp_version
        Of the signed metadata that are proved there; 0 when none are.
    problems_count
        All that were found; `problems` holds the first of them.
    error
        Why the run ended before its end; "" when it did not.
    was_tried
        False when another process was at work on it.
    lock
        What the destination says of its write-once protection; None when it does not say.
    """

    destination: str
    state: MirrorState
    proved_count: int = 0
    proved_bytes: int = 0
    waiting_count: int = 0
    waiting_bytes: int = 0
    sent_count: int = 0
    sent_bytes: int = 0
    reread_count: int = 0
    removed: tuple[RemovedThere, ...] = ()
    timestamp_version: int = 0
    problems: tuple[Problem, ...] = ()
    problems_count: int = 0
    error: str = ""
    do_next: str = ""
    free_bytes: int | None = None
    lock: str | None = None
    encrypted: bool | None = None
    was_tried: bool = True

    @property
    def is_mirrored(self) -> bool:
        """Whether everything is there and proved, and nothing was tampered with."""
        return self.state is MirrorState.MIRRORED
