"""A patient under treatment of whom no source has any object is never called kept."""

from __future__ import annotations

import pytest

from beamkeeper.app.jobs.held import nothing_listed
from beamkeeper.domain.census import CensusEntry, CensusReason, Claim, OisCount
from beamkeeper.domain.night import NotKept, PatientNight
from beamkeeper.domain.patient import Patient
from beamkeeper.protect.report.words import kept_in_words

PATIENT = Patient(patient_id="004711", name="A^B")
COUNT = OisCount(plan_uid="1.2.3", source="ois", fractions_planned=20, fractions_done=3)


def entry(reason: CensusReason, *counts: OisCount) -> CensusEntry:
    return CensusEntry(patient=PATIENT, claims=(Claim(source="ois", reason=reason),), counts=counts)


@pytest.mark.parametrize("reason", [CensusReason.TREATED_RECENTLY, CensusReason.PLANNED_NOT_STARTED])
def test_nothing_of_somebody_planned_or_treated_is_a_loss(reason: CensusReason) -> None:
    (missed,) = nothing_listed(entry(reason))

    assert "Patient ID" in missed.reason


def test_nothing_of_somebody_whose_fractions_are_counted_is_a_loss() -> None:
    assert nothing_listed(entry(CensusReason.SCHEDULED_SOON, COUNT))


def test_nothing_of_somebody_who_has_only_an_appointment_is_no_loss() -> None:
    assert not nothing_listed(entry(CensusReason.SCHEDULED_SOON))


def test_no_object_is_never_said_as_all_objects() -> None:
    nothing = PatientNight(pseudonym="p", patient_id="004711", patient_name="A^B", stored=True)
    missed = NotKept(sop_instance_uid="", what="everything", reason="")
    lost = PatientNight(
        pseudonym="p", patient_id="004711", patient_name="A^B", stored=True, not_kept=(missed,)
    )

    assert "all" not in kept_in_words(nothing)
    assert "NO OBJECT" in kept_in_words(lost)
