"""Each patient is sealed with a dossier; one that cannot be made keeps nobody from being sealed."""

from __future__ import annotations

import subprocess
from datetime import datetime
from typing import TYPE_CHECKING

import pypdf
from night_site import NIGHT_1, NIGHT_2, SmallSite, at, make_objects
from PIL import Image
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs import dossier_pictures, dossiers
from beamkeeper.app.jobs.forgetting import forget_here
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.opened import open_by_site
from beamkeeper.clock import MovableClock
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import ConfigError
from beamkeeper.rehearse.sim import aria
from beamkeeper.rehearse.sim.aria import tables as aria_tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from beamkeeper.protect.dossier import DossierSource

APPROVED = datetime(2026, 2, 20, 16, 30)  # noqa: DTZ001 - the server's wall clock
WANTED = "[night]\ndossiers = true\nlists = false\n"


def site_with_dossiers(root: Path) -> SmallSite:
    make_objects(root / "source", who=(2, 4))
    return SmallSite.make(root, settings=WANTED)


def test_each_patient_is_sealed_with_a_dossier_that_restore_gives_back(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    site = site_with_dossiers(tmp_path / "house")
    report = site.night(NIGHT_1)
    site.restored(tmp_path / "out")
    papers = sorted((tmp_path / "out").rglob("dossier.pdf"))

    assert report.outcome is NightOutcome.COMPLETE
    assert len(papers) == 2
    for paper in papers:
        done = subprocess.run(
            [program("pdftotext"), "-layout", str(paper), "-"], capture_output=True, check=True
        )
        text = done.stdout.decode()
        assert f"Night of {NIGHT_1}. Nobody has confirmed it." in " ".join(text.split())
        assert "Fraction 3 of" in text
        assert "LINAC" in text or "Machine" in text
        assert "°" in text


def text_of(program: Callable[[str], str], paper: Path) -> str:
    done = subprocess.run([program("pdftotext"), "-layout", str(paper), "-"], capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def drawn(site: SmallSite) -> dict[Path, int]:
    """Return what is remembered of pictures, and when it was written."""
    folder = site.site.data_dir / "pictures"
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_pictures_are_drawn_once_and_stand_in_the_dossiers_of_later_nights(
    tmp_path: Path, program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_with_dossiers(tmp_path / "house")
    site.night(NIGHT_1)
    once = drawn(site)
    for record in site.source.rglob("RTRECORD-1.dcm"):
        record.unlink()  # something else is new: every patient is sealed again
    monkeypatch.setattr(dossier_pictures, "pictures_together", None)  # nothing may be drawn
    second = site.night(NIGHT_2)
    site.restored(tmp_path / "out")
    papers = [text_of(program, paper) for paper in sorted((tmp_path / "out").rglob("dossier.pdf"))]

    assert second.outcome is NightOutcome.COMPLETE
    assert len(once) == 2
    assert drawn(site) == once
    assert len(papers) == 2
    for text in papers:
        assert f"Night of {NIGHT_2}" in text
        assert "Axial plane through" in text


def test_who_comes_after_the_time_to_draw_is_drawn_in_the_next_night(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    site = site_with_dossiers(tmp_path / "house")
    spent = site.site.night_dir(NIGHT_1) / "drawn" / dossier_pictures.TIME_NAME
    spent.parent.mkdir(parents=True)
    spent.write_text("600000\n", encoding="ascii")
    first = site.night(NIGHT_1)
    site.restored(tmp_path / "first", NIGHT_1)
    before = [text_of(program, paper) for paper in sorted((tmp_path / "first").rglob("dossier.pdf"))]
    for record in site.source.rglob("RTRECORD-1.dcm"):
        record.unlink()
    site.night(NIGHT_2)
    site.restored(tmp_path / "second")
    after = [text_of(program, paper) for paper in sorted((tmp_path / "second").rglob("dossier.pdf"))]

    assert first.outcome is NightOutcome.COMPLETE
    assert ["Not drawn in this night" in text for text in before] == [True, True]
    assert ["Axial plane through" in text for text in after] == [True, True]
    assert not spent.parent.exists()


def test_a_damaged_or_lost_picture_is_drawn_again_out_of_the_vault(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    site = site_with_dossiers(tmp_path / "house")
    site.night(NIGHT_1)
    damaged, lost = sorted(drawn(site))
    damaged.write_bytes(b"damaged")
    lost.unlink()
    for record in site.source.rglob("RTRECORD-1.dcm"):
        record.unlink()
    site.night(NIGHT_2)
    site.restored(tmp_path / "out")

    assert set(drawn(site)) == {damaged, lost}
    for paper in sorted((tmp_path / "out").rglob("dossier.pdf")):
        assert "Axial plane through" in text_of(program, paper)


def test_whoever_is_removed_leaves_no_picture_behind(tmp_path: Path) -> None:
    site = site_with_dossiers(tmp_path / "house")
    site.night(NIGHT_1)
    pseudonyms = {path.parent.name for path in drawn(site)}
    forget_here(site.runtime(), pseudonyms)

    assert len(pseudonyms) == 2
    assert drawn(site) == {}


def test_a_quiet_night_makes_no_new_parcel_for_a_dossier(tmp_path: Path) -> None:
    site = site_with_dossiers(tmp_path / "house")
    site.night(NIGHT_1)
    before = sorted(site.vault_dir.rglob("*.age"))
    site.night(NIGHT_2)

    assert sorted(site.vault_dir.rglob("*.age")) == before


def test_a_dossier_that_fails_is_named_and_everybody_is_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: DossierSource) -> None:
        raise ZeroDivisionError("words that may quote the patient")

    site = site_with_dossiers(tmp_path / "house")
    monkeypatch.setattr(dossiers, "make_dossier", fail)
    report = site.night(NIGHT_1)

    assert report.outcome is NightOutcome.COMPLETE
    assert all(patient.stored for patient in report.patients)
    said = [text for patient in report.patients for text in patient.disagreements]
    assert said.count("The dossier could not be made (ZeroDivisionError).") == 2
    assert list(site.restored(tmp_path / "out"))


def test_a_ledger_made_anew_takes_the_dossier_for_no_document(tmp_path: Path) -> None:
    site = site_with_dossiers(tmp_path / "house")
    site.night(NIGHT_1)
    rebuild_ledger(site.site, MovableClock(at(NIGHT_2).now()))
    opened = open_by_site(site.site, at(NIGHT_2))

    for pseudonym in opened.vault.pseudonyms():
        assert site.runtime().ledger.documents(pseudonym) == ()


def test_a_dossier_on_demand_says_which_night_and_draws_from_the_vault(tmp_path: Path) -> None:
    site = site_with_dossiers(tmp_path / "house")
    site.night(NIGHT_1)
    out = tmp_path / "paper"
    patient_id = site.runtime().ledger.patients()[0].patient.patient_id
    asked = ["dossier", patient_id, "--out", str(out), "--site", str(site.site_file), "--text"]
    done = CliRunner().invoke(app, asked)
    (text,) = [" ".join(path.read_text().split()) for path in out.glob("*.txt")]

    assert done.exit_code == 0, done.output
    assert f"Night of {NIGHT_1}. Nobody was asked to confirm it." in text
    assert "Axial plane through" in text
    assert {path.suffix for path in out.iterdir()} == {
        ".pdf",
        ".txt",
    }  # what pictures were drawn from is gone


def test_everybody_gets_one_and_a_lost_parcel_stops_nobody_else(tmp_path: Path) -> None:
    site = site_with_dossiers(tmp_path / "house")
    site.night(NIGHT_1)
    lost = min(path for path in site.vault_dir.rglob("*.age") if path.parent.name != "site")
    lost.unlink()
    out = tmp_path / "paper"
    asked = ["dossier", "--all", "--out", str(out), "--site", str(site.site_file), "--no-pictures"]
    done = CliRunner().invoke(app, asked)

    assert done.exit_code == 20
    assert len(list(out.glob("*.pdf"))) == 1
    assert "✗ patient" in done.output


def test_a_folder_or_a_patient_or_everybody_but_not_nothing() -> None:
    assert isinstance(CliRunner().invoke(app, ["dossier"]).exception, ConfigError)


def lay_photos(folder: Path) -> None:
    """Two photos of the first patient and one of the setup; of the second, something that is none."""
    for place, colour in (
        ("BK-20417/another photo.jpg", "grey"),
        ("BK-20417/photo.jpg", "teal"),
        ("BK-20417/setup photo.png", "navy"),
    ):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (900, 1200), colour).save(path)
    (folder / "BK-20418").mkdir()
    (folder / "BK-20418" / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(5_000))


OIS = """
[[documents]]
name = "photos"
kind = "ois"
source = "aria"

[[sources]]
kind = "aria"
name = "aria"
url = "sqlite:///{database}"
timezone = "Europe/Brussels"
schema = ""
"""


def jpeg(folder: Path, colour: str) -> bytes:
    path = folder / f"{colour}.jpg"
    Image.new("RGB", (300, 400), colour).save(path)
    return path.read_bytes()


def test_a_photo_in_arias_table_is_sealed_and_on_the_paper_and_a_hostile_one_is_named(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    clinic, photo, hostile = aria.Clinic(), jpeg(tmp_path, "teal"), b"\xff\xd8\xff\xe0" + bytes(5_000)
    patient = clinic.patient("BK-20417", "Janssens", "Maria")
    clinic.plan(patient, clinic.course(patient), "VMAT", approved_at=APPROVED)
    clinic.add(aria_tables.PHOTO, PatientSer=patient, PhotoType="Portrait", Picture=photo)
    clinic.add(aria_tables.PHOTO, PatientSer=patient, PhotoType="Setup", Picture=hostile)
    aria.TABLES.write_sqlite(tmp_path / "aria.db", clinic.rows)
    make_objects(tmp_path / "house" / "source", who=(1,))
    settings = f"{WANTED}\n{OIS.format(database=tmp_path / 'aria.db')}"
    site = SmallSite.make(tmp_path / "house", settings=settings)
    report = site.night(NIGHT_1)
    site.restored(tmp_path / "out")
    (paper,) = (tmp_path / "out").rglob("dossier.pdf")
    kept = {path.read_bytes() for path in (tmp_path / "out").rglob("documents/*") if path != paper}
    told = text_of(program, paper)

    assert [(one.document_count, one.not_kept) for one in report.patients] == [(2, ())]
    assert {photo, hostile} <= kept
    assert images_on(paper)[0] == 1
    assert f"Photo kept since {NIGHT_1}" in told
    assert "The photo “photo setup” is not shown" in told


def images_on(paper: Path) -> list[int]:
    return [len(page.images) for page in pypdf.PdfReader(paper).pages]


def test_photos_are_sealed_byte_for_byte_and_stand_on_the_paper_of_the_night_and_on_demand(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    shares = tmp_path / "share"
    lay_photos(shares)
    make_objects(tmp_path / "house" / "source", who=(1, 2))
    section = (
        f'[[documents]]\nname = "share"\nkind = "folder"\npath = "{shares}"\nfind = ["{{patient_id}}/**"]\n'
    )
    site = SmallSite.make(tmp_path / "house", settings=f"{WANTED}\n{section}")
    report = site.night(NIGHT_1)
    site.restored(tmp_path / "out")
    papers = {len(text_of(program, one)): one for one in (tmp_path / "out").rglob("dossier.pdf")}
    told = {path: text_of(program, path) for path in papers.values()}
    (with_photo,) = [path for path, text in told.items() if "BK-20417" in text]
    (without,) = [path for path, text in told.items() if "BK-20418" in text]
    kept = {path.read_bytes() for path in (tmp_path / "out").rglob("documents/*") if path.suffix != ".pdf"}

    assert report.outcome is NightOutcome.COMPLETE
    assert kept == {path.read_bytes() for path in shares.rglob("*.*")}
    assert images_on(with_photo)[0] == 1
    assert images_on(without)[0] == 0
    assert f"Photo kept since {NIGHT_1}" in told[with_photo]
    assert "2 photos of the patient are kept; which of them is the newest" in told[with_photo]
    assert f"Setup photo kept since {NIGHT_1}" in told[with_photo]
    assert "is not shown: The photo is no JPEG or PNG that can be read." in told[without]
    done = CliRunner().invoke(
        app, ["dossier", "--all", "--site", str(site.site_file), "--newest", "--out", str(tmp_path / "asked")]
    )
    assert done.exit_code == 0, done.output
    asked = [images_on(paper)[0] for paper in sorted((tmp_path / "asked").glob("*.pdf"))]
    assert sorted(asked) == [0, 1]
