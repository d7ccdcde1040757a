"""Old lists of parcels go from a mirror too, after the new ones are proved there; nothing else ever does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.mirror_peers.small_vault import Mirror, SmallVault

from beamkeeper.errors import StorageFull
from beamkeeper.vault import LocalStore
from beamkeeper.vault.metadata import snapshot_name, targets_name
from beamkeeper.vault.pruning import VERSIONS_KEPT
from beamkeeper.vault.publication import read_publication
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "copies"
    made.mkdir()
    return made


@pytest.fixture
def mirror(tmp_path: Path, place: Path) -> Mirror:
    made = Mirror(SmallVault(tmp_path / "site"), lambda: DirectoryDestination(place))
    made.vault.night()
    assert made.run().is_mirrored
    for _ in range(VERSIONS_KEPT):
        made.vault.night()
    return made


def test_versions_that_were_long_replaced_go_and_the_mirror_reads_as_before(
    mirror: Mirror, place: Path, tmp_path: Path
) -> None:
    outcome = mirror.run()
    copy = LocalStore(place)
    found = read_publication(
        copy, trusted_dir=tmp_path / "elsewhere", root_public_key=mirror.vault.keys.root_public_key
    )

    assert outcome.is_mirrored
    assert not (place / targets_name(1)).exists()
    assert not (place / snapshot_name(1)).exists()
    assert found.entries == mirror.vault.publication().entries
    assert mirror.run().is_mirrored


def test_nothing_old_goes_while_the_new_metadata_are_not_proved_there(mirror: Mirror, place: Path) -> None:
    newest = mirror.vault.publication().targets.name
    (place / newest).write_bytes(b"somebody else's")
    mirror.run()

    assert (place / targets_name(2)).exists()


def test_what_a_lock_keeps_there_is_no_failure_of_the_mirror(mirror: Mirror, place: Path) -> None:
    class Locked(DirectoryDestination):
        def remove(self, name: str) -> None:
            raise StorageFull(f"{name} is locked.")

    outcome = mirror.run(connect=lambda: Locked(place))

    assert outcome.is_mirrored
    assert (place / targets_name(2)).exists()
