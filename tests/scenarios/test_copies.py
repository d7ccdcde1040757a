"""Plain DICOM from a night's vault to real stores: what goes, what is proved, and what is caught."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite, at, make_objects
from pydicom import dcmread
from source_changes import give_a_fraction
from tests.mail_peers.hook_server import gateway

sys.path.insert(0, str(Path(__file__).parents[1] / "dicom_peers"))

from query_archives import dcmqrscp, orthanc, running
from tests.listening import free_port
from web_stores import orthanc_web

from beamkeeper.app.checkup import check_site
from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.copy_duty import CopiesDuty
from beamkeeper.app.jobs.copying import key_of, marker_of
from beamkeeper.app.jobs.runtime import open_ledger
from beamkeeper.clock import MovableClock, SystemClock
from beamkeeper.errors import KeyUnavailable
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

    def calls(self, port: int) -> None:
        """Let people be called through a gateway."""
        url, fields = f"http://127.0.0.1:{port}/send", '{ text = "$text", kind = "$kind" }'
        with self.site.site_file.open("a", encoding="utf-8") as file:
            file.write(f'\n[[alerts]]\nname = "pager"\nkind = "http"\nurl = "{url}"\nfields = {fields}\n')

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
    folder = copied.site.root / "site" / "data" / "copies"
    killed = folder / "pacs" / "of-a-run-that-was-killed.dcm"
    killed.parent.mkdir(parents=True)
    killed.write_bytes(b"a plan")
    with orthanc(program("Orthanc"), tmp_path) as store:
        copied.goes_to(name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=store.port)
        copied.run()

    assert not [path for path in folder.rglob("*") if path.is_file()]


def changed_plan(site: SmallSite) -> str:
    """Change one plan at its source, under the same UID; return that."""
    path = next(site.source.rglob("RTPLAN-1.dcm"))
    plan = dcmread(path)
    plan.BeamSequence[0].ControlPointSequence[0].GantryAngle = "17"
    plan.save_as(path)
    return str(plan.SOPInstanceUID)


def test_a_store_that_says_stored_and_keeps_the_old_object_is_caught(program, copied: Copied, tmp_path: Path):
    """As Orthanc does unless it is told otherwise; DICOM and DICOMweb alike. People are called."""
    with orthanc_web(program("Orthanc"), tmp_path / "orthanc") as store, gateway() as pager:
        copied.calls(pager.port)
        copied.goes_to(name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=store.dicom_port)
        copied.goes_to(name="web", kind="dicomweb", url=store.url)
        copied.run("--destination", "web")
        uid = changed_plan(copied.site)
        copied.site.night(NIGHT_2)
        status, outcomes = copied.run()
        copied.run()  # the same day: nobody is called twice

    assert status == 20
    assert [call["kind"] for call in pager.taken] == ["copies"] * 2
    assert sorted("at web differs from what was sent" in call["text"] for call in pager.taken) == [
        False,
        True,
    ]
    for outcome in outcomes.values():
        problem = outcome["problems"][0]
        assert outcome["state"] == "differs"
        assert (outcome["waiting_count"], outcome["problems_count"]) == (1, 1)
        assert problem["what"] == f"RTPLAN {uid}"
        assert "OverwriteInstances" in problem["do_next"]
    assert outcomes["web"]["problems"][0]["kind"] == "kept an older version"
    assert str(NIGHT_1) in outcomes["web"]["problems"][0]["text"]


def test_a_store_that_overwrites_holds_the_new_object(program, copied: Copied, tmp_path: Path):
    with orthanc_web(program("Orthanc"), tmp_path / "orthanc", OverwriteInstances=True) as store:
        copied.goes_to(name="web", kind="dicomweb", url=store.url)
        copied.run()
        changed_plan(copied.site)
        copied.site.night(NIGHT_2)
        status, outcomes = copied.run()

    assert (status, outcomes["web"]["state"], outcomes["web"]["sent_count"]) == (0, "complete", 1)


def test_what_goes_over_the_web_comes_back_as_the_same_bytes(program, copied: Copied, tmp_path: Path):
    with orthanc_web(program("Orthanc"), tmp_path / "orthanc") as store:
        copied.goes_to(name="web", kind="dicomweb", url=store.url)
        status, outcomes = copied.run()
    ledger = open_ledger(copied.site.site)

    assert (status, outcomes["web"]["state"]) == (0, "complete")
    assert {row.stamp for row in ledger.mirrors.proofs("copies:web")} == {"same bytes"}


def test_a_dead_store_holds_up_no_other_and_loses_nothing_in_a_week(program, copied: Copied, tmp_path: Path):
    port = free_port()
    copied.goes_to(name="dead", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=port)
    text = copied.site.site_file.read_text()
    sent = []
    with orthanc(program("Orthanc"), tmp_path) as store:
        copied.goes_to(name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=store.port)
        for days in range(7):
            day = NIGHT_2 + timedelta(days=days)
            give_a_fraction(copied.site.source, 2, on=day, number=2 + days)
            copied.site.night(day)
            status, outcomes = copied.run()

            assert (status, outcomes["pacs"]["state"]) == (3, "complete")
            assert outcomes["dead"]["state"] == "unreachable"
            assert outcomes["dead"]["waiting_count"] == outcomes["pacs"]["wanted_count"]
            assert "Nothing answers" in outcomes["dead"]["error"]
            sent.append(outcomes["pacs"]["sent_count"])
        wanted = outcomes["pacs"]["wanted_count"]
    (tmp_path / "again").mkdir()
    with orthanc(program("Orthanc"), tmp_path / "again") as store:
        copied.site.site_file.write_text(text.replace(f"port = {port}", f"port = {store.port}"))
        status, outcomes = copied.run()

    assert sent[1:] == [3] * 6, "each day's records on that day"
    assert (status, outcomes["dead"]["state"], outcomes["dead"]["proved_count"]) == (0, "complete", wanted)


def test_a_store_that_died_is_unreachable_also_when_nothing_is_to_be_sent(
    program, copied: Copied, tmp_path: Path
):
    with orthanc(program("Orthanc"), tmp_path) as store:
        copied.goes_to(name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=store.port)
        copied.run()
    status, outcomes = copied.run("--reread")

    assert (status, outcomes["pacs"]["state"]) == (3, "unreachable")
    assert outcomes["pacs"]["waiting_count"] == 0


def test_what_was_removed_there_is_noticed_and_sent_again(program, copied: Copied, tmp_path: Path):
    with orthanc_web(program("Orthanc"), tmp_path / "orthanc") as store:
        copied.goes_to(name="web", kind="dicomweb", url=store.url)
        copied.run()
        root = store.url.removesuffix("/dicom-web")
        uid = next(uid for uid, ref in copied.sources().items() if ref.modality == "RTPLAN")
        found = httpx2.post(f"{root}/tools/lookup", content=uid).json()
        httpx2.delete(f"{root}/instances/{found[0]['ID']}")
        status, outcomes = copied.run("--reread")
        again, second = copied.run()

    assert (status, outcomes["web"]["state"]) == (3, "behind")
    assert [problem["kind"] for problem in outcomes["web"]["problems"]] == ["gone"]
    assert (again, second["web"]["state"], second["web"]["sent_count"]) == (0, "complete", 1)


def test_objects_come_back_by_c_move_to_a_receiver_of_our_own(program, copied: Copied, tmp_path: Path):
    with dcmqrscp(program("dcmqrscp"), tmp_path) as store:
        copied.goes_to(
            name="pacs",
            kind="dicom",
            ae_title=store.ae_title,
            host="127.0.0.1",
            port=store.port,
            read_back="move",
            back_ae_title="BEAMKEEPER",
            back_port=store.destination_port,
        )
        status, outcomes = copied.run()

    assert (status, outcomes["pacs"]["state"], outcomes["pacs"]["problems_count"]) == (0, "complete", 0)


@pytest.mark.parametrize("way", ["query", "none"])
def test_a_store_that_gives_nothing_back_is_never_called_complete(
    program, copied: Copied, tmp_path: Path, way: str
):
    with orthanc(program("Orthanc"), tmp_path) as store:
        copied.goes_to(
            name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=store.port, read_back=way
        )
        status, outcomes = copied.run()
        again, second = copied.run()

    pacs = outcomes["pacs"]
    assert (status, pacs["state"], pacs["proved_count"]) == (3, "sent, not proved", 0)
    assert pacs["listed_count"] == pacs["wanted_count"] > 0
    assert (again, second["pacs"]["sent_count"]) == (3, 0)


def test_a_store_that_only_receives_proves_nothing(program, copied: Copied, tmp_path: Path):
    """storescp answers success to everything, and to no question."""
    port = free_port()
    command = [program("storescp"), "--ignore", str(port)]
    with running(command, port=port, log=tmp_path / "log"):
        copied.goes_to(name="hole", kind="dicom", ae_title="HOLE", host="127.0.0.1", port=port)
        status, outcomes = copied.run()

    assert (status, outcomes["hole"]["state"], outcomes["hole"]["proved_count"]) == (3, "behind", 0)
    assert "cannot be asked for them back" in outcomes["hole"]["error"]


def test_a_collector_that_only_encrypts_says_that_it_cannot(copied: Copied):
    copied.goes_to(name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=1)
    (copied.site.site.vault.keys_dir / "collector.age").unlink()

    with pytest.raises(KeyUnavailable, match="only encrypts"):
        copied.run()
    found = {one.what: one for one in check_site(copied.site.site, SystemClock())}
    assert found["copies"].verdict == "bad"
    assert "only encrypts" in found["copies"].text


def test_the_duty_sends_when_something_is_new_and_rests_when_nothing_is(
    program, copied: Copied, tmp_path: Path
):
    with orthanc(program("Orthanc"), tmp_path) as store:
        copied.goes_to(name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=store.port)
        site = copied.site.site
        duty = CopiesDuty(site, open_ledger(site), site.copies[0])
        clock = at(NIGHT_1, 6)

        assert duty.wait_s(clock) == 0
        assert duty.work(clock).startswith("complete")
        assert duty.wait_s(clock) == 24 * 3600
        make_objects(copied.site.source, who=(2,), sessions=2)
        copied.site.night(NIGHT_2)
        assert duty.wait_s(at(NIGHT_2, 6)) == 0
        assert duty.work(at(NIGHT_2, 6)) == "complete, 3 sent, 0 waiting"
    assert duty.wait_s(at(NIGHT_2, 7)) == 23 * 3600


@pytest.mark.parametrize(
    ("when", "due_after"),
    [("approval", [0.1, 0.9, 1, 19, 20]), ("hourly", [1, 19, 20]), ("nightly", [20])],
)
def test_what_is_new_is_due_when_the_section_says(copied: Copied, when: str, due_after: list[float]):
    """Complete at six; at once something new is known of a patient; the next night ends 20 hours later."""
    copied.goes_to(name="pacs", kind="dicom", ae_title="X", host="127.0.0.1", port=1, when=when)
    site = copied.site.site
    ledger, section = open_ledger(site), site.copies[0]
    began = at(NIGHT_1, 6).now()
    ledger.mirrors.begin(key_of(section), section.place)
    facts = {"marker": marker_of(site)}
    ledger.mirrors.finish(key_of(section), at=began, state="complete", is_mirrored=True, facts=facts)
    duty = CopiesDuty(site, ledger, section)

    def is_due(hours: float) -> bool:
        return duty.wait_s(MovableClock(began + timedelta(hours=hours))) == 0

    assert not any(map(is_due, (0.1, 1, 19)))
    for path in (site.data_dir / "facts").iterdir():
        os.utime(path, ns=(1, 1))
    due = [hours for hours in (0.1, 0.9, 1, 19) if is_due(hours)]
    ledger.begin_night(NIGHT_2, began + timedelta(hours=19))
    ended = began + timedelta(hours=20)
    ledger.finish_night(NIGHT_2, outcome="complete", finished_at=ended, summary={})

    assert [*due, *(hours for hours in (20,) if is_due(hours))] == due_after


def test_a_store_that_failed_is_tried_again_soon_and_after_a_day_more_slowly_and_people_are_called(
    copied: Copied,
):
    copied.goes_to(name="dead", kind="dicom", ae_title="X", host="127.0.0.1", port=free_port())
    site = copied.site.site
    duty = CopiesDuty(site, open_ledger(site), site.copies[0])

    with gateway() as pager:
        copied.calls(pager.port)
        duty = replace(duty, site=copied.site.site)
        assert duty.work(at(NIGHT_1, 6)).startswith("unreachable")
        assert duty.wait_s(at(NIGHT_1, 6)) == 15 * 60
        assert pager.taken == []
        assert duty.work(at(NIGHT_2, 6)).startswith("unreachable")
        assert duty.wait_s(at(NIGHT_2, 6)) == 60 * 60

    assert [call["kind"] for call in pager.taken] == ["copies"]
    assert "plain DICOM at dead is unreachable since" in pager.taken[0]["text"]


@pytest.mark.slow
@pytest.mark.long
def test_every_real_object_goes_and_is_proved(
    program, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What ten systems wrote, over DICOM into one Orthanc and over the web into another."""
    copied = Copied(SmallSite.make(tmp_path / "site", real_data), capsys)
    copied.site.night(NIGHT_1)
    everything = {
        "any_plan": True,
        "patients": ["listed"],
        "what": [
            *("plan", "structures", "dose", "records", "planning images", "other images"),
            *("rt images", "registrations", "other"),
        ],
    }
    with (
        orthanc_web(program("Orthanc"), tmp_path / "one") as one,
        orthanc_web(program("Orthanc"), tmp_path / "two") as two,
    ):
        dicom = {"kind": "dicom", "ae_title": "ORTHANC", "host": "127.0.0.1", "port": one.dicom_port}
        copied.goes_to(name="pacs", **dicom, **everything)
        copied.goes_to(name="web", kind="dicomweb", url=two.url, **everything)
        status, outcomes = copied.run()
    ledger = open_ledger(copied.site.site)

    assert status == 0
    for outcome in outcomes.values():
        assert (outcome["state"], outcome["problems_count"]) == ("complete", 0)
        assert outcome["proved_count"] == outcome["wanted_count"] > 150
    assert {row.stamp for row in ledger.mirrors.proofs("copies:web")} == {"same bytes"}


def test_report_and_mirrors_tell_where_the_stores_stand(program, copied: Copied, tmp_path: Path):
    with orthanc(program("Orthanc"), tmp_path) as store:
        copied.goes_to(name="pacs", kind="dicom", ae_title="ORTHANC", host="127.0.0.1", port=store.port)
        copied.run()
    app(["mirrors", "--site", str(copied.site.site_file)], standalone_mode=False)
    shown = copied.capsys.readouterr().out
    remarks = copied.site.night(NIGHT_2).remarks

    assert "pacs: complete" in shown
    assert any("Plain DICOM at pacs: all" in remark for remark in remarks)
