"""What to tell people now: an alarm at once, again while it lasts, and when it is over. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 - the codec reads these hints when it runs
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.clock import utc
from beamkeeper.protect.watch.findings import Finding  # noqa: TC001 - the same

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


class TellingKind(StrEnum):
    """Why something is told."""

    NEW = "new"
    LASTS = "lasts"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlarm:
    """A finding that lasts."""

    finding: Finding
    since: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One thing to tell now."""

    kind: TellingKind
    alarm: OpenAlarm

    def in_words(self) -> str:
        """Return one line for people; it names no patient."""
        finding = self.alarm.finding
        if self.kind is TellingKind.OVER:
            return f"✓ over: {finding.kind.value} ({finding.key})"
        since = f", since {self.alarm.since:%Y-%m-%d %H:%M} UTC" * (self.kind is TellingKind.LASTS)
        return f"✗ {finding.kind.value}{since}: {finding.what} → {finding.do_next}"


def told(
    open_alarms: Sequence[OpenAlarm],
    findings: Sequence[Finding],
    *,
    repeat_every: timedelta,
    now: datetime,
) -> tuple[tuple[Telling, ...], tuple[OpenAlarm, ...]]:
    """Return what to tell now, and the alarms that are open afterwards.

    A clock that was set back does not silence an alarm: one told in the future is told again.
    """
    now = utc(now)
    before = {(alarm.finding.kind, alarm.finding.key): alarm for alarm in open_alarms}
    tellings: list[Telling] = []
    after: list[OpenAlarm] = []
    for finding in dict.fromkeys(findings):
        known = before.pop((finding.kind, finding.key), None)
        if known is None:
            alarm = OpenAlarm(finding=finding, since=now, told_at=now)
            tellings.append(Telling(kind=TellingKind.NEW, alarm=alarm))
        elif now - known.told_at >= repeat_every or known.told_at > now:
            alarm = replace(known, finding=finding, told_at=now)
            tellings.append(Telling(kind=TellingKind.LASTS, alarm=alarm))
        else:
            alarm = replace(known, finding=finding)
        after.append(alarm)
    tellings += [Telling(kind=TellingKind.OVER, alarm=alarm) for alarm in before.values()]
    return tuple(tellings), tuple(after)
