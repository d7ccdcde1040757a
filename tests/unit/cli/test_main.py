"""What the command line leaves behind when a mistake is ours."""

from __future__ import annotations

import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app, keep_trace

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_command_the_day_it_happens_stands_first_and_no_command_is_missing() -> None:
    shown = CliRunner().invoke(app, [], env={"COLUMNS": "80"}).stdout
    known = [str(one.name) for one in (*app.registered_commands, *app.registered_groups)]

    assert shown.index("On the day it happens") < shown.index(" declare ") < shown.index("Every night, and")
    assert [name for name in known if f"│ {name} " not in shown] == []


def test_a_trace_is_readable_by_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = keep_trace("Traceback …")

    assert kept.parent == tmp_path
    assert kept.read_text(encoding="utf-8") == "Traceback …"
    assert stat.S_IMODE(kept.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR


def test_a_trace_does_not_follow_a_link_that_lies_in_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    (tmp_path / "beamkeeper-crash.txt").symlink_to(victim)
    keep_trace("Traceback …")

    assert victim.read_text(encoding="utf-8") == "mine"


def test_a_trace_is_kept_where_the_working_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    kept = keep_trace("Traceback …")

    assert kept.read_text(encoding="utf-8") == "Traceback …"
    kept.unlink()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["night", "--nonsense"], "No such option: --nonsense"),
        (["nigt"], "No such command 'nigt'"),
        (["night", "--site"], "requires an argument"),
        (["demo", "--patients", "3"], "Invalid value"),
        (["init"], "at least one source"),
    ],
)
def test_a_wrongly_typed_command_is_the_users_to_mend_and_leaves_no_trace_file(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "beamkeeper", *arguments],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode != 70, done.stderr
    assert said in done.stderr
    assert list(tmp_path.glob("beamkeeper-crash*")) == []


def test_the_command_line_starts_without_the_heavy_rooms() -> None:
    """Every command pays for what is loaded here: these are loaded by the command that needs them."""
    heavy = {"pydicom", "numpy", "tuf", "boto3", "django", "dbos", "sqlalchemy", "cryptography"}
    code = f"import sys, beamkeeper.app.cli.main; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
