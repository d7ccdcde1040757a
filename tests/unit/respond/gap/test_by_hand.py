"""Every number of every option once more, by a second hand that walks day by day and shares no code.

The papers' formulas, as they are written there: BED = Σ d (1 + d/(α/β)) for single fractions; for two equal
ones of a day n d (1 + (1 + h) d/(α/β)) with h = exp(-ln2 ΔT/T½); K lost on each day after Td [1]_; EQD2 as
BED / (1 + 2/(α/β)). Nothing is summed in closed form and no equation is solved: sizes are found by halving.

References
----------
.. [1] Dale RG et al. Clin Oncol 2002;14:382-393.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from courses import HEAD, computed

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.respond.gap import Options
    from beamkeeper.respond.gap.outcome import Outcome, TissueEffect

NECK = """
[prescription]
tumour_site = "head-and-neck"
fractions = 35
dose_per_fraction_gy = 2
[given]
first_on = 2026-09-07
fractions = 20
[gap]
resume_on = 2026-10-12
"""
COURSES = {
    "a week": NECK,
    "by the other count": NECK + "[model]\nday_count = 'inclusive'\n",
    "holidays and service": NECK
    + "[calendar]\nholidays = [2026-09-28, 2026-10-13]\nservice = [2026-10-14]\nmake_up_days = ['sat']\n",
    "larger aims less": NECK + "[aim]\ntumour_percent = 97\n",
    "a half time of the tumour": NECK + "[model]\nrepair_half_time_h = 1.5\ninterval_h = 8\n",
    "Fowler's form": NECK + "[model]\nalpha_per_gy = 0.35\ndoubling_days = 3\ndelay_days = 21\n",
    "a share of the dose": NECK + "[[late]]\ndose_percent = 64\n[[late]]\ntissue = 'spinal-cord'\n",
    "late and long": NECK.replace("2026-10-12", "2026-10-30"),
    "two a day": NECK.replace("fractions = 35", "fractions = 68\nfractions_per_day = 2")
    .replace("dose_per_fraction_gy = 2", "dose_per_fraction_gy = 1.2")
    .replace("fractions = 20", "fractions = 40"),
    "one broken off": """
[prescription]
tumour_site = "breast"
fractions = 15
dose_per_fraction_gy = 2.67
[given]
on = [2026-09-07, 2026-09-08, 2026-09-09, 2026-09-10, 2026-09-10]
dose_gy = [2.67, 2.67, 2.67, 1.1, 1.57]
[gap]
resume_on = 2026-09-18
""",
}


class ByHand:
    """One course, walked day by day."""

    def __init__(self, options: Options) -> None:
        self.course, self.model = options.course, options.model

    def h(self, half_time_h: float) -> float:
        if half_time_h == 0:
            return 0.0
        rate = 0.6931471805599453 / half_time_h
        return math.exp(-rate * self.model.rules.interval_h.value)

    def fractions(self, outcome: Outcome, size: float, *, whole: bool) -> dict[date, list[float]]:
        found: dict[date, list[float]] = {}
        if not whole:
            for one in self.course.given:
                found.setdefault(one.on, []).append(one.dose_gy)
        for day in outcome.schedule:
            found.setdefault(day.on, []).extend([size] * day.fractions)
        return found

    def bed(
        self, days: dict[date, list[float]], alpha_beta: float, half_time_h: float, share: float = 1
    ) -> float:
        total = 0.0
        for doses in days.values():
            got = [dose * share for dose in doses]
            total += sum(one * (1 + one / alpha_beta) for one in got)
            if len(got) == 2:
                total += 2 * got[0] * got[1] * self.h(half_time_h) / alpha_beta
            assert len(got) <= 2
        return total

    def lost(self, days: dict[date, list[float]]) -> float:
        """Add K for each day of the course that lies behind the delay, one by one."""
        repopulation = self.model.tumour.repopulation
        first, last = min(days), max(days)
        number, total = self.model.day_count.first, 0.0
        on = first
        while on < last:
            on += timedelta(days=1)
            number += 1
            behind = number - repopulation.delay_days.value
            total += repopulation.k_gy_per_day.value * min(1.0, max(0.0, behind))
        return total

    def tumour(self, days: dict[date, list[float]]) -> float:
        tumour = self.model.tumour
        return self.bed(days, tumour.alpha_beta_gy.value, tumour.repair_half_time_h.value) - self.lost(days)

    def late(self, days: dict[date, list[float]]) -> list[float]:
        return [
            self.bed(
                days,
                tissue.alpha_beta_gy.value,
                tissue.repair_half_time_h.value,
                tissue.dose_percent / 100,
            )
            for tissue in self.model.late
        ]

    def size(self, reaches: Callable[[float], bool]) -> float:
        low, high = 0.0, 60.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if reaches(middle) else (middle, high)
        return high


def same(effect: TissueEffect, bed: float, prescribed: float) -> None:
    assert effect.bed_gy == pytest.approx(bed, abs=1e-6)
    assert effect.eqd2_gy == pytest.approx(bed / (1 + 2 / effect.alpha_beta_gy), abs=1e-6)
    assert effect.vs_prescribed_percent == pytest.approx(100 * (bed / prescribed - 1), abs=1e-6)


@pytest.mark.parametrize("name", COURSES)
def test_a_second_hand_finds_the_same_for_every_option(name: str) -> None:
    options = computed(HEAD + COURSES[name])
    hand = ByHand(options)
    whole = hand.fractions(options.prescribed, options.course.dose_per_fraction_gy, whole=True)
    tumour, late = hand.tumour(whole), hand.late(whole)

    assert options.prescribed.tumour.bed_gy == pytest.approx(tumour, abs=1e-6)
    assert options.options
    for outcome in (options.nothing, *(option.outcome for option in options.options)):
        days = hand.fractions(outcome, outcome.dose_per_fraction_gy, whole=False)
        counted = (max(days) - min(days)).days + options.model.day_count.first

        assert outcome.overall_days == counted
        same(outcome.tumour, hand.tumour(days), tumour)
        for effect, bed, planned in zip(outcome.late, hand.late(days), late, strict=True):
            same(effect, bed, planned)


@pytest.mark.parametrize("name", COURSES)
def test_a_second_hand_finds_the_same_sizes_by_halving(name: str) -> None:
    options = computed(HEAD + COURSES[name])
    hand = ByHand(options)
    whole = hand.fractions(options.prescribed, options.course.dose_per_fraction_gy, whole=True)
    aim, late = hand.tumour(whole) * options.course.tumour_aim_percent / 100, hand.late(whole)
    for option in (one for one in options.options if one.sized_for):

        def tumour_has_enough(size: float, outcome: Outcome = option.outcome) -> bool:
            return hand.tumour(hand.fractions(outcome, size, whole=False)) >= aim

        def some_tissue_has_more(size: float, outcome: Outcome = option.outcome) -> bool:
            got = hand.late(hand.fractions(outcome, size, whole=False))
            return any(one >= planned for one, planned in zip(got, late, strict=True))

        reaches = tumour_has_enough if option.sized_for == "tumour" else some_tissue_has_more

        assert option.outcome.dose_per_fraction_gy == pytest.approx(hand.size(reaches), abs=1e-6), option.id


def test_one_day_of_the_count_is_one_k() -> None:
    elapsed, inclusive = (computed(HEAD + COURSES[name]) for name in ("a week", "by the other count"))
    k = elapsed.model.tumour.repopulation.k_gy_per_day.value

    assert inclusive.nothing.overall_days - elapsed.nothing.overall_days == 1
    assert elapsed.nothing.tumour.bed_gy - inclusive.nothing.tumour.bed_gy == pytest.approx(k)


def test_a_range_that_begins_at_nothing_is_looked_at_there_too() -> None:
    options = computed(HEAD + NECK.replace("head-and-neck", "skin"))
    low, high = options.nothing.tumour.range_percent or (0.0, 0.0)

    assert options.model.tumour.repopulation.k_gy_per_day.low == 0
    assert high == pytest.approx(0)
    assert low < options.nothing.tumour.vs_prescribed_percent < high
