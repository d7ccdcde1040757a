"""How an archive answers C-FIND: matching by the keys of each level, strictly.

References
----------
DICOM PS3.4 C.2.2.2 (matching), C.4.1 (C-FIND), C.6.1 and C.6.2 (patient root, study root)
"""

from __future__ import annotations

import fnmatch
import re
from itertools import groupby
from typing import TYPE_CHECKING

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from beamkeeper.rehearse.sim.holdings import IMAGE_KEYS, PATIENT_KEYS, SERIES_KEYS, STUDY_KEYS, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
UNIQUE_KEY = {
    "PATIENT": "PatientID",
    "STUDY": "StudyInstanceUID",
    "SERIES": "SeriesInstanceUID",
    "IMAGE": "SOPInstanceUID",
}
_KEYS_OF = {"PATIENT": PATIENT_KEYS, "STUDY": STUDY_KEYS, "SERIES": SERIES_KEYS, "IMAGE": IMAGE_KEYS}
_COUNTED = {
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
    "NumberOfSeriesRelatedInstances",
    "NumberOfPatientRelatedStudies",
    "NumberOfPatientRelatedSeries",
    "NumberOfPatientRelatedInstances",
    "ModalitiesInStudy",
    "SOPClassesInStudy",
}


class QueryRefused(Exception):
    """The identifier breaks the rules of its information model; answered with a failure status."""


def level_of(identifier: Dataset, *, patient_root: bool) -> str:
    """Return the Query/Retrieve Level of an identifier.

    Raises
    ------
    QueryRefused
        There is none, or the information model has no such level.
    """
    level = str(identifier.get("QueryRetrieveLevel", ""))
    allowed = LEVELS if patient_root else LEVELS[1:]
    if level not in allowed:
        raise QueryRefused(f"Query/Retrieve Level is {level!r}, expected one of {', '.join(allowed)}")
    return level


def find(objects: list[Stored], identifier: Dataset, *, patient_root: bool) -> Iterator[Dataset]:
    """Yield one answer for each entity of the level that matches.

    Raises
    ------
    QueryRefused
        No level, or a level above is not named by exactly one unique key (hierarchical search).
    """
    level = level_of(identifier, patient_root=patient_root)
    above = LEVELS[0 if patient_root else 1 : LEVELS.index(level)]
    for upper in above:
        if not _single(identifier.get(UNIQUE_KEY[upper])):
            raise QueryRefused(
                f"a search at level {level} must name exactly one {UNIQUE_KEY[upper]} (hierarchical search)"
            )
    matchable = _matchable(level, above, patient_root=patient_root)
    inside = [o for o in objects if all(_equal(o, identifier, UNIQUE_KEY[upper]) for upper in above)]
    key = UNIQUE_KEY[level]
    entities = sorted(inside, key=lambda stored: str(stored.keys.get(key, "")))
    for _, group in groupby(entities, key=lambda stored: str(stored.keys.get(key, ""))):
        members = list(group)
        if _matches(members, identifier, matchable):
            yield _answer(members, identifier, level, matchable)


def retrieve(objects: list[Stored], identifier: Dataset, *, patient_root: bool) -> list[Stored]:
    """Return the objects a C-MOVE or C-GET asks for: unique keys only, lists allowed at its level."""
    level = level_of(identifier, patient_root=patient_root)
    wanted = objects
    for step in LEVELS[0 if patient_root else 1 : LEVELS.index(level) + 1]:
        keyword = UNIQUE_KEY[step]
        values = _values(identifier.get(keyword))
        if step == level and not values:
            raise QueryRefused(f"a retrieve at level {level} must name its {keyword}")
        if step != level and len(values) != 1:
            raise QueryRefused(f"a retrieve at level {level} must name exactly one {keyword}")
        wanted = [stored for stored in wanted if str(stored.keys.get(keyword, "")) in values]
    return wanted


def _matchable(level: str, above: tuple[str, ...], *, patient_root: bool) -> frozenset[str]:
    """Return the keywords of the level, and the patient's with the study level of study root."""
    names = list(_KEYS_OF[level])
    if not patient_root and level == "STUDY":
        names += PATIENT_KEYS
    names += [UNIQUE_KEY[upper] for upper in above]
    return frozenset(names)


def _values(value: object) -> list[str]:
    """Return the non-empty values of an attribute as text."""
    if value is None:
        return []
    many = value if isinstance(value, (list, MultiValue)) else [value]
    return [text for one in many if (text := str(one).strip())]


def _single(value: object) -> bool:
    texts = _values(value)
    return len(texts) == 1 and not set("*?") & set(texts[0])


def _equal(stored: Stored, identifier: Dataset, keyword: str) -> bool:
    return str(stored.keys.get(keyword, "")) == _values(identifier.get(keyword))[0]


def _matches(members: list[Stored], identifier: Dataset, matchable: frozenset[str]) -> bool:
    """Whether an entity matches every key with a value; an entity matches if one of its objects does."""
    for element in identifier:
        keyword = keyword_for_tag(element.tag)
        wanted = _values(element.value)
        if not wanted or keyword not in matchable | {"ModalitiesInStudy"}:
            continue
        held = "Modality" if keyword == "ModalitiesInStudy" else keyword
        if not any(_value_matches(member.keys, held, element.VR, wanted) for member in members):
            return False
    return True


def _value_matches(keys: Dataset, keyword: str, vr: str, wanted: list[str]) -> bool:
    """Match one value: list of UIDs, range of dates or times, wildcards, or equality."""
    held = _values(keys.get(keyword)) or [""]
    if vr == "UI":
        return any(value in wanted for value in held)
    if vr in {"DA", "TM"}:
        return any(_in_range(value, wanted[0]) for value in held)
    if vr == "PN":
        held = [part for value in held for part in value.casefold().split("=")]
        wanted = [value.casefold() for value in wanted]
    return any(re.fullmatch(_pattern(w), value) for w in wanted for value in held)


def _pattern(wanted: str) -> str:
    """Return a regular expression for DICOM wildcards `*` and `?`, everything else taken as it is."""
    literal = wanted.replace("[", "[[]")
    return fnmatch.translate(literal)


def _in_range(value: str, wanted: str) -> bool:
    if "-" not in wanted:
        return value == wanted
    low, _, high = wanted.partition("-")
    return bool(value) and (not low or value >= low) and (not high or value <= high)


def _answer(
    members: list[Stored],
    identifier: Dataset,
    level: str,
    matchable: frozenset[str],
) -> Dataset:
    """Return the answer for one entity: exactly the keys asked for, empty where nothing is known."""
    first = members[0].keys
    answer = Dataset()
    if "SpecificCharacterSet" in first:
        answer.SpecificCharacterSet = first.SpecificCharacterSet
    answer.QueryRetrieveLevel = level
    for element in identifier:
        keyword = keyword_for_tag(element.tag)
        if keyword in {"QueryRetrieveLevel", "SpecificCharacterSet"}:
            continue
        if keyword in _COUNTED:
            setattr(answer, keyword, _count(keyword, members))
        elif keyword in matchable and keyword in first:
            answer[element.tag] = first[element.tag]
        else:
            answer.add_new(element.tag, element.VR, None)
    return answer


def _count(keyword: str, members: list[Stored]) -> object:
    """Return what is counted or listed over an entity."""

    def distinct(name: str) -> list[str]:
        return sorted({str(member.keys.get(name, "")) for member in members})

    if keyword == "ModalitiesInStudy":
        return distinct("Modality")
    if keyword == "SOPClassesInStudy":
        return distinct("SOPClassUID")
    if keyword.endswith("Instances"):
        return len(members)
    if keyword.endswith("Series"):
        return len(distinct("SeriesInstanceUID"))
    return len(distinct("StudyInstanceUID"))
