"""Two sites with one jobs database: neither takes the other's night for its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, drive, make_objects

from beamkeeper.app.jobs.durable import site_key
from beamkeeper.domain.night import NightOutcome

if TYPE_CHECKING:
    from pathlib import Path

    from forked import Forks

KEY, OTHER_KEY = "ab" * 32, "cd" * 32


@pytest.fixture
def sites(tmp_path: Path) -> tuple[SmallSite, SmallSite]:
    """Two sites of one name and the same patients; only their keys differ."""
    night = "[night]\nparallel_patients = 1\nlists = false\n"
    settings = f'[ledger]\njobs_url = "sqlite:///{tmp_path / "jobs.db"}"\n\n{night}'
    make_objects(tmp_path / "one" / "source", who=(2, 3), sessions=1)
    shutil.copytree(tmp_path / "one" / "source", tmp_path / "other" / "source")
    return tuple(SmallSite.make(tmp_path / name, settings=settings) for name in ("one", "other"))  # type: ignore[return-value]


@pytest.mark.slow
# Killed while looking shows the same once more; every step by itself is killed in test_night_killed.py.
@pytest.mark.parametrize("mark", [pytest.param("look:1:begin", marks=pytest.mark.long), "seal:0:done"])
def test_a_night_of_another_site_neither_ends_nor_takes_up_a_night_that_was_killed(
    sites: tuple[SmallSite, SmallSite], tmp_path: Path, forked: Forks, mark: str
) -> None:
    one, other = sites
    killed = drive(forked, one.site_file, NIGHT_1, tmp_path / "marks", kill=mark, processes=1)
    report = other.night(NIGHT_1)
    gone_on = drive(forked, one.site_file, NIGHT_1, tmp_path / "marks", kill="none")

    assert killed.killed == (mark,)
    assert report.outcome is NightOutcome.COMPLETE
    assert (gone_on.status, gone_on.facts) == (0, {"outcome": "complete"}), gone_on.error
    begun = [name for name, _, phase in gone_on.marks if phase == "begin"]
    kept = [name for name, _, phase in gone_on.marks if phase == "kept"]
    assert begun.count("open") == 1, "the night went on where it was"
    assert kept.count("look") == kept.count("seal") == len(report.patients)
    for number, site in enumerate(sites):
        site.verify_holds_the_source(tmp_path / f"out{number}", NIGHT_1)


def test_sites_of_one_name_are_told_apart_by_their_keys() -> None:
    assert site_key("AZ Sint-Jan", KEY) == "az-sint-jan-" + KEY[:16]
    assert site_key("AZ Sint-Jan", KEY) != site_key("AZ Sint-Jan", OTHER_KEY)


@pytest.mark.parametrize("name", ["放射線", "/../; DROP", "-", "É" * 100, "a" * 100])
def test_any_name_of_a_site_gives_a_key_that_the_job_runner_takes(name: str) -> None:
    key = site_key(name, KEY)

    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(key) <= 80
