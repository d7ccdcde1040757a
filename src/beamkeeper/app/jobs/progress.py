"""How a job tells what it is doing, without knowing who listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


Listener: TypeAlias = "Callable[[Event], None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened.

    Attributes
    ----------
    step
        "open", "census", "collect", "compare", "judge", "seal", "publish", "report", "close".
    phase
        "begin", "progress" or "done".
    pseudonym
        The patient it concerns; "" for the whole night.
    done, total
        Objects or patients, where the step counts them.
    """

    step: str
    phase: str
    pseudonym: str = ""
    done: int = 0
    total: int = 0


def silent(event: Event) -> None:
    """Listen to nothing."""
