"""What runs the tests in several processes loses no test, no failure and no server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HANGS_S = 120
ROOT = Path(__file__).resolve().parents[2]
SHARED = """
import os, pathlib, pytest, time

@pytest.fixture(scope="module")
def server(request):
    ends_s = time.process_time() + 0.2
    while time.process_time() < ends_s:
        pass
    yield os.getpid()
    print("stopped in", os.getpid())
    (pathlib.Path(__file__).parent / f"stopped-{request.module.__name__}").touch()
"""
GOOD = """
import os, pathlib, time, pytest

@pytest.mark.parametrize("number", range(5))
def test_good(number, server, tmp_path):
    (tmp_path / "file").touch()

def test_skipped():
    pytest.skip("not here")

def test_leaves_somebody_behind():
    if child := os.fork():
        (pathlib.Path(__file__).parent / f"left-{child}").touch()
    else:
        time.sleep(600)
"""
BAD = """
import os

def test_bad(server):
    print("said before")
    assert os.getpid() == server + 1

def test_after(server):
    assert os.getpid() == server
"""
DIES = """
import os

def test_dies(server):
    os._exit(7)

def test_never_begun(server):
    pass
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("suite")
    suite = {"conftest": SHARED, "test_one": GOOD, "test_two": GOOD, "test_bad": BAD, "test_dies": DIES}
    for name, text in suite.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    yield folder
    for path in folder.glob("left-*"):
        os.kill(int(path.name.partition("-")[2]), signal.SIGKILL)


@pytest.fixture(scope="module")
def said(folder: Path) -> str:
    return crowd(folder)


def crowd(folder: Path, *more: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "tests.crowd", "--crowd", "2", "-p", "tests.where"]
    done = subprocess.run(
        [
            *command,
            "--where",
            "-rs",
            "-c",
            "/dev/null",
            f"--rootdir={folder}",
            f"--basetemp={folder / 'temporary'}",
            *more,
            str(folder),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # whoever is left behind holds it
        encoding="utf-8",
        check=False,
        timeout=HANGS_S,
    )
    assert done.returncode == 1, done.stdout
    return done.stdout


def test_every_test_is_counted_once(said: str) -> None:
    assert "3 failed, 13 passed, 2 skipped" in said


def test_a_failure_is_shown_with_its_place_and_what_it_said(said: str) -> None:
    assert re.search(r"test_bad\.py:6: AssertionError", said)
    assert "said before" in said


def test_a_skipped_test_says_why(said: str) -> None:
    assert re.search(r"SKIPPED \[1\] \S*test_one\.py:9: not here", said)


def test_what_a_dead_process_left_undone_has_failed(said: str) -> None:
    assert "ended with status 7 in this test" in said
    assert "ended before this test" in said


def test_fixtures_of_a_module_end_in_the_process_that_used_them(said: str, folder: Path) -> None:
    assert said
    assert {path.name for path in folder.glob("stopped-*")} == {
        f"stopped-{name}" for name in ("test_one", "test_two", "test_bad")
    }


def test_whoever_wants_it_hears_which_files_and_fixtures_used_the_processor(said: str) -> None:
    for name in ("test_one", "test_two", "test_bad"):
        (line,) = re.findall(rf"^ +(\S+) +(\S+) +\S+  \S*{name}\.py$", said, re.MULTILINE)
        assert float(line[0]) >= float(line[1]) >= 0.1, "all of it, and of that the fixtures"
    assert re.search(r"^ +\S+ +4  server \(module\)$", said, re.MULTILINE)


def test_the_first_failure_ends_the_run_where_that_is_wanted(folder: Path) -> None:
    assert "stopping after 1 failures" in crowd(folder, "-x")
