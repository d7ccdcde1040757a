"""Which patients of one list may be taken for one another: by name, by family and birth date, by Patient ID.

Nothing here names the other patient: what one person's papers say of another must not outlive that other
person's own data. The lists name both.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.names import NAMES_REMEMBERED_MAX, Spelling, spellings
from beamkeeper.domain.spellings import FOUND_MAX, may_be_one, neighbours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.patient import Patient

NAMED_MAX: Final = 50
"""Of more people alike in one way not all are named: nobody compares a person with so many."""
_GAPS = re.compile(r"[\s\-_]+")


class Alike(StrEnum):
    """How two patients are alike, the worst first."""

    SAME_ID = "the same Patient ID"
    SAME_NAME = "the same name"
    SIMILAR_NAME = "a very similar name"
    SAME_FAMILY_AND_BIRTH = "the same family name and birth date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Namesake:
    """Another patient of the list, by how they are alike and when they come; never by name.

    Attributes
    ----------
    same_birth_date
        None when one of both is not known.
    next_at, machine
        The next appointment of the other; None and "" where none is known.
    """

    how: tuple[Alike, ...]
    same_birth_date: bool | None = None
    next_at: datetime | None = None
    machine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """Whom of a list one patient may be taken for.

    Attributes
    ----------
    others
        By their place in the list, how they are alike; of each way `NAMED_MAX` at most.
    many
        In which ways there are more than that.
    """

    others: Mapping[int, tuple[Alike, ...]]
    many: frozenset[Alike] = frozenset()


def alike(one: Patient, other: Patient) -> tuple[Alike, ...]:
    """Return how two patients may be taken for one another; () where they are not.

    Names are compared in every writing that both have, where they share a word. A very similar one differs by
    a slip of the pen, lacks a part of the other, or gives initials where the other gives names.
    """
    found = [Alike.SAME_ID] if one.patient_id.strip() == other.patient_id.strip() else []
    mine, theirs = _spelled(one.name), _spelled(other.name)
    if not found and mine.words.isdisjoint(theirs.words):
        return ()
    if not mine.whole.isdisjoint(theirs.whole):
        found.append(Alike.SAME_NAME)
    elif any(may_be_one(first, second) for first in mine.whole for second in theirs.whole):
        found.append(Alike.SIMILAR_NAME)
    elif _same_birth_date(one, other) and not mine.family.isdisjoint(theirs.family):
        found.append(Alike.SAME_FAMILY_AND_BIRTH)
    return tuple(found)


def alike_to(patient: Patient, others: Sequence[Patient]) -> Others:
    """Return whom of the others, by their place, one patient may be taken for."""
    return _kept(patient, others, {how: range(len(others)) for how in Alike}, frozenset())


def alike_among(patients: Sequence[Patient]) -> Mapping[int, Others]:
    """Return for each patient who may be taken for any: whom of the list, by their place.

    Only those are compared who have in common what two who are alike must have.
    """
    index = _Index(patients)
    found = {place: index.others(place) for place in range(len(patients))}
    return {place: others for place, others in found.items() if others.others or others.many}


class _Index:
    """Who of a list has what in common."""

    def __init__(self, patients: Sequence[Patient]) -> None:
        self._patients = patients
        self._by_id: defaultdict[str, list[int]] = defaultdict(list)
        self._by_spelling: defaultdict[Spelling, list[int]] = defaultdict(list)
        self._by_family: defaultdict[tuple[date, Spelling], list[int]] = defaultdict(list)
        for place, patient in enumerate(patients):
            self._by_id[patient.patient_id.strip()].append(place)
            for spelling in _spelled(patient.name).whole:
                self._by_spelling[spelling].append(place)
            for key in _family_keys(patient):
                self._by_family[key].append(place)
        self._neighbours = neighbours(self._by_spelling)

    def others(self, place: int) -> Others:
        """Return whom the patient of one place may be taken for."""
        patient = self._patients[place]
        whole = sorted(_spelled(patient.name).whole)
        near = [self._neighbours[spelling] for spelling in whole]
        similar = {other for one in near for other in one.found}.difference(whole)
        cut = any(one.is_cut for one in near)
        rest = range(len(self._patients)) if cut and len(similar) < FOUND_MAX else ()
        groups = {
            Alike.SAME_ID: self._by_id[patient.patient_id.strip()],
            Alike.SAME_NAME: chain.from_iterable(self._by_spelling[one] for one in whole),
            Alike.SIMILAR_NAME: chain(
                chain.from_iterable(self._by_spelling[one] for one in sorted(similar)), rest
            ),
            Alike.SAME_FAMILY_AND_BIRTH: chain.from_iterable(
                self._by_family[key] for key in _family_keys(patient)
            ),
        }
        sure = frozenset({Alike.SIMILAR_NAME} if cut and not rest else ())
        return _kept(patient, self._patients, groups, sure, but=place)


def _kept(
    patient: Patient,
    others: Sequence[Patient],
    groups: Mapping[Alike, Iterable[int]],
    many: frozenset[Alike],
    but: int | None = None,
) -> Others:
    """Return who of each group is alike in that way, the first of them where they are many."""
    found: dict[int, tuple[Alike, ...]] = {}
    more = set(many)
    for kind, group in groups.items():
        seen = set() if but is None else {but}
        count = 0
        for place in group:
            if place in seen:
                continue
            seen.add(place)
            if kind not in (how := found.get(place) or alike(patient, others[place])):
                continue
            if count == NAMED_MAX:
                more.add(kind)
                break
            found[place], count = how, count + 1
    return Others(others=found, many=frozenset(more))


def namesakes(entries: Sequence[CensusEntry], now: datetime) -> tuple[tuple[Namesake, ...], ...]:
    """Return for each patient of a list whom else of it they may be taken for; () for nobody.

    Those most alike come first, of them whoever comes next; of each way `NAMED_MAX` at most.
    """
    found = alike_among([entry.patient for entry in entries])
    return tuple(
        tuple(
            sorted(
                (_namesake(entry, entries[other], how, now) for other, how in found[place].others.items()),
                key=_worst_first,
            )
        )
        if place in found
        else ()
        for place, entry in enumerate(entries)
    )


def _namesake(entry: CensusEntry, other: CensusEntry, how: tuple[Alike, ...], now: datetime) -> Namesake:
    booked = min(
        (item for item in other.appointments if item.starts_at >= now),
        key=lambda item: item.starts_at,
        default=None,
    )
    return Namesake(
        how=how,
        same_birth_date=_same_birth_date(entry.patient, other.patient),
        next_at=booked.starts_at if booked else None,
        machine=booked.machine if booked else "",
    )


def _worst_first(one: Namesake) -> tuple[int, bool, float, str]:
    worst = min(list(Alike).index(how) for how in one.how)
    soon = one.next_at.timestamp() if one.next_at else float("inf")
    return worst, not one.same_birth_date, soon, one.machine


@dataclass(frozen=True, slots=True)
class _Spelled:
    """What is compared of a name: its spellings in every writing, all their words, the family name's."""

    whole: frozenset[Spelling]
    words: frozenset[str]
    family: frozenset[Spelling]


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def _spelled(name: str) -> _Spelled:
    written = _written(name)
    whole = frozenset(spelling for group in written for spelling in spellings(group))
    return _Spelled(
        whole=whole,
        words=frozenset(word for spelling in whole for word in spelling),
        family=spellings(next(iter(written), "").split("^")[0]) or frozenset({()}),
    )


def _family_keys(patient: Patient) -> Iterator[tuple[date, Spelling]]:
    """Yield what those share who have one family name and birth date; without a family name, a word."""
    if patient.birth_on is not None:
        spelled = _spelled(patient.name)
        shared = spelled.family if () not in spelled.family else {("", word) for word in spelled.words}
        yield from ((patient.birth_on, key) for key in sorted(shared))


def _written(name: str) -> tuple[str, ...]:
    """Return a name in each writing it has: Latin letters, ideographs, sounds (DICOM PS3.5 6.2.1.2).

    Each also without the gaps inside family and given name: "van den Berg" is written "Vandenberg", too.
    """
    groups = [group for group in name.split("=") if group.strip(" ^")]
    return tuple(dict.fromkeys((*groups, *(_GAPS.sub("", group) for group in groups))))


def _same_birth_date(one: Patient, other: Patient) -> bool | None:
    if one.birth_on is None or other.birth_on is None:
        return None
    return one.birth_on == other.birth_on
