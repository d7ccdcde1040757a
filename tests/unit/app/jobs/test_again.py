"""A night that is tried again tells what its earlier try found, each change once."""

from __future__ import annotations

from dataclasses import replace

from beamkeeper.app.jobs.again import find_earlier, with_earlier_changes
from beamkeeper.domain.change import Grade, ObjectComparison
from beamkeeper.domain.night import PatientNight


def comparison(uid: str, grade: Grade) -> ObjectComparison:
    return ObjectComparison(
        sop_instance_uid=uid, sop_class_uid="1.2", modality="RTPLAN", kind="plan", label=uid, grade=grade
    )


EARLIER = PatientNight(
    pseudonym="a",
    patient_id="1",
    patient_name="",
    stored=True,
    parcel="a/one",
    parcel_bytes=9,
    comparisons=(comparison("1.1", Grade.CLINICAL), comparison("1.2", Grade.MISSING)),
)
NOW = PatientNight(pseudonym="a", patient_id="1", patient_name="", identical_count=5)


def grades(night: PatientNight) -> dict[str, Grade]:
    return {item.sop_instance_uid: item.grade for item in night.comparisons}


TOLD = EARLIER.comparisons


def test_what_the_earlier_try_sealed_is_still_told() -> None:
    night = with_earlier_changes(NOW, earlier=EARLIER, told=TOLD, seen_uids={"1.1", "1.3"})

    assert grades(night) == {"1.1": Grade.CLINICAL, "1.2": Grade.MISSING}
    assert night.identical_count == 4
    assert (night.parcel, night.parcel_bytes) == ("a/one", 9)


def test_what_was_missing_and_came_back_is_not_told_as_missing() -> None:
    night = with_earlier_changes(NOW, earlier=EARLIER, told=TOLD, seen_uids={"1.1", "1.2"})

    assert grades(night) == {"1.1": Grade.CLINICAL}


def test_an_object_that_changed_in_two_tries_is_told_twice() -> None:
    now = replace(NOW, comparisons=(comparison("1.1", Grade.ADMINISTRATIVE),))
    night = with_earlier_changes(now, earlier=EARLIER, told=TOLD, seen_uids={"1.1"})
    of_it = [item.grade for item in night.comparisons if item.sop_instance_uid == "1.1"]

    assert of_it == [Grade.CLINICAL, Grade.ADMINISTRATIVE]
    assert night.identical_count == NOW.identical_count


def test_a_repeated_step_tells_nothing_twice() -> None:
    once = with_earlier_changes(NOW, earlier=EARLIER, told=TOLD, seen_uids={"1.1"})
    again = with_earlier_changes(NOW, earlier=once, told=once.comparisons, seen_uids={"1.1"})

    assert again == once


def test_without_an_earlier_try_a_night_is_what_it_is() -> None:
    assert find_earlier(None, "a") is None
    assert with_earlier_changes(NOW, earlier=None, told=(), seen_uids={"1.1"}) == NOW


def test_a_doubt_about_who_it_is_outlives_a_later_try() -> None:
    doubted = replace(EARLIER, identity=("The list states another name.",))
    again = replace(NOW, identity=("Kept apart.",))
    night = with_earlier_changes(again, earlier=doubted, told=(), seen_uids=set())

    assert night.identity == ("The list states another name.", "Kept apart.")
    assert night.needs_a_word
