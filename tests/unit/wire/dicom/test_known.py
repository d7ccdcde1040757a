"""Known digests: found when there, not found when not, never a guess on a damaged file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import IntegrityError
from beamkeeper.wire.dicom.known import KnownDigests, write_known

if TYPE_CHECKING:
    from pathlib import Path

digests = st.sets(st.binary(min_size=32, max_size=32), max_size=50)


@given(digests, digests)
def test_exactly_what_was_written_is_known(
    tmp_path_factory: pytest.TempPathFactory, present: set[bytes], others: set[bytes]
) -> None:
    path = tmp_path_factory.mktemp("known") / "known"
    count = write_known(path, iter(sorted(present, reverse=True)))

    with KnownDigests(path) as known:
        assert count == len(known) == len(present)
        assert all(digest in known for digest in present)
        assert not any(digest in known for digest in others - present)


def test_a_rewritten_file_leaves_open_readers_their_own(tmp_path: Path) -> None:
    path = tmp_path / "known"
    old, new = hashlib.sha256(b"old").digest(), hashlib.sha256(b"new").digest()
    write_known(path, [old])
    with KnownDigests(path) as before:
        write_known(path, [new, new])

        assert (old in before, new in before) == (True, False)
    with KnownDigests(path) as after:
        assert (old in after, new in after, len(after)) == (False, True, 1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["known"]


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"X" + b[1:], lambda _: b""]
)
def test_a_damaged_file_is_refused(tmp_path: Path, damage) -> None:
    path = tmp_path / "known"
    write_known(path, [bytes(32)])
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(IntegrityError, match="damaged"):
        KnownDigests(path)


def test_a_digest_of_another_length_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        write_known(tmp_path / "known", [b"short"])
    assert not (tmp_path / "known").exists()
