"""One object against its earlier copy: raw bytes, then elements, then words.

1. Equal bytes are one object.
2. Where bytes differ, elements are compared from the top down and only differing branches are opened.
   No difference of meaning: re-encoded.
3. What differs is told in words and graded.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from beamkeeper.domain.change import SEVERITY, Change, Grade, ObjectComparison
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.compare.contours import contour_changes
from beamkeeper.protect.compare.delivery import single_values, told_singly
from beamkeeper.protect.compare.difference import Difference, differences
from beamkeeper.protect.compare.pixels import DOSE_GRID_SCALING, PIXEL_DATA, pixel_change, scaling_change
from beamkeeper.protect.compare.places import Pair
from beamkeeper.protect.compare.subject import Subject
from beamkeeper.protect.compare.values import same_bytes
from beamkeeper.protect.compare.words import in_words
from beamkeeper.wire.dicom.elements import DataSet, open_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from beamkeeper.protect.compare.rules import CompareRules

DIFFERENCES_MAX = 20_000
"""Differences looked at in one object; one with more is another object, and the report says so."""
CHANGES_MAX = 200
"""Changes told for one object; the worst come first, the rest is counted."""


def compare_objects(old: Buffer | None, new: Buffer | None, *, rules: CompareRules) -> ObjectComparison:
    """Return what the difference between two copies of one object is, and how much it matters.

    Parameters
    ----------
    old, new
        The copies, whole files as kept; None where there is none: the object is then new or missing.

    Bad input is no exception here: a copy that cannot be read is graded unreadable, with the reason.
    """
    if old is None or new is None:
        return _one_sided(old, new)
    try:
        after = Subject(open_object(new).dataset)
    except ObjectUnreadable as error:
        return unreadable(_subject(old), error, "The new copy cannot be read")
    if same_bytes(old, new):
        return verdict(after, Grade.IDENTICAL)
    try:
        before = Subject(open_object(old).dataset)
    except ObjectUnreadable as error:
        return unreadable(after, error, "The old copy cannot be read, so nothing can be compared")
    try:
        changes = _changes(Pair(before, after), rules)
    except ObjectUnreadable as error:
        return unreadable(after, error, "A part that differs cannot be read")
    grade = max((change.grade for change in changes), key=SEVERITY.__getitem__, default=Grade.RE_ENCODED)
    return verdict(after, grade, changes)


def is_whole(data: Buffer) -> bool:
    """Return whether every element of an object can be reached, those inside sequences included."""
    try:
        _walk(open_object(data).dataset)
    except ObjectUnreadable:
        return False
    return True


def _walk(dataset: DataSet) -> None:
    for key, (tag, element) in dataset.keyed().items():
        if dataset.vr(key, tag, element) == "SQ":
            for item in dataset.items(tag):
                _walk(item)


def _one_sided(old: Buffer | None, new: Buffer | None) -> ObjectComparison:
    present = new if new is not None else old
    if present is None:
        raise ValueError("there is nothing to compare: give at least one copy")
    grade, text = (Grade.NEW, "New object") if new is not None else (Grade.MISSING, "The object is gone")
    try:
        subject = Subject(open_object(present).dataset)
    except ObjectUnreadable as error:
        return unreadable(
            None, error, "The new object cannot be read" if new is not None else "It was unreadable"
        )
    change = Change(
        path="",
        old=None if new is not None else "present",
        new="present" if new is not None else None,
        text=text,
        grade=grade,
    )
    return verdict(subject, grade, (change,))


def _subject(data: Buffer) -> Subject | None:
    try:
        return Subject(open_object(data).dataset)
    except ObjectUnreadable:
        return None


def unreadable(subject: Subject | None, error: ObjectUnreadable, what: str) -> ObjectComparison:
    """Return the verdict on a copy that cannot be read."""
    change = Change(path="", old=None, new=None, text=f"{what}: {error.message}", grade=Grade.UNREADABLE)
    return verdict(subject, Grade.UNREADABLE, (change,))


def verdict(subject: Subject | None, grade: Grade, changes: tuple[Change, ...] = ()) -> ObjectComparison:
    """Return what is said of one object."""
    if subject is None:
        return ObjectComparison(
            sop_instance_uid="",
            sop_class_uid="",
            modality="",
            kind=ObjectKind.OTHER.value,
            label="unreadable object",
            grade=grade,
            changes=changes,
        )
    return ObjectComparison(
        sop_instance_uid=subject.sop_instance_uid,
        sop_class_uid=subject.sop_class_uid,
        modality=subject.modality,
        kind=subject.kind.value,
        label=_label(subject),
        grade=grade,
        changes=changes,
    )


def _label(subject: Subject) -> str:
    try:
        return subject.label
    except ObjectUnreadable:
        return subject.kind.value


def _changes(pair: Pair, rules: CompareRules) -> tuple[Change, ...]:
    volatile = rules.volatile_tags(pair.new.modality)
    found = list(
        islice(differences(pair.old.dataset, pair.new.dataset, volatile=volatile), DIFFERENCES_MAX + 1)
    )
    return limited(list(_told(found[:DIFFERENCES_MAX], pair)), len(found))


def limited(changes: list[Change], found_count: int) -> tuple[Change, ...]:
    """Return the changes worst first, as many as a person reads; the rest is counted."""
    if found_count > DIFFERENCES_MAX:
        changes.append(
            _cut(f"More than {DIFFERENCES_MAX:,} differences: this is another object", Grade.CLINICAL)
        )
    changes.sort(key=lambda change: -SEVERITY[change.grade])
    if len(changes) > CHANGES_MAX:
        rest = changes[CHANGES_MAX:]
        changes[CHANGES_MAX:] = [_cut(f"and {len(rest):,} more differences", rest[0].grade)]
    return tuple(changes)


def _cut(text: str, grade: Grade) -> Change:
    return Change(path="", old=None, new=None, text=text, grade=grade)


def _told(found: list[Difference], pair: Pair) -> Iterator[Change]:
    yield from single_values((one for one in found if told_singly(one)), pair)
    pixels_differ = any(one.key == PIXEL_DATA and not one.steps for one in found)
    for one in found:
        if told_singly(one):
            continue
        if one.branch is not None:
            yield from contour_changes(one, pair)
        elif one.key == PIXEL_DATA and not one.steps:
            yield pixel_change(one, pair)
        elif one.key == DOSE_GRID_SCALING and not one.steps and not pixels_differ:
            yield scaling_change(one, pair) or in_words(one, pair)
        else:
            yield in_words(one, pair)
