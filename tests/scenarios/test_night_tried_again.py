"""A date that takes several tries: what one try found and sealed is in the report of the last."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pydicom
import pytest
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, patient_night

from beamkeeper.app.jobs import nightly
from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import SourceUnavailable, StorageFull
from beamkeeper.protect.collect import FolderSource

if TYPE_CHECKING:
    from pathlib import Path

    from night_site import SmallSite

    from beamkeeper.wire.dicom.requester import ExpectedObject


def turn_the_gantry(plan: Path, degrees: float) -> str:
    """Turn beam 1 of a plan by some degrees under the same UIDs; return the Patient ID."""
    dataset = pydicom.dcmread(plan)
    at_first = dataset.BeamSequence[0].ControlPointSequence[0]
    at_first.GantryAngle = str(float(at_first.GantryAngle) + degrees)
    dataset.save_as(plan)
    return str(dataset.PatientID)


def break_a_file(site: SmallSite) -> Path:
    """Put a damaged object beside the others, so that no try of the night is complete."""
    broken = site.source / "p3" / "broken.dcm"
    broken.write_bytes(b"\0" * 128 + b"DICM" + b"xx")
    return broken


def silence_one_patient(monkeypatch: pytest.MonkeyPatch, silent: str) -> None:
    whole = FolderSource.list_objects

    def list_objects(self: FolderSource, patient_id: str) -> tuple[ExpectedObject, ...]:
        if patient_id == silent:
            raise SourceUnavailable("No answer.")
        return whole(self, patient_id)

    monkeypatch.setattr(FolderSource, "list_objects", list_objects)


def test_a_clinical_change_outlives_a_later_try_in_which_its_patient_fails(
    kept_site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_id = turn_the_gantry(kept_site.source / "p2" / "RTPLAN-1.dcm", 5)
    broken = break_a_file(kept_site)
    first = kept_site.night(NIGHT_2)
    with monkeypatch.context() as silence:
        silence_one_patient(silence, patient_id)
        second = kept_site.night(NIGHT_2, hour=3)
    broken.unlink()
    third = kept_site.night(NIGHT_2, hour=4)

    assert [report.outcome.value for report in (first, second, third)] == [
        "incomplete",
        "incomplete",
        "complete",
    ]
    assert patient_night(second, patient_id).error
    (told,) = patient_night(third, patient_id).eyes
    assert "Gantry Angle" in told.changes[0].text
    (row,) = kept_site.runtime().ledger.changes(NIGHT_2)
    assert row.comparison == told


def test_a_second_change_of_an_object_on_one_date_does_not_hide_the_first(kept_site: SmallSite) -> None:
    plan = kept_site.source / "p2" / "RTPLAN-1.dcm"
    patient_id = turn_the_gantry(plan, 5)
    broken = break_a_file(kept_site)
    kept_site.night(NIGHT_2)
    dataset = pydicom.dcmread(plan)
    dataset.InstanceCreationTime = "111111"
    dataset.save_as(plan)
    broken.unlink()
    last = patient_night(kept_site.night(NIGHT_2, hour=3), patient_id)

    assert [item.grade.value for item in last.comparisons] == ["clinical", "re_encoded"]


def test_who_finished_in_the_first_try_is_still_on_the_list_of_the_second(kept_site: SmallSite) -> None:
    ledger = kept_site.runtime().ledger
    listed = ledger.census_of(NIGHT_1)
    assert listed is not None
    gone = next(entry for entry in listed.entries if entry.patient.patient_id == "BK-20944")
    shutil.rmtree(kept_site.source / "p3")
    rest = tuple(entry for entry in listed.entries if entry is not gone)
    ledger.record_census(NIGHT_2, replace(listed, entries=(*rest, replace(gone, finished=True))))

    assert patient_night(kept_site.night(NIGHT_2), "BK-20944").stored
    assert "BK-20944" in {entry.patient.patient_id for entry in ledger.last_census().entries}


def test_who_was_found_by_the_first_try_alone_is_kept_by_the_second(kept_site: SmallSite) -> None:
    ledger = kept_site.runtime().ledger
    listed = ledger.census_of(NIGHT_1)
    assert listed is not None
    new = replace(listed.entries[0], patient=Patient(patient_id="NEW-1", name="New^Patient"))
    ledger.record_census(NIGHT_2, replace(listed, entries=(*listed.entries, new)))
    report = kept_site.night(NIGHT_2)

    assert patient_night(report, "NEW-1").reasons == (CensusReason.KEPT_BEFORE,)


def test_a_night_that_fails_while_it_writes_its_report_still_tells_what_it_sealed(
    kept_site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_id = turn_the_gantry(kept_site.source / "p2" / "RTPLAN-1.dcm", 5)

    def no_room(*_: object, **__: object) -> None:
        raise StorageFull("No room for the report.")

    with monkeypatch.context() as full:
        full.setattr(nightly, "write_report", no_room)
        with pytest.raises(StorageFull):
            kept_site.night(NIGHT_2)
    for note in (kept_site.site.night_dir(NIGHT_2) / "patients").glob("*.looked.json"):
        note.unlink()  # as after a look that left something: the next try looks again
    last = patient_night(kept_site.night(NIGHT_2, hour=3), patient_id)

    assert [item.grade.value for item in last.eyes] == ["clinical"]


def test_what_a_night_sealed_that_never_ended_is_told_by_the_next(
    kept_site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_id = turn_the_gantry(kept_site.source / "p2" / "RTPLAN-1.dcm", 5)

    def no_room(*_: object, **__: object) -> None:
        raise StorageFull("No room for the report.")

    with monkeypatch.context() as full:
        full.setattr(nightly, "write_report", no_room)
        with pytest.raises(StorageFull):
            kept_site.night(NIGHT_2)
    third = kept_site.night(NIGHT_3)
    fourth = kept_site.night(NIGHT_3.replace(day=5))

    (told,) = patient_night(third, patient_id).eyes
    assert "Gantry Angle" in told.changes[0].text
    assert any("2026-03-03 did not come to its end" in remark for remark in third.remarks)
    assert fourth.is_quiet
    assert not any("did not come to its end" in remark for remark in fourth.remarks)


def test_a_night_in_which_nobody_could_be_kept_does_not_make_the_vault_look_fed(
    kept_site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept_site.runtime().vault

    def silent(self: FolderSource, patient_id: str) -> tuple[ExpectedObject, ...]:
        raise SourceUnavailable("No answer.")

    with monkeypatch.context() as silence:
        silence.setattr(FolderSource, "list_objects", silent)
        report = kept_site.night(NIGHT_2)
    after = kept_site.runtime().vault

    assert all(night.error for night in report.patients)
    assert (after.expires_at, after.nights()) == (before.expires_at, before.nights())
    assert kept_site.night(NIGHT_2, hour=3).outcome.value == "complete"
    assert kept_site.runtime().vault.nights()[-1] == NIGHT_2
