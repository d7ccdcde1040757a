"""A site played on a clock that stands still while nothing is due, and the timeline of what came of it.

`Played` asks every duty of `beamkeeper serve` how long it can wait and moves the clock there, minute by
minute, just as `serve` would. People, breakdowns and attacks are calls at an hour. What happens is read
where it counts: letters at a real SMTP server, texts at a real gateway, the audit log, the watcher's voice.
The timeline to compare with is a table that a person wrote by the rules: see `rows`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from difflib import unified_diff
from typing import TYPE_CHECKING

from reachable import Everybody
from voting_site import ballot

from beamkeeper.app.jobs.ballot_files import NAMESPACE, vote_bytes
from beamkeeper.app.jobs.duties import NightDuty, duties_of
from beamkeeper.app.jobs.quorum import cast
from beamkeeper.app.jobs.quorum_duty import EveryMinute
from beamkeeper.app.jobs.retention_words import speak
from beamkeeper.app.jobs.watching import WatchDuty, Watcher, call_people
from beamkeeper.clock import MovableClock, local_instant
from beamkeeper.domain.ballot import VotePath
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.retain import EVERYBODY, WordKind
from beamkeeper.wire import sshsig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from night_site import SmallSite
    from reachable import Outside

    from beamkeeper.app.jobs.serving import Duty
    from beamkeeper.app.site_watch import WatchFile
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.protect.watch import Telling

MINUTE = timedelta(minutes=1)
AFTERGLOW = MINUTE
"""So long after anything happened, the quorum is played every minute."""
ROUNDS_MAX = 20
FEEDING = frozenset({"night", "hour", "quorum", "votes on shares", "retention"})
"""Duties that may give others work."""


def in_zone(site: SmallSite, name: str = "Europe/Brussels") -> SmallSite:
    """Hang the site's clock on a wall of another zone."""
    text = site.site_file.read_text(encoding="utf-8")
    site.site_file.write_text(text.replace('time_zone = "UTC"', f'time_zone = "{name}"'), encoding="utf-8")
    return site


@dataclass
class Played:
    """A site that does its duties by a moved clock.

    Attributes
    ----------
    every_minute
        Play the quorum every minute, as `serve` does. Otherwise only where a rule can have something to
        say: after anything happened, around the deadline, and at full ten minutes while a night is overdue.
    """

    site: SmallSite
    clock: MovableClock
    around: Outside
    every_minute: bool = False
    signing_keys: Mapping[str, bytes] = field(default_factory=dict)
    lines: list[tuple[datetime, str]] = field(default_factory=list)
    _stirred_at: datetime | None = None
    _retry_at: dict[str, datetime] = field(default_factory=dict)
    _due_at: dict[str, datetime] = field(default_factory=dict)
    _failing: set[str] = field(default_factory=set)
    _told: dict[str, str] = field(default_factory=dict)
    _states: dict[str, str] = field(default_factory=dict)
    _audited: int = 0

    def __post_init__(self) -> None:
        self._site = self.site.site
        self.duties: tuple[Duty, ...] = duties_of(self._site)
        self.ledger = next(duty.ledger for duty in self.duties if isinstance(duty, NightDuty))
        self._audited = self.ledger.audit.head().sequence
        self.around.news()

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the site's wall."""
        return self._site.zone

    def at(self, day: date, hour: str) -> datetime:
        """Return the instant of "HH:MM" on a day of the site."""
        return local_instant(day, time.fromisoformat(hour), self.zone)

    def play(self, until: datetime, calls: Sequence[tuple[datetime, Callable[[], object]]] = ()) -> None:
        """Do everything that is due before `until`; `calls` happen at their minute, before the duties."""
        with self.ledger.session():
            self._play(until, sorted(calls, key=lambda call: call[0]))

    def _play(self, until: datetime, open_calls: list[tuple[datetime, Callable[[], object]]]) -> None:
        self._due_at = {duty.name: self.clock.now() for duty in self.duties}
        while self.clock.now() < until:
            while open_calls and open_calls[0][0] <= self.clock.now():
                self._stirred_at = self.clock.now()
                open_calls.pop(0)[1]()
                self._take_in()
                self._ask_all()
            self._work()
            soonest = min([*self._due_at.values(), *(at for at, _ in open_calls), until])
            self.clock.move_to(max(soonest, self.clock.now() + MINUTE))

    def follow(self, table: str, actions: Mapping[str, Callable[[], object]], *, until: datetime) -> None:
        """Play until `until` and do what stands behind a star in a timeline, each at its minute.

        "* an confirms by mail", "* an disputes by page" are votes on the night of that day, or "of 03-12";
        "* an holds everybody" and "* an releases everybody" are words about removing; all else is in
        `actions`.
        """
        done, hoped = rows(table, year=self.clock.now().year, zone=self.zone)
        self.play(until, [(instant, self._action(instant, words, actions)) for instant, words in done])

        was, should = as_table(self.lines, self.zone), as_table(hoped, self.zone)
        assert was == should, "\n".join(["", *unified_diff(should, was, "by the rules", "as played", n=1)])

    def _action(
        self, instant: datetime, words: str, actions: Mapping[str, Callable[[], object]]
    ) -> Callable[[], object]:
        if words in actions:
            return actions[words]
        if match := _VOTE.fullmatch(words):
            night = date.fromisoformat(f"{instant.year}-{match['night']}") if match["night"] else None
            night = night or _day(instant, self.zone)
            return lambda: self.vote(match["person"], match["verdict"], night=night, by=match["way"])
        person, verb, _ = words.split()
        kind = WordKind(verb.removesuffix("s"))
        return lambda: self.retain(person, kind, EVERYBODY)

    def vote(self, person: str, verdict: str = "confirm", *, night: date, by: str = "page") -> None:
        """Let a person vote, now: on the page; or by mail or file, which the next look takes."""
        now = self.clock.now()
        if by == "mail":
            assert isinstance(self.around, Everybody)
            self.around.answer(person, verdict, night)
            return
        given = replace(ballot(self.site, person, verdict, night=night), at=now)
        if by == "page":
            cast(self._site, self.ledger, given, now)
            return
        assert self._site.quorum is not None
        assert self._site.quorum.ballot_folder is not None
        data = vote_bytes(replace(given, path=VotePath.FILE), self._site.site.name)
        signature = sshsig.sign(data, private_key=self.signing_keys[person], namespace=NAMESPACE)
        path = self._site.quorum.ballot_folder / f"{person}-{now:%m%d%H%M}.json"
        path.write_bytes(data)
        path.with_name(f"{path.name}.sig").write_bytes(signature)

    def retain(self, person: str, kind: WordKind, pseudonym: str) -> None:
        """Let a person hold or release, now."""
        now = self.clock.now()
        speak(
            self._site, self.ledger, kind=kind, pseudonym=pseudonym, person=person, reason="file 77", now=now
        )

    def watched_from(self, watch: WatchFile) -> None:
        """Let a computer elsewhere watch the site, by the same clock."""

        def tell(tellings: tuple[Telling, ...]) -> bool:
            failed = call_people(watch, tellings, self.clock.now())
            for telling in tellings if not failed else ():
                more = {"new": "", "lasts": ", still", "over": ", over"}[telling.kind.value]
                said = f"the watcher calls: {telling.alarm.finding.kind.value}{more}"
                self.lines.append((self.clock.now(), said))
            return not failed

        self.duties = (*self.duties, WatchDuty(Watcher(watch), tell))

    def _work(self) -> None:
        """Do at this minute what is due, until nothing is: a night that ended gives mirrors work."""
        now = self.clock.now()
        for _ in range(ROUNDS_MAX):
            due = [duty for duty in self.duties if self._due_at[duty.name] <= now]
            if not due:
                return
            for duty in due:
                self._do(duty)
                self._due_at[duty.name] = self._next(duty, now)
                if duty.name in FEEDING:
                    self._ask_all()
                self._take_in()
        raise AssertionError(f"{[duty.name for duty in due]} do not come to an end")

    def _ask_all(self) -> None:
        """Ask the others again when they are due: something was published, cast or broken."""
        now = self.clock.now()
        for duty in self.duties:
            self._due_at[duty.name] = self._next(duty, now)

    def _do(self, duty: Duty) -> None:
        try:
            line = duty.work(self.clock)
        except BeamkeeperError as error:
            self._retry_at[duty.name] = self.clock.now() + timedelta(seconds=duty.retry_s)
            if duty.name not in self._failing:
                self._say(f"{duty.name} fails: {type(error).__name__}")
            self._failing.add(duty.name)
            return
        self._retry_at.pop(duty.name, None)
        self._failing.discard(duty.name)
        self._tell_line(duty.name, line)

    def _tell_line(self, name: str, line: str) -> None:
        """Note what a duty says of itself: where a place stands, when that changed or something was sent."""
        if name.startswith(("mirror", "copies")):
            state, sent, *_ = re.split(", | sent", line)
            text = state + (f", {sent} sent" if int(sent) else "")
            is_news = bool(int(sent))
        elif name == "hour":
            state = text = line.partition(".")[0]
            is_news = state.startswith("kept")
        else:
            return
        if is_news or (text and self._told.get(name) != state):
            self._say(f"{name}: {text}")
        self._told[name] = state

    def _next(self, duty: Duty, now: datetime) -> datetime:
        """Return the minute of a duty's next work; the quorum's, as `every_minute` says."""
        seconds = duty.wait_s(self.clock)
        instant = max(now + timedelta(seconds=seconds), self._retry_at.get(duty.name, now))
        if isinstance(duty, EveryMinute) and not self.every_minute and instant > now:
            return self._next_look(now)
        return instant if instant == instant.replace(second=0, microsecond=0) else _next_minute(instant)

    def _next_look(self, now: datetime) -> datetime:
        if self._stirred_at is not None and now - self._stirred_at < AFTERGLOW:
            return now + MINUTE
        edges = [self.at(_day(now, self.zone) + timedelta(days=n), "10:00") for n in (0, 1)]
        near = [edge + minutes * MINUTE for edge in edges for minutes in (-1, 0, 1)]
        if "overdue" in self._states.values():
            near.append(_next_minute(now, of=10))
        return min(instant for instant in near if instant > now)

    def _say(self, text: str) -> None:
        self._stirred_at = self.clock.now()
        self.lines.append((self.clock.now(), text))

    def _take_in(self) -> None:
        """Note what came out since the last look: letters, texts, and lines of the audit log."""
        for row in self.ledger.audit.rows(after=self._audited):
            self._audited = row.sequence
            if said := self._audited_line(row):
                self._say(said)
        for said in self.around.news():
            self._say(said)

    def _audited_line(self, row: AuditRow) -> str:
        details = row.details
        if row.action == "night ended":
            return f"night {row.outcome}, {details['eyes']} changes to look at"
        if row.action in {"night stands", "night put to the vote"}:
            night = str(details["run_on"])
            is_awaited = row.action == "night stands" and row.outcome == "unverified"
            if self._states.get(night) == row.outcome or (is_awaited and night not in self._states):
                return ""
            self._states[night] = row.outcome
            return f"the night of {night[5:]} is {row.outcome}"
        if row.action == "vote cast":
            return f"{row.actor} votes: {details['verdict']} by {details['path']}"
        if row.action == "vote refused":
            return f"a vote of {row.actor} is refused"
        if row.action in {"retention hold", "retention release"}:
            what = "everybody" if details["everybody"] else "the patient"
            return f"{row.actor} {row.action.removeprefix('retention ')}s {what}"
        if row.action == "copy elsewhere":
            return f"{details['place']}: {row.outcome}"
        if row.action in {"removal decided", "removed from the vault", "removal done"}:
            return row.action
        return ""


def _day(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()


def _next_minute(instant: datetime, *, of: int = 1) -> datetime:
    """Return the first full minute, or multiple of minutes of the hour, after an instant."""
    start = instant.replace(second=0, microsecond=0)
    return start + timedelta(minutes=of - start.minute % of)


_VOTE = re.compile(
    r"(?P<person>\w+) (?P<verdict>confirm|dispute)s by (?P<way>page|mail|file)"
    r"(?: the night of (?P<night>\S+))?"
)
_ROW = re.compile(
    r"(?P<first>\d\d-\d\d)(?:\.\.(?P<last>\d\d-\d\d))?\s+(?P<from>\d\d:\d\d)"
    r"(?:\.\.(?P<to>\d\d:\d\d) every (?P<step>\d+))?\s+(?P<text>.+)"
)


def rows(
    table: str, *, year: int, zone: ZoneInfo
) -> tuple[list[tuple[datetime, str]], list[tuple[datetime, str]]]:
    """Return what a timeline says is done, and what must come of it.

    A row is "DAY[..DAY] HH:MM[..HH:MM every MINUTES] what; what", in local time; a star marks what is
    done, "{night}" becomes the day.
    """
    done, hoped = [], []
    for row in filter(None, map(str.strip, table.splitlines())):
        match = _ROW.fullmatch(row)
        assert match, row
        for day in _days(f"{year}-{match['first']}", f"{year}-{match['last'] or match['first']}"):
            instant = local_instant(day, time.fromisoformat(match["from"]), zone)
            end = local_instant(day, time.fromisoformat(match["to"] or match["from"]), zone)
            while instant <= end:
                for words in match["text"].replace("{night}", f"{day:%m-%d}").split("; "):
                    is_done = words.startswith("* ")
                    (done if is_done else hoped).append((instant, words.removeprefix("* ")))
                instant += timedelta(minutes=int(match["step"] or 1))
    return done, hoped


def _days(first: str, last: str) -> list[date]:
    start, count = date.fromisoformat(first), (date.fromisoformat(last) - date.fromisoformat(first)).days
    return [start + timedelta(days=number) for number in range(count + 1)]


def as_table(lines: list[tuple[datetime, str]], zone: ZoneInfo) -> list[str]:
    """Return a timeline as one line a thing, in the order of time, then of words."""
    ordered = sorted((instant.astimezone(UTC), text) for instant, text in lines)
    return [f"{instant.astimezone(zone):%m-%d %H:%M} {text}" for instant, text in ordered]
