"""One line each moves the ledger and the jobs to PostgreSQL: a night runs there as it does on SQLite."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenarios"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from forked import forks
from night_site import NIGHT_1, NIGHT_2, SmallSite, drive, make_objects
from postgresql_cluster import PrivateCluster

from beamkeeper.domain.night import NightOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.peer


@pytest.fixture
def cluster(program: Callable[[str], str]) -> Iterator[PrivateCluster]:
    with PrivateCluster(program) as running:
        for name in ("ledger", "jobs"):
            running.sql(f"CREATE DATABASE {name}")
        yield running


@pytest.mark.slow
def test_two_nights_run_with_ledger_and_jobs_in_postgresql(cluster: PrivateCluster, tmp_path: Path) -> None:
    make_objects(tmp_path / "source", who=(2, 3), sessions=1)
    lines = f'[ledger]\nurl = "{cluster.url("ledger")}"\njobs_url = "{cluster.url("jobs")}"\n'
    site = SmallSite.make(tmp_path, settings=lines)
    first, second = site.night(NIGHT_1), site.night(NIGHT_2)

    assert first.outcome is NightOutcome.COMPLETE
    assert second.is_quiet
    site.verify_holds_the_source(tmp_path / "out")
    assert not list((site.root / "site" / "data").glob("jobs.db*"))
    assert [night.run_on for night in site.runtime().ledger.nights()] == [NIGHT_2, NIGHT_1]


@pytest.mark.slow
def test_two_sites_run_their_nights_at_once_over_one_jobs_database(
    cluster: PrivateCluster, tmp_path: Path
) -> None:
    lines = f'[ledger]\njobs_url = "{cluster.url("jobs")}"\n'
    sites = {}
    for name, who in (("one", (2, 3)), ("other", (3, 4))):
        make_objects(tmp_path / name / "source", who=who, sessions=1)
        sites[name] = SmallSite.make(tmp_path / name, settings=lines)
    with forks(tmp_path / "one") as one, forks(tmp_path / "other") as other, ThreadPoolExecutor(2) as pool:
        nights = {
            name: pool.submit(
                drive, forked, sites[name].site_file, NIGHT_1, tmp_path / f"marks-{name}", kill="none"
            )
            for name, forked in {"one": one, "other": other}.items()
        }
        driven = {name: night.result() for name, night in nights.items()}

    for name, night in driven.items():
        assert night.facts == {"outcome": "complete"}, night.error
        begun = [step for step, _, phase in night.marks if phase == "begin"]
        assert (begun.count("open"), begun.count("look"), begun.count("seal")) == (1, 2, 2)
        sites[name].verify_holds_the_source(tmp_path / f"out-{name}", NIGHT_1)
