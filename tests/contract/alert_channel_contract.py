"""What every way of calling people must do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.alerting import Alert, Channel, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

ALERT = Alert(
    kind="overdue",
    severity=Severity.ALERT,
    site='Zuid "A]"',
    night="2026-03-03",
    text="Beamkeeper Zuid: NIET bevestigd, één van 2.",
    at=datetime(2026, 3, 3, 9, tzinfo=UTC),
)


class AlertChannelContract:
    """Fixtures: `channel` that works, `heard()` for what came out, and `dead` channels that do not.

    `seen_dead`: the places of those among `dead` that are found out without an alert.
    """

    seen_dead: tuple[int, ...] = (0,)

    def test_the_text_arrives_whole(self, channel: Channel, heard: Callable[[], list[str]]) -> None:
        channel.send(ALERT)

        assert len(heard()) == 1
        assert ALERT.text in heard()[0]
        assert "overdue" in heard()[0]

    def test_two_alerts_are_two(self, channel: Channel, heard: Callable[[], list[str]]) -> None:
        channel.send(ALERT)
        channel.send(ALERT)

        assert len(heard()) == 2

    def test_a_look_whether_it_can_be_reached_tells_nobody(
        self, channel: Channel, heard: Callable[[], list[str]]
    ) -> None:
        channel.reach()
        channel.send(ALERT)

        assert len(heard()) == 1

    def test_what_cannot_be_reached_is_told_without_an_alert(self, dead: tuple[Channel, ...]) -> None:
        for number, channel in enumerate(dead):
            if number in self.seen_dead:
                with pytest.raises(SourceUnavailable):
                    channel.reach()
            else:
                channel.reach()

    def test_what_nobody_took_is_told_by_the_channels_name(self, dead: tuple[Channel, ...]) -> None:
        for channel in dead:
            with pytest.raises(SourceUnavailable, match=channel.name) as error:
                channel.send(ALERT)
            assert error.value.do_next
            assert ALERT.text not in error.value.message


@pytest.mark.parametrize("text", ["", "x" * 1_001])
def test_an_alert_says_something_and_is_short(text: str) -> None:
    with pytest.raises(ValueError, match="short"):
        Alert(kind="test", severity=Severity.NOTICE, site="s", night="", text=text, at=ALERT.at)
