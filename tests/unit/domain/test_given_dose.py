"""The dose given so far, from what plans state and records delivered."""

from __future__ import annotations

import pytest
from course_builders import beam, delivery, fraction, plan, record, stands

from beamkeeper.domain.plan import FractionGroup

NO_BEAM_DOSE = (beam(1, 100.0, beam_dose_gy=None), beam(2, 300.0, beam_dose_gy=None))


def test_a_begun_fraction_gives_each_beam_its_share_of_the_dose() -> None:
    uneven = plan(beams=(beam(1, beam_dose_gy=1.5), beam(2, beam_dose_gy=0.5)))
    at = stands(fraction(1), record("9.9", delivery(1, 2, 50.0)), plans=(uneven,))

    assert at.dose_so_far_gy == pytest.approx(2.0 + 0.75)


def test_without_beam_doses_the_prescription_is_shared_by_meterset() -> None:
    prescribed = plan(beams=NO_BEAM_DOSE, target_prescription_dose_gy=60.0)
    at = stands(record("9.1", delivery(1, 1, 100.0)), plans=(prescribed,))

    assert at.dose_so_far_gy == pytest.approx(2.0 * 100 / 400)


def test_a_plan_that_states_no_dose_gives_none_not_zero() -> None:
    assert stands(fraction(1), plans=(plan(beams=NO_BEAM_DOSE),)).dose_so_far_gy is None


def test_each_fraction_group_counts_with_its_own_beams() -> None:
    first = FractionGroup(fraction_group_number=1, number_of_fractions_planned=2, beam_numbers=(1,))
    boost = FractionGroup(fraction_group_number=2, number_of_fractions_planned=1, beam_numbers=(2,))
    two = plan(beams=(beam(1, beam_dose_gy=2.0), beam(2, beam_dose_gy=3.0)), fraction_groups=(first, boost))
    at = stands(record("9.1", delivery(1, 1), delivery(1, 2), delivery(2, 1)), plans=(two,))

    assert at.dose_so_far_gy == pytest.approx(2.0 + 2.0 + 3.0)


def test_too_much_of_a_beam_does_not_count_as_more_dose_than_planned() -> None:
    at = stands(record("9.1", delivery(1, 1, 120.0), delivery(2)))

    assert at.dose_so_far_gy == pytest.approx(2.0)
