"""What a copy must hold is read whole, verified, and in the order that keeps every moment consistent."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.mirror_peers.small_vault import SmallVault

from beamkeeper.errors import IntegrityError, KeyUnavailable, VaultRolledBack
from beamkeeper.vault import LocalStore
from beamkeeper.vault.publication import read_publication, signed_timestamp_version, timestamp_seen

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def made(tmp_path: Path) -> SmallVault:
    return SmallVault(tmp_path)


def test_it_names_every_parcel_and_the_newest_of_each_signed_file(made: SmallVault) -> None:
    made.night()
    made.night()

    found = read_publication(made.store, trusted_dir=made.trusted)

    assert len(found.entries) == 3
    assert [file.name for file in found.versioned] == [
        "metadata/1.root.json",
        "metadata/3.targets.json",
        "metadata/3.snapshot.json",
    ]
    assert found.timestamp.name == "metadata/timestamp.json"
    assert found.timestamp_version == 3


def test_after_a_renewal_only_the_roots_that_old_and_new_signatures_share_come_first(
    made: SmallVault,
) -> None:
    made.renew_with_new_keys()

    found = read_publication(made.store, trusted_dir=made.trusted)

    assert [root.name for root in found.roots_before] == ["metadata/1.root.json", "metadata/2.root.json"]
    assert [root.name for root in found.roots_after] == ["metadata/3.root.json"]


@pytest.mark.parametrize("older_too", [True, False])
def test_another_sites_vault_is_not_taken_for_ours(made: SmallVault, tmp_path: Path, older_too: bool) -> None:
    other = SmallVault(tmp_path / "other")

    with pytest.raises(IntegrityError, match="signed by another key"):
        read_publication(other.store, trusted_dir=made.trusted, older_too=older_too)
    with pytest.raises(IntegrityError, match="signed by another key"):
        read_publication(
            other.store, trusted_dir=tmp_path / "cold", root_public_key=made.keys.root_public_key
        )


def test_an_older_state_is_taken_only_when_asked_for(made: SmallVault, tmp_path: Path) -> None:
    shutil.copytree(made.root, tmp_path / "older")
    made.renew_with_new_keys()
    made.night()
    made.open()
    older = LocalStore(tmp_path / "older")

    with pytest.raises(VaultRolledBack):
        read_publication(older, trusted_dir=made.trusted)
    found = read_publication(older, trusted_dir=made.trusted, older_too=True)
    assert found.timestamp_version < timestamp_seen(made.trusted)


def test_a_computer_that_never_opened_it_reads_it_by_the_root_key(made: SmallVault, tmp_path: Path) -> None:
    key = made.keys.root_public_key

    found = read_publication(made.store, trusted_dir=tmp_path / "cold", root_public_key=key)

    assert found == read_publication(made.store, trusted_dir=made.trusted)


def test_a_root_that_was_replaced_is_told(made: SmallVault, tmp_path: Path) -> None:
    other = SmallVault(tmp_path / "other")
    foreign = other.store.get("metadata/1.root.json")
    assert foreign is not None
    with foreign:
        made.store.replace("metadata/1.root.json", foreign.read())

    with pytest.raises(IntegrityError):
        read_publication(made.store, trusted_dir=made.trusted)


def test_a_computer_that_never_opened_the_vault_says_so(made: SmallVault, tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable):
        read_publication(made.store, trusted_dir=tmp_path / "nothing")


def test_only_a_signed_timestamp_has_a_version(made: SmallVault, tmp_path: Path) -> None:
    made.night()
    found = read_publication(made.store, trusted_dir=made.trusted)
    other = SmallVault(tmp_path / "other")
    foreign = read_publication(other.store, trusted_dir=other.trusted).timestamp.data

    assert signed_timestamp_version(found.timestamp.data, found) == 2
    for data in (foreign, b"", b"{}", b"x" * 100_000, found.snapshot.data):
        assert signed_timestamp_version(data, found) is None


def test_versions_left_by_a_crash_are_not_part_of_it(made: SmallVault) -> None:
    made.store.put("metadata/2.targets.json", io.BytesIO(b"left by a crash"))
    made.night()

    found = read_publication(made.store, trusted_dir=made.trusted)

    assert "metadata/3.targets.json" in {file.name for file in found.versioned}
