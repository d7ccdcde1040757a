"""A source that hands over somebody else's object under the UID that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from night_site import NIGHT_1, SmallSite, make_objects, patient_night

from beamkeeper.protect.collect import folder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.wire.dicom.spool import SpoolWriter

WHO, OTHER = "BK-20418", "p3/RTPLAN-1.dcm"


def test_an_object_of_somebody_else_is_put_before_a_person_on_the_first_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = SmallSite(tmp_path)
    make_objects(site.source, who=(2, 3))
    site = SmallSite.make(tmp_path)
    whole = folder._copy

    def swapped(writer: SpoolWriter, ref: ObjectRef, path: Path) -> bool:
        is_plan = ref.patient_id == WHO and ref.modality == "RTPLAN"
        return whole(writer, ref, site.source / OTHER if is_plan else path)

    monkeypatch.setattr(folder, "_copy", swapped)
    patient = patient_night(site.night(NIGHT_1), WHO)
    (plan,) = (item for item in patient.eyes if item.kind == "plan")

    assert "another Patient ID" in plan.changes[0].text
    assert any("1 object names another Patient ID" in text for text in patient.disagreements)
