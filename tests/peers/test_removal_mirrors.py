"""Every kind of mirror lets a removed patient go: a disk, an SFTP server, a bucket, one under Object Lock."""

from __future__ import annotations

import io
import itertools
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Self

import pytest
from tests.mirror_peers.s3_server import DAYS, S3Server, s3_server
from tests.mirror_peers.sftp_server import sftp_server
from tests.unit.vault.small_vault import Site as SmallVault

from beamkeeper.app.jobs.removal_mirror import MirrorPlace, lock_days
from beamkeeper.app.jobs.runtime import Runtime
from beamkeeper.app.site import parse_site
from beamkeeper.clock import MovableClock
from beamkeeper.ledger import Ledger
from beamkeeper.protect.retain import Going, PlaceAnswer, PlaceState
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beamkeeper.wire.destination import Destination

pytestmark = pytest.mark.peer

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
SITE = """
format = 1
[site]
name = "Test"
time_zone = "UTC"
data_dir = "data"
[vault]
directory = "vault"
keys_dir = "keys"
[[sources]]
kind = "folder"
name = "folder"
path = "source"
[[mirrors]]
name = "usb"
kind = "directory"
path = "usb"
"""
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory, program) -> Iterator[object]:
    with sftp_server(tmp_path_factory.mktemp("sftp"), program) as running:
        running.root.mkdir(exist_ok=True)
        yield running


@pytest.fixture(params=["directory", "sftp", "bucket"])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Destination]:
    if request.param == "directory":
        (tmp_path / "usb").mkdir()
        return lambda: DirectoryDestination(tmp_path / "usb")
    if request.param == "sftp":
        return request.getfixturevalue("sftp").connect
    return bucket(request.getfixturevalue("s3"), lock=False)


def bucket(server: S3Server, *, lock: bool) -> Callable[[], Destination]:
    name = f"removals-{next(_numbers)}"
    server.make_bucket(name, lock=lock)
    return lambda: server.connect(name)


class Department:
    """A small vault with one who goes and one who stays, mirrored whole; then the one is removed."""

    def __init__(self, folder: Path, opens: Callable[[], Destination]) -> None:
        self.vault = SmallVault(folder)
        self.opens = opens
        for patient, uid in (("goes", "1.1"), ("goes", "1.2"), ("stays", "2.1")):
            self.vault.play(patient, int(uid[-1]), {uid: uid.encode() * 100})
        self.destination = opens()
        for name in self.vault.store.list("targets/"):
            data = (folder / "vault" / name).read_bytes()
            self.destination.put(name, io.BytesIO(data), size_bytes=len(data))
        self.who = self.vault.keys.pseudonym("", "goes")
        self.vault.vault().remove([self.who], on=date(2026, 5, 1), keys=self.vault.keys)
        ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
        ledger.migrate()
        site = parse_site(SITE, base=folder)
        self.runtime = Runtime(site, MovableClock(NOW), ledger, self.vault.vault(), self.vault.keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.destination.close()

    def remove(self, now: datetime = NOW) -> PlaceAnswer:
        (section,) = self.runtime.site.mirrors
        place = MirrorPlace(self.runtime, section, self.opens)
        going = Going(pseudonym=self.who, patient=None, removed_on=date(2026, 5, 1), order_id="BK1")
        try:
            return place.remove(going, now)
        finally:
            place.close()

    def listed(self, patient: str) -> list[str]:
        folder = f"targets/{self.vault.keys.pseudonym('', patient)}/"
        return [item.name for item in self.destination.list(folder)]


def test_who_goes_is_gone_and_who_stays_is_there(tmp_path: Path, opens: Callable[[], Destination]) -> None:
    with Department(tmp_path, opens) as department:
        assert len(department.listed("goes")) == 2
        answer = department.remove()

        assert (answer.state, answer.count) == (PlaceState.GONE, 2)
        assert department.listed("goes") == []
        assert len(department.listed("stays")) == 1
        assert department.remove().state is PlaceState.GONE


def test_a_bucket_under_object_lock_says_until_when_it_keeps(tmp_path: Path, s3: S3Server) -> None:
    with Department(tmp_path, bucket(s3, lock=True)) as department:
        answer = department.remove()

        assert answer.state is PlaceState.LOCKED
        assert answer.until_on == NOW.date() + timedelta(days=DAYS)
        assert "Object Lock COMPLIANCE" in answer.said
        assert department.listed("goes") == []


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("Object Lock COMPLIANCE, 35 days", 35),
        ("Object Lock GOVERNANCE, 2 years", 732),
        ("Object Lock without a default retention", 0),
    ],
)
def test_how_long_a_lock_holds_at_most(words: str, days: int) -> None:
    assert lock_days(words) == days
