"""What a night draws is added up, also over two processes, and ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.drawing_time import DrawingTime

if TYPE_CHECKING:
    from pathlib import Path


def test_time_is_used_up_when_what_was_drawn_comes_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", iter((0.0, 59.0, 100.0, 101.0)).__next__)
    path = tmp_path / "drawn" / "milliseconds"
    used_up = [DrawingTime(path, 1).is_used_up]
    for _ in range(2):
        with DrawingTime(path, 1).spent():
            pass
        used_up.append(DrawingTime(path, 1).is_used_up)

    assert used_up == [False, False, True]
    assert path.read_text(encoding="ascii") == "59000\n1000\n"


def test_what_fails_counts_too(tmp_path: Path) -> None:
    drawing = DrawingTime(tmp_path / "milliseconds", 1)
    with pytest.raises(ValueError, match="odd"), drawing.spent():
        raise ValueError("odd")

    assert (tmp_path / "milliseconds").read_text(encoding="ascii").strip().isdecimal()
