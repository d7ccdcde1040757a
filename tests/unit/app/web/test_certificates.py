"""The console's own authority: it signs for the console and for nothing else, and what ends is made anew."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from beamkeeper.app.web import certificates
from beamkeeper.app.web.certificates import RENEWED_BEFORE_END, SERVER_LASTS, Certificates, make_certificates
from beamkeeper.errors import ConfigError, KeyUnavailable

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = ("collector.example", "localhost", "127.0.0.1")
NOW = datetime.now(UTC)


def make(folder: Path, *, hosts=HOSTS, now=NOW, new_authority: bool = False) -> Certificates:
    return make_certificates(folder, hosts, site_name="AZ Example", now=now, new_authority=new_authority)


def handshake(authority: Path, server: Path, key: Path, name: str) -> str:
    """Shake hands over TLS on loopback; return what the client complains of, "" when it trusts."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(server, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            try:
                serving.wrap_socket(connection, server_side=True).close()
            except (ssl.SSLError, OSError):
                connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        trusting = ssl.create_default_context(cafile=authority)
        try:
            with (
                socket.create_connection(listening.getsockname()) as plain,
                trusting.wrap_socket(plain, server_hostname=name),
            ):
                return ""
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        finally:
            thread.join()


def test_a_browser_that_trusts_the_authority_trusts_every_name_of_the_console(tmp_path: Path) -> None:
    made = make(tmp_path)

    assert [handshake(made.authority, made.server, made.server_key, name) for name in HOSTS] == ["", "", ""]
    assert handshake(made.authority, made.server, made.server_key, "other.example")


def test_the_authority_is_trusted_for_nothing_but_the_console(tmp_path: Path) -> None:
    """Whoever steals its key cannot stand between a browser and another server of the hospital."""
    made = make(tmp_path / "ours")
    stolen = tmp_path / "stolen"
    stolen.mkdir()
    for name in ("authority.pem", "authority.key", "secret.key"):
        (stolen / name).write_bytes((tmp_path / "ours" / name).read_bytes())
    with pytest.raises(ConfigError, match=r"may not sign for bank\.example"):
        make(stolen, hosts=("bank.example",))

    certificates._make_server(stolen, ("bank.example",), NOW)  # what a thief's own program would do
    said = handshake(made.authority, stolen / "server.pem", stolen / "server.key", "bank.example")
    assert said == "permitted subtree violation"


def test_making_again_changes_nothing_and_only_its_owner_reads_the_keys(tmp_path: Path) -> None:
    first = make(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert make(tmp_path) == first
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("*.key")} == {0}


def test_the_server_certificate_is_made_anew_before_it_ends_by_the_same_authority(tmp_path: Path) -> None:
    first = make(tmp_path)
    old = first.server.read_bytes()
    almost = NOW + SERVER_LASTS - RENEWED_BEFORE_END
    assert make(tmp_path, now=almost - timedelta(days=1)).server.read_bytes() == old
    renewed = make(tmp_path, now=almost + timedelta(days=1))

    assert renewed.server.read_bytes() != old
    assert renewed.fingerprint == first.fingerprint
    assert renewed.server_ends_at > first.server_ends_at


def test_a_certificate_without_its_key_is_made_anew(tmp_path: Path) -> None:
    made = make(tmp_path)
    other = make(tmp_path.with_name("other"))
    made.server_key.write_bytes(other.server_key.read_bytes())

    again = make(tmp_path)
    assert handshake(again.authority, again.server, again.server_key, "localhost") == ""


def test_other_names_need_another_authority_by_a_persons_word(tmp_path: Path) -> None:
    first = make(tmp_path)
    with pytest.raises(ConfigError, match=r"new\.example"):
        make(tmp_path, hosts=(*HOSTS, "new.example"))

    made = make(tmp_path, hosts=(*HOSTS, "new.example"), new_authority=True)
    assert made.fingerprint != first.fingerprint
    assert handshake(made.authority, made.server, made.server_key, "new.example") == ""


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "authority.pem").write_text("nonsense")
    with pytest.raises(KeyUnavailable, match=r"authority\.pem cannot be read"):
        make(tmp_path)


def test_no_certificate_lasts_longer_than_browsers_accept(tmp_path: Path) -> None:
    made = x509.load_pem_x509_certificate(make(tmp_path).server.read_bytes())

    assert made.not_valid_after_utc - NOW <= timedelta(days=398)
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
