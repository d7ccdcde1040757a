"""A collector that only encrypts is stolen: its disk tells nothing of a patient, and its owner goes on."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pydicom
import pytest
from hour_site import archive_with, record
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, at
from sealed_site import NightToBeKilled, as_it_was, sealed_site, tellers, told_by

from beamkeeper.app.jobs.hourly import run_hour
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.jobs.running import last_report
from beamkeeper.domain.change import Grade
from beamkeeper.errors import ConfigError, DataClosed, KeyUnavailable
from beamkeeper.vault import RecoveryKeys, join_words
from beamkeeper.vault.age import generate_identity
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sealed_site import SealedSite

pytestmark = [pytest.mark.peer, pytest.mark.slow]

WHO = (2, 3)
IN_MID_NIGHT = "judge"
"""Everything was collected and nothing sealed: the spool is full."""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, small_objects: Path, program) -> Iterator[SealedSite]:
    """A site after two nights with a change between them, an hour, and a third night killed in the middle."""
    program("gocryptfs")
    root = tmp_path_factory.mktemp("stolen")
    doomed = NightToBeKilled(NIGHT_3, at_step=IN_MID_NIGHT)
    with (
        as_it_was(),
        archive_with(small_objects, root / "archive") as archive,
        sealed_site(root / "collector", archive, root / "archive") as made,
    ):
        assert made.site.night(NIGHT_1).outcome.value == "complete"
        archive.store(record(WHO[1]))
        assert run_hour(made.site.site, at(NIGHT_1, 9)).records_count == 1
        change_the_label(root / "archive")
        assert made.site.night(NIGHT_2).outcome.value == "complete"
        assert doomed.run(made.site.site_file) == signal.SIGKILL
        yield made


def change_the_label(folder: Path) -> None:
    """Alter one plan under its UID, where the archive keeps it."""
    plan = next(path for path in sorted(folder.rglob("*.dcm")) if pydicom.dcmread(path).Modality == "RTPLAN")
    dataset = pydicom.dcmread(plan)
    dataset.RTPlanLabel = "OTHER"
    dataset.save_as(plan)


def uids(folder: Path) -> set[str]:
    return {identify(path.read_bytes()).sop_instance_uid for path in folder.rglob("*.dcm")}


def test_a_stolen_disk_tells_no_name_id_birth_date_or_uid(lived: SealedSite) -> None:
    told = told_by(lived.objects)
    lived.open()
    open_tells = {kind: tellers(lived.folder / "data", texts) for kind, texts in told.items()}
    lived.close()

    assert all(open_tells.values()), "the scan finds what is to be found while the data are open"
    for kind, texts in told.items():
        assert tellers(lived.folder, texts) == set(), kind


def test_no_key_on_the_collector_opens_a_parcel(lived: SealedSite, tmp_path: Path) -> None:
    lived.open()
    runtime = lived.site.runtime(NIGHT_3)
    name = runtime.vault.pseudonyms()[0]

    assert runtime.keys.identities == ()
    with pytest.raises(KeyUnavailable):
        runtime.vault.restore_patient(name, identities=runtime.keys.identities, out_dir=tmp_path)


def test_the_sheet_of_the_hour_lies_among_the_sealed_data(lived: SealedSite) -> None:
    lived.open()

    assert len(list((lived.site.site.data_dir / "hourly").glob("*.pdf"))) == 1


def test_a_change_is_named_though_the_old_value_is_sealed(lived: SealedSite) -> None:
    lived.open()
    report = last_report(lived.site.site, NIGHT_2)
    assert report is not None
    told = [
        (one.grade, change.text)
        for night in report.patients
        for one in night.comparisons
        if one.grade is not Grade.NEW
        for change in one.changes
    ]

    assert told == [(Grade.ADMINISTRATIVE, "RT Plan Label sealed → OTHER")]


def test_nothing_can_be_kept_while_the_data_are_shut(lived: SealedSite) -> None:
    lived.close()

    with pytest.raises(DataClosed, match="nobody has opened it"):
        lived.site.night(NIGHT_3)
    with pytest.raises(DataClosed):
        lived.site.runtime(NIGHT_3)
    assert list(lived.site.site.data_dir.iterdir()) == []


def test_opened_again_the_night_that_was_killed_goes_on_and_knows_everything(lived: SealedSite) -> None:
    lived.open()
    before = lived.site.runtime(NIGHT_3).ledger
    known = {row.pseudonym: row.patient for row in before.patients()}
    report = lived.site.night(NIGHT_3)

    assert report.outcome.value == "complete"
    assert {night.patient_id for night in report.patients} == {who.patient_id for who in known.values()}
    assert [night.comparisons for night in report.patients if night.comparisons] == []
    assert lived.site.runtime(NIGHT_3).ledger.audit.verify_chain().is_whole


def test_three_cards_give_everything_back(lived: SealedSite, tmp_path: Path) -> None:
    lived.open()
    recovery = RecoveryKeys(secret=join_words(lived.cards[1:4]))
    vault = lived.site.runtime(NIGHT_3).vault
    reports = vault.restore_all(identities=(recovery.identity,), out_dir=tmp_path / "out")

    assert all(report.is_complete for report in reports)
    assert uids(tmp_path / "out") == uids(lived.objects)


def test_the_ledger_is_rebuilt_with_the_cards(lived: SealedSite) -> None:
    lived.open()
    recovery = RecoveryKeys(secret=join_words(lived.cards[:3]))
    patients = len(lived.site.runtime(NIGHT_3).ledger.patients())
    (lived.site.site.data_dir / "ledger.db").unlink()

    with pytest.raises(KeyUnavailable):
        rebuild_ledger(lived.site.site, at(NIGHT_3, 12))
    assert rebuild_ledger(lived.site.site, at(NIGHT_3, 12), identity=recovery.identity)[0] == patients


def test_a_key_that_opens_parcels_is_not_used_in_silence(lived: SealedSite) -> None:
    lived.open()
    key = lived.site.site.vault.keys_dir / "collector.age"
    key.write_text(generate_identity() + "\n")
    try:
        with pytest.raises(ConfigError, match="encrypt_only"):
            lived.site.runtime(NIGHT_3)
    finally:
        key.unlink()
