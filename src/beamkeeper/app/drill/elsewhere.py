"""After the attack: who was asked answers, a partner treats some for days, and every fraction comes back.

1. what the console's log and the patient say of the sessions since the copy is typed in and checked;
2. everybody is put in order and placed; whom the placement sends to the partner goes in a sealed bundle;
3. the partner takes them into its own Orthanc under numbers of its own, and its machine treats them for
   days; on one day it stops in the middle of a fraction;
4. what its archive recorded comes back, and everybody's position is held against the truth.

Two houses, each a process with a network and a file system of its own; only the disk is carried.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.drill.answering import Answers
from beamkeeper.app.drill.attacked import LAPTOP, PARTNER, laptop
from beamkeeper.app.drill.home import DISK
from beamkeeper.app.drill.house import House
from beamkeeper.app.drill.partner import NAME, Guest, Partner
from beamkeeper.app.drill.placing import PARTNER as THERE
from beamkeeper.app.drill.placing import Placing, partners_text, place
from beamkeeper.app.drill.truth import Truth
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.clock import local_date, local_instant
from beamkeeper.rehearse.attack import Given
from beamkeeper.rehearse.sim.patients import treatment_of, working_day
from beamkeeper.respond.incident.inventory import is_asked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from pathlib import Path

    from beamkeeper.app.drill.attacked import Attacked
    from beamkeeper.protect.lists import Person
    from beamkeeper.rehearse.sim.records import Session

DAYS: Final = 5
"""So many days the partner treats."""
STOPS_ON: Final = 1
"""On its second day its machine stops in the middle of the first whole fraction."""
ASKED_AFTER: Final = timedelta(hours=3)
EVENING, MORNING = time(18, 0), time(7, 0)
IN_DOUBT: Final = 3
"""Exit status of a return that was taken in and leaves something to be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Where everybody stands in the end.

    Attributes
    ----------
    asked
        Patients who were asked.
    ranked, placed, placed_there
        In the order of triage; with a place anywhere; with one at the partner, from whatever day.
    handed_over
        Whom the partner treated.
    fractions_elsewhere
        Sessions given at the partner, parts counted as sessions.
    unknown_plans
        Patients who are treated by a plan that was made after the copy: nobody can count or send it.
    by_phone
        Whom the partner had to phone about, since the sender's copy does not say which plan is valid.
    stopped
        Whose import report has something to be settled before treating.
    in_doubt
        Who is back, counted, and still has something a person has to look at.
    wrong
        Patients whose position is not the truth, who went with another next fraction than the true one, or
        of whom neither placement nor reason speaks.
    """

    asked: int
    ranked: int
    placed: int
    placed_there: int
    handed_over: int
    fractions_elsewhere: int
    unknown_plans: int
    by_phone: int
    stopped: int
    in_doubt: int
    wrong: tuple[str, ...]


def treated_elsewhere(attacked: Attacked, root: Path, *, most: int) -> Ended:
    """Let everybody answer, hand over at most so many patients, and take back what was given to them.

    Raises
    ------
    IntegrityError
        A command did not come to its end.
    """
    with ExitStack() as houses:
        home = houses.enter_context(laptop(root))
        there = houses.enter_context(House(root / PARTNER, hidden=[root / LAPTOP]))
        return _Aftermath(attacked, root, home, there).played(most)


class _Aftermath:
    """What follows one attack."""

    def __init__(self, attacked: Attacked, root: Path, home: House, there: House) -> None:
        self._truth, self._incident, self._home = Truth(attacked), attacked.incident, home
        self._zone, self._disk = attacked.month.zone, root / DISK
        self._cards = "\n".join((*attacked.cards, ""))
        self._inventory = IncidentFolder.open(attacked.incident).inventory()
        attacked_at = self._truth.moment.attacked_at
        first = working_day(local_date(attacked_at, self._zone), 1)
        self._asked_at = attacked_at + ASKED_AFTER
        self._days = tuple(working_day(first, ahead) for ahead in range(DAYS))
        self._line = root / "usb" / "line.toml"
        self._partner = Partner(there, self._line)
        self._here = ("--incident", attacked.incident)
        self._desk = ("--desk", attacked.incident / "handover")
        self._wrong: list[str] = []

    def played(self, most: int) -> Ended:
        """Do all of it."""
        persons = {one.pseudonym: one for one in self._inventory.persons}
        known = {name: one for name, one in persons.items() if not self._truth.has_unknown_plan(one)}
        asked = [one for one in known.values() if is_asked(one)]
        answers = Answers(self._home, self._incident, self._truth, self._asked_at)
        for person in asked:
            answers.of(person)
        placing = self._placed(most)
        forgotten = persons.keys() - placing.spoken_of
        self._wrong += [f"{name[:10]}: neither a place nor a reason" for name in forgotten]
        chosen = [
            name
            for name, first_on in placing.there.items()
            if name in known and first_on <= self._days[-1] and self._truth.due(known[name], first_on)
        ][:most]
        self._meet()
        guests = self._handed_over(chosen) if chosen else {}
        self._wrong += self._partner.booked_wrongly(guests.values()) if guests else ()
        for name, guest in guests.items():
            self._wrong += self._sent_wrongly(known[name], guest)
        for day in self._days:
            self._treated(day, known, guests)
        in_doubt = self._returned(guests)
        self._wrong += filter(None, map(self._difference, known.values()))
        return Ended(
            asked=len(asked),
            ranked=placing.ranked,
            placed=placing.placed,
            placed_there=len(placing.there),
            handed_over=len(guests),
            fractions_elsewhere=sum(map(len, self._truth.given.values())),
            unknown_plans=len(persons) - len(known),
            by_phone=sum(not one.sessions for one in guests.values()),
            stopped=sum(one.is_stopped for one in guests.values()),
            in_doubt=in_doubt,
            wrong=tuple(self._wrong),
        )

    def _at(self, day: date, wall: time) -> datetime:
        return local_instant(day, wall, self._zone)

    # 2 -----------------------------------------------------------------------------------------------

    def _placed(self, places: int) -> Placing:
        return place(
            self._home,
            self._incident,
            cards=self._cards,
            disk=self._disk,
            partners=partners_text(places, len(self._inventory.persons)),
            first_on=self._days[0],
            at=self._asked_at,
        )

    def _meet(self) -> None:
        """Make both desks; each trusts the other's card, which travels on the disk."""
        bundles = self._line.parent / "bundles"
        bundles.mkdir()
        self._line.write_text(f'name = "usb"\nkind = "directory"\npath = "{bundles}"\n', encoding="utf-8")
        theirs, ours = self._line.with_name("noord.json"), self._line.with_name("home.json")
        number = self._partner.opens(self._asked_at)
        theirs.write_bytes(self._partner.card.read_bytes())
        own = self._home.told("desk", "init", "--name", "Drilled department", *self._desk, at=self._asked_at)
        ours.write_bytes((self._incident / "handover" / "card.json").read_bytes())
        self._home.type("desk", "trust", theirs, "--number", number, *self._desk, at=self._asked_at)
        self._partner.trusts(ours, own["number"], self._asked_at)

    def _handed_over(self, chosen: list[str]) -> dict[str, Guest]:
        """Send those by the disk, and let the partner take them in; return the guests by pseudonym."""
        done = self._home.told(
            *("handover", "make", *chosen, "--placed", THERE, "--to", NAME, "--by", "drill"),
            *("--vault", self._disk, "--words", *self._here),
            at=self._asked_at,
            keys=self._cards,
        )
        made = [one["bundle_id"] for one in done["made"]]
        self._home.type("handover", "send", *made, "--place", self._line, *self._here, at=self._asked_at)
        morning = self._at(self._days[0], MORNING)
        came = self._partner.fetches(morning)
        return dict(self._partner.takes_in(path, number, morning) for number, path in enumerate(came))

    def _sent_wrongly(self, person: Person, guest: Guest) -> Iterator[str]:
        """Yield where the partner was told to go on otherwise than is true."""
        patient = self._truth.patient(person)
        first: dict[str, tuple[date, int, bool]] = {}
        for day, plan_uid, fraction, is_rest in guest.sessions:
            first.setdefault(plan_uid, (day, fraction, is_rest))
        for plan_uid, (day, *told) in first.items():
            true = [
                [one.fraction_number, one.part == "rest"]
                for one in self._truth.due(person, day)
                if patient.plan_uid(treatment_of(patient, one)) == plan_uid
            ]
            if true != [told]:
                yield f"{patient.patient_id}: sent with next {told} for {true}"

    # 3 -----------------------------------------------------------------------------------------------

    def _treated(self, day: date, known: dict[str, Person], guests: dict[str, Guest]) -> None:
        """Let the partner's machine treat for a day, and its people fetch the records in the evening."""
        stops = day == self._days[STOPS_ON]
        for name, guest in guests.items():
            given = self._truth.given.setdefault(name, [])
            for session in self._due(known[name], guest, day):
                breaks_off = stops and session.part == "whole"
                given.append(replace(session, part="first") if breaks_off else session)
                self._partner.treats(guest, self._truth, known[name], given[-1])
                stops = stops and not breaks_off
            self._partner.collects(guest, self._at(day, EVENING))

    def _due(self, person: Person, guest: Guest, day: date) -> list[Session]:
        """Return what the partner gives on a day: of the plans and on the days that it was sent."""
        patient = self._truth.patient(person)
        wanted = {plan_uid for on, plan_uid, _, _ in guest.sessions if on == day}
        if not guest.sessions:  # they phoned, and home knows by now which of the plans it is
            wanted = set(guest.plan_uids)
        return [
            one
            for one in self._truth.due(person, day)
            if patient.plan_uid(treatment_of(patient, one)) in wanted
        ]

    # 4 -----------------------------------------------------------------------------------------------

    def _returned(self, guests: dict[str, Guest]) -> int:
        """Take everything back, each bundle twice; return how many leave something in doubt."""
        evening, in_doubt = self._at(self._days[-1], EVENING), 0
        for guest in guests.values():
            self._partner.returns(guest, evening)
        after = evening + ASKED_AFTER
        came = self._home.told("desk", "fetch", "--place", self._line, *self._desk, at=after)["fetched"]
        for bundle_id in came:
            back = ("handover", "back", self._incident / "handover" / "in" / bundle_id, "--by", "drill")
            for _ in range(2):  # somebody plugs the same disk in again
                status, _out = self._home.type(*back, *self._here, at=after, ends=(0, IN_DOUBT))
            in_doubt += status == IN_DOUBT
        return in_doubt

    def _difference(self, person: Person) -> str:
        """Return in words where the position is not the truth; "" where it is."""
        folder = IncidentFolder.open(self._incident)
        now = patient_now(folder, self._inventory, person.pseudonym, self._at(self._days[-1], time(23, 0)))
        truth, position = self._truth.position(person), now.person.position
        counted = {
            at.plan_uid: Given(complete=at.fractions_complete, partial=at.fractions_partial)
            for at in (position.plans if position else ())
            if at.fractions_complete or at.fractions_partial
        }
        if counted == truth:
            return ""
        return f"{person.entry.patient.patient_id}: {counted} for {truth}"
