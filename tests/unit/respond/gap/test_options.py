"""Which options there are, what each asks and warns of; nothing is marked, and what is not there says why."""

from __future__ import annotations

from datetime import date

import pytest
from courses import PARAMETERS, codes, computed, example, ids

from beamkeeper.respond.gap import Calendar, options_for, read_course, read_parameters
from beamkeeper.respond.gap.parameters_file import OWN_TEXT

EXTRA = [f"extra-{count}" for count in range(1, 8)]


def test_the_order_is_the_same_for_every_course_and_no_option_is_marked() -> None:
    options = computed(example())

    assert ids(options) == [
        "weekends",
        "two-a-day",
        "fewer-tumour",
        "fewer-late",
        "fewer-weekends-tumour",
        "fewer-weekends-late",
        "weekends-larger",
        "later-0-larger",
        "later-1-larger",
        "later-2-larger",
        *EXTRA,
    ]
    assert "a physician decides" in options.decides
    assert not {"recommended", "best", "score", "rank"} & set(dir(options.options[0]))


def test_slots_say_what_the_machine_is_asked_for() -> None:
    options = computed(example())
    slots = {option.id: option.slots for option in options.options}

    assert (slots["weekends"].make_up, slots["weekends"].after_end) == (4, 3)
    assert (slots["two-a-day"].second, slots["two-a-day"].total) == (5, 15)
    assert slots["fewer-tumour"].more_than_nothing == -5
    assert slots["extra-1"].more_than_nothing == 1


def test_a_short_gap_is_made_up_on_as_few_weekend_days_as_are_needed() -> None:
    options = computed(example("2026-10-12", "2026-10-06"))
    days = [day.on for day in options.options[0].outcome.schedule if day.on.weekday() > 4]

    assert options.options[0].id == "weekends"
    assert days == [date(2026, 10, 17)]
    assert options.options[0].outcome.last_on == options.course.planned_last_on


def test_weekends_and_two_a_day_are_joined_only_where_neither_is_enough() -> None:
    late = computed(example("2026-10-12", "2026-10-19"))

    assert "weekends-two-a-day" not in ids(computed(example()))
    assert ids(late)[:3] == ["weekends", "two-a-day", "weekends-two-a-day"]
    assert codes(late, "weekends-two-a-day") >= {"two-a-day", "week-load"}


def test_the_same_days_are_not_offered_twice() -> None:
    three_left = example("fractions = 20 ", "fractions = 32 ").replace("2026-10-12", "2026-11-02")

    assert [id_ for id_ in ids(computed(three_left)) if "end" in id_ or "two" in id_] == [
        "two-a-day",
        "two-a-day-larger",
    ]


def test_a_gap_beyond_the_planned_end_has_no_fewer_fractions_and_says_so() -> None:
    options = computed(example("2026-10-12", "2026-10-26"))

    assert not [id_ for id_ in ids(options) if id_.startswith("fewer")]
    assert "no treatment day is left before the planned end" in {item.reason for item in options.not_possible}


def test_weekends_that_are_too_few_to_keep_the_size_keep_it_smaller() -> None:
    options = computed(example())
    outcomes = {option.id: option.outcome for option in options.options}
    joined, alone = outcomes["fewer-weekends-tumour"], outcomes["fewer-tumour"]

    assert (joined.fractions, joined.last_on) == (12, options.course.planned_last_on)
    assert 2 < joined.dose_per_fraction_gy < alone.dose_per_fraction_gy
    assert joined.tumour.bed_gy == pytest.approx(67.8)
    assert joined.late[0].bed_gy < alone.late[0].bed_gy


def test_nobody_comes_at_weekends_where_the_department_says_so() -> None:
    options = computed(example('# make_up_days = ["sat", "sun"]', "make_up_days = []"))

    assert "weekends" not in ids(options)
    assert "no day to make up on lies before they end" in {item.reason for item in options.not_possible}


def test_a_weekend_that_is_a_holiday_makes_nothing_good_unless_it_is_named() -> None:
    saturday = date(2026, 10, 17)
    holiday = frozenset({saturday})

    assert Calendar().is_make_up_day(saturday)
    assert not Calendar(holidays=holiday).is_make_up_day(saturday)
    assert not Calendar(service=holiday).is_make_up_day(saturday)
    assert Calendar(holidays=holiday, make_up_on=holiday).is_make_up_day(saturday)
    assert not Calendar(make_up_weekdays=frozenset()).is_make_up_day(saturday)


def test_a_holiday_was_planned_around_and_a_service_day_was_not() -> None:
    holiday = computed(
        example("holidays = [2026-11-01]", "holidays = [2026-10-15]").replace(
            "last_on = 2026-10-23", "last_on = 2026-10-26"
        )
    )
    service = computed(example("# service = [2026-10-15]", "service = [2026-10-15]"))

    assert (holiday.prescribed.overall_days, service.prescribed.overall_days) == (49, 46)
    for options in (holiday, service):
        assert not any(
            day.on == date(2026, 10, 15) for option in options.options for day in option.outcome.schedule
        )


def test_the_calendar_of_the_site_holds_for_the_course() -> None:
    site = Calendar(service=frozenset({date(2026, 10, 12)}))
    options = options_for(*read_course(example(), PARAMETERS, site))

    assert options.nothing.schedule[0].on == date(2026, 10, 13)


@pytest.mark.parametrize(
    ("old", "new", "id_", "code"),
    [
        ("", "", "two-a-day", "cord"),
        ("", "", "later-0-larger", "late-rise"),
        ("", "", "extra-1", "worse-than-nothing"),
        ("", "", "extra-6", "worse-than-one-less"),
        ("", "", "fewer-late", "below-aim"),
        ("", "", "fewer-tumour", "new-plan"),
        ("= 2.0\n", "= 2.4\n", "two-a-day", "two-a-day-dose"),
        ("2026-10-12", "2026-10-22", "fewer-tumour", "outside-model"),
        ("2026-10-12", "2026-10-22", "weekends", "ends-later"),
    ],
)
def test_what_speaks_against_an_option_is_said(old: str, new: str, id_: str, code: str) -> None:
    assert code in codes(computed(example(old, new)), id_)


def test_what_is_to_be_known_of_all_options_stands_above_them() -> None:
    options = computed(
        example("# with_chemotherapy", "with_chemotherapy")
        .replace("# missed = [2026-09-16]", f"dose_gy = [{', '.join(['2.0'] * 19)}, 1.1]")
        .replace("holidays = [2026-11-01]", "holidays = []")
    )

    assert [caution.code for caution in options.cautions] == ["chemotherapy", "no-holidays", "partial-dose"]


def test_a_fraction_of_another_dose_counts_with_its_own() -> None:
    whole = computed(example())
    partial = computed(example("# missed = [2026-09-16]", f"dose_gy = [{', '.join(['2.0'] * 19)}, 1.0]"))

    assert partial.nothing.tumour.bed_gy == pytest.approx(whole.nothing.tumour.bed_gy - 2.4 + 1.1)


def test_a_course_of_two_a_day_is_made_up_at_weekends_and_not_with_a_third() -> None:
    options = computed(
        example("# fractions_per_day = 1 ", "fractions_per_day = 2 ")
        .replace("last_on = 2026-10-23", "last_on = 2026-09-30")
        .replace("fractions = 20 ", "fractions = 10 ")
        .replace("2026-10-12", "2026-09-16")
    )

    assert "two-a-day" not in ids(options)
    assert "two-a-day-dose" in codes(options, "fewer-tumour")
    assert "two-a-day-dose" not in codes(options, "weekends")
    assert max(day.fractions for option in options.options for day in option.outcome.schedule) == 2


def test_a_plan_of_the_department_is_computed_with_the_others() -> None:
    text = (
        example()
        + """
[[considered]]
title = "as given"
on = [2026-10-12, 2026-10-12, 2026-10-13]
dose_per_fraction_gy = 2.1
[[considered]]
title = "sized"
on = [2026-10-12, 2026-10-13]
"""
    )
    given, sized = computed(text).options[-2:]

    assert (given.id, given.title, given.outcome.dose_per_fraction_gy) == ("considered-1", "as given", 2.1)
    assert [day.fractions for day in given.outcome.schedule] == [2, 1]
    assert sized.outcome.tumour.bed_gy == pytest.approx(67.8)


def test_a_departments_parameters_go_before_the_programs_and_bear_their_source() -> None:
    ours = """
format = "beamkeeper-gap-parameters"
version = 1
title = "ours"
edition = "1"
day_count = "inclusive"
[sources.protocol-12]
cite = "protocol 12"
known = "read"
[rules]
late_rise_percent_max = { value = 10, source = "protocol-12" }
[[tumours]]
id = "head-and-neck"
title = "Ours"
rcr_category = 1
late = ["late"]
alpha_beta_gy = { value = 10, source = "protocol-12" }
alpha_per_gy = { value = 0.35, source = "protocol-12" }
doubling_days = { value = 3, source = "protocol-12" }
delay_days = { value = 28, source = "protocol-12" }
repair_half_time_h = { value = 0, source = "protocol-12" }
"""
    sets = read_parameters([("ours.toml", ours)])
    options = options_for(*read_course(example(), sets, Calendar()))

    assert options.model.tumour.repopulation.k_gy_per_day.value == pytest.approx(0.6601, abs=0.0001)
    assert options.prescribed.overall_days == 47
    assert "protocol-12" in {source.tag for source in options.model.sources}
    assert options.model.parameters_sha256 != PARAMETERS.sha256
    assert "late-rise" not in codes(options, "later-0-larger")


def test_a_course_may_bring_its_whole_model() -> None:
    text = example('tumour_site = "head-and-neck"', "# none") + (
        "[model]\nalpha_beta_gy = 10\nk_gy_per_day = 0.9\ndelay_days = 28\n"
    )
    options = computed(text)

    assert options.nothing.tumour.bed_gy == pytest.approx(61.5)
    assert options.model.tumour.alpha_beta_gy.source == "course"


def test_every_number_of_the_program_names_a_source_and_none_is_called_read() -> None:
    assert {source.known for source in PARAMETERS.sources.values()} <= {
        "abstract",
        "restated",
        "recalled",
        "agreed",
    }
    assert set(PARAMETERS.tumours) == {
        line.split('"')[1]
        for line in OWN_TEXT.split("[[tumours]]", 1)[1].splitlines()
        if line.startswith("id = ")
    }
