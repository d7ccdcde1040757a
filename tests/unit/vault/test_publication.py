"""What a copy must hold is read whole, verified, and in the order that keeps every moment consistent."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.vault import LocalStore, PatientState, SiteKeys, Vault, pseudonym
from beamkeeper.vault.publication import read_publication, signed_timestamp_version

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
NIGHT = date(2026, 3, 2)


class Made:
    def __init__(self, folder: Path) -> None:
        self.keys = SiteKeys.create(folder / "keys")
        self.store = LocalStore(folder / "vault", create=True)
        self.trusted = folder / "trusted"
        Vault.create(self.store, keys=self.keys, now=NOW, trusted_dir=self.trusted)

    def night(self, day: int) -> None:
        vault = Vault.open(self.store, trusted_dir=self.trusted, now=NOW)
        name = pseudonym(self.keys.pseudonym_key, "", f"P{day}")
        night = NIGHT + timedelta(days=day)
        state = PatientState(pseudonym=name, night=night, patient={}, objects=(), documents=())
        entry = vault.seal(pseudonym=name, night=night, members=[], state=state)
        vault.publish([entry], night=night, now=NOW, expires_at=NOW + timedelta(days=2), keys=self.keys)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_it_names_every_parcel_and_the_newest_of_each_signed_file(made: Made) -> None:
    made.night(1)
    made.night(2)

    found = read_publication(made.store, trusted_dir=made.trusted)

    assert len(found.entries) == 3
    assert [file.name for file in found.versioned] == [
        "metadata/1.root.json",
        "metadata/3.targets.json",
        "metadata/3.snapshot.json",
    ]
    assert found.timestamp.name == "metadata/timestamp.json"
    assert found.timestamp_version == 3


def test_after_a_renewal_the_last_root_follows_the_timestamp(made: Made) -> None:
    Vault.open(made.store, trusted_dir=made.trusted, now=NOW).renew(
        keys=made.keys, now=NOW, expires_at=NOW + timedelta(days=2)
    )

    found = read_publication(made.store, trusted_dir=made.trusted)

    assert [root.name for root in (*found.roots_before, *found.roots_after)] == [
        "metadata/1.root.json",
        "metadata/2.root.json",
        "metadata/3.root.json",
    ]


def test_a_root_that_was_replaced_is_told(made: Made, tmp_path: Path) -> None:
    other = Made(tmp_path / "other")
    foreign = other.store.get("metadata/1.root.json")
    assert foreign is not None
    with foreign:
        made.store.replace("metadata/1.root.json", foreign.read())

    with pytest.raises(IntegrityError):
        read_publication(made.store, trusted_dir=made.trusted)


def test_a_computer_that_never_opened_the_vault_says_so(made: Made, tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable):
        read_publication(made.store, trusted_dir=tmp_path / "nothing")


def test_only_a_signed_timestamp_has_a_version(made: Made, tmp_path: Path) -> None:
    made.night(1)
    found = read_publication(made.store, trusted_dir=made.trusted)
    other = Made(tmp_path / "other")
    foreign = read_publication(other.store, trusted_dir=other.trusted).timestamp.data

    assert signed_timestamp_version(found.timestamp.data, found) == 2
    for data in (foreign, b"", b"{}", b"x" * 100_000, found.snapshot.data):
        assert signed_timestamp_version(data, found) is None


def test_versions_left_by_a_crash_are_not_part_of_it(made: Made) -> None:
    made.store.put("metadata/2.targets.json", io.BytesIO(b"left by a crash"))
    made.night(1)

    found = read_publication(made.store, trusted_dir=made.trusted)

    assert "metadata/3.targets.json" in {file.name for file in found.versioned}
