"""Two persons under one Patient ID: what the vault holds of one does not keep the other from being kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from night_site import NIGHT_1, NIGHT_2, make_objects

if TYPE_CHECKING:
    from night_site import SmallSite

WHO = "BK-20418"


def test_new_objects_are_kept_although_older_ones_lie_under_another_folder(kept_site: SmallSite) -> None:
    ledger = kept_site.runtime().ledger
    listed = ledger.census_of(NIGHT_1)
    assert listed is not None
    known = next(entry for entry in listed.entries if entry.patient.patient_id == WHO)
    twin = replace(known, patient=replace(known.patient, name="Other^Person", issuer_of_patient_id="OTHER"))
    home = replace(known, patient=replace(known.patient, issuer_of_patient_id="HOME"))
    rest = tuple(entry for entry in listed.entries if entry is not known)
    ledger.record_census(NIGHT_1, replace(listed, entries=(*rest, home, twin)))
    make_objects(kept_site.source, sessions=3)
    report = kept_site.night(NIGHT_2)
    moved = [night for night in report.patients if night.parcel and night.not_kept]

    assert report.outcome.value == "incomplete"
    assert moved
    for night in moved:
        assert night.patient_id == WHO
        assert "under another patient" in night.not_kept[0].reason
        assert {item.kind for item in night.comparisons} == {"treatment record"}
