"""How often a place is asked that has not let a patient go."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from beamkeeper.protect.retain import asked_again_at

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tries", "refusals", "hours"),
    [(1, 0, 1), (23, 0, 1), (24, 0, 24), (10_000, 0, 24), (1, 1, 1), (9, 3, 4), (9, 5, 16), (9, 10_000, 24)],
)
def test_who_is_silent_is_asked_hourly_for_a_day_and_who_refuses_ever_more_rarely(
    tries: int, refusals: int, hours: int
) -> None:
    again_at = asked_again_at(NOON, tries=tries, refusals=refusals)

    assert (again_at - NOON).total_seconds() == hours * 3600
