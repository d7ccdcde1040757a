"""TLS as a client of any peer: both prove themselves, nothing older than 1.2."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsClient:
    """How we prove ourselves to a peer, and it to us (PS3.15 B.12, BCP 195).

    Attributes
    ----------
    certificate_file, key_file
        Ours, PEM; None where the peer asks for none.
    server_name
        Name the peer's certificate must carry; "" for the host it is reached by.
    """

    ca_file: Path
    certificate_file: Path | None = None
    key_file: Path | None = None
    server_name: str = ""

    def context(self) -> ssl.SSLContext:
        """Return a TLS 1.2 or newer client context that verifies the peer.

        Raises
        ------
        ConfigError
            A file is missing or is no certificate or key.
        """
        try:
            context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=self.ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                "A TLS file of a peer is missing or is not valid PEM.",
                do_next="Check the certificate authority, certificate and key files in the site file.",
            ) from error
        return context
