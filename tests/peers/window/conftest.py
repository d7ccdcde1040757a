"""The ground that the window's tests stand on: real namespaces, real sockets, the kernel's own rules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.peers.window.ground import Ground
from tests.peers.window.readied import readied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.peers.window.readied import Readied


@pytest.fixture(scope="session", name="readied")
def a_process_that_forks() -> Iterator[Readied]:
    """A process that has imported what a watchdog needs."""
    with readied() as running:
        yield running


@pytest.fixture
def make_ground(
    tmp_path: Path, program: Callable[[str], str], readied: Readied
) -> Iterator[Callable[..., Ground]]:
    """`make_ground(lease_s=3)` lays the ground with that much in the site file."""
    for name in ("ip", "nft", "setpriv"):
        program(name)
    if os.geteuid() != 0:
        pytest.skip("SKIPPED: the window's tests make network namespaces, and that takes root")
    made: list[Ground] = []

    def make(**wanted: object) -> Ground:
        ground = Ground(tmp_path, readied, **wanted)  # type: ignore[arg-type]
        ground.__enter__()
        made.append(ground)
        return ground

    yield make
    for ground in made:
        ground.__exit__()


@pytest.fixture
def ground(make_ground: Callable[..., Ground]) -> Ground:
    """The ground with the site file as most tests want it."""
    return make_ground()
