"""Consistency in space: one frame of reference, no slice missing, the dose where the targets are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.domain.imaging import Lattice
from beamkeeper.domain.volume import Dose, Registration, StructureSet
from beamkeeper.domain.words import plural
from beamkeeper.respond.handover.import_finding import Finding, Grade, Question, judged, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.domain.imaging import Points
    from beamkeeper.domain.plan import Plan
    from beamkeeper.respond.handover.import_facts import Imported, PlanSet, Region

SAME_MM: Final = 0.01
"""Two slices nearer than this are one place."""
GAP: Final = 1.5
"""A step of more than so many usual steps is a missing slice."""
VARIES_MM: Final = 0.1
SHIFT_MM: Final = 1.0
"""By which a slice may lie beside the others: more is a tilted gantry, or another series."""
PARALLEL: Final = 1 - 1e-6
PEAK_MIN, PEAK_MAX = 0.9, 1.5
"""Largest dose of a plan over its prescription: outside this it is another plan's, or of one fraction."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Stack:
    """The slices of one series, in order along their normal."""

    lattice: Lattice
    slices: tuple[Lattice, ...]
    steps_mm: Points

    @property
    def usual_mm(self) -> float:
        """The step between most neighbours; 0 for one slice."""
        return float(np.median(self.steps_mm)) if len(self.steps_mm) else 0.0


def geometry_findings(of: PlanSet) -> Iterator[Finding]:
    """Yield how images, structures, plan and doses lie to one another."""
    if of.structures is not None:
        yield _frames(of, of.structures)
    stacks = tuple(_stacks(of))
    for stack in stacks:
        yield _slices(stack, of.about)
    yield from _placeless(of)
    if stacks:
        yield _in_images(of, stacks)
    yield from _position(of)
    for dose in of.doses:
        yield from _dose(of, dose)
    if of.structures is not None and of.structures.left_out:
        yield _finding(
            "Contours that can be read",
            Grade.LOOK,
            expected="every one",
            found=f"{plural(of.structures.left_out, 'contour')} not closed, not flat or senseless",
            about=of.about,
        )


def _frames(of: PlanSet, structures: Imported) -> Finding:
    stated = structures.item.content
    drawn = frozenset(stated.frame_of_reference_uids if isinstance(stated, StructureSet) else ())
    placed = (*of.images, *of.doses)
    others = (*placed, *((of.own,) if of.own is not None else ()))
    away = [one for one in others if one.frame_of_reference_uid and one.frame_of_reference_uid not in drawn]
    without = listed(one.item.label for one in placed if not one.frame_of_reference_uid)
    if not drawn:
        grade, found = Grade.STOP, "the structure set names none"
    elif away:
        by_registration = all(_is_joined(one.frame_of_reference_uid, drawn, of) for one in away)
        grade = Grade.LOOK if by_registration else Grade.STOP
        how = "joined by a registration" if by_registration else "nothing joins them"
        found = f"another one in {listed(one.item.label for one in away)}: {how}"
    elif len(drawn) > 1:
        grade, found = Grade.LOOK, f"the structure set is drawn in {len(drawn)} frames"
    elif without != listed(()):
        grade, found = Grade.LOOK, f"not stated by {without}"
    else:
        grade, found = Grade.OK, "the same in all"
    return _finding(
        "Frame of reference",
        grade,
        expected="one for images, structures, plan and dose",
        found=found,
        about=of.about,
    )


def _is_joined(frame: str, drawn: frozenset[str], of: PlanSet) -> bool:
    """Return whether a registration that came along joins a frame with that of the structures."""
    pairs = (
        frozenset(one.item.content.frame_of_reference_uids)
        for one in of.objects.values()
        if isinstance(one.item.content, Registration)
    )
    return any(frame in pair and drawn & pair for pair in pairs)


def _stacks(of: PlanSet) -> Iterator[Stack]:
    """Yield the series that the structures are drawn on, with slices that no contour names, too."""
    for series in dict.fromkeys(one.item.ref.series_instance_uid for one in of.images):
        found = [
            one.lattice
            for one in of.objects.values()
            if one.lattice is not None
            and one.item.ref.series_instance_uid == series
            and not isinstance(one.item.content, Dose)
        ]
        if found:
            yield _stack(found)


def _stack(slices: Sequence[Lattice]) -> Stack:
    normal = slices[0].normal
    ordered = sorted(slices, key=lambda one: float(one.position_mm @ normal))
    heights = np.array([float(one.position_mm @ normal) for one in ordered])
    first = ordered[0]
    whole = Lattice(
        sop_instance_uid=first.sop_instance_uid,
        series_instance_uid=first.series_instance_uid,
        frame_of_reference_uid=first.frame_of_reference_uid,
        position_mm=first.position_mm,
        row_direction=first.row_direction,
        column_direction=first.column_direction,
        row_spacing_mm=first.row_spacing_mm,
        column_spacing_mm=first.column_spacing_mm,
        offsets_mm=heights - heights[0],
        shape=(len(ordered), *first.shape[1:]),
    )
    return Stack(lattice=whole, slices=tuple(ordered), steps_mm=np.diff(heights))


def _slices(stack: Stack, about: str) -> Finding:
    steps, usual = stack.steps_mm, stack.usual_mm
    grade, found = Grade.OK, f"{plural(len(stack.slices), 'slice')}, {usual:g} mm apart"
    if len(stack.slices) == 1:
        grade, found = Grade.LOOK, "one slice"
    elif not all(_is_like(one, stack.slices[0]) for one in stack.slices):
        grade, found = Grade.STOP, "slices of different size, spacing, direction or place in one series"
    elif float(steps.min()) < SAME_MM:
        grade, found = Grade.STOP, f"{plural(int((steps < SAME_MM).sum()), 'slice')} at the place of another"
    elif gaps := [
        (float(at), float(step))
        for at, step in zip(stack.lattice.offsets_mm[:-1], steps, strict=True)
        if step > GAP * usual
    ]:
        missing = sum(round(step / usual) - 1 for _, step in gaps)
        where = listed(f"{at:.1f} mm above the first" for at, _ in gaps)
        grade, found = Grade.STOP, f"{plural(missing, 'slice')} missing, {where}; usual step {usual:g} mm"
    elif float(steps.max() - steps.min()) > VARIES_MM:
        grade = Grade.LOOK
        found = f"{len(stack.slices)} slices, {steps.min():g} to {steps.max():g} mm apart"
    return _finding(
        "Slices of the planning images",
        grade,
        expected="one size, one step, none missing",
        found=found,
        about=about,
    )


def _is_like(one: Lattice, first: Lattice) -> bool:
    beside = one.position_mm - first.position_mm
    beside = beside - (beside @ first.normal) * first.normal
    return (
        one.shape == first.shape
        and float(one.row_direction @ first.row_direction) > PARALLEL
        and float(one.column_direction @ first.column_direction) > PARALLEL
        and abs(one.row_spacing_mm - first.row_spacing_mm) < SAME_MM
        and abs(one.column_spacing_mm - first.column_spacing_mm) < SAME_MM
        and float(np.linalg.norm(beside)) < SHIFT_MM
    )


def _placeless(of: PlanSet) -> Iterator[Finding]:
    without = [f"{one.item.label}: {one.place_said}" for one in (*of.images, *of.doses) if one.place_said]
    if without:
        yield _finding(
            "Place in the patient",
            Grade.STOP,
            expected="stated by every one",
            found=listed(without),
            about=of.about,
        )


def _in_images(of: PlanSet, stacks: Sequence[Stack]) -> Finding:
    isocentres, regions = _isocentres(of.plan), _regions(of)
    points = {f"isocentre {_said(place)}": np.array([place]) for place in isocentres}
    points |= {region.roi_name: region.points_mm for region in regions}
    outside = [
        name
        for name, where in points.items()
        if not np.logical_or.reduce([stack.lattice.holds(where) for stack in stacks]).all()
    ]
    inside = f"{plural(len(isocentres), 'isocentre')} and {plural(len(regions), 'target')} inside"
    return _finding(
        "Isocentre and targets in the images",
        judged(bool(isocentres) and not outside, otherwise=Grade.LOOK),
        expected="inside",
        found=f"(partly) outside: {listed(outside)}" if outside else inside,
        about=of.about,
    )


def _position(of: PlanSet) -> Iterator[Finding]:
    """Yield whether the patient lies on the machine as in the images."""
    planned = {setup.patient_position for setup in of.plan.patient_setups} - {""}
    imaged = {one.lattice.patient_position for one in of.images if one.lattice is not None} - {""}
    if planned and imaged:
        yield _finding(
            "Patient position",
            judged(planned == imaged, otherwise=Grade.LOOK),
            expected=f"{listed(sorted(imaged))}, as in the images",
            found=f"{listed(sorted(planned))} in the plan",
            about=of.about,
        )


def _regions(of: PlanSet) -> tuple[Region, ...]:
    return of.structures.regions if of.structures is not None else ()


def _dose(of: PlanSet, dose: Imported) -> Iterator[Finding]:
    content, lattice = dose.item.content, dose.lattice
    if not isinstance(content, Dose) or lattice is None:
        return
    away = [
        f"isocentre {_said(place)}"
        for place in _isocentres(of.plan)
        if not lattice.holds(np.array([place])).all()
    ]
    for region in _regions(of):
        share = float(np.mean(lattice.holds(region.points_mm)))
        if share < 1:
            away.append(f"{region.roi_name} ({100 * (1 - share):.0f} % of its outline)")
    yield _finding(
        f"Grid of {dose.item.label}",
        judged(not away, otherwise=Grade.LOOK),
        expected="isocentre and targets inside",
        found=f"outside: {listed(away)}" if away else "inside",
        about=of.about,
    )
    prescribed, peak = of.plan.target_prescription_dose_gy, content.maximum_dose_gy
    if content.dose_summation_type == "PLAN" and prescribed and peak is not None:
        yield _finding(
            f"Maximum of {dose.item.label}",
            judged(PEAK_MIN <= peak / prescribed <= PEAK_MAX, otherwise=Grade.LOOK),
            expected=f"{PEAK_MIN * prescribed:.1f} to {PEAK_MAX * prescribed:.1f} Gy for {prescribed:g} Gy",
            found=f"{peak:.2f} Gy",
            about=of.about,
        )


def _isocentres(plan: Plan) -> tuple[tuple[float, float, float], ...]:
    every = (
        point.isocenter_mm
        for beam in plan.beams
        if beam.is_treatment
        for point in beam.control_points
        if point.isocenter_mm is not None
    )
    return tuple(dict.fromkeys(every))


def _said(place: tuple[float, float, float]) -> str:
    return "/".join(f"{value:.1f}" for value in place)


def _finding(what: str, grade: Grade, *, expected: str, found: str, about: str) -> Finding:
    return Finding(
        test=Question.CONSISTENCY, what=what, grade=grade, expected=expected, found=found, about=about
    )
