"""After the attack: who was asked answers, a partner treats some for days, and every fraction comes back.

1. what the console's log and the patient say of the sessions since the copy is entered by hand and checked;
2. some patients are handed over in sealed bundles; the partner knows them under numbers of its own;
3. the partner's machine treats them; on one day it stops in the middle of a fraction;
4. the records come back, and everybody's position is held against the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from pydicom import dcmread

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.handing_over import Agreed, hand_over
from beamkeeper.app.jobs.handover_desk import desk_of
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.receiving import know_as, receive
from beamkeeper.app.jobs.returning import Report, answer
from beamkeeper.app.jobs.settling import settle
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.jobs.taking_back import take_back
from beamkeeper.app.opened import open_elsewhere, recovery_from_cards
from beamkeeper.clock import SystemClock, local_date, zone
from beamkeeper.rehearse.attack import Given, given_in, sessions_due
from beamkeeper.rehearse.sim.patients import session_time, treatment_of, working_day
from beamkeeper.rehearse.sim.records import records
from beamkeeper.rehearse.sim.state import patient_of
from beamkeeper.respond.handover import Desk
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.incident.inventory import is_asked
from beamkeeper.respond.paper import details_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from beamkeeper.app.drill.attacked import Attacked
    from beamkeeper.app.jobs.since import Now
    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.lists import Person
    from beamkeeper.rehearse.attack import Visit
    from beamkeeper.rehearse.sim.records import Session
    from beamkeeper.rehearse.sim.state import PatientState
    from beamkeeper.rehearse.sim.treatments import SimPatient

BROKEN_OFF_AT: Final = 0.41
"""Part of the first beam that a broken session gave, as the simulated machines do it."""
DAYS: Final = 5
"""So many days the partner treats."""
STOPS_ON: Final = 1
"""On the second day its machine stops in the middle of a fraction of the first patient."""
HOME, PARTNER = "Drilled department", "AZ Noord"
SETTLED_BY: Final = ("A. Jansen", "B. Peeters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Where everybody stands in the end.

    Attributes
    ----------
    asked, handed_over
        Patients who were asked; whom the partner treated.
    fractions_elsewhere
        Sessions given at the partner, parts counted as sessions.
    unknown_plans
        Patients who are treated by a plan that was made after the copy: nobody can count or send it.
    wrong
        Patients whose position is not the truth, with both.
    """

    asked: int
    handed_over: int
    fractions_elsewhere: int
    unknown_plans: int
    wrong: tuple[str, ...]


def treated_elsewhere(attacked: Attacked, root: Path, *, most: int) -> Ended:
    """Let everybody answer, hand over at most so many patients, and take back what was given to them."""
    return _Aftermath(attacked, root).played(most)


class _Aftermath:
    """What follows one attack."""

    def __init__(self, attacked: Attacked, root: Path) -> None:
        self._month, self._moment = attacked.month, attacked.verdict.moment
        self._folder, self._root, self._clock = IncidentFolder.open(attacked.incident), root, SystemClock()
        self._zone = zone(self._month.zone.key)
        self._store = open_elsewhere(root / "usb", recovery_from_cards(attacked.cards), self._clock)
        self._inventory = self._folder.inventory()
        state = self._month.state_at(self._moment.attacked_at)
        self._members = {patient_of(state, one).patient_id: one for one in state.patients}
        self._state = state
        self._given: dict[str, list[Session]] = {}

    def played(self, most: int) -> Ended:
        """Do all of it."""
        persons = [one for one in self._inventory.persons if not self._has_unknown_plan(one)]
        asked = [one for one in persons if is_asked(one)]
        for person in asked:
            self._answer(person)
        home, there = self._desks()
        chosen = [one for one in persons if self._is_open(one)][:most]
        for number, person in enumerate(chosen):
            self._treat(person, number, home, there)
        return Ended(
            asked=len(asked),
            handed_over=len(chosen),
            fractions_elsewhere=sum(map(len, self._given.values())),
            unknown_plans=len(self._inventory.persons) - len(persons),
            wrong=tuple(filter(None, map(self._difference, persons))),
        )

    # Who is who --------------------------------------------------------------------------------------

    def _member(self, person: Person) -> PatientState:
        """Return the truth about a patient at the attack, the session that was cut short included."""
        member = self._members[person.entry.patient.patient_id]
        for visit in self._visits(person):
            if visit.ended_at > self._moment.attacked_at and visit.session.part != "rest":
                cut = replace(visit.session, part="first")
                member = replace(member, sessions=(*member.sessions, cut))
        return member

    def _patient(self, person: Person) -> SimPatient:
        return patient_of(self._state, self._members[person.entry.patient.patient_id])

    def _visits(self, person: Person) -> tuple[Visit, ...]:
        index = self._members[person.entry.patient.patient_id].index
        moment = self._moment
        return self._month.visits_of(index, since=moment.copy.knows_until, until=moment.attacked_at)

    def _has_unknown_plan(self, person: Person) -> bool:
        """Whether a plan was made for this patient between the copy and the attack."""
        patient = self._patient(person)
        known = {plan.sop_instance_uid for plan in person.plans}
        return any(patient.plan_uid(one) not in known for one in patient.treatments)

    def _now(self, person: Person) -> Now:
        return patient_now(self._folder, self._inventory, person.pseudonym, self._clock.now())

    def _is_open(self, person: Person) -> bool:
        return any(self._due(person, working_day(self._first_day(), 0)))

    # 1 -----------------------------------------------------------------------------------------------

    def _answer(self, person: Person) -> None:
        """Enter what was given since the copy, and settle what is still in doubt."""
        plans = {plan.sop_instance_uid: plan for plan in person.plans}
        patient = self._patient(person)
        for visit in self._visits(person):
            treatment = treatment_of(patient, visit.session)
            self._enter(person, visit, plans[patient.plan_uid(treatment)], treatment.machine)
        for plan in person.plans:
            now = self._now(person)  # one word may settle the doubts of several plans
            at = now.at(plan) if plan.is_clinical else None
            if at is not None and at.next_fraction_number is not None and now.doubts(plan):
                settle(
                    self._folder,
                    person.pseudonym,
                    plan.sop_instance_uid,
                    next_fraction=at.next_fraction_number,
                    people=SETTLED_BY,
                    reason="the patient and the console's log",
                    clock=self._clock,
                )

    def _enter(self, person: Person, visit: Visit, plan: Plan, machine: str) -> None:
        session = visit.session
        was_cut = visit.ended_at > self._moment.attacked_at
        if was_cut and session.part == "rest":
            return  # nothing more than a part again: the fraction is open as it was
        beams = [one for one in plan.beams if one.is_treatment and one.beam_meterset]
        shares = [1.0 for _ in beams]
        if was_cut or session.part == "first":
            beams, shares = beams[:1], [BROKEN_OFF_AT]
        elif session.part == "rest":
            shares[0] = 1 - BROKEN_OFF_AT
        details: dict[str, Any] = details_of(
            plan,
            fraction_number=session.fraction_number,
            given_at=visit.began_at,
            machine=machine,
            beams=[
                (one.beam_number, round((one.beam_meterset or 0.0) * share, 2))
                for one, share in zip(beams, shares, strict=True)
            ],
            is_continuation=session.part == "rest",
        )
        row = write(
            self._folder,
            Deed.ENTERED,
            by=SETTLED_BY[0],
            at=self._clock.now(),
            pseudonym=person.pseudonym,
            **details,
        )
        write(
            self._folder,
            Deed.CHECKED_ENTRY,
            by=SETTLED_BY[1],
            at=self._clock.now(),
            pseudonym=person.pseudonym,
            entry=row.sequence,
        )

    # 2, 3 --------------------------------------------------------------------------------------------

    def _desks(self) -> tuple[Desk, Desk]:
        """Make both houses' desks; each trusts the other's card."""
        there = Desk.create(self._root / "partner", PARTNER)
        home = desk_of(self._folder)
        home.trust(there.card, there.card.number)
        there.trust(home.card, home.card.number)
        return home, there

    def _first_day(self) -> date:
        return working_day(local_date(self._moment.attacked_at, self._zone), 1)

    def _due(self, person: Person, on: date) -> Iterator[Session]:
        given = self._given.get(person.pseudonym, [])
        member = self._member(person)
        member = replace(member, sessions=(*member.sessions, *given))
        yield from sessions_due(self._patient(person), member, on)

    def _treat(self, person: Person, number: int, home: Desk, there: Desk) -> None:
        """Hand one patient over, let the partner treat, and take the records back."""
        days = tuple(working_day(self._first_day(), ahead) for ahead in range(DAYS))
        now = self._now(person)
        agreed = Agreed(to=home.find(PARTNER), by="drill", days=days)
        _, bundle = hand_over(self._folder, self._store, now, agreed, now=self._clock.now())
        taken = receive(there, bundle, by="partner", now=self._clock.now())
        bundle_id, their_id = taken.manifest.bundle_id, f"N-{20000 + number}"
        know_as(there, bundle_id, their_id, by="partner", now=self._clock.now())
        files = self._root / "exported" / str(number)
        files.mkdir(parents=True)
        for day_number, day in enumerate(days):
            for session in list(self._due(person, day)):
                stops = number == 0 and day_number == STOPS_ON and session.part == "whole"
                given = replace(session, part="first") if stops else session
                self._given.setdefault(person.pseudonym, []).append(given)
                self._record(person, given, their_id, files)
        made = answer(there, bundle_id, files, Report(by="partner", is_last=True), now=self._clock.now())
        for _ in range(2):  # somebody plugs the same disk in again
            take_back(self._folder, made.folder, by="drill", now=self._clock.now())

    def _record(self, person: Person, session: Session, their_id: str, files: Path) -> None:
        """Write what the partner's machine records of a session: their number, their machine."""
        patient = self._patient(person)
        treated_at = session_time(patient, session, self._zone)
        for uid, data in records(patient, treatment_of(patient, session), session, treated_at):
            record = dcmread(BytesIO(data))
            record.PatientID = their_id
            record.TreatmentMachineSequence[0].TreatmentMachineName = "NOORD1"
            record.TreatmentMachineSequence[0].InstitutionName = PARTNER
            record.save_as(files / f"{uid}.dcm")

    # 4 -----------------------------------------------------------------------------------------------

    def _difference(self, person: Person) -> str:
        """Return in words where the position is not the truth; "" where it is."""
        position = self._now(person).person.position
        member = self._member(person)
        member = replace(member, sessions=(*member.sessions, *self._given.get(person.pseudonym, ())))
        truth = given_in(self._patient(person), member.sessions)
        counted = {
            at.plan_uid: Given(complete=at.fractions_complete, partial=at.fractions_partial)
            for at in (position.plans if position else ())
            if at.fractions_complete or at.fractions_partial
        }
        if counted == truth:
            return ""
        return f"{person.entry.patient.patient_id}: {counted} for {truth}"
