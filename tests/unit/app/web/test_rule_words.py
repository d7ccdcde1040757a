"""Sentences of the rules in the reader's words: the frequent ones are known, and no number is changed."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from tests.console_house.tongues import TONGUES, said
from tests.unit.protect.compare.test_words import CASES

from beamkeeper.app.jobs.look import GONE
from beamkeeper.app.jobs.standing import FOREIGN, MOVED, UNASSIGNED

BY_THE_RULES = [str(case[3]) for case in CASES]
"""What the rules say of altered plans, structures, doses and records."""
RARE = {
    "Application setup 1, channel 3: Channel Total Time 25.5 → 26 s",
    "Beam 1, Applicator, item 1: Applicator ID A10 → A15",
    "Beam 1: Current Fraction Number 7 → 8",
    "Beam 2: Delivered Primary Meterset 250.5 → 46.3 MU",
    "Image Position (Patient) (-10, -20, 3) → (-10, -20, 4) mm",
    "Operators' Name added",
    "ROI 2 (Bladder): RT ROI Interpreted Type ORGAN → PTV",
    "ROI 3 (PTV): ROI Number 3 → 9",
}
"""Of those, what stays in English."""
SUM = (
    "Beam 1: 1,480 leaf and jaw positions changed at 12 control points; largest: control point 3, "
    "leaf pair 1 (bank X1), -0.5 → -150 mm"
)
RX = (
    "The OIS prescribes otherwise, prescription 1 of course 1: "
    "2 Gy × 30, ? Gy in all → 2.2 Gy × 30, 66 Gy in all."
)
OTHERS = [
    "Beam 2, control point 17, leaf pair 31 (bank X1): 12.4 → 9.1 mm",
    "Beam 2, control point 17, leaf pair 31 (bank X1, MLCX2): -12.4 → -9.1 mm",
    "Beam 1, control point 0, X jaws: Source to Surface Distance 900 → 910 mm",
    SUM,
    "Beam 3 added",
    "ROI 2 (PTV, beam 4): 1 contour moved, at most 6 mm (slice z = -30 mm)",
    "ROI 2 (PTV): 12 contours removed (slices z = -3 to 12.5 mm)",
    "Pixel Data: 49 of 33,024 voxels changed, by at most 20.4972 Gy; maximum dose 20.4972 Gy, unchanged",
    "Pixel Data: 4 of 512 voxels changed, by at most 2 Gy; maximum dose 60 → 62 Gy",
    "and 1,204 more differences",
    "3 of 120 planning images are missing (1.2.3, 1.2.4 and 1 more).",
    "Not approved: the plan says UNAPPROVED.",
    "nothing passes; eno1 is down",
    "12 peers may pass; eno1 is up",
    "The OIS prescribes otherwise, prescription 1 of course 2: 2 Gy × 15, 30 Gy in all → nothing any more.",
    RX,
    "The OIS counts otherwise, VMAT1: 30 → 33 fractions planned.",
    "The OIS counts otherwise, plan 2: 12 → ? fractions done.",
    GONE,
    FOREIGN,
    MOVED,
    UNASSIGNED,
]
UNKNOWN = [
    "",
    "Beam 1, something new 3: Gantry Angle 1 → 2°",
    "Beam x: Gantry Angle 1 → 2°",
    "A source gave no answer in 30 s.",
    "9" * 5000,
    "ROI 1 (" * 500,
]
TEXTS = [*BY_THE_RULES, *OTHERS, *UNKNOWN]
_THOUSANDS = re.compile(r"(?<=\d)[,\N{NARROW NO-BREAK SPACE}](?=\d{3}\b)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)*")


@pytest.fixture(scope="module")
def spoken() -> dict[str, list[str | None]]:
    return said(TEXTS)


def numbers(text: str) -> list[str]:
    return sorted(_NUMBER.findall(_THOUSANDS.sub("", text)))


@pytest.mark.parametrize("tongue", TONGUES[1:])
def test_what_is_frequent_is_said_in_the_readers_words_and_what_is_not_stays_in_english(
    spoken: dict[str, list[str | None]], tongue: str
) -> None:
    in_english = {text for text, words in zip(TEXTS, spoken[tongue], strict=True) if words is None}

    assert in_english == RARE | set(UNKNOWN)


@pytest.mark.parametrize("tongue", TONGUES[1:])
def test_every_number_of_a_sentence_is_there_in_its_translation_and_no_other(
    spoken: dict[str, list[str | None]], tongue: str
) -> None:
    pairs = [(text, words) for text, words in zip(TEXTS, spoken[tongue], strict=True) if words is not None]

    assert [(text, words) for text, words in pairs if numbers(text) != numbers(words)] == []
    assert [words for text, words in pairs if text[:1].isupper() and words[:1].islower()] == []


def test_in_english_nothing_is_touched_and_no_two_languages_are_the_same(
    spoken: dict[str, list[str | None]],
) -> None:
    assert spoken["en"] == TEXTS
    for one, other in pairwise(TONGUES):
        assert spoken[one][0] != spoken[other][0]


def test_the_name_of_a_region_is_never_translated(spoken: dict[str, list[str | None]]) -> None:
    at = TEXTS.index("ROI 2 (PTV, beam 4): 1 contour moved, at most 6 mm (slice z = -30 mm)")

    assert all("ROI 2 (PTV, beam 4)" in str(spoken[tongue][at]) for tongue in TONGUES)
