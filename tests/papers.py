"""Certificates for peers on this machine, made for one test."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from beamkeeper.wire.tls import TlsClient

if TYPE_CHECKING:
    from pathlib import Path


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
        # What Python 3.13 asks of every certificate, as authorities have long issued them (RFC 5280, 4.2.1).
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .add_extension(_usage(is_authority=issuer is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
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


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


class Papers:
    """An authority, a server and a client it vouches for, and a stranger it does not."""

    def __init__(self, folder: Path) -> None:
        self.authority, signs = issue(folder, "authority")
        self._server, self._client = (issue(folder, name, signs)[0] for name in ("server", "client"))
        self._stranger = issue(folder, "stranger")[0]

    def server(self) -> ssl.SSLContext:
        """Return a server's context that demands a certificate of the authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server.certificate, self._server.key)
        context.load_verify_locations(self.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self) -> TlsClient:
        return self._of(self._client)

    def stranger(self) -> TlsClient:
        return self._of(self._stranger)

    def _of(self, paper: Paper) -> TlsClient:
        return TlsClient(
            ca_file=self.authority.certificate, certificate_file=paper.certificate, key_file=paper.key
        )
