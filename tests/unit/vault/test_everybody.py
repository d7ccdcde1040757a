"""Every patient at once: processes and threads give the same, and what fails for one stops no other."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.unit.vault.small_vault import Site

from beamkeeper.errors import KeyUnavailable
from beamkeeper.vault import SiteKeys
from beamkeeper.vault.everybody import verify_contents
from beamkeeper.vault.workers import WorkerEnded, Workers, worker_count

PATIENTS = ("ID-1", "ID-2", "ID-3", "ID-4")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("full"))
    for number, patient in enumerate(PATIENTS):
        site.play(patient, 2 * number + 1, {f"1.2.{number}.1": patient.encode() * 500})
        site.play(patient, 2 * number + 2, {f"1.2.{number}.2": patient.encode() * 700})
    return site


@pytest.fixture
def full(original: Site, tmp_path: Path) -> Site:
    """A vault of four patients, two nights each."""
    return original.copied(tmp_path / "full")


def there(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def damage(site, pseudonym: str, *, night: int = -1) -> str:
    """Flip one bit in a parcel of a patient; return its path in the metadata."""
    mine = [entry for entry in site.vault().entries() if entry.pseudonym == pseudonym]
    entry = sorted(mine, key=lambda entry: entry.night)[night]
    file = site.folder / "vault" / entry.storage_name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    return entry.path


def test_processes_and_threads_restore_the_same_files(full, tmp_path: Path) -> None:
    vault, identities = full.vault(), full.keys.identities

    alone = vault.restore_all(identities=identities, out_dir=tmp_path / "alone", workers=0)
    together = vault.restore_all(identities=identities, out_dir=tmp_path / "together", workers=2)

    assert there(tmp_path / "together") == there(tmp_path / "alone")
    assert [report.written_count for report in together] == [report.written_count for report in alone]
    assert all(report.is_complete for report in together)
    assert [report.out_dir for report in together] == [tmp_path / "together" / r.pseudonym for r in alone]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_patient_that_cannot_be_restored_stops_no_other(full, tmp_path: Path, workers: int) -> None:
    vault = full.vault()
    hurt = full.keys.pseudonym("", PATIENTS[1])
    bad = damage(full, hurt)

    reports = vault.restore_all(identities=full.keys.identities, out_dir=tmp_path / "out", workers=workers)

    told = {report.pseudonym: report for report in reports}
    assert {name for name, report in told.items() if not report.is_complete} == {hurt}
    assert [failure.parcel for failure in told[hurt].failures] == [bad]
    assert "damaged" in told[hurt].failures[0].reason


@pytest.mark.parametrize("workers", [0, 2])
def test_every_damaged_parcel_is_named(full, tmp_path: Path, workers: int) -> None:
    vault = full.vault()
    bad = {damage(full, full.keys.pseudonym("", patient), night=0) for patient in PATIENTS[:3]}

    reports = vault.restore_all(identities=full.keys.identities, out_dir=tmp_path / "out", workers=workers)

    assert {failure.parcel for report in reports for failure in report.failures} == bad
    assert {report.written_count for report in reports if report.failures} == {2}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_key_that_opens_nothing_is_said_once(full, tmp_path: Path, workers: int) -> None:
    stranger = SiteKeys.create(tmp_path / "stranger").identities

    with pytest.raises(KeyUnavailable, match="None of the keys"):
        full.vault().restore_all(identities=stranger, out_dir=tmp_path / "out", workers=workers)


def test_processes_and_threads_find_the_same_when_everything_is_opened(full) -> None:
    vault = full.vault()
    damage(full, full.keys.pseudonym("", PATIENTS[2]))

    found = [
        verify_contents(full.store, vault.entries(), full.keys.identities, workers=count) for count in (0, 2)
    ]

    assert found[0] == found[1]
    assert not found[0].is_sound


def test_no_secret_stands_in_an_argument_or_in_the_environment(full) -> None:
    entries, secret = full.vault().entries(), full.keys.identities[0]
    with Workers(full.store, entries, [secret], count=1) as workers:
        list(workers.run([{"work": "open", "paths": [entries[0].path], "moved": {}}]))
        process = Path("/proc") / str(workers.pids[0])
        seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()

    assert b"worker_main" in seen
    assert secret.encode() not in seen.upper()


def test_a_process_that_dies_costs_one_patient(full) -> None:
    entries = full.vault().entries()
    tasks = [{"work": "open", "paths": [entry.path], "moved": {}} for entry in entries]
    with Workers(full.store, entries, full.keys.identities, count=1) as workers:
        os.kill(workers.pids[0], signal.SIGKILL)
        answers = list(workers.run(tasks))

    assert [isinstance(answer, WorkerEnded) for answer in answers] == [True] + [False] * (len(tasks) - 1)


def test_no_process_outlives_whoever_started_it(full, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from datetime import UTC, datetime\n"
        "from beamkeeper.vault import LocalStore; from beamkeeper.vault.workers import Workers\n"
        f"with Workers(LocalStore(Path({str(full.folder / 'vault')!r})), [], [], count=2) as workers:\n"
        "    print(*workers.pids, flush=True)\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert len(pids) == 2
    assert not [pid for pid in pids if still_runs(pid)]


def still_runs(pid: int) -> bool:
    """Return whether a process is there after having had time to end."""
    for _ in range(600):
        with contextlib.suppress(FileNotFoundError):
            if "\nState:\tZ" not in (Path("/proc") / str(pid) / "status").read_text():
                time.sleep(0.1)
                continue
        return False
    return True


def test_small_vaults_start_no_process(full) -> None:
    assert worker_count(full.store, full.vault().entries(), len(PATIENTS)) == 0
