"""TLS with certificates on both sides: DCMTK and pynetdicom as senders, and strangers."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pydicom import dcmread
from pynetdicom import AE
from raw_sender import EXPLICIT, PLAN, RawSender, made_up, receiving

from beamkeeper.errors import ConfigError
from beamkeeper.wire.dicom.receiver import TlsServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Paper:
    """A certificate with its key, in PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Papers:
    authority: Paper
    server: Paper
    client: Paper
    stranger: Paper


def issue(folder: Path, name: str, issuer: tuple[x509.Name, rsa.RSAPrivateKey] | None) -> tuple:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_name, issuer_key = issuer or (subject, key)
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
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


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")
    authority, root = issue(folder, "authority", None)
    stranger, _ = issue(folder, "stranger", None)
    server, _ = issue(folder, "server", root)
    client, _ = issue(folder, "client", root)
    return Papers(authority, server, client, stranger)


def tls(papers: Papers, **more: object) -> TlsServer:
    return TlsServer(
        certificate_file=str(papers.server.certificate),
        private_key_file=str(papers.server.key),
        client_ca_file=str(papers.authority.certificate),
        **more,  # type: ignore[arg-type]
    )


def client_context(papers: Papers, paper: Paper | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(papers.authority.certificate))
    if paper:
        context.load_cert_chain(paper.certificate, paper.key)
    return context


@pytest.mark.peer
def test_storescu_with_a_certificate_is_served(
    tmp_path: Path, papers: Papers, real_data: Path, program: Callable[[str], str]
) -> None:
    paths = sorted((real_data / "ihero-brto-fullrefset").rglob("*.dcm"))[:12]
    with receiving(tmp_path, tls=tls(papers)) as here:
        subprocess.run(
            [
                program("storescu"),
                *("+tls", str(papers.client.key), str(papers.client.certificate)),
                *("+cf", str(papers.authority.certificate), "-aet", "TESTER", "-aec", "BEAMKEEPER"),
                *("127.0.0.1", str(here.port), *map(str, paths)),
            ],
            check=True,
            timeout=60,
        )
        spooled = here.reader.poll()

        assert len(spooled) == len(paths)
        assert all(here.reader.read(one) for one in spooled)


@pytest.mark.peer
def test_pynetdicom_with_a_certificate_is_served(tmp_path: Path, papers: Papers, real_data: Path) -> None:
    paths = sorted((real_data / "ihero-brto-fullrefset").rglob("*.dcm"))[:12]
    data_sets = [dcmread(path) for path in paths]
    ae = AE(ae_title="TESTER")
    for sop, syntax in sorted({(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID) for ds in data_sets}):
        ae.add_requested_context(sop, syntax)
    with receiving(tmp_path, tls=tls(papers)) as here:
        context = client_context(papers, papers.client)
        association = ae.associate(
            "127.0.0.1", here.port, ae_title="BEAMKEEPER", tls_args=(context, "127.0.0.1")
        )
        assert association.is_established
        assert [association.send_c_store(ds).Status for ds in data_sets] == [0] * len(paths)
        association.release()

        assert len(here.reader.poll()) == len(paths)


def wrapped(sender: RawSender, context: ssl.SSLContext) -> RawSender:
    sender.socket = context.wrap_socket(sender.socket, server_hostname="127.0.0.1")
    return sender


@pytest.mark.parametrize("fragment", [1, 5000, 60_000])
def test_fragments_of_any_size_pass_through_tls(tmp_path: Path, papers: Papers, fragment: int) -> None:
    instance = made_up(3_000_000 if fragment > 1 else 500)
    with receiving(tmp_path, tls=tls(papers)) as here, RawSender(here.port) as plain:
        sender = wrapped(plain, client_context(papers, papers.client))
        sender.associate([(1, PLAN, [EXPLICIT])])
        assert sender.store(instance, fragment=fragment) == 0
        assert sender.store(made_up(number=2), fragment=fragment, originator="BEAMKEEPER") == 0
        sender.release()
        first, second = here.reader.poll()

        assert here.reader.read(first).endswith(instance.data_set)
        assert second.solicited


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_a_peer_without_our_certificate_is_turned_away(tmp_path: Path, papers: Papers, who: str) -> None:
    paper = papers.stranger if who == "stranger" else None
    with receiving(tmp_path, tls=tls(papers)) as here:
        with RawSender(here.port) as plain, pytest.raises((OSError, EOFError)):
            wrapped(plain, client_context(papers, paper)).associate([(1, PLAN, [EXPLICIT])])
        with RawSender(here.port) as plain:
            sender = wrapped(plain, client_context(papers, papers.client))
            assert sender.associate([(1, PLAN, [EXPLICIT])]) is None


def test_a_plain_peer_and_a_silent_one_do_not_disturb(tmp_path: Path, papers: Papers) -> None:
    with receiving(tmp_path, tls=tls(papers), artim_s=1) as here:
        with RawSender(here.port) as plain, RawSender(here.port) as silent:
            with pytest.raises((OSError, EOFError, AssertionError)):
                plain.associate([(1, PLAN, [EXPLICIT])])
            assert silent.is_closed_by_peer()
        assert "tls_refused" in here.log()
        assert "association_crashed" not in here.log()


def test_tls_1_2_is_served(tmp_path: Path, papers: Papers) -> None:
    context = client_context(papers, papers.client)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with receiving(tmp_path, tls=tls(papers)) as here, RawSender(here.port) as plain:
        sender = wrapped(plain, context)

        assert sender.socket.version() == "TLSv1.2"  # type: ignore[attr-defined]
        assert sender.associate([(1, PLAN, [EXPLICIT])]) is None


def test_certificates_that_cannot_be_read_are_a_config_error(tmp_path: Path, papers: Papers) -> None:
    wrong = TlsServer(
        certificate_file=str(tmp_path / "missing.pem"),
        private_key_file=str(papers.server.key),
        client_ca_file=str(papers.authority.certificate),
    )
    with pytest.raises(ConfigError, match="certificates"), receiving(tmp_path, tls=wrong):
        pass
