"""Stock archives are asked for new treatment records alone: Orthanc, which counts, and DCMTK's dcmqrscp."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from query_archives import OWN_AE_TITLE, Archive, dcmqrscp, orthanc, send, write_object

from beamkeeper.protect.collect import ArchiveSource, Arrivals, RecordList, bring, new_records
from beamkeeper.wire.dicom.known import write_known
from beamkeeper.wire.dicom.receiver import Receiver, ReceiverConfig
from beamkeeper.wire.dicom.requester import Peer, Requester, Timeouts
from beamkeeper.wire.dicom.spool import SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.peer
DAY = date(2026, 7, 9)
UNDER_TREATMENT = {"R1", "R2"}
DATED = {"StudyDate": "20260601", "SeriesDate": "20260601"}


@pytest.fixture(scope="module", params=["orthanc", "dcmqrscp"])
def archive(request, program: Callable[[str], str], tmp_path_factory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp(request.param)
    objects = folder / "objects"
    objects.mkdir()

    def add(patient_id: str, study: str, series: str, uid: str, kind: str = "RTRECORD", **more: str) -> None:
        found = {**DATED, **more}
        write_object(objects, patient_id=patient_id, study=study, series=series, uid=uid, kind=kind, **found)

    add("R1", "2.1", "2.1.9", "2.1.9.1", "RTPLAN")
    add("R1", "2.1", "2.1.1", "2.1.1.1", TreatmentDate="20260601")
    add("R1", "2.1", "2.1.1", "2.1.1.2", TreatmentDate="20260710")
    add("R1", "2.1", "2.1.2", "2.1.2.1", TreatmentDate="20260711")
    add("R2", "2.2", "2.2.1", "2.2.1.1", TreatmentDate="20260712")
    add("R3", "2.3", "2.3.1", "2.3.1.1", StudyDate="", SeriesDate="", TreatmentDate="20260712")
    add("R4", "2.4", "2.4.1", "2.4.1.1", StudyDate="20200101", TreatmentDate="20260712")
    add("R5", "2.5", "2.5.1", "2.5.1.1", "RTSTRUCT")
    start = {"orthanc": orthanc, "dcmqrscp": dcmqrscp}[request.param]
    with start(program("Orthanc" if request.param == "orthanc" else "dcmqrscp"), folder) as running:
        complaints = send(program("storescu"), running, objects)
        assert "Fail" not in complaints, complaints
        yield running


@pytest.fixture
def source(archive: Archive, tmp_path: Path) -> Iterator[ArchiveSource]:
    peer = Peer(ae_title=archive.ae_title, host="127.0.0.1", port=archive.port)
    timeouts = Timeouts(connect_s=5, associate_s=5, answer_s=10, pending_s=20, query_s=60, transfer_s=60)
    made = ArchiveSource(
        "archive",
        lambda: Requester(own_ae_title=OWN_AE_TITLE, peer=peer, timeouts=timeouts),
        destination_ae_title=OWN_AE_TITLE,
        spool_writer=lambda: SpoolWriter(tmp_path / "spool", "get"),
    )
    yield made
    made.close()


def ask(
    source: ArchiveSource, *, counts: Mapping[str, int] | None = None, kept: frozenset[str] = frozenset()
) -> RecordList:
    return new_records(
        source,
        day=DAY,
        counts_before=counts or {},
        is_under_treatment=UNDER_TREATMENT.__contains__,
        kept_count=lambda _patient_id, series: sum(uid.startswith(f"{series}.") for uid in kept),
        is_kept=lambda uids: kept & set(uids),
    )


def uids(found: RecordList) -> set[str]:
    return {record.item.sop_instance_uid for records in found.records.values() for record in records}


def test_records_of_the_last_days_are_listed_whatever_the_date_of_their_study(
    source: ArchiveSource, archive: Archive
) -> None:
    found = ask(source)

    assert not found.error
    assert {"2.1.1.2", "2.1.2.1", "2.2.1.1"} <= uids(found)
    assert not uids(found) & {"2.1.9.1", "2.5.1.1", "2.4.1.1"}
    if archive.ae_title == "ORTHANC":
        assert uids(found) == {"2.1.1.2", "2.1.2.1", "2.2.1.1", "2.3.1.1"}
        assert found.counts == {"2.1": 4, "2.2": 1, "2.3": 1}


def test_only_a_study_whose_number_changed_is_asked_further(source: ArchiveSource, archive: Archive) -> None:
    found = ask(source, counts={"2.1": 3, "2.2": 1, "2.3": 1})

    if archive.ae_title == "ORTHANC":
        assert (found.question_count, uids(found)) == (1, {"2.1.1.2", "2.1.2.1"})
    else:  # it does not count: everybody under treatment is asked for
        assert found.question_count == len(UNDER_TREATMENT)
        assert uids(found) >= {"2.1.1.2", "2.1.2.1", "2.2.1.1"}


def test_what_is_kept_is_not_listed_again(source: ArchiveSource) -> None:
    found = ask(source, kept=frozenset({"2.1.1.1", "2.1.1.2", "2.2.1.1"}))

    assert uids(found) - {"2.3.1.1"} == {"2.1.2.1"}


def test_exactly_the_wanted_records_are_brought(
    source: ArchiveSource, archive: Archive, tmp_path: Path
) -> None:
    spool, known = tmp_path / "spool", tmp_path / "known"
    spool.mkdir()
    write_known(known, ())
    config = ReceiverConfig(
        ae_title=OWN_AE_TITLE,
        allowed_calling_ae_titles=frozenset({archive.ae_title}),
        port=archive.destination_port,
    )
    found = ask(source)
    wanted = [record.item for records in found.records.values() for record in records]
    arrivals = Arrivals(SpoolReader(spool))
    deadline = datetime.now(UTC) + timedelta(minutes=1)
    with Receiver(config, spool_dir=spool, known_path=known):
        brought = bring(
            {"archive": wanted}, [source], arrivals, deadline=deadline, now=lambda: datetime.now(UTC)
        )

    assert not brought.problems
    assert set(brought.received) == uids(found)
    assert {item.sop_instance_uid for item in arrivals.unasked()} | set(brought.received) == uids(found)
