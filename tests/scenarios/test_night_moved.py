"""An object that moved from one patient to another under its old SOP Instance UID."""

from __future__ import annotations

from typing import TYPE_CHECKING

from night_site import NIGHT_2, patient_night
from pydicom import dcmread

from beamkeeper.domain.change import Grade
from beamkeeper.protect.report import render_text

if TYPE_CHECKING:
    from night_site import SmallSite


def test_an_object_that_moved_to_another_patient_is_put_before_a_person_at_both(
    kept_site: SmallSite,
) -> None:
    moved = kept_site.source / "p2" / "RTSTRUCT-1.dcm"
    structures, other = dcmread(moved), dcmread(kept_site.source / "p3" / "RTPLAN-1.dcm")
    owner, taker = str(structures.PatientID), str(other.PatientID)
    structures.PatientID, structures.PatientName = other.PatientID, other.PatientName
    structures.save_as(moved)
    report = kept_site.night(NIGHT_2)
    (left,) = patient_night(report, owner).eyes
    (came,) = patient_night(report, taker).eyes

    assert left.sop_instance_uid == came.sop_instance_uid == structures.SOPInstanceUID
    assert (left.grade, came.grade) == (Grade.MISSING, Grade.NEW)
    assert "kept under another patient" in came.changes[0].text
    assert owner not in render_text(report)
