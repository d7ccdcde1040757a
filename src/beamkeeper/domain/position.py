"""Where a patient stands in the course: the question that hurts when answered wrongly.

The types here; the rule that fills them is in `counting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ConflictKind(StrEnum):
    """What the evidence does not agree on; shown, never resolved silently."""

    SUSPECTED_DUPLICATE = "the same delivery appears to be recorded twice"
    OVER_DELIVERY = "more was delivered than planned"
    UNKNOWN_BEAM = "a record names a beam the plan does not have"
    NO_FRACTION_NUMBER = "a record does not say which fraction it belongs to"
    NO_METERSET = "a record does not say how much was delivered"
    BEYOND_PLANNED = "a fraction number beyond the fractions planned"
    SKIPPED_FRACTION = "a fraction number has no record though later ones have"
    METERSET_DIFFERS = "a record specifies another meterset than the plan"
    COUNT_DIFFERS = "the OIS counts differently"
    PATIENT_DIFFERS = "record and plan name different Patient IDs"
    UNIT_DIFFERS = "record and plan count in different units"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One disagreement, in words a physicist can act on.

    Attributes
    ----------
    record_uids
        The records it concerns.
    """

    kind: ConflictKind
    text: str
    record_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FractionState:
    """One fraction of one plan as the records show it.

    Attributes
    ----------
    missing_beam_numbers
        Treatment beams with nothing delivered.
    partial_beams
        (beam number, delivered, specified) of beams begun and not finished.
    last_treated_at
        Latest record of the fraction; None when its records carry no time.
    """

    fraction_number: int
    complete: bool
    missing_beam_numbers: tuple[int, ...] = ()
    partial_beams: tuple[tuple[int, float, float], ...] = ()
    first_treated_at: datetime | None = None
    last_treated_at: datetime | None = None
    record_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPosition:
    """Where one plan stands.

    Attributes
    ----------
    fractions_complete
        Number of fractions with every treatment beam complete.
    next_fraction_number
        The fraction to give next: the first partial one, else the one after the last complete; None
        when the plan is finished or cannot be counted.
    next_is_continuation
        True when that fraction was begun and must be completed first.
    dose_so_far_gy
        Complete fractions times dose per fraction plus the delivered share of partial ones; None
        when the plan does not state a dose.
    """

    plan_uid: str
    rt_plan_label: str
    fractions_planned: int | None
    fractions_complete: int
    fractions_partial: int
    next_fraction_number: int | None
    next_is_continuation: bool
    dose_so_far_gy: float | None
    first_treated_at: datetime | None
    last_treated_at: datetime | None
    fractions: tuple[FractionState, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePosition:
    """Where a patient stands over all plans.

    Attributes
    ----------
    unassigned_record_uids
        Records that name no plan, or one that is not here: a person must say where they belong.
    """

    patient_id: str
    plans: tuple[PlanPosition, ...]
    unassigned_record_uids: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
