"""The quorum's duties in `serve`: every minute, take what was said, sign it, and call whom the rules say.

Whatever was sent or taken stands in the ledger, so a process that is started anew repeats nothing and
forgets nothing. Nothing here can hold up a night, and what lies on shares, which hang when their server is
gone, cannot hold up a call: each has a thread of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from beamkeeper.app.jobs.alarms import due_now, send_alarms
from beamkeeper.app.jobs.ballot_files import read_files
from beamkeeper.app.jobs.mail_votes import answer, read_answers
from beamkeeper.app.jobs.network import network, window_of
from beamkeeper.app.jobs.quorum import note_state, standings, take_reports
from beamkeeper.app.jobs.report_mail import reports_due, send_reports
from beamkeeper.app.jobs.signed_votes import publish_votes
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.quorum import is_trusted

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import Ledger

LOOK_EVERY: Final = timedelta(minutes=1)
NETWORK_FOR: Final = timedelta(minutes=10)
"""How long one look may hold the network, where the network is rationed."""
RATIONED_MINUTES: Final = 5
"""Where the network is rationed, answers are fetched every so many minutes, and only while a night waits."""
LETTERS_S_MAX: Final = 120.0
"""How long one look writes letters to a slow server, before it looks again who has to be called."""
T = TypeVar("T")
_NOTHING: Final[tuple[int, tuple[BeamkeeperError, ...]]] = (0, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look did, and what went wrong in it."""

    told: tuple[str, ...] = ()
    errors: tuple[BeamkeeperError, ...] = ()


@dataclass
class _Steps:
    told: list[str] = field(default_factory=list)
    errors: list[BeamkeeperError] = field(default_factory=list)

    def take(self, work: Callable[[], T], otherwise: T) -> T:
        """Do one step; what fails in it does not keep the next from being tried."""
        try:
            return work()
        except BeamkeeperError as error:
            self.errors.append(error)
            return otherwise


def look(site: Site, ledger: Ledger, clock: Clock) -> Look:
    """Do once all that is due: answers, alarms, reports; each for itself, and nothing that is on a share."""
    with ledger.session():
        return _look(site, ledger, clock)


def _look(site: Site, ledger: Ledger, clock: Clock) -> Look:
    steps, now = _Steps(), clock.now()
    steps.take(lambda: take_reports(site, ledger, now), None)
    asks_mail = _is_mail_awaited(site, ledger, now)
    if asks_mail or reports_due(site, ledger, now) or due_now(site, ledger, now):
        steps.take(lambda: _online(site, ledger, now, steps, asks_mail=asks_mail), None)
    _note_states(site, ledger, now)
    return Look(told=tuple(steps.told), errors=tuple(steps.errors))


def look_at_shares(site: Site, ledger: Ledger, clock: Clock) -> Look:
    """Take the signed files of the site's folder, and sign all votes into the vault; each for itself."""
    steps = _Steps()
    with ledger.session():
        steps.take(lambda: take_reports(site, ledger, clock.now()), None)
        if files := steps.take(lambda: read_files(site, ledger, clock.now()), 0):
            steps.told.append(f"{files} signed votes counted")
        if steps.take(lambda: publish_votes(site, ledger, clock), otherwise=False):
            steps.told.append("votes signed into the vault")
    return Look(told=tuple(steps.told), errors=tuple(steps.errors))


def _is_mail_awaited(site: Site, ledger: Ledger, now: datetime) -> bool:
    """Whether somebody may answer: a night that reported waits. Before its report nobody has a code."""
    if site.mail is None or site.mail.replies is None:
        return False
    if window_of(site).is_guarded and now.minute % RATIONED_MINUTES:
        return False
    found = standings(site, ledger, now)
    return any(item.facts.reported_at is not None and not is_trusted(item.state) for item in found)


def _online(site: Site, ledger: Ledger, now: datetime, steps: _Steps, *, asks_mail: bool) -> None:
    """Do what needs the network, in the order in which it matters: votes may make an alarm needless."""
    with network(site, now + NETWORK_FOR):
        taken, errors = read_answers(site, ledger, now) if asks_mail else ((), ())
        steps.errors += errors
        if counted := sum(one.after is not None for one in taken):
            steps.told.append(f"{counted} votes by mail counted")
        alarms = steps.take(lambda: send_alarms(site, ledger, now), 0)
        if alarms:
            steps.told.append(f"people called about {alarms} things")
        ends_s = time.monotonic() + LETTERS_S_MAX
        steps.errors += answer(site, ledger, taken, now, ends_s=ends_s)
        sent, errors = steps.take(lambda: send_reports(site, ledger, now, ends_s=ends_s), _NOTHING)
        steps.errors += errors
        if sent:
            steps.told.append(f"report mailed to {sent} people")


def _note_states(site: Site, ledger: Ledger, now: datetime) -> None:
    """Keep where nights stand now: some came to stand elsewhere by the time alone."""
    found = standings(site, ledger, now)
    known = ledger.votes.states(since=found[0].night) if found else {}
    for item in found:
        if known.get(item.night) != item.state.word:
            note_state(ledger, item, now)


@dataclass
class EveryMinute:
    """One look a minute."""

    site: Site
    ledger: Ledger
    look: Callable[[Site, Ledger, Clock], Look]
    name: str
    retry_s: float = LOOK_EVERY.total_seconds()
    _next_at: datetime | None = None

    def wait_s(self, clock: Clock) -> float:
        """Return how long until the next look; a clock that was set back does not silence it."""
        now = clock.now()
        if self._next_at is None or self._next_at - now > LOOK_EVERY:
            return 0.0
        return max(0.0, (self._next_at - now).total_seconds())

    def work(self, clock: Clock) -> str:
        """Look once; every error is told, the first one as this duty's."""
        self._next_at = clock.now() + LOOK_EVERY
        found = self.look(self.site, self.ledger, clock)
        if found.errors:
            first, *others = found.errors
            raise type(first)(" ".join(error.message for error in (first, *others)), do_next=first.do_next)
        return "; ".join(found.told)


def quorum_duties(site: Site, ledger: Ledger) -> tuple[EveryMinute, ...]:
    """Return the duties of a site that asks people to confirm."""
    return (
        EveryMinute(site, ledger, look_at_shares, "votes on shares"),
        EveryMinute(site, ledger, look, "quorum"),
    )
