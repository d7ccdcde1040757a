"""The real program on real objects, attacked at a minute nobody chose: a disk and three cards are left."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.drill import attack, treated_elsewhere
from beamkeeper.app.drill.house import enclosed, is_enclosing
from beamkeeper.app.drill.keyboard import typed
from beamkeeper.app.drill.placing import partners_text
from beamkeeper.clock import SystemClock
from beamkeeper.respond.placement.partners import read_partners

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2025, 3, 20, 10, tzinfo=UTC)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(20))
def test_everybody_stands_where_the_truth_is_after_an_attack_and_five_days_elsewhere(
    program, tmp_path: Path, seed: int
) -> None:
    program("Orthanc")
    found = attack(tmp_path / "drill", seed, patients=6)

    assert found.verdict.wrong == ()
    assert len(found.verdict.patients) >= 6
    assert not (tmp_path / "drill" / "home").exists()
    ended = treated_elsewhere(found, tmp_path / "drill", most=3)
    assert ended.wrong == ()
    assert ended.handed_over > 0


LOOK_ROUND = """
import os, socket, sys
print(os.listdir(sys.argv[1]), socket.socket().connect_ex(("127.0.0.1", int(sys.argv[2]))) == 0)
"""


def test_a_house_sees_neither_another_house_nor_its_network(tmp_path: Path) -> None:
    if not is_enclosing():
        pytest.skip("no namespaces here: as root, with util-linux and iproute2")
    (tmp_path / "card.json").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        look = [sys.executable, "-c", LOOK_ROUND, str(tmp_path), str(listening.getsockname()[1])]
        within = subprocess.run([*enclosed([tmp_path]), *look], capture_output=True, text=True, check=True)
        without = subprocess.run(look, capture_output=True, text=True, check=True)

    assert within.stdout == "[] False\n"
    assert without.stdout == "['card.json'] True\n"


def test_a_command_is_typed_by_the_clock_of_the_drill_and_the_real_one_goes_on(tmp_path: Path) -> None:
    done = typed(("gap", str(tmp_path / "absent.toml")), at=AT)

    assert done.status == 2
    assert "absent.toml" in done.err
    assert SystemClock().now() > AT


def test_the_partner_has_places_for_those_who_go_and_half_as_many_more() -> None:
    found = read_partners(partners_text(41, 200)).partners

    assert sum(one.slots for one in found.machine if one.site == "noord") == 61
    assert sum(one.slots for one in found.machine if one.site == "own") == 20
