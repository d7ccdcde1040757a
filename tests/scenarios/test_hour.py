"""The hour: today's treatment records, sealed and counted between two nights."""

from __future__ import annotations

import random
import stat
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hour_site import (
    HourSite,
    altered,
    archive_with,
    copied_site,
    patient_number,
    record,
    site_of_60_days,
)
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, WHO, at, patient_night

from beamkeeper.app.jobs.hour_look import NO_PLAN
from beamkeeper.app.jobs.hour_notes import HourOutcome, last_report, read_left
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.jobs.remembered import FORGOTTEN
from beamkeeper.app.jobs.runtime import only_one
from beamkeeper.rehearse.sim import Faults
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from pydicom import Dataset

    from beamkeeper.app.jobs.hour_notes import HourReport
    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.night import NightReport

FIRST = WHO[0]
THIRD = WHO[2]
WITH_ONE_RECORD = WHO[1]
"""Whose fractions leave one record each."""
PATIENT_ID = patient_number(WITH_ONE_RECORD).patient_id


@pytest.fixture
def kept(tmp_path: Path, hour_root: Path, small_objects: Path) -> Iterator[HourSite]:
    with copied_site(hour_root, small_objects, tmp_path) as site:
        yield site


def test_a_fraction_of_today_is_restored_before_the_next_night(kept: HourSite, tmp_path: Path) -> None:
    uid = kept.archive.store(record(FIRST))
    report = kept.hour()

    assert (report.outcome, report.records_count, report.patients_count) == (HourOutcome.KEPT, 1, 1)
    assert uid in kept.kept_uids()
    assert uid in kept.restored_uids(tmp_path / "out")
    kept.site.verify_vault()


def test_the_position_counts_the_fraction_of_today_and_says_as_of_when(kept: HourSite) -> None:
    before, as_of_before = kept.position_of(PATIENT_ID)
    kept.archive.store(record(WITH_ONE_RECORD))
    report = kept.hour()

    assert as_of_before is None
    assert kept.position_of(PATIENT_ID) == (before + 1, report.began_at)


def test_a_rebuilt_ledger_knows_the_fraction_of_today_and_the_time(kept: HourSite) -> None:
    kept.archive.store(record(WITH_ONE_RECORD))
    kept.hour()
    position = kept.position_of(PATIENT_ID)
    (kept.site.site.data_dir / "ledger.db").unlink()
    rebuild_ledger(kept.site.site, at(NIGHT_1, 12))

    assert kept.position_of(PATIENT_ID) == position


def test_a_look_that_finds_nothing_new_asks_one_question_and_seals_nothing(kept: HourSite) -> None:
    kept.hour()
    parcels = kept.site.runtime().vault.entries()
    report = kept.hour(hour=10)

    assert (report.outcome, report.studies_asked) == (HourOutcome.NOTHING_NEW, 0)
    assert kept.site.runtime().vault.entries() == parcels


def test_nothing_but_new_records_is_fetched_and_nothing_twice(kept: HourSite) -> None:
    first = kept.archive.store(record(FIRST))
    kept.hour()
    second = kept.archive.store(record(WITH_ONE_RECORD))
    third = kept.archive.store(record(FIRST, number=4))
    kept.hour(hour=10)
    kept.hour(hour=11)

    assert sorted(kept.archive.sent) == sorted([first, second, third])


def test_records_are_fetched_by_get_where_the_site_says_so(kept: HourSite) -> None:
    text = kept.site.site_file.read_text(encoding="utf-8")
    kept.site.site_file.write_text(text.replace('method = "move"', 'method = "get"'), encoding="utf-8")
    uid = kept.archive.store(record(FIRST))
    kept.hour()

    assert kept.archive.sent == [uid]
    assert uid in kept.kept_uids()


def test_days_without_network_are_caught_up_as_far_as_days_back(kept: HourSite) -> None:
    long_ago = kept.archive.store(record(FIRST, number=3, on=NIGHT_1 - timedelta(days=3)))
    lately = kept.archive.store(record(WITH_ONE_RECORD, on=NIGHT_1))
    report = kept.hour(NIGHT_1 + timedelta(days=5))

    assert report.records_count == 1
    assert lately in kept.kept_uids()
    assert long_ago not in kept.kept_uids()


def test_neither_a_night_nor_the_expiry_is_renewed(kept: HourSite) -> None:
    before = kept.site.runtime().vault
    kept.archive.store(record(FIRST))
    kept.hour()
    after = kept.site.runtime().vault

    assert (after.nights(), after.expires_at) == (before.nights(), before.expires_at)


def test_the_sheet_of_what_was_delivered_is_sealed_and_lies_in_clear_for_its_owner(
    kept: HourSite, tmp_path: Path
) -> None:
    kept.archive.store(record(FIRST))
    kept.hour()
    (sheet,) = (kept.site.site.data_dir / "hourly").iterdir()
    kept.site.restored(tmp_path / "out")
    (restored,) = (tmp_path / "out").rglob("treatment-records.pdf")

    assert sheet.read_bytes() == restored.read_bytes()
    assert sheet.read_bytes().startswith(b"%PDF")
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    assert patient_number(FIRST).patient_id not in sheet.name


def test_sheets_in_clear_go_after_48_hours(kept: HourSite) -> None:
    kept.archive.store(record(FIRST))
    kept.hour(hour=9)
    folder = kept.site.site.data_dir / "hourly"
    kept.hour(NIGHT_3, hour=9)
    there_at_48_hours = len(list(folder.iterdir()))
    kept.hour(NIGHT_3, hour=10)

    assert there_at_48_hours == 1
    assert not list(folder.iterdir())


def test_what_was_kept_stands_in_the_audit_log_without_names(kept: HourSite) -> None:
    kept.hour(hour=8)
    kept.archive.store(record(FIRST))
    kept.hour(hour=9)
    audit = kept.site.runtime().ledger.audit
    (line,) = [row for row in audit.rows() if row.actor == "hour"]

    assert (line.details["records"], line.details["patients"]) == (1, 1)
    assert audit.verify_chain().is_whole


# What the next night makes of it


def of_another_plan(found: Dataset) -> None:
    found.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID = "1.2.3.4"


@dataclass(frozen=True, kw_only=True)
class ADay:
    """Two looks that met a record of the next fraction, one out of turn, one of no plan; and a night after.

    Attributes
    ----------
    parcels
        What the vault named before the night.
    """

    kept: HourSite
    next_fraction: str
    out_of_turn: str
    of_no_plan: str
    looks: tuple[HourReport, HourReport]
    sent: tuple[str, ...]
    parcels: frozenset[str]
    night: NightReport

    def told(self, who: int) -> tuple[ObjectComparison, ...]:
        return patient_night(self.night, patient_number(who).patient_id).comparisons


def a_day(kept: HourSite, night: date) -> ADay:
    uids = [
        kept.archive.store(record(FIRST)),
        kept.archive.store(record(WITH_ONE_RECORD, number=9)),
        kept.archive.store(altered(record(THIRD), of_another_plan)),
    ]
    looks = kept.hour(hour=9), kept.hour(hour=10)
    sent = tuple(kept.archive.sent)
    parcels = frozenset(entry.path for entry in kept.site.runtime().vault.entries())
    return ADay(
        kept=kept,
        next_fraction=uids[0],
        out_of_turn=uids[1],
        of_no_plan=uids[2],
        looks=looks,
        sent=sent,
        parcels=parcels,
        night=kept.site.night(night, hour=12),
    )


@pytest.fixture(scope="module")
def monday(hour_root: Path, small_objects: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ADay]:
    """A day with the hour and the night after it; do not change it."""
    with copied_site(hour_root, small_objects, tmp_path_factory.mktemp("day")) as site:
        yield a_day(site, NIGHT_2)


@pytest.fixture(scope="module")
def silent_night(
    hour_root: Path, small_objects: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ADay]:
    """A day with the hour, no night, and the night after that, more than 48 hours later."""
    with copied_site(hour_root, small_objects, tmp_path_factory.mktemp("day")) as site:
        yield a_day(site, NIGHT_3)


def test_what_the_hour_kept_is_told_by_the_next_night_and_not_sealed_again(monday: ADay) -> None:
    told = [(item.sop_instance_uid, item.grade.value, bool(item.expected)) for item in monday.told(FIRST)]
    after = monday.kept.site.runtime(NIGHT_2).vault.entries()

    assert told == [(monday.next_fraction, "new", True)]
    (sealed,) = [entry for entry in after if entry.path not in monday.parcels]
    ledger = monday.kept.site.runtime().ledger
    assert sealed.pseudonym == ledger.patient_by_id(patient_number(THIRD).patient_id)[0].pseudonym


def test_a_fraction_nobody_expected_is_kept_at_once_and_needs_eyes_in_the_next_report(monday: ADay) -> None:
    eyes = [item.sop_instance_uid for item in monday.told(WITH_ONE_RECORD) if item.needs_eyes]

    assert monday.looks[0].records_count == 2
    assert eyes == [monday.out_of_turn]


def test_a_record_of_an_unknown_plan_is_left_fetched_once_and_taken_by_the_night(monday: ADay) -> None:
    first, second = monday.looks
    eyes = [item.sop_instance_uid for item in monday.told(THIRD) if item.needs_eyes]

    assert [one.why for one in first.left] == [NO_PLAN]
    assert second.left == first.left
    assert monday.sent.count(monday.of_no_plan) == 1
    assert monday.of_no_plan in monday.kept.kept_uids()
    assert eyes == [monday.of_no_plan]
    assert read_left(monday.kept.site.site, since=NIGHT_2) == ()


def test_a_night_that_never_began_does_not_hide_what_the_hour_kept(silent_night: ADay) -> None:
    assert [item.sop_instance_uid for item in silent_night.told(FIRST)] == [silent_night.next_fraction]


def test_a_night_removes_old_sheets_too_when_the_hour_has_been_switched_off(silent_night: ADay) -> None:
    assert not list((silent_night.kept.site.site.data_dir / "hourly").iterdir())


# What is left for the night


def test_a_record_of_somebody_unknown_is_left_for_the_night_and_shown(kept: HourSite) -> None:
    stranger = record(FIRST, changed={"PatientID": "NOBODY", "PatientName": "Stranger^Some"})
    uid = kept.archive.store(stranger)
    report = kept.hour()

    assert [(one.patient_id, one.sop_instance_uid) for one in report.left] == [("NOBODY", uid)]
    assert uid not in kept.kept_uids()


def test_a_record_under_a_wrong_name_is_left_for_the_night(kept: HourSite) -> None:
    wrong = {"PatientName": "Quite^Another", "PatientBirthDate": "19010203"}
    uid = kept.archive.store(record(FIRST, changed=wrong))
    report = kept.hour()

    assert [one.sop_instance_uid for one in report.left] == [uid]
    assert uid not in kept.kept_uids()


def test_a_patient_whose_memory_is_lost_is_left_for_the_night(kept: HourSite) -> None:
    for note in (kept.site.site.data_dir / "facts").iterdir():
        note.unlink()
    uid = kept.archive.store(record(FIRST))
    report = kept.hour()

    assert [one.sop_instance_uid for one in report.left] == [uid]
    assert uid not in kept.kept_uids()


# What does not come


def test_a_record_the_archive_refuses_is_asked_for_again_by_the_next_look(kept: HourSite) -> None:
    uid = kept.archive.store(record(FIRST))
    other = kept.archive.store(record(WITH_ONE_RECORD))
    kept.archive.set_faults(Faults(refuse_sop_instance_uid=uid))
    first = kept.hour(hour=9)
    kept.archive.set_faults(Faults())
    second = kept.hour(hour=10)

    assert (first.outcome, first.records_count) == (HourOutcome.INCOMPLETE, 1)
    assert second.outcome is HourOutcome.KEPT
    assert {uid, other} <= kept.kept_uids()


def test_an_archive_that_is_down_makes_a_look_incomplete_and_nothing_is_missed(kept: HourSite) -> None:
    kept.hour(hour=8)
    uid = kept.archive.store(record(FIRST))
    kept.archive.stop()
    down = kept.hour(hour=9)
    kept.archive.start()
    up = kept.hour(hour=10)

    assert down.outcome is HourOutcome.INCOMPLETE
    assert "archive" in down.why
    assert up.records_count == 1
    assert uid in kept.kept_uids()


# Beside the night


def test_no_look_is_made_before_the_first_night(tmp_path: Path, small_objects: Path) -> None:
    with archive_with(small_objects, tmp_path / "archive") as archive:
        report = HourSite(site_of_60_days(archive, tmp_path / "site"), archive).hour()

    assert report.outcome is HourOutcome.SKIPPED
    assert archive.sent == []


def test_a_look_is_skipped_while_a_night_is_at_work(kept: HourSite) -> None:
    kept.archive.store(record(FIRST))
    with only_one(kept.site.site):
        report = kept.hour()

    assert report.outcome is HourOutcome.SKIPPED
    assert last_report(kept.site.site) == report


def test_a_look_is_skipped_while_a_night_has_not_come_to_its_end(kept: HourSite) -> None:
    kept.archive.store(record(FIRST))
    kept.site.runtime().ledger.begin_night(NIGHT_2, at(NIGHT_2).now())
    report = kept.hour(NIGHT_2)

    assert report.outcome is HourOutcome.SKIPPED
    assert str(NIGHT_2) in report.why
    assert kept.archive.sent == []


def test_a_stopped_night_that_is_sealed_later_keeps_what_the_hour_found(kept: HourSite) -> None:
    overwrite_pixels(kept)
    stopped = kept.site.night(NIGHT_2)
    uid = kept.archive.store(record(WITH_ONE_RECORD, on=NIGHT_2))
    kept.hour(NIGHT_2)
    counted, _ = kept.position_of(PATIENT_ID)
    kept.site.night(NIGHT_2, hour=12, despite_alarm="physics re-exported everything, ticket 12")
    third = kept.site.night(NIGHT_3)

    assert stopped.outcome.value == "stopped"
    assert uid in kept.kept_uids()
    assert kept.position_of(PATIENT_ID)[0] == counted
    assert not any(FORGOTTEN in night.disagreements for night in third.patients)
    assert not any(item.grade.value == "missing" for night in third.patients for item in night.comparisons)


def overwrite_pixels(kept: HourSite) -> None:
    """What an encrypting attacker who keeps DICOM headers would leave."""
    for path in sorted((kept.site.root.parent / "archive").rglob("*.dcm")):
        data = path.read_bytes()
        if identify(data).modality in {"CT", "RTDOSE"}:
            kept.archive.store(altered(data, _with_noise))


def _with_noise(found: Dataset) -> None:
    found.PixelData = random.Random(str(found.SOPInstanceUID)).randbytes(len(found.PixelData))


def test_counts_that_are_damaged_are_only_asked_for_again(kept: HourSite) -> None:
    kept.hour(hour=8)
    (kept.site.site.data_dir / "hour" / "counts.json").write_text("half a no")
    uid = kept.archive.store(record(FIRST))
    report = kept.hour(hour=9)

    assert report.studies_asked == len(WHO)
    assert uid in kept.kept_uids()
    assert kept.archive.sent == [uid]
