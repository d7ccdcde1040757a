"""Stock archives are asked and answer: Orthanc and DCMTK's dcmqrscp."""

from __future__ import annotations

import logging
from datetime import date

import pytest
from query_archives import OWN_AE_TITLE, dcmqrscp, orthanc, send, storescp, write_object

from beamkeeper.errors import PatientMismatch, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.requester import ExpectedObject, Peer, Requester, Timeouts
from beamkeeper.wire.dicom.spool import SpoolReader, SpoolWriter

pytestmark = pytest.mark.peer
LONG_ID = "L" * 64
PATIENTS = ("P1", "P2", "P*", "PX", LONG_ID)


def fill(folder):
    """P1 and P2 share study 1.1; P1 has a study of its own; P* and PX are told apart by the asterisk."""

    def add(patient_id, study, series, uid, kind, **more: str):
        write_object(folder, patient_id=patient_id, study=study, series=series, uid=uid, kind=kind, **more)

    for number in range(3):
        add("P1", "1.1", "1.1.1", f"1.1.1.{number}", "CT")
    add("P1", "1.1", "1.1.2", "1.1.2.1", "RTPLAN", StudyDate="20260601")
    add("P1", "1.2", "1.2.1", "1.2.1.1", "RTSTRUCT", StudyDate="20260601")
    add("P2", "1.1", "1.1.3", "1.1.3.1", "RTPLAN")
    add("P*", "1.3", "1.3.1", "1.3.1.1", "RTPLAN")
    add("PX", "1.4", "1.4.1", "1.4.1.1", "RTPLAN")
    add(LONG_ID, "1.5", "1.5.1", "1.5.1.1", "RTPLAN")
    dated = {"StudyDate": "20260601", "SeriesDate": "20260601"}
    add("R1", "2.1", "2.1.1", "2.1.1.1", "RTRECORD", **dated, TreatmentDate="20260601")
    add("R1", "2.1", "2.1.1", "2.1.1.2", "RTRECORD", **dated, TreatmentDate="20260710")
    add("R2", "2.2", "2.2.1", "2.2.1.1", "RTRECORD", **dated, TreatmentDate="20260601")
    add("R3", "2.3", "2.3.1", "2.3.1.1", "RTRECORD")
    add("R4", "2.4", "2.4.1", "2.4.1.1", "RTRECORD", **dated | {"SeriesDate": "20260711"})
    add("R5", "2.5", "2.5.1", "2.5.1.1", "RTRECORD", StudyDate="20200101", TreatmentDate="20200102")


@pytest.fixture(scope="module", params=["orthanc", "dcmqrscp"])
def archive(request, program, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    objects = folder / "objects"
    objects.mkdir()
    fill(objects)
    start = {"orthanc": orthanc, "dcmqrscp": dcmqrscp}[request.param]
    with start(program("Orthanc" if request.param == "orthanc" else "dcmqrscp"), folder) as running:
        complaints = send(program("storescu"), running, objects)
        assert "Fail" not in complaints, complaints
        yield running


@pytest.fixture
def requester(archive):
    peer = Peer(ae_title=archive.ae_title, host="127.0.0.1", port=archive.port)
    timeouts = Timeouts(connect_s=5, associate_s=5, answer_s=10, pending_s=20, query_s=60, transfer_s=60)
    with Requester(own_ae_title=OWN_AE_TITLE, peer=peer, timeouts=timeouts) as asking:
        yield asking


def uids(found) -> set[str]:
    return {item.sop_instance_uid for item in found}


def test_an_archive_answers_echo(requester):
    requester.echo()


def test_every_object_of_a_patient_is_listed_down_to_its_identity(requester, archive):
    found = {item.sop_instance_uid: item for item in requester.find_instances("P1")}
    indexes_sop_classes = archive.ae_title == "ORTHANC"

    assert {"1.1.1.0", "1.1.1.1", "1.1.1.2", "1.1.2.1", "1.2.1.1"} <= set(found)
    assert found["1.2.1.1"] == ExpectedObject(
        sop_instance_uid="1.2.1.1",
        series_instance_uid="1.2.1",
        study_instance_uid="1.2",
        modality="RTSTRUCT",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.3" if indexes_sop_classes else "",
        patient_id="P1",
    )


@pytest.mark.parametrize("archive", ["orthanc"], indirect=True)  # dcmqrscp files a study under one patient
def test_two_patients_in_one_study_are_told_apart(requester):
    assert "1.1.3.1" not in uids(requester.find_instances("P1"))
    assert uids(requester.find_instances("P2")) == {"1.1.3.1"}


def test_a_wildcard_in_a_patient_id_brings_no_stranger(requester):
    assert uids(requester.find_instances("P*")) == {"1.3.1.1"}


def test_a_64_character_patient_id_is_found(requester):
    assert uids(requester.find_instances(LONG_ID)) == {"1.5.1.1"}


def test_a_patient_the_archive_does_not_have_is_nothing_and_no_error(requester):
    assert requester.find_instances("nobody") == ()


@pytest.mark.parametrize("patient_id", ["", "  ", "*", "?*", "a\\b", "x" * 65, "a\nb"])
def test_a_patient_id_that_would_ask_for_others_is_refused(requester, patient_id):
    with pytest.raises(PatientMismatch):
        requester.find_instances(patient_id)


def test_who_was_treated_is_found_with_whatever_dates_the_archive_has(requester, archive):
    found = {
        patient.patient_id: patient for patient in requester.find_patients_treated_since(date(2026, 7, 1))
    }

    assert {"R1", "R4"} <= set(found)  # a later record in an old series; a series date
    assert "R3" in found  # no date anywhere: listed, because leaving one out is the worse mistake
    assert "R5" not in found  # years ago
    assert not set(found) & set(PATIENTS)  # no records at all
    if archive.ae_title == "ORTHANC":
        assert "R2" not in found
        assert found["R1"].last_treated_on == date(2026, 7, 10)
        assert found["R4"].name == "Doe^Jane"
        assert found["R4"].birth_on == date(1960, 1, 2)
    assert found["R4"].study_instance_uids == ("2.4",)


def test_a_study_is_moved_to_a_receiver(requester, archive, program, tmp_path):
    with storescp(program("storescp"), tmp_path, archive.destination_port) as kept:
        outcome = requester.move(study_instance_uid="1.2", destination_ae_title=OWN_AE_TITLE)

        assert (outcome.completed, outcome.failed, outcome.status, outcome.comment) == (1, 0, 0, "")
        assert [identify(p.read_bytes()).sop_instance_uid for p in kept.iterdir()] == ["1.2.1.1"]


def test_a_series_and_single_objects_are_moved(requester, archive, program, tmp_path):
    with storescp(program("storescp"), tmp_path, archive.destination_port) as kept:
        series = requester.move(
            study_instance_uid="1.1", series_instance_uid="1.1.1", destination_ae_title=OWN_AE_TITLE
        )
        single = requester.move(
            study_instance_uid="1.3",
            series_instance_uid="1.3.1",
            sop_instance_uids=("1.3.1.1",),
            destination_ae_title=OWN_AE_TITLE,
        )

        assert (series.completed, single.completed) == (3, 1)
        assert len(list(kept.iterdir())) == 4


def test_a_receiver_that_is_not_there_is_never_a_success(requester, archive):
    if archive.ae_title == "ORTHANC":  # it counts nothing and refuses the whole transfer
        with pytest.raises(SourceAnswerInvalid, match="refuses C-MOVE to BEAMKEEPER"):
            requester.move(study_instance_uid="1.2", destination_ae_title=OWN_AE_TITLE)
        return
    outcome = requester.move(study_instance_uid="1.2", destination_ae_title=OWN_AE_TITLE)

    assert (outcome.completed, outcome.failed) == (0, 1)
    assert outcome.status != 0
    assert outcome.comment


def test_an_unknown_destination_is_refused_by_the_archive_and_said(requester):
    with pytest.raises(SourceAnswerInvalid, match="refuses C-MOVE to NOWHERE"):
        requester.move(study_instance_uid="1.2", destination_ae_title="NOWHERE")


def test_objects_are_fetched_by_get_into_the_spool_byte_for_byte(requester, archive, tmp_path):
    requester.find_instances("P1")
    with SpoolWriter(tmp_path, "get") as writer:
        outcome = requester.get(study_instance_uid="1.1", series_instance_uid="1.1.1", writer=writer)
    reader = SpoolReader(tmp_path)
    spooled = reader.poll()

    assert outcome.completed == 3
    assert {item.sop_instance_uid for item in spooled} == {"1.1.1.0", "1.1.1.1", "1.1.1.2"}
    assert all(item.solicited for item in spooled)
    for item in spooled:
        with reader.open(item) as file:
            ref = identify(file.read(item.size_bytes))
        assert (ref.sha256, ref.sop_instance_uid) == (item.sha256, item.sop_instance_uid)


def test_one_association_serves_a_whole_patient(requester, archive):
    requester.echo()
    first = requester._link.association()
    requester.find_instances("P1")
    requester.find_instances("P2")

    assert requester._link.association() is first


def test_a_closed_association_is_opened_anew(requester):
    requester.echo()
    requester._link.association().abort()
    requester.echo()

    assert requester.find_instances("nobody") == ()


def test_a_wrong_called_ae_title_is_named(archive):
    peer = Peer(ae_title="WRONG", host="127.0.0.1", port=archive.port)
    with (
        Requester(own_ae_title=OWN_AE_TITLE, peer=peer) as asking,
        pytest.raises(SourceUnavailable) as raised,
    ):
        asking.echo()

    assert "WRONG" in raised.value.message


def test_nothing_of_queries_and_answers_is_logged(requester, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    requester.find_instances("P1")
    requester.find_patients_treated_since(date(2026, 7, 1))

    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
