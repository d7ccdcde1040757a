"""A folder asked by several patients at once, as a night taken up again asks it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scenarios"))

from night_site import make_objects

from beamkeeper.protect.collect import FolderSource
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.spool import SpoolWriter

THREADS = 4


def test_patients_asked_for_at_the_same_time_are_all_listed_whole(tmp_path: Path) -> None:
    make_objects(tmp_path / "source", who=(2, 3), sessions=1)
    held: dict[str, int] = {}
    for path in (tmp_path / "source").rglob("*.dcm"):
        patient_id = identify(path.read_bytes()).patient_id
        held[patient_id] = held.get(patient_id, 0) + 1
    source = FolderSource(
        "folder", tmp_path / "source", spool_writer=lambda: SpoolWriter(tmp_path / "spool", "folder")
    )
    together = Barrier(THREADS)

    def ask(patient_id: str) -> int:
        together.wait()
        return len(source.list_objects(patient_id))

    with ThreadPoolExecutor(THREADS) as pool:
        asked = [*held, *held]
        assert list(pool.map(ask, asked)) == [held[patient_id] for patient_id in asked]
