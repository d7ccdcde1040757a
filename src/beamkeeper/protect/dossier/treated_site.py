"""Which site and side a plan treats, as plan, prescription and structures say it: shown, never guessed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.volume import StructureSet
from beamkeeper.domain.words import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.dossier.source import DossierSource

NOT_SAID: Final = "not said by plan, prescription or structures"
SAID_MAX: Final = 3
TARGETS_NAMED_MAX: Final = 3
TEXT_CHARACTERS_MAX: Final = 60
_LEFT: Final = frozenset({"left", "links", "linker", "linke", "linkes", "gauche", "Lt", "lt", "L", "Li"})
_RIGHT: Final = frozenset(
    {"right", "rechts", "rechter", "rechte", "rechtes", "droite", "droit", "Rt", "rt", "R", "Re"}
)
_SAYS_NO_SITE: Final = frozenset({"ptv", "ctv", "gtv", "target"})
_WORD: Final = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])")
"""Words, also those that are told apart by a capital letter only: "RtLung" is two."""


def treated_site(source: DossierSource, plan: Plan) -> str:
    """Return what is said of the site and side of a plan, each with who says it; or that nobody does."""
    said = list(dict.fromkeys(f"{text} ({by})" for text, by in _said(source, plan)))
    more = len(said) - SAID_MAX
    return "; ".join((*said[:SAID_MAX], *((f"and {more} more",) if more > 0 else ()))) or NOT_SAID


def side_differs(source: DossierSource, plan: Plan) -> str:
    """Return in words that one source says left and another right; "" where none does.

    What says both, or neither, says nothing against either.
    """
    said = [(side_of(text), f"{text} ({by})") for text, by in _said(source, plan)]
    left, right = ([words for found, words in said if found == side] for side in "LR")
    if not left or not right:
        return ""
    return f"Left or right? {left[0]} says left, {right[0]} says right."


def side_of(text: str) -> str:
    """Return "L" or "R" where a text says one side and not the other; else ""."""
    words = {word.group() for word in _WORD.finditer(text) if not text[word.end() : word.end() + 1].isdigit()}
    known = words | {word.casefold() for word in words if len(word) > len("Rt")}
    left, right = bool(known & _LEFT), bool(known & _RIGHT)
    return "" if left == right else "L" if left else "R"


def _said(source: DossierSource, plan: Plan) -> Iterator[tuple[str, str]]:
    for text, by in _every(source, plan):
        short = line(text, longest=TEXT_CHARACTERS_MAX)
        if short and short.casefold() not in _SAYS_NO_SITE:
            yield short, by


def _every(source: DossierSource, plan: Plan) -> Iterator[tuple[str, str]]:
    labels = {one.rt_plan_label.strip() for one in source.plans}
    yield from ((text, "plan") for text in plan.treatment_sites)
    courses = [one for one in source.entry.courses if plan.sop_instance_uid in one.plan_uids]
    for course in courses or (source.entry.courses if len(source.entry.courses) == 1 else ()):
        yield course.diagnosis, "diagnosis"
        for rx in course.prescriptions:
            named = "" if rx.name.strip() in labels else rx.name
            yield ", ".join(dict.fromkeys(filter(None, (named, rx.target)))), "prescription"
    yield plan.prescription_description, "plan"
    for item in source.objects:
        content = item.content
        if not isinstance(content, StructureSet):
            continue
        if content.sop_instance_uid == plan.referenced_structure_set_uid:
            targets = [roi.roi_name for roi in content.rois if roi.interpreted_type == "PTV"]
            yield ", ".join(targets[:TARGETS_NAMED_MAX]), "structures"
    yield from (
        (item.description, "plan") for item in plan.dose_references if item.dose_reference_type == "TARGET"
    )
