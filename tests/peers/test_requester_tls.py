"""Asking over TLS: both sides prove themselves, and a stranger is not asked."""

from __future__ import annotations

import ssl

import pytest
from pynetdicom import AE
from pynetdicom.sop_class import Verification
from tests.papers import issue

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.dicom.requester import Peer, Requester, Timeouts
from beamkeeper.wire.tls import TlsClient

TIMEOUTS = Timeouts(connect_s=5, associate_s=2, answer_s=2)


@pytest.fixture
def papers(tmp_path):
    authority, signs = issue(tmp_path, "authority")
    return {
        "authority": authority,
        "server": issue(tmp_path, "server", signs)[0],
        "client": issue(tmp_path, "client", signs)[0],
        "stranger": issue(tmp_path, "stranger")[0],
    }


@pytest.fixture
def port(papers):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers["server"].certificate, papers["server"].key)
    context.load_verify_locations(papers["authority"].certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    ae = AE(ae_title="PEER")
    ae.add_supported_context(Verification)
    server = ae.start_server(("127.0.0.1", 0), block=False, ssl_context=context)
    yield server.socket.getsockname()[1]
    server.shutdown()


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
