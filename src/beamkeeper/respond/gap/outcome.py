"""What a schedule does to tumour and late tissue, with every value somebody needs to check it by hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from beamkeeper.errors import ConfigError
from beamkeeper.respond.gap.effect import dose_per_fraction, eqd2, quadratic_weight, repopulation_loss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from beamkeeper.respond.gap.course import Course, Given, Schedule
    from beamkeeper.respond.gap.parameters import Model, Parameter, Tissue

PERCENT = 100.0
SAME_BED_GY = 1e-6
"""Sums in another order are the same."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What stands in the formula for fractions: BED = dose + weight / (α/β).

    Attributes
    ----------
    dose_gy
        Σ d, the physical dose.
    weight_gy2
        Σ d² + 2 Σ dᵢ dⱼ h of fractions of one day.
    """

    dose_gy: float
    weight_gy2: float

    def bed(self, alpha_beta_gy: float) -> float:
        """Return the BED without any loss."""
        return self.dose_gy + self.weight_gy2 / alpha_beta_gy

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.dose_gy + other.dose_gy, self.weight_gy2 + other.weight_gy2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueEffect:
    """What one tissue gets, over the whole course.

    Attributes
    ----------
    dose_gy, weight_gy2, loss_gy
        BED = dose + weight / (α/β) - loss; the loss is that to repopulation.
    vs_prescribed_percent, vs_nothing_percent
        By how much the BED differs from that of the prescribed course, and of going on without compensation.
    range_percent
        Least and largest difference from the prescribed course over the ranges of the parameters; None
        without any range.
    """

    tissue: str
    title: str
    alpha_beta_gy: float
    dose_gy: float
    weight_gy2: float
    loss_gy: float
    bed_gy: float
    eqd2_gy: float
    vs_prescribed_percent: float
    vs_nothing_percent: float
    range_percent: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One schedule of the fractions that are left, or the prescribed course, and what it comes to.

    Attributes
    ----------
    schedule
        Days and fractions from the day treatment goes on; of the prescribed course, all of them.
    overall_days
        Overall time of the whole course, as the model counts days.
    """

    schedule: Schedule
    fractions: int
    dose_per_fraction_gy: float
    last_on: date
    overall_days: int
    tumour: TissueEffect
    late: tuple[TissueEffect, ...]


class Reckoner:
    """Computes schedules of one course with one model.

    Raises
    ------
    ConfigError
        By the parameters, the prescribed course has no effect.
    """

    def __init__(self, course: Course, model: Model, nothing: Schedule) -> None:
        self._course = course
        self._model = model
        self._tumour_h, self._late_h = model.tumour_h, [model.late_h(tissue) for tissue in model.late]
        self._tumour_given = amount_of_given(course.given, self._tumour_h)
        self._late_given = [
            amount_of_given(course.given, h, share=tissue.dose_percent / PERCENT)
            for tissue, h in zip(model.late, self._late_h, strict=True)
        ]
        dose = course.dose_per_fraction_gy
        self._prescribed_days = self._overall(course.planned[-1].on)
        self._prescribed = self._amounts(course.planned, dose)
        if self._tumour_bed(self._prescribed[0], self._prescribed_days) <= 0:
            raise ConfigError(
                "By these parameters the prescribed course has no effect on the tumour.",
                do_next="Look at K, the delay and α/β.",
            )
        self._corners = _corners(model, self._prescribed[0], self._prescribed_days)
        self._nothing_days = self._overall(nothing[-1].on)
        given = (self._tumour_given, *self._late_given)
        self._nothing = tuple(
            left + before for left, before in zip(self._amounts(nothing, dose), given, strict=True)
        )
        self.prescribed = self._outcome(course.planned, dose, self._prescribed)
        self.nothing = self.of(nothing, dose)

    @property
    def reaches_aim(self) -> bool:
        """Whether the aim is reached without any compensation."""
        return self.nothing.tumour.bed_gy >= self.aim_bed_gy - SAME_BED_GY

    @property
    def aim_bed_gy(self) -> float:
        """The tumour BED that fractions are sized for."""
        return self.prescribed.tumour.bed_gy * self._course.tumour_aim_percent / PERCENT

    def of(self, schedule: Schedule, dose_gy: float) -> Outcome:
        """Return what the fractions given and those of a schedule come to."""
        given = (self._tumour_given, *self._late_given)
        amounts = tuple(
            left + before for left, before in zip(self._amounts(schedule, dose_gy), given, strict=True)
        )
        return self._outcome(schedule, dose_gy, amounts)

    def tumour_bed(self, schedule: Schedule, dose_gy: float) -> float:
        """Return the tumour BED alone, of the fractions given and those of a schedule."""
        days = Counter(day.fractions for day in schedule)
        amount = amount_of_schedule(days, dose_gy, self._tumour_h) + self._tumour_given
        return self._tumour_bed(amount, self._overall(schedule[-1].on))

    def dose_for_tumour(self, schedule: Schedule) -> float:
        """Return the fraction size with which a schedule reaches the aimed tumour BED."""
        alpha_beta = self._model.tumour.alpha_beta_gy.value
        needed = self.aim_bed_gy + self._loss(self._overall(schedule[-1].on))
        return dose_per_fraction(
            needed - self._tumour_given.bed(alpha_beta),
            [day.fractions for day in schedule],
            alpha_beta,
            h=self._tumour_h,
        )

    def dose_for_late(self, schedule: Schedule) -> float:
        """Return the largest fraction size with which no late tissue gets more than was prescribed."""
        counts = [day.fractions for day in schedule]
        return min(
            dose_per_fraction(
                planned.bed_gy - before.bed(planned.alpha_beta_gy),
                counts,
                planned.alpha_beta_gy,
                h=h,
            )
            / (tissue.dose_percent / PERCENT)
            for tissue, h, before, planned in zip(
                self._model.late, self._late_h, self._late_given, self.prescribed.late, strict=True
            )
        )

    def _overall(self, last_on: date) -> int:
        return (last_on - self._course.first_on).days + self._model.day_count.first

    def _loss(self, overall_days: int) -> float:
        repopulation = self._model.tumour.repopulation
        return repopulation_loss(overall_days, repopulation.k_gy_per_day.value, repopulation.delay_days.value)

    def _tumour_bed(self, amount: Amount, overall_days: int) -> float:
        return amount.bed(self._model.tumour.alpha_beta_gy.value) - self._loss(overall_days)

    def _amounts(self, schedule: Schedule, dose_gy: float) -> tuple[Amount, ...]:
        days = Counter(day.fractions for day in schedule)
        return (
            amount_of_schedule(days, dose_gy, self._tumour_h),
            *(
                amount_of_schedule(days, dose_gy * tissue.dose_percent / PERCENT, h)
                for tissue, h in zip(self._model.late, self._late_h, strict=True)
            ),
        )

    def _outcome(self, schedule: Schedule, dose_gy: float, amounts: tuple[Amount, ...]) -> Outcome:
        overall = self._overall(schedule[-1].on)
        return Outcome(
            schedule=schedule,
            fractions=sum(day.fractions for day in schedule),
            dose_per_fraction_gy=dose_gy,
            last_on=schedule[-1].on,
            overall_days=overall,
            tumour=self._tumour_effect(amounts[0], overall),
            late=tuple(
                self._late_effect(tissue, *three)
                for tissue, *three in zip(
                    self._model.late, amounts[1:], self._prescribed[1:], self._nothing[1:], strict=True
                )
            ),
        )

    def _tumour_effect(self, amount: Amount, overall: int) -> TissueEffect:
        tumour = self._model.tumour
        alpha_beta = tumour.alpha_beta_gy.value
        loss = self._loss(overall)
        bed = self._tumour_bed(amount, overall)
        return TissueEffect(
            tissue="tumour",
            title=tumour.title,
            alpha_beta_gy=alpha_beta,
            dose_gy=amount.dose_gy,
            weight_gy2=amount.weight_gy2,
            loss_gy=loss,
            bed_gy=bed,
            eqd2_gy=eqd2(bed, alpha_beta),
            vs_prescribed_percent=_percent(bed, self._tumour_bed(self._prescribed[0], self._prescribed_days)),
            vs_nothing_percent=_percent(bed, self._tumour_bed(self._nothing[0], self._nothing_days)),
            range_percent=self._range(amount, overall),
        )

    def _late_effect(
        self, tissue: Tissue, amount: Amount, prescribed: Amount, nothing: Amount
    ) -> TissueEffect:
        alpha_beta = tissue.alpha_beta_gy.value
        bed = amount.bed(alpha_beta)
        return TissueEffect(
            tissue=tissue.id,
            title=tissue.title,
            alpha_beta_gy=alpha_beta,
            dose_gy=amount.dose_gy,
            weight_gy2=amount.weight_gy2,
            loss_gy=0.0,
            bed_gy=bed,
            eqd2_gy=eqd2(bed, alpha_beta),
            vs_prescribed_percent=_percent(bed, prescribed.bed(alpha_beta)),
            vs_nothing_percent=_percent(bed, nothing.bed(alpha_beta)),
        )

    def _range(self, amount: Amount, overall: int) -> tuple[float, float] | None:
        """Return the least and the largest difference at the corners of the ranges."""
        found = [
            _percent(amount.bed(alpha_beta) - repopulation_loss(overall, k, delay), planned)
            for (alpha_beta, k, delay), planned in self._corners
        ]
        return (min(found), max(found)) if len(found) > 1 else None


def _corners(model: Model, prescribed: Amount, days: int) -> tuple[tuple[tuple[float, ...], float], ...]:
    """Return the ends of the ranges, each with the BED of the prescribed course there."""
    tumour = model.tumour
    ends = product(
        _ends(tumour.alpha_beta_gy, above=0.0),
        _ends(tumour.repopulation.k_gy_per_day),
        _ends(tumour.repopulation.delay_days),
    )
    beds = (((ab, k, td), prescribed.bed(ab) - repopulation_loss(days, k, td)) for ab, k, td in ends)
    return tuple((corner, bed) for corner, bed in beds if bed > 0)


def amount_of_given(given: Sequence[Given], h: float, *, share: float = 1.0) -> Amount:
    """Return what the fractions given come to, for a tissue that gets a share of each."""
    days: dict[date, list[float]] = defaultdict(list)
    for fraction in given:
        days[fraction.on].append(fraction.dose_gy * share)
    return Amount(
        sum(sum(doses) for doses in days.values()),
        sum(quadratic_weight(doses, h) for doses in days.values()),
    )


def amount_of_schedule(days: Mapping[int, int], dose_gy: float, h: float) -> Amount:
    """Return what equal fractions come to; `days` holds how many days have one fraction, how many two."""
    fractions = sum(number * count for number, count in days.items())
    weight = sum(count * quadratic_weight((1.0,) * number, h) for number, count in days.items())
    return Amount(dose_gy * fractions, dose_gy * dose_gy * weight)


def _ends(parameter: Parameter, *, above: float = -1.0) -> tuple[float, ...]:
    """Return the ends of a range; the value itself where an end is not given, or divides by nothing."""
    ends = (parameter.low, parameter.high)
    found = {end if end is not None and end > above else parameter.value for end in ends}
    return tuple(sorted(found))


def _percent(value: float, of: float) -> float:
    return PERCENT * (value - of) / of
