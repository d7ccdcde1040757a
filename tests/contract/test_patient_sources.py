"""Every source of objects keeps the same promises: a folder, an archive by C-MOVE, an archive by C-GET."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenarios"))

from night_site import make_objects

from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.collect import (
    ArchiveSource,
    Arrivals,
    FolderSource,
    Outcome,
    PatientSource,
    collect_patient,
)
from beamkeeper.rehearse.sim import Archive
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.peers import Peer, Timeouts
from beamkeeper.wire.dicom.receiver import Receiver, ReceiverConfig
from beamkeeper.wire.dicom.requester import Requester
from beamkeeper.wire.dicom.spool import SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OURS = "BEAMKEEPER"
SOON = timedelta(minutes=5)
PLAIN_ENCODINGS = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}


@dataclass
class Here:
    """A source, the spool it fills, and how to make it fall silent."""

    source: PatientSource
    arrivals: Arrivals
    break_it: Callable[[], None]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    make_objects(folder, who=(2, 3), sessions=1)
    return folder


@pytest.fixture(scope="module")
def by_patient(objects: Path) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for path in objects.rglob("*.dcm"):
        ref = identify(path.read_bytes())
        found.setdefault(ref.patient_id, {})[ref.sop_instance_uid] = path.read_bytes()
    return found


@contextmanager
def folder_source(objects: Path, root: Path) -> Iterator[Here]:
    copy = root / "source"
    for path in objects.rglob("*.dcm"):
        target = copy / path.relative_to(objects)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    source = FolderSource("folder", copy, spool_writer=lambda: SpoolWriter(root / "spool", "folder"))
    yield Here(source, Arrivals(SpoolReader(root / "spool")), lambda: None)


@contextmanager
def archive_source(objects: Path, root: Path, *, moves: bool) -> Iterator[Here]:
    archive = Archive(objects)
    archive.start()
    archive.rescan()
    config = ReceiverConfig(
        ae_title=OURS,
        allowed_calling_ae_titles=frozenset({archive.ae_title}),
        own_move_originators=frozenset({OURS}),
    )
    with Receiver(config, spool_dir=root / "spool") as receiver:
        archive.add_destination(OURS, "127.0.0.1", receiver.port)
        peer = Peer(ae_title=archive.ae_title, host=archive.host, port=archive.port)
        source = ArchiveSource(
            "archive",
            lambda: Requester(own_ae_title=OURS, peer=peer, timeouts=Timeouts(connect_s=2, answer_s=3)),
            destination_ae_title=OURS if moves else None,
            spool_writer=lambda: SpoolWriter(root / "spool", "archive"),
        )
        try:
            yield Here(source, Arrivals(SpoolReader(root / "spool")), archive.stop)
        finally:
            source.close()
            archive.stop()


def data_set(file: bytes) -> bytes:
    """Return a file without preamble and file meta group, which every receiver makes anew (PS3.10 7.1)."""
    return file[144 + int.from_bytes(file[140:144], "little") :]


@pytest.fixture(params=["folder", "move", "get"])
def here(request: pytest.FixtureRequest, objects: Path, tmp_path: Path) -> Iterator[Here]:
    if request.param == "folder":
        with folder_source(objects, tmp_path) as one:
            yield one
    else:
        with archive_source(objects, tmp_path, moves=request.param == "move") as one:
            yield one


def collect(here: Here, patient_id: str, **more: object):
    now = datetime.now(UTC)
    settings = {"deadline": now + SOON, "now": lambda: now, **more}
    return collect_patient(patient_id, [here.source], here.arrivals, **settings)  # type: ignore[arg-type]


def test_it_lists_exactly_what_it_holds_of_one_patient(
    here: Here, by_patient: dict[str, dict[str, bytes]]
) -> None:
    for patient_id, held in by_patient.items():
        listed = here.source.list_objects(patient_id)
        assert {item.sop_instance_uid for item in listed} == set(held)
        assert all(item.study_instance_uid and item.series_instance_uid for item in listed)


@pytest.mark.parametrize("patient_id", ["NOBODY", "BK-2", "BK-*", "BK-2041?"])
def test_it_answers_nothing_for_a_patient_it_does_not_hold(here: Here, patient_id: str) -> None:
    assert here.source.list_objects(patient_id) == ()


def test_what_it_brings_is_what_it_holds_byte_for_byte(
    here: Here, by_patient: dict[str, dict[str, bytes]]
) -> None:
    """The simulated archive sends what it holds as it is, and it holds both plain encodings."""
    for patient_id, held in by_patient.items():
        collection = collect(here, patient_id)
        for uid in held:
            (spooled,) = collection.received[uid]
            came = here.arrivals.reader.read(spooled)
            assert data_set(came) == data_set(held[uid])
        assert {identify(data).transfer_syntax_uid for data in held.values()} == PLAIN_ENCODINGS
        assert set(collection.outcomes.values()) == {Outcome.RECEIVED}
        assert collection.is_complete


def test_after_the_deadline_nothing_is_asked_for_and_nothing_called_missing(
    here: Here, by_patient: dict[str, dict[str, bytes]]
) -> None:
    now = datetime.now(UTC)
    collection = collect(here, next(iter(by_patient)), deadline=now, now=lambda: now)

    assert collection.unavailable_sources == (here.source.name,)
    assert not collection.is_complete
    assert "ran out" in " ".join(collection.problems)


def test_an_archive_that_is_gone_is_unavailable_and_not_empty(
    objects: Path, tmp_path: Path, by_patient: dict[str, dict[str, bytes]]
) -> None:
    with archive_source(objects, tmp_path, moves=True) as here:
        here.break_it()
        with pytest.raises(SourceUnavailable):
            here.source.list_objects(next(iter(by_patient)))
        collection = collect(here, next(iter(by_patient)))

    assert collection.unavailable_sources == ("archive",)
    assert not collection.expected


def test_a_folder_that_is_gone_is_unavailable_and_not_empty(tmp_path: Path) -> None:
    source = FolderSource("folder", tmp_path / "gone", spool_writer=lambda: SpoolWriter(tmp_path, "x"))

    with pytest.raises(SourceUnavailable, match="cannot be read"):
        source.patients()
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        source.list_objects("P1")
