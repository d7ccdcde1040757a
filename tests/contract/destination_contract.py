"""The contract of `Destination`: one suite for every adapter that keeps copies elsewhere."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest
from tests.mirror_peers.small_vault import Mirror, SmallVault

from beamkeeper.errors import BeamkeeperError, SourceUnavailable
from beamkeeper.protect.mirror import Pace, ProblemKind, fetch
from beamkeeper.vault import LocalStore
from beamkeeper.wire.destination import BLOCK_BYTES, NameTaken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.wire.destination import Destination

LARGE = os.urandom(2 * BLOCK_BYTES + 12_345)
NAME = "targets/aaaa/one.tar.zst.age"


class Place(Protocol):
    """Where an adapter writes, seen by the one who owns it."""

    def connect(self) -> Destination:
        """Return a new connection."""

    def read(self, name: str) -> bytes | None:
        """Return what lies there."""

    def write(self, name: str, data: bytes) -> None:
        """Put something there behind the adapter's back."""


@dataclass(frozen=True)
class FolderPlace:
    """A place that its owner sees as a folder, empty to begin with.

    Attributes
    ----------
    coarse_times
        Its times are too coarse to tell two writes of a test apart: the owner writes a minute later.
    """

    root: Path
    connect: Callable[[], Destination]
    coarse_times: bool = False

    def __post_init__(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()

    def read(self, name: str) -> bytes | None:
        path = self.root / name
        return path.read_bytes() if path.exists() else None

    def write(self, name: str, data: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if self.coarse_times:
            later = path.stat().st_mtime + 60
            os.utime(path, (later, later))


class Dying(io.BytesIO):
    """A source that dies on its way."""

    def __init__(self, data: bytes, *, after_blocks: int) -> None:
        super().__init__(data)
        self._left = after_blocks

    def read(self, size: int | None = -1, /) -> bytes:
        if self._left == 0:
            raise Interrupted("cut short")
        self._left -= 1
        return super().read(size)


class Interrupted(BeamkeeperError):
    """What ends a transfer in these tests."""


class Counting(io.BytesIO):
    """A source that remembers what was read of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.blocks = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.blocks += 1
        return super().read(size)


def put(destination: Destination, name: str, data: bytes) -> None:
    destination.put(name, io.BytesIO(data), size_bytes=len(data))


def read(destination: Destination, name: str) -> bytes | None:
    source = destination.open(name)
    if source is None:
        return None
    with source:
        return source.read()


class DestinationContract:
    """Tests every adapter passes; a subclass gives the fixtures `place` and `destination`."""

    @pytest.mark.parametrize("data", [b"", b"sealed", LARGE], ids=["empty", "small", "large"])
    def test_what_was_put_is_read_back(self, destination: Destination, place: Place, data: bytes) -> None:
        put(destination, NAME, data)

        assert read(destination, NAME) == data
        assert place.read(NAME) == data

    def test_absent_is_an_answer(self, destination: Destination) -> None:
        assert destination.open(NAME) is None
        assert list(destination.list("targets/")) == []

    def test_a_name_that_is_taken_stays_as_it_is(self, destination: Destination, place: Place) -> None:
        put(destination, NAME, b"first")

        for data in (b"first", b"other"):
            with pytest.raises(NameTaken):
                put(destination, NAME, data)
        assert place.read(NAME) == b"first"

    def test_what_another_wrote_meanwhile_stays_as_it_is(
        self, destination: Destination, place: Place
    ) -> None:
        class Racing(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                if self.tell() == 0:
                    place.write(NAME, b"theirs")
                return super().read(size)

        with pytest.raises(NameTaken):
            destination.put(NAME, Racing(b"ours"), size_bytes=4)
        assert place.read(NAME) == b"theirs"

    def test_a_transfer_that_was_cut_short_is_not_there(self, destination: Destination, place: Place) -> None:
        with pytest.raises(Interrupted):
            destination.put(NAME, Dying(LARGE, after_blocks=1), size_bytes=len(LARGE))

        assert place.read(NAME) is None
        assert [item.name for item in destination.list("targets/")] == []

    def test_a_transfer_that_was_cut_short_comes_whole_the_next_time(self, place: Place) -> None:
        first = place.connect()
        with pytest.raises(Interrupted):
            first.put(NAME, Dying(LARGE, after_blocks=2), size_bytes=len(LARGE))
        first.close()

        second = place.connect()
        put(second, NAME, LARGE)
        second.close()

        assert place.read(NAME) == LARGE

    def test_the_listing_names_everything_under_a_folder_with_its_size(
        self, destination: Destination
    ) -> None:
        put(destination, "targets/a/1", b"1")
        put(destination, "targets/b/22", b"22")
        put(destination, "metadata/1.root.json", b"{}")

        listed = {item.name: item.size_bytes for item in destination.list("targets/")}

        assert listed == {"targets/a/1": 1, "targets/b/22": 2}

    def test_the_stamp_of_an_object_stays_while_it_does(self, destination: Destination) -> None:
        put(destination, NAME, b"sealed")
        before = [item.stamp for item in destination.list("targets/")]
        read(destination, NAME)

        assert [item.stamp for item in destination.list("targets/")] == before

    def test_the_timestamp_can_be_replaced(self, destination: Destination, place: Place) -> None:
        for data in (b"first", b"the second", b"3"):
            destination.replace("metadata/timestamp.json", data)

            assert place.read("metadata/timestamp.json") == data

    def test_what_was_removed_is_gone_and_removing_twice_is_fine(self, destination: Destination) -> None:
        put(destination, NAME, b"sealed")
        destination.remove(NAME)
        destination.remove(NAME)

        assert destination.open(NAME) is None
        assert list(destination.list("targets/")) == []

    def test_a_removed_name_can_be_put_again(self, destination: Destination) -> None:
        put(destination, NAME, b"sealed")
        destination.remove(NAME)
        put(destination, NAME, b"again")

        assert read(destination, NAME) == b"again"

    @pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "targets/../x", ".hidden", "a//b", ""])
    def test_no_other_place_can_be_named(self, destination: Destination, name: str) -> None:
        with pytest.raises(ValueError, match="cannot name an object"):
            put(destination, name, b"x")
        with pytest.raises(ValueError, match="cannot name an object"):
            destination.open(name)

    def test_a_reader_that_is_left_early_does_no_harm(self, destination: Destination) -> None:
        put(destination, NAME, LARGE)
        source = destination.open(NAME)
        assert source is not None
        assert source.read(10) == LARGE[:10]
        source.close()

        assert read(destination, NAME) == LARGE

    def test_two_readers_may_follow_each_other(self, destination: Destination) -> None:
        put(destination, "targets/a", b"a")
        put(destination, "targets/b", b"b")

        assert (read(destination, "targets/a"), read(destination, "targets/b")) == (b"a", b"b")

    def test_facts_can_be_asked(self, destination: Destination) -> None:
        facts = destination.facts()

        assert facts.free_bytes is None or facts.free_bytes > 0

    def test_closing_twice_is_harmless(self, place: Place) -> None:
        destination = place.connect()
        put(destination, NAME, b"x")
        destination.close()
        destination.close()

    def test_a_vault_is_mirrored_its_alteration_named_and_the_rest_comes_back(
        self, place: Place, tmp_path: Path
    ) -> None:
        vault = SmallVault(tmp_path / "site")
        vault.night()
        mirror = Mirror(vault, place.connect)
        assert mirror.run().is_mirrored
        assert mirror.run().sent_count == 0
        vault.night()
        assert mirror.run().sent_count == 1
        name = vault.names()[0]
        sealed = place.read(name)
        assert sealed is not None
        place.write(name, sealed[:-1] + b"?")

        outcome = mirror.run()

        assert [(problem.kind, problem.name) for problem in outcome.problems] == [(ProblemKind.ALTERED, name)]
        assert place.read(name) == sealed[:-1] + b"?"
        back = place.connect()
        pace = Pace(bytes_per_s=None, lasts_s=600)
        failures = fetch(back, vault.publication(), LocalStore(tmp_path / "back", create=True), pace)
        back.close()
        assert len(failures) == 1
        assert len(list((tmp_path / "back" / "targets").rglob("*.age"))) == 2


class ResumingContract:
    """What adapters add whose protocol can go on in the middle of a file."""

    def test_only_what_is_missing_is_sent_again(self, place: Place) -> None:
        first = place.connect()
        with pytest.raises(Interrupted):
            first.put(NAME, Dying(LARGE, after_blocks=2), size_bytes=len(LARGE))
        first.close()
        second, source = place.connect(), Counting(LARGE)
        second.put(NAME, source, size_bytes=len(LARGE))
        second.close()

        # Two blocks compared, then the rest and the end; sent anew it would be read from 0 again.
        assert source.blocks <= 2 + 2 + 1
        assert place.read(NAME) == LARGE

    def test_what_is_not_ours_is_not_gone_on_with(self, place: Place) -> None:
        first = place.connect()
        with pytest.raises(Interrupted):
            first.put(NAME, Dying(LARGE, after_blocks=2), size_bytes=len(LARGE))
        first.close()
        second = place.connect()
        other = LARGE[::-1]
        put(second, NAME, other)
        second.close()

        assert place.read(NAME) == other


class LineContract:
    """What adapters add that speak over a line."""

    def test_a_line_that_is_cut_ends_the_transfer_and_is_taken_up_again(self, place: Place) -> None:
        destination = place.connect()

        class Cutting(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                if self.tell():
                    destination.cut()
                return super().read(size)

        with pytest.raises(SourceUnavailable):
            destination.put(NAME, Cutting(LARGE), size_bytes=len(LARGE))
        put(destination, NAME, LARGE)

        assert read(destination, NAME) == LARGE
        destination.close()
