"""What must hold for every course: no gap costs nothing, no time helps, sizes lead back to their aim."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from courses import PARAMETERS
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.respond.gap import Calendar, Course, Given, TreatmentDay, model_for, options_for
from beamkeeper.respond.gap.effect import (
    bed,
    dose_per_fraction,
    eqd2,
    k_of_proliferation,
    proliferation_of_k,
    repopulation_loss,
    unrepaired,
)
from beamkeeper.respond.gap.options import Family

FIRST = date(2026, 9, 7)
doses = st.floats(0.5, 10)
ratios = st.floats(0.5, 30)
shares = st.floats(0, 1)
counts = st.lists(st.integers(1, 2), min_size=1, max_size=40)
LOST_DAYS = st.integers(0, 30)
sites = st.sampled_from(sorted(PARAMETERS.tumours))


@given(counts, doses, ratios, shares)
def test_the_size_found_for_a_bed_gives_that_bed(
    days: list[int], dose: float, ratio: float, h: float
) -> None:
    needed = bed([[dose] * count for count in days], ratio, h=h)

    assert dose_per_fraction(needed, days, ratio, h=h) == pytest.approx(dose, rel=1e-9)


@given(doses, ratios)
def test_eqd2_of_two_gray_fractions_is_their_dose(dose: float, ratio: float) -> None:
    assert eqd2(bed([[2.0]] * 7, ratio), ratio) == pytest.approx(14)
    assert proliferation_of_k(k_of_proliferation(dose, ratio), ratio) == pytest.approx(dose)


@given(doses, ratios, shares, shares)
def test_less_repair_means_more_effect(dose: float, ratio: float, one: float, other: float) -> None:
    less, more = sorted((one, other))

    assert bed([[dose, dose]], ratio, h=less) <= bed([[dose, dose]], ratio, h=more)
    assert bed([[dose, dose]], ratio, h=0) == pytest.approx(bed([[dose], [dose]], ratio))


@given(st.floats(0, 100), st.floats(0, 50), st.floats(0, 2), st.floats(0, 60))
def test_a_longer_time_never_loses_less(days: float, more: float, k: float, delay: float) -> None:
    assert repopulation_loss(days, k, delay) <= repopulation_loss(days + more, k, delay)


def test_an_interval_of_one_half_time_leaves_a_half() -> None:
    assert unrepaired(6, 6) == pytest.approx(0.5)
    assert unrepaired(6, 0) == 0


@st.composite
def interrupted(draw: st.DrawFn, lost_days: st.SearchStrategy[int] = LOST_DAYS) -> Course:
    calendar = Calendar(
        make_up_weekdays=draw(st.sampled_from([frozenset(), frozenset({5}), frozenset({5, 6})]))
    )
    a_day = draw(st.sampled_from([1, 1, 2]))
    days = draw(st.integers(2, 40))
    dose = draw(st.floats(1, 4))
    planned = tuple(TreatmentDay(on, a_day) for on in calendar.planned_days(FIRST, days))
    given_days = draw(st.integers(1, days - 1))
    before = planned[:given_days]
    return Course(
        tumour_site="",
        dose_per_fraction_gy=dose,
        fractions_per_day=a_day,
        planned=planned,
        given=tuple(Given(day.on, dose) for day in before for _ in range(a_day)),
        resume_on=planned[given_days].on + timedelta(days=draw(lost_days)),
        calendar=calendar,
    )


@given(interrupted(st.just(0)), sites)
def test_no_gap_loses_nothing_and_offers_nothing(course: Course, site: str) -> None:
    options = options_for(course, model_for(PARAMETERS, site))

    assert options.nothing.tumour.vs_prescribed_percent == pytest.approx(0, abs=1e-9)
    assert options.nothing.overall_days == options.prescribed.overall_days
    assert options.options == ()


@given(interrupted(), sites)
def test_every_size_found_reaches_what_it_was_found_for(course: Course, site: str) -> None:
    options = options_for(course, model_for(PARAMETERS, site))

    for option in options.options:
        if option.sized_for == "tumour":
            assert option.outcome.tumour.bed_gy == pytest.approx(options.prescribed.tumour.bed_gy)
        if option.sized_for == "late":
            assert max(effect.vs_prescribed_percent for effect in option.outcome.late) == pytest.approx(
                0, abs=1e-9
            )


@given(interrupted(), sites)
def test_every_plan_gives_its_fractions_on_days_that_there_are(course: Course, site: str) -> None:
    options = options_for(course, model_for(PARAMETERS, site))

    for option in options.options:
        schedule = option.outcome.schedule
        days = [day.on for day in schedule]
        assert days == sorted(set(days))
        assert days[0] >= course.resume_on
        assert all(course.calendar.is_treatment_day(on) or course.calendar.is_make_up_day(on) for on in days)
        assert max(day.fractions for day in schedule) <= 2
        if option.family in {Family.SAME_TIME, Family.LATER_LARGER}:
            assert option.outcome.fractions >= course.fractions_left
        if option.family is Family.FEWER_LARGER:
            assert option.outcome.last_on <= course.planned_last_on
        assert option.slots.total == option.outcome.fractions


@given(interrupted(), sites)
def test_nothing_ends_earlier_than_without_compensation_is_never_beaten_by_more_days(
    course: Course, site: str
) -> None:
    options = options_for(course, model_for(PARAMETERS, site))
    same_size = [option for option in options.options if option.family is Family.SAME_TIME]

    for option in same_size:
        assert option.outcome.overall_days <= options.nothing.overall_days
        assert option.outcome.tumour.bed_gy >= options.nothing.tumour.bed_gy - 1e-9


@given(interrupted(), sites)
def test_ranges_hold_the_value_and_all_numbers_are_finite(course: Course, site: str) -> None:
    options = options_for(course, model_for(PARAMETERS, site))

    for outcome in (options.prescribed, options.nothing, *(option.outcome for option in options.options)):
        for effect in (outcome.tumour, *outcome.late):
            made = effect.dose_gy + effect.weight_gy2 / effect.alpha_beta_gy - effect.loss_gy
            assert effect.bed_gy == pytest.approx(made)
            assert math.isfinite(effect.vs_prescribed_percent)
            assert effect.range_percent is None or effect.range_percent[0] <= effect.range_percent[1]
