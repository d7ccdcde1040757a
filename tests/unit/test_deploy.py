"""What a site installs: the units are valid and locked in, and the closed rules are the program's own."""

from __future__ import annotations

import re
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from beamkeeper.app.site_window import SOCKET
from beamkeeper.protect.isolate import render_closed

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
EXPOSURE_MAX = 2.5
"""Of 10, as `systemd-analyze security` counts; below 2.5 it calls a unit OK or better."""
MOUNTS_FOR_ALL = "beamkeeper-data.service"
EXPOSURE_WITH_MOUNT_MAX = 7.1
"""Of the one unit whose mount others must see: it can have no file system of its own, nor give up setuid."""


def unit(name: str) -> RawConfigParser:
    parser = RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "systemd" / name)
    return parser


def test_the_closed_rules_that_are_installed_are_those_the_program_writes() -> None:
    assert (DEPLOY / "nftables" / "beamkeeper-closed.nft").read_text() == render_closed()


@pytest.mark.peer
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_a_unit(path: Path, program) -> None:
    done = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    absent = re.compile(r"Command /(opt/beamkeeper|usr/sbin)/\S+ is not executable|Failed to (open|load) ")
    wrong = [line for line in done.stderr.splitlines() if str(path.name) in line and not absent.search(line)]

    assert wrong == []


@pytest.mark.peer
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_locked_in_as_systemd_counts_it(path: Path, program) -> None:
    done = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=true", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={"SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat"},
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)

    assert found, done.stderr
    assert float(found[1]) <= (EXPOSURE_WITH_MOUNT_MAX if path.name == MOUNTS_FOR_ALL else EXPOSURE_MAX)


def test_the_worker_has_no_privilege_and_the_watchdog_two() -> None:
    worker, watchdog = unit("beamkeeper.service")["Service"], unit("beamkeeper-window.service")["Service"]

    assert (worker["User"], worker["CapabilityBoundingSet"]) == ("beamkeeper", "")
    assert watchdog["CapabilityBoundingSet"].split() == ["CAP_NET_ADMIN", "CAP_CHOWN"]
    assert "AF_INET" not in watchdog["RestrictAddressFamilies"].split()


def test_the_unit_that_opens_the_data_shares_its_mount_and_nothing_else_it_could_do_without() -> None:
    service = unit(MOUNTS_FOR_ALL)["Service"]
    own_file_system = {"ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateMounts"}

    assert service["User"] == "beamkeeper"
    assert not own_file_system & set(service)
    assert "NoNewPrivileges" not in service, "fusermount is setuid root"
    assert service["DeviceAllow"] == "/dev/fuse rw"
    assert service["ExecStart"].split()[1:3] == ["data", "open"]
    for name in ("beamkeeper.service", "beamkeeper-console.service", "beamkeeper-doctor.service"):
        assert MOUNTS_FOR_ALL in unit(name)["Unit"]["After"].split()
        assert unit(name)["Service"]["MemorySwapMax"] == "0"


def test_the_closed_rules_come_before_any_network_and_need_nothing_of_ours() -> None:
    closed = unit("beamkeeper-closed.service")

    assert "network-pre.target" in closed["Unit"]["Before"].split()
    assert closed["Unit"]["DefaultDependencies"] == "no"
    assert closed["Service"]["ExecStart"].startswith("/usr/sbin/nft ")
    assert "ExecStop" not in closed["Service"]


def test_the_watchdog_is_watched_and_comes_back_and_its_end_shuts_the_rules() -> None:
    window = unit("beamkeeper-window.service")

    assert window["Service"]["Type"] == "notify"
    assert int(window["Service"]["WatchdogSec"]) > 0
    assert window["Service"]["Restart"] == "always"
    assert window["Service"]["ExecStopPost"] == "/usr/sbin/nft -f /etc/beamkeeper/closed.nft"
    assert window["Unit"]["Requires"] == "beamkeeper-closed.service"


def test_the_socket_lies_where_the_unit_makes_room_for_it() -> None:
    assert Path("/run", unit("beamkeeper-window.service")["Service"]["RuntimeDirectory"]) == SOCKET.parent
