"""The console's own certificate authority, and the server certificate it signs.

The authority may sign for the console's names only (critical name constraints), so that a hospital that
trusts it trusts it for nothing else. The server certificate is made anew when it is about to end or when
the site file names other hosts; the authority only by a person's word, because every browser must then
be told again.

References
----------
RFC 5280 4.2.1.10 (name constraints), 4.2.1.12 (extended key usage).
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.errors import ConfigError, KeyUnavailable, StorageFull

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.site import Site

AUTHORITY_LASTS: Final = timedelta(days=3650)
SERVER_LASTS: Final = timedelta(days=397)
"""The longest that browsers accept."""
RENEWED_BEFORE_END: Final = timedelta(days=60)
BEGUN_BEFORE: Final = timedelta(days=1)
"""Certificates begin a day early: the clock of another computer may be slow."""

AUTHORITY_NAME = "authority.pem"
AUTHORITY_KEY_NAME = "authority.key"
SERVER_NAME = "server.pem"
SERVER_KEY_NAME = "server.key"
SECRET_NAME = "secret.key"  # noqa: S105 - a file's name
SECRET_BYTES = 48


FOLDER_NAME = "console"


def console_dir(site: Site) -> Path:
    """Return where a site's console keeps its certificates and its secret."""
    return site.data_dir / FOLDER_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Where the files lie, and what they say.

    Attributes
    ----------
    authority
        The certificate to give to browsers; it holds no secret.
    fingerprint
        SHA-256 of it, as browsers show it.
    """

    authority: Path
    server: Path
    server_key: Path
    secret: Path
    fingerprint: str
    authority_ends_at: datetime
    server_ends_at: datetime


def make_certificates(
    folder: Path, hosts: Sequence[str], *, site_name: str, now: datetime, new_authority: bool = False
) -> Certificates:
    """Make what is missing or due in `folder`, and return everything; harmless to repeat.

    Parameters
    ----------
    hosts
        Names and addresses the pages answer to.
    new_authority
        Make another authority too: for other names than it may sign for, or when its key was stolen.

    Raises
    ------
    ConfigError
        The authority may not sign for one of `hosts`.
    KeyUnavailable
        A file is there and cannot be read.
    StorageFull
        The folder cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / SECRET_NAME).exists():
            write_whole(folder / SECRET_NAME, os.urandom(SECRET_BYTES).hex().encode())
        if new_authority or not (folder / AUTHORITY_NAME).exists():
            _make_authority(folder, hosts, site_name, now)
            (folder / SERVER_NAME).unlink(missing_ok=True)
        authority = _load(folder / AUTHORITY_NAME)
        _verify_permitted(authority, hosts)
        if _is_due(folder, hosts, now):
            _make_server(folder, hosts, now)
    except OSError as error:
        raise StorageFull(
            f"The console's folder {folder} cannot be written ({error.strerror}).",
            do_next="Give the collector's user the right to write there.",
        ) from error
    return Certificates(
        authority=folder / AUTHORITY_NAME,
        server=folder / SERVER_NAME,
        server_key=folder / SERVER_KEY_NAME,
        secret=folder / SECRET_NAME,
        fingerprint=authority.fingerprint(hashes.SHA256()).hex(":").upper(),
        authority_ends_at=authority.not_valid_after_utc,
        server_ends_at=_load(folder / SERVER_NAME).not_valid_after_utc,
    )


def _make_authority(folder: Path, hosts: Sequence[str], site_name: str, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Beamkeeper console, {site_name}"[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEGUN_BEFORE)
        .not_valid_after(now + AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.NameConstraints(
                permitted_subtrees=[_subtree(host) for host in hosts], excluded_subtrees=None
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    write_whole(folder / AUTHORITY_KEY_NAME, _pem(key))
    write_whole(folder / AUTHORITY_NAME, certificate.public_bytes(serialization.Encoding.PEM))


def _make_server(folder: Path, hosts: Sequence[str], now: datetime) -> None:
    authority = _load(folder / AUTHORITY_NAME)
    signing_key = _load_key(folder / AUTHORITY_KEY_NAME)
    key = ec.generate_private_key(ec.SECP256R1())
    ends_at = min(now + SERVER_LASTS, authority.not_valid_after_utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEGUN_BEFORE)
        .not_valid_after(ends_at)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
        .sign(signing_key, hashes.SHA256())
    )
    chain = certificate.public_bytes(serialization.Encoding.PEM)
    # The key first: a certificate without its key would stop the server.
    write_whole(folder / SERVER_KEY_NAME, _pem(key))
    write_whole(folder / SERVER_NAME, chain + authority.public_bytes(serialization.Encoding.PEM))


def _is_due(folder: Path, hosts: Sequence[str], now: datetime) -> bool:
    """Whether the server certificate must be made: none, about to end, other hosts, or not with its key."""
    if not (folder / SERVER_NAME).exists() or not (folder / SERVER_KEY_NAME).exists():
        return True
    certificate = _load(folder / SERVER_NAME)
    if certificate.not_valid_after_utc - now < RENEWED_BEFORE_END or certificate.not_valid_before_utc > now:
        return True
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if set(names) != {_general_name(host) for host in hosts}:
        return True
    return _load_key(folder / SERVER_KEY_NAME).public_key() != certificate.public_key()


def _verify_permitted(authority: x509.Certificate, hosts: Sequence[str]) -> None:
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = constraints.permitted_subtrees or []
    if refused := [host for host in hosts if _subtree(host) not in permitted]:
        raise ConfigError(
            f"The console's authority may not sign for {', '.join(refused)}: the site file has changed.",
            do_next="Make another: `beamkeeper console init --new-authority`. Then tell the browsers.",
        )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _subtree(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_network(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(path) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _unreadable(path)
    return key


def _unreadable(path: Path) -> KeyUnavailable:
    return KeyUnavailable(
        f"The console's file {path.name} cannot be read.",
        do_next="Put it back from your copy, or make all anew: `beamkeeper console init --new-authority`.",
    )
