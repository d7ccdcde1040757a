"""The notice of an open incident: it can keep things longer, and never make them go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.vault import LocalStore
from beamkeeper.vault.hold import HOLD_NAME, Hold, find_hold, lift_hold, place_hold, read_hold

if TYPE_CHECKING:
    from pathlib import Path

HOLD = Hold(incident_id="2026-11-22-kqzt", declared_at=datetime(2026, 11, 22, 6, 30, tzinfo=UTC))


def test_a_notice_is_found_until_it_is_lifted(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert find_hold(store) is None
    place_hold(store, HOLD)
    assert find_hold(store) == HOLD
    lift_hold(store)
    lift_hold(store)
    assert find_hold(store) is None


def test_the_first_notice_stays(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    place_hold(store, HOLD)
    place_hold(store, Hold(incident_id="other", declared_at=HOLD.declared_at))

    assert find_hold(store) == HOLD


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"{}", b"\xff", b"[" * 100_000, b'{"format": "x"}', b'{"declared_at": "2026-11-22"}'],
)
def test_a_notice_that_cannot_be_read_holds_all_the_same(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "hold").mkdir()
    (tmp_path / HOLD_NAME).write_bytes(data)
    found = find_hold(LocalStore(tmp_path))

    assert found == Hold() == read_hold(data)
    assert "cannot be read" in Hold().said
