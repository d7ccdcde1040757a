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
    NO_PLAN = "a record names no plan"
    PLAN_UNKNOWN = "a record names a plan that is not here"
    PLAN_CHANGED = "two different copies of one plan are here"
    RECORD_CHANGED = "two different copies of one record are here"
    NO_FRACTION_GROUP = "a record does not say which of several fraction groups it belongs to"
    FRACTION_GROUP_ORDER = "several fraction groups are open and the plan does not say which comes first"
    FRACTIONS_PLANNED_DIFFER = "record and plan state different numbers of fractions planned"
    PARTIAL_LEFT_BEHIND = "a fraction was begun and not finished, and later ones were given"
    ENDED_ABNORMALLY = "the whole meterset was given, but no record of it ended normally"
    SUPERSEDED = "an approved plan was derived from this one"
    FOLLOWED = "an approved plan follows this one, which is not finished"
    OIS_PLAN_UNKNOWN = "the OIS counts fractions of a plan that is not here"
    NO_DELIVERY_TYPE = "a record does not say what kind of delivery it was"
    POSSIBLY_DELIVERED = (
        "a session was booked after the copy was made, and nothing shows whether it took place"
    )
    REPLACED = "people said that another plan holds instead of this one"
    REPLACES = "people said that this plan holds instead of another one"
    REPLACED_AND_GIVEN = "what people said of a replaced plan does not agree with what was given"


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
    fraction_group_number
        The fraction group it belongs to: numbers run inside a group.
    begun
        False when every record of it says that nothing was delivered.
    """

    fraction_number: int
    complete: bool
    missing_beam_numbers: tuple[int, ...] = ()
    partial_beams: tuple[tuple[int, float, float], ...] = ()
    first_treated_at: datetime | None = None
    last_treated_at: datetime | None = None
    record_uids: tuple[str, ...] = ()
    fraction_group_number: int = 1
    begun: bool = True

    @property
    def is_partial(self) -> bool:
        """Whether it was begun and has to be completed before any new fraction."""
        return self.begun and not self.complete


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPortFilm:
    """Dose outside the treatment field, taken to see: reported, not counted (`protocols` 2.5, rule 2).

    Attributes
    ----------
    fraction_number
        None when the record does not say.
    delivered_meterset
        In the record's unit; None when the record does not say.
    """

    beam_number: int | None
    fraction_number: int | None
    delivered_meterset: float | None
    record_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPosition:
    """Where one plan stands.

    Attributes
    ----------
    fractions_complete
        Number of fractions with every treatment beam complete.
    next_fraction_number
        The fraction to give next: the first partial one, else the one after the last complete; None
        when nothing more is given by it (`is_over`) or a person has to say.
    next_is_continuation
        True when that fraction was begun and must be completed first.
    dose_so_far_gy
        Complete fractions times dose per fraction plus the delivered share of partial ones; None
        when the plan does not state a dose.
    last_treated_at
        Of a plan that people said holds instead of another one: by either of them.
    next_fraction_group_number
        The fraction group of `next_fraction_number`; None where that is None.
    open_portfilms
        Open port films of this plan: dose that was given and is in no fraction.
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
    next_fraction_group_number: int | None = None
    open_portfilms: tuple[OpenPortFilm, ...] = ()

    @property
    def is_finished(self) -> bool:
        """Whether every planned fraction is complete, none is left begun, and any was planned."""
        planned = self.fractions_planned
        return bool(planned) and self.fractions_complete >= (planned or 0) and not self.fractions_partial

    @property
    def is_replaced(self) -> bool:
        """Whether people said that another plan holds."""
        return any(one.kind is ConflictKind.REPLACED for one in self.conflicts)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is given by it: finished, or replaced."""
        return self.is_finished or self.is_replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePosition:
    """Where a patient stands over all plans.

    Attributes
    ----------
    unassigned_record_uids
        Records that name no plan, one that is not here, another Patient ID, no fraction number or
        no beam of the plan: nothing of what could not be placed is counted, and a person must say
        where it belongs. `conflicts`, here and of the plans, say why.
    """

    patient_id: str
    plans: tuple[PlanPosition, ...]
    unassigned_record_uids: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
