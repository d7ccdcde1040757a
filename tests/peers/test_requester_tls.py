"""Asking over TLS: both sides prove themselves, and a stranger is not asked."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.dicom.requester import Peer, Requester, Timeouts
from beamkeeper.wire.tls import TlsClient

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUTS = Timeouts(connect_s=5, associate_s=2, answer_s=2)


@dataclass(frozen=True)
class Paper:
    certificate: Path
    key: Path


def issue(folder: Path, name: str, issuer: tuple | None = None) -> tuple[Paper, tuple]:
    """A certificate for 127.0.0.1, by itself or by an authority; the second value makes it one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_name, issuer_key = issuer or (subject, key)
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )
    paper = Paper(folder / f"{name}.pem", folder / f"{name}.key")
    paper.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paper.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paper, (subject, key)


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
