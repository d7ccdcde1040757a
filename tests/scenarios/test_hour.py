"""The hour: today's treatment records, sealed and counted between two nights."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from hour_site import HourSite, archive_with, patient_number, record, site_before
from night_site import NIGHT_1, NIGHT_2, WHO, patient_night

from beamkeeper.app.jobs.hour_notes import HourOutcome
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST = WHO[0]
WITH_ONE_RECORD = WHO[1]
"""Whose fractions leave one record each."""


@pytest.fixture
def kept(tmp_path: Path, small_objects: Path) -> Iterator[HourSite]:
    """A site whose archive was kept in the night of NIGHT_1."""
    with archive_with(small_objects, tmp_path / "archive") as archive:
        site = site_before(archive, tmp_path / "site")
        assert site.night(NIGHT_1).outcome.value == "complete"
        yield HourSite(site, archive)


def test_a_fraction_of_today_is_restored_before_the_next_night(kept: HourSite, tmp_path: Path) -> None:
    uid = kept.archive.store(record(FIRST))
    report = kept.hour()

    assert (report.outcome, report.records_count, report.patients_count) == (HourOutcome.KEPT, 1, 1)
    assert uid in kept.kept_uids()
    assert uid in kept.restored_uids(tmp_path / "out")
    kept.site.verify_vault()


def test_the_position_counts_the_fraction_of_today_and_says_as_of_when(kept: HourSite) -> None:
    patient_id = patient_number(WITH_ONE_RECORD).patient_id
    before, as_of_before = kept.position_of(patient_id)
    kept.archive.store(record(WITH_ONE_RECORD))
    report = kept.hour()

    assert as_of_before is None
    assert kept.position_of(patient_id) == (before + 1, report.began_at)


def test_a_look_that_finds_nothing_new_asks_one_question_and_seals_nothing(kept: HourSite) -> None:
    kept.hour()
    parcels = kept.site.runtime().vault.entries()
    report = kept.hour(hour=10)

    assert (report.outcome, report.studies_asked) == (HourOutcome.NOTHING_NEW, 0)
    assert kept.site.runtime().vault.entries() == parcels


def test_what_the_hour_kept_is_told_by_the_next_night_and_not_sealed_again(kept: HourSite) -> None:
    uid = kept.archive.store(record(FIRST))
    kept.hour()
    parcels = kept.site.runtime().vault.entries()
    report = kept.site.night(NIGHT_2)
    told = patient_night(report, patient_number(FIRST).patient_id).comparisons

    assert [(item.sop_instance_uid, item.grade.value, bool(item.expected)) for item in told] == [
        (uid, "new", True)
    ]
    assert kept.site.runtime(NIGHT_2).vault.entries() == parcels


def test_the_sheet_of_what_was_delivered_is_sealed_and_lies_in_clear_for_its_owner(kept: HourSite) -> None:
    kept.archive.store(record(FIRST))
    kept.hour()
    (sheet,) = (kept.site.site.data_dir / "hourly").iterdir()

    assert sheet.read_bytes().startswith(b"%PDF")
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    assert patient_number(FIRST).patient_id not in sheet.name


def test_a_record_of_somebody_unknown_is_left_for_the_night_and_shown(kept: HourSite) -> None:
    stranger = record(FIRST, changed={"PatientID": "NOBODY", "PatientName": "Stranger^Some"})
    uid = identify(stranger).sop_instance_uid
    kept.archive.store(stranger)
    report = kept.hour()

    assert [(one.patient_id, one.sop_instance_uid) for one in report.left] == [("NOBODY", uid)]
    assert uid not in kept.kept_uids()
