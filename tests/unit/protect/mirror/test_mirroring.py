"""One run over one destination: complete, proved, in order, resumable, and never believing."""

from __future__ import annotations

import io
import os
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

import pytest
from tests.mirror_peers.small_vault import NOW, Mirror, SmallVault

from beamkeeper.errors import SourceUnavailable, StorageFull
from beamkeeper.protect.mirror import MirrorState, Pace, ProblemKind
from beamkeeper.vault import Vault
from beamkeeper.wire.destination import DestinationFacts
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.protect.mirror import Outcome
    from beamkeeper.wire.destination import Listed


@pytest.fixture
def vault(tmp_path: Path) -> SmallVault:
    made = SmallVault(tmp_path / "site")
    made.night()
    made.night()
    return made


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies"


@pytest.fixture
def mirror(vault: SmallVault, place: Path) -> Mirror:
    return Mirror(vault, lambda: DirectoryDestination(place))


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }


def kinds(outcome: Outcome) -> list[ProblemKind]:
    return [problem.kind for problem in outcome.problems]


def alter(path: Path) -> None:
    """Flip one byte and hide it: same size, same time of change."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_after_a_run_the_copy_is_a_vault_that_opens(mirror: Mirror, place: Path, tmp_path: Path) -> None:
    outcome = mirror.run()

    assert outcome.is_mirrored
    assert (outcome.sent_count, outcome.proved_count, outcome.waiting_count) == (3, 3, 0)
    vault = mirror.vault
    copy = Vault.open(
        type(vault.store)(place),
        trusted_dir=tmp_path / "cold",
        now=NOW,
        root_public_key=vault.keys.root_public_key,
    )
    report = copy.verify(now=NOW, identities=vault.keys.identities)
    assert report.is_sound
    assert report.parcel_count == 3


def test_a_second_run_sends_nothing_and_reads_nothing_again(mirror: Mirror) -> None:
    mirror.run()

    again = mirror.run()

    assert again.is_mirrored
    assert (again.sent_count, again.reread_count, again.proved_count) == (0, 0, 3)


def test_only_what_is_new_is_sent(mirror: Mirror) -> None:
    mirror.run()
    mirror.vault.night()

    outcome = mirror.run()

    assert outcome.is_mirrored
    assert (outcome.sent_count, outcome.proved_count) == (1, 4)


def test_a_week_of_absence_is_made_up_for(mirror: Mirror, place: Path) -> None:
    mirror.run()
    gone = place.rename(place.with_name("unplugged"))
    for _ in range(7):
        mirror.vault.night()
        assert mirror.run().state is MirrorState.UNREACHABLE
    gone.rename(place)

    outcome = mirror.run()

    assert outcome.is_mirrored
    assert (outcome.sent_count, outcome.proved_count) == (7, 10)


def test_a_lost_memory_costs_reading_and_not_sending(mirror: Mirror) -> None:
    mirror.run()
    mirror.proofs.held.clear()

    outcome = mirror.run()

    assert outcome.is_mirrored
    assert (outcome.sent_count, outcome.reread_count) == (0, 3)


def test_what_is_removed_there_is_named_and_sent_again(mirror: Mirror, place: Path) -> None:
    mirror.run()
    name = mirror.vault.names()[0]
    (place / name).unlink()

    outcome = mirror.run()

    assert outcome.state is MirrorState.ALTERED
    assert kinds(outcome) == [ProblemKind.GONE]
    assert outcome.problems[0].name == name
    assert "somebody removed it" in outcome.problems[0].text
    assert (outcome.sent_count, outcome.waiting_count) == (1, 0)
    assert mirror.run().is_mirrored


def test_what_is_altered_there_is_named_and_never_overwritten(mirror: Mirror, place: Path) -> None:
    mirror.run()
    name = mirror.vault.names()[1]
    alter(place / name)
    altered = (place / name).read_bytes()

    for _ in range(2):
        outcome = mirror.run()

        assert outcome.state is MirrorState.ALTERED
        assert kinds(outcome) == [ProblemKind.ALTERED]
        assert outcome.problems[0].name == name
        assert "move it out of the mirror's folder" in outcome.problems[0].do_next
        assert outcome.waiting_count == 1
    assert (place / name).read_bytes() == altered


def test_once_the_altered_one_is_moved_aside_it_is_sent_again(mirror: Mirror, place: Path) -> None:
    mirror.run()
    name = mirror.vault.names()[1]
    alter(place / name)
    mirror.run()
    (place / name).rename(place.parent / "evidence")

    outcome = mirror.run()

    assert outcome.is_mirrored
    assert files(place)[name] == files(mirror.vault.root)[name]


def test_another_size_is_seen_without_reading(mirror: Mirror, place: Path) -> None:
    mirror.run()
    name = mirror.vault.names()[0]
    with (place / name).open("ab") as file:
        file.write(b"more")

    outcome = mirror.run()

    assert kinds(outcome) == [ProblemKind.ALTERED]
    assert outcome.reread_count == 0


def test_an_altered_parcel_does_not_keep_new_nights_away(mirror: Mirror, place: Path) -> None:
    mirror.run()
    alter(place / mirror.vault.names()[0])
    mirror.vault.night()

    outcome = mirror.run()

    assert outcome.timestamp_version == mirror.vault.publication().timestamp_version
    assert (outcome.sent_count, outcome.waiting_count) == (1, 1)
    mirror.vault.night()
    assert mirror.run().timestamp_version == mirror.vault.publication().timestamp_version


def test_a_mirror_that_was_turned_back_is_told_and_brought_forward(mirror: Mirror, place: Path) -> None:
    mirror.run()
    before = (place / "metadata/timestamp.json").read_bytes()
    mirror.vault.night()
    mirror.run()
    (place / "metadata/timestamp.json").write_bytes(before)

    outcome = mirror.run()

    assert outcome.state is MirrorState.ALTERED
    assert kinds(outcome) == [ProblemKind.TURNED_BACK]
    assert "shows state 3, and state 4 had been proved" in outcome.problems[0].text
    assert files(place)["metadata/timestamp.json"] == mirror.vault.publication().timestamp.data
    assert mirror.run().is_mirrored


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * 100_000])
def test_a_timestamp_that_is_not_ours_is_told_and_put_right(mirror: Mirror, place: Path, data: bytes) -> None:
    mirror.run()
    (place / "metadata/timestamp.json").write_bytes(data)

    outcome = mirror.run()

    assert kinds(outcome) == [ProblemKind.ALTERED]
    assert mirror.run().is_mirrored


def test_a_mirror_ahead_of_the_vault_is_left_alone(mirror: Mirror, place: Path, tmp_path: Path) -> None:
    shutil.copytree(mirror.vault.folder, tmp_path / "older")
    mirror.vault.night()
    mirror.run()
    there = files(place)
    mirror.vault.store = type(mirror.vault.store)(tmp_path / "older" / "vault")
    mirror.vault.trusted = tmp_path / "older" / "trusted"
    mirror.proofs.held.clear()

    outcome = mirror.run()

    assert outcome.state is MirrorState.ALTERED
    assert ProblemKind.AHEAD in kinds(outcome)
    assert files(place) == there


def test_a_forged_signed_file_is_never_put_right_by_overwriting(mirror: Mirror, place: Path) -> None:
    mirror.run()
    before = (place / "metadata/timestamp.json").read_bytes()
    mirror.vault.night()
    snapshot = mirror.vault.publication().snapshot.name
    (place / snapshot).write_bytes(b"put there beforehand")

    outcome = mirror.run()

    assert outcome.state is MirrorState.ALTERED
    assert [problem.name for problem in outcome.problems] == [snapshot]
    assert (place / snapshot).read_bytes() == b"put there beforehand"
    # The timestamp stays too: what a client of the mirror sees is the old state, whole.
    assert (place / "metadata/timestamp.json").read_bytes() == before


def test_objects_of_others_are_counted_and_left_alone(mirror: Mirror, place: Path) -> None:
    mirror.run()
    folder = place / "targets" / "zz"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number}").write_bytes(b"forged")

    outcome = mirror.run()

    assert outcome.is_mirrored
    assert kinds(outcome) == [ProblemKind.STRANGE]
    assert "50 objects there are not named" in outcome.problems[0].text
    assert len(list(folder.iterdir())) == 50


class Cut(DirectoryDestination):
    """A line that breaks after so many parcels."""

    def __init__(self, root: Path, *, after: int) -> None:
        super().__init__(root)
        self._left = after

    def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
        if name.startswith("targets/"):
            if self._left == 0:
                raise SourceUnavailable("The line broke.")
            self._left -= 1
        super().put(name, source, size_bytes=size_bytes)


def test_metadata_wait_until_every_new_parcel_is_there(mirror: Mirror, place: Path) -> None:
    outcome = mirror.run(connect=lambda: Cut(place, after=2))

    assert outcome.state is MirrorState.UNREACHABLE
    assert outcome.error == "The line broke."
    assert (outcome.proved_count, outcome.waiting_count) == (2, 1)
    assert not (place / "metadata").exists()
    again = mirror.run()
    assert again.is_mirrored
    assert again.sent_count == 1


def test_a_client_that_looks_at_any_moment_finds_a_whole_state(
    mirror: Mirror, place: Path, tmp_path: Path
) -> None:
    mirror.run()
    mirror.vault.night()
    mirror.vault.renew_with_new_keys()
    mirror.vault.night()
    looks = 0

    class Watched(DirectoryDestination):
        def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
            super().put(name, source, size_bytes=size_bytes)
            look()

        def replace(self, name: str, data: bytes) -> None:
            super().replace(name, data)
            look()

    def look() -> None:
        nonlocal looks
        looks += 1
        store = type(mirror.vault.store)(place)
        key = mirror.vault.keys.root_public_key
        seen = Vault.open(store, trusted_dir=tmp_path / "cold", now=NOW, root_public_key=key)
        assert seen.verify(now=NOW).is_sound

    assert mirror.run(connect=lambda: Watched(place)).is_mirrored
    assert looks >= 5


class Liar(DirectoryDestination):
    """Answers success and keeps something else, or nothing."""

    def __init__(self, root: Path, *, keeps: bytes | None) -> None:
        super().__init__(root)
        self._keeps = keeps

    def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
        if not name.startswith("targets/"):
            super().put(name, source, size_bytes=size_bytes)
        elif self._keeps is not None:
            super().put(name, io.BytesIO(self._keeps), size_bytes=len(self._keeps))


@pytest.mark.parametrize(("keeps", "said"), [(b"other", "gives other bytes back"), (None, "has none of it")])
def test_a_destination_that_lies_about_success_is_named(
    mirror: Mirror, place: Path, keeps: bytes | None, said: str
) -> None:
    outcome = mirror.run(connect=lambda: Liar(place, keeps=keeps))

    assert outcome.state is MirrorState.ALTERED
    assert set(kinds(outcome)) == {ProblemKind.LIED}
    assert said in outcome.problems[0].text
    assert (outcome.proved_count, outcome.waiting_count) == (0, 3)
    # No client is led to what is not there.
    assert not (place / "metadata").exists()


class Promising(DirectoryDestination):
    """Lists what it does not have."""

    def __init__(self, root: Path, listed: list[Listed]) -> None:
        super().__init__(root)
        self._listed = listed

    def list(self, prefix: str) -> Iterator[Listed]:
        yield from (item for item in self._listed if item.name.startswith(prefix))


def test_a_listing_alone_proves_nothing(mirror: Mirror, place: Path) -> None:
    mirror.run()
    listed = list(DirectoryDestination(place).list("targets/"))
    shutil.rmtree(place / "targets")
    mirror.proofs.held.clear()

    outcome = mirror.run(connect=lambda: Promising(place, listed))

    assert set(kinds(outcome)) == {ProblemKind.LIED}
    assert outcome.proved_count == 0
    assert "is not there when it is read" in outcome.problems[0].text


def test_a_parcel_the_vault_lost_is_named_and_the_rest_goes_on(mirror: Mirror) -> None:
    name = mirror.vault.names()[0]
    (mirror.vault.root / name).unlink()

    outcome = mirror.run()

    assert kinds(outcome) == [ProblemKind.NOT_HERE]
    assert (outcome.sent_count, outcome.waiting_count) == (2, 1)
    assert outcome.timestamp_version == 3
    assert outcome.state is MirrorState.BEHIND


class Small(DirectoryDestination):
    """A disk with little room."""

    def facts(self) -> DestinationFacts:
        return DestinationFacts(free_bytes=1000)


def test_a_full_destination_says_how_much_it_lacks_and_is_not_filled(mirror: Mirror, place: Path) -> None:
    outcome = mirror.run(connect=lambda: Small(place))

    assert outcome.state is MirrorState.FULL
    assert "0.0 MB were free" in outcome.error
    assert files(place) == {} or all(len(data) <= 1000 for data in files(place).values())


def test_a_destination_that_refuses_writing_is_full(mirror: Mirror, place: Path) -> None:
    class Refusing(DirectoryDestination):
        def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
            raise StorageFull(f"No right to write {name}, {size_bytes} bytes of {source}.")

    assert mirror.run(connect=lambda: Refusing(place)).state is MirrorState.FULL


def test_when_the_time_is_over_what_is_proved_stays(mirror: Mirror, place: Path) -> None:
    moments = iter(range(100_000))
    pace = Pace(bytes_per_s=None, lasts_s=14, monotonic=lambda: float(next(moments)))

    outcome = mirror.run(pace=pace)

    assert outcome.state is MirrorState.BEHIND
    assert "time for this run is over" in outcome.error
    assert 0 < outcome.proved_count < 3
    again = mirror.run()
    assert again.is_mirrored
    assert again.sent_count <= 3 - outcome.proved_count


def test_everything_is_read_again_when_a_person_asks(mirror: Mirror) -> None:
    mirror.run()

    outcome = mirror.run(reread_all=True)

    assert outcome.reread_count == 3
    assert outcome.is_mirrored


def test_everything_is_read_again_in_turn(mirror: Mirror) -> None:
    mirror.run()
    reread = 0
    for _ in range(7):
        mirror.now += timedelta(days=1)
        reread += mirror.run(reread_days=3).reread_count

    assert reread >= 2 * 3
