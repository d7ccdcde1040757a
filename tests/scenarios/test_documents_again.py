"""Documents taken up again: a night tried twice, a lost ledger or parcel, a share that hangs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite, at, make_objects

from beamkeeper.app.jobs import documents
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.domain.change import DOCUMENT
from beamkeeper.domain.night import NightOutcome
from beamkeeper.wire.share.folder_files import FolderFiles

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.domain.night import NightReport, PatientNight

NOTE = b"Supine, knee rest."


def make_site(root: Path) -> SmallSite:
    settings = f'[[documents]]\nname = "share"\nkind = "folder"\npath = "{root / "share"}"\n'
    make_objects(root / "source", who=(2,), sessions=1)
    return SmallSite.make(root, settings=f'{settings}find = ["{{patient_id}}/**"]')


def fill(site: SmallSite, report: NightReport) -> None:
    folder = site.root / "share" / report.patients[0].patient_id
    folder.mkdir(parents=True)
    (folder / "note.txt").write_bytes(NOTE)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A site whose share was down in the first try of its first night, and there in the second."""
    site = make_site(tmp_path_factory.mktemp("original"))
    first = site.night(NIGHT_1)
    assert first.outcome is NightOutcome.INCOMPLETE
    fill(site, first)
    again = site.night(NIGHT_1)
    assert again.outcome is NightOutcome.COMPLETE
    assert again.patients[0].document_count == 1
    return site


@pytest.fixture
def site(original: SmallSite, tmp_path: Path) -> SmallSite:
    return SmallSite.copied(original.root, tmp_path / "copy")


def only(report: NightReport) -> PatientNight:
    (night,) = report.patients
    return night


def kept(site: SmallSite, out: Path) -> list[bytes]:
    site.restored(out)
    return [path.read_bytes() for path in out.rglob("documents/*")]


def test_a_night_tried_again_fetches_what_the_share_did_not_give(site: SmallSite, tmp_path: Path) -> None:
    assert kept(site, tmp_path / "out") == [NOTE]


def test_what_did_not_change_is_not_read_nor_sealed_again(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        pytest.fail("an unchanged document was read")

    monkeypatch.setattr(FolderFiles, "open", read)
    night = only(site.night(NIGHT_2))

    assert (night.document_count, night.parcel, night.is_whole) == (1, "", True)


@pytest.mark.long
def test_a_ledger_made_anew_from_the_vault_knows_the_documents(site: SmallSite, tmp_path: Path) -> None:
    for path in (site.root / "site").rglob("ledger.db*"):
        path.unlink()
    rebuild_ledger(site.site, at(NIGHT_1, 12))
    night = only(site.night(NIGHT_2))

    assert (night.document_count, night.parcel) == (1, "")
    assert not [item for item in night.comparisons if item.kind == DOCUMENT]
    assert kept(site, tmp_path / "out") == [NOTE]


@pytest.mark.long
def test_the_documents_of_a_lost_parcel_are_fetched_and_sealed_again(site: SmallSite, tmp_path: Path) -> None:
    for path in site.vault_dir.rglob("*.age"):
        if path.parent.name != "site":
            path.unlink()
    night = only(site.night(NIGHT_2))

    assert night.is_whole
    assert kept(site, tmp_path / "out") == [NOTE]
    site.verify_vault()


@pytest.mark.long
def test_a_share_that_hangs_is_left_behind_and_said(site: SmallSite, monkeypatch: pytest.MonkeyPatch) -> None:
    lets_go = threading.Event()

    def hang(*_: object) -> None:
        lets_go.wait()
        raise OSError("let go")

    monkeypatch.setattr(FolderFiles, "_open_root", hang)
    monkeypatch.setattr(documents, "SILENCE_S_MAX", 0.5)
    try:
        night = only(site.night(NIGHT_2))
    finally:
        lets_go.set()

    assert night.stored
    assert [(item.what, item.reason) for item in night.not_kept] == [
        ("documents", f"no answer: {documents.HANGS}")
    ]
