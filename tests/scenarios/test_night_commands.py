"""The night as somebody types it: what the command says, and how it ends."""

from __future__ import annotations

import json
import random
import re
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from night_site import SmallSite, make_objects

from beamkeeper.app.opened import open_elsewhere, recovery_from_cards
from beamkeeper.clock import SystemClock, local_date, zone

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from forked import Forks

    Typed = Callable[..., subprocess.CompletedProcess[str]]

CARD_TITLE = re.compile(r"Card (\d) of 5.*")
WORD = re.compile(r"(?<![\w.])(\d{1,2}) ([a-z]+)(?![\w.])")
ROOT_KEY = re.compile(r"^[0-9a-f]{64}$", re.MULTILINE)


@pytest.fixture
def beamkeeper(forked: Forks, tmp_path: Path) -> Typed:
    """Types a command in an empty folder."""
    return lambda *arguments: forked.run("command", str(tmp_path), *map(str, arguments))


def cards_in(shown: str) -> list[str]:
    """Return the words of each card as somebody copies them from the screen."""
    _, *texts = CARD_TITLE.split(shown)
    return [" ".join(word for _, word in sorted(_numbered(text))) for text in texts[1::2]]


def _numbered(text: str) -> set[tuple[int, str]]:
    return {(int(number), word) for number, word in WORD.findall(text.partition("╰")[0])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One patient as files; do not change them."""
    made = tmp_path_factory.mktemp("folder")
    make_objects(made / "source", who=(2,), sessions=1)
    return made


def test_the_cards_and_the_root_key_of_a_folders_vault_open_it_on_another_computer(
    beamkeeper: Typed, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = beamkeeper("night", "--folder", folder / "source", "--data", tmp_path / "kept", "--json")
    recovery = recovery_from_cards(cards_in(done.stderr)[1:4])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    opened = open_elsewhere(tmp_path / "kept" / "vault", recovery, SystemClock())

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "complete"
    assert ROOT_KEY.findall(done.stderr) == [recovery.root_public_key]
    assert "now and never again" in " ".join(done.stderr.split())
    assert len(opened.vault.pseudonyms()) == 1
    again = beamkeeper("night", "--folder", folder / "source", "--data", tmp_path / "kept")
    assert not cards_in(again.stderr)


def test_a_mass_change_ends_with_its_own_status_and_a_person_may_seal_it_by_a_reason(
    beamkeeper: Typed, small_objects: Path, tmp_path: Path
) -> None:
    yesterday = local_date(SystemClock().now(), zone("UTC")) - timedelta(days=1)
    shutil.copytree(small_objects, tmp_path / "source")
    site = SmallSite.make(tmp_path, on=yesterday)
    night = ("night", "--folder", site.source, "--data", site.site_file.parent)
    first = beamkeeper(*night, "--on", yesterday)
    noise = random.Random(5)
    for path in site.source.rglob("*.dcm"):
        path.write_bytes(noise.randbytes(path.stat().st_size))
    stopped = beamkeeper(*night)
    status = beamkeeper("status", "--site", site.site_file)
    sealed = beamkeeper(*night, "--despite-alarm", "an exercise, ticket 12", "--json")

    assert first.returncode == 0, first.stderr
    assert stopped.returncode == 42, stopped.stderr
    said = " ".join(stopped.stdout.split())
    assert "The night was stopped. The last good copies are untouched." in said
    assert "ALARM:" in said
    assert (status.returncode, "stopped" in status.stdout) == (3, True)
    assert sealed.returncode in {0, 3}, sealed.stderr
    report = json.loads(sealed.stdout)["report"]
    assert report["alarm"]
    assert all(patient["stored"] for patient in report["patients"])


def test_a_day_to_come_is_refused_with_the_status_of_a_wrong_command(
    beamkeeper: Typed, folder: Path, tmp_path: Path
) -> None:
    tomorrow = local_date(SystemClock().now(), zone("UTC")) + timedelta(days=2)
    done = beamkeeper("night", "--folder", folder / "source", "--data", tmp_path / "kept", "--on", tomorrow)

    assert done.returncode == 2
    assert f"The night of {tomorrow} cannot be run yet" in done.stderr
