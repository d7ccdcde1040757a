"""What was truly given to whom, at home and elsewhere: what a drill knows and no copy does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.rehearse.attack import given_in, sessions_due
from beamkeeper.rehearse.sim.state import patient_of

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.app.drill.attacked import Attacked
    from beamkeeper.protect.lists import Person
    from beamkeeper.rehearse.attack import Given, Visit
    from beamkeeper.rehearse.sim.records import Session
    from beamkeeper.rehearse.sim.state import PatientState
    from beamkeeper.rehearse.sim.treatments import SimPatient


class Truth:
    """The department as it truly was when it was attacked, and what was given since.

    Attributes
    ----------
    given
        By pseudonym: sessions given elsewhere, oldest first.
    """

    def __init__(self, attacked: Attacked) -> None:
        self.month, self.moment = attacked.month, attacked.verdict.moment
        self._state = self.month.state_at(self.moment.attacked_at)
        self._members = {patient_of(self._state, one).patient_id: one for one in self._state.patients}
        self.given: dict[str, list[Session]] = {}

    def patient(self, person: Person) -> SimPatient:
        """Return whom an entry of the inventory means."""
        return patient_of(self._state, self._members[person.entry.patient.patient_id])

    def visits(self, person: Person) -> tuple[Visit, ...]:
        """Return the sessions between the copy and the attack."""
        index = self._members[person.entry.patient.patient_id].index
        moment = self.moment
        return self.month.visits_of(index, since=moment.copy.knows_until, until=moment.attacked_at)

    def was_cut(self, visit: Visit) -> bool:
        """Return whether the attack came while the patient lay on the table."""
        return visit.ended_at > self.moment.attacked_at

    def has_unknown_plan(self, person: Person) -> bool:
        """Return whether a plan was made for this patient between the copy and the attack."""
        patient = self.patient(person)
        known = {plan.sop_instance_uid for plan in person.plans}
        return any(patient.plan_uid(one) not in known for one in patient.treatments)

    def due(self, person: Person, on: date) -> tuple[Session, ...]:
        """Return what is to be given on a day: each open plan's next fraction, or the rest of one."""
        return tuple(sessions_due(self.patient(person), self._member(person), on))

    def position(self, person: Person) -> dict[str, Given]:
        """Return what was given of each plan, by UID."""
        return given_in(self.patient(person), self._member(person).sessions)

    def _member(self, person: Person) -> PatientState:
        """Return the sessions given until now, the one that the attack cut short included."""
        member = self._members[person.entry.patient.patient_id]
        cut = [
            replace(visit.session, part="first")
            for visit in self.visits(person)
            if self.was_cut(visit) and visit.session.part != "rest"
        ]
        given = self.given.get(person.pseudonym, ())
        return replace(member, sessions=(*member.sessions, *cut, *given))
