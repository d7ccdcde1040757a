"""Killed in mid-transfer, and objects that nobody asked for: what came is never lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenarios"))

from archive_site import OUR_AE, copied, rewrite, site_of, small_department
from forked import DRIVER
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, make_objects
from tests.listening import free_port

from beamkeeper.domain.night import NightOutcome
from beamkeeper.rehearse.sim import Faults
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.spool import SpoolReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from night_site import SmallSite

    from beamkeeper.domain.night import NightReport
    from beamkeeper.rehearse.sim import Department

WAIT_S_MAX = 60.0
OBJECTS_BEFORE_THE_KILL = 20


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    with small_department(tmp_path_factory.mktemp("department")) as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, department: Department) -> SmallSite:
    return site_of(tmp_path_factory.mktemp("made") / "one", department, port=free_port())


@pytest.fixture
def site(made: SmallSite, tmp_path: Path) -> SmallSite:
    return copied(made, tmp_path / "copy")


def wait_until(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WAIT_S_MAX
    while not holds():
        assert time.monotonic() < until, f"waited {WAIT_S_MAX} s for: {what}"
        time.sleep(0.05)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def held(department: Department) -> set[str]:
    return {uid for p in department.patients for uid in department.sop_instance_uids(p.patient_id)}


def kept(site: SmallSite, report: NightReport) -> set[str]:
    ledger = site.runtime().ledger
    return {o.sop_instance_uid for night in report.patients for o in ledger.current_objects(night.pseudonym)}


@pytest.mark.slow
def test_a_night_killed_in_mid_transfer_leaves_no_listener_and_goes_on_where_it_was(
    site: SmallSite, department: Department, tmp_path: Path
) -> None:
    rewrite(site, {"silence_seconds = 3": "silence_seconds = 300"})
    department.archive.set_faults(Faults(silent_after=OBJECTS_BEFORE_THE_KILL))
    spool, port = site.site.night_dir(NIGHT_1) / "spool", site.site.receiver.port
    (tmp_path / "marks").touch()
    night_of = [str(site.site_file), NIGHT_1.isoformat(), str(tmp_path / "marks"), "none", "1"]
    job = {"job": "nights", "arguments": night_of, "out": str(tmp_path / "out"), "err": str(tmp_path / "err")}
    with subprocess.Popen(
        [sys.executable, str(DRIVER)], stdin=subprocess.PIPE, text=True, start_new_session=True
    ) as night:
        assert night.stdin is not None
        night.stdin.write(json.dumps(job) + "\n")
        night.stdin.flush()
        wait_until(lambda: len(SpoolReader(spool).poll()) >= OBJECTS_BEFORE_THE_KILL, "half a transfer")
        os.killpg(night.pid, signal.SIGKILL)
    came = {item.sop_instance_uid for item in SpoolReader(spool).poll()}
    department.archive.set_faults(Faults())
    wait_until(lambda: not is_listening(port), "the receiver to go")
    report = site.night(NIGHT_1)

    assert came < held(department)
    assert report.outcome is NightOutcome.COMPLETE
    assert kept(site, report) == held(department)
    site.verify_vault(NIGHT_1)
    assert site.night(NIGHT_2).is_quiet


def pushed_by_somebody(port: int, folder: Path, storescu: str) -> None:
    command = [storescu, "-aet", "STORESCU", "-aec", OUR_AE, "+sd", "127.0.0.1", str(port), str(folder)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.peer
def test_what_is_sent_unasked_goes_to_its_patient_or_is_named_and_kept(
    site: SmallSite, department: Department, program: Callable[[str], str], tmp_path: Path
) -> None:
    rewrite(
        site,
        {f'allowed_callers = ["{department.archive_ae}"]': 'allowed_callers = ["SIMARCHIVE", "STORESCU"]'},
    )
    storescu = program("storescu")
    first, second = department.patients[:2]
    gone_uid = department.sop_instance_uids(first.patient_id)[0]
    folder = tmp_path / "to-send"
    make_objects(folder, who=(5,), sessions=0)
    strangers = {identify(path.read_bytes()).sop_instance_uid for path in folder.rglob("*.dcm")}
    (folder / "listed.dcm").write_bytes(department.source_file(gone_uid))
    data = department.source_file(gone_uid)
    department.archive.remove(gone_uid)

    def on_step(name: str, phase: str) -> None:
        if (name, phase) == ("census", "done"):
            for one in sorted({path.parent for path in folder.rglob("*.dcm")}):
                pushed_by_somebody(site.site.receiver.port, one, storescu)

    try:
        report = site.night(NIGHT_1, on_step=on_step)
        spool = site.site.night_dir(NIGHT_1) / "spool"
        quiet = site.night(NIGHT_2)
    finally:
        department.archive.store(data)

    assert report.outcome is NightOutcome.INCOMPLETE
    assert gone_uid in kept(site, report)
    assert not strangers & kept(site, report)
    assert f"{len(strangers)} objects were sent to us of nobody" in " ".join(report.warnings)
    assert strangers == {item.sop_instance_uid for item in SpoolReader(spool).poll()}
    assert not list(quiet.patients[0].eyes), "what no source ever listed is not missing"
    assert quiet.is_quiet
    assert second.patient_id in {night.patient_id for night in report.patients}
    listed_again = site.night(NIGHT_3)
    assert listed_again.is_quiet
