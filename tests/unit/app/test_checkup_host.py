"""`doctor` and the computer: every check by files laid out for it, and once on the computer at hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.unit.app.test_site_window import BASE, WINDOW

from beamkeeper.app.checkup_host import check_host
from beamkeeper.app.host import CannotTellError, Host
from beamkeeper.app.site import Site, parse_site

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.finding import Finding

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
SSH = "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n"
WEB = "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 2 1\n"
LOCAL = "   2: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1\n"


class Computer:
    """Files of a computer as a bare Debian has them, to be changed by a test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("tcp", "tcp6", "udp", "udp6"):
            self.write(f"proc/net/{name}", HEAD)
        self.write("proc/1/comm", "systemd\n")
        self.write("proc/swaps", "Filename Type Size Used Priority\n")
        self.write("proc/sys/kernel/core_pattern", "|/bin/false\n")
        self.write("proc/self/mountinfo", "22 1 253:0 / / rw - ext4 /dev/mapper/root rw\n")
        self.write("etc/nsswitch.conf", "hosts: files\n")
        self.block("dm-0", "253:0", uuid="CRYPT-LUKS2-abc", below=["sda1"])
        self.block("sda1", "8:1")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def block(self, name: str, number: str, *, uuid: str = "", below: list[str] | None = None) -> None:
        folder = self.root / "sys/devices" / name
        (folder / "slaves").mkdir(parents=True, exist_ok=True)
        (folder / "dev").write_text(number)
        if uuid:
            self.write(f"sys/devices/{name}/dm/uuid", uuid)
        for other in below or []:
            (folder / "slaves" / other).symlink_to(self.root / "sys/devices" / other)
        for link in (f"sys/dev/block/{number}", f"sys/class/block/{name}"):
            (self.root / link).parent.mkdir(parents=True, exist_ok=True)
            (self.root / link).unlink(missing_ok=True)
            (self.root / link).symlink_to(folder)

    def host(self, clock_status: int = 0) -> Host:
        return Host(root=self.root, clock_status=clock_status)


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path / "root")


@pytest.fixture
def hardened(tmp_path: Path) -> Site:
    (tmp_path / "keys").mkdir(mode=0o700)
    tmp_path.chmod(0o700)
    return parse_site(BASE.format(more=WINDOW.format(user="root", more="")), base=tmp_path)


def found(site: Site, host: Host) -> dict[str, Finding]:
    return {finding.what: finding for finding in check_host(site, host)}


def test_a_bare_computer_is_good_and_what_no_program_sees_is_said_to_be_unchecked(computer, hardened) -> None:
    verdicts = {what: finding.verdict for what, finding in found(hardened, computer.host()).items()}
    unseen = {"recovery", "firmware", "room"}

    assert {what for what, verdict in verdicts.items() if verdict == "unchecked"} == unseen
    assert {verdict for what, verdict in verdicts.items() if what not in unseen} == {"good"}


@pytest.mark.parametrize(
    ("what", "name", "text", "said"),
    [
        ("logon", "proc/net/tcp", HEAD + SSH, r"0\.0\.0\.0:22/tcp \(SSH\)"),
        ("logon", "proc/77/comm", "sshd\n", "sshd"),
        ("listening", "proc/net/tcp", HEAD + WEB, r"0\.0\.0\.0:80/tcp"),
        ("listening", "proc/net/udp", HEAD + WEB.replace(" 0A ", " 07 "), r"0\.0\.0\.0:80/udp"),
        ("encryption", "proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "no dm-crypt"),
        ("swap", "proc/swaps", "Filename\n/dev/sda1 partition 1 0 -2\n", "/dev/sda1"),
        (
            "core dumps",
            "proc/sys/kernel/core_pattern",
            "|/usr/lib/systemd/systemd-coredump",
            "systemd-coredump",
        ),
        ("radio", "sys/class/net/wlan0/wireless/x", "", "wlan0"),
        ("radio", "sys/class/bluetooth/hci0/x", "", "hci0"),
        (
            "places",
            "proc/self/mountinfo",
            "22 1 0:50 / / rw - cifs //server/share rw\n",
            "cifs //server/share",
        ),
    ],
)
def test_what_is_bad_on_a_collector_is_named(computer, hardened, what, name, text, said) -> None:
    computer.write(name, text)
    finding = found(hardened, computer.host())[what]

    assert finding.verdict == "bad"
    assert finding.do_next
    assert re.search(said, finding.text)


def test_the_same_is_a_warning_where_the_site_has_no_window(computer, tmp_path) -> None:
    site = parse_site(BASE.format(more=""), base=tmp_path)
    computer.write("proc/net/tcp", HEAD + SSH + WEB)
    verdicts = {what: finding.verdict for what, finding in found(site, computer.host()).items()}

    assert (verdicts["logon"], verdicts["listening"]) == ("warning", "warning")


def test_loopback_and_our_own_receiver_are_nobody_elses_doors(computer, hardened) -> None:
    ours = WEB.replace(":0050", f":{hardened.receiver.port:04X}")
    computer.write("proc/net/tcp", HEAD + LOCAL + ours)

    assert found(hardened, computer.host())["listening"].verdict == "good"


def test_encryption_is_seen_through_volumes_and_only_when_every_disk_below_has_it(computer, hardened) -> None:
    computer.block("dm-1", "253:1", uuid="LVM-x", below=["dm-0"])
    computer.write("proc/self/mountinfo", "22 1 253:1 / / rw - ext4 /dev/mapper/lv rw\n")
    through_a_volume = found(hardened, computer.host())["encryption"].verdict
    computer.block("dm-2", "253:2", uuid="LVM-y", below=["dm-0", "sda1"])
    computer.write("proc/self/mountinfo", "22 1 253:2 / / rw - ext4 /dev/mapper/lv2 rw\n")

    assert through_a_volume == "good"
    assert found(hardened, computer.host())["encryption"].verdict == "bad"


def test_a_clock_that_nothing_keeps_right_is_told(computer, hardened) -> None:
    assert found(hardened, computer.host(clock_status=0x40))["clock sync"].verdict == "warning"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("proc/net/tcp", "listening"),
        ("proc/swaps", "swap"),
        ("proc/sys/kernel/core_pattern", "core dumps"),
        ("proc/self/mountinfo", "encryption"),
        ("sys/dev/block/253:0", "encryption"),
        ("etc/nsswitch.conf", "names"),
    ],
)
def test_what_cannot_be_read_is_unchecked_and_says_why(computer, hardened, name: str, what: str) -> None:
    (computer.root / name).unlink()
    finding = found(hardened, computer.host())[what]

    assert finding.verdict == "unchecked"
    assert "because" in finding.text


def test_where_there_is_no_linux_nothing_is_called_good(tmp_path: Path, hardened) -> None:
    host = Host(root=tmp_path / "nothing")

    with pytest.raises(CannotTellError):
        host.verify_linux()
    assert {finding.verdict for finding in check_host(hardened, host)} == {"unchecked"}


def test_the_computer_at_hand_is_looked_at_without_a_fault(hardened) -> None:
    names = [finding.what for finding in check_host(hardened, Host())]

    assert len(names) == len(set(names)) == 13


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/usr/share/zoneinfo/Europe/Brussels", "Europe/Brussels"),
        ("../usr/share/zoneinfo/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ("/usr/share/zoneinfo/Etc/UTC", ""),
        ("/usr/share/zoneinfo/UTC", ""),
        ("/somewhere/else", ""),
        ("", ""),
    ],
)
def test_the_zone_of_a_computer_is_proposed_and_utc_is_none(tmp_path: Path, target: str, name: str) -> None:
    (tmp_path / "etc").mkdir()
    if target:
        (tmp_path / "etc" / "localtime").symlink_to(target)

    assert Host(root=tmp_path).zone_name() == name
