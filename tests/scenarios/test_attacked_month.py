"""The real program on real objects, attacked at a minute nobody chose: a disk and three cards are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.drill import attack, treated_elsewhere

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
@pytest.mark.timeout(900)
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
