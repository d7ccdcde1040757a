"""Which patients of one list may be taken for one another: by name, by family and birth date, by Patient ID.

Nothing here names the other patient: what one person's papers say of another must not outlive that other
person's own data. The lists name both.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.names import near_name, same_name, spellings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.patient import Patient

INITIAL_LETTERS: Final = 1
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


def alike(one: Patient, other: Patient) -> tuple[Alike, ...]:
    """Return how two patients may be taken for one another; () where they are not.

    Names are compared in every writing that both have. A very similar one differs by a slip of the pen, lacks
    a part of the other, or gives initials where the other gives names.
    """
    found = []
    if one.patient_id.strip() == other.patient_id.strip():
        found.append(Alike.SAME_ID)
    pairs = [(first, second) for first in _written(one.name) for second in _written(other.name)]
    if any(same_name(first, second) for first, second in pairs):
        found.append(Alike.SAME_NAME)
    elif any(near_name(first, second) or _is_initialled(first, second) for first, second in pairs):
        found.append(Alike.SIMILAR_NAME)
    elif _is_same_birth_date(one, other) and same_name(_family(one.name), _family(other.name)):
        found.append(Alike.SAME_FAMILY_AND_BIRTH)
    return tuple(found)


def alike_among(patients: Sequence[Patient]) -> Mapping[int, Mapping[int, tuple[Alike, ...]]]:
    """Return for each patient who has any: the others, by their place, and how they are alike.

    Only those who share a word of a name or the Patient ID are compared: no others can be alike.
    """
    together: defaultdict[str, list[int]] = defaultdict(list)
    for place, patient in enumerate(patients):
        for key in _keys(patient):
            together[key].append(place)
    found: defaultdict[int, dict[int, tuple[Alike, ...]]] = defaultdict(dict)
    compared: set[tuple[int, int]] = set()
    for group in together.values():
        for index, one in enumerate(group):
            for other in group[index + 1 :]:
                if (one, other) in compared:
                    continue
                compared.add((one, other))
                if how := alike(patients[one], patients[other]):
                    found[one][other] = found[other][one] = how
    return found


def namesakes(entries: Sequence[CensusEntry], now: datetime) -> tuple[tuple[Namesake, ...], ...]:
    """Return for each patient of a list whom else of it they may be taken for; () for nobody.

    Those most alike come first, of them whoever comes next.
    """
    found = alike_among([entry.patient for entry in entries])
    return tuple(
        tuple(
            sorted(
                (_namesake(entry, entries[other], how, now) for other, how in found.get(place, {}).items()),
                key=_worst_first,
            )
        )
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


def _keys(patient: Patient) -> Iterator[str]:
    yield f"={patient.patient_id.strip()}"
    yield from {
        word for group in _written(patient.name) for spelling in spellings(group) for word in spelling
    }


def _written(name: str) -> tuple[str, ...]:
    """Return a name in each writing it has: Latin letters, ideographs, sounds (DICOM PS3.5 6.2.1.2).

    Each also without the gaps inside family and given name: "van den Berg" is written "Vandenberg", too.
    """
    groups = [group for group in name.split("=") if group.strip(" ^")]
    return tuple(dict.fromkeys((*groups, *(_GAPS.sub("", group) for group in groups))))


def _family(name: str) -> str:
    return next(iter(_written(name)), "").split("^")[0]


def _is_same_birth_date(one: Patient, other: Patient) -> bool:
    return _same_birth_date(one, other) is True


def _same_birth_date(one: Patient, other: Patient) -> bool | None:
    if one.birth_on is None or other.birth_on is None:
        return None
    return one.birth_on == other.birth_on


def _is_initialled(one: str, other: str) -> bool:
    """Whether two names are one where single letters stand for names: "Jansen, M." and "Jansen, Maria"."""
    pairs = ((Counter(first), Counter(second)) for first in spellings(one) for second in spellings(other))
    return any(_fits_initials(first, second) for first, second in pairs)


def _fits_initials(one: Counter[str], other: Counter[str]) -> bool:
    first, second = sorted((one - other).elements()), sorted((other - one).elements())
    if not (one & other) or not first or len(first) != len(second):
        return False
    if not all(len(word) == INITIAL_LETTERS for word in first) and not all(
        len(word) == INITIAL_LETTERS for word in second
    ):
        return False
    return [word[0] for word in first] == [word[0] for word in second]
