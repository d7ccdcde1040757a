"""A file of File Mode is gone from the incident's folder: whose it is is named, everybody else is counted."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from file_mode_site import BOTH, ID, OTHER_ID, beamkeeper
from test_file_mode import Drill, other_born

from beamkeeper.app.jobs.since import patient_now
from beamkeeper.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.jobs.since import Now


@pytest.fixture
def drill(tmp_path: Path, file_mode_root: Path) -> Drill:
    return Drill(tmp_path, file_mode_root)


def now_of(drill: Drill, patient_id: str) -> Now:
    inventory = drill.incident.inventory()
    person = next(one for one in inventory.persons if one.entry.patient.patient_id == patient_id)
    return patient_now(drill.incident, inventory, person.pseudonym, datetime.now(UTC))


def doubts_of(drill: Drill, patient_id: str) -> str:
    now = now_of(drill, patient_id)
    return " ".join(one.text for one in now.doubts(now.plan(None)))


def test_a_drop_whose_file_is_gone_stops_its_patient_and_nobody_else(drill: Drill) -> None:
    drill.drop()
    drill.treat()
    drill.collect()
    (drill.incident.path / "filemode" / "d1" / "drop.json").unlink()

    with pytest.raises(IntegrityError, match="Drop d1 cannot be read"):
        now_of(drill, ID)
    assert doubts_of(drill, OTHER_ID) == ""
    assert "drop d2" in drill.drop(patient=OTHER_ID, born=other_born(drill))
    drill.treat()
    assert drill.collect()["next"] == "4"
    with pytest.raises(ConfigError, match=r"1 things are still open: .*\(00012345\): Drop d1 cannot be read"):
        beamkeeper("incident", "close", "--said", "back", "--incident", drill.incident.path)


def with_a_late_record(drill: Drill, root: Path) -> None:
    """A record of the first patient comes back with the second patient's drop."""
    drill.drop()
    drill.treat()
    (drill.share / "Treatment").rename(root / "late")
    (drill.share / "Treatment").mkdir()
    drill.collect("--nothing-given", *BOTH)
    drill.drop(patient=OTHER_ID, born=other_born(drill))
    shutil.copytree(root / "late", drill.share / "Treatment", dirs_exist_ok=True)
    drill.treat()
    drill.collect()


def test_a_late_record_counts_although_the_drop_it_came_with_is_damaged(drill: Drill, tmp_path: Path) -> None:
    with_a_late_record(drill, tmp_path)
    (drill.incident.path / "filemode" / "d2" / "drop.json").unlink()
    now = now_of(drill, ID)

    assert now.line(now.plan(None)).next_fraction == "4"
    assert doubts_of(drill, ID) == ""
    with pytest.raises(IntegrityError, match="Drop d2 cannot be read"):
        now_of(drill, OTHER_ID)


@pytest.mark.parametrize("lost", ["the list", "the record"])
def test_a_late_record_that_may_be_lost_with_another_patients_drop_is_in_doubt(
    drill: Drill, tmp_path: Path, lost: str
) -> None:
    with_a_late_record(drill, tmp_path)
    home = drill.incident.path / "filemode" / "d2"
    late = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "late").rglob("*")
        if path.is_file()
    }
    gone = (
        home.glob("collected-*.json") if lost == "the list" else [home / "returned" / name for name in late]
    )
    for path in gone:
        path.unlink(missing_ok=True)

    assert "came back with drop d2, of another patient, cannot be read" in doubts_of(drill, ID)
    with pytest.raises(IntegrityError, match="Drop d2 cannot be read"):
        now_of(drill, OTHER_ID)
