"""Each destination has a worker of its own: a dead, slow or hanging one holds up no other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, BinaryIO

import pytest
from tests.mirror_peers.small_vault import Mirror, SmallVault

from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.mirror import Job, MirrorState, workers
from beamkeeper.protect.mirror.workers import run_all
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.wire.destination import Destination

WAIT_S_MAX = 60


class Hanging(DirectoryDestination):
    """Takes the first byte and never says another word, until it is cut off, or not even then."""

    def __init__(self, root: Path, *, obeys: bool = True) -> None:
        super().__init__(root)
        self.released = threading.Event()
        self._obeys = obeys

    def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
        source.read(1)
        assert self.released.wait(WAIT_S_MAX), f"{name} of {size_bytes} bytes was never cut off"
        raise SourceUnavailable("The line was cut.")

    def cut(self) -> None:
        if self._obeys:
            self.released.set()


@pytest.fixture
def vault(tmp_path: Path) -> SmallVault:
    made = SmallVault(tmp_path / "site")
    made.night()
    return made


def job(vault: SmallVault, name: str, connect: Callable[[], Destination], *, silence_s: float = 60) -> Job:
    mirroring = Mirror(vault, connect).mirroring()
    mirroring.name = name
    return Job(mirroring=mirroring, silence_s=silence_s)


def place(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def test_the_good_one_is_done_while_others_hang_and_are_dead(vault: SmallVault, tmp_path: Path) -> None:
    good, silent = place(tmp_path, "good"), place(tmp_path, "silent")
    hanging = Hanging(silent)
    jobs = [
        job(vault, "hanging", lambda: hanging, silence_s=0.5),
        job(vault, "dead", lambda: DirectoryDestination(tmp_path / "nowhere")),
        job(vault, "good", lambda: DirectoryDestination(good)),
    ]

    outcomes = list(run_all(jobs))

    assert {one.destination: one.state for one in outcomes} == {
        "good": MirrorState.MIRRORED,
        "dead": MirrorState.UNREACHABLE,
        "hanging": MirrorState.BEHIND,
    }
    assert outcomes[-1].destination == "hanging"


def test_one_that_cannot_even_be_cut_off_is_left_behind(
    vault: SmallVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "GRACE_S", 0.5)
    hanging = Hanging(place(tmp_path, "silent"), obeys=False)

    outcomes = list(run_all([job(vault, "hanging", lambda: hanging, silence_s=0.5)]))

    assert [one.state for one in outcomes] == [MirrorState.UNREACHABLE]
    assert "could not be cut off" in outcomes[0].error
    hanging.released.set()


def test_a_mistake_of_ours_is_no_fault_of_the_destination_and_holds_up_no_other(
    vault: SmallVault, tmp_path: Path
) -> None:
    is_raised = threading.Event()

    def broken() -> Destination:
        is_raised.set()
        raise RuntimeError("a mistake")

    def good() -> Destination:
        assert is_raised.wait(WAIT_S_MAX)
        return DirectoryDestination(place(tmp_path, "good"))

    outcomes = run_all([job(vault, "broken", broken), job(vault, "good", good)])

    assert next(outcomes).state is MirrorState.MIRRORED
    with pytest.raises(RuntimeError, match="a mistake"):
        next(outcomes)


def test_no_destination_is_nothing_to_do() -> None:
    assert list(run_all([])) == []
