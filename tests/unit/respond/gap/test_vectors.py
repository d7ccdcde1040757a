"""Every published and computed example of a gap, to 0.01: formulas first, then courses by their dates."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from beamkeeper.respond.gap import Options, options_for, own_parameters, read_course
from beamkeeper.respond.gap.calendar_days import Calendar
from beamkeeper.respond.gap.effect import (
    bed,
    eqd2,
    k_of_doubling,
    k_of_proliferation,
    physical_compensation,
    proliferation_of_k,
    repopulation_loss,
    unrepaired,
)

NEAR = 0.01


def near(value: float) -> object:
    return pytest.approx(value, abs=NEAR)


def fractions(count: int, dose_gy: float) -> list[list[float]]:
    return [[dose_gy]] * count


@pytest.mark.parametrize(
    ("count", "dose", "alpha_beta", "expected"),
    [
        (35, 2, 10, 84.0),
        (35, 2, 3, 116.667),
        (35, 2, 2, 140.0),
        (20, 2.75, 10, 70.125),
        (15, 2.67, 3.5, 70.602),
        (5, 5.2, 3.5, 64.629),
        (3, 18, 10, 151.2),
        (20, 3, 1.5, 180.0),
        (28, 1.8, 10, 59.472),
        (1, 8, 10, 14.4),
        (20, 2.5, 2, 112.5),
        (20, 2.5, 3, 91.667),
        (20, 2.5, 4, 81.25),
    ],
)
def test_bed_of_equal_fractions(count: int, dose: float, alpha_beta: float, expected: float) -> None:
    assert bed(fractions(count, dose), alpha_beta) == near(expected)


@pytest.mark.parametrize(
    ("count", "dose", "alpha_beta", "expected"),
    [
        (20, 2.75, 10, 58.4375),
        (15, 2.67, 3.5, 44.929),
        (5, 5.2, 3.5, 41.127),
        (20, 3, 1.5, 77.143),
        (1, 8, 10, 12.0),
    ],
)
def test_eqd2_of_equal_fractions(count: int, dose: float, alpha_beta: float, expected: float) -> None:
    assert eqd2(bed(fractions(count, dose), alpha_beta), alpha_beta) == near(expected)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(46, 67.8), (47, 66.9), (48, 66.0), (49, 65.1), (53, 61.5), (60, 55.2)],
)
def test_repopulation_takes_k_a_day_after_the_delay(days: int, expected: float) -> None:
    assert bed(fractions(35, 2), 10) - repopulation_loss(days, 0.9, 28) == near(expected)


@pytest.mark.parametrize(("days", "expected"), [(26, 70.125), (28, 70.125), (31, 67.425), (33, 65.625)])
def test_repopulation_takes_nothing_up_to_the_delay(days: int, expected: float) -> None:
    assert bed(fractions(20, 2.75), 10) - repopulation_loss(days, 0.9, 28) == near(expected)


@pytest.mark.parametrize(("delay", "expected"), [(28, 72.1175), (21, 67.4965)])
def test_fowlers_form_gives_its_own_k(delay: int, expected: float) -> None:
    k = k_of_doubling(0.35, 3)

    assert k == near(0.6601)
    assert bed(fractions(35, 2), 10) - repopulation_loss(46, k, delay) == near(expected)


def test_proliferation_becomes_k_and_back() -> None:
    assert k_of_proliferation(0.8, 10) == near(0.96)
    assert k_of_proliferation(0.24, 2.7) == near(0.4178)
    assert proliferation_of_k(0.9, 10) == near(0.75)


def test_two_fractions_of_a_day_leave_damage_unrepaired() -> None:
    h = unrepaired(6, 4)

    assert h == near(0.35355)
    assert bed([[2, 2]], 3, h=h) == near(7.6095)
    assert bed([[2, 2]], 3) == near(6.6667)


def test_a_slow_tumour_loses_nothing_before_its_delay() -> None:
    assert repopulation_loss(40, 0.4178, 52) == repopulation_loss(50, 0.4178, 52) == 0


def test_the_rule_of_thumb_is_reproduced_to_show_what_it_leaves_out() -> None:
    added = physical_compensation(4, 0.7)

    assert added == near(2.8)
    assert (15 * 2 + added) / 15 == near(2.19)


def course(text: str) -> Options:
    head = "format = 'beamkeeper-course'\nversion = 1\n"
    return options_for(*read_course(head + text, own_parameters(), Calendar()))


def by_id(options: Options, id_: str) -> object:
    return next(option.outcome for option in options.options if option.id == id_)


BREAST = """
[prescription]
tumour_site = "breast"
fractions = 25
dose_per_fraction_gy = 2
[given]
first_on = 2026-09-07
fractions = 20
[gap]
resume_on = 2026-10-06
[model]
day_count = "inclusive"
"""


def test_example_of_a_breast_with_one_day_missed() -> None:
    options = course(BREAST)
    larger = by_id(options, "later-0-larger")

    assert options.prescribed.overall_days == 33
    assert options.prescribed.tumour.bed_gy == near(75.571)
    assert options.nothing.overall_days == 36
    assert options.nothing.tumour.bed_gy == near(73.771)
    assert options.nothing.tumour.vs_prescribed_percent == pytest.approx(-2.4, abs=0.05)
    assert larger.dose_per_fraction_gy == near(2.1644)
    assert options.prescribed.late[0].bed_gy == near(83.333)
    assert larger.late[0].bed_gy == near(85.296)
    assert larger.late[0].vs_prescribed_percent == pytest.approx(2.4, abs=0.05)
    assert larger.overall_days / options.prescribed.overall_days == pytest.approx(1.091, abs=0.0005)


NECK = """
[prescription]
tumour_site = "head-and-neck"
fractions = 27
dose_per_fraction_gy = 2
[given]
first_on = 2026-09-09
fractions = 23
[gap]
resume_on = 2026-10-21
[model]
day_count = "inclusive"
[aim]
tumour_percent = {aim}
"""


@pytest.mark.parametrize(("aim", "size", "late_rise"), [(95, 2.4683, 15.2), (100, 2.778, 20.9)])
def test_example_of_a_neck_with_two_more_larger_fractions(aim: int, size: float, late_rise: float) -> None:
    options = course(NECK.format(aim=aim))
    larger = by_id(options, "later-2-larger")

    assert options.prescribed.overall_days == 37
    assert options.prescribed.tumour.bed_gy == near(56.70)
    assert options.nothing.overall_days == 48
    assert options.nothing.tumour.bed_gy == near(46.80)
    assert options.nothing.tumour.vs_prescribed_percent == pytest.approx(-17.5, abs=0.05)
    assert (larger.fractions, larger.overall_days) == (6, 50)
    assert larger.dose_per_fraction_gy == near(size)
    assert larger.late[0].vs_prescribed_percent == pytest.approx(late_rise, abs=0.05)


WEEK = """
[prescription]
tumour_site = "head-and-neck"
fractions = 35
dose_per_fraction_gy = 2
[given]
first_on = 2026-09-07
fractions = {given}
[gap]
resume_on = {resume}
"""


def week(resume: date = date(2026, 10, 12), *, given: int = 20) -> Options:
    return course(WEEK.format(given=given, resume=resume))


def test_one_week_lost_with_ten_days_left_as_fewer_larger_fractions() -> None:
    options = week()
    tumour, late = by_id(options, "fewer-tumour"), by_id(options, "fewer-late")

    assert (options.prescribed.overall_days, options.nothing.overall_days) == (46, 53)
    assert (tumour.fractions, tumour.overall_days) == (10, 46)
    assert tumour.dose_per_fraction_gy == near(2.8102)
    assert tumour.late[0].bed_gy == near(121.094)
    assert tumour.late[0].vs_prescribed_percent == near(3.80)
    assert late.dose_per_fraction_gy == near(2.6533)
    assert late.tumour.bed_gy == near(65.373)
    assert late.tumour.vs_prescribed_percent == near(-3.58)
    assert late.late[0].vs_prescribed_percent == near(0)


def test_one_week_lost_with_all_fractions_larger() -> None:
    larger = by_id(week(), "later-0-larger")

    assert larger.dose_per_fraction_gy == near(2.2938)
    assert larger.late[0].vs_prescribed_percent == near(9.19)


def test_extra_fractions_after_a_lost_week_and_the_one_beyond_a_weekend() -> None:
    options = week()
    extra = [option for option in options.options if option.id.startswith("extra-")]

    assert options.nothing.tumour.bed_gy == near(61.5)
    assert options.nothing.tumour.vs_prescribed_percent == pytest.approx(-9.3, abs=0.05)
    assert [option.outcome.overall_days for option in extra] == [56, 57, 58, 59, 60, 63, 64]
    assert [option.outcome.tumour.bed_gy for option in extra] == [
        near(value) for value in (61.2, 62.7, 64.2, 65.7, 67.2, 66.9, 68.4)
    ]
    assert [option.outcome.late[0].vs_prescribed_percent for option in extra] == [
        near(2.857 * count) for count in range(1, 8)
    ]
    assert extra[0].cautions[0].code == "worse-than-nothing"
    assert "worse-than-one-less" in {caution.code for caution in extra[5].cautions}
    assert not {"worse-than-nothing", "worse-than-one-less"} & {c.code for c in extra[1].cautions}


def test_each_day_of_a_gap_costs_the_same() -> None:
    first = date(2026, 10, 5)
    lost = [week(first + timedelta(days=days)).nothing for days in range(5)]

    assert [outcome.overall_days for outcome in lost] == [46, 49, 50, 51, 52]
    assert [outcome.tumour.bed_gy for outcome in lost] == [
        near(67.8 - 0.9 * days) for days in (0, 3, 4, 5, 6)
    ]


def test_two_a_day_keeps_the_tumour_effect_and_costs_late_tissue_what_is_not_repaired() -> None:
    doubled = by_id(week(), "two-a-day")
    h = unrepaired(6, 4.4)

    assert doubled.overall_days == 46
    assert doubled.tumour.bed_gy == near(67.8)
    assert doubled.late[0].bed_gy == near(116.667 + 5 * 2 * 2 * 2 * h / 3)


def test_a_prostate_ten_days_later_loses_nothing() -> None:
    options = course("""
[prescription]
tumour_site = "prostate"
fractions = 29
dose_per_fraction_gy = 2
[given]
first_on = 2026-09-07
fractions = 20
[gap]
resume_on = 2026-10-15
""")

    assert options.nothing.overall_days > options.prescribed.overall_days
    assert options.nothing.tumour.vs_prescribed_percent == 0
    assert not [option for option in options.options if option.id.startswith("extra-")]


INF = float("inf")
LITERATURE = {
    "head-and-neck": ((10, 6.5, 29), 0.75, (21, 28, 28)),
    "larynx": ((14.5, 4.9, 24), 0.74, (21, 28, 28)),
    "tonsil": ((7.2, 3.6, INF), 0.73, (None, 30, None)),
    "nasopharynx": ((16, 11, 43), None, (21, 28, 28)),
    "lung-non-small-cell": ((8.2, 7, 9.4), 0.45, (None, 28, None)),
    "oesophagus": ((4.9, 1.5, 17), 0.59, (None, 28, None)),
    "bladder": ((10, None, None), 0.36, (35, 35, 42)),
    "medulloblastoma": ((10, None, None), 0.52, (0, 21, 21)),
    "skin": ((8.5, 4.5, 11.3), None, (21, 28, 28)),
    "breast": ((3.5, 1.2, 5.7), None, (None, 28, None)),
    "prostate": ((2.7, 1.6, 3.8), 0.24, (None, 52, None)),
}
"""α/β with its limits, proliferation in Gy of 2 Gy fractions a day where known, delay between its limits."""
CATEGORIES = {"skin": 2, "breast": 2, "prostate": 2}


@pytest.mark.parametrize("site", LITERATURE)
def test_the_parameters_of_a_site_are_those_of_the_literature(site: str) -> None:
    tumour = own_parameters().tumours[site]
    ratio, delay = tumour.alpha_beta_gy, tumour.repopulation.delay_days
    (value, low, high), proliferation, (from_days, days, to_days) = LITERATURE[site]

    assert (ratio.value, ratio.low, ratio.high) == (value, low, high)
    assert (delay.low, delay.value, delay.high) == (from_days, days, to_days)
    assert tumour.rcr_category == CATEGORIES.get(site, 1)
    if proliferation is not None:
        found = proliferation_of_k(tumour.repopulation.k_gy_per_day.value, ratio.value)
        assert found == pytest.approx(proliferation)


def test_what_the_department_agreed_on_is_what_the_guidance_says() -> None:
    rules = own_parameters().rules

    assert (rules.tolerated_days_category_1.value, rules.tolerated_days_category_2.value) == (2, 5)
    assert (rules.interval_h.value, rules.two_a_day_dose_gy_max.value) == (6, 2.2)
    assert (rules.late_rise_percent_max.value, rules.fractions_a_week_max.value) == (5, 7)
    tissues = own_parameters().tissues
    assert (tissues["late"].alpha_beta_gy.value, tissues["spinal-cord"].alpha_beta_gy.value) == (3, 2)
    assert tissues["late"].repair_half_time_h.value == 4.4
