"""How one run over one destination of plain copies ended: values for ledger, pages and `--json`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PROBLEMS_MAX: Final = 20
"""Problems told one by one; the rest is counted."""


class CopyState(StrEnum):
    """Where a destination stands."""

    COMPLETE = "complete"
    """Everything that should be there was read back and is ours."""
    SENT = "sent, not proved"
    """It says that it has everything; it gives nothing back, so nothing is proved."""
    BEHIND = "behind"
    UNREACHABLE = "unreachable"
    FULL = "full"
    DIFFERS = "differs"
    """It gives back something else than what was sent."""


class ProblemKind(StrEnum):
    """What is wrong with one object."""

    REFUSED = "refused"
    KEPT_OLDER = "kept an older version"
    DIFFERS = "differs"
    NOT_GIVEN_BACK = "not given back"
    GONE = "gone"
    NOT_HERE = "not in the vault"
    NO_ANSWER = "no answer"


SERIOUS: Final = frozenset({ProblemKind.KEPT_OLDER, ProblemKind.DIFFERS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What was found of one object, and what to do.

    Attributes
    ----------
    what
        Modality and SOP Instance UID; no patient.
    """

    kind: ProblemKind
    what: str
    text: str
    do_next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOutcome:
    """One run over one destination.

    Attributes
    ----------
    wanted_count, proved_count, listed_count, waiting_count
        Objects that should be there; of them read back as ours; listed and not proved; neither.
    problems
        The first ones; `problems_count` counts all.
    remarks
        What stays here by rule and somebody may miss, in plain sentences.
    marker
        Fingerprint of what the rule looked at: another one later means that it must be asked again.
    was_tried
        False when another process works on this destination.
    """

    destination: str
    state: CopyState
    wanted_count: int = 0
    proved_count: int = 0
    listed_count: int = 0
    waiting_count: int = 0
    waiting_bytes: int = 0
    patient_count: int = 0
    sent_count: int = 0
    sent_bytes: int = 0
    reread_count: int = 0
    problems: tuple[Problem, ...] = ()
    problems_count: int = 0
    remarks: tuple[str, ...] = ()
    error: str = ""
    do_next: str = ""
    marker: str = ""
    was_tried: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether everything was read back there."""
        return self.state is CopyState.COMPLETE
