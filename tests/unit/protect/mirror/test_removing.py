"""Nothing is removed but by an explicit list, and gone is what listing and reading both say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.mirror_peers.small_vault import Mirror, SmallVault

from beamkeeper.protect.mirror import remove_proved
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
    vault = SmallVault(tmp_path / "site")
    vault.night()
    vault.night()
    made = Mirror(vault, lambda: DirectoryDestination(place))
    made.run()
    return made


def test_exactly_the_named_ones_are_gone(mirror: Mirror, place: Path) -> None:
    first, *others = mirror.vault.names()

    removal = remove_proved(DirectoryDestination(place), [first], mirror.proofs)

    assert removal.gone == (first,)
    assert removal.still_there == ()
    assert not (place / first).exists()
    assert all((place / name).exists() for name in others)
    assert first not in mirror.proofs.held
    assert set(others) <= mirror.proofs.held.keys()


def test_removing_again_what_is_gone_is_fine(mirror: Mirror, place: Path) -> None:
    name = mirror.vault.names()[0]
    for _ in range(2):
        assert remove_proved(DirectoryDestination(place), [name], mirror.proofs).gone == (name,)


class Keeping(DirectoryDestination):
    """Says "removed" and keeps."""

    def remove(self, name: str) -> None:
        assert name


class Hiding(Keeping):
    """Keeps, and does not list."""

    def list(self, prefix: str):
        assert prefix
        return iter(())


@pytest.mark.parametrize("kind", [Keeping, Hiding])
def test_what_is_still_there_is_named_whatever_the_destination_says(
    mirror: Mirror, place: Path, kind: type[DirectoryDestination]
) -> None:
    name = mirror.vault.names()[0]

    removal = remove_proved(kind(place), [name], mirror.proofs)

    assert removal.gone == ()
    assert removal.still_there == (name,)
    assert name in mirror.proofs.held


def test_a_list_that_names_no_objects_of_a_vault_removes_nothing(mirror: Mirror, place: Path) -> None:
    names = mirror.vault.names()

    with pytest.raises(ValueError, match="names objects of a vault"):
        remove_proved(DirectoryDestination(place), [names[0], "../../etc/passwd"], mirror.proofs)
    assert (place / names[0]).exists()
