"""What an outsider sees of a mirror whose owner may do anything with it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from beamkeeper.clock import zone
from beamkeeper.protect.watch import FindingKind, Look, WatchRule, look
from beamkeeper.protect.watch.findings import DayCount, shrunk, with_today
from beamkeeper.vault import LocalStore, RemovedPatient
from beamkeeper.vault.metadata import TIMESTAMP_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.vault.small_vault import Site

    from beamkeeper.vault import ParcelEntry

RULE = WatchRule(zone=zone("Europe/Brussels"), fresh_by=time(7, 0), read_again_every=timedelta(days=2))


def morning(day: int, hour: int = 8) -> datetime:
    """Return eight in the morning, in UTC, of the `day`-th day; the first night is that of day 1."""
    return datetime(2026, 3, 1, hour, tzinfo=UTC) + timedelta(days=day)


class Outsider:
    """Knows the root key and a folder that somebody else can write to."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.mirror, self.memory = site, folder / "mirror", folder / "memory"
        self.before: Look | None = None

    def copy(self) -> None:
        shutil.rmtree(self.mirror, ignore_errors=True)
        shutil.copytree(self.site.folder / "vault", self.mirror)

    def look(self, now: datetime, rule: WatchRule = RULE) -> list[FindingKind]:
        self.before = look(
            lambda: LocalStore(self.mirror),
            root_public_key=self.site.keys.root_public_key,
            memory_dir=self.memory,
            rule=rule,
            before=self.before,
            now=now,
        )
        return [finding.kind for finding in self.before.findings]

    def path(self, entry: ParcelEntry) -> Path:
        return self.mirror / entry.storage_name


@pytest.fixture
def outsider(site: Site, tmp_path: Path) -> Outsider:
    return Outsider(site, tmp_path)


def test_a_mirror_fed_in_time_is_quiet_and_every_parcel_was_read(site: Site, outsider: Outsider) -> None:
    site.play("A", 1, {"1.2.1": b"plan"})
    outsider.copy()
    assert outsider.look(morning(1)) == []
    assert outsider.before is not None
    assert outsider.before.last_night == site.night(1)
    assert outsider.before.read_count == outsider.before.parcel_count == 2  # the site's own, and A's


def test_a_night_that_did_not_come_by_the_agreed_hour_is_told_and_not_before(
    site: Site, outsider: Outsider
) -> None:
    site.play("A", 1, {"1.2.1": b"plan"})
    outsider.copy()
    assert outsider.look(morning(2, hour=5)) == []  # 06:00 in Brussels
    assert outsider.look(morning(2, hour=6)) == [FindingKind.NIGHT_MISSING]  # 07:00
    assert "newest is of 2026-03-02" in outsider.before.findings[0].what


def test_a_vault_that_nobody_feeds_is_stale(site: Site, outsider: Outsider) -> None:
    site.play("A", 1, {"1.2.1": b"plan"})
    outsider.copy()
    assert outsider.look(morning(4)) == [FindingKind.NIGHT_MISSING, FindingKind.STALE]


def test_a_mirror_turned_back_is_told(site: Site, outsider: Outsider, tmp_path: Path) -> None:
    site.play("A", 1, {"1.2.1": b"plan"})
    shutil.copytree(site.folder / "vault", tmp_path / "old")
    site.play("A", 2, {"1.2.2": b"record"})
    outsider.copy()
    assert outsider.look(morning(2)) == []
    shutil.rmtree(outsider.mirror)
    shutil.copytree(tmp_path / "old", outsider.mirror)
    assert outsider.look(morning(2, hour=9)) == [FindingKind.ROLLED_BACK]


def test_one_flipped_bit_in_a_new_parcel_is_told_at_once(site: Site, outsider: Outsider) -> None:
    entry = site.play("A", 1, {"1.2.1": b"plan" * 1000})
    outsider.copy()
    data = bytearray(outsider.path(entry).read_bytes())
    data[len(data) // 2] ^= 1
    outsider.path(entry).chmod(0o600)
    outsider.path(entry).write_bytes(data)
    assert outsider.look(morning(1)) == [FindingKind.PARCEL_ALTERED]
    assert outsider.look(morning(1, hour=9)) == [FindingKind.PARCEL_ALTERED]


def test_a_bit_flipped_later_is_found_when_the_parcel_is_read_again(site: Site, outsider: Outsider) -> None:
    entry = site.play("A", 1, {"1.2.1": b"plan" * 1000})
    outsider.copy()
    assert outsider.look(morning(1)) == []
    data = bytearray(outsider.path(entry).read_bytes())
    data[-1] ^= 1
    outsider.path(entry).chmod(0o600)
    outsider.path(entry).write_bytes(data)
    assert outsider.look(morning(1, hour=9)) == []  # nothing is read whole at every look
    assert FindingKind.PARCEL_ALTERED in outsider.look(morning(3, hour=9))


@pytest.mark.parametrize("what", ["metadata/timestamp.json", "a parcel"])
def test_a_pipe_in_place_of_a_file_holds_nobody_up(site: Site, outsider: Outsider, what: str) -> None:
    entry = site.play("A", 1, {"1.2.1": b"plan"})
    outsider.copy()
    path = outsider.path(entry) if what == "a parcel" else outsider.mirror / what
    path.unlink()
    os.mkfifo(path)
    expected = FindingKind.PARCEL_ALTERED if what == "a parcel" else FindingKind.NOT_AS_SIGNED

    assert outsider.look(morning(1)) == [expected]


def test_of_many_new_parcels_as_many_are_read_as_fit_a_look(site: Site, outsider: Outsider) -> None:
    for name in "ABC":
        site.play(name, 1, {f"1.2.{ord(name)}": b"plan" * 1000})
    outsider.copy()
    little = replace(RULE, bytes_max=1)
    read = []
    for hour in range(8, 14):
        assert outsider.look(morning(1, hour=hour), little) == []
        assert outsider.before is not None
        read.append(outsider.before.read_count)

    assert read == [1, 1, 1, 1, 0, 0]  # the site's own, and three patients'


def test_a_parcel_cut_short_is_told_without_reading_it(site: Site, outsider: Outsider) -> None:
    entry = site.play("A", 1, {"1.2.1": b"plan" * 1000})
    outsider.copy()
    assert outsider.look(morning(1)) == []
    outsider.path(entry).chmod(0o600)
    with outsider.path(entry).open("r+b") as file:
        file.truncate(10)
    assert outsider.look(morning(1, hour=9)) == [FindingKind.PARCEL_ALTERED]


def test_a_deleted_parcel_is_told_and_its_return_ends_it(site: Site, outsider: Outsider) -> None:
    entry = site.play("A", 1, {"1.2.1": b"plan"})
    outsider.copy()
    outsider.path(entry).unlink()
    assert outsider.look(morning(1)) == [FindingKind.PARCEL_MISSING]
    outsider.copy()
    assert outsider.look(morning(1, hour=9)) == []


def test_metadata_signed_by_another_key_are_told(site: Site, outsider: Outsider) -> None:
    site.play("A", 1, {"1.2.1": b"plan"})
    outsider.copy()
    timestamp = outsider.mirror / TIMESTAMP_NAME
    document = json.loads(timestamp.read_bytes())
    document["signed"]["version"] += 7
    timestamp.chmod(0o600)
    timestamp.write_text(json.dumps(document), encoding="utf-8")
    assert outsider.look(morning(1)) == [FindingKind.NOT_AS_SIGNED]


def test_a_mirror_that_lost_all_its_files_is_no_quiet_one(site: Site, outsider: Outsider) -> None:
    site.play("A", 1, {"1.2.1": b"plan"})
    outsider.copy()
    assert outsider.look(morning(1)) == []
    shutil.rmtree(outsider.mirror)
    outsider.mirror.mkdir()
    assert outsider.look(morning(1, hour=9)) == [FindingKind.NOT_AS_SIGNED]


def test_what_was_proved_before_an_outage_is_not_read_again_after_it(site: Site, outsider: Outsider) -> None:
    site.play("A", 1, {"1.2.1": b"plan"})
    outsider.copy()
    assert outsider.look(morning(1)) == []
    away = outsider.mirror.rename(outsider.mirror.with_name("away"))
    outsider.mirror.mkdir()
    assert outsider.look(morning(1, hour=9)) != []
    outsider.mirror.rmdir()
    away.rename(outsider.mirror)
    assert outsider.look(morning(1, hour=10)) == []
    assert outsider.before.read_count == 0


def seen_on(day: int, parcels: int, patients: int = 0) -> DayCount:
    return DayCount(on=morning(day).date(), parcels=parcels, patients=patients)


def test_far_fewer_parcels_under_good_signatures_are_told_for_a_week() -> None:
    counts = with_today((), seen_on(1, 40), RULE)
    assert shrunk(counts, seen_on(1, 40)) == []
    assert shrunk(counts, seen_on(1, 20)) == []  # half is the most that a purge may take
    for day in range(2, 9):
        counts = with_today(counts, seen_on(day, 3), RULE)
        assert [finding.kind for finding in shrunk(counts, seen_on(day, 3))] == [FindingKind.SHRUNK]
    assert shrunk(with_today(counts, seen_on(9, 3), RULE), seen_on(9, 3)) == []


def stated(count: int, day: int = 2) -> list[RemovedPatient]:
    on = morning(day).date()
    names = ["abcdefghijklmnopqrstuvwxyz"[number] * 26 for number in range(count)]
    return [
        RemovedPatient(pseudonym=name, removed_on=on, through=f"{name}/{on}-1.tar.zst.age", parcels=10)
        for name in names
    ]


@pytest.mark.parametrize(
    ("patients", "left", "removed", "told"),
    [
        (3, 0, 3, False),  # a small department whose last patients finished
        (3, 0, 2, True),  # one is unaccounted for
        (10, 0, 10, False),
        (11, 0, 11, True),  # nobody purges that many in a week
        (40, 20, 20, False),
        (40, 19, 21, True),
        (40, 5, 3, True),
    ],
)
def test_a_purge_that_accounts_for_everybody_is_no_alarm_and_one_that_does_not_is(
    patients: int, left: int, removed: int, *, told: bool
) -> None:
    counts = with_today((), seen_on(1, 400, patients), RULE)
    counts = with_today(counts, seen_on(2, 10 * left, left), RULE)
    found = shrunk(counts, seen_on(2, 10, left), stated(removed))
    assert bool(found) is told


def test_removals_of_weeks_ago_explain_nothing() -> None:
    counts = with_today((), seen_on(20, 400, 3), RULE)
    assert shrunk(counts, seen_on(20, 10, 0), stated(3, day=2))


def test_a_removal_by_rule_is_no_alarm_to_the_outsider(outsider: Outsider) -> None:
    site = outsider.site
    for number in range(3):
        site.play("ID-1", 1, {f"1.{number}": b"a plan and its records"})
    outsider.copy()
    outsider.look(morning(1))
    (pseudonym,) = site.vault().pseudonyms()
    site.vault().remove([pseudonym], on=site.night(1), keys=site.keys)
    outsider.copy()

    assert outsider.look(morning(1, hour=9)) == []
