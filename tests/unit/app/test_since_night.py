"""What the hour adds is not held against a count that the OIS gave in the night before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.app.jobs.looked import PatientFacts
from beamkeeper.app.jobs.standing import stand
from beamkeeper.domain.census import CensusEntry, OisCount
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.rehearse.sim.patients import planning_objects, session_objects
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.wire.dicom.reader import read_object

if TYPE_CHECKING:
    from beamkeeper.domain.position import PlanPosition

ZONE = ZoneInfo("Europe/Brussels")
NIGHT = date(2026, 3, 2)
IN_THE_NIGHT, WITH_THE_HOUR = 3, 4
"""Fractions that had records."""


@pytest.fixture(scope="module")
def facts() -> PatientFacts:
    """A patient with four recorded fractions, of which the hour added the last."""
    state = at_first(1, 3, NIGHT, NIGHT - timedelta(days=1))
    member = state.patients[2]
    patient = patient_of(state, member)
    planned = [data for _, data in planning_objects(patient, ZONE)]
    given = [
        [data for _, data in session_objects(patient, session, ZONE)]
        for session in member.sessions[:WITH_THE_HOUR]
    ]
    read = [read_object(data, zone=ZONE) for data in (*planned, *(one for item in given for one in item))]
    kept = tuple(one for one in read if isinstance(one.content, Plan | TreatmentRecord))
    later = tuple(read_object(data, zone=ZONE).ref.sop_instance_uid for data in given[-1])
    entry = CensusEntry(patient=Patient(patient_id=patient.patient_id, name="Name"), claims=())
    return PatientFacts(pseudonym="p", entry=entry, objects=kept, since_night=later)


def position(facts: PatientFacts, counted: int, *, known: bool = True) -> PlanPosition:
    """Return where the plan stands when the OIS counts so many fractions."""
    (uid,) = (one.ref.sop_instance_uid for one in facts.objects if isinstance(one.content, Plan))
    counts = (OisCount(plan_uid=uid, source="ois", fractions_planned=15, fractions_done=counted),)
    asked = replace(facts, entry=replace(facts.entry, counts=counts))
    if not known:
        asked = replace(asked, since_night=())
    return stand(asked, (), tolerance=DEFAULT_TOLERANCE)[0].plans[0]


def test_a_fraction_of_today_is_no_disagreement_with_a_count_of_the_night(facts: PatientFacts) -> None:
    at = position(facts, IN_THE_NIGHT)

    assert at.fractions_complete == WITH_THE_HOUR
    assert at.conflicts == ()


def test_a_count_that_was_wrong_in_the_night_stays_shown(facts: PatientFacts) -> None:
    for counted in (IN_THE_NIGHT - 1, IN_THE_NIGHT + 1):
        (conflict,) = position(facts, counted).conflicts
        assert f"ois counts {counted} fractions done, the records {IN_THE_NIGHT}" in conflict.text


def test_in_a_night_the_count_is_held_against_every_record(facts: PatientFacts) -> None:
    (conflict,) = position(facts, IN_THE_NIGHT, known=False).conflicts

    assert f"the records {WITH_THE_HOUR}" in conflict.text
