"""A whole night through the window: worker, watchdog, and an archive at the other end of the cable."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from tests.peers.window.ground import ARCHIVE, ARCHIVE_PORT, CARD, COLLECTOR, RECEIVER_PORT, WORKER, Ground

from beamkeeper.app.setup import make_site
from beamkeeper.app.site_template import SiteAnswers
from beamkeeper.clock import SystemClock
from beamkeeper.rehearse.sim.patients import planning_objects, session_objects
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.peer, pytest.mark.slow]
ZONE = ZoneInfo("Europe/Brussels")
HERE = Path(__file__).parent
WHO = (2, 3)
IMAGES_A_PATIENT = 2
WINDOW = f"""
[window]
interface = "{CARD}"
addresses = ["{COLLECTOR}/24"]
worker = "{WORKER}"
socket = "{{socket}}"
hosts_file = "{{hosts}}"
"""
OFFLINE = {"look", "judge", "seal", "publish", "report", "close"}


def make_objects(folder: Path) -> None:
    """Write two patients who were treated yesterday, with two CT slices each."""
    today = datetime.now(UTC).astimezone(ZONE).date()
    state = at_first(1, max(WHO) + 1, today, today - timedelta(days=1))
    for index in WHO:
        member = state.patients[index]
        patient = patient_of(state, member)
        objects = [*planning_objects(patient, ZONE)]
        for session in member.sessions:
            objects += session_objects(patient, session, ZONE)
        images = [number for number, (_, data) in enumerate(objects) if identify(data).modality == "CT"]
        left_out = set(images[IMAGES_A_PATIENT:])
        for number, (_, data) in enumerate(objects):
            if number in left_out:
                continue
            path = folder / f"p{index}" / f"{number}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


@pytest.fixture
def night(make_ground: Callable[..., Ground]) -> Ground:
    """A ground whose site file is a whole one, with the archive running and the watchdog."""
    ground = make_ground()
    objects = ground.folder / "objects"
    make_objects(objects)
    place = ground.run_dir / "site"
    place.mkdir(mode=0o755)
    answers = SiteAnswers(
        name="Window",
        time_zone="Europe/Brussels",
        data_dir=Path("var/data"),
        vault_dir=Path("var/vault"),
        keys_dir=Path("var/keys"),
        receiver_port=RECEIVER_PORT,
        archive=("ARCHIVE", "archive.test", ARCHIVE_PORT),
    )
    ground.site_file = place / "site.toml"
    make_site(ground.site_file, answers, SystemClock())
    hosts = place / "hosts"
    hosts.write_text(f"{ARCHIVE} archive.test\n")
    text = ground.site_file.read_text()
    text = text.replace('bind = "127.0.0.1"', f'bind = "{COLLECTOR}"').replace("127.0.0.0/8", "10.77.0.0/24")
    text = text.replace('host = "archive.test"', f'host = "{ARCHIVE}"')
    window = WINDOW.format(socket=ground.socket, hosts=hosts)
    ground.site_file.write_text(text.replace("[[sources]]", f"{window}\n[[sources]]", 1))
    ground.site_file.chmod(0o644)
    subprocess.run(["chown", "-R", WORKER, str(place / "var")], check=True)
    peer = ground.start(
        *(
            ground.hospital,
            sys.executable,
            str(HERE / "archive.py"),
            str(objects),
            ARCHIVE,
            str(ARCHIVE_PORT),
        ),
        *(COLLECTOR, str(RECEIVER_PORT)),
        stdin=subprocess.PIPE,
    )
    assert peer.stdout
    assert peer.stdout.readline() == "ready\n", ground.said()
    ground.guard()
    return ground


def run_worker(ground: Ground, *kill_at: str) -> list[str]:
    worker = ground.start(
        *(ground.collector, sys.executable, str(HERE / "night_worker.py"), str(ground.site_file), *kill_at),
        user=WORKER,
    )
    said, _ = worker.communicate(timeout=200)
    return said.splitlines()


def states(lines: list[str], phase: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in lines:
        step, _, state = line.partition(" ")
        name, _, when = step.partition(":")
        if when == phase:
            found.setdefault(name, set()).add(state)
    return found


def test_the_window_is_open_to_fetch_and_shut_while_we_work(night: Ground) -> None:
    lines = run_worker(night)
    begun, done = states(lines, "begin"), states(lines, "done")

    assert f"outcome complete {len(WHO)}" in lines, (lines, night.said())
    assert begun["open"] == {"closed"}
    assert done["census"] == done["collect"] == {"open"}
    assert done["leave"] == {"closed"}
    assert {name: begun[name] for name in OFFLINE} == {name: {"closed"} for name in OFFLINE}
    assert "remarks ()" in lines
    assert not night.card_is_up()


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("census:done", marks=pytest.mark.long),
        pytest.param("collect:done", marks=pytest.mark.long),
        pytest.param("leave:done", marks=pytest.mark.long),
        "look:begin",
    ],
)
def test_a_worker_killed_in_its_night_leaves_it_shut_and_the_night_goes_on_later(
    night: Ground, where: str
) -> None:
    killed = run_worker(night, where)
    night.wait_until(lambda: not night.card_is_up())
    again = run_worker(night)

    assert killed[-1].startswith(where)
    assert f"outcome complete {len(WHO)}" in again, (again, night.said())
    assert states(again, "begin")["look"] == {"closed"}
    if where in {"leave:done", "look:begin"}:
        assert "the window is open" not in night.said().partition("because nobody holds it")[2]


def test_a_site_whose_window_does_not_open_has_no_night_and_says_why(night: Ground) -> None:
    text = night.site_file.read_text()
    hour = (datetime.now(ZONE).hour + 12) % 24
    hours = f'open_times = ["{hour:02}:00-{hour:02}:30"]'
    night.site_file.write_text(text.replace("\n[window]\n", f"\n[window]\n{hours}\n", 1))
    night.restart_guard()
    done = night.run(
        night.collector,
        *(str(Path(sys.executable).with_name("beamkeeper")), "night", "--site", str(night.site_file)),
        user=WORKER,
    )

    assert done.returncode == 26
    assert "may not be open at this hour" in done.stderr
