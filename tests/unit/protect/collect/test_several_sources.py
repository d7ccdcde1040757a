"""One object that several sources list: the next is asked when one refuses it or does not answer."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scenarios"))

from night_site import make_objects

from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.collect import Arrivals, Collection, FolderSource, Outcome, collect_patient
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.spool import SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.protect.collect.interfaces import FetchAnswer
    from beamkeeper.wire.dicom.requester import ExpectedObject

STRUCTURES = "p3/RTSTRUCT-1.dcm"


class Silent(FolderSource):
    """Lists its objects and answers no request to send them."""

    def fetch(self, wanted: Sequence[ExpectedObject], *, deadline: datetime) -> FetchAnswer:  # noqa: ARG002
        raise SourceUnavailable("No answer.")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("archive", "planning"):
        make_objects(tmp_path / name, who=(3,), sessions=1)
    return tmp_path


def source(site: Path, name: str, kind: type[FolderSource] = FolderSource) -> FolderSource:
    return kind(name, site / name, spool_writer=lambda: SpoolWriter(site / "spool", name))


def collect(site: Path, *sources: FolderSource) -> Collection:
    (patient, _), *_ = sources[0].patients()
    return collect_patient(
        patient.patient_id,
        sources,
        Arrivals(SpoolReader(site / "spool")),
        deadline=datetime.now(UTC) + timedelta(minutes=5),
        now=lambda: datetime.now(UTC),
    )


def vanish(site: Path, *sources: FolderSource) -> str:
    """Remove one file that the sources have listed; return its SOP Instance UID."""
    uid = identify((site / "archive" / STRUCTURES).read_bytes()).sop_instance_uid
    for one in sources:
        one.patients()
        (site / one.name / STRUCTURES).unlink()
    return uid


def test_what_one_source_refuses_is_had_from_another_that_lists_it(site: Path) -> None:
    archive, planning = source(site, "archive"), source(site, "planning")
    uid = vanish(site, archive)
    collection = collect(site, archive, planning)

    assert collection.outcomes[uid] is Outcome.RECEIVED
    assert collection.is_complete


def test_what_every_source_refuses_stays_refused(site: Path) -> None:
    archive, planning = source(site, "archive"), source(site, "planning")
    uid = vanish(site, archive, planning)
    collection = collect(site, archive, planning)

    refused = {one for one, outcome in collection.outcomes.items() if outcome is Outcome.REFUSED}
    assert refused == {uid}
    assert {problem.split(":")[0] for problem in collection.problems} == {"archive", "planning"}


def test_what_a_silent_source_lists_is_had_from_another_that_lists_it(site: Path) -> None:
    collection = collect(site, source(site, "archive", Silent), source(site, "planning"))

    assert collection.is_complete
    assert collection.problems == ("archive: No answer.",)
