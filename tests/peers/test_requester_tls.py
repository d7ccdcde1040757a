"""Asking over TLS: both sides prove themselves, and a stranger is not asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind, Verification
from tests.papers import issue

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.dicom.requester import Peer, Requester, Timeouts
from beamkeeper.wire.dicom.requester_query import query
from beamkeeper.wire.tls import TlsClient

TIMEOUTS = Timeouts(connect_s=2, associate_s=2, answer_s=2)


@pytest.fixture
def papers(tmp_path):
    authority, signs = issue(tmp_path, "authority")
    return {
        "authority": authority,
        "server": issue(tmp_path, "server", signs)[0],
        "client": issue(tmp_path, "client", signs)[0],
        "stranger": issue(tmp_path, "stranger")[0],
    }


@contextlib.contextmanager
def serving(papers, **more: object):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers["server"].certificate, papers["server"].key)
    context.load_verify_locations(papers["authority"].certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    ae = AE(ae_title="PEER")
    ae.add_supported_context(Verification)
    ae.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    server = ae.start_server(("127.0.0.1", 0), block=False, ssl_context=context, **more)
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


@pytest.fixture
def port(papers):
    with serving(papers) as port:
        yield port


def asking(port: int, tls: TlsClient | None) -> Requester:
    peer = Peer(ae_title="PEER", host="127.0.0.1", port=port, tls=tls)
    return Requester(own_ae_title="BEAMKEEPER", peer=peer, timeouts=TIMEOUTS)


def client(papers, *, authority="authority", own="client", server_name="") -> TlsClient:
    return TlsClient(
        ca_file=papers[authority].certificate,
        certificate_file=papers[own].certificate,
        key_file=papers[own].key,
        server_name=server_name,
    )


def test_a_peer_answers_over_tls_when_both_sides_prove_themselves(port, papers):
    with asking(port, client(papers)) as requester:
        requester.echo()


def test_a_peer_of_another_authority_is_not_asked(port, papers):
    refused = pytest.raises(SourceUnavailable, match="does not accept the other's certificate")
    with asking(port, client(papers, authority="stranger")) as requester, refused:
        requester.echo()


def test_a_peer_with_another_name_is_not_asked(port, papers):
    refused = pytest.raises(SourceUnavailable, match="does not accept the other's certificate")
    with asking(port, client(papers, server_name="other.example")) as requester, refused:
        requester.echo()


def test_a_plain_question_to_a_tls_port_is_refused_in_words(port):
    with asking(port, None) as requester, pytest.raises(SourceUnavailable) as raised:
        requester.echo()

    assert "with or without TLS" in raised.value.do_next


def test_a_peer_that_wants_a_certificate_of_ours_is_understood_to_refuse(port, papers):
    """With TLS 1.3 it says so only after the handshake."""
    without = TlsClient(ca_file=papers["authority"].certificate)
    refused = pytest.raises(SourceUnavailable, match="does not accept the other's certificate")
    with asking(port, without) as requester, refused:
        requester.echo()


def test_a_peer_that_stalls_the_handshake_is_given_up(papers):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        refused = pytest.raises(SourceUnavailable, match="no TLS connection")
        with asking(silent.getsockname()[1], client(papers)) as requester, refused:
            requester.echo()


def test_a_closed_port_is_not_called_a_matter_of_certificates(free_port, papers):
    refused = pytest.raises(SourceUnavailable, match="Nothing answers")
    with asking(free_port, client(papers)) as requester, refused:
        requester.echo()


def test_a_long_list_comes_whole_over_tls(papers):
    def lists(event):
        if event.identifier.QueryRetrieveLevel != "STUDY":
            return
        for number in range(300):
            study = Dataset()
            study.QueryRetrieveLevel, study.PatientID = "STUDY", "P1"
            study.StudyInstanceUID = f"1.2.{number}"
            yield 0xFF00, study

    with serving(papers, evt_handlers=[(evt.EVT_C_FIND, lists)]) as port, asking(port, client(papers)) as one:
        asked = query("STUDY", returning=("StudyInstanceUID",), PatientID="P1")
        found = list(one.ask(asked, limit=300, deadline=time.monotonic() + 20))

    assert [answer.uid("StudyInstanceUID") for answer in found] == [f"1.2.{n}" for n in range(300)]
