"""Who may ask the watchdog, for what, and what is said when it does not come open."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.peers.window.ground import (
    ARCHIVE,
    CARD,
    COLLECTOR,
    RECEIVER_PORT,
    WORKER,
    Ground,
    ip,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.peer
OPEN = "window.open(datetime.now(UTC) + timedelta(minutes=1))\nprint('opened')\n"


def test_nobody_but_the_worker_and_root_may_ask(ground: Ground) -> None:
    ground.guard()
    ground.socket.chmod(0o666)  # the file's mode is one fence; the kernel's word about the asker the other
    daemon = ground.ask(OPEN, user="daemon")

    assert daemon.startswith("REFUSED")
    assert not ground.card_is_up()
    assert "was turned away" in ground.said()
    assert ground.ask(OPEN, user=WORKER) == "opened\n"
    assert ground.ask(OPEN, user="root") == "opened\n"


def test_the_sockets_file_is_for_root_and_the_workers_group_alone(ground: Ground) -> None:
    ground.guard()

    assert ground.socket.stat().st_mode & 0o777 == 0o660
    assert ground.ask(OPEN, user="daemon").startswith("REFUSED")


NO_QUESTIONS = [
    b"\n",
    b"open\n",
    b"{}\n",
    b'{"ask": "open"}\n',
    b'{"ask": "open", "until": "tomorrow"}\n',
    b'{"ask": "open", "until": "2126-03-02T05:00:00"}\n',
    b'{"ask": "open", "until": "2126-03-02T05:00:00+00:00", "interface": "eth0"}\n',
    b'{"ask": "exec"}\n',
    b"[" * 900 + b"\n",
    b"\xff\xfe\n",
    b"x" * 5000,
]


def answer_to(ground: Ground, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as asker:
        asker.connect(str(ground.socket))
        try:
            asker.sendall(line)
            return asker.recv(4096)
        except OSError:  # it hung up before it had read all
            return b""


def test_what_is_no_question_opens_nothing_and_breaks_nothing(ground: Ground) -> None:
    ground.guard()
    answers = [answer_to(ground, line) for line in NO_QUESTIONS]

    assert all(not answer or b"refused" in answer for answer in answers)
    assert not ground.card_is_up()
    assert ground.ask("print(window.reading().state.value)") == "closed\n"


def test_more_askers_than_it_hears_are_turned_away_but_never_root(ground: Ground) -> None:
    ground.guard()
    crowd = ground.asker(
        "import socket\n"
        "crowd = [socket.socket(socket.AF_UNIX) for _ in range(12)]\n"
        f"for one in crowd: one.connect({str(ground.socket)!r})\n"
        "sys.stdin.read()\n"
    )
    ground.wait_until(lambda: "was turned away" in ground.said())
    for_root = ground.ask("print(window.reading().state.value)", user="root")
    crowd.communicate()
    ground.wait_until(lambda: ground.ask(OPEN) == "opened\n")

    assert for_root == "closed\n"


def test_nobody_holds_it_longer_than_the_site_allows(ground: Ground) -> None:
    ground.guard()
    ground.ask("window.open(datetime.now(UTC) + timedelta(days=30))")

    said = next(line for line in ground.said().splitlines() if line.startswith("open for user"))
    now = ground.run(ground.collector, "date", "-u", "+%Y-%m-%d %H:%M:%S", "-d", "61 minutes").stdout.strip()
    assert said.partition(" until ")[2] <= now + " UTC"


def test_outside_its_hours_the_worker_is_refused_and_root_is_not(make_ground: Callable[..., Ground]) -> None:
    ground = make_ground(more=f'open_times = ["{_an_hour_that_is_not_now()}"]')
    ground.guard()

    assert (
        ground.ask(OPEN)
        == "REFUSED The window may not be open at this hour, or until an hour that is past.\n"
    )
    assert ground.ask(OPEN, user="root") == "opened\n"


def _an_hour_that_is_not_now() -> str:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    hour = (datetime.now(ZoneInfo("Europe/Brussels")).hour + 12) % 24
    return f"{hour:02}:00-{hour:02}:30"


def test_an_instant_that_is_past_is_refused(ground: Ground) -> None:
    ground.guard()

    said = ground.ask("window.open(datetime.now(UTC) - timedelta(seconds=1))")

    assert said.startswith("REFUSED The window may not be open at this hour, or until an hour that is past")


def test_a_site_file_that_others_may_write_starts_no_watchdog(ground: Ground) -> None:
    ground.site_file.chmod(0o664)
    done = ground.beamkeeper("guard")

    assert done.returncode == 2
    assert "others than root may change it" in done.stderr


def test_a_card_that_is_not_there_is_named_and_the_window_stays_shut(ground: Ground) -> None:
    ip("-n", ground.collector, "link", "del", CARD)
    ground.guard()

    assert ground.ask(OPEN) == f"REFUSED There is no network card {CARD}.\n"
    assert ground.beamkeeper("status").stdout == f"CLOSED: nothing passes; {CARD} is not there.\n"


def test_a_cable_that_is_out_is_named_and_the_window_is_shut_again(ground: Ground) -> None:
    ip("-n", ground.hospital, "link", "set", "hospital0", "down")
    ground.guard()

    assert ground.ask(OPEN) == f"REFUSED {CARD} is up and has no carrier.\n"
    assert not ground.card_is_up()
    assert "timeout" not in ground.members()


def test_without_a_watchdog_the_worker_is_told_so(ground: Ground) -> None:
    assert ground.ask(OPEN).startswith("REFUSED What keeps the network window does not answer")


def test_a_worker_may_not_shut_it_for_everybody(ground: Ground) -> None:
    ground.guard()
    ground.worker()

    assert ground.ask("window.shut()") == "REFUSED Only root may shut the window for everybody.\n"
    assert ground.card_is_up()


def test_the_command_holds_it_open_until_it_is_stopped(ground: Ground) -> None:
    ground.guard()
    ground.serve(ground.collector, "::", RECEIVER_PORT)
    opened = ground.start_beamkeeper("open", "--minutes", "5")
    ground.wait_until(lambda: '"open"' in ground.beamkeeper("status", "--json").stdout)
    came = ground.reached(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)
    opened.terminate()
    opened.wait()

    assert came == "connected"
    assert json.loads(ground.beamkeeper("status", "--json").stdout)["state"] == "closed"


def test_the_card_has_its_addresses_and_no_others_and_takes_none_from_the_network(ground: Ground) -> None:
    ground.guard()
    ip("-n", ground.collector, "addr", "add", "10.66.0.1/24", "dev", CARD)
    ground.worker()
    shown = ground.run(ground.collector, "ip", "-br", "addr", "show", "dev", CARD).stdout
    addresses = {word for word in shown.split()[2:] if not word.startswith("fe80")}
    settings = {
        name: ground.run(ground.collector, "cat", f"/proc/sys/net/{name}").stdout.strip()
        for name in (
            f"ipv6/conf/{CARD}/accept_ra",
            f"ipv6/conf/{CARD}/autoconf",
            f"ipv4/conf/{CARD}/rp_filter",
        )
    }

    assert addresses == {"10.77.0.1/24", "fd77::1/64"}
    assert settings == {
        f"ipv6/conf/{CARD}/accept_ra": "0",
        f"ipv6/conf/{CARD}/autoconf": "0",
        f"ipv4/conf/{CARD}/rp_filter": "1",
    }


def test_the_watchdog_needs_no_more_than_its_unit_gives_it(ground: Ground) -> None:
    unit = (Path(__file__).parents[3] / "deploy" / "systemd" / "beamkeeper-window.service").read_text()
    given = re.findall(r"^CapabilityBoundingSet=(.+)$", unit, flags=re.MULTILINE)[0].lower().split()
    bounding = ",".join(["-all", *("+" + name.removeprefix("cap_") for name in given)])
    guard = ground.guard("setpriv", f"--bounding-set={bounding}", "--no-new-privs", "--")
    opened = ground.ask(OPEN)
    guard.terminate()

    assert opened == "opened\n"
    assert guard.wait() == 0
    assert not ground.card_is_up()


def test_the_command_becomes_the_watchdog(ground: Ground) -> None:
    guard = ground.start_beamkeeper("guard")
    ground.wait_until(lambda: "the window is shut\n" in ground.said())
    line = Path(f"/proc/{guard.pid}/cmdline").read_bytes().split(b"\0")

    assert b"beamkeeper.app.window_main" in line
    assert ground.ask(OPEN) == "opened\n"
