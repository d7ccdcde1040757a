"""Interpretation: what may be read otherwise by another system, and what has to be compared with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.volume import Dose, StructureSet
from beamkeeper.respond.handover.import_finding import Finding, Grade, Question, judged, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.respond.handover.import_facts import Imported, PlanSet


def interpretation_findings(of: PlanSet) -> Iterator[Finding]:
    """Yield how the structures and doses of a plan are read here."""
    drawn = of.structures.item.content if of.structures is not None else None
    if isinstance(drawn, StructureSet):
        targets = [region.roi_name for region in of.structures.regions] if of.structures else []
        yield _finding(
            "Regions that are targets",
            judged(bool(targets), otherwise=Grade.LOOK),
            expected="marked PTV, CTV or GTV",
            found=f"{listed(targets)}, of {len(drawn.rois)} regions",
            about=of.about,
        )
    yield from _ct_numbers(of)
    for dose in of.doses:
        content = dose.item.content
        if isinstance(content, Dose):
            kinds = (content.dose_units, content.dose_type, content.dose_summation_type)
            yield _finding(
                f"Unit of {dose.item.label}",
                judged(content.dose_units == "GY", otherwise=Grade.STOP),
                expected="Gy",
                found=", ".join(kind or "not stated" for kind in kinds),
                about=of.about,
            )


def _ct_numbers(of: PlanSet) -> Iterator[Finding]:
    """Yield whether every CT slice says how its values become CT numbers; another dose hangs on it."""
    slices = [one for one in of.images if one.item.ref.modality == "CT"]
    if not slices:
        return
    without = [one.item.label for one in slices if one.rescale is None]
    ways = sorted({one.rescale for one in slices if one.rescale is not None})
    said = listed(f"slope {slope:g}, intercept {intercept:g}" for slope, intercept in ways)
    yield _finding(
        "CT numbers",
        judged(not without and len(ways) == 1, otherwise=Grade.LOOK),
        expected="rescaled by one slope and intercept",
        found=f"not stated by {listed(without)}" if without else said,
        about=of.about,
    )


def remarks_of_readers(objects: Sequence[Imported]) -> Iterator[Finding]:
    """Yield what was odd but readable: another system may read it otherwise."""
    said: dict[str, list[str]] = {}
    for one in objects:
        for warning in one.item.warnings:
            said.setdefault(warning, []).append(one.item.label)
    for warning, labels in said.items():
        yield _finding(
            f"Odd: {warning}", Grade.LOOK, expected="read the same way there", found=listed(labels)
        )
    if not said:
        yield _finding("Elements that are written oddly", Grade.OK, expected="none", found="none")


def _finding(what: str, grade: Grade, *, expected: str, found: str, about: str = "") -> Finding:
    return Finding(
        test=Question.INTERPRETATION, what=what, grade=grade, expected=expected, found=found, about=about
    )
