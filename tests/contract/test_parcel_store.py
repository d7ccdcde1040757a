"""The contract of `ParcelStore`: one suite for every adapter that keeps sealed bytes."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.errors import IntegrityError
from beamkeeper.vault import LocalStore
from beamkeeper.vault.store import is_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.vault import ParcelStore


def local(folder: Path) -> ParcelStore:
    return LocalStore(folder / "vault", create=True)


ADAPTERS: dict[str, Callable[[Path], ParcelStore]] = {"local": local}


@pytest.fixture(params=ADAPTERS.values(), ids=ADAPTERS.keys())
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ParcelStore:
    return request.param(tmp_path)


def read(store: ParcelStore, name: str) -> bytes | None:
    source = store.get(name)
    if source is None:
        return None
    with source:
        return source.read()


def test_what_was_put_is_got(store: ParcelStore) -> None:
    data = bytes(range(256)) * 10_000
    store.put("targets/a/b.age", io.BytesIO(data))

    assert read(store, "targets/a/b.age") == data
    assert store.head("targets/a/b.age") == len(data)


def test_absent_is_an_answer(store: ParcelStore) -> None:
    assert store.get("targets/a") is None
    assert store.head("targets/a") is None
    assert list(store.list("")) == []


def test_the_same_bytes_may_be_put_again(store: ParcelStore) -> None:
    store.put("a", io.BytesIO(b"same"))
    store.put("a", io.BytesIO(b"same"))

    assert read(store, "a") == b"same"


@pytest.mark.parametrize("other", [b"other", b"", b"firs", b"first and more"])
def test_other_bytes_are_never_written_over(store: ParcelStore, other: bytes) -> None:
    store.put("a", io.BytesIO(b"first"))

    with pytest.raises(IntegrityError, match="already holds a with other bytes"):
        store.put("a", io.BytesIO(other))
    assert read(store, "a") == b"first"


def test_staged_bytes_are_invisible_until_they_are_committed(store: ParcelStore) -> None:
    staged = store.stage()
    staged.write(b"sea")
    staged.write(b"led")
    assert list(store.list("")) == []

    staged.commit("targets/x")
    staged.discard()

    assert read(store, "targets/x") == b"sealed"


def test_discarded_bytes_are_gone(store: ParcelStore) -> None:
    staged = store.stage()
    staged.write(b"sealed")
    staged.discard()
    staged.discard()

    assert list(store.list("")) == []


def test_a_staged_object_does_not_replace_another(store: ParcelStore) -> None:
    store.put("a", io.BytesIO(b"first"))
    staged = store.stage()
    staged.write(b"second")

    with pytest.raises(IntegrityError):
        staged.commit("a")
    staged.discard()
    assert read(store, "a") == b"first"


def test_replace_swaps_the_whole_object(store: ParcelStore) -> None:
    store.replace("metadata/timestamp.json", b"1")
    store.replace("metadata/timestamp.json", b"two")

    assert read(store, "metadata/timestamp.json") == b"two"


def test_a_reader_keeps_what_it_opened(store: ParcelStore) -> None:
    store.replace("t", b"old" * 10)
    reader = store.get("t")
    assert reader is not None
    with reader:
        store.replace("t", b"new")

        assert reader.read() == b"old" * 10


def test_listing_is_by_prefix_and_in_order(store: ParcelStore) -> None:
    for name in ("targets/b", "targets/a/2", "targets/a/1", "metadata/1"):
        store.put(name, io.BytesIO(b""))

    assert list(store.list("targets/")) == ["targets/a/1", "targets/a/2", "targets/b"]
    assert list(store.list("targets/a/")) == ["targets/a/1", "targets/a/2"]
    assert list(store.list("t")) == ["targets/a/1", "targets/a/2", "targets/b"]


def test_deleting_removes_one_object_and_may_be_repeated(store: ParcelStore) -> None:
    store.put("targets/a", io.BytesIO(b"a"))
    store.put("targets/b", io.BytesIO(b"b"))
    store.delete("targets/a")
    store.delete("targets/a")
    store.delete("never/there")

    assert list(store.list("")) == ["targets/b"]


def test_of_two_writers_of_one_name_exactly_one_wins(store: ParcelStore) -> None:
    refused: list[bytes] = []

    def write(data: bytes) -> None:
        try:
            store.put("targets/a", io.BytesIO(data))
        except IntegrityError:
            refused.append(data)

    writers = [threading.Thread(target=write, args=(bytes([n]) * 1000,)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    kept = read(store, "targets/a")
    assert kept is not None
    assert kept not in refused
    assert len(refused) == 7


BAD_NAMES = (
    "",
    "/a",
    "../a",
    "a/../b",
    "a//b",
    ".hidden",
    "a/.b",
    "a\\b",
    "a b",
    "é",
    "a\0",
    "x" * 241,
    "a/",
)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_could_lead_elsewhere_is_our_own_mistake(store: ParcelStore, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name an object"):
        store.put(name, io.BytesIO(b""))
    with pytest.raises(ValueError, match="cannot name an object"):
        store.get(name)
    with pytest.raises(ValueError, match="cannot name an object"):
        store.delete(name)
    assert list(store.list("")) == []


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_accepted_name_is_absolute_or_climbs(name: str) -> None:
    if is_name(name):
        assert not name.startswith("/")
        assert ".." not in name.split("/")
        assert name.isascii()
