"""Ctrl-C in the middle of the demonstration: it ends at once, says so, and the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HANGS_S = 30
"""Far more than stopping takes; a process that waits for its peers would wait longer."""
COMMAND = (sys.executable, "-m", "beamkeeper", "demo", "--patients", "7", "--dir")
AT_A_TERMINAL = ("env", "--default-signal=INT")
"""What a shell starts in the background, such as these tests, ignores Ctrl-C."""


def _interrupted_after(line: str, folder: Path) -> tuple[int, str]:
    """Run the demonstration, press Ctrl-C once it has printed `line`; return exit status and all it said."""
    process = subprocess.Popen(
        [*AT_A_TERMINAL, *COMMAND, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        while line not in said:
            more = process.stdout.readline()
            assert more, f"it ended before it said {line!r}: {said}"
            said += more
        os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
        rest, _ = process.communicate(timeout=HANGS_S)
        return process.returncode, said + rest
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_ctrl_c_in_mid_night_ends_at_once_and_the_same_command_goes_on(tmp_path: Path) -> None:
    status, said = _interrupted_after("collected and compared", tmp_path)
    assert status == 130, said
    assert "Stopped. Nothing stored is lost" in said
    assert "Traceback" not in said
    done = subprocess.run([*COMMAND, str(tmp_path)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
