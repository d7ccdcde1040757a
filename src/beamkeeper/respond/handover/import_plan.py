"""Consistency of a plan with itself, with its approval, and of its records with what the sender counted."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.beam_words import UNITS
from beamkeeper.domain.placing import fraction_groups, treatment_beams
from beamkeeper.domain.plan import ApprovalStatus, DeliveryType, RadiationType
from beamkeeper.domain.record import BY_HAND
from beamkeeper.domain.words import plural
from beamkeeper.respond.handover.import_finding import Finding, Grade, Question, judged, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.plan import Plan
    from beamkeeper.domain.position import CoursePosition, FractionState, PlanPosition
    from beamkeeper.wire.dicom.reader_stated import StatedBeam, StatedPlan

WEIGHT_SAME: Final = 1e-4
"""Part by which the last weight may miss the stated final one: DS values are rounded."""
DOSE_SAME: Final = 0.05
"""Part by which dose by beams and prescription may differ: they are of different points."""
_APPROVAL: Final = {
    ApprovalStatus.APPROVED: Grade.OK,
    ApprovalStatus.UNKNOWN: Grade.LOOK,
    ApprovalStatus.UNAPPROVED: Grade.STOP,
    ApprovalStatus.REJECTED: Grade.STOP,
}

_APPROVAL_SAID: Final = {ApprovalStatus.UNKNOWN: "the file does not say"}


def plan_findings(plan: Plan, stated: StatedPlan | None, about: str) -> Iterator[Finding]:
    """Yield whether a plan says the same of itself everywhere."""
    yield _finding(
        "Approval",
        _APPROVAL[plan.approval_status],
        expected="APPROVED by the sender; your own approval follows",
        found=_APPROVAL_SAID.get(plan.approval_status, plan.approval_status.value),
        about=about,
    )
    yield _finding(
        "What the plan is for",
        judged(plan.is_clinical, otherwise=Grade.STOP),
        expected="treatment",
        found=plan.plan_intent or "treatment, as far as it says",
        about=about,
    )
    planned = plan.number_of_fractions_planned
    yield _finding(
        "Fractions planned",
        judged(bool(planned), otherwise=Grade.STOP),
        expected="a number",
        found=str(planned) if planned else "not stated",
        about=about,
    )
    if stated is not None and stated.groups:
        yield _beams(plan, stated, about)
    yield from _metersets(plan, about)
    if stated is not None:
        yield _control_points(plan, stated, about)
    yield _machine(plan, about)
    yield _leaves(plan, about)
    yield from _dose_of_fraction(plan, about)


def _beams(plan: Plan, stated: StatedPlan, about: str) -> Finding:
    there = [beam.beam_number for beam in stated.beams]
    wrong = []
    if len(set(there)) != len(there) or None in there:
        wrong.append("a beam number is missing or stands twice")
    for group in stated.groups:
        number = group.fraction_group_number
        if group.number_of_beams is not None and group.number_of_beams != len(group.beam_numbers):
            named = len(group.beam_numbers)
            wrong.append(f"group {number} says {group.number_of_beams} beams and names {named}")
        if lost := sorted(str(one) for one in set(group.beam_numbers) - set(there)):
            wrong.append(f"group {number} names beam {', '.join(lost)}, which is not there")
    in_groups = {number for group in stated.groups for number in group.beam_numbers}
    unused = [
        str(beam.beam_number)
        for beam in plan.beams
        if beam.beam_number not in in_groups and beam.delivery_type is not DeliveryType.SETUP
    ]
    if unused:
        wrong.append(f"beam {listed(unused)} is in no fraction group")
    return _finding(
        "Beams and fraction groups",
        judged(not wrong, otherwise=Grade.STOP),
        expected="each beam once, named by its group",
        found=listed(wrong) if wrong else plural(len(there), "beam"),
        about=about,
    )


def _metersets(plan: Plan, about: str) -> Iterator[Finding]:
    for group in fraction_groups(plan):
        needed = treatment_beams(plan, group)
        without = [
            str(beam.beam_number)
            for beam in plan.beams
            if beam.beam_number in group.beam_numbers
            and beam.delivery_type is DeliveryType.TREATMENT
            and not beam.beam_meterset
        ]
        units = sorted({UNITS.get(beam.primary_dosimeter_unit, "") for beam in needed})
        total = math.fsum(beam.beam_meterset or 0 for beam in needed)
        together = f"{total:.2f} {'/'.join(filter(None, units)) or '(no unit)'} together"
        several = len(plan.fraction_groups) > 1
        is_whole = bool(needed) and not without
        yield _finding(
            f"Metersets of group {group.fraction_group_number}" if several else "Metersets of a fraction",
            judged(len(units) == 1 and all(units), otherwise=Grade.LOOK) if is_whole else Grade.STOP,
            expected="one for each beam that treats, in one unit",
            found=f"none for beam {listed(without)}"
            if without
            else f"{plural(len(needed), 'beam')}, {together}",
            about=about,
        )


def _control_points(plan: Plan, stated: StatedPlan, about: str) -> Finding:
    treating = {beam.beam_number for beam in plan.beams if beam.is_treatment}
    wrong = [
        f"beam {beam.beam_number} {what}"
        for beam in stated.beams
        if beam.beam_number in treating
        for what in _weights(beam)
    ]
    count = sum(len(beam.weights) for beam in stated.beams if beam.beam_number in treating)
    return _finding(
        "Control points",
        judged(not wrong, otherwise=Grade.STOP),
        expected="as many as stated, in order, weights rising from 0 to the final one",
        found=listed(wrong) if wrong else f"{count} in {plural(len(treating), 'beam')}",
        about=about,
    )


def _weights(beam: StatedBeam) -> Iterator[str]:
    count = len(beam.weights)
    if beam.number_of_control_points != count:
        yield f"says {beam.number_of_control_points} and has {count}"
    if any(index is not None and index != place for place, index in enumerate(beam.indexes)):
        yield "has them out of order"
    weights = [weight for weight in beam.weights if weight is not None]
    if len(weights) != count or count < 2:  # noqa: PLR2004 - a beginning and an end
        yield "has points without a weight"
        return
    if weights[0] != 0:
        yield f"begins at weight {weights[0]:g}"
    if any(after < before for before, after in pairwise(weights)):
        yield "has weights that fall"
    final = beam.final_weight
    if final is None or abs(weights[-1] - final) > WEIGHT_SAME * abs(final):
        stated = "not stated" if final is None else f"{final:g}"
        yield f"ends at weight {weights[-1]:g}, the final one is {stated}"


def _machine(plan: Plan, about: str) -> Finding:
    treating = [beam for beam in plan.beams if beam.is_treatment]
    nameless = [str(beam.beam_number) for beam in treating if not beam.treatment_machine_name.strip()]
    without = [
        str(beam.beam_number)
        for beam in treating
        if beam.radiation_type is not RadiationType.BRACHY
        and all(point.nominal_beam_energy is None for point in beam.control_points)
    ]
    wrong = [
        *([f"no machine for beam {listed(nameless)}"] if nameless else []),
        *([f"no energy for beam {listed(without)}"] if without else []),
    ]
    names = listed(plan.treatment_machine_names)
    return _finding(
        "Machine and energy",
        Grade.STOP if wrong else judged(len(plan.treatment_machine_names) == 1, otherwise=Grade.LOOK),
        expected="one machine, and an energy for each beam that treats",
        found="; ".join(wrong) or names,
        about=about,
    )


def _leaves(plan: Plan, about: str) -> Finding:
    wrong = [
        f"beam {beam.beam_number}: {len(point.leaf_positions_mm)} positions for {beam.mlc_leaf_pairs} pairs"
        for beam in plan.beams
        if beam.mlc_leaf_pairs
        for point in beam.control_points
        if point.leaf_positions_mm and len(point.leaf_positions_mm) != 2 * beam.mlc_leaf_pairs
    ]
    pairs = sorted({beam.mlc_leaf_pairs for beam in plan.beams if beam.mlc_leaf_pairs})
    return _finding(
        "Leaves",
        judged(not wrong, otherwise=Grade.STOP),
        expected="two positions for each pair",
        found=listed(wrong) if wrong else ", ".join(f"{count} pairs" for count in pairs) or "no MLC",
        about=about,
    )


def _dose_of_fraction(plan: Plan, about: str) -> Iterator[Finding]:
    prescribed, planned = plan.target_prescription_dose_gy, plan.number_of_fractions_planned
    by_beams = plan.dose_per_fraction_gy
    if prescribed is None or not planned or by_beams is None:
        return
    wanted = prescribed / planned
    yield _finding(
        "Dose of a fraction",
        judged(abs(by_beams - wanted) <= DOSE_SAME * wanted, otherwise=Grade.LOOK),
        expected=f"{wanted:.3f} Gy ({prescribed:g} Gy in {planned})",
        found=f"{by_beams:.3f} Gy by its beams",
        about=about,
    )


def position_findings(
    plan: Plan, counted: CoursePosition, announced: CoursePosition | None, about: str
) -> Iterator[Finding]:
    """Yield whether the records that came along say what the sender says was given."""
    here, said = (_of(plan, position) for position in (counted, announced))
    if here is None:
        return
    if said is None:
        grade, expected = Grade.LOOK, "what the sender counted: it was not sent"
    else:
        by_hand = {one.fraction_number for one in said.fractions if _is_by_hand(one)}
        carried = {one.fraction_number for one in said.fractions if one.complete and not one.record_uids}
        known = by_hand | carried
        same = _numbers(here) == _numbers(said) and _but(here, set()) == _but(said, set())
        without = Grade.LOOK if known and _but(here, known) == _but(said, known) else Grade.STOP
        grade, expected = judged(same, otherwise=without), f"{_in_words(said)}, as the sender says"
        if by_hand:
            expected += f"; typed in there from paper, without a machine's record: {_fractions(by_hand)}"
        if carried:
            expected += f"; given by the plan that this one replaces: {_fractions(carried)}"
    if grade is Grade.OK and here.conflicts:
        grade = Grade.LOOK
    conflicts = f"; {listed(conflict.text for conflict in here.conflicts)}" if here.conflicts else ""
    yield _finding(
        "Fractions given so far",
        grade,
        expected=expected,
        found=f"{_in_words(here)} by the records that came along{conflicts}",
        about=about,
    )


def _is_by_hand(fraction: FractionState) -> bool:
    return any(uid.startswith(BY_HAND) for uid in fraction.record_uids)


def _but(position: PlanPosition, by_hand: set[int]) -> tuple[int, dict[tuple[int, int], bool]]:
    """Return what a count says of all other fractions, and how many it has beyond those it lists."""
    given = [one for one in position.fractions if one.complete or one.is_partial]
    others = {
        (one.fraction_group_number, one.fraction_number): one.complete
        for one in given
        if one.fraction_number not in by_hand
    }
    return position.fractions_complete - sum(one.complete for one in given), others


def _fractions(numbers: set[int]) -> str:
    return f"fraction{'s' if len(numbers) > 1 else ''} {listed(map(str, sorted(numbers)))}"


def _of(plan: Plan, position: CoursePosition | None) -> PlanPosition | None:
    if position is None:
        return None
    return next((one for one in position.plans if one.plan_uid == plan.sop_instance_uid), None)


def _numbers(position: PlanPosition) -> tuple[int, int, int | None]:
    return position.fractions_complete, position.fractions_partial, position.next_fraction_number


def _in_words(position: PlanPosition) -> str:
    begun = f", {position.fractions_partial} begun" if position.fractions_partial else ""
    following = position.next_fraction_number
    to_come = f", next is {following}" if following is not None else ", the next is not certain"
    if position.is_finished:
        to_come = ", finished"
    return f"{position.fractions_complete} of {position.fractions_planned or '?'} complete{begun}{to_come}"


def _finding(what: str, grade: Grade, *, expected: str, found: str, about: str) -> Finding:
    return Finding(
        test=Question.CONSISTENCY, what=what, grade=grade, expected=expected, found=str(found), about=about
    )
