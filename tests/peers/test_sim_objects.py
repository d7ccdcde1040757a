"""An independent validator reads every object the simulated department makes."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from beamkeeper.clock import MovableClock
from beamkeeper.rehearse.sim import Department

FALSE_ALARM = re.compile(
    r"TreatmentVerificationStatus\(3008,002c\)\[\d+\]> - Unrecognized enumerated value = <VERIFIED>"
)
"""dciodvfy 20220618 misspells this value; VERIFIED is right (DICOM PS3.3 C.8.8.21)."""


def _complaints(validator, path):
    done = subprocess.run([validator, "-new", str(path)], capture_output=True, check=False)
    lines = done.stderr.decode("latin-1").splitlines()
    assert done.returncode in {0, 1}, (path.name, lines)
    return [line for line in lines if re.match(r"(Error|Warning) ", line) and not FALSE_ALARM.search(line)]


def _all_complaints(validator, paths):
    with ThreadPoolExecutor(2) as pool:
        return [
            line for found in pool.map(lambda path: _complaints(validator, path), paths) for line in found
        ]


EVERY = [pytest.param(9, id="one in nine"), pytest.param(1, id="all", marks=pytest.mark.long)]


@pytest.mark.peer
@pytest.mark.parametrize("every", EVERY)
def test_dciodvfy_has_nothing_to_say_about_any_object_before_and_after_a_day(program, tmp_path, every):
    validator = program("dciodvfy")
    clock = MovableClock(datetime(2026, 3, 3, 1, 0, tzinfo=UTC))
    with Department(tmp_path, clock=clock, real_cases=(), own_process=False) as department:
        paths = {path: path.read_bytes() for path in (tmp_path / "archive").glob("*.dcm")}
        first = sorted(paths)
        complaints = _all_complaints(validator, first[::every])
        department.play_day_between()
        second = [p for p in sorted((tmp_path / "archive").glob("*.dcm")) if paths.get(p) != p.read_bytes()]
        complaints += _all_complaints(validator, second[::every])

    assert complaints == []
    assert len(first) > 400
    assert len(second) > 60
