"""A destination that wants to hurt: endless lists, endless files, forged names. Bounded and named."""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pytest
from tests.mirror_peers.small_vault import Mirror, SmallVault

from beamkeeper.protect.mirror import MirrorState, Pace, ProblemKind, fetch
from beamkeeper.vault import LocalStore
from beamkeeper.wire.destination import Listed, verify_count
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "copies"
    made.mkdir()
    return made


@pytest.fixture
def mirror(tmp_path: Path, place: Path) -> Mirror:
    vault = SmallVault(tmp_path / "site")
    vault.night()
    return Mirror(vault, lambda: DirectoryDestination(place))


class EndlessList(DirectoryDestination):
    def list(self, prefix: str) -> Iterator[Listed]:
        for number in itertools.count():
            verify_count(number)
            yield Listed(name=f"{prefix}zz/{number}", size_bytes=1)


def test_a_list_without_end_is_cut_and_named(
    mirror: Mirror, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beamkeeper.wire.destination.LISTED_MAX", 10_000)

    outcome = mirror.run(connect=lambda: EndlessList(place))

    assert outcome.state is MirrorState.ALTERED
    assert "lists more than 10000 objects" in outcome.error


class Endless(io.RawIOBase):
    """A file without end; knows how much of it was read."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self.read_bytes += len(buffer)
        return len(buffer)


class EndlessFiles(DirectoryDestination):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.given: list[Endless] = []

    def open(self, name: str) -> BinaryIO | None:
        assert name
        self.given.append(Endless())
        return cast("BinaryIO", self.given[-1])


def test_a_file_without_end_is_read_no_further_than_it_may_be_long(mirror: Mirror, place: Path) -> None:
    endless = EndlessFiles(place)
    limit = max(entry.size_bytes for entry in mirror.vault.publication().entries)

    outcome = mirror.run(connect=lambda: endless)

    assert outcome.state is MirrorState.ALTERED
    assert [problem.kind for problem in outcome.problems] == [ProblemKind.LIED] * 2
    assert all(one.read_bytes <= max(limit, 64 << 10) + (4 << 20) for one in endless.given)


def test_a_fetch_reads_no_further_either_and_leaves_nothing_behind(
    mirror: Mirror, place: Path, tmp_path: Path
) -> None:
    pace = Pace(bytes_per_s=None, lasts_s=600)
    store = LocalStore(tmp_path / "back", create=True)

    failures = fetch(EndlessFiles(place), mirror.vault.publication(), store, pace)

    assert len(failures) == len(mirror.vault.publication().entries)
    assert list(store.list("targets/")) == []


FORGED = [
    "targets/../../etc/passwd",
    "targets//x",
    "targets/\x00",
    "targets/é",
    "targets/" + "a" * 10_000,
    "",
]


class Forging(DirectoryDestination):
    def list(self, prefix: str) -> Iterator[Listed]:
        yield from (Listed(name=name, size_bytes=2**70, stamp="x" * 10_000) for name in FORGED)
        yield from super().list(prefix)


def test_forged_names_are_counted_and_never_asked_for(mirror: Mirror, place: Path) -> None:
    outcome = mirror.run(connect=lambda: Forging(place))

    assert outcome.is_mirrored
    assert [problem.kind for problem in outcome.problems] == [ProblemKind.STRANGE]
    assert f"{len(FORGED)} objects" in outcome.problems[0].text


class Repeating(DirectoryDestination):
    """Lists an object twice, with two sizes."""

    def list(self, prefix: str) -> Iterator[Listed]:
        for item in super().list(prefix):
            yield item
            yield Listed(name=item.name, size_bytes=item.size_bytes + 1, stamp=item.stamp)


def test_two_sizes_for_one_name_are_no_proof(mirror: Mirror, place: Path) -> None:
    mirror.run()

    outcome = mirror.run(connect=lambda: Repeating(place))

    assert outcome.state is MirrorState.ALTERED
    assert mirror.run().is_mirrored
