"""The simulated archive against DCMTK: answers by the keys, bytes as stored, faults on request."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydicom import dcmread

from beamkeeper.rehearse.sim import Archive, ArchiveProcess, Faults, OrthancArchive
from beamkeeper.rehearse.sim.patients import cast_member, plan_objects
from beamkeeper.rehearse.sim.realcases import load_case
from beamkeeper.rehearse.sim.seeded import Seed

pytestmark = pytest.mark.peer


def _data_set(data):
    if data[128:132] != b"DICM":
        return data
    return data[144 + int.from_bytes(data[140:144], "little") :]


def _case(name="monaco-tinyvmat-pymedphys"):
    case = load_case(name)
    return case.patient_id, {
        str(dcmread(BytesIO(data), force=True, stop_before_pixels=True).SOPInstanceUID): data
        for _, data in case.files
    }


@pytest.fixture
def folder(tmp_path):
    """A folder with two published cases: one without file meta, one in another encoding."""
    held = tmp_path / "archive"
    held.mkdir()
    for name in ("monaco-tinyvmat-pymedphys", "varian-proton-dcpt"):
        for file, data in load_case(name).files:
            (held / f"{name}-{file}").write_bytes(data)
    return held


@pytest.fixture
def archive(folder):
    with Archive(folder, ae_title="SIM") as running:
        yield running


@contextmanager
def _storescp(program, free_port, into, archive):
    into.mkdir()
    scp = subprocess.Popen(
        [program("storescp"), "-aet", "RX", "-od", str(into), "+B", str(free_port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    archive.add_destination("RX", "127.0.0.1", free_port)
    time.sleep(0.5)
    try:
        yield
    finally:
        scp.terminate()
        scp.wait()


def _ask(program, tool, archive, *options: str, keys, timeout=60):
    command = [program(tool), "-v", *options, "-aec", archive.ae_title, archive.host, str(archive.port)]
    for key in keys:
        command += ["-k", key]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=timeout, check=False
    )


def _found(done):
    return done.stdout.count("(Pending)") + done.stderr.count("(Pending)")


def test_study_root_find_answers_by_the_keys_and_only_hierarchically(program, archive):
    patient_id, objects = _case()
    study = str(dcmread(BytesIO(next(iter(objects.values()))), force=True).StudyInstanceUID)

    def find(*keys: str, root="-S"):
        return _found(_ask(program, "findscu", archive, root, keys=keys))

    assert find("QueryRetrieveLevel=STUDY", f"PatientID={patient_id}", "StudyInstanceUID") == 1
    assert find("QueryRetrieveLevel=STUDY", "PatientID=Tiny*", "StudyInstanceUID") == 1
    assert find("QueryRetrieveLevel=STUDY", "PatientID=tinyfs", "StudyInstanceUID") == 0
    assert find("QueryRetrieveLevel=STUDY", "StudyInstanceUID") == 2
    assert (
        find("QueryRetrieveLevel=SERIES", f"StudyInstanceUID={study}", "Modality=RTPLAN", "SeriesInstanceUID")
        == 1
    )
    assert find("QueryRetrieveLevel=SERIES", "SeriesInstanceUID") == 0
    assert find("QueryRetrieveLevel=PATIENT", "PatientID") == 0
    assert find("QueryRetrieveLevel=PATIENT", "PatientID", root="-P") == 2


@pytest.mark.parametrize("kind", [Archive, ArchiveProcess])
def test_c_move_sends_the_data_set_bytes_as_they_are_stored(program, folder, tmp_path, free_port, kind):
    patient_id, objects = _case()
    with kind(folder, ae_title="SIM") as archive, _storescp(program, free_port, tmp_path / "rx", archive):
        done = _ask(
            program,
            "movescu",
            archive,
            "-P",
            "-aem",
            "RX",
            keys=["QueryRetrieveLevel=PATIENT", f"PatientID={patient_id}"],
        )

    received = [path.read_bytes() for path in (tmp_path / "rx").iterdir()]
    assert done.returncode == 0, done.stderr
    assert sorted(map(_data_set, received)) == sorted(map(_data_set, objects.values()))


def test_c_get_sends_the_data_set_bytes_as_they_are_stored(program, archive, tmp_path):
    """DCMTK proposes explicit VR first and one context a class, so objects in explicit VR can be sent."""
    patient = cast_member(Seed(1), 3, date(2026, 3, 3))
    made = dict(plan_objects(patient, patient.treatments, ZoneInfo("Europe/Brussels")))
    del made[patient.dose_uid(patient.treatments[0])]  # stored in implicit VR
    for data in made.values():
        archive.store(data)
    into = tmp_path / "got"
    into.mkdir()
    keys = ["QueryRetrieveLevel=PATIENT", f"PatientID={patient.patient_id}"]
    _ask(program, "getscu", archive, "-P", "-od", str(into), "+B", keys=keys)

    received = [path.read_bytes() for path in into.iterdir()]
    assert sorted(map(_data_set, received)) == sorted(map(_data_set, made.values()))


def test_storescu_may_add_an_object_and_it_is_found_again(program, archive, tmp_path):
    extra = tmp_path / "extra.dcm"
    extra.write_bytes(load_case("eclipse-prostate-slicerrt").files[1][1])
    subprocess.run(
        [program("storescu"), "-aec", "SIM", archive.host, str(archive.port), str(extra)],
        check=True,
        timeout=60,
    )
    uid = str(dcmread(extra).SOPInstanceUID)

    assert archive.stored(uid).data_set_bytes() == _data_set(extra.read_bytes())


def test_another_called_ae_title_is_rejected(program, archive):
    done = subprocess.run(
        [program("echoscu"), "-aec", "OTHER", archive.host, str(archive.port)],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert done.returncode != 0


def test_a_calling_ae_title_that_is_not_listed_is_rejected(program, folder):
    with Archive(folder, ae_title="SIM", calling_ae_titles=("BEAMKEEPER",)) as archive:
        command = [program("echoscu"), "-aec", "SIM", archive.host, str(archive.port)]
        refused = subprocess.run([*command, "-aet", "STRANGER"], capture_output=True, check=False, timeout=60)
        allowed = subprocess.run(
            [*command, "-aet", "BEAMKEEPER"], capture_output=True, check=False, timeout=60
        )

    assert refused.returncode != 0
    assert allowed.returncode == 0


def test_a_move_to_an_unknown_destination_fails(program, archive):
    keys = ["QueryRetrieveLevel=PATIENT", "PatientID=TinyFS"]
    done = _ask(program, "movescu", archive, "-P", "-aem", "NOWHERE", keys=keys)

    assert done.returncode != 0


def test_a_refused_object_fails_alone(program, archive, tmp_path, free_port):
    patient_id, objects = _case()
    refused = min(objects)
    archive.set_faults(Faults(refuse_sop_instance_uid=refused))
    with _storescp(program, free_port, tmp_path / "rx", archive):
        keys = ["QueryRetrieveLevel=PATIENT", f"PatientID={patient_id}"]
        _ask(program, "movescu", archive, "-P", "-aem", "RX", keys=keys)

    received = {str(dcmread(path, force=True).SOPInstanceUID) for path in (tmp_path / "rx").iterdir()}
    assert received == set(objects) - {refused}


@pytest.mark.parametrize("faults", [Faults(hang_up_after=2), Faults(garbage_after=2)])
def test_a_transfer_that_breaks_leaves_what_came_before(program, archive, tmp_path, free_port, faults):
    patient_id, objects = _case()
    archive.set_faults(faults)
    with _storescp(program, free_port, tmp_path / "rx", archive):
        keys = ["QueryRetrieveLevel=PATIENT", f"PatientID={patient_id}"]
        _ask(program, "movescu", archive, "-P", "-aem", "RX", keys=keys)

    received = [_data_set(path.read_bytes()) for path in (tmp_path / "rx").iterdir()]
    assert 1 <= len(received) < len(objects)
    assert set(received) <= set(map(_data_set, objects.values()))


def test_a_silent_archive_answers_nothing(program, archive):
    archive.set_faults(Faults(silent_after=0))
    keys = ["QueryRetrieveLevel=PATIENT", "PatientID"]
    done = _ask(program, "findscu", archive, "-P", "-td", "2", keys=keys)

    assert _found(done) == 0
    assert "imeout" in done.stderr + done.stdout or done.returncode != 0


def test_the_archive_process_ends_when_its_parent_dies(folder):
    program = (
        "import sys, os; from pathlib import Path; from beamkeeper.rehearse.sim import ArchiveProcess\n"
        "archive = ArchiveProcess(Path(sys.argv[1])); archive.start()\n"
        "print(archive._process.pid, flush=True); os._exit(9)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False, timeout=120
    )
    child = int(parent.stdout)

    for _ in range(200):
        if not _is_running(child):
            return
        time.sleep(0.05)
    pytest.fail("the archive outlived its parent")


def _is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_orthanc_takes_the_same_objects_and_forgets_one(program, tmp_path):
    program("Orthanc")
    patient_id, objects = _case()
    with OrthancArchive(tmp_path / "orthanc") as archive:
        for data in objects.values():
            archive.store(data)
        gone = min(objects)
        archive.remove(gone)

        assert set(archive.uids_of(patient_id)) == set(objects) - {gone}
        assert archive.rescan() == len(objects) - 1
