"""Whose is what came under one Patient ID: objects of two persons never go into one folder.

A source is asked by Patient ID and answers with everybody who has it. What the objects say of their patient
decides (`domain.identity`); bytes that are kept already stay with whoever has them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from beamkeeper.domain.change import Change, Grade
from beamkeeper.domain.identity import KnownPerson, identity_of, who_is_it
from beamkeeper.domain.objects import ObjectKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.patient import Patient
    from beamkeeper.protect.collect import Collection
    from beamkeeper.vault import StoredObject
    from beamkeeper.wire.dicom.spool import SpooledObject

    Stated = Callable[[SpooledObject], Patient | None]

K = TypeVar("K")

OTHER_PERSON = (
    "It came under a Patient ID that the list has for somebody else: name and birth date differ. It is kept "
    "in a folder of its own; a physicist must say whose it is."
)


@dataclass(slots=True)
class Part:
    """What belongs to one person of those who have a Patient ID.

    Attributes
    ----------
    known_as
        Statements of tonight's objects about this person that were not known.
    doubts
        How many objects state something otherwise than it was known, by what that is.
    unclear_count
        Objects that say too little to tell the persons apart, given to this one.
    """

    person: KnownPerson
    uids: dict[str, None] = field(default_factory=dict)
    received: dict[str, tuple[SpooledObject, ...]] = field(default_factory=dict)
    known_as: dict[Patient, None] = field(default_factory=dict)
    doubts: Counter[str] = field(default_factory=Counter)
    unclear_count: int = 0

    def of(self, collection: Collection) -> Collection:
        """Return the part of a collection that is this person's."""
        return replace(
            collection,
            expected={uid: item for uid, item in collection.expected.items() if uid in self.uids},
            received=self.received,
            outcomes={uid: outcome for uid, outcome in collection.outcomes.items() if uid in self.uids},
        )

    def in_words(self) -> tuple[str, ...]:
        """Return what to tell about objects that could be of somebody else, without naming anybody."""
        lines = [
            f"{_objects(count)} this patient with another {what} than was known: taken for one person, as "
            "after a marriage or a correction. If it is somebody else, a physicist must have it corrected at "
            "the source."
            for what, count in sorted(self.doubts.items())
        ]
        if self.unclear_count:
            lines.append(
                f"{self.unclear_count} objects say too little to tell which of those with this Patient ID "
                "they are of: kept here. A physicist must say whose they are."
            )
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class KeptBefore:
    """What the folders of one Patient ID hold, by the index of the person."""

    objects: Sequence[Sequence[StoredObject]]

    def versions(self) -> dict[tuple[str, str], set[int]]:
        """Return who has a version: by SOP Instance UID and SHA-256."""
        return self._by(lambda item: (item.sop_instance_uid, item.sha256))

    def uids(self) -> dict[str, set[int]]:
        """Return who has an object, by SOP Instance UID."""
        return self._by(lambda item: item.sop_instance_uid)

    def studies(self) -> dict[str, set[int]]:
        """Return who has objects of a study."""
        return self._by(lambda item: item.study_instance_uid)

    def _by(self, key: Callable[[StoredObject], K]) -> dict[K, set[int]]:
        found: dict[K, set[int]] = {}
        for index, items in enumerate(self.objects):
            for item in items:
                found.setdefault(key(item), set()).add(index)
        return found


def divide(
    collection: Collection,
    persons: Sequence[KnownPerson],
    *,
    patient_id: str,
    before: KeptBefore,
    stated: Stated,
    first: int = 0,
) -> tuple[Part, ...]:
    """Return each person's part; those of nobody known come after `persons`.

    Parameters
    ----------
    before
        What is kept of each of `persons`, in their order.
    stated
        Whom an object names; None when it cannot be read here.
    first
        Who gets what nothing decides.
    """
    dividing = _Dividing(
        collection, persons, patient_id=patient_id, before=before, stated=stated, first=first
    )
    for uid in collection.expected:
        dividing.place(uid)
    return tuple(dividing.parts)


class _Dividing:
    def __init__(
        self,
        collection: Collection,
        persons: Sequence[KnownPerson],
        *,
        patient_id: str,
        before: KeptBefore,
        stated: Stated,
        first: int,
    ) -> None:
        self.parts = [Part(person=person) for person in persons]
        self._collection, self._patient_id = collection, patient_id
        self._versions, self._uids, self._studies = before.versions(), before.uids(), before.studies()
        self._stated, self._first = stated, first

    def place(self, uid: str) -> None:
        versions = self._collection.received.get(uid, ())
        for spooled in versions:
            for index in self._whose(uid, spooled):
                part = self.parts[index]
                part.uids[uid] = None
                part.received[uid] = (*part.received.get(uid, ()), spooled)
        if not versions:
            for index in self._uids.get(uid) or {self._nearest(uid, range(len(self.parts)))}:
                self.parts[index].uids[uid] = None

    def _whose(self, uid: str, spooled: SpooledObject) -> set[int]:
        if owners := self._versions.get((uid, spooled.sha256)):
            return owners
        patient = self._stated(spooled)
        if patient is None or patient.patient_id != self._patient_id:
            # It cannot be read, or names another Patient ID: `look` says so of whoever was asked for.
            return {self._nearest(uid, range(len(self.parts)))}
        who = who_is_it(patient, [part.person for part in self.parts])
        if not who.indexes:
            self.parts.append(Part(person=KnownPerson(pseudonym="", known_as=(identity_of(patient),))))
            index = len(self.parts) - 1
        elif len(who.indexes) == 1:
            index = who.indexes[0]
            self._note(self.parts[index], identity_of(patient))
        else:
            index = self._nearest(uid, who.indexes)
            self.parts[index].unclear_count += 1
        self._studies.setdefault(self._collection.expected[uid].study_instance_uid, set()).add(index)
        return {index}

    def _note(self, part: Part, patient: Patient) -> None:
        if patient in part.person.known_as:
            return
        part.known_as[patient] = None
        how = part.person.likeness_to(patient)
        if what := sorted(fact.value for fact in how.different | how.near):
            part.doubts[" and ".join(what)] += 1

    def _nearest(self, uid: str, indexes: Iterable[int]) -> int:
        """Return who of some has objects of the same study, else the one who was asked for."""
        among = set(indexes)
        holders = self._studies.get(self._collection.expected[uid].study_instance_uid, set()) & among
        if len(holders) == 1:
            return next(iter(holders))
        return self._first if self._first in among else min(among)


def with_other_person_named(
    comparisons: Iterable[ObjectComparison],
) -> tuple[ObjectComparison, ...]:
    """Return the comparisons of a person who is not on the list, what is new put before a person's eyes.

    Images are told in one sentence instead: a series has hundreds.
    """
    said = Change(path="PatientID", old=None, new=None, text=OTHER_PERSON, grade=Grade.CLINICAL)
    return tuple(
        replace(item, expected="", changes=(*item.changes, said))
        if item.grade is Grade.NEW and item.kind != ObjectKind.IMAGE.value
        else item
        for item in comparisons
    )


def _objects(count: int) -> str:
    return f"{count} objects name" if count > 1 else "1 object names"
