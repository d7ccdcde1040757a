"""Every kind of mirror lets a removed patient go: a disk, an SFTP server, a bucket, one under Object Lock."""

from __future__ import annotations

import io
import itertools
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Self

import pytest
from tests.mirror_peers.s3_server import DAYS, S3Server, s3_server
from tests.mirror_peers.sftp_server import sftp_server
from tests.unit.vault.small_vault import Site as SmallVault

from beamkeeper.app.jobs.freezing import freeze, thaw
from beamkeeper.app.jobs.removal_mirror import MirrorPlace, lock_days
from beamkeeper.app.jobs.runtime import Runtime
from beamkeeper.app.site import parse_site
from beamkeeper.clock import MovableClock
from beamkeeper.ledger import Ledger
from beamkeeper.protect.retain import Going, PlaceAnswer, PlaceState
from beamkeeper.vault.hold import Hold
from beamkeeper.wire.objectstore.s3_versions import S3Versions
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beamkeeper.wire.destination import Destination, OldVersion

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


def bucket(
    server: S3Server, *, lock: bool, default: bool = True, versioned: bool = False
) -> Callable[[], Destination]:
    name = f"removals-{next(_numbers)}"
    server.make_bucket(name, lock=lock, default=default)
    if versioned:
        server.owner.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return partial(server.connect, name)


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

    def remove(self, now: datetime = NOW, locked_until: date | None = None) -> PlaceAnswer:
        (section,) = self.runtime.site.mirrors
        place = MirrorPlace(self.runtime, section, self.opens)
        going = Going(
            pseudonym=self.who, patient=None, removed_on=date(2026, 5, 1), locked_until=locked_until
        )
        try:
            return place.remove(going, now)
        finally:
            place.close()

    def versions(self, patient: str) -> list[OldVersion]:
        """Return what the bucket keeps of a patient, seen or not."""
        assert self.destination.versions is not None
        found = self.destination.versions.list(f"targets/{self.vault.keys.pseudonym('', patient)}/")
        assert found is not None
        return list(found)

    def lock(self, server: S3Server, until: datetime) -> None:
        """Put a lock on each parcel of who goes."""
        assert isinstance(self.opens, partial)
        (name,) = self.opens.args
        for one in self.versions("goes"):
            server.owner.put_object_retention(
                Bucket=name,
                Key=f"site/a/{one.name}",
                VersionId=one.version,
                Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until},
            )

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


def test_every_kind_of_mirror_keeps_everything_while_a_notice_lies_there(
    tmp_path: Path, opens: Callable[[], Destination]
) -> None:
    with Department(tmp_path, opens) as department:
        freeze(department.destination, Hold(incident_id="2026-05-01-kqzt", declared_at=NOW))
        freeze(department.destination, Hold(incident_id="2026-05-02-zzzz", declared_at=NOW))
        answer = department.remove()

        assert answer.state is PlaceState.WAITING
        assert "2026-05-01-kqzt is open" in answer.said
        assert len(department.listed("goes")) == 2
        thaw(department.destination)
        thaw(department.destination)
        assert department.remove().state is PlaceState.GONE


def test_a_bucket_under_object_lock_says_until_when_it_keeps(tmp_path: Path, s3: S3Server) -> None:
    with Department(tmp_path, bucket(s3, lock=True)) as department:
        before = datetime.now(UTC).date()
        answer = department.remove(datetime.now(UTC))

        assert answer.state is PlaceState.LOCKED
        assert answer.until_on is not None
        assert before <= answer.until_on - timedelta(days=DAYS) <= datetime.now(UTC).date()
        assert f"a lock keeps 2 parcels until {answer.until_on}" in answer.said
        assert department.listed("goes") == []
        assert department.remove(datetime.now(UTC)).state is PlaceState.LOCKED  # asked again, it stands
        assert len(department.versions("goes")) == 2 + 2  # with the marks that hide them


def test_when_the_lock_is_over_what_it_kept_is_destroyed_and_proved_gone(
    tmp_path: Path, s3: S3Server
) -> None:
    with Department(tmp_path, bucket(s3, lock=True, default=False)) as department:
        until = datetime.now(UTC) + timedelta(seconds=1)
        department.lock(s3, until)
        locked = department.remove(until - timedelta(microseconds=1))
        time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 0.1)
        answer = department.remove(datetime.now(UTC), locked.until_on)

        assert (locked.state, locked.until_on) == (PlaceState.LOCKED, until.date())
        assert answer.state is PlaceState.GONE
        assert "No old version of it is kept" in answer.said
        assert department.versions("goes") == []
        assert len(department.versions("stays")) == 1


def test_a_bucket_that_keeps_old_versions_without_any_lock_is_not_believed(
    tmp_path: Path, s3: S3Server
) -> None:
    with Department(tmp_path, bucket(s3, lock=False, versioned=True)) as department:
        for item in department.destination.list(f"targets/{department.who}/"):
            department.destination.remove(item.name)
        assert len(department.versions("goes")) == 4
        answer = department.remove()

        assert (answer.state, answer.count) == (PlaceState.GONE, 2)
        assert department.versions("goes") == []


def test_versions_that_may_not_be_destroyed_keep_the_removal_open(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Department(tmp_path, bucket(s3, lock=True)) as department:
        monkeypatch.setattr(S3Versions, "locked_until", lambda *_: None)  # the right to ask is missing too
        answer = department.remove()

        assert answer.state is PlaceState.WAITING
        assert "keeps 2 parcels as old versions" in answer.said
        assert "lifecycle rule" in answer.do_next
        assert len(department.versions("goes")) == 4


def test_a_lock_whose_versions_cannot_be_listed_keeps_its_first_date_and_ends_unproved(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Department(tmp_path, bucket(s3, lock=True)) as department:
        monkeypatch.setattr(S3Versions, "list", lambda *_: None)
        first = department.remove()
        later = department.remove(NOW + timedelta(days=3), first.until_on)
        over = department.remove(NOW + timedelta(days=DAYS + 1), first.until_on)

    assert (first.state, first.until_on) == (PlaceState.LOCKED, NOW.date() + timedelta(days=DAYS))
    assert (later.state, later.until_on) == (PlaceState.LOCKED, first.until_on)
    assert over.state is PlaceState.UNPROVED
    assert f"ended on {first.until_on}" in over.said


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
