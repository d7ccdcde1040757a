"""What signed metadata state as removed goes from every copy, proved; nothing else ever does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.mirror_peers.small_vault import NIGHT, Mirror, SmallVault

from beamkeeper.errors import StorageFull
from beamkeeper.protect.mirror import ProblemKind, RemovedThere
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def vault(tmp_path: Path) -> SmallVault:
    made = SmallVault(tmp_path / "site")
    for _ in range(3):
        made.night()
    return made


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "copies"
    made.mkdir()
    return made


@pytest.fixture
def mirror(vault: SmallVault, place: Path) -> Mirror:
    made = Mirror(vault, lambda: DirectoryDestination(place))
    assert made.run().is_mirrored
    return made


def remove(vault: SmallVault) -> tuple[str, str]:
    """Remove the first patient from the vault; return who it was and where the parcel lay."""
    entry = next(entry for entry in vault.publication().entries if entry.kind == "patient")
    vault.open().remove([entry.pseudonym], on=NIGHT, keys=vault.keys)
    return entry.pseudonym, entry.storage_name


def test_a_removed_patient_goes_from_the_mirror_and_nobody_else(mirror: Mirror, place: Path) -> None:
    others = set(mirror.vault.names())
    pseudonym, name = remove(mirror.vault)

    outcome = mirror.run()

    assert outcome.is_mirrored
    assert outcome.removed == (RemovedThere(pseudonym=pseudonym, gone_count=1, kept_count=0),)
    assert not (place / name).exists()
    assert all((place / other).exists() for other in others - {name})
    assert mirror.run().removed == ()


def test_a_mirror_that_slept_catches_up(mirror: Mirror, place: Path) -> None:
    _, name = remove(mirror.vault)
    mirror.vault.night()
    mirror.vault.night()

    assert mirror.run().is_mirrored
    assert not (place / name).exists()


def test_nothing_goes_before_the_new_metadata_are_there(mirror: Mirror, place: Path) -> None:
    _, name = remove(mirror.vault)
    snapshot = mirror.vault.publication().snapshot.name
    (place / snapshot).write_bytes(b"in the way")

    outcome = mirror.run()

    assert outcome.removed == ()
    assert (place / name).exists()


def test_what_no_statement_covers_stays(mirror: Mirror, place: Path) -> None:
    pseudonym, name = remove(mirror.vault)
    later = place / "targets" / pseudonym / ("0" * 64 + ".2030-01-01-1.tar.zst.age")
    strange = place / "targets" / pseudonym / "notes.txt"
    for path in (later, strange):
        path.write_bytes(b"not ours to remove")

    outcome = mirror.run()

    assert not (place / name).exists()
    assert later.exists()
    assert strange.exists()
    assert [problem.kind for problem in outcome.problems] == [ProblemKind.STRANGE]


def test_nothing_goes_where_the_notice_of_an_incident_lies(mirror: Mirror, place: Path) -> None:
    _, name = remove(mirror.vault)
    (place / "hold").mkdir()
    (place / "hold" / "incident.json").write_bytes(b"whatever it says")

    outcome = mirror.run()

    assert (outcome.is_mirrored, outcome.removed) == (True, ())
    assert (place / name).exists()
    assert [problem.kind for problem in outcome.problems] == [ProblemKind.KEPT]
    assert "1 parcel whose time is over is not removed there. A notice" in outcome.problems[0].text
    (place / "hold" / "incident.json").unlink()
    assert mirror.run().removed[0].gone_count == 1
    assert not (place / name).exists()


class NoRight(DirectoryDestination):
    def remove(self, name: str) -> None:
        raise StorageFull(f"No right to delete {name}.")


class Disobedient(DirectoryDestination):
    def remove(self, name: str) -> None:
        assert name


@pytest.mark.parametrize("kind", [NoRight, Disobedient])
def test_what_stays_there_all_the_same_is_named_and_is_no_reason_to_alarm(
    mirror: Mirror, place: Path, kind: type[DirectoryDestination]
) -> None:
    pseudonym, _ = remove(mirror.vault)

    outcome = mirror.run(connect=lambda: kind(place))

    assert outcome.is_mirrored
    assert outcome.removed == (RemovedThere(pseudonym=pseudonym, gone_count=0, kept_count=1),)
    assert [problem.kind for problem in outcome.problems] == [ProblemKind.KEPT]
    assert "could not be removed there" in outcome.problems[0].text
    assert mirror.run().removed[0].gone_count == 1
