"""A wrong course or parameters file is refused with the key and both facts, and no patient's data."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from courses import HEAD, PARAMETERS, computed, example

from beamkeeper.errors import ConfigError
from beamkeeper.respond.gap import Calendar, options_for, read_course, read_parameters
from beamkeeper.respond.gap.parameters_file import OWN_TEXT

WRONG = [
    (
        "fractions = 35",
        "fractions = -35",
        "prescription.fractions: Input should be greater than or equal to 1",
    ),
    (
        "fractions = 35",
        "fractions = 10000",
        "prescription.fractions: Input should be less than or equal to 100",
    ),
    ("fractions = 35", "fractions = 34.5", "prescription.fractions: Input should be a valid integer"),
    ("fractions = 35", "", "prescription.fractions: Field required"),
    ("= 2.0\n", "= nan\n", "prescription.dose_per_fraction_gy: Input should be a finite number"),
    ("= 2.0\n", "= inf\n", "prescription.dose_per_fraction_gy: Input should be"),
    ("= 2.0\n", "= -2.0\n", "prescription.dose_per_fraction_gy: Input should be greater than 0"),
    ("= 2.0\n", '= "2"\n', "prescription.dose_per_fraction_gy: Input should be a valid number"),
    ("= 2.0\n", "= true\n", "prescription.dose_per_fraction_gy: Input should be a valid number"),
    ("= 2.0\n", "= 2.0\ncolour = 1\n", "prescription.colour: Extra inputs are not permitted"),
    ('"head-and-neck"', '"toe"', "there is no tumour site 'toe'; there are bladder, breast"),
    ("fractions = 20 ", "fractions = 36 ", "36 fractions were given, more than the 35 that are prescribed"),
    ("fractions = 20 ", "fractions = 35 ", "all 35 prescribed fractions were given"),
    (
        "2026-10-12",
        "2026-10-02",
        "goes on on 2026-10-02, which is not after the last fraction, of 2026-10-02",
    ),
    ("2026-10-12", "2026-09-01", "which is not after the last fraction"),
    ("2026-10-12", "2028-10-12", "more than 400 days after the first fraction"),
    ("2026-10-12", '"Monday"', "gap.resume_on: Input should be a valid date"),
    ("2026-10-12", "2026-10-12T08:00:00Z", "gap.resume_on: Input should be a valid date"),
    ("last_on = 2026-10-23", "last_on = 2026-10-26", "by the calendar fraction 35 falls on 2026-10-23"),
    ("first_on = 2026-09-07", "first_on = 2026-09-06", "given.first_on: 2026-09-06 is missed, a holiday, or"),
    ("first_on = 2026-09-07", "", "give either `on`, a day for each fraction, or both"),
    ("dose_percent = 64", "dose_percent = 0", "late.1.dose_percent: Input should be greater than 0"),
    ('"spinal-cord"', '"tail"', "late.1: there is no tissue 'tail'; there are late, spinal-cord"),
    ("version = 1", "version = 2", "version: Input should be 1"),
    ("[gap]", "[gap", "is not valid TOML"),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_a_wrong_course_is_refused_with_its_key_and_both_facts(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        computed(example(old, new))

    assert said in caught.value.message
    assert caught.value.do_next


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[model]\nk_gy_per_day = 1\nproliferation_gy_per_day = 1", "give repopulation in one form"),
        ("[model]\nalpha_per_gy = 0.3", "give repopulation in one form"),
        (
            "[model]\nalpha_per_gy = 1e-300\ndoubling_days = 1e-300",
            "model.alpha_per_gy: Input should be greater than or equal to 0.001",
        ),
        ("[model]\ninterval_h = 4", "model.interval_h: Input should be greater than or equal to 6"),
        ("[model]\ndelay_days = -1", "model.delay_days: Input should be greater than or equal to 0"),
        ("[model]\nk_gy_per_day = 50", "the prescribed course has no effect on the tumour"),
        ("[aim]\ntumour_percent = 101", "aim.tumour_percent: Input should be less than or equal to 100"),
        (
            "[[considered]]\ntitle = 'JANSSENS'\non = [2026-10-01]",
            "considered.0 begins before treatment can go",
        ),
        (
            "[[considered]]\ntitle = 'a'\non = [2026-10-14, 2026-10-13]",
            "considered.0.on: the days are not in order",
        ),
        ("[[considered]]\ntitle = 'a'\non = []", "considered.0.on: List should have at least 1 item"),
        ("[patient]\nname = 'a\\u0007'\nborn = 1", "patient.born: Extra inputs are not permitted"),
    ],
)
def test_what_contradicts_itself_is_refused(more: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        computed(example() + more)

    assert said in caught.value.message
    assert "JANSSENS" not in caught.value.message


def test_doses_that_do_not_match_the_fractions_are_refused() -> None:
    with pytest.raises(ConfigError, match="`dose_gy` has 2 doses for 20 fractions"):
        computed(example("# missed = [2026-09-16]", "dose_gy = [2.0, 1.1]"))


def test_a_file_full_of_faults_names_five_and_counts_the_rest() -> None:
    with pytest.raises(ConfigError, match=r"and \d+ more\."):
        computed(HEAD + "\n".join(f"key{number} = 1" for number in range(20)))


def test_a_machine_in_service_for_ever_is_said_not_computed() -> None:
    days = frozenset(date(2026, 10, 12) + timedelta(days=number) for number in range(500))
    with pytest.raises(ConfigError, match="The calendar has 0 treatment days in 400 days; 15 fractions"):
        options_for(*read_course(example(), PARAMETERS, Calendar(service=days)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value = 0.9, range = [0.6, 1.32]", "value = 2, range = [0.6, 1.32]", "2 is not within its range"),
        ('source = "dale-2002"', 'source = "nobody"', "names a source that is not listed: nobody"),
        ('late = ["late"]', 'late = ["tail"]', "names a tissue that is not there: tail"),
        (
            "interval_h = { value = 6",
            "interval_h = { value = 1",
            "rules.interval_h: 1 is not between 6 and 24",
        ),
        ("interval_h =", "intervall_h =", "rules.intervall_h: no such rule"),
        ("k_gy_per_day = { value = 0.9", "k_per_day = { value = 0.9", "k_per_day: Extra inputs"),
        (
            "value = 10, range",
            "value = 0, range",
            "alpha_beta_gy.value: Input should be greater than or equal to 0.1",
        ),
    ],
)
def test_a_wrong_parameters_file_is_refused(old: str, new: str, said: str) -> None:
    assert old in OWN_TEXT
    with pytest.raises(ConfigError) as caught:
        read_parameters([("ours.toml", OWN_TEXT.replace(old, new, 1))])

    assert said in caught.value.message
