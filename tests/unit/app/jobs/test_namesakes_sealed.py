"""A new patient of the same name is news: the paper of the other must say so."""

from __future__ import annotations

from dataclasses import replace

from beamkeeper.app.jobs.looked import PatientFacts
from beamkeeper.app.jobs.sealing import is_worth_sealing
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.namesakes import Alike, Namesake
from beamkeeper.domain.patient import Patient

FACTS = PatientFacts(
    pseudonym="p", entry=CensusEntry(patient=Patient(patient_id="1", name="Jansen^Maria"), claims=())
)
OTHER = Namesake(how=(Alike.SAME_NAME,))


def test_a_new_namesake_is_worth_a_new_parcel_and_that_somebody_looked_is_not() -> None:
    looked = replace(FACTS, namesakes=())

    assert is_worth_sealing((), (), looked, replace(FACTS, namesakes=(OTHER,)))
    assert not is_worth_sealing((), (), FACTS, looked)
