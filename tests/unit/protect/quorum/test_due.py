"""Who is called when: at the deadline, every ten minutes, further people later, and once it is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.quorum import (
    AlarmKind,
    Confirmed,
    Disputed,
    Overdue,
    Quiet,
    QuorumRule,
    Sent,
    Unverified,
    alarms_due,
)

NIGHT = date(2026, 3, 29)
SINCE = datetime(2026, 3, 29, 8, tzinfo=UTC)
"""10:00 on the morning on which Brussels lost an hour."""
RULE = QuorumRule(zone=ZoneInfo("Europe/Brussels"), recipients=("an", "bo"), escalate_to=("head", "an"))
OVERDUE = Overdue(night=NIGHT, since=SINCE)
MINUTE = timedelta(minutes=1)


def sent_over(state, *, minutes: range) -> list[tuple[int, AlarmKind, tuple[str, ...]]]:
    """Tick every minute, remember what was sent, and return when what went to whom."""
    sent: list[Sent] = []
    timeline = []
    for minute in minutes:
        now = SINCE + minute * MINUTE
        for alarm in alarms_due(state, RULE, now, sent):
            sent.append(Sent(key=alarm.key, at=now))
            timeline.append((minute, alarm.kind, alarm.to))
    return timeline


def test_an_overdue_night_makes_noise_every_ten_minutes_and_escalates_after_an_hour() -> None:
    first, all_ = ("an", "bo"), ("an", "bo", "head")
    expected = [(minute, AlarmKind.OVERDUE, first) for minute in range(0, 60, 10)]
    expected += [(minute, AlarmKind.ESCALATED, all_) for minute in range(60, 121, 10)]

    assert sent_over(OVERDUE, minutes=range(121)) == expected


def test_a_stopped_night_calls_everybody_at_once_and_once_for_the_same_list() -> None:
    waits = Unverified(night=NIGHT, deadline_at=SINCE)
    (alarm,) = alarms_due(waits, RULE, SINCE - 8 * 60 * MINUTE, [], stopped="a")
    sent = [Sent(key=alarm.key, at=SINCE)]

    assert (alarm.kind, alarm.to) == (AlarmKind.STOPPED, ("an", "bo", "head"))
    assert alarms_due(waits, RULE, SINCE - MINUTE, sent, stopped="a") == ()
    assert [one.kind for one in alarms_due(OVERDUE, RULE, SINCE, sent, stopped="b")] == [
        AlarmKind.STOPPED,
        AlarmKind.OVERDUE,
    ]
    assert alarms_due(Quiet(night=NIGHT), RULE, SINCE, [], stopped="a") == ()


def test_after_a_pause_one_reminder_is_due_and_not_all_that_were_missed() -> None:
    sent = [Sent(key=alarm.key, at=SINCE) for alarm in alarms_due(OVERDUE, RULE, SINCE, [])]
    after = SINCE + timedelta(hours=5)

    assert len(alarms_due(OVERDUE, RULE, after, sent)) == 1


@given(st.lists(st.integers(0, 3000), max_size=40))
def test_no_alarm_goes_out_twice_whenever_anybody_looks(minutes) -> None:
    sent: list[Sent] = []
    for minute in minutes:
        now = SINCE + minute * MINUTE
        sent += [Sent(key=alarm.key, at=now) for alarm in alarms_due(OVERDUE, RULE, now, sent)]

    assert len({item.key for item in sent}) == len(sent)
    assert len(sent) == len({minute // 10 for minute in minutes})


def test_nobody_is_called_before_the_deadline_or_for_a_quiet_night() -> None:
    waiting = Unverified(night=NIGHT, deadline_at=SINCE)

    assert sent_over(waiting, minutes=range(-60, 0)) == []
    assert sent_over(Quiet(night=NIGHT), minutes=range(-60, 600, 10)) == []


def test_a_dispute_calls_everybody_at_once_and_once() -> None:
    state = Disputed(night=NIGHT, by=("bo",), since=SINCE - timedelta(hours=2), items=("p1",))

    assert sent_over(state, minutes=range(-119, 300)) == [(-119, AlarmKind.DISPUTED, ("an", "bo", "head"))]


def test_a_second_persons_dispute_calls_again() -> None:
    first = Disputed(night=NIGHT, by=("bo",), since=SINCE, items=("p1",))
    second = Disputed(night=NIGHT, by=("bo", "cy"), since=SINCE + MINUTE, items=("p1",))
    sent = [Sent(key=alarm.key, at=SINCE) for alarm in alarms_due(first, RULE, SINCE, [])]

    assert [alarm.kind for alarm in alarms_due(second, RULE, SINCE + MINUTE, sent)] == [AlarmKind.DISPUTED]


def test_who_was_called_is_told_once_that_it_is_over() -> None:
    confirmed = Confirmed(night=NIGHT, by=("an", "bo"), at=SINCE + 15 * MINUTE, late=True)
    sent = [Sent(key=alarm.key, at=SINCE) for alarm in alarms_due(OVERDUE, RULE, SINCE, [])]
    now = SINCE + 15 * MINUTE
    clear = alarms_due(confirmed, RULE, now, sent)

    assert [alarm.kind for alarm in clear] == [AlarmKind.ALL_CLEAR]
    assert alarms_due(confirmed, RULE, now, [*sent, Sent(key=clear[0].key, at=now)]) == ()


def test_a_night_confirmed_in_time_calls_nobody() -> None:
    confirmed = Confirmed(night=NIGHT, by=("an", "bo"), at=SINCE - MINUTE, late=False)
    of_another_night = Sent(key="2026-03-28/overdue/0", at=SINCE - timedelta(days=1))

    assert alarms_due(confirmed, RULE, SINCE, [of_another_night]) == ()
