"""By when whom to tell, counted from when somebody knew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Tick
from beamkeeper.respond.incident.clocks import Due, clocks, next_due, standing_clocks
from beamkeeper.respond.incident.pages import left_in_words

BRUSSELS = ZoneInfo("Europe/Brussels")
AWARE = datetime(2026, 3, 28, 6, 30, tzinfo=BRUSSELS).astimezone(UTC)
"""The night after it the clocks go forward."""


def due(now: datetime = AWARE, reported: dict[str, Tick] | None = None, *laws: str) -> dict[str, Due]:
    found = standing_clocks(clocks(laws), aware_at=AWARE, reported=reported or {}, zone=BRUSSELS, now=now)
    return {item.clock.clock_id: item for item in found}


def test_every_law_has_its_hours() -> None:
    hours = {name: (item.due_at - AWARE) / timedelta(hours=1) for name, item in due().items()}

    assert hours.pop("nis2-1m") == (72 + 30 * 24)
    assert hours == {"nis2-24h": 24, "nis2-72h": 72, "gdpr-72h": 72, "hipaa-24h": 24, "hipaa-72h": 72}


def test_hours_are_hours_also_where_the_clocks_go_forward() -> None:
    assert due()["gdpr-72h"].due_at == AWARE + timedelta(hours=72)
    assert due()["nis2-24h"].due_at.astimezone(BRUSSELS).hour == 7


def test_the_final_report_is_due_a_month_after_the_notification() -> None:
    told = Tick(by="B", at=datetime(2026, 1, 31, 12, tzinfo=BRUSSELS))

    assert due()["nis2-1m"].due_at == datetime(2026, 4, 30, 7, 30, tzinfo=BRUSSELS)
    assert due(reported={"nis2-72h": told})["nis2-1m"].due_at == datetime(2026, 2, 28, 12, tzinfo=BRUSSELS)


def test_a_clock_is_over_only_while_nobody_reported() -> None:
    late = AWARE + timedelta(hours=25)
    told = {"nis2-24h": Tick(by="B", at=AWARE)}

    assert due(late)["nis2-24h"].is_over
    assert not due(late, told)["nis2-24h"].is_over
    assert not due(AWARE)["nis2-24h"].is_over


def test_the_next_one_comes_first_and_what_is_done_last() -> None:
    order = list(due(AWARE, {"nis2-24h": Tick(by="B", at=AWARE)}, "nis2", "gdpr"))

    assert order == ["gdpr-72h", "nis2-72h", "nis2-1m", "nis2-24h"]


def test_a_department_chooses_whose_clocks_run() -> None:
    assert {item.clock.law for item in due(AWARE, None, "gdpr").values()} == {"GDPR"}
    with pytest.raises(ConfigError, match="kvkk"):
        clocks(["GDPR", "KVKK"])


def test_what_is_only_proposed_says_so() -> None:
    assert {clock.law for clock in clocks() if not clock.in_force} == {"HIPAA"}


def test_the_next_clock_is_of_a_law_in_force_and_a_proposed_one_when_these_are_told() -> None:
    every = due()
    proposed = [one for one in every.values() if not one.clock.in_force]
    first = next_due(every.values())

    assert first is not None
    assert first.clock.clock_id == "nis2-24h"
    assert next_due(proposed) is proposed[0]
    assert next_due(()) is None


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(hours=23, minutes=59), "23 h 59 min left"),
        (timedelta(days=3), "3 d 0 h left"),
        (timedelta(minutes=-61), "OVER since 1 h 01 min"),
    ],
)
def test_what_is_left_is_said_in_words(left: timedelta, said: str) -> None:
    assert left_in_words(left) == said
