"""Objects sent by C-STORE arrive byte for byte, and what a peer says of them is told as it is."""

from __future__ import annotations

import contextlib
import resource
import ssl

import pytest
from outgoing_objects import outgoing_of, real_outgoing, whole, written
from pydicom import dcmread
from pynetdicom import AE, evt
from pynetdicom.sop_class import RTPlanStorage
from query_archives import OWN_AE_TITLE, orthanc, running
from raw_sender import EXPLICIT, IMPLICIT, PLAN, read_instance
from tests.listening import free_port
from tests.papers import issue

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.protect.compare import CompareRules, content_digest
from beamkeeper.wire.dicom.outgoing import StoreVerdict
from beamkeeper.wire.dicom.requester import Requester
from beamkeeper.wire.dicom.sender import Peer, Sender, Timeouts
from beamkeeper.wire.dicom.spool import SpoolReader, SpoolWriter
from beamkeeper.wire.tls import TlsClient

pytestmark = pytest.mark.peer
RULES = CompareRules()
TIMEOUTS = Timeouts(connect_s=5, associate_s=5, answer_s=10, pending_s=20, query_s=60, transfer_s=60)


def kinds_of(items) -> set[tuple[str, str]]:
    return {(item.sop_class_uid, item.transfer_syntax_uid) for item in items}


def sending(port, items, *, ae_title="PEER", tls=None, timeouts=TIMEOUTS) -> Sender:
    peer = Peer(ae_title=ae_title, host="127.0.0.1", port=port, tls=tls)
    return Sender(own_ae_title=OWN_AE_TITLE, peer=peer, kinds=kinds_of(items), timeouts=timeouts)


@contextlib.contextmanager
def answering(status: int, *, contexts=((RTPlanStorage, EXPLICIT),), ssl_context=None, kept=None):
    """A pynetdicom provider that answers every C-STORE with one status."""

    def store(event):
        if kept is not None:
            kept.append(event.request.DataSet.getvalue())
        return status

    ae = AE(ae_title="PEER")
    for sop_class, syntax in contexts:
        ae.add_supported_context(sop_class, syntax)
    server = ae.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)], ssl_context=ssl_context
    )
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


def test_real_objects_arrive_at_dcmtk_byte_for_byte(program, tmp_path, real_data):
    items = {item.sop_instance_uid: item for item in real_outgoing(real_data)}
    port = free_port()
    kept = tmp_path / "received"
    kept.mkdir()
    command = [program("storescp"), "+xa", "+B", "-od", str(kept), str(port)]
    with running(command, port=port, log=tmp_path / "log"), sending(port, items.values()) as sender:
        answers = {uid: sender.store(item) for uid, item in items.items()}
        sender.close()
        came = {one.sop_instance_uid: one for path in kept.iterdir() if (one := read_instance(path))}

    assert {answer.verdict for answer in answers.values()} == {StoreVerdict.STORED}
    assert came.keys() == items.keys()
    for uid, item in items.items():
        assert came[uid].transfer_syntax_uid == item.transfer_syntax_uid
        assert came[uid].data_set == item.path.read_bytes()[item.data_set_at :]


def test_what_orthanc_took_comes_back_with_every_value(program, tmp_path, real_data):
    items = {item.sop_instance_uid: item for item in real_outgoing(real_data, most=60)}
    with orthanc(program("Orthanc"), tmp_path) as archive:
        peer = Peer(ae_title="ORTHANC", host="127.0.0.1", port=archive.port)
        with sending(archive.port, items.values(), ae_title="ORTHANC") as sender:
            assert all(sender.store(item).is_taken for item in items.values())
        with (
            Requester(own_ae_title=OWN_AE_TITLE, peer=peer, timeouts=TIMEOUTS) as asking,
            SpoolWriter(tmp_path / "spool", "back") as writer,
        ):
            asking.expect(item.sop_class_uid for item in items.values())
            for item in items.values():
                asking.get(
                    study_instance_uid=item.study_instance_uid,
                    series_instance_uid=item.series_instance_uid,
                    sop_instance_uids=(item.sop_instance_uid,),
                    writer=writer,
                )
    reader = SpoolReader(tmp_path / "spool")
    back = {one.sop_instance_uid: reader.read(one) for one in reader.poll()}

    assert back.keys() == items.keys()
    for uid, item in items.items():  # Orthanc writes data sets anew
        assert content_digest(back[uid], RULES) == content_digest(item.path.read_bytes(), RULES)


def test_a_store_that_gives_back_far_more_than_was_asked_for_is_cut_off(program, tmp_path):
    """Else a hostile one could fill the collector's disk."""
    uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "PatientID": "P1"}
    items = [_named(written(tmp_path, whole(400_000, number)), tmp_path, **uids) for number in (1, 2)]
    with orthanc(program("Orthanc"), tmp_path) as archive:
        peer = Peer(ae_title="ORTHANC", host="127.0.0.1", port=archive.port)
        with sending(archive.port, items, ae_title="ORTHANC") as sender:
            assert all(sender.store(item).is_taken for item in items)

        def get(bytes_max: int) -> int:
            spool = tmp_path / f"spool {bytes_max}"
            with (
                Requester(own_ae_title=OWN_AE_TITLE, peer=peer, timeouts=TIMEOUTS) as asking,
                SpoolWriter(spool, "back") as writer,
            ):
                asking.get(
                    study_instance_uid="1.2.3",
                    series_instance_uid="1.2.3.4",
                    writer=writer,
                    bytes_max=bytes_max,
                )
            return len(SpoolReader(spool).poll())

        assert get(1_000_000) == 2
        with pytest.raises(SourceAnswerInvalid, match="far more"):
            get(600_000)


def _named(item, folder, **elements: str):
    """Give an object the elements that an archive sorts by."""
    dataset = dcmread(item.path)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    path = folder / f"{item.sop_instance_uid}.named"
    dataset.save_as(path, enforce_file_format=True)
    return outgoing_of(path)


@pytest.mark.parametrize(
    ("status", "verdict", "words"),
    [
        (0x0000, StoreVerdict.STORED, ""),
        (0xB000, StoreVerdict.WARNED, "elements were changed"),
        (0xB007, StoreVerdict.WARNED, "does not match its class"),
        (0xA700, StoreVerdict.FULL, "no room"),
        (0xA900, StoreVerdict.REFUSED, "does not match its class"),
        (0xC123, StoreVerdict.REFUSED, "cannot understand"),
        (0x0122, StoreVerdict.REFUSED, "does not store objects of this class"),
        (0x0124, StoreVerdict.REFUSED, "not allowed"),
        (0x0999, StoreVerdict.REFUSED, "gives no reason"),
    ],
)
def test_every_status_is_told_for_what_it_is(tmp_path, status, verdict, words):
    item = written(tmp_path, whole(500))
    with answering(status) as port, sending(port, [item]) as sender:
        answer = sender.store(item)

    assert (answer.verdict, answer.status) == (verdict, status)
    assert words in answer.reason
    assert answer.is_taken == (status in {0x0000, 0xB000, 0xB007})


def test_a_class_the_peer_does_not_agree_to_is_named_and_not_sent(tmp_path):
    agreed = written(tmp_path, whole(500, 1))
    other = written(tmp_path, whole(500, 2, syntax=IMPLICIT))
    kept: list[bytes] = []
    with answering(0, kept=kept) as port, sending(port, [agreed, other]) as sender:
        answers = [sender.store(other), sender.store(agreed)]

    assert [answer.verdict for answer in answers] == [StoreVerdict.NOT_AGREED, StoreVerdict.STORED]
    assert PLAN in answers[0].reason
    assert IMPLICIT in answers[0].reason
    assert len(kept) == 1


def test_more_kinds_than_an_association_holds_go_over_several(program, tmp_path):
    base = "1.2.840.10008.5.1.4.1.1."
    classes = [f"{base}{number}" for number in range(200, 340)]
    items = [
        written(tmp_path, whole(500, number, sop_class=sop_class)) for number, sop_class in enumerate(classes)
    ]
    port = free_port()
    command = [program("storescp"), "-pm", "-aet", OWN_AE_TITLE, "-od", str(tmp_path), str(port)]
    with running(command, port=port, log=tmp_path / "log"), sending(port, items) as sender:
        answers = [sender.store(item) for item in items]

    assert len(answers) == 140
    assert {answer.verdict for answer in answers} == {StoreVerdict.STORED}


@pytest.mark.parametrize("max_pdu", [4096, 16384, 131072])
def test_sizes_around_a_pdu_arrive_whole(program, tmp_path, max_pdu):
    step = max_pdu - 6
    sizes = [200, step - 2, step, step + 2, 2 * step, 2 * step + 2, 1_000_000]
    items = [written(tmp_path, whole(size, number)) for number, size in enumerate(sizes, 1)]
    port = free_port()
    kept = tmp_path / "received"
    kept.mkdir()
    command = [program("storescp"), "-pdu", str(max_pdu), "+B", "-od", str(kept), str(port)]
    with running(command, port=port, log=tmp_path / "log"), sending(port, items) as sender:
        answers = [sender.store(item) for item in items]
        sender.close()
    came = {one.sop_instance_uid: one.data_set for path in kept.iterdir() if (one := read_instance(path))}

    assert {answer.verdict for answer in answers} == {StoreVerdict.STORED}
    assert [item.data_set_bytes for item in items] == sizes
    for item in items:
        assert came[item.sop_instance_uid] == item.path.read_bytes()[item.data_set_at :]


def test_objects_go_over_tls_where_both_sides_prove_themselves(tmp_path):
    authority, signs = issue(tmp_path, "authority")
    server, client = issue(tmp_path, "server", signs)[0], issue(tmp_path, "client", signs)[0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    own = TlsClient(
        ca_file=authority.certificate,
        certificate_file=client.certificate,
        key_file=client.key,
    )
    item = written(tmp_path, whole(3_000_000))
    kept: list[bytes] = []
    with answering(0, ssl_context=context, kept=kept) as port, sending(port, [item], tls=own) as sender:
        answer = sender.store(item)

    assert answer.verdict is StoreVerdict.STORED
    assert kept[0] == item.path.read_bytes()[item.data_set_at :]


def test_objects_go_to_dcmtk_over_tls(program, tmp_path):
    authority, signs = issue(tmp_path, "authority")
    server, client = issue(tmp_path, "server", signs)[0], issue(tmp_path, "client", signs)[0]
    own = TlsClient(ca_file=authority.certificate, certificate_file=client.certificate, key_file=client.key)
    item = written(tmp_path, whole(1_000_000))
    port = free_port()
    kept = tmp_path / "received"
    kept.mkdir()
    secured = ["+tls", str(server.key), str(server.certificate), "+cf", str(authority.certificate), "-rc"]
    command = [program("storescp"), *secured, "+B", "-od", str(kept), str(port)]
    with running(command, port=port, log=tmp_path / "log"), sending(port, [item], tls=own) as sender:
        answer = sender.store(item)
        sender.close()
    came = [read_instance(path) for path in kept.iterdir()]

    assert answer.verdict is StoreVerdict.STORED
    assert [one.data_set for one in came if one] == [item.path.read_bytes()[item.data_set_at :]]


def test_a_peer_that_hangs_up_in_the_middle_is_unavailable_and_the_next_object_goes(tmp_path):
    def leave(event):
        if event.request.AffectedSOPInstanceUID == "1.2.3.4.1":
            event.assoc.abort()
        return 0

    items = [written(tmp_path, whole(500, number)) for number in (1, 2)]
    ae = AE(ae_title="PEER")
    ae.add_supported_context(RTPlanStorage, EXPLICIT)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, leave)])
    try:
        with sending(server.socket.getsockname()[1], items) as sender:
            with pytest.raises(SourceUnavailable, match="closed the association"):
                sender.store(items[0])
            assert sender.store(items[1]).verdict is StoreVerdict.STORED
    finally:
        server.shutdown()


def test_a_large_object_costs_no_memory(program, tmp_path):
    """300 MB through a peer that throws them away; our own peak may not grow by a tenth of it."""
    item = written(tmp_path, whole(300_000_000))
    port = free_port()
    command = [program("storescp"), "--ignore", "-aet", OWN_AE_TITLE, str(port)]
    with running(command, port=port, log=tmp_path / "log"), sending(port, [item]) as sender:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = sender.store(item)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert answer.verdict is StoreVerdict.STORED
    assert after - before < 30_000  # kB
