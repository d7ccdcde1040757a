"""What the console's log and the patient say of the sessions since the copy: typed in, checked, settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.rehearse.sim.patients import treatment_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.drill.house import House
    from beamkeeper.app.drill.truth import Truth
    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.lists import Person
    from beamkeeper.rehearse.attack import Visit

BROKEN_OFF_AT: Final = 0.41
"""Part of the first beam that a broken session gave, as the simulated machines do it."""
READ_BY, CHECKED_BY = "A. Jansen", "B. Peeters"


class Answers:
    """The people who ask, read the console's log, and type.

    Parameters
    ----------
    at
        What the clock shows when they do.
    """

    def __init__(self, house: House, incident: Path, truth: Truth, at: datetime) -> None:
        self._house, self._truth, self._at = house, truth, at
        self._folder, self._here = IncidentFolder.open(incident), ("--incident", incident)
        self._inventory = self._folder.inventory()

    def of(self, person: Person) -> None:
        """Enter what was given to a patient since the copy, and settle what is still in doubt."""
        plans = {plan.sop_instance_uid: plan for plan in person.plans}
        patient = self._truth.patient(person)
        for visit in self._truth.visits(person):
            if self._truth.was_cut(visit) and visit.session.part == "rest":
                continue  # nothing more than a part again: the fraction is open as it was
            self._enter(person, visit, plans[patient.plan_uid(treatment_of(patient, visit.session))])
        for plan in person.plans:
            self._settle(person, plan)

    def _enter(self, person: Person, visit: Visit, plan: Plan) -> None:
        """Type one session in, and let somebody else read it again."""
        session, patient = visit.session, self._truth.patient(person)
        whole = [
            (one.beam_number, one.beam_meterset)
            for one in plan.beams
            if one.is_treatment and one.beam_meterset
        ]
        number, meterset = whole[0]
        total, beams = sum(meterset for _, meterset in whole), list[str]()
        if self._truth.was_cut(visit) or session.part == "first":
            total = meterset * BROKEN_OFF_AT
            beams = ["--beam", f"{number}={total:.2f}"]
        elif session.part == "rest":
            total -= meterset * BROKEN_OFF_AT
        entry = self._house.told(
            *("paper", "enter", person.pseudonym, "--fraction", session.fraction_number),
            *("--given-at", visit.began_at.isoformat(), "--plan", plan.sop_instance_uid, *beams),
            *("--machine", treatment_of(patient, session).machine, "--by", READ_BY, *self._here),
            at=self._at,
        )["entry"]
        self._house.type(
            *("paper", "check", entry["number"], "--fraction", session.fraction_number),
            *("--total", f"{total:.1f}", "--by", CHECKED_BY, *self._here),
            at=self._at,
        )

    def _settle(self, person: Person, plan: Plan) -> None:
        # Asked anew for each plan: one word may have settled the doubts of several.
        now = patient_now(self._folder, self._inventory, person.pseudonym, self._at)
        stand = now.at(plan) if plan.is_clinical else None
        if stand is None or stand.next_fraction_number is None or not now.doubts(plan):
            return
        self._house.type(
            *("incident", "settle", person.pseudonym, "--next", stand.next_fraction_number),
            *("--plan", plan.sop_instance_uid, "--by", READ_BY, "--by", CHECKED_BY),
            *("--reason", "the patient and the console's log", *self._here),
            at=self._at,
        )
