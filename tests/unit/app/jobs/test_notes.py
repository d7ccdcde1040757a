"""Files that are whole or not there, whoever else writes them."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.notes import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_two_who_write_one_file_at_once_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, fsync = tmp_path / "order.pdf", os.fsync
    other = threading.Thread(target=write_whole, args=(path, b"other"))

    def meanwhile(handle: int) -> None:
        fsync(handle)
        if threading.current_thread() is not other and not other.ident:
            other.start()
            other.join()

    monkeypatch.setattr(os, "fsync", meanwhile)
    write_whole(path, b"mine")

    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]
