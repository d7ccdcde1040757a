"""One result of looking at an imported set: what was looked at, what was expected, what was found.

References
----------
AAPM TG-201 (2011) and its report 201.A (2021): tests of integrity, consistency and interpretation
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.position import CoursePosition

NAMED_MAX: Final = 4
"""So many of a kind are named in a sentence; the rest is counted."""


class Grade(StrEnum):
    """How much a result matters."""

    OK = "ok"
    LOOK = "look"
    """A person looks, and may go on."""
    STOP = "stop"
    """Nothing is treated from this before it is settled."""


class Question(StrEnum):
    """Which of TG-201's questions a test answers."""

    INTEGRITY = "integrity"
    """Did everything arrive, whole, of one patient?"""
    CONSISTENCY = "consistency"
    """Do the objects fit one another?"""
    INTERPRETATION = "interpretation"
    """Is it read here as it was meant?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One test and its result.

    Attributes
    ----------
    about
        The plan it is of; "" for the whole set.
    """

    test: Question
    what: str
    grade: Grade
    expected: str
    found: str
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What the sender says is in the set.

    Attributes
    ----------
    object_uids
        SOP Instance UIDs of every object that was sent; None where no list came along.
    plan_uids
        Plans that are to be treated; () for every one that treats.
    position
        The sender's count; None where none came along.
    """

    patient: Patient
    object_uids: frozenset[str] | None = None
    plan_uids: tuple[str, ...] = ()
    position: CoursePosition | None = None


def listed(names: Iterable[str]) -> str:
    """Return names in a sentence, the rest counted: "a, b and 3 more"; "none"."""
    every: Sequence[str] = tuple(dict.fromkeys(names))
    more = len(every) - NAMED_MAX
    shown = ", ".join(every[:NAMED_MAX])
    return (f"{shown} and {more} more" if more > 0 else shown) or "none"


def judged(is_right: bool, *, otherwise: Grade) -> Grade:  # noqa: FBT001 - the question is the name
    """Return OK, or the grade of what is wrong."""
    return Grade.OK if is_right else otherwise
