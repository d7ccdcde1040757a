"""A heartbeat carries the signed metadata whole, and what is no heartbeat is refused."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.clock import zone
from beamkeeper.errors import IntegrityError
from beamkeeper.protect.watch import FindingKind, WatchRule, look, packed, unpack
from beamkeeper.vault import LocalStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.vault.small_vault import Site


KEYS = ["format", "version", "files"]


class Nowhere:
    """A store that must not be written to."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(name)


def test_a_heartbeat_tells_the_nights_without_any_parcel(site: Site, tmp_path: Path) -> None:
    site.play("A", 1, {"1.2.1": b"plan"})
    message = packed(site.store)
    pushed = LocalStore(tmp_path / "pushed", create=True)
    unpack(message, pushed)
    seen = look(
        lambda: pushed,
        root_public_key=site.keys.root_public_key,
        memory_dir=tmp_path / "memory",
        rule=WatchRule(zone=zone("UTC")),
        now=site.now + timedelta(hours=6),
        metadata_only=True,
    )
    assert (seen.findings, seen.last_night, seen.read_count) == ((), site.night(1), 0)
    assert seen.parcel_count == 2


def test_a_heartbeat_signed_by_another_site_is_not_believed(site: Site, tmp_path: Path) -> None:
    pushed = LocalStore(tmp_path / "pushed", create=True)
    unpack(packed(site.store), pushed)
    seen = look(
        lambda: pushed,
        root_public_key="00" * 32,
        memory_dir=tmp_path / "memory",
        rule=WatchRule(zone=zone("UTC")),
        now=site.now,
        metadata_only=True,
    )
    assert [finding.kind for finding in seen.findings] == [FindingKind.NOT_AS_SIGNED]


@pytest.mark.parametrize(
    "name", ["../evil", "metadata/../../x.root.json", "targets/x", "metadata/0.root.json"]
)
def test_a_name_from_outside_never_becomes_a_path(name: str) -> None:
    message = {"format": "beamkeeper-heartbeat", "version": 1, "files": {name: "{}"}}
    with pytest.raises(IntegrityError):
        unpack(json.dumps(message).encode(), Nowhere())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text + " ",
        lambda text: text[:-1],
        lambda text: text.replace(', "metadata/', ',"metadata/', 1),
        lambda text: text.replace('"version": 1', '"version": 2', 1),
        lambda text: text.replace('": "', '": ["', 1),
        lambda text: text.replace("1.targets", "timestamp", 1),
        lambda text: text.replace('"files": {', '"files": {' + '"metadata/7.root.json": "\\ud800", ', 1),
    ],
)
def test_anything_but_names_and_texts_in_their_order_is_no_heartbeat(site: Site, damage) -> None:
    text = packed(site.store).decode()
    assert json.loads(text)["format"] == "beamkeeper-heartbeat"
    with pytest.raises(IntegrityError):
        unpack(damage(text).encode(), Nowhere())  # type: ignore[arg-type]


def test_a_heartbeat_of_nothing_but_brackets_costs_no_more_than_its_length() -> None:
    hostile = (
        b'{"format": "beamkeeper-heartbeat", "version": 1, "files": {"a": [' + b"[]," * 1_000_000 + b"[]]}}"
    )
    tracemalloc.start()
    try:
        with pytest.raises(IntegrityError):
            unpack(hostile, Nowhere())  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2 * len(hostile)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["format", "version", "files"]), inner)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_what_is_no_heartbeat_is_refused_in_our_own_words(data: bytes) -> None:
    with contextlib.suppress(IntegrityError):
        unpack(data, Nowhere())  # type: ignore[arg-type]
        raise AssertionError(data)
