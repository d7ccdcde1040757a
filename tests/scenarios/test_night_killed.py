"""`kill -9` at any point: nothing is lost, no finished patient is repeated."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite, drive, make_objects

from beamkeeper.domain.night import NightOutcome

if TYPE_CHECKING:
    from pathlib import Path

    from forked import Forks

ONE_AT_A_TIME = "[night]\nparallel_patients = 1\nlists = false\n"
PHASES = ("begin", "done", "kept")
WHOLE_NIGHT = ("open", "census", "judge", "publish", "report")


@pytest.fixture(scope="module")
def two_patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Objects of two patients, and a site that looks at one after the other."""
    root = tmp_path_factory.mktemp("two")
    make_objects(root / "source", who=(2, 3), sessions=1)
    SmallSite.make(root, settings=ONE_AT_A_TIME)
    return root


@pytest.fixture
def site(tmp_path: Path, two_patients: Path) -> SmallSite:
    shutil.copytree(two_patients / "source", tmp_path / "source")
    return SmallSite.make(tmp_path, settings=ONE_AT_A_TIME)


def working_files(site: SmallSite, day: object) -> list[str]:
    return sorted(p.name for p in (site.root / "site" / "data" / "nights" / str(day)).iterdir())


def begun(driven_marks: tuple[tuple[str, str, str], ...], step: str) -> Counter[str]:
    return Counter(mark for name, mark, phase in driven_marks if name == step and phase == "begin")


@pytest.mark.slow
def test_a_night_killed_at_every_step_comes_through_whole_and_repeats_no_finished_patient(
    site: SmallSite, tmp_path: Path, forked: Forks
) -> None:
    driven = drive(forked, site.site_file, NIGHT_1, tmp_path / "marks", kill="every")

    assert driven.status == 0, driven.error
    assert driven.facts == {"outcome": "complete"}
    expected = {f"{step}:0:{phase}" for step in WHOLE_NIGHT for phase in PHASES}
    expected |= {f"{step}:{n}:{phase}" for step in ("look", "seal") for n in (0, 1) for phase in PHASES}
    assert expected - set(driven.killed) == {"report:0:kept"}, "after `report` is done the night is over"
    # Killed once at "begin" and once at "done": each patient is begun three times, and never after "kept".
    for step in ("look", "seal"):
        assert begun(driven.marks, step) == {f"{step}:0:begin": 3, f"{step}:1:begin": 3}
    site.verify_holds_the_source(tmp_path / "out", NIGHT_1)
    assert working_files(site, NIGHT_1) == ["report.html", "report.json", "report.note", "report.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("mark", ["report:0:kept", "close:0:begin", "close:0:done", "close:0:kept"])
def test_a_night_killed_when_its_report_is_written_is_over(
    site: SmallSite, tmp_path: Path, forked: Forks, mark: str
) -> None:
    driven = drive(forked, site.site_file, NIGHT_1, tmp_path / "marks", kill=mark)

    assert driven.status == 0, driven.error
    assert driven.killed == (mark,)
    assert begun(driven.marks, "seal") == {"seal:0:begin": 1, "seal:1:begin": 1}
    assert working_files(site, NIGHT_1) == ["report.html", "report.json", "report.note", "report.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("mark", ["look:1:begin", "seal:0:begin"])
def test_what_is_left_of_a_night_that_never_ended_does_not_disturb_the_next(
    site: SmallSite, tmp_path: Path, forked: Forks, mark: str
) -> None:
    killed = drive(forked, site.site_file, NIGHT_1, tmp_path / "marks-1", kill=mark, processes=1)
    left = site.runtime(NIGHT_1).vault.entries()
    worked_on: list[str] = []

    def on_step(name: str, phase: str) -> None:
        if phase == "begin":
            worked_on.append(name)

    report = site.night(NIGHT_2, on_step=on_step)

    assert Counter(worked_on) == {**dict.fromkeys((*WHOLE_NIGHT, "close"), 1), "look": 2, "seal": 2}
    assert worked_on.index("judge") < worked_on.index("seal")
    assert killed.killed == (mark,)
    assert not [entry for entry in left if entry.kind == "patient"]
    assert report.outcome is NightOutcome.COMPLETE
    assert {night.parcel[:10] for night in report.patients}
    site.verify_holds_the_source(tmp_path / "out")
    assert site.night(NIGHT_2, hour=8) == report
