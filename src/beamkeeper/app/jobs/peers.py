"""Servers as sections of the site file name them, in the words of the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from beamkeeper.wire.hl7 import Hl7Peer
from beamkeeper.wire.tls import TlsClient

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.site_removals import Hl7Section


class TlsSection(Protocol):
    """A section that may name an authority, and a certificate of ours with its key."""

    @property
    def tls_ca(self) -> Path | None:
        """Whom we believe; None for a connection in clear."""

    @property
    def tls_certificate(self) -> Path | None:
        """Ours; None where the server asks for none."""

    @property
    def tls_key(self) -> Path | None:
        """Of our certificate."""


def tls_client(section: TlsSection, *, server_name: str = "") -> TlsClient | None:
    """Return how a section's server is spoken to; None for in clear.

    Parameters
    ----------
    server_name
        Name its certificate must carry; "" for the host it is reached by.
    """
    if section.tls_ca is None:
        return None
    return TlsClient(
        ca_file=section.tls_ca,
        certificate_file=section.tls_certificate,
        key_file=section.tls_key,
        server_name=server_name,
    )


def hl7_peer(section: Hl7Section) -> Hl7Peer:
    """Return the receiver of messages that a section means."""
    return Hl7Peer(
        host=section.host,
        port=section.port,
        tls=tls_client(section, server_name=section.tls_name),
        answer_s=section.answer_seconds,
    )
