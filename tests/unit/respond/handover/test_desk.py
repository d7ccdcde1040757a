"""A desk is made whole or can be made again, and what killed processes leave in clear goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import ConfigError, StorageFull
from beamkeeper.respond.handover import Desk, new_keys
from beamkeeper.respond.handover.desk import IDENTITY, KNOWN
from beamkeeper.respond.handover.working import LOCK, held, working

if TYPE_CHECKING:
    from collections.abc import Callable


def stopped_before(name: str) -> Callable[[Path, Path], Path]:
    """Return a rename that breaks off when a file shall get this name."""
    rename = Path.rename

    def stop(self: Path, target: Path) -> Path:
        if Path(target).name == name:
            raise KeyboardInterrupt
        return rename(self, target)

    return stop


@pytest.mark.parametrize("name", ["desk.age", "desk.ed25519", "card.json"])
def test_a_desk_whose_making_was_broken_off_is_made_the_next_time(tmp_path: Path, name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", stopped_before(name))
        with pytest.raises(KeyboardInterrupt):
            Desk.create(tmp_path / "desk", "AZ Noord")
    assert not Desk(tmp_path / "desk").is_there

    assert Desk.create(tmp_path / "desk", "AZ Noord").keys().card.name == "AZ Noord"


def test_a_key_without_a_card_is_laid_aside_and_never_deleted(tmp_path: Path) -> None:
    (tmp_path / IDENTITY).write_text("AGE-SECRET-KEY-OLD")
    Desk.create(tmp_path, "AZ Noord").keys()

    assert [path.read_text() for path in tmp_path.glob("desk.age.aside-*")] == ["AGE-SECRET-KEY-OLD"]


def test_a_desk_is_made_once_and_its_keys_are_never_replaced(tmp_path: Path) -> None:
    card = Desk.create(tmp_path, "AZ Noord").card
    with pytest.raises(ConfigError, match="already"):
        Desk.create(tmp_path, "AZ Oost")

    assert Desk(tmp_path).keys().card == card


def test_a_card_that_was_not_written_whole_is_not_among_the_trusted(tmp_path: Path) -> None:
    desk, theirs = Desk.create(tmp_path, "AZ Noord"), new_keys("UZ Zuid").card
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", stopped_before(f"{theirs.number.replace(' ', '')}.json"))
        with pytest.raises(KeyboardInterrupt):
            desk.trust(theirs, theirs.number)
    assert (desk.known(), list((tmp_path / KNOWN).iterdir())) == ((), [])

    desk.trust(theirs, theirs.number)
    assert desk.known() == (theirs,)


def test_a_card_with_a_key_of_a_house_that_is_trusted_takes_nothing_from_it(tmp_path: Path) -> None:
    desk, theirs, other = (
        Desk.create(tmp_path, "AZ Noord"),
        *(new_keys(name).card for name in ("UZ Zuid", "B")),
    )
    desk.trust(theirs, theirs.number)
    for forged in (
        replace(other, signing_key=theirs.signing_key),
        replace(other, recipient=theirs.recipient),
    ):
        with pytest.raises(ConfigError, match="a key of UZ Zuid"):
            desk.trust(forged, forged.number)

    assert desk.known() == (theirs,)


def hold(path: Path) -> None:
    """Hold a desk for a moment."""
    with Desk(path).held():
        pass


@pytest.mark.parametrize("use", [Desk.open, hold])
def test_what_a_killed_process_left_in_clear_goes_when_the_desk_is_next_used(
    tmp_path: Path, use: Callable[[Path], object]
) -> None:
    Desk.create(tmp_path, "AZ Noord")
    left = [tmp_path / name for name in (".packing-1", ".back-1", "received/.opening-1")]
    others = [tmp_path / name for name in (".another", "received/0a")]
    for folder in (*left, *others):
        folder.mkdir(parents=True)
        (folder / "patient.dcm").write_bytes(b"x")
    use(tmp_path)

    assert not [folder for folder in left if folder.exists()]
    assert all((folder / "patient.dcm").exists() for folder in others)


def test_a_folder_that_is_still_worked_in_stays(tmp_path: Path) -> None:
    with working(tmp_path, ".packing-") as first:
        (first / "a").write_bytes(b"x")
        with working(tmp_path, ".packing-"):
            assert (first / "a").exists()

    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told_in_our_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for lent in (working(tmp_path / "file", ".packing-"), held(tmp_path / "file")):
        with pytest.raises(StorageFull, match="cannot be written"), lent:
            pass
    assert LOCK not in {path.name for path in tmp_path.iterdir()}
