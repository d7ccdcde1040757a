"""An alarm is told at once, again while it lasts, and when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.clock import zone
from beamkeeper.protect.watch import Finding, FindingKind, OpenAlarm, TellingKind, WatchRule, due_night, told

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
STALE = Finding(kind=FindingKind.STALE, key="stale", what="Nobody feeds this vault.")


def kinds(alarms: tuple[OpenAlarm, ...], *findings: Finding, at: datetime) -> tuple[list[TellingKind], tuple]:
    tellings, after = told(alarms, findings, repeat_every=HOUR, now=at)
    return [telling.kind for telling in tellings], after


def test_an_alarm_is_told_at_once_again_after_an_hour_and_when_it_is_over() -> None:
    said, alarms = kinds((), STALE, at=START)
    assert said == [TellingKind.NEW]
    said, alarms = kinds(alarms, STALE, at=START + HOUR / 2)
    assert said == []
    said, alarms = kinds(alarms, STALE, at=START + HOUR)
    assert said == [TellingKind.LASTS]
    assert alarms[0].since == START
    said, alarms = kinds(alarms, at=START + 2 * HOUR)
    assert (said, alarms) == ([TellingKind.OVER], ())


def test_a_clock_set_back_does_not_silence_an_alarm() -> None:
    _, alarms = kinds((), STALE, at=START)
    said, _ = kinds(alarms, STALE, at=START - 24 * HOUR)
    assert said == [TellingKind.LASTS]


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.integers(1, 180)), max_size=30))
def test_whoever_listens_always_knows_which_alarms_are_open(looks: list[tuple[set[str], int]]) -> None:
    alarms: tuple[OpenAlarm, ...] = ()
    heard: set[str] = set()
    now = START
    for keys, minutes in looks:
        now += timedelta(minutes=minutes)
        findings = [Finding(kind=FindingKind.PARCEL_MISSING, key=key, what=key) for key in sorted(keys)]
        tellings, alarms = told(alarms, findings, repeat_every=HOUR, now=now)
        for telling in tellings:
            key = telling.alarm.finding.key
            assert (key in heard) == (telling.kind is not TellingKind.NEW)
            (heard.discard if telling.kind is TellingKind.OVER else heard.add)(key)
        assert heard == keys == {alarm.finding.key for alarm in alarms}
        assert all(now - alarm.told_at < HOUR for alarm in alarms)


def test_the_night_is_due_at_the_agreed_local_hour_on_both_nights_the_clocks_change() -> None:
    rule = WatchRule(zone=zone("Europe/Brussels"))
    for day, utc_hour in ((datetime(2026, 3, 29, tzinfo=UTC), 5), (datetime(2026, 10, 25, tzinfo=UTC), 6)):
        due = day + timedelta(hours=utc_hour)
        assert due_night(rule, due - timedelta(seconds=1)) == (day - timedelta(days=1)).date()
        assert due_night(rule, due) == day.date()
