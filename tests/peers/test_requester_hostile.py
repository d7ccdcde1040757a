"""Peers that refuse, fall silent, talk nonsense or never stop: each ends in one plain sentence, in time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from datetime import date

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE, build_context, evt
from pynetdicom.dimse_primitives import C_FIND
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from beamkeeper.errors import ConfigError, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.dicom import requester as requester_module
from beamkeeper.wire.dicom.requester import Peer, Requester, Timeouts
from beamkeeper.wire.tls import TlsClient

IMPATIENT = Timeouts(connect_s=1, associate_s=0.5, answer_s=0.5, pending_s=0.5, query_s=2, transfer_s=2)
FIND, MOVE = StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelMove


@contextlib.contextmanager
def raw_peer(answer: bytes | None):
    """Takes one connection after another; sends `answer` and hangs up, or says nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    taken.append(connection)
                    if answer is not None:
                        connection.recv(1 << 16)
                        connection.sendall(answer)
                        connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for connection in taken:
            connection.close()


@contextlib.contextmanager
def scp(*, services=(Verification, FIND, MOVE), called="PEER", calling="BEAMKEEPER", **handlers: object):
    ae = AE(ae_title=called)
    ae.require_called_aet = True
    ae.require_calling_aet = [calling]
    for service in services:
        ae.add_supported_context(service)
    bound = [(getattr(evt, f"EVT_C_{name.upper()}"), handler) for name, handler in handlers.items()]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=bound)
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


def asking(port, *, called="PEER", calling="BEAMKEEPER", timeouts=IMPATIENT):
    peer = Peer(ae_title=called, host="127.0.0.1", port=port)
    return Requester(own_ae_title=calling, peer=peer, timeouts=timeouts)


def answer(**values: str) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def test_a_closed_port_is_said_with_host_and_port(free_port):
    with asking(free_port) as requester, pytest.raises(SourceUnavailable) as raised:
        requester.echo()

    assert raised.value.message == f"Nothing answers as PEER at 127.0.0.1:{free_port}."


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b"\x02\0\xff\xff\xff\xff", b""]
)
def test_a_peer_that_talks_nonsense_is_unavailable(garbage):
    refused = pytest.raises(SourceUnavailable, match="agrees to no association")
    with raw_peer(garbage) as port, asking(port) as requester, refused:
        requester.echo()


def test_a_silent_peer_is_given_up_in_the_time_given():
    started = time.monotonic()
    with (
        raw_peer(None) as port,
        asking(port) as requester,
        pytest.raises(SourceUnavailable, match="agrees to no association"),
    ):
        requester.find_instances("P1")

    assert time.monotonic() - started < 30


def test_wrong_ae_titles_are_told_apart():
    with scp() as port:
        with asking(port, called="WRONG") as requester, pytest.raises(SourceUnavailable) as called:
            requester.echo()
        with asking(port, calling="STRANGER") as requester, pytest.raises(SourceUnavailable) as calling:
            requester.echo()

    assert called.value.message == f"127.0.0.1:{port} does not answer to the AE title WRONG."
    assert calling.value.message == f"PEER at 127.0.0.1:{port} does not know our AE title STRANGER."


def test_a_service_the_peer_does_not_offer_is_named():
    with scp(services=(Verification,)) as port, asking(port) as requester:
        requester.echo()
        first = requester._link.association()
        with pytest.raises(SourceAnswerInvalid, match="does not offer C-FIND"):
            requester.find_instances("P1")
        with pytest.raises(SourceAnswerInvalid, match="does not offer C-MOVE"):
            requester.move(study_instance_uid="1.2", destination_ae_title="BEAMKEEPER")
        assert requester._link.association() is first


def test_a_peer_that_takes_a_query_and_never_answers_is_given_up():
    release = threading.Event()

    def silent(_event):
        release.wait(20)
        yield 0x0000, None

    with scp(find=silent) as port, asking(port) as requester:
        with pytest.raises(SourceUnavailable, match="stopped answering during C-FIND at STUDY level"):
            requester.find_instances("P1")
        release.set()


def test_a_peer_that_hangs_up_in_the_middle_is_unavailable_and_nothing_is_returned():
    def hangs_up(event):
        yield 0xFF00, answer(QueryRetrieveLevel="STUDY", PatientID="P1", StudyInstanceUID="1.2")
        event.assoc.abort()

    with scp(find=hangs_up) as port, asking(port) as requester, pytest.raises(SourceUnavailable):
        requester.find_instances("P1")


def test_a_failure_status_is_an_invalid_answer():
    def fails(_event):
        yield 0xA900, None

    with (
        scp(find=fails) as port,
        asking(port) as requester,
        pytest.raises(SourceAnswerInvalid, match="status A900"),
    ):
        requester.find_instances("P1")


def test_a_peer_that_ignores_the_patient_id_brings_no_stranger():
    """It answers every query with everything it has, as a broken archive does."""
    held = [("P1", "1.1"), ("P2", "1.2"), ("", "1.3")]

    def ignores(event):
        level = event.identifier.QueryRetrieveLevel
        for patient_id, study in held:
            values = {"QueryRetrieveLevel": level, "PatientID": patient_id, "StudyInstanceUID": study}
            if level != "STUDY":
                values |= {"SeriesInstanceUID": f"{study}.1", "Modality": "RTPLAN"}
            if level == "IMAGE":
                values |= {"SOPInstanceUID": f"{study}.1.1"}
            yield 0xFF00, answer(**values)

    with scp(find=ignores) as port, asking(port) as requester:
        found = requester.find_instances("P1")

    assert [item.sop_instance_uid for item in found] == ["1.1.1.1"]


def test_a_stranger_in_the_same_study_is_left_out_at_every_level():
    def mixes(event):
        level = event.identifier.QueryRetrieveLevel
        for patient_id, series in (("P1", "1.1.1"), ("P2", "1.1.2")):
            values = {"QueryRetrieveLevel": level, "PatientID": patient_id, "StudyInstanceUID": "1.1"}
            if level != "STUDY":
                values |= {"SeriesInstanceUID": series, "Modality": "RTPLAN"}
            if level == "IMAGE":
                values |= {"SeriesInstanceUID": "1.1.1", "SOPInstanceUID": f"{series}.1"}
            yield 0xFF00, answer(**values)

    with scp(find=mixes) as port, asking(port) as requester:
        found = requester.find_instances("P1")

    assert [item.sop_instance_uid for item in found] == ["1.1.1.1"]


@pytest.mark.parametrize("uid", ["", "../../etc/passwd", "1.2.x"])
def test_an_answer_without_valid_uid_is_invalid(uid):
    def odd(_event):
        ds = answer(QueryRetrieveLevel="STUDY", PatientID="P1")
        ds.add_new(0x0020000D, "LO", uid)  # a UID no toolkit would let pass
        yield 0xFF00, ds

    with (
        scp(find=odd) as port,
        asking(port) as requester,
        pytest.raises(SourceAnswerInvalid, match="without a valid StudyInstanceUID"),
    ):
        requester.find_instances("P1")


def test_a_second_end_of_one_answer_is_not_taken_for_the_next_one():
    """Else the next question would seem to be answered with "nothing"."""

    def ends_twice(event):
        yield 0xFF00, answer(QueryRetrieveLevel="STUDY", PatientID="P1", StudyInstanceUID="1.1")
        end = C_FIND()
        end.MessageIDBeingRespondedTo = event.message_id
        end.AffectedSOPClassUID, end.Status = FIND, 0x0000
        event.assoc.dimse.send_msg(end, event.context.context_id)

    with (
        scp(find=ends_twice) as port,
        asking(port) as requester,
        pytest.raises(SourceAnswerInvalid, match="answered a question that was not asked"),
    ):
        requester.find_instances("P1")


def test_answers_without_end_stop_at_the_named_limit(monkeypatch):
    monkeypatch.setattr(requester_module, "STUDIES_MAX", 20)

    def endless(_event):
        number = 0
        while True:
            number += 1
            yield 0xFF00, answer(QueryRetrieveLevel="STUDY", PatientID="P1", StudyInstanceUID=f"1.{number}")

    with (
        scp(find=endless) as port,
        asking(port) as requester,
        pytest.raises(SourceAnswerInvalid, match="more than 20 answers at STUDY level"),
    ):
        requester.find_instances("P1")


def test_answers_that_trickle_on_stop_at_the_deadline():
    def slow(_event):
        for number in range(1, 1000):
            time.sleep(0.1)
            yield 0xFF00, answer(QueryRetrieveLevel="STUDY", PatientID="P1", StudyInstanceUID=f"1.{number}")

    with (
        scp(find=slow) as port,
        asking(port) as requester,
        pytest.raises(SourceUnavailable, match="did not finish C-FIND"),
    ):
        requester.find_patients_treated_since(date(2026, 1, 1))


def test_an_archive_that_refuses_patient_ids_below_study_level_is_asked_without():
    asked: list[Dataset] = []

    def strict(event):
        asked.append(event.identifier)
        level = event.identifier.QueryRetrieveLevel
        if level != "STUDY" and "PatientID" in event.identifier:
            yield 0xA900, None
            return
        values = {"QueryRetrieveLevel": level, "StudyInstanceUID": "1.1"}
        values |= (
            {"PatientID": "P1"} if level == "STUDY" else {"SeriesInstanceUID": "1.1.1", "Modality": "CT"}
        )
        values |= {"SOPInstanceUID": "1.1.1.1"} if level == "IMAGE" else {}
        yield 0xFF00, answer(**values)

    with scp(find=strict) as port, asking(port) as requester:
        found = requester.find_instances("P1")

    assert [item.sop_instance_uid for item in found] == ["1.1.1.1"]
    assert [ds.QueryRetrieveLevel for ds in asked] == ["STUDY", "SERIES", "SERIES", "IMAGE"]


def test_objects_the_receiver_refused_are_named():
    def held(uid):
        ds = answer(SOPClassUID=CTImageStorage, SOPInstanceUID=uid, PatientID="P1", Modality="CT")
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        return ds

    def refuses_one(event):
        return 0xA700 if event.request.AffectedSOPInstanceUID == "1.1.1.2" else 0x0000

    with scp(
        services=(CTImageStorage,), called="BEAMKEEPER", calling="PEER", store=refuses_one
    ) as destination:

        def sends_two(_event):
            yield "127.0.0.1", destination, {"contexts": [build_context(CTImageStorage)]}
            yield 2
            yield 0xFF00, held("1.1.1.1")
            yield 0xFF00, held("1.1.1.2")

        with scp(move=sends_two) as port, asking(port) as requester:
            outcome = requester.move(study_instance_uid="1.1", destination_ae_title="BEAMKEEPER")

    assert (outcome.completed, outcome.failed, outcome.status) == (1, 1, 0xB000)
    assert outcome.failed_sop_instance_uids == ("1.1.1.2",)
    assert outcome.comment == "some objects could not be sent"


def test_non_ascii_patient_ids_travel_with_their_character_set():
    asked: list[Dataset] = []

    def keeps(event):
        asked.append(event.identifier)
        yield (
            0xFF00,
            answer(
                SpecificCharacterSet="ISO_IR 100",
                QueryRetrieveLevel="STUDY",
                PatientID="Müller-1",
                StudyInstanceUID="1.1",
            ),
        )

    with scp(find=keeps) as port, asking(port) as requester:
        studies = requester._studies_of("Müller-1", "Müller-1", time.monotonic() + 5)

    assert asked[0].SpecificCharacterSet == "ISO_IR 192"
    assert asked[0].PatientID == "Müller-1"
    assert studies == ["1.1"]


@pytest.mark.parametrize("title", ["", "   ", "x" * 17, "a\\b", "a\nb", "é"])
def test_what_is_no_ae_title_is_refused_before_anything_is_sent(title):
    with pytest.raises(ConfigError):
        Peer(ae_title=title, host="127.0.0.1", port=104)


def test_a_missing_tls_file_is_a_mistake_of_the_site_file(tmp_path, free_port):
    peer = Peer(
        ae_title="PEER", host="127.0.0.1", port=free_port, tls=TlsClient(ca_file=tmp_path / "none.pem")
    )
    with Requester(own_ae_title="BEAMKEEPER", peer=peer) as requester, pytest.raises(ConfigError):
        requester.echo()
