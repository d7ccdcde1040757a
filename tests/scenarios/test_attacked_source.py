"""Ransomware at the source and one tampered leaf: how long until people are called, and what stays good."""

from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING

import pytest
from moved_clock import Played
from night_site import at
from reachable import outside
from source_changes import move_a_leaf
from town import Town

from beamkeeper.app.jobs.good_copies import choose
from beamkeeper.app.jobs.quorum import frozen_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reachable import Outside

TODAY, TOMORROW = date(2026, 3, 2), date(2026, 3, 3)
WHO = (2, 3, 4)
"""27 objects: a share of fewer than 20 is no mass change."""
MOVED = """
03-02  13:00  mirror near: mirrored; mirror far: mirrored
"""
STOPPED = """
03-03  02:00  night stopped, {changes} changes to look at; the night of 03-03 is unverified
03-03  02:00  letter to an bo: report; letter to an bo head: stopped; pager: stopped
03-03  10:00  the night of 03-03 is overdue
03-03  10:00..10:50 every 10  letter to an bo: overdue; pager: overdue
03-03  11:00  letter to an bo head: escalated; pager: escalated
"""


@pytest.fixture(scope="module")
def around() -> Iterator[Outside]:
    with outside() as made:
        yield made


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, around: Outside) -> Path:
    """A town after its first night, confirmed and mirrored; copied for each test."""
    town = Town.founded(tmp_path_factory.mktemp("town") / "kept", around, who=WHO)
    played = Played(town.site, at(TODAY, 1), around)
    eight = played.at(TODAY, "08:00")
    votes = [(eight, lambda who=who: played.vote(who, night=TODAY)) for who in ("an", "bo")]
    played.play(played.at(TODAY, "12:00"), votes)
    return town.root


@pytest.fixture
def attacked(kept: Path, tmp_path: Path, around: Outside) -> tuple[Town, Played]:
    town = Town.copied(kept, tmp_path / "town", around)
    return town, Played(town.site, at(TODAY, 12), around)


def noise(path: Path) -> None:
    path.write_bytes(random.Random(path.name).randbytes(path.stat().st_size))


def noise_under_another_ending(path: Path) -> None:
    noise(path)
    path.rename(path.with_name(f"{path.name}.locked"))


def rewrite(town: Town, ruin: Callable[[Path], None]) -> None:
    for path in sorted((town.root / "source").rglob("*.dcm")):
        ruin(path)


def parcels(town: Town) -> list[tuple[str, int]]:
    found = (town.site.vault_dir / "targets").rglob("*.age")
    return sorted((path.name, path.stat().st_mtime_ns) for path in found)


@pytest.mark.parametrize("ruin", [noise, noise_under_another_ending])
def test_ransomware_at_the_source_stops_the_night_calls_at_once_and_the_good_copies_stay(
    attacked: tuple[Town, Played], tmp_path: Path, around: Outside, ruin: Callable[[Path], None]
) -> None:
    town, played = attacked
    good, before = town.site.sources_by_uid(), parcels(town)
    played.follow(
        MOVED + "03-02  14:05  * somebody encrypts the source" + STOPPED.format(changes=len(good)),
        {"somebody encrypts the source": lambda: rewrite(town, ruin)},
        until=played.at(TOMORROW, "11:05"),
    )

    assert parcels(town) == before
    assert any("objects" in text and "STOPPED" in text for text in around.pager.texts())
    restored = town.site.restored(tmp_path / "out")
    assert sorted(restored.values()) == sorted(good.values())


TAMPERED = """
03-02  14:05  * somebody moves a leaf
03-03  02:00  night complete, 1 changes to look at; letter to an bo: report
03-03  02:00  the night of 03-03 is unverified
03-03  02:00  mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
"""
SEEN = """
03-03  07:31  * an disputes by page; an votes: dispute by page; the night of 03-03 is disputed
03-03  07:31  letter to an bo head: disputed; pager: disputed
"""
UNSEEN = """
03-03  10:00  the night of 03-03 is overdue; letter to an bo: overdue; pager: overdue
"""


@pytest.mark.parametrize("what_people_do", [SEEN, UNSEEN], ids=["disputed", "nobody looks"])
def test_a_tampered_leaf_is_mailed_that_night_and_called_when_disputed_or_at_ten(
    attacked: tuple[Town, Played], what_people_do: str
) -> None:
    town, played = attacked
    played.follow(
        MOVED + TAMPERED + what_people_do,
        {"somebody moves a leaf": lambda: move_a_leaf(town.site, "p2")},
        until=played.at(TOMORROW, "10:05"),
    )
    report = (town.site.site.night_dir(TOMORROW) / "report.txt").read_text("utf-8")

    assert "leaf pair 31 (bank X1): -29 → -34 mm" in report
    assert bool(frozen_by(town.site.site, played.ledger, played.clock.now())) == (what_people_do == SEEN)
    vault = town.site.runtime(TOMORROW).vault
    nights = [choice.night for choice in choose(vault, vault.pseudonyms()).values()]
    assert nights.count(TODAY) == (3 if what_people_do == SEEN else 1)  # a dispute was of the whole night
    assert nights.count(TOMORROW) == 3 - nights.count(TODAY)
