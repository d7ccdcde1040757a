"""Two Patient IDs in one study are shown at both and merged at neither; what stops a night."""

from __future__ import annotations

from beamkeeper.app.jobs.judging import night_alarm, shared_studies
from beamkeeper.app.jobs.looked import Looked, PatientFacts
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.change import Grade, ObjectComparison
from beamkeeper.domain.night import PatientNight
from beamkeeper.domain.patient import Patient


def test_a_study_of_two_patients_is_said_at_both_by_the_others_pseudonym() -> None:
    said = shared_studies({"aaaa": {"1.2", "1.3"}, "bbbb": {"1.2"}, "cccc": {"1.4"}})

    assert said.keys() == {"aaaa", "bbbb"}
    assert "1.2" in said["aaaa"][0]
    assert "bbbb" in said["aaaa"][0]
    assert "aaaa" in said["bbbb"][0]


def test_objects_without_a_study_are_no_shared_study() -> None:
    assert shared_studies({"aaaa": {""}, "bbbb": {""}}) == {}


def with_unreadable(count: int, *, before: int) -> Looked:
    cannot = tuple(
        ObjectComparison(
            sop_instance_uid=f"1.2.{number}",
            sop_class_uid="1.2",
            modality="CT",
            kind="other",
            label="CT that cannot be read",
            grade=Grade.UNREADABLE,
        )
        for number in range(count)
    )
    night = PatientNight(
        pseudonym="p", patient_id="4711", patient_name="A^B", identical_count=60, comparisons=cannot
    )
    entry = CensusEntry(patient=Patient(patient_id="4711", name="A^B"), claims=())
    return Looked(night=night, facts=PatientFacts(pseudonym="p", entry=entry), unreadable_before=before)


def test_only_what_is_newly_unreadable_stops_a_night() -> None:
    assert night_alarm([with_unreadable(30, before=30)]) == ""
    assert night_alarm([with_unreadable(50, before=31)]) == ""
    assert night_alarm([with_unreadable(50, before=30)]).startswith("20 of 110 objects cannot be read")
