"""Old lists of parcels go; whoever reads the vault, with our code or without, misses none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.mirror_peers.small_vault import SmallVault

from beamkeeper.errors import StorageFull
from beamkeeper.vault.metadata import TIMESTAMP_NAME, snapshot_name, targets_name
from beamkeeper.vault.pruning import (
    AT_ONCE_MAX,
    GAP_VERSIONS_MAX,
    VERSIONS_KEPT,
    is_old_metadata,
    remove_old_metadata,
)

if TYPE_CHECKING:
    from pathlib import Path

MORE = 5


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> SmallVault:
    made = SmallVault(tmp_path_factory.mktemp("vault"))
    for _ in range(VERSIONS_KEPT + MORE):
        made.night()
    return made


@pytest.fixture
def vault(original: SmallVault, tmp_path: Path) -> SmallVault:
    return original.copied(tmp_path / "vault")


def metadata(vault: SmallVault) -> set[str]:
    return {f"metadata/{path.name}" for path in (vault.root / "metadata").iterdir()}


def test_what_was_long_replaced_goes_and_the_last_versions_stay(vault: SmallVault) -> None:
    newest, _ = vault.open().metadata_versions
    removed = remove_old_metadata(vault.open())
    kept = range(newest - VERSIONS_KEPT + 1, newest + 1)

    assert removed == 2 * (newest - VERSIONS_KEPT)
    assert metadata(vault) == {
        "metadata/1.root.json",
        TIMESTAMP_NAME,
        *map(targets_name, kept),
        *map(snapshot_name, kept),
    }


def test_every_root_stays(vault: SmallVault) -> None:
    vault.renew_with_new_keys()
    roots = {name for name in metadata(vault) if name.endswith("root.json")}
    remove_old_metadata(vault.open())

    assert len(roots) > 1
    assert roots <= metadata(vault)


def test_the_vault_opens_and_is_sound_afterwards(vault: SmallVault) -> None:
    entries = vault.open().entries()
    remove_old_metadata(vault.open())

    assert vault.open().entries() == entries
    assert len(vault.publication().entries) == len(entries)


def test_a_publication_afterwards_counts_on(vault: SmallVault) -> None:
    before, _ = vault.open().metadata_versions
    remove_old_metadata(vault.open())
    vault.night()

    assert vault.open().metadata_versions[0] == before + 1


def test_numbers_that_were_left_out_do_not_end_the_removal(vault: SmallVault) -> None:
    newest, _ = vault.open().metadata_versions
    hole = vault.root / targets_name(newest - VERSIONS_KEPT - 1)
    hole.unlink()
    remove_old_metadata(vault.open())

    assert not (vault.root / targets_name(1)).exists()
    assert MORE < GAP_VERSIONS_MAX < AT_ONCE_MAX


def test_files_that_crashed_publications_left_above_the_newest_stay(vault: SmallVault) -> None:
    newest, _ = vault.open().metadata_versions
    (vault.root / targets_name(newest + 1)).write_bytes(b"{}")
    remove_old_metadata(vault.open())

    assert (vault.root / targets_name(newest + 1)).exists()


def test_a_share_on_which_nothing_may_be_deleted_is_said(
    vault: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = vault.open()

    def refuse(_name: str) -> None:
        raise StorageFull("No right to delete.")

    monkeypatch.setattr(opened.store, "delete", refuse)

    with pytest.raises(StorageFull):
        remove_old_metadata(opened)


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("metadata/10.targets.json", True),
        ("metadata/11.targets.json", False),
        ("metadata/20.snapshot.json", True),
        ("metadata/21.snapshot.json", False),
        ("metadata/1.root.json", False),
        ("metadata/timestamp.json", False),
        ("metadata/01.targets.json", False),
        ("metadata/x/1.targets.json", False),
        ("targets/1.targets.json", False),
    ],
)
def test_only_targets_and_snapshots_far_below_the_newest_count_as_old(name: str, old: bool) -> None:
    assert VERSIONS_KEPT == 20
    found = is_old_metadata(
        name, targets_name="metadata/30.targets.json", snapshot_name="metadata/40.snapshot.json"
    )

    assert found is old
