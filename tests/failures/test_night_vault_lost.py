"""The owner of the share removes or damages a parcel: nobody is called kept by a copy that is not there."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scenarios"))

from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, make_objects, patient_night

from beamkeeper.app.jobs.reporting import last_report

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.domain.night import PatientNight
    from beamkeeper.vault import VaultReport

WHO = "BK-20418"


@pytest.fixture(scope="module")
def kept_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kept")
    make_objects(root / "source", who=(2, 3))
    report = SmallSite.make(root).night(NIGHT_1)
    assert report.outcome.value == "complete"
    return root


@pytest.fixture
def site(tmp_path: Path, kept_root: Path) -> SmallSite:
    return SmallSite.copied(kept_root, tmp_path / "kept")


def parcel_of(site: SmallSite, patient: PatientNight, day: date = NIGHT_1) -> Path:
    (found,) = (site.vault_dir / "targets" / patient.pseudonym).glob(f"*.{day}-1.*.age")
    return found


def verified(site: SmallSite, day: date) -> VaultReport:
    """Read the whole vault with the collector's key."""
    runtime = site.runtime(day)
    return runtime.vault.verify(now=runtime.clock.now(), identities=runtime.keys.identities)


def change_the_label(site: SmallSite) -> None:
    plan = site.source / "p2" / "RTPLAN-1.dcm"
    dataset = pydicom.dcmread(plan)
    dataset.RTPlanLabel = "OTHER"
    dataset.save_as(plan)


def first_night(site: SmallSite) -> PatientNight:
    report = last_report(site.site, NIGHT_1)
    assert report is not None
    return patient_night(report, WHO)


def test_a_removed_parcel_is_named_and_sealed_again_from_the_source(site: SmallSite, tmp_path: Path) -> None:
    parcel_of(site, first_night(site)).unlink()
    report = site.night(NIGHT_2)
    again = patient_night(report, WHO)
    third = site.night(NIGHT_3)

    assert report.outcome.value == "incomplete"
    assert "has lost 1 of its parcels" in report.warnings[0]
    assert (again.stored, again.identical_count, again.eyes) == (True, again.expected_count, ())
    assert again.parcel.startswith(f"{again.pseudonym}/2026-03-03")
    assert third.outcome.value == "complete"
    found = set(site.restored(tmp_path / "out", NIGHT_3).values())
    assert found == set(site.sources_by_uid().values())


def test_a_parcel_whose_objects_were_all_sealed_again_is_stated_lost_and_the_vault_is_sound(
    site: SmallSite,
) -> None:
    parcel = parcel_of(site, first_night(site))
    parcel.unlink()
    site.night(NIGHT_2)
    report = verified(site, NIGHT_2)

    (lost,) = report.lost
    assert report.is_sound, report.problems
    assert lost.entry.storage_name.endswith(parcel.name)
    assert lost.noticed_on == NIGHT_2
    assert {path.partition("/")[2][:10] for path in lost.held_in} == {"2026-03-03"}


def test_a_parcel_of_which_one_object_stands_nowhere_stays_named(site: SmallSite) -> None:
    parcel_of(site, first_night(site)).unlink()
    (site.source / "p2" / "RTSTRUCT-1.dcm").unlink()
    site.night(NIGHT_2)
    report = verified(site, NIGHT_2)

    assert report.lost == ()
    assert f"{first_night(site).pseudonym}/{NIGHT_1}-1.tar.zst.age" in {p.path for p in report.problems}


def test_a_lost_parcel_that_held_the_newest_state_alone_is_sealed_again(
    site: SmallSite, tmp_path: Path
) -> None:
    (site.source / "p2" / "RTSTRUCT-1.dcm").unlink()
    second = patient_night(site.night(NIGHT_2), WHO)
    parcel_of(site, second, NIGHT_2).unlink()
    third = patient_night(site.night(NIGHT_3), WHO)

    assert third.parcel.startswith(f"{third.pseudonym}/2026-03-04")
    assert verified(site, NIGHT_3).is_sound
    assert set(site.restored(tmp_path / "out", NIGHT_3).values()) == set(site.sources_by_uid().values())


def test_what_was_in_a_removed_parcel_and_is_no_longer_at_the_source_is_named(site: SmallSite) -> None:
    parcel_of(site, first_night(site)).unlink()
    (site.source / "p2" / "RTSTRUCT-1.dcm").unlink()
    report = site.night(NIGHT_2)
    (missed,) = patient_night(report, WHO).not_kept

    assert missed.what == "RTSTRUCT"
    assert "gone from the vault" in missed.reason
    assert not patient_night(report, WHO).is_whole


def test_a_damaged_parcel_does_not_keep_new_objects_from_being_sealed(
    site: SmallSite, tmp_path: Path
) -> None:
    parcel = parcel_of(site, first_night(site))
    data = bytearray(parcel.read_bytes())
    data[len(data) // 2] ^= 1
    parcel.chmod(0o600)
    parcel.write_bytes(data)
    change_the_label(site)
    make_objects(tmp_path / "more", who=(2,), sessions=3)
    shutil.copy(tmp_path / "more" / "p2" / "RTRECORD-7.dcm", site.source / "p2")
    patient = patient_night(site.night(NIGHT_2), WHO)

    assert patient.stored
    grades = {item.kind: item.grade.value for item in patient.comparisons}
    assert grades == {"plan": "clinical", "treatment record": "new"}
    (plan,) = (item for item in patient.eyes if item.kind == "plan")
    assert "cannot be read back" in plan.changes[0].text


def test_a_collector_that_only_encrypts_keeps_what_changed_and_says_it_cannot_compare(
    site: SmallSite, tmp_path: Path
) -> None:
    (site.root / "site" / "keys" / "collector.age").unlink()
    change_the_label(site)
    make_objects(tmp_path / "more", who=(2,), sessions=3)
    shutil.copy(tmp_path / "more" / "p2" / "RTRECORD-7.dcm", site.source / "p2")
    report = site.night(NIGHT_2)
    patient = patient_night(report, WHO)

    assert patient.is_whole
    assert report.outcome.value == "complete"
    (plan,) = (item for item in patient.eyes if item.kind == "plan")
    assert "only encrypts" in plan.changes[0].text
