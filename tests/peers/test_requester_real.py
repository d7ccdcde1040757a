"""The real sets in a stock Orthanc: every patient's list is complete, and every object on it arrives."""

from __future__ import annotations

import time

import pytest
from query_archives import OWN_AE_TITLE, orthanc, send

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.identify import identify, is_storage_object
from beamkeeper.wire.dicom.receiver import Receiver, ReceiverConfig
from beamkeeper.wire.dicom.requester import Peer, Requester
from beamkeeper.wire.dicom.spool import SpoolReader, SpoolWriter

pytestmark = [pytest.mark.peer, pytest.mark.slow]
SETTLE_S_MAX = 30.0


@pytest.fixture(scope="module")
def held(real_data) -> dict[str, set[str]]:
    """Patient ID → SOP Instance UIDs, of all an archive stores; who has no Patient ID cannot be asked for."""
    found: dict[str, set[str]] = {}
    for path in sorted(real_data.glob("*/dicom/**/*")):
        try:
            ref = identify(path.read_bytes()) if path.is_file() else None
        except ObjectUnreadable:
            continue
        if ref is not None and ref.patient_id and is_storage_object(ref):
            found.setdefault(ref.patient_id, set()).add(ref.sop_instance_uid)
    return found


@pytest.fixture(scope="module")
def archive(real_data, program, tmp_path_factory):
    with orthanc(program("Orthanc"), tmp_path_factory.mktemp("orthanc")) as running:
        for folder in sorted(real_data.glob("*/dicom")):
            send(program("storescu"), running, folder)
        yield running


@pytest.fixture
def requester(archive):
    peer = Peer(ae_title=archive.ae_title, host="127.0.0.1", port=archive.port)
    with Requester(own_ae_title=OWN_AE_TITLE, peer=peer) as asking:
        yield asking


def test_the_list_of_every_patient_is_complete_and_holds_no_stranger(requester, held):
    assert len(held) > 15
    for patient_id, uids in held.items():
        found = requester.find_instances(patient_id)

        assert {item.sop_instance_uid for item in found} == uids, patient_id
        assert {item.patient_id for item in found} == {patient_id}


def test_every_object_asked_for_by_move_arrives_in_our_receiver(requester, archive, held, tmp_path):
    config = ReceiverConfig(
        ae_title=OWN_AE_TITLE,
        port=archive.destination_port,
        allowed_calling_ae_titles=frozenset({"ORTHANC"}),
        own_move_originators=frozenset({OWN_AE_TITLE}),
    )
    with (tmp_path / "log").open("wb") as log, Receiver(config, spool_dir=tmp_path / "spool", log=log):
        reader, arrived = SpoolReader(tmp_path / "spool"), {}
        expected = {item.sop_instance_uid: item for p in held for item in requester.find_instances(p)}
        for study in {item.study_instance_uid for item in expected.values()}:
            outcome = requester.move(study_instance_uid=study, destination_ae_title=OWN_AE_TITLE)
            assert (outcome.status, outcome.failed) == (0, 0)
        deadline = time.monotonic() + SETTLE_S_MAX
        while len(arrived) < len(expected) and time.monotonic() < deadline:
            arrived |= {item.sop_instance_uid: item for item in reader.poll()}
            time.sleep(0.05)

        assert set(expected) <= set(arrived)
        for spooled in arrived.values():
            with reader.open(spooled) as file:
                ref = identify(file.read(spooled.size_bytes))
            assert (ref.sop_instance_uid, ref.sha256) == (spooled.sop_instance_uid, spooled.sha256)


def test_every_object_asked_for_by_get_arrives_in_the_spool(requester, held, tmp_path):
    patient_id = max(held, key=lambda name: len(held[name]))
    expected = requester.find_instances(patient_id)
    with SpoolWriter(tmp_path, "get") as writer:
        for study in {item.study_instance_uid for item in expected}:
            outcome = requester.get(study_instance_uid=study, writer=writer)
            assert (outcome.status, outcome.failed) == (0, 0)

    arrived = {item.sop_instance_uid for item in SpoolReader(tmp_path).poll()}
    assert {item.sop_instance_uid for item in expected} <= arrived
