"""What every test may ask for: real data, real programs, a free port."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests import listening

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes on a busy machine says nothing about the rule. CI tries the same examples
# every time, so that what lands is judged by its change; desks explore, and `./dev test-all` goes further.
settings.register_profile(
    "house",
    max_examples=int(os.environ.get("TEST_EXAMPLES", "40")),
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("house")

LEAN = str(Path(__file__).resolve().parent / "lean")
"""Goes before what processes import that tests start; not before what the tests themselves import."""
_folders = [LEAN, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(_folders))
sys.path[:] = [folder for folder in sys.path if folder != LEAN]

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "real"


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Look for no garbage while nothing but what stays is made."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave all that was imported out of each later look for garbage: it was a tenth of the tests' CPU."""
    gc.collect()
    gc.freeze()
    gc.enable()


IN_CI = os.environ.get("CI") == "true"
MAY_BE_ABSENT = "../shared"
"""Real data sets lie beside the project, not in it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    """Skip aloud on a desk; in CI, where `./dev test` installs every peer, a skipped test has failed."""
    report: pytest.TestReport = yield
    reason = str(report.longrepr)
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and MAY_BE_ABSENT not in reason:
        report.outcome = "failed"
        report.longrepr = f"CI skips nothing, and this was skipped: {reason}"
    return report


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
            pytest.skip(f"the program {name} is missing here")
        assert path is not None
        return path

    return find


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    return listening.free_port()


@pytest.fixture
def questions() -> Iterator[list[tuple[str, Any]]]:
    """Every statement sent to any database while the test runs, with its values."""
    asked: list[tuple[str, Any]] = []

    def remember(_c: Any, _u: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(Engine, "before_cursor_execute", remember)
    yield asked
    event.remove(Engine, "before_cursor_execute", remember)
