"""Two Patient IDs in one study are shown at both, and merged at neither."""

from __future__ import annotations

from beamkeeper.app.jobs.judging import shared_studies


def test_a_study_of_two_patients_is_said_at_both_by_the_others_pseudonym() -> None:
    said = shared_studies({"aaaa": {"1.2", "1.3"}, "bbbb": {"1.2"}, "cccc": {"1.4"}})

    assert said.keys() == {"aaaa", "bbbb"}
    assert "1.2" in said["aaaa"][0]
    assert "bbbb" in said["aaaa"][0]
    assert "aaaa" in said["bbbb"][0]


def test_objects_without_a_study_are_no_shared_study() -> None:
    assert shared_studies({"aaaa": {""}, "bbbb": {""}}) == {}
