"""All real sets through nights: out of an Orthanc, by `storescu`, and as two releases of one patient."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenarios"))

from night_site import NIGHT_1, SmallSite, at
from tests.listening import free_port

from beamkeeper.app.setup import make_keys_and_vault
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.rehearse.sim import OrthancArchive
from beamkeeper.wire.dicom.identify import identify, is_storage_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.peer

OLDER, NEWER, TWO_IDS = "ihero-brto-older-release", "ihero-brto-fullrefset", "proton-dcpt-let"
CHANGED_OBJECTS = 2
"""`shared/data/README.md`: of the 43 objects only the structure set and the dose differ."""

SITE = """\
format = 1
[site]
name = "Real sets"
time_zone = "UTC"
data_dir = "data"
[vault]
directory = "vault"
keys_dir = "keys"
[night]
dossiers = false
lists = false
[receiver]
port = {port}
allowed_callers = ["ORTHANC", "STORESCU"]
[[sources]]
kind = "dicom"
name = "archive"
ae_title = "ORTHANC"
host = "127.0.0.1"
port = {archive_port}
in_census = false
[[sources]]
kind = "folder"
name = "list"
path = {folder}
"""


def storage_objects(folder: Path) -> dict[str, list[Path]]:
    """Return the files of each SOP Instance UID that are storage objects of a patient."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                ref = identify(path.read_bytes())
            except ObjectUnreadable:
                continue
            if is_storage_object(ref) and ref.patient_id and ref.sop_class_uid:
                found[ref.sop_instance_uid].append(path)
    return found


@pytest.fixture(scope="module")
def real_objects(real_data: Path) -> dict[str, Path]:
    """One file of every real object; of the two releases of one patient the newer."""
    found = storage_objects(real_data)
    return {uid: next((p for p in paths if OLDER not in p.parts), paths[0]) for uid, paths in found.items()}


@pytest.fixture(scope="module")
def one_of_each_patient(real_objects: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the smallest object of every patient: a list of everybody."""
    folder = tmp_path_factory.mktemp("list")
    smallest: dict[str, Path] = {}
    for path in sorted(real_objects.values(), key=lambda path: path.stat().st_size):
        smallest.setdefault(identify(path.read_bytes()).patient_id, path)
    for number, path in enumerate(smallest.values()):
        shutil.copy(path, folder / f"{number}.dcm")
    return folder


@pytest.fixture
def orthanc(program: Callable[[str], str], tmp_path: Path) -> Iterator[OrthancArchive]:
    program("Orthanc")
    with OrthancArchive(tmp_path / "orthanc") as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, orthanc: OrthancArchive, one_of_each_patient: Path) -> SmallSite:
    port = free_port()
    made = SmallSite(tmp_path / "one")
    made.site_file.parent.mkdir(parents=True)
    folder = json.dumps(str(one_of_each_patient))
    made.site_file.write_text(SITE.format(port=port, archive_port=orthanc.port, folder=folder), "utf-8")
    make_keys_and_vault(made.site_file, at(NIGHT_1))
    orthanc.add_destination("BEAMKEEPER", "127.0.0.1", port)
    return made


@pytest.fixture
def reference(program: Callable[[str], str], tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """DCMTK's own receiver, bit preserving: what the same sender sends to somebody else."""
    folder, port = tmp_path / "reference", free_port()
    folder.mkdir()
    command = [program("storescp"), "-B", "+xa", "-aet", "REFERENCE", "-od", str(folder), str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        yield port, folder
        running.terminate()


def data_set(file: bytes) -> bytes:
    """Return a file without preamble and file meta group (PS3.10 7.1); Monaco writes neither."""
    if file[128:132] != b"DICM":
        return file
    assert file[132:140] == b"\x02\x00\x00\x00UL\x04\x00"
    return file[144 + int.from_bytes(file[140:144], "little") :]


def by_uid(files: list[bytes]) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = defaultdict(set)
    for file in files:
        found[identify(file).sop_instance_uid].add(data_set(file))
    return found


def restored(site: SmallSite, out: Path) -> dict[str, set[bytes]]:
    return by_uid(list(site.restored(out, NIGHT_1).values()))


@pytest.mark.slow
def test_all_real_objects_come_out_of_an_orthanc_and_back_byte_for_byte(
    site: SmallSite,
    orthanc: OrthancArchive,
    reference: tuple[int, Path],
    real_objects: dict[str, Path],
    program: Callable[[str], str],
    tmp_path: Path,
) -> None:
    for path in real_objects.values():
        orthanc.store(path.read_bytes())
    port, sent = reference
    orthanc.add_destination("REFERENCE", "127.0.0.1", port)
    report = site.night(NIGHT_1)
    for study in {identify(path.read_bytes()).study_instance_uid for path in real_objects.values()}:
        asked = ["-S", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}"]
        command = [program("movescu"), "-aet", "REFERENCE", "-aec", "ORTHANC", "-aem", "REFERENCE", *asked]
        subprocess.run([*command, "127.0.0.1", str(orthanc.port)], check=True, capture_output=True)
    expected = by_uid([path.read_bytes() for path in sent.iterdir()])
    found = restored(site, tmp_path / "out")

    assert report.outcome is NightOutcome.COMPLETE
    assert found.keys() == real_objects.keys()
    assert found == expected
    site.verify_vault(NIGHT_1)
    shown = [
        text for night in report.patients for text in night.disagreements if "another patient too" in text
    ]
    two = {identify(p.read_bytes()).patient_id for p in real_objects.values() if TWO_IDS in p.parts}
    assert len(two) >= 2
    assert {n.patient_id for n in report.patients if n.disagreements} & two
    assert shown


@pytest.mark.slow
@pytest.mark.long
def test_all_real_objects_pushed_during_a_night_come_back_byte_for_byte(
    site: SmallSite,
    reference: tuple[int, Path],
    real_objects: dict[str, Path],
    program: Callable[[str], str],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "to-send"
    folder.mkdir()
    for number, path in enumerate(real_objects.values()):
        shutil.copy(path, folder / f"{number}.dcm")

    def push(port: int) -> None:
        # One transfer syntax only: of several, two receivers may choose different ones.
        command = [program("storescu"), "-aec", "ANY-SCP" if port == reference[0] else "BEAMKEEPER"]
        command += ["-R", "-xi", "+sd", "127.0.0.1", str(port), str(folder)]
        subprocess.run(command, check=True, capture_output=True)

    def on_step(name: str, phase: str) -> None:
        if (name, phase) == ("census", "done"):
            push(site.site.receiver.port)

    report = site.night(NIGHT_1, on_step=on_step)
    push(reference[0])
    expected = by_uid([path.read_bytes() for path in reference[1].iterdir()])
    found = restored(site, tmp_path / "out")

    assert report.outcome is NightOutcome.COMPLETE
    assert found.keys() >= expected.keys()
    assert len(expected) == len(list(folder.iterdir()))
    different = sorted(uid for uid in expected if not expected[uid] <= found[uid])
    assert different == []


def test_two_releases_of_one_patient_differ_in_exactly_two_objects(real_data: Path, tmp_path: Path) -> None:
    source, data = tmp_path / "source", tmp_path / "data"
    reports = []
    for release, day in ((OLDER, "2026-03-02"), (NEWER, "2026-03-03")):
        shutil.rmtree(source, ignore_errors=True)
        uids = storage_objects(real_data / OLDER)
        source.mkdir()
        for uid, paths in storage_objects(real_data / release).items():
            if uid in uids:
                shutil.copy(paths[0], source / f"{uid}.dcm")
        command = [sys.executable, "-m", "beamkeeper.app.cli.main", "night", "--folder", str(source)]
        command += ["--data", str(data), "--on", day, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        reports.append(json.loads(done.stdout)["report"])
    second = [item for night in reports[1]["patients"] for item in night["comparisons"]]
    above = sorted(item["modality"] for item in second if item["grade"] != "re_encoded")

    assert len(uids) == 43
    assert len(second) == 43
    assert above == ["RTDOSE", "RTSTRUCT"]
    assert len(above) == CHANGED_OBJECTS
