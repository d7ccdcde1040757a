"""A site whose driver is taken out of the kernel while the window is shut.

No driver can be unloaded where these tests run, so `modprobe` is a program of the test's: loading puts the
card and its cable there, unloading takes them away, as a driver does.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from tests.peers.window.ground import ARCHIVE, CARD, COLLECTOR, RECEIVER_PORT, Ground, ip

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.peer
MODPROBE = """#!/bin/sh
echo "$*" >>"$LOG"
case "$*" in
"-- veth_card")
    [ -e "$BROKEN" ] && {{ echo "modprobe: FATAL: Module veth_card not found" >&2; exit 1; }}
    ip link show dev {card} >/dev/null 2>&1 && exit 0
    ip link add {card} type veth peer name hospital0 netns {hospital}
    for address in 10.77.0.2/24 10.77.0.3/24 10.77.0.9/24; do
        ip -n {hospital} address add $address dev hospital0
    done
    ip -n {hospital} link set hospital0 up ;;
"-r -- veth_card") ip link del {card} 2>/dev/null; exit 0 ;;
esac
"""


@pytest.fixture
def driven(make_ground: Callable[..., Ground], monkeypatch: pytest.MonkeyPatch) -> Ground:
    ground = make_ground(more='driver = "veth_card"')
    program = ground.folder / "bin" / "modprobe"
    program.parent.mkdir()
    program.write_text(MODPROBE.format(card=CARD, hospital=ground.hospital))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("LOG", str(ground.folder / "modprobe.log"))
    monkeypatch.setenv("BROKEN", str(ground.folder / "broken"))
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/sbin:/usr/bin:/sbin:/bin")
    return ground


def card_is_there(ground: Ground) -> bool:
    return ground.run(ground.collector, "ip", "link", "show", "dev", CARD).returncode == 0


def test_the_card_is_gone_while_it_is_shut_and_there_while_it_is_open(driven: Ground) -> None:
    driven.serve(driven.collector, "::", RECEIVER_PORT)
    driven.guard()
    at_first = card_is_there(driven)
    worker = driven.worker()
    came = driven.reached(driven.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)
    worker.kill()
    driven.wait_until(lambda: not card_is_there(driven))

    assert not at_first
    assert came == "connected"
    assert driven.beamkeeper("status").stdout == f"CLOSED: nothing passes; {CARD} is not there.\n"


def test_a_driver_that_does_not_load_is_named_and_the_window_stays_shut(driven: Ground) -> None:
    (driven.folder / "broken").touch()
    driven.guard()
    said = driven.ask("window.open(datetime.now(UTC) + timedelta(minutes=1))")

    assert said.startswith("REFUSED modprobe -- veth_card was refused by the kernel (status 1)")
    assert not card_is_there(driven)


def test_a_card_that_another_driver_brought_back_is_shut_again(driven: Ground) -> None:
    driven.guard()
    driven.run(driven.collector, "modprobe", "--", "veth_card")
    ip("-n", driven.collector, "link", "set", CARD, "up")
    driven.wait_until(lambda: not card_is_there(driven))

    assert "should be shut" in driven.said()
