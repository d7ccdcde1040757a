"""What the OIS orders, held against what it ordered before: one altered dose or count is an attack too."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.change import Change, Grade, ObjectComparison

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from beamkeeper.domain.census import OisCount
    from beamkeeper.domain.plan import Course, Prescription

PRESCRIPTION: Final = "prescription in the OIS"
COUNT: Final = "fraction count in the OIS"


def prescribed_otherwise(
    before: Sequence[Course], now: Sequence[Course], *, is_named: bool
) -> tuple[ObjectComparison, ...]:
    """Return what courses prescribe otherwise than before, in words that name nobody; a person must look.

    A prescription is known by its course and name, and by its numbers where several are called the same. A
    new one is no change: it comes with a new plan.

    Parameters
    ----------
    is_named
        Whether an OIS named the patient tonight. Then no course at all means that all are gone; else it
        is no answer: an OIS that is down has changed nothing.
    """
    if not now and not is_named:
        return ()
    left: defaultdict[tuple[str, str], list[Prescription]] = defaultdict(list)
    for _, key, rx in _prescriptions(now):
        left[key].append(rx)
    altered = []
    for which, key, rx in _prescriptions(before):
        same = next((other for other in left[key] if _ordered(other) == _ordered(rx)), None)
        if same is None:
            altered.append((which, key, rx))
        else:
            left[key].remove(same)
    found = []
    for which, key, rx in altered:
        told = in_numbers(left[key].pop(0)) if left[key] else None
        said = f"The OIS prescribes otherwise, {which}: {in_numbers(rx)} → {told or 'nothing any more'}."
        found.append(_altered(PRESCRIPTION, which, in_numbers(rx), told, said))
    return tuple(found)


def _prescriptions(courses: Iterable[Course]) -> Iterator[tuple[str, tuple[str, str], Prescription]]:
    """Yield each prescription with the words for it that name nobody, and what it is called."""
    for number, course in enumerate(courses, start=1):
        for position, rx in enumerate(course.prescriptions, start=1):
            yield f"prescription {position} of course {number}", (course.course_id, rx.name), rx


def counted_otherwise(
    before: Iterable[OisCount], now: Iterable[OisCount], labels: Mapping[str, str]
) -> tuple[ObjectComparison, ...]:
    """Return for which plans an OIS plans another number of fractions than before, or takes given ones back.

    More fractions given are the course going on; whether the records agree is told with the position.

    Parameters
    ----------
    labels
        RT Plan Label by SOP Instance UID, of the plans that are kept.
    """
    kept = {(count.source, count.plan_uid): count for count in now}
    found = []
    for number, old in enumerate(before, start=1):
        new = kept.get((old.source, old.plan_uid))
        if new is None:
            continue
        which = labels.get(old.plan_uid) or f"plan {number}"
        for what, was, is_ in (
            ("fractions planned", old.fractions_planned, new.fractions_planned),
            ("fractions done", old.fractions_done, new.fractions_done),
        ):
            went_on = what == "fractions done" and (was is None or (is_ is not None and is_ >= was))
            if was != is_ and not went_on:
                said = f"The OIS counts otherwise, {which}: {_number(was)} → {_number(is_)} {what}."
                found.append(_altered(COUNT, which, _number(was), _number(is_), said))
    return tuple(found)


def last_known(before: Sequence[Course], now: Sequence[Course], *, is_named: bool) -> tuple[Course, ...]:
    """Return the courses to hold the next night against: tonight's, or the last where no OIS answered."""
    return tuple(now if now or is_named else before)


def last_counts(before: Iterable[OisCount], now: Iterable[OisCount]) -> tuple[OisCount, ...]:
    """Return the counts to hold the next night against: for each source and plan the last it gave."""
    known = {(count.source, count.plan_uid): count for count in (*before, *now)}
    return tuple(known[key] for key in sorted(known))


def in_numbers(rx: Prescription) -> str:
    """Return a prescription as "2.67 Gy × 15, 40.05 Gy in all"; "?" stands for what is not said."""
    each, total = _gy(rx.dose_per_fraction_gy), _gy(rx.total_dose_gy)
    return f"{each} × {_number(rx.number_of_fractions)}, {total} in all"


def _altered(kind: str, label: str, old: str, new: str | None, text: str) -> ObjectComparison:
    """Return the verdict: what is no DICOM object has no UID."""
    change = Change(path="", old=old, new=new, text=text, grade=Grade.CLINICAL)
    return ObjectComparison(
        sop_instance_uid="",
        sop_class_uid="",
        modality="",
        kind=kind,
        label=label,
        grade=Grade.CLINICAL,
        changes=(change,),
    )


def _gy(dose_gy: float | None) -> str:
    return "? Gy" if dose_gy is None else f"{dose_gy:.10g} Gy"


def _number(count: int | None) -> str:
    return "?" if count is None else str(count)


def _ordered(rx: Prescription) -> tuple[float | None, float | None, int | None]:
    return rx.dose_per_fraction_gy, rx.total_dose_gy, rx.number_of_fractions
