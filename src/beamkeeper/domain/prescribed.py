"""What the OIS prescribes, held against what it prescribed before: one altered dose is an attack too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beamkeeper.domain.plan import Course, Prescription


def prescribed_otherwise(before: Sequence[Course], now: Sequence[Course]) -> tuple[str, ...]:
    """Return what courses prescribe otherwise than before, each in a sentence that names nobody.

    A prescription is known by its course and name. A new one is no change: it comes with a new plan.
    No course at all is no answer: an OIS that is down has changed nothing.
    """
    if not now:
        return ()
    kept = {(course.course_id, rx.name): rx for course in now for rx in course.prescriptions}
    found = []
    for number, course in enumerate(before, start=1):
        for position, rx in enumerate(course.prescriptions, start=1):
            after = kept.get((course.course_id, rx.name))
            told = "nothing any more" if after is None else in_numbers(after)
            if after is None or _ordered(after) != _ordered(rx):
                which = f"prescription {position} of course {number}"
                found.append(f"The OIS prescribes otherwise, {which}: {in_numbers(rx)} → {told}.")
    return tuple(found)


def last_known(before: Sequence[Course], now: Iterable[Course]) -> tuple[Course, ...]:
    """Return the courses to hold the next night against: tonight's, or the last where the OIS named none."""
    return tuple(now) or tuple(before)


def in_numbers(rx: Prescription) -> str:
    """Return a prescription as "2.67 Gy × 15, 40.05 Gy in all"; "?" stands for what is not said."""
    each, total = _gy(rx.dose_per_fraction_gy), _gy(rx.total_dose_gy)
    count = "?" if rx.number_of_fractions is None else rx.number_of_fractions
    return f"{each} × {count}, {total} in all"


def _gy(dose_gy: float | None) -> str:
    return "? Gy" if dose_gy is None else f"{dose_gy:.10g} Gy"


def _ordered(rx: Prescription) -> tuple[float | None, float | None, int | None]:
    return rx.dose_per_fraction_gy, rx.total_dose_gy, rx.number_of_fractions
