"""What the lists are made of, gathered from a site's ledger and vault, or from a copy of a vault alone.

Of each patient the newest copy is taken before which nothing is unconfirmed or disputed, as `restore` does;
that there is a newer one is said in the patient's row, with where the course stands by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.day_files import day_files, sealed_files, shares_of
from beamkeeper.app.jobs.good_copies import copies_in
from beamkeeper.app.jobs.list_words import doubts, people_in_words, trust_in_words
from beamkeeper.app.jobs.quorum import people_of, rule_of, standing, take_reports
from beamkeeper.app.jobs.remembered import remembered
from beamkeeper.app.jobs.reporting import last_report
from beamkeeper.app.jobs.sealed_facts import read_state_and_facts
from beamkeeper.app.jobs.standing import stand
from beamkeeper.app.opened import OpenedVault
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE
from beamkeeper.domain.plan import Plan
from beamkeeper.errors import BeamkeeperError, ConfigError, IntegrityError, KeyUnavailable
from beamkeeper.protect.lists import ListHead, Person
from beamkeeper.protect.quorum import Confirmed, QuorumRule, trust
from beamkeeper.protect.quorum.copies import Choice, Copies, Said
from beamkeeper.vault.reading import in_parallel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.day_files import DayFiles
    from beamkeeper.app.jobs.looked import PatientFacts
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.meterset import MetersetTolerance
    from beamkeeper.domain.night import NightReport
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.vault import ParcelEntry, StoredObject, Vault

NOBODY_ASKED = "Nobody was asked to confirm it."


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything a list is made of.

    Attributes
    ----------
    opened
        The vault it was gathered from: sealed dossiers are taken out of it. None where there is none.
    own
        The department's own files as they were sealed, where only a copy was read; None at a site.
    """

    head: ListHead
    persons: tuple[Person, ...]
    opened: OpenedVault | None = None
    own: DayFiles | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What a reader asked for, when and where: the newest good copies with neither `night` nor `newest`."""

    night: date | None
    newest: bool
    zone: ZoneInfo
    now: datetime


def gather_by_site(runtime: Runtime, *, night: date | None = None, newest: bool = False) -> Gathered:
    """Return what a site knows, without any network.

    Parameters
    ----------
    night
        Each patient's copy of that night or before it; None for the newest good copies.
    newest
        The newest copies, also where people have not confirmed them.

    Raises
    ------
    ConfigError
        The vault holds no night yet.
    """
    site, now = runtime.site, runtime.clock.now()
    if site.quorum is not None:
        take_reports(site, runtime.ledger, now)
    votes = runtime.ledger.votes
    said = [Said(facts, votes.ballots(facts.night)) for facts in votes.all_facts()]
    copies = Copies(runtime.vault.nights(), said) if said else copies_in(runtime.vault)
    gathering = _Gathering(
        runtime.vault,
        runtime.keys.identities,
        copies,
        _Wish(night=night, newest=newest, zone=site.zone, now=now),
        tolerance=site.tolerance,
        runtime=runtime,
    )
    return gathering.gathered(site.site.name)


def gather_elsewhere(
    opened: OpenedVault, *, zone: ZoneInfo, now: datetime, night: date | None = None, newest: bool = False
) -> Gathered:
    """Return what a copy of a vault says, on a computer that never saw the site.

    Raises
    ------
    ConfigError
        The vault holds no night yet.
    """
    gathering = _Gathering(
        opened.vault,
        opened.identities,
        copies_in(opened.vault),
        _Wish(night=night, newest=newest, zone=zone, now=now),
        tolerance=DEFAULT_TOLERANCE,
        runtime=None,
    )
    return gathering.gathered(opened.vault.site_facts(opened.identities).site_name)


class _Gathering:
    """One list being gathered.

    Parameters
    ----------
    runtime
        The site, where there is one: its ledger and notes spare opening parcels and know more.
    """

    def __init__(
        self,
        vault: Vault,
        identities: Sequence[str],
        copies: Copies,
        wish: _Wish,
        *,
        tolerance: MetersetTolerance,
        runtime: Runtime | None,
    ) -> None:
        self._vault, self._identities, self._copies, self._wish = vault, identities, copies, wish
        self._tolerance, self._runtime = tolerance, runtime
        self._unread: list[str] = []
        self._night_phones: dict[date, str] = {}

    def gathered(self, site_name: str) -> Gathered:
        """Return the whole of it."""
        nights = [one for one in self._vault.nights() if not self._wish.night or one <= self._wish.night]
        if not nights:
            raise ConfigError(
                "The vault holds no night" + (f" up to {self._wish.night}." if self._wish.night else " yet."),
                do_next="`beamkeeper vault list` names all patients and nights.",
            )
        report = last_report(self._runtime.site, nights[-1]) if self._runtime else None
        names = dict.fromkeys(self._vault.pseudonyms())
        if report is not None and not self._wish.night:
            names |= dict.fromkeys(item.pseudonym for item in report.patients)
        persons = tuple(self._everybody(names, report))
        night = self._night_of_the_head(persons, nights[-1])
        said, confirmed_by = self._trust(night)
        opened = OpenedVault(self._vault, tuple(self._identities))
        own = None if self._runtime else sealed_files(opened, night)
        return Gathered(
            head=ListHead(
                site_name=site_name,
                zone=self._wish.zone,
                night=night,
                trust=said,
                confirmed_by=confirmed_by,
                made_at=self._wish.now,
                warnings=tuple(self._warnings(persons, night, nights[-1], report)),
                not_read=tuple(sorted(self._unread)),
                night_phone=self._night_phone(),
                shares=shares_of(day_files(self._runtime.site) if self._runtime else own),
            ),
            persons=persons,
            opened=opened,
            own=own,
        )

    def _night_phone(self) -> str:
        """Return the department's number: the site file's, else as it was sealed last."""
        if self._runtime is not None:
            return self._runtime.site.site.night_phone or ""
        return self._night_phones[max(self._night_phones)] if self._night_phones else ""

    def _everybody(self, names: Iterable[str], report: NightReport | None) -> Iterator[Person]:
        """Yield everybody who can be read; several at a time where only parcels are read, no ledger."""

        def person(name: str) -> Person | None:
            return self._person(name, report)

        found = in_parallel(person, names) if self._runtime is None else map(person, names)
        yield from (one for one in found if one is not None)

    # One patient

    def _person(self, name: str, report: NightReport | None) -> Person | None:
        """Return a patient; None, and a word about it, when nothing can be read."""
        newest = self._vault.latest(name, night=self._wish.night)
        if newest is None:
            if not self._wish.night or report is not None:
                self._unread.append(self._named(name, report, "the vault holds nothing of this patient."))
            return None
        chosen, passed_over = self._choose(name, newest)
        try:
            facts, held = self._read(name, chosen, is_newest=chosen == newest)
        except (IntegrityError, KeyUnavailable) as error:
            if chosen == newest:
                self._unread.append(self._named(name, report, error.message))
                return None
            return self._person_of_newest(name, newest, passed_over, report, error)
        person = self._as_person(name, chosen, facts, held, report)
        if not passed_over:
            return person
        return replace(person, passed_over=passed_over, newer=self._newest_position(name, newest))

    def _choose(self, name: str, newest: ParcelEntry) -> tuple[ParcelEntry, tuple[date, ...]]:
        """Return the copy to take, and the nights that were passed over for it."""
        if self._wish.night or self._wish.newest or not self._copies.asked:
            return newest, ()
        choice = self._copies.choose(name)
        good = self._vault.latest(name, night=choice.night) if choice.night else None
        return good or newest, self._brought_something(choice, name)

    def _brought_something(self, choice: Choice, name: str) -> tuple[date, ...]:
        mine = {entry.night for entry in self._vault.entries() if entry.pseudonym == name}
        return tuple(night for night in choice.passed_over if night in mine)

    def _read(
        self, name: str, entry: ParcelEntry, *, is_newest: bool
    ) -> tuple[PatientFacts, tuple[StoredObject, ...]]:
        """Return facts and kept objects: what the site remembers of the newest copy, else what is sealed."""
        if self._runtime is not None and is_newest and not self._wish.night:
            facts = remembered(self._runtime.facts_path(name))
            held = self._runtime.ledger.current_objects(name)
            if facts is not None and held:
                return facts, tuple(item for item in held if not item.superseded)
        if not self._identities:
            raise KeyUnavailable("This computer only encrypts: it cannot open what is sealed.")
        state, facts = read_state_and_facts(self._vault, entry, self._identities)
        return facts, tuple(item for item in state.objects if not item.superseded)

    def _person_of_newest(
        self,
        name: str,
        newest: ParcelEntry,
        passed_over: tuple[date, ...],
        report: NightReport | None,
        why: BeamkeeperError,
    ) -> Person | None:
        """Return a patient by the newest copy, because the confirmed one cannot be had."""
        try:
            facts, held = self._read(name, newest, is_newest=True)
        except (IntegrityError, KeyUnavailable) as error:
            self._unread.append(self._named(name, report, error.message))
            return None
        person = self._as_person(name, newest, facts, held, report)
        nights = ", ".join(map(str, passed_over))
        said = f"NOBODY HAS CONFIRMED THIS ({nights}); the confirmed copy cannot be read: {why.message}"
        return replace(person, doubts=(said, *person.doubts))

    def _as_person(
        self,
        name: str,
        entry: ParcelEntry,
        facts: PatientFacts,
        held: Sequence[StoredObject],
        report: NightReport | None,
    ) -> Person:
        known = self._night_phones.get(entry.night, "")
        self._night_phones[entry.night] = facts.night_phone or known
        position, readiness = stand(facts, held, tolerance=self._tolerance)
        return Person(
            pseudonym=name,
            entry=facts.entry,
            night=entry.night,
            plans=tuple(item.content for item in facts.objects if isinstance(item.content, Plan)),
            objects=facts.objects,
            position=position,
            readiness=readiness,
            as_of=facts.as_of,
            namesakes=facts.namesakes,
            doubts=doubts(name, report),
        )

    def _newest_position(self, name: str, newest: ParcelEntry) -> CoursePosition | None:
        try:
            facts, held = self._read(name, newest, is_newest=True)
        except (IntegrityError, KeyUnavailable):
            return None
        return stand(facts, held, tolerance=self._tolerance)[0]

    def _named(self, name: str, report: NightReport | None, why: str) -> str:
        """Return who cannot be listed, as far as anything says who it is, and why."""
        told = next((item for item in report.patients if item.pseudonym == name), None) if report else None
        row = self._runtime.ledger.patient(name) if self._runtime else None
        patient_id = told.patient_id if told else row.patient.patient_id if row else ""
        shown = f"Patient ID {patient_id}" if patient_id else f"the patient in folder {name[:10]}"
        return f"{shown}: {told.error if told and told.error else why}"

    # The head

    def _night_of_the_head(self, persons: Sequence[Person], newest: date) -> date:
        """Return the night the list is of: the newest one that anybody's copy may be taken of."""
        if self._wish.night or self._wish.newest or not self._copies.asked:
            return newest
        good = (self._copies.choose(person.pseudonym).night for person in persons)
        return max((night for night in good if night is not None), default=newest)

    def _trust(self, night: date) -> tuple[str, tuple[str, ...]]:
        """Return where the night stands in words, and who confirmed it."""
        zone, now = self._wish.zone, self._wish.now
        if self._runtime is not None and self._runtime.site.quorum is not None:
            site = self._runtime.site
            names = {person.login: person.name for person in people_of(site)}
            state = standing(site, self._runtime.ledger, night, now).state
            needed = rule_of(site).people_needed
        else:
            votes = next((one for one in self._vault.votes() if one.facts.night == night), None)
            if votes is None:
                return NOBODY_ASKED, ()
            names, needed = {}, votes.facts.people_needed
            state = trust(votes.facts, votes.ballots, QuorumRule(zone=zone), now)
        by = people_in_words(state.by, names) if isinstance(state, Confirmed) else ()
        return trust_in_words(state, names, zone, needed), by

    def _warnings(
        self, persons: Sequence[Person], night: date, newest: date, report: NightReport | None
    ) -> Iterator[str]:
        zone, now = self._wish.zone, self._wish.now
        if self._vault.is_stale(now):
            until = self._vault.expires_at.astimezone(zone)
            yield f"Nobody fed the vault since {until:%Y-%m-%d %H:%M}: later fractions are not in this list."
        if self._wish.night and self._vault.nights()[-1] > self._wish.night:
            yield f"This is an old night, as asked for; the newest is of {self._vault.nights()[-1]}."
        if night < newest and not self._wish.night:
            yield f"The night of {newest} is not confirmed: what it brought is left out (--newest takes it)."
        passed = sum(bool(person.passed_over) for person in persons)
        if passed:
            yield (
                f"{passed} patient{'' if passed == 1 else 's'} with later data that nobody has confirmed: "
                "marked in the row, with where the course stands by them."
            )
        if report is not None and report.stale_census:
            yield "No source of the list answered that night: who is on treatment is as of an earlier list."
        for source in report.sources if report is not None else ():
            if not source.answered:
                yield f"{source.source} gave no answer that night."
        if latest := max((person.as_of for person in persons if person.as_of), default=None):
            yield f"Treatment records of the day were added until {latest.astimezone(zone):%Y-%m-%d %H:%M}."
