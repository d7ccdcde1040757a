"""A run over a store of plain DICOM that is killed at any point loses nothing and leaves nothing in clear."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from night_site import NIGHT_1, SmallSite, make_objects

sys.path.insert(0, str(Path(__file__).parents[1] / "dicom_peers"))

from web_stores import WebArchive, orthanc_web

pytestmark = [pytest.mark.peer, pytest.mark.long]
KILLS_MAX = 8
WAIT_S_MAX = 60.0


def start(site: SmallSite) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "beamkeeper", "copies", "run", "--json", "--site", str(site.site_file)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def count_there(store: WebArchive) -> int:
    root = store.url.removesuffix("/dicom-web")
    return int(httpx2.get(f"{root}/statistics").json()["CountInstances"])


def kill_when_something_new_is_there(site: SmallSite, store: WebArchive) -> bool:
    """Kill a run as soon as an object arrived; return whether it was killed before its end."""
    before = count_there(store)
    with start(site) as process:
        deadline = time.monotonic() + WAIT_S_MAX
        while process.poll() is None and count_there(store) == before:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        killed = process.poll() is None
        process.kill()
        process.communicate()
    return killed


def test_killed_whenever_an_object_arrived_a_run_still_comes_to_its_end_whole(
    program, tmp_path: Path
) -> None:
    make_objects(tmp_path / "source", who=(2, 4), sessions=1)
    site = SmallSite.make(tmp_path)
    site.night(NIGHT_1)
    with orthanc_web(program("Orthanc"), tmp_path / "o") as store:
        section = (
            f'[[copies]]\nname = "web"\nkind = "dicom"\nae_title = "ORTHANC"\nport = {store.dicom_port}\n'
        )
        text = site.site_file.read_text("utf-8")
        site.site_file.write_text(f'{text}\n{section}host = "127.0.0.1"\n', "utf-8")
        kills = 0
        while kills < KILLS_MAX and kill_when_something_new_is_there(site, store):
            kills += 1
        with start(site) as process:
            told, _ = process.communicate(timeout=WAIT_S_MAX)
        there = count_there(store)

    (outcome,) = json.loads(told)["outcomes"]
    assert kills >= 1
    assert (process.returncode, outcome["state"]) == (0, "complete")
    assert there == outcome["wanted_count"] == outcome["proved_count"]
    left = [path for path in (site.site.data_dir / "copies").rglob("*") if path.is_file()]
    assert left == []
