"""Ctrl-C in a night leaves it to be gone on with, whatever its threads are about to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("interrupted_night.py")


def night(folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(folder), how]
    return subprocess.run(command, check=False, capture_output=True, encoding="utf-8", timeout=60)


def test_a_thread_that_asks_for_a_step_after_ctrl_c_does_not_end_the_night_for_good(tmp_path: Path) -> None:
    interrupted = night(tmp_path, "interrupted")
    gone_on = night(tmp_path, "whole")

    assert interrupted.returncode == 130, interrupted.stderr
    assert gone_on.returncode == 0, gone_on.stderr
    assert json.loads(gone_on.stdout) == {"outcome": "complete"}
    assert (tmp_path / "looked-at").read_text().split() == ["a", "b", "c", "d"], "it went on where it was"
