"""Dossiers go to stores of plain DICOM as objects that Orthanc and a viewer open: whole, once, the newest."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite, make_objects
from source_changes import give_a_fraction

sys.path.insert(0, str(Path(__file__).parents[1] / "dicom_peers"))

from web_stores import orthanc_web

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.copy_facts import material_of
from beamkeeper.app.jobs.copy_papers import FOLDER
from beamkeeper.app.jobs.forgetting import forget_here
from beamkeeper.app.opened import open_by_site
from beamkeeper.vault import DEPARTMENT

if TYPE_CHECKING:
    from web_stores import WebArchive

pytestmark = pytest.mark.peer
WANTED = "[night]\ndossiers = true\npictures = false\nlists = false\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two patients after one night that made dossiers; copied for each test."""
    root = tmp_path_factory.mktemp("dossiers")
    make_objects(root / "source", who=(2, 4), sessions=1)
    SmallSite.make(root, settings=WANTED).night(NIGHT_1)
    return root


def goes_to(site: SmallSite, **section: object) -> None:
    """Add a `[[copies]]` section."""
    with site.site_file.open("a", encoding="utf-8") as file:
        file.write("\n[[copies]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in section.items()))


@dataclass(frozen=True)
class Sending:
    """A site that sends plans and dossiers to one Orthanc, and what that Orthanc has."""

    site: SmallSite
    store: WebArchive
    capsys: pytest.CaptureFixture[str]

    @classmethod
    def by_dicom(cls, site: SmallSite, store: WebArchive, capsys: pytest.CaptureFixture[str]) -> Sending:
        goes_to(
            site,
            name="pacs",
            kind="dicom",
            ae_title=store.ae_title,
            host="127.0.0.1",
            port=store.dicom_port,
            what=["plan", "dossier"],
        )
        return cls(site, store, capsys)

    def run(self) -> tuple[int, dict[str, Any]]:
        words = ["copies", "run", "--json", "--site", str(self.site.site_file)]
        status = app(words, standalone_mode=False)
        return status, json.loads(self.capsys.readouterr().out)["outcomes"][0]

    def there(self) -> dict[str, dict[str, Any]]:
        """Return the documents that Orthanc has by its own identifier, with their tags."""
        root = self.store.url.removesuffix("/dicom-web")
        query = {"Level": "Instance", "Query": {"Modality": "DOC"}, "Expand": True}
        found = httpx2.post(f"{root}/tools/find", json=query).raise_for_status().json()
        return {
            one["ID"]: httpx2.get(f"{root}/instances/{one['ID']}/simplified-tags").json() for one in found
        }

    def get(self, name: str, what: str) -> bytes:
        root = self.store.url.removesuffix("/dicom-web")
        return httpx2.get(f"{root}/instances/{name}/{what}").raise_for_status().content


def sealed(site: SmallSite, out: Path) -> dict[bytes, Path]:
    """Return each patient's newest dossier as `restore` gives it back, with its bytes."""
    opened = open_by_site(site.site, site.runtime().clock)
    for name in opened.vault.pseudonyms():
        opened.vault.restore_patient(name, identities=opened.identities, out_dir=out / name)
    return {path.read_bytes(): path for path in sorted(out.rglob("dossier.pdf"))}


def said(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pages(program, pdf: Path) -> str:
    lines = said(program("pdfinfo"), pdf).splitlines()
    return next(line.split()[-1] for line in lines if line.startswith("Pages:"))


def test_orthanc_and_a_viewer_open_the_very_dossier_that_is_sealed(
    program, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    site = SmallSite.copied(kept, tmp_path / "site")
    with orthanc_web(program("Orthanc"), tmp_path / "orthanc") as store:
        sending = Sending.by_dicom(site, store, capsys)
        status, outcome = sending.run()
        there = sending.there()
        pdfs = {name: sending.get(name, "pdf") for name in there}
        files = {name: sending.get(name, "file") for name in there}
    papers = sealed(site, tmp_path / "out")

    assert (status, outcome["state"], outcome["problems_count"]) == (0, "complete", 0)
    assert set(pdfs.values()) == set(papers)
    assert len(papers) == 2
    for name, tags in there.items():
        dicom, pdf = tmp_path / f"{name}.dcm", tmp_path / f"{name}.pdf"
        dicom.write_bytes(files[name])
        said(program("dcm2pdf"), dicom, pdf)
        sealed_pdf = papers[pdfs[name]]

        assert tags["DocumentTitle"] == f"Dossier for treating on, night of {NIGHT_1}"
        assert "Error" not in said(program("dciodvfy"), dicom)
        assert pages(program, pdf) == pages(program, sealed_pdf) >= "2"
        text = said(program("pdftotext"), "-layout", pdf, "-")
        assert text == said(program("pdftotext"), "-layout", sealed_pdf, "-")
        assert tags["PatientID"] in text.replace("\u200b", "")
        said(program("pdftoppm"), "-r", "20", "-png", pdf, tmp_path / name)
        assert len(list(tmp_path.glob(f"{name}-*.png"))) == int(pages(program, pdf))


def test_only_a_dossier_that_changed_goes_again_and_as_another_object(
    program, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    site = SmallSite.copied(kept, tmp_path / "site")
    with orthanc_web(program("Orthanc"), tmp_path / "orthanc") as store:
        sending = Sending.by_dicom(site, store, capsys)
        _, first = sending.run()
        before = sending.there()
        give_a_fraction(site.source, 2, on=NIGHT_2, number=2)
        site.night(NIGHT_2)
        _, second = sending.run()
        after = sending.there()
        for note in (site.site.data_dir / FOLDER).iterdir():
            note.unlink()
        _, third = sending.run()
        again = sending.there()

    new = [tags for name, tags in after.items() if name not in before]
    older = [tags for tags in before.values() if tags["PatientID"] == new[0]["PatientID"]]
    assert (first["sent_count"], second["sent_count"], third["sent_count"]) == (4, 1, 0)
    assert {first["state"], second["state"], third["state"]} == {"complete"}
    assert len(new) == 1
    assert new[0]["DocumentTitle"].endswith(str(NIGHT_2))
    assert new[0]["SeriesInstanceUID"] == older[0]["SeriesInstanceUID"]
    assert int(new[0]["InstanceNumber"]) > int(older[0]["InstanceNumber"])
    assert again.keys() == after.keys() > before.keys()
    assert any("1 objects are still there" in remark for remark in second["remarks"])


def test_a_dossier_goes_over_the_web_too_and_comes_back_as_the_same_bytes(
    program, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    site = SmallSite.copied(kept, tmp_path / "site")
    with orthanc_web(program("Orthanc"), tmp_path / "orthanc") as store:
        goes_to(site, name="web", kind="dicomweb", url=store.url, what=["dossier"])
        status, outcome = Sending(site, store, capsys).run()

    assert (status, outcome["state"], outcome["proved_count"]) == (0, "complete", 2)
    assert {row.stamp for row in site.runtime().ledger.mirrors.proofs("copies:web")} == {"same bytes"}


def test_the_triage_list_goes_as_an_object_of_no_patient_and_is_read_back(
    program, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    site = SmallSite.copied(kept, tmp_path / "site")
    text = site.site_file.read_text(encoding="utf-8")
    site.site_file.write_text(text.replace("lists = false", "lists = true"), encoding="utf-8")
    give_a_fraction(site.source, 2, on=NIGHT_2, number=2)
    site.night(NIGHT_2)
    with orthanc_web(program("Orthanc"), tmp_path / "orthanc") as store:
        goes_to(site, name="web", kind="dicomweb", url=store.url, what=["lists"])
        sending = Sending(site, store, capsys)
        status, outcome = sending.run()
        _, again = sending.run()
        there = sending.there()
        pdf = sending.get(next(iter(there)), "pdf")
    opened = open_by_site(site.site, site.runtime().clock)
    opened.vault.restore_patient(DEPARTMENT, identities=opened.identities, out_dir=tmp_path / "lists")
    tags = next(iter(there.values()))

    assert (status, outcome["state"], outcome["sent_count"], again["sent_count"]) == (0, "complete", 1, 0)
    assert outcome["patient_count"] == 0
    assert (tags["PatientID"], tags["PatientBirthDate"]) == ("BEAMKEEPER-LISTS", "")
    assert pdf == (tmp_path / "lists" / "lists" / "triage-list.pdf").read_bytes()


def nowhere(kept: Path, root: Path) -> SmallSite:
    """A site whose dossiers go to a store that nobody asks."""
    site = SmallSite.copied(kept, root)
    goes_to(site, name="pacs", kind="dicom", ae_title="X", host="127.0.0.1", port=1, what=["dossier"])
    return site


def test_no_older_dossier_takes_the_place_of_one_that_is_lost(kept: Path, tmp_path: Path):
    site = nowhere(kept, tmp_path / "site")
    give_a_fraction(site.source, 2, on=NIGHT_2, number=2)
    site.night(NIGHT_2)
    runtime = site.runtime()
    newest = next(one for one in runtime.vault.entries() if one.night == NIGHT_2)
    (site.vault_dir / newest.storage_name).unlink()
    material = material_of(runtime, site.site.copies)
    given = {one.pseudonym: one.dossier for one in material.patients}

    assert given.pop(newest.pseudonym) is None
    assert len(given) == 1
    assert all(given.values())


def test_whoever_is_removed_leaves_no_note_of_a_dossier_behind(kept: Path, tmp_path: Path):
    site = nowhere(kept, tmp_path / "site")
    runtime = site.runtime()
    material = material_of(runtime, site.site.copies)
    notes = site.site.data_dir / FOLDER
    noted = len(list(notes.iterdir()))
    forget_here(runtime, [one.pseudonym for one in material.patients])

    assert (noted, len(list(notes.iterdir()))) == (2, 0)


def test_nothing_of_dossiers_is_read_where_no_store_takes_them(kept: Path, tmp_path: Path):
    site = SmallSite.copied(kept, tmp_path / "site")
    goes_to(site, name="pacs", kind="dicom", ae_title="X", host="127.0.0.1", port=1)
    material = material_of(site.runtime(), site.site.copies)

    assert not material.dossiers
    assert not (site.site.data_dir / FOLDER).exists()
