"""The dose given so far: what a plan states a fraction to be, times what was delivered of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from beamkeeper.domain.beam_sums import BeamSum
from beamkeeper.domain.placing import fraction_groups, treatment_beams
from beamkeeper.domain.plan import Beam, FractionGroup, Plan
from beamkeeper.domain.position import FractionState


def dose_so_far_gy(plan: Plan, fractions: Sequence[FractionState], beams: Sequence[BeamSum]) -> float | None:
    """Return Gy given so far: complete fractions whole, begun ones by the delivered share of each beam."""
    if plan.dose_per_fraction_gy is None:
        return None
    groups = {group.fraction_group_number: group for group in fraction_groups(plan)}
    given: dict[tuple[int, int], dict[int, BeamSum]] = {}
    for beam in beams:
        key = (beam.fraction_group_number, beam.fraction_number)
        given.setdefault(key, {})[beam.beam_number] = beam
    doses: list[float] = []
    for state in fractions:
        group = groups[state.fraction_group_number]
        per_fraction = _per_fraction_gy(plan, group)
        if per_fraction is None:
            return None
        of_fraction = given[state.fraction_group_number, state.fraction_number]
        doses.append(
            per_fraction * (1.0 if state.complete else _share(treatment_beams(plan, group), of_fraction))
        )
    return math.fsum(doses)


def _per_fraction_gy(plan: Plan, group: FractionGroup) -> float | None:
    if len(plan.fraction_groups) <= 1:
        return plan.dose_per_fraction_gy
    doses = [beam.beam_dose_gy for beam in treatment_beams(plan, group)]
    return None if not doses or None in doses else math.fsum(dose for dose in doses if dose is not None)


def _share(needed: Sequence[Beam], given: Mapping[int, BeamSum]) -> float:
    """Return the share of a fraction that was given: weighted by beam dose, where unstated by meterset."""
    by_dose = all(beam.beam_dose_gy is not None for beam in needed) and any(
        beam.beam_dose_gy for beam in needed
    )
    weights = {
        beam.beam_number: (beam.beam_dose_gy if by_dose else beam.beam_meterset) or 0.0 for beam in needed
    }
    whole = math.fsum(weights.values())
    parts = [
        weight * given[number].delivered / specified
        for number, weight in weights.items()
        if number in given and (specified := given[number].specified)
    ]
    return math.fsum(parts) / whole if whole else 0.0
