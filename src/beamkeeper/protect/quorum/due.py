"""Which alarms are due: a rule over where a night stands, the time, and what was sent already."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.protect.quorum.trust import Disputed, Overdue, TrustState, is_trusted

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from beamkeeper.protect.quorum.rule import QuorumRule


class AlarmKind(StrEnum):
    """Why people are called."""

    STOPPED = "stopped"
    """A night was stopped by a mass change: possibly an attack that goes on."""
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    """Overdue for so long that further people are called."""
    DISPUTED = "disputed"
    ALL_CLEAR = "all_clear"
    """What was called for is settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An alarm that went out.

    Attributes
    ----------
    key
        `Alarm.key`.
    """

    key: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One reason to call people now.

    Attributes
    ----------
    key
        The same for the same alarm, so that it goes out once, also when a process dies in between.
    to
        Logins.
    """

    night: date
    kind: AlarmKind
    key: str
    to: tuple[str, ...]


def alarms_due(
    state: TrustState,
    rule: QuorumRule,
    now: datetime,
    already_sent: Collection[Sent],
    *,
    stopped: str = "",
) -> tuple[Alarm, ...]:
    """Return what has to go out about a night now: at most one alarm of a kind.

    After a pause only the present reminder is due, not those that were missed.

    Parameters
    ----------
    stopped
        The digest of the night's list when it was stopped by a mass change: nobody waits for the deadline
        then. "" otherwise.
    """
    alarm = _due(state, rule, now, [sent for sent in already_sent if _is_of(sent, state.night)])
    due = [] if alarm is None else [alarm]
    if stopped and not is_trusted(state):
        key = f"{state.night}/stopped/{stopped}"
        due.insert(0, Alarm(night=state.night, kind=AlarmKind.STOPPED, key=key, to=_everybody(rule)))
    keys = {sent.key for sent in already_sent}
    return tuple(alarm for alarm in due if alarm.key not in keys)


def _due(state: TrustState, rule: QuorumRule, now: datetime, sent: list[Sent]) -> Alarm | None:
    if isinstance(state, Overdue):
        return _reminder(state, rule, now)
    if isinstance(state, Disputed):
        key = f"{state.night}/disputed/{state.since.isoformat()}/{','.join(state.by)}"
        return Alarm(night=state.night, kind=AlarmKind.DISPUTED, key=key, to=_everybody(rule))
    if is_trusted(state):
        return _all_clear(state, rule, sent)
    return None


def _reminder(state: Overdue, rule: QuorumRule, now: datetime) -> Alarm:
    waited = now - state.since
    escalated = waited >= rule.escalate_after
    return Alarm(
        night=state.night,
        kind=AlarmKind.ESCALATED if escalated else AlarmKind.OVERDUE,
        key=f"{state.night}/overdue/{waited // rule.remind_every}",
        to=_everybody(rule) if escalated else rule.recipients,
    )


def _all_clear(state: TrustState, rule: QuorumRule, sent: list[Sent]) -> Alarm | None:
    """Tell those who were called that it is over, once after each time they were."""
    called = [item for item in sent if not item.key.startswith(f"{state.night}/clear/")]
    if not called:
        return None
    last = max(called, key=lambda item: (item.at, item.key))
    key = f"{state.night}/clear/{last.key}"
    return Alarm(night=state.night, kind=AlarmKind.ALL_CLEAR, key=key, to=_everybody(rule))


def _is_of(sent: Sent, night: date) -> bool:
    return sent.key.startswith(f"{night}/")


def _everybody(rule: QuorumRule) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*rule.recipients, *rule.escalate_to)))
