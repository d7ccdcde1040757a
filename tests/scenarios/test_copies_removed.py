"""A patient whose copy goes leaves the stores of plain DICOM too, and each is asked whether it is so."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from night_site import NIGHT_1, SmallSite, at, make_objects

sys.path.insert(0, str(Path(__file__).parents[1] / "dicom_peers"))

from query_archives import orthanc
from web_stores import Asked, Said, WebArchive, orthanc_web, service

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.copying import LedgerMemory
from beamkeeper.app.jobs.removal_copies import CopiesPlace
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.protect.retain import Going, PlaceAnswer, PlaceState

pytestmark = pytest.mark.peer
NOW = datetime(2026, 4, 20, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("copied")
    make_objects(root / "source", who=(2, 4), sessions=1)
    SmallSite.make(root).night(NIGHT_1)
    return root


@dataclass(frozen=True)
class Sent:
    """A site that sent to one store."""

    site: SmallSite

    @classmethod
    def to(cls, kept: Path, root: Path, **section: object) -> Sent:
        site = SmallSite.copied(kept, root)
        lines = (f"{key} = {json.dumps(value)}\n" for key, value in section.items())
        text = site.site_file.read_text(encoding="utf-8")
        site.site_file.write_text(f"{text}\n[[copies]]\n" + "".join(lines), encoding="utf-8")
        app(["copies", "run", "--json", "--site", str(site.site_file)], standalone_mode=False)
        return cls(site)

    @property
    def pseudonyms(self) -> list[str]:
        return sorted(row.pseudonym for row in self.runtime().ledger.patients())

    def runtime(self):
        return open_runtime(self.site.site, at(NIGHT_1, 12))

    def remove(self, pseudonym: str) -> PlaceAnswer:
        runtime = self.runtime()
        row = runtime.ledger.patient(pseudonym)
        assert row is not None
        place = CopiesPlace(runtime, self.site.site.copies[0])
        going = Going(pseudonym=pseudonym, patient=row.patient, removed_on=NOW.date())
        try:
            return place.remove(going, NOW)
        finally:
            place.close()

    def known(self, pseudonym: str) -> frozenset[str]:
        return LedgerMemory(self.runtime().ledger, "copies:web").sent_of(pseudonym)


def count_there(store: WebArchive) -> int:
    root = store.url.removesuffix("/dicom-web")
    return int(httpx2.get(f"{root}/statistics").json()["CountInstances"])


def test_orthanc_deletes_what_we_sent_of_one_patient_and_of_nobody_else(program, kept: Path, tmp_path: Path):
    with orthanc_web(program("Orthanc"), tmp_path / "o") as store:
        root = store.url.removesuffix("/dicom-web")
        sent = Sent.to(
            kept,
            tmp_path / "s",
            name="web",
            kind="dicomweb",
            url=store.url,
            remove="orthanc",
            orthanc_url=root,
        )
        first, second = sent.pseudonyms
        before, ours, others = count_there(store), len(sent.known(first)), len(sent.known(second))
        answer = sent.remove(first)
        after = count_there(store)

    assert answer.state is PlaceState.GONE
    assert (before, after, answer.count) == (ours + others, others, ours)
    assert (len(sent.known(first)), len(sent.known(second))) == (0, others)


def test_a_store_that_refuses_to_delete_is_waited_for(program, kept: Path, tmp_path: Path):
    """Orthanc's DICOMweb answers 405 to DELETE."""
    with orthanc_web(program("Orthanc"), tmp_path / "o") as store:
        sent = Sent.to(kept, tmp_path / "s", name="web", kind="dicomweb", url=store.url, remove="dicomweb")
        before = count_there(store)
        answer = sent.remove(sent.pseudonyms[0])
        after = count_there(store)

    assert answer.state is PlaceState.WAITING
    assert "refuses to delete" in answer.said
    assert before == after


def test_what_somebody_else_put_there_is_not_deleted_and_said(program, kept: Path, tmp_path: Path):
    with orthanc_web(program("Orthanc"), tmp_path / "o") as store:
        root = store.url.removesuffix("/dicom-web")
        sent = Sent.to(
            kept,
            tmp_path / "s",
            name="web",
            kind="dicomweb",
            url=store.url,
            remove="orthanc",
            orthanc_url=root,
        )
        pseudonym = sent.pseudonyms[0]
        memory = LedgerMemory(sent.runtime().ledger, "copies:web")
        uid = min(sent.known(pseudonym))
        memory.forget(f"{pseudonym}/{uid}")  # as if it had come from elsewhere
        answer = sent.remove(pseudonym)

    assert answer.state is PlaceState.WAITING
    assert "1 objects of the patient that we did not send" in answer.said


def test_a_dicom_store_is_asked_and_never_believed(program, kept: Path, tmp_path: Path):
    (tmp_path / "o").mkdir()
    with orthanc(program("Orthanc"), tmp_path / "o") as store:
        sent = Sent.to(
            kept,
            tmp_path / "s",
            name="web",
            kind="dicom",
            ae_title="ORTHANC",
            host="127.0.0.1",
            port=store.port,
        )
        answer = sent.remove(sent.pseudonyms[0])
    (tmp_path / "empty").mkdir()
    text = sent.site.site_file.read_text(encoding="utf-8")
    with orthanc(program("Orthanc"), tmp_path / "empty") as empty:
        moved = text.replace(f"port = {store.port}", f"port = {empty.port}")
        sent.site.site_file.write_text(moved, encoding="utf-8")
        gone = sent.remove(sent.pseudonyms[0])
    silent = sent.remove(sent.pseudonyms[0])

    assert answer.state is PlaceState.WAITING
    assert "still lists" in answer.said
    assert "[[removals]]" in answer.do_next
    assert gone.state is PlaceState.GONE
    assert silent.state is PlaceState.WAITING
    assert "Nothing answers" in silent.said


def test_a_patient_who_cannot_be_asked_for_holds_up_no_other(kept: Path, tmp_path: Path):
    with service(lambda asked: Said(200, body=b"[]" if asked.method == "GET" else b"{}")) as (url, _):
        sent = Sent.to(kept, tmp_path / "s", name="web", kind="dicomweb", url=url, read_back="none")
        runtime = sent.runtime()
        place = CopiesPlace(runtime, sent.site.site.copies[0])
        row = runtime.ledger.patient(sent.pseudonyms[0])
        assert row is not None
        wild = replace(row.patient, patient_id="4711*")
        found = [
            place.remove(Going(pseudonym=row.pseudonym, patient=who, removed_on=NOW.date()), NOW)
            for who in (wild, row.patient)
        ]
        place.close()

    assert [answer.state for answer in found] == [PlaceState.WAITING, PlaceState.GONE]


def test_the_word_of_a_service_that_deleted_is_not_believed(kept: Path, tmp_path: Path):
    patient_id = uid = ""

    def answer(asked: Asked) -> Said:
        if asked.method == "POST":
            return Said(200, body=b"{}")
        if asked.method == "DELETE":
            return Said(204)
        values = {"00100020": patient_id, "0020000D": "1.2", "0020000E": "1.3", "00080018": uid}
        return Said(200, body=json.dumps([{tag: {"Value": [one]} for tag, one in values.items()}]).encode())

    with service(answer) as (url, asked):
        sent = Sent.to(
            kept,
            tmp_path / "s",
            name="web",
            kind="dicomweb",
            url=url,
            remove="dicomweb",
            read_back="none",
        )
        pseudonym = sent.pseudonyms[0]
        row = sent.runtime().ledger.patient(pseudonym)
        assert row is not None
        patient_id, uid = row.patient.patient_id, min(sent.known(pseudonym))
        found = sent.remove(pseudonym)

    assert f"/dicom-web/studies/1.2/series/1.3/instances/{uid}" in [
        one.path for one in asked if one.method == "DELETE"
    ]
    assert found.state is PlaceState.WAITING
    assert "still lists 1 objects" in found.said
