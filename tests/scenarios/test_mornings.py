"""Twelve mornings with a moved clock: what nobody voted on, what was disputed and repaired, what was missed.

Nights are put into the ledger as their reports would; everything after that is the real duty, through
a real gateway, by a new process at every look. `test_month` plays the same duty among all others.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from tests.mail_peers.hook_server import Gateway, gateway
from voting_site import QUORUM, SmallSite, ask_people, ledger_of

from beamkeeper.app.jobs.quorum import cast, frozen_by, standings
from beamkeeper.app.jobs.quorum_duty import look
from beamkeeper.clock import MovableClock, local_instant
from beamkeeper.domain.ballot import Ballot, NightFacts, Verdict, VotePath

if TYPE_CHECKING:
    from collections.abc import Iterator

BRUSSELS = ZoneInfo("Europe/Brussels")
PAGER = """
[[alerts]]
name = "pager"
kind = "http"
url = "http://127.0.0.1:{port}/"
fields = {{ text = "$text", kind = "$kind", night = "$night", at = "$at" }}
"""
FIRST = date(2026, 3, 22)
DAYS = 12
QUIET_EVERY = 3
LOOKS = (-5, -4, -3, -2, *range(0, 95, 10), 5, 20, 25, 33)
"""Minutes after ten at which somebody looks: whenever anything can happen, and a vote is cast."""
DISPUTED_DAY, LATE_DAY, OVERDUE_DAY, MISSED_DAY = 1, 4, 7, 10
"""The overdue one is Sunday 29 March, when clocks go forward."""


@pytest.fixture
def pager() -> Iterator[Gateway]:
    with gateway() as state:
        yield state


@pytest.fixture
def site(kept_site: SmallSite, pager: Gateway) -> SmallSite:
    text = kept_site.site_file.read_text("utf-8").replace('"UTC"', '"Europe/Brussels"')
    kept_site.site_file.write_text(text, "utf-8")
    ask_people(kept_site, QUORUM + PAGER.format(port=pager.port))
    return kept_site


def wall(day: date, hour: int) -> datetime:
    return local_instant(day, time(hour), BRUSSELS).astimezone(UTC)


class Mornings:
    """Plays the mornings and writes down what came out."""

    def __init__(self, site: SmallSite, pager: Gateway, first: date) -> None:
        self.site, self.pager, self.first = site, pager, first
        self.patient = ledger_of(site).patients()[0].pseudonym
        self.frozen: list[int] = []

    def day(self, number: int) -> date:
        return self.first + timedelta(days=number)

    def play(self) -> None:
        # A night before, so that the first of these days is not the first of all.
        self._report(-1, items=())
        for number in range(DAYS):
            if number != MISSED_DAY:
                self._report(number, items=() if number % QUIET_EVERY == 0 else (self.patient,))
            self._morning(number)
            if frozen_by(self.site.site, ledger_of(self.site), wall(self.day(number), 13)):
                self.frozen.append(number)

    def _report(self, number: int, items: tuple[str, ...]) -> None:
        day = self.day(number)
        facts = NightFacts(night=day, digest=f"{abs(number):064d}", items=items, reported_at=wall(day, 4))
        ledger_of(self.site).votes.record_facts(facts, state="", at=wall(day, 4))

    def _morning(self, number: int) -> None:
        for at in sorted(set(LOOKS)):
            self._votes(number, at)
            now = wall(self.day(number), 10) + timedelta(minutes=at)
            # As a new process: nothing is remembered but what is kept.
            assert look(self.site.site, ledger_of(self.site), MovableClock(now)).errors == ()

    def _votes(self, number: int, at: int) -> None:
        quiet = number % QUIET_EVERY == 0
        if number == DISPUTED_DAY:
            plan = {-3: ("an", "dispute", 0), -2: ("bo", "confirm", 0), 20: ("cy", "confirm", 0)}
        elif number == DISPUTED_DAY + 1:
            # The repair: who disputed yesterday and a second one confirm the same patient.
            plan = {-4: ("an", "confirm", 0), -2: ("cy", "confirm", 0)}
        elif number == LATE_DAY:
            plan = {-4: ("an", "confirm", 0), 25: ("bo", "confirm", 0)}
        elif number == OVERDUE_DAY:
            plan = {5: ("an", "confirm", 0)}
        elif number == OVERDUE_DAY + 1:
            plan = {-4: ("an", "confirm", 0), -3: ("bo", "confirm", 0), 33: ("bo", "confirm", -1)}
        elif quiet or number == MISSED_DAY:
            plan = {}
        else:
            plan = {-5: ("an", "confirm", 0), -4: ("bo", "confirm", 0)}
        if at in plan:
            self._vote(
                number + plan[at][2], *plan[at][:2], now=wall(self.day(number), 10) + timedelta(minutes=at)
            )

    def _vote(self, number: int, person: str, verdict: str, *, now: datetime) -> None:
        ledger = ledger_of(self.site)
        facts = ledger.votes.facts(self.day(number))
        assert facts is not None
        ballot = Ballot(
            night=facts.night,
            person=person,
            verdict=Verdict(verdict),
            scope=None,
            path=VotePath.PAGE,
            at=now,
            digest=facts.digest,
        )
        cast(self.site.site, ledger, ballot, now)

    def calls(self) -> list[tuple[int, int, str]]:
        """Return (day, minutes after ten, kind) of everything the pager got."""
        found = []
        for item in self.pager.taken:
            at = datetime.fromisoformat(item["at"]).astimezone(BRUSSELS)
            number = (at.date() - self.first).days
            found.append((number, at.hour * 60 + at.minute - 600, item["kind"]))
        return found

    def states(self) -> dict[int, str]:
        now = wall(self.day(DAYS - 1), 13)
        found = standings(self.site.site, ledger_of(self.site), now)
        return {(item.night - self.first).days: item.state.word for item in found}


def overdue(day: int, first: int, last: int) -> list[tuple[int, int, str]]:
    """Return the calls of one overdue morning, every ten minutes, escalated after an hour."""
    return [(day, m, "escalated" if m >= 60 else "overdue") for m in range(first, last, 10)]


def test_twelve_mornings_call_exactly_whom_the_rules_say(site: SmallSite, pager: Gateway) -> None:
    played = Mornings(site, pager, FIRST)
    played.play()

    expected = [(DISPUTED_DAY, -3, "disputed")]
    # Late: two calls past ten, at 10:25 it is confirmed.
    expected += [*overdue(LATE_DAY, 0, 25), (LATE_DAY, 25, "all_clear")]
    # Overdue all morning, and still the next: the day after somebody confirms it at last.
    expected += overdue(OVERDUE_DAY, 0, 95)
    expected += [(OVERDUE_DAY + 1, m, "escalated") for m in (-5, 0, 10, 20, 30)]
    expected += [(OVERDUE_DAY + 1, 33, "all_clear")]
    # A day without a report calls until the next report is there.
    expected += overdue(MISSED_DAY, 0, 95)
    assert played.calls() == expected

    words = {number: "quiet" if number % QUIET_EVERY == 0 else "confirmed" for number in range(-1, DAYS)}
    words |= {-1: "quiet", DISPUTED_DAY: "disputed"}
    del words[MISSED_DAY]
    assert played.states() == words
    assert played.frozen == [DISPUTED_DAY]
