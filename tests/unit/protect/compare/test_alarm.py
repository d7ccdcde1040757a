"""Too much at once stops the night; a small department's ordinary night does not."""

from __future__ import annotations

import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.protect.compare.re_encoding import whole
from tests.unit.protect.compare.synthetic_plans import vmat_plan

from beamkeeper.protect.compare import (
    ENTROPY_SAMPLE_BYTES,
    AlarmKind,
    EntropySample,
    MassFacts,
    MassLimits,
    byte_entropy,
    mass_change_alarm,
)


def night(**counts: object) -> MassFacts:
    return MassFacts(**{"known": 1000, "changed": 0, "missing": 0, "unreadable": 0, "arrived": 1000} | counts)


def test_a_quiet_night_is_no_alarm() -> None:
    assert mass_change_alarm(night()) is None


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ({"changed": 101}, AlarmKind.MASS_CHANGE),
        ({"missing": 101}, AlarmKind.MASS_MISSING),
        ({"unreadable": 101}, AlarmKind.MASS_UNREADABLE),
        ({"arrived": 0}, AlarmKind.NOTHING_ARRIVED),
    ],
)
def test_more_than_a_tenth_at_once_is_an_alarm(counts: dict[str, int], kind: AlarmKind) -> None:
    alarm = mass_change_alarm(night(**counts))

    assert alarm is not None
    assert alarm.kind is kind
    assert "1,000" in alarm.text


def test_exactly_the_limit_is_no_alarm() -> None:
    assert mass_change_alarm(night(changed=100, missing=100, unreadable=100)) is None


def test_one_of_three_in_a_small_department_is_no_alarm() -> None:
    assert mass_change_alarm(night(known=3, arrived=3, changed=1, missing=1)) is None


def test_the_floor_is_where_shares_begin_to_count() -> None:
    assert mass_change_alarm(night(known=40, arrived=40, changed=19)) is None
    assert mass_change_alarm(night(known=40, arrived=40, changed=20)) is not None


def test_a_first_night_knows_nothing_and_is_no_alarm() -> None:
    assert mass_change_alarm(night(known=0, arrived=5000)) is None


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000))
def test_more_trouble_never_silences_an_alarm(known: int, missing: int, more: int) -> None:
    before = mass_change_alarm(night(known=known, missing=missing))

    if before is not None:
        assert mass_change_alarm(night(known=known, missing=missing + more)) is not None


NOISE = EntropySample(before_bits=5.0, now_bits=7.99)


def test_noise_where_there_was_none_is_an_alarm() -> None:
    alarm = mass_change_alarm(night(samples=(NOISE,) * 5))

    assert alarm is not None
    assert alarm.kind is AlarmKind.HIGH_ENTROPY


@pytest.mark.parametrize(
    "samples",
    [
        (NOISE,) * 4,
        (NOISE,) * 5 + (EntropySample(before_bits=5.0, now_bits=5.1),) * 15,
        (EntropySample(before_bits=7.9, now_bits=7.99),) * 50,
        (EntropySample(before_bits=5.0, now_bits=7.99, compressed=True),) * 50,
    ],
    ids=["few", "small share", "dense before", "compressed pixels"],
)
def test_dense_content_alone_is_no_alarm(samples: tuple[EntropySample, ...]) -> None:
    assert mass_change_alarm(night(samples=samples)) is None


def test_entropy_tells_encrypted_from_clinical() -> None:
    plan = whole(vmat_plan(points=100, pairs=60))

    assert byte_entropy(b"") == 0.0
    assert byte_entropy(bytes(1000)) == 0.0
    assert byte_entropy(plan) < 6
    assert byte_entropy(os.urandom(ENTROPY_SAMPLE_BYTES)) > MassLimits().high_bits
    assert byte_entropy(zlib.compress(plan * 4)) > byte_entropy(plan)


@given(st.binary(max_size=3000))
def test_entropy_lies_between_nothing_and_eight_bits(sample: bytes) -> None:
    assert 0.0 <= byte_entropy(sample) <= 8.0
