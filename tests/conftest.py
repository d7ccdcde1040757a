"""What every test may ask for: real data, real programs, a free port."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes on a busy machine says nothing about the rule. CI tries the same examples
# every time, so that what lands is judged by its change; desks explore.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("house")

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "real"


def _missing(what: str) -> None:
    """Skip aloud on a desk; in CI nothing that `./dev test` installs may be skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI skips nothing")
    pytest.skip(f"{what} is missing here")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real RT sets; tests skip with a clear word where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real RT data sets (../shared/data/real) are not here")
    return REAL_DATA


@pytest.fixture(scope="session")
def program():
    """`program("storescu")` is the path of a real peer's program."""

    def find(name: str) -> str:
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
        if path is None:
            for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
                if (folder / name).exists():
                    return str(folder / name)
            _missing(f"the program {name}")
        assert path is not None
        return path

    return find


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
