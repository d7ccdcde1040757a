"""Nights over a folder: quiet, repeated, rebuilt, incomplete, and stopped by a mass change."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, at, make_objects, patient_night
from pydicom import dcmread

from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.jobs.runtime import only_one
from beamkeeper.domain.change import Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import AlreadyRunning, BeamkeeperError, ConfigError
from beamkeeper.protect.report import render_text

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.domain.night import NightReport


def parcels(site: SmallSite) -> list[str]:
    return sorted(str(p.relative_to(site.vault_dir)) for p in site.vault_dir.rglob("*.age"))


def alter_gantry(path: Path) -> str:
    """Turn the gantry of the first control point by one degree; return the SOP Instance UID."""
    plan = dcmread(path)
    if "BeamSequence" in plan:
        point = plan.BeamSequence[0].ControlPointSequence[0]
    else:
        point = plan.IonBeamSequence[0].IonControlPointSequence[0]
    point.GantryAngle = str(float(point.GantryAngle) + 1)
    plan.save_as(path)
    return str(plan.SOPInstanceUID)


def overwrite_with_noise(folder: Path) -> None:
    source = random.Random(5)
    for path in folder.rglob("*.dcm"):
        path.write_bytes(source.randbytes(path.stat().st_size))


def overwrite_pixels(folder: Path) -> None:
    """What an encrypting attacker who keeps DICOM headers would leave: whole objects, other contents."""
    for path in folder.rglob("*.dcm"):
        held = dcmread(path)
        if "PixelData" in held:
            held.PixelData = random.Random(path.name).randbytes(len(held.PixelData))
            held.save_as(path)


def test_a_night_keeps_everything_and_a_second_run_of_that_date_changes_nothing(
    small_site: SmallSite, tmp_path: Path
) -> None:
    first = small_site.night(NIGHT_1)
    before = {p: p.stat().st_mtime_ns for p in small_site.root.rglob("*") if p.is_file()}
    again = small_site.night(NIGHT_1, hour=9)
    after = {p: p.stat().st_mtime_ns for p in small_site.root.rglob("*") if p.is_file()}

    assert first.outcome is NightOutcome.COMPLETE
    assert again == first
    changed = {p.name for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
    assert not {name for name in changed if not name.startswith("ledger.db")}
    small_site.verify_holds_the_source(tmp_path / "out")


def test_an_unchanged_night_is_quiet_seals_nothing_and_says_so(kept_site: SmallSite) -> None:
    before = parcels(kept_site)
    report = kept_site.night(NIGHT_2)

    assert report.is_quiet
    assert report.count(Grade.IDENTICAL) == len(kept_site.sources_by_uid())
    assert all(night.stored and not night.parcel and not night.comparisons for night in report.patients)
    assert parcels(kept_site) == before
    assert report.compared_with == NIGHT_1
    assert "nothing" in render_text(report).lower()


def remembered(site: SmallSite, report: NightReport) -> dict[str, object]:
    """Patients, objects and positions; when something unchanged was last seen is no part of a vault."""
    ledger = site.runtime().ledger
    known: dict[str, object] = {}
    for night in report.patients:
        (row,) = ledger.patient_by_id(night.patient_id)
        objects = {replace(o, last_seen_on=NIGHT_1) for o in ledger.current_objects(night.pseudonym)}
        position = ledger.positions(pseudonym=night.pseudonym)[-1].position
        known[night.pseudonym] = (replace(row, last_seen_on=NIGHT_1), objects, position)
    return known


def test_a_rebuilt_ledger_knows_the_same_patients_objects_and_positions(kept_site: SmallSite) -> None:
    alter_gantry(next(kept_site.source.rglob("RTPLAN-1.dcm")))
    next(kept_site.source.rglob("RTSTRUCT-1.dcm")).unlink()
    report = kept_site.night(NIGHT_2)
    before = remembered(kept_site, report)
    for path in (kept_site.root / "site" / "data").glob("ledger.db*"):
        path.unlink()
    rebuild_ledger(kept_site.site, at(NIGHT_2, 12))

    assert remembered(kept_site, report) == before
    assert kept_site.night(NIGHT_3).is_quiet


def test_a_rebuilt_collector_that_lost_its_whole_disk_goes_on_quietly(kept_site: SmallSite) -> None:
    shutil.rmtree(kept_site.root / "site" / "data")
    rebuild_ledger(kept_site.site, at(NIGHT_1, 12))

    assert kept_site.night(NIGHT_2).is_quiet


def test_a_changed_plan_is_clinical_and_both_versions_are_kept(kept_site: SmallSite, tmp_path: Path) -> None:
    path = next(kept_site.source.rglob("RTPLAN-1.dcm"))
    old = path.read_bytes()
    uid = alter_gantry(path)
    report = kept_site.night(NIGHT_2)

    (change,) = [item for night in report.patients for item in night.eyes]
    assert (change.sop_instance_uid, change.grade, change.expected) == (uid, Grade.CLINICAL, "")
    assert any("antry" in item.text for item in change.changes)
    kept_site.verify_holds_the_source(tmp_path / "out")
    pseudonym = next(night.pseudonym for night in report.patients if night.eyes)
    kept = [o for o in kept_site.runtime().ledger.current_objects(pseudonym) if o.sop_instance_uid == uid]
    assert len(kept) == 2
    assert [o.size_bytes for o in kept if o.superseded] == [len(old)]


def test_an_object_that_had_gone_and_is_back_is_put_before_a_person_once(kept_site: SmallSite) -> None:
    path = next(kept_site.source.rglob("RTSTRUCT-1.dcm"))
    data = path.read_bytes()
    path.unlink()
    (gone,) = [item for night in kept_site.night(NIGHT_2).patients for item in night.eyes]
    path.write_bytes(data)
    report = kept_site.night(NIGHT_3)
    (back,) = [item for night in report.patients for item in night.eyes]

    assert (gone.grade, back.grade) == (Grade.MISSING, Grade.ADMINISTRATIVE)
    assert (back.sop_instance_uid, back.kind, back.label) == (gone.sop_instance_uid, gone.kind, gone.label)
    assert "gone at the source and is back, with the same bytes" in back.changes[0].text
    for night in report.patients:
        assert night.received_count == night.identical_count + len(night.comparisons)
    assert kept_site.night(NIGHT_3.replace(day=5)).is_quiet


def test_a_night_tried_again_still_tells_what_its_first_try_found(kept_site: SmallSite) -> None:
    uid = alter_gantry(next(kept_site.source.rglob("RTPLAN-1.dcm")))
    deleted = next(kept_site.source.rglob("RTSTRUCT-1.dcm"))
    deleted.unlink()
    damaged = kept_site.source / "p2" / "truncated.dcm"
    damaged.write_bytes(next(kept_site.source.rglob("RTDOSE-1.dcm")).read_bytes()[:3000])
    first = kept_site.night(NIGHT_2)
    damaged.unlink()
    second = kept_site.night(NIGHT_2, hour=8)

    assert first.outcome is NightOutcome.INCOMPLETE
    assert second.outcome is NightOutcome.COMPLETE
    grades = {item.sop_instance_uid: item.grade for night in second.patients for item in night.eyes}
    assert grades[uid] is Grade.CLINICAL
    assert sorted(grades.values()) == [Grade.CLINICAL, Grade.MISSING]
    assert len(kept_site.runtime().ledger.changes(run_on=NIGHT_2)) == 2
    assert second.count(Grade.IDENTICAL) == len(kept_site.sources_by_uid()) - 1
    assert kept_site.night(NIGHT_3).is_quiet


def test_a_night_tried_again_after_its_window_still_collects(small_site: SmallSite) -> None:
    damaged = small_site.source / "p2" / "truncated.dcm"
    damaged.write_bytes(next(small_site.source.rglob("RTDOSE-1.dcm")).read_bytes()[:3000])
    small_site.night(NIGHT_1)
    shutil.copy(next(small_site.source.rglob("RTRECORD-1.dcm")), damaged)
    shutil.rmtree(small_site.source / "p4")
    report = small_site.night(NIGHT_1, hour=20)

    assert not [item for night in report.patients for item in night.not_kept]


@pytest.mark.parametrize("attack", [overwrite_with_noise, overwrite_pixels])
def test_a_mass_change_stops_the_night_and_the_good_copies_come_back(
    kept_site: SmallSite, tmp_path: Path, attack: object
) -> None:
    good, before = kept_site.sources_by_uid(), parcels(kept_site)
    assert callable(attack)
    attack(kept_site.source)
    report = kept_site.night(NIGHT_2)

    assert report.outcome is NightOutcome.STOPPED
    assert report.alarm
    assert "ALARM" in render_text(report)
    assert not any(night.stored for night in report.patients)
    assert parcels(kept_site) == before
    restored = kept_site.restored(tmp_path / "out")
    assert set(restored.values()) == set(good.values())


def test_a_person_may_seal_despite_the_alarm_and_the_audit_keeps_the_reason(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    overwrite_pixels(kept_site.source)
    stopped = kept_site.night(NIGHT_2)
    report = kept_site.night(NIGHT_2, hour=8, despite_alarm="physics re-exported everything, ticket 12")

    assert stopped.outcome is NightOutcome.STOPPED
    assert report.outcome is NightOutcome.COMPLETE
    assert report.alarm == stopped.alarm
    audit = kept_site.runtime().ledger.audit
    despite = [row.details["despite"] for row in audit.rows() if row.action == "alarm"]
    assert despite == ["", "physics re-exported everything, ticket 12"]
    assert audit.verify_chain().is_whole
    kept_site.verify_holds_the_source(tmp_path / "out")


def test_a_stopped_night_that_is_run_again_looks_again(kept_site: SmallSite) -> None:
    aside = kept_site.root / "aside"
    shutil.copytree(kept_site.source, aside)
    overwrite_pixels(kept_site.source)
    stopped = kept_site.night(NIGHT_2)
    shutil.rmtree(kept_site.source)
    aside.rename(kept_site.source)
    report = kept_site.night(NIGHT_2, hour=8)

    assert stopped.outcome is NightOutcome.STOPPED
    assert report.is_quiet


def test_a_clock_that_was_set_back_between_nights_loses_nothing(kept_site: SmallSite, tmp_path: Path) -> None:
    kept_site.night(NIGHT_3)
    uid = alter_gantry(next(kept_site.source.rglob("RTPLAN-1.dcm")))
    report = kept_site.night(NIGHT_2)

    assert [item.sop_instance_uid for night in report.patients for item in night.eyes] == [uid]
    kept_site.verify_holds_the_source(tmp_path / "out", NIGHT_3)
    assert kept_site.night(NIGHT_3.replace(day=5)).is_quiet


def test_after_a_night_of_a_clock_that_ran_ahead_the_newest_fractions_are_restored(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    make_objects(kept_site.source, sessions=3)
    kept_site.night(NIGHT_3.replace(year=2030))
    make_objects(kept_site.source, sessions=4)
    report = kept_site.night(NIGHT_2)

    kept_site.verify_holds_the_source(tmp_path / "out", NIGHT_2)
    assert any("2030-03-04, later than this one" in remark for remark in report.remarks)
    ledger = kept_site.runtime().ledger
    for night in report.patients:
        assert ledger.positions(pseudonym=night.pseudonym)[-1].position == night.position


def test_two_nights_at_once_are_refused(kept_site: SmallSite) -> None:
    with only_one(kept_site.site), pytest.raises(AlreadyRunning, match="Another Beamkeeper") as refused:
        kept_site.night(NIGHT_2)

    assert refused.value.exit_status == 41
    assert refused.value.do_next


def test_an_emptied_folder_is_no_quiet_night(kept_site: SmallSite) -> None:
    before = parcels(kept_site)
    for path in kept_site.source.rglob("*.dcm"):
        path.unlink()
    report = kept_site.night(NIGHT_2)

    assert report.outcome is NightOutcome.STOPPED
    assert parcels(kept_site) == before


def test_a_folder_in_which_nothing_is_of_a_patient_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "notes.txt").write_text("nothing of a patient")
    with pytest.raises(BeamkeeperError, match="nobody"):
        SmallSite.make(tmp_path).night(NIGHT_1)


def test_a_folder_without_a_file_is_refused_before_a_vault_is_made_for_it(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with pytest.raises(ConfigError, match="There is no file in"):
        SmallSite.make(tmp_path)

    assert not (tmp_path / "site").exists()


def test_a_patient_keeps_one_report_line_over_the_nights(kept_site: SmallSite) -> None:
    patient_id = kept_site.runtime(NIGHT_1).ledger.last_census().entries[0].patient.patient_id
    first = patient_night(kept_site.night(NIGHT_1), patient_id)
    second = patient_night(kept_site.night(NIGHT_2), patient_id)

    assert first.pseudonym == second.pseudonym
