"""Calling people about nights: what the rules say is due goes out, once, through every channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.calling import Called, call
from beamkeeper.app.jobs.quorum import people_of, rule_of, standings
from beamkeeper.app.jobs.reporting import last_report
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import ConfigError, SourceUnavailable
from beamkeeper.protect.quorum import (
    AlarmKind,
    Disputed,
    Overdue,
    Sent,
    alarms_due,
    is_trusted,
)
from beamkeeper.wire.alerting import Alert, Severity
from beamkeeper.wire.alerting.channel import TEXT_CHARACTERS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from beamkeeper.app.jobs.quorum import Standing
    from beamkeeper.app.site import Site
    from beamkeeper.ledger import Ledger
    from beamkeeper.protect.quorum import Alarm

NIGHTS_NAMED_MAX: Final = 6
"""More nights are counted in one text, not named."""
_SEVERITIES: Final = {AlarmKind.ALL_CLEAR: Severity.NOTICE}


def due_now(site: Site, ledger: Ledger, now: datetime) -> tuple[tuple[Alarm, Standing], ...]:
    """Return the alarms that have to go out, with where their nights stand."""
    found = standings(site, ledger, now)
    if not found:
        return ()
    rule = rule_of(site)
    sent = [Sent(key=text, at=at) for text, at in ledger.votes.sent(since=found[0].night)]
    return tuple(
        (alarm, item)
        for item in found
        for alarm in alarms_due(item.state, rule, now, sent, stopped=_stopped(ledger, item))
    )


def _stopped(ledger: Ledger, item: Standing) -> str:
    """Return the digest of a list that stands although its night was stopped; "" when it was not."""
    if is_trusted(item.state) or item.facts.reported_at is None:
        return ""
    row = ledger.night(item.night)
    return item.facts.digest if row is not None and row.outcome == NightOutcome.STOPPED.value else ""


def send_alarms(site: Site, ledger: Ledger, now: datetime) -> int:
    """Send what is due, one text for all nights of a kind; return how many texts went out.

    Raises
    ------
    SourceUnavailable
        No channel took one: it is tried again at the next look.
    ConfigError
        The site file names no channel at all.
    """
    due = due_now(site, ledger, now)
    count = 0
    for kind in AlarmKind:
        group = [(alarm, item) for alarm, item in due if alarm.kind is kind]
        if group:
            _send_group(site, ledger, kind, group, now)
            count += 1
    return count


def _send_group(
    site: Site, ledger: Ledger, kind: AlarmKind, group: Sequence[tuple[Alarm, Standing]], now: datetime
) -> None:
    logins = {login for alarm, _ in group for login in alarm.to}
    nights = [item.night for _, item in group]
    alert = Alert(
        kind=kind.value,
        severity=_SEVERITIES.get(kind, Severity.ALERT),
        site=site.site.name,
        night=max(nights).isoformat(),
        text=alarm_text(site, kind, [item for _, item in group]),
        at=now,
    )
    called = call_and_tell(site, ledger, alert, logins, night=max(nights))
    for alarm, _ in group:
        ledger.votes.note_sent(alarm.key, night=alarm.night, at=now)
    ledger.audit.append(
        "people called",
        actor="quorum",
        outcome=kind.value,
        at=now,
        details={
            "nights": [night.isoformat() for night in nights],
            "to": sorted(logins),
            "delivered": list(called.delivered),
            "failed": sorted(called.failed),
        },
    )


def call_and_tell(site: Site, ledger: Ledger, alert: Alert, logins: set[str], *, night: date) -> Called:
    """Call people, and tell them through the channels that work which ones do not.

    Raises
    ------
    SourceUnavailable
        Nobody could be called.
    ConfigError
        There is no channel for this kind.
    """
    people = [person for person in people_of(site) if person.login in logins]
    called = call(site, alert, people)
    if not called.delivered and not called.failed:
        raise ConfigError(
            f"Nobody can be called: the site file names no alert channel for {alert.kind!r}.",
            do_next="Write [[alerts]] into the site file, then `beamkeeper alert test`.",
        )
    if not called.delivered:
        said = " ".join(f"{name}: {why}" for name, why in called.failed.items())
        raise SourceUnavailable(f"Nobody could be called. {said}", do_next="Try `beamkeeper alert test`.")
    _tell_failures(site, ledger, alert, called, night=night)
    return called


def _tell_failures(site: Site, ledger: Ledger, alert: Alert, called: Called, *, night: date) -> None:
    """Tell of each channel that fails, once an hour."""
    hour = alert.at.strftime("%Y-%m-%dT%H")
    new = [
        name
        for name in called.failed
        if ledger.votes.note_sent(f"channel/{name}/{hour}", night=night, at=alert.at)
    ]
    if not new:
        return
    people = [person for person in people_of(site) if person.login in rule_of(site).recipients]
    text = f"Beamkeeper {site.site.name}: alert channel {', '.join(new)} does not work."
    failure = Alert(
        kind="channel_failed",
        severity=Severity.WARNING,
        site=site.site.name,
        night=alert.night,
        text=text[:TEXT_CHARACTERS_MAX],
        at=alert.at,
    )
    call(site, failure, people, only=frozenset(called.delivered))


def alarm_text(site: Site, kind: AlarmKind, items: Sequence[Standing]) -> str:
    """Return one short text about nights: no patient, no pseudonym, fit for a pager."""
    nights = ", ".join(item.night.isoformat() for item in items[-NIGHTS_NAMED_MAX:])
    if len(items) > NIGHTS_NAMED_MAX:
        nights = f"{len(items)} nights, the last {nights}"
    head = f"Beamkeeper {site.site.name}:"
    if kind is AlarmKind.ALL_CLEAR:
        return f"{head} settled, night of {nights}."
    if kind is AlarmKind.STOPPED:
        report = last_report(site, items[-1].night)
        said = f"{report.alarm} " if report is not None else ""
        return f"{head} STOPPED, night of {nights}. {said}The last good copies are untouched. Look now."
    said = _why(items[-1])
    if kind is AlarmKind.DISPUTED:
        return f"{head} DISPUTED, night of {nights}. {said}"
    return f"{head} NOT CONFIRMED, night of {nights}. {said}"


def _why(item: Standing) -> str:
    match item.state:
        case Overdue(reported=False):
            return "There is no report: the night did not run or did not end."
        case Overdue(have=have):
            return (
                f"{len(have)} of {item.facts.people_needed} people have confirmed. Possible attack: look now."
            )
        case Disputed(by=by):
            people = "1 person says" if len(by) == 1 else f"{len(by)} people say"
            return f"{people} a change is not genuine. Nothing is purged; look now."
    return ""
