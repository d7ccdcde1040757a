"""One small department, made once; tests that change it make their own copy."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from beamkeeper.clock import MovableClock
from beamkeeper.rehearse.sim import Department

FIRST_NIGHT = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)  # Tuesday, 02:00 in Brussels


def started(root, *, seed=1, synthetic_patients=8, real_cases=()):
    """A department whose archive runs in threads of this process; enter it to start it."""
    return Department(
        root,
        seed=seed,
        synthetic_patients=synthetic_patients,
        real_cases=real_cases,
        clock=MovableClock(FIRST_NIGHT),
        own_process=False,
    )


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of a department of eight patients before its first night."""
    root = tmp_path_factory.mktemp("made")
    with started(root):
        pass
    return root


@pytest.fixture
def department(made, tmp_path):
    """A department of one's own, started."""
    root = tmp_path / "department"
    shutil.copytree(made, root)
    with started(root) as running:
        yield running
