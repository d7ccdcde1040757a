"""Small sites for tests of the whole night; the helpers of this folder are imported by name."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from forked import forks
from night_site import NIGHT_1, SmallSite, make_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forked import Forks

    from beamkeeper.ledger import PatientRow


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """A process that does jobs in forks of its own."""
    with forks(tmp_path_factory.mktemp("forked")) as running:
        yield running


@pytest.fixture(scope="session")
def small_objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three patients as files; do not change them, copy them."""
    folder = tmp_path_factory.mktemp("objects")
    make_objects(folder)
    return folder


@pytest.fixture
def small_site(tmp_path: Path, small_objects: Path) -> SmallSite:
    """A site with three patients in a folder and no night yet."""
    shutil.copytree(small_objects, tmp_path / "source")
    return SmallSite.make(tmp_path)


@pytest.fixture(scope="session")
def kept_root(tmp_path_factory: pytest.TempPathFactory, small_objects: Path) -> Path:
    """A site with one night, as a folder; do not change it, copy it."""
    root = tmp_path_factory.mktemp("kept")
    shutil.copytree(small_objects, root / "source")
    report = SmallSite.make(root).night(NIGHT_1)
    assert report.outcome.value == "complete"
    return root


@pytest.fixture
def kept_site(tmp_path: Path, kept_root: Path) -> SmallSite:
    """A site with three patients in a folder after its first night."""
    return SmallSite.copied(kept_root, tmp_path / "kept")


@pytest.fixture(scope="session")
def hour_root(tmp_path_factory: pytest.TempPathFactory, small_objects: Path) -> Path:
    """A site before an archive after the night of NIGHT_1; do not change it, copy it with `copied_site`."""
    from hour_site import archive_with, site_of_60_days

    root = tmp_path_factory.mktemp("hour")
    with archive_with(small_objects, root / "archive") as archive:
        assert site_of_60_days(archive, root / "site").night(NIGHT_1).outcome.value == "complete"
    return root / "site"


@pytest.fixture(scope="session")
def file_mode_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An incident in which nothing is in doubt, with its site; do not change it, copy its `incident`."""
    from file_mode_site import make_incident

    root = tmp_path_factory.mktemp("filemode")
    make_incident(root)
    return root


@pytest.fixture(scope="session")
def over_root(tmp_path_factory: pytest.TempPathFactory, kept_root: Path) -> Path:
    """A site whose patient p3 left long ago, after a trusted night; do not change it, copy it."""
    from retention_site import play_until_later

    return play_until_later(SmallSite.copied(kept_root, tmp_path_factory.mktemp("over") / "site")).root


@pytest.fixture
def over(tmp_path: Path, over_root: Path) -> tuple[SmallSite, PatientRow]:
    """The night of LATER is played and trusted; one patient left every source long ago."""
    from retention_site import who_left

    site = SmallSite.copied(over_root, tmp_path / "over")
    return site, who_left(site)
