"""One-time codes: bound to night, list and person, forgiving to who types them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.quorum import NightFacts, QuorumRule
from beamkeeper.protect.quorum.codes import VALID_FOR, code_expires_at, code_for, is_code

SECRET = b"s" * 32
FACTS = NightFacts(
    night=date(2026, 3, 3), digest="a" * 64, items=("p",), reported_at=datetime(2026, 3, 3, 3, tzinfo=UTC)
)
CODE = code_for(SECRET, FACTS, "an")


def test_a_code_is_ten_letters_and_digits_hard_to_mistake() -> None:
    assert len(CODE) == 11
    assert CODE[5] == "-"
    assert not set("ILOU") & set(CODE)


def test_night_list_person_and_secret_each_make_another_code() -> None:
    others = {
        code_for(SECRET, FACTS, "bo"),
        code_for(SECRET, replace(FACTS, digest="b" * 64), "an"),
        code_for(SECRET, replace(FACTS, night=date(2026, 3, 4)), "an"),
        code_for(b"t" * 32, FACTS, "an"),
    }

    assert len(others) == 4
    assert not any(is_code(other, CODE) for other in others)


@given(st.sampled_from([str.lower, str.upper]), st.sampled_from(["-", "", " "]))
def test_capitals_hyphens_and_look_alikes_make_no_difference(case, between) -> None:
    typed = case(CODE).replace("-", between).replace("0", "O").replace("1", "l")

    assert is_code(typed, CODE)


@given(st.text(max_size=20))
def test_nothing_else_is_the_code(typed: str) -> None:
    assert not is_code(typed, CODE) or typed.upper().count(CODE[:2]) == 1


def test_a_code_needs_a_list_and_a_whole_secret() -> None:
    with pytest.raises(ValueError, match="whole secret"):
        code_for(b"short", FACTS, "an")
    with pytest.raises(ValueError, match="whole secret"):
        code_for(SECRET, NightFacts(night=date(2026, 3, 3)), "an")


def test_codes_are_good_until_a_day_after_the_deadline_or_after_a_late_report() -> None:
    rule = QuorumRule(zone=ZoneInfo("Europe/Brussels"))
    late = datetime(2026, 3, 4, 12, tzinfo=UTC)

    assert code_expires_at(FACTS, rule) == datetime(2026, 3, 4, 9, tzinfo=UTC)
    assert code_expires_at(replace(FACTS, reported_at=late), rule) == late + VALID_FOR
    assert timedelta(hours=24) == VALID_FOR
