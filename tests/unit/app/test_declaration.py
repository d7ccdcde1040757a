"""Until when treatment worked, as typed at three in the morning: held against the copy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.protect.lists.people_on_lists import HEAD, NIGHT, NOW, person

from beamkeeper.app.jobs.declaration import Typed, declaration
from beamkeeper.app.jobs.declaring import inventory_of
from beamkeeper.app.jobs.lists import Gathered
from beamkeeper.errors import ConfigError

FOUND = Gathered(head=HEAD, persons=(person(1, "Jansen^Maria"),))
LAST = NOW - timedelta(days=1)
"""The last record of the copy: 2 March, 07:30 on the wall."""


def worked_until(text: str) -> tuple[str, ...]:
    said = declaration(Typed(by="A", worked_until=text), FOUND, NOW)
    return inventory_of(FOUND, said.attacked_at).warnings


@pytest.mark.parametrize("text", ["2026-02-20 18:00", "2026-03-02 06:10"])
def test_treatment_did_not_stop_before_a_treatment_that_the_copy_holds(text: str) -> None:
    with pytest.raises(ConfigError, match="holds a treatment of 2026-03-02 07:30"):
        worked_until(text)


def test_clocks_that_differ_by_less_than_an_hour_contradict_nothing() -> None:
    assert worked_until("2026-03-02 06:45")


def test_where_treatment_stopped_before_the_copy_it_is_said_that_nobody_is_asked() -> None:
    (said,) = worked_until("2026-03-02 18:00")

    assert "worked until Mon 2026-03-02 18:00, before the copy of Tue 2026-03-03" in said
    assert "nobody is asked" in said


def test_on_the_day_of_the_copy_people_are_asked_and_nothing_is_warned_of() -> None:
    assert f"{NIGHT}" == "2026-03-03"
    assert worked_until("2026-03-03 07:00") == ()
