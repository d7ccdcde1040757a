"""Plain DICOM from a night's vault to real stores: what goes, what is proved, and what is caught."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from night_site import NIGHT_1, SmallSite, make_objects

sys.path.insert(0, str(Path(__file__).parents[1] / "dicom_peers"))

from query_archives import orthanc

from beamkeeper.app.cli.main import app
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.peers import Peer
from beamkeeper.wire.dicom.requester import Requester

pytestmark = pytest.mark.peer
KINDS = {"RTPLAN", "RTSTRUCT", "RTDOSE", "RTRECORD", "CT"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two patients after one night; copied for each test."""
    root = tmp_path_factory.mktemp("copied")
    make_objects(root / "source", who=(2, 4), sessions=1)
    SmallSite.make(root).night(NIGHT_1)
    return root


@dataclass(frozen=True)
class Copied:
    """A site and what `beamkeeper copies` says of it."""

    site: SmallSite
    capsys: pytest.CaptureFixture[str]

    def goes_to(self, **section: object) -> None:
        """Add a `[[copies]]` section."""
        with self.site.site_file.open("a", encoding="utf-8") as file:
            lines = (f"{key} = {json.dumps(value)}\n" for key, value in section.items())
            file.write("\n[[copies]]\n" + "".join(lines))

    def copies(self, *words: str) -> tuple[int, Any]:
        status = app(["copies", *words, "--json", "--site", str(self.site.site_file)], standalone_mode=False)
        assert isinstance(status, int)
        return status, json.loads(self.capsys.readouterr().out)

    def run(self, *words: str) -> tuple[int, dict[str, Any]]:
        status, said = self.copies("run", *words)
        return status, {outcome["destination"]: outcome for outcome in said["outcomes"]}

    def sources(self) -> dict[str, Any]:
        refs = (identify(path.read_bytes()) for path in self.site.source.rglob("*.dcm"))
        return {ref.sop_instance_uid: ref for ref in refs}


@pytest.fixture
def copied(kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Copied:
    return Copied(SmallSite.copied(kept, tmp_path / "root"), capsys)


def holdings(ae_title: str, port: int, patient_ids: set[str]) -> set[str]:
    peer = Peer(ae_title=ae_title, host="127.0.0.1", port=port)
    with Requester(own_ae_title="BEAMKEEPER", peer=peer) as asking:
        return {one.sop_instance_uid for patient in patient_ids for one in asking.find_instances(patient)}


def test_the_plan_chain_of_every_patient_is_sent_and_read_back(program, copied: Copied, tmp_path: Path):
    with orthanc(program("Orthanc"), tmp_path) as store:
        copied.goes_to(name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=store.port)
        status, outcomes = copied.run()
        there = holdings("ORTHANC", store.port, {ref.patient_id for ref in copied.sources().values()})
        again, second = copied.run()

    pacs = outcomes["pacs"]
    expected = {uid for uid, ref in copied.sources().items() if ref.modality in KINDS}
    assert (status, pacs["state"]) == (0, "complete")
    assert there == expected
    assert pacs["proved_count"] == pacs["wanted_count"] == pacs["sent_count"] == len(expected)
    assert (pacs["patient_count"], pacs["waiting_count"], pacs["problems_count"]) == (2, 0, 0)
    assert (again, second["pacs"]["sent_count"], second["pacs"]["state"]) == (0, 0, "complete")


def test_nothing_in_clear_stays_behind(program, copied: Copied, tmp_path: Path):
    with orthanc(program("Orthanc"), tmp_path) as store:
        copied.goes_to(name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=store.port)
        copied.run()

    assert not list((copied.site.root / "site" / "data" / "copies").rglob("*.dcm"))
