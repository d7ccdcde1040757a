"""Which DICOMweb service is spoken to, how we prove who we are, and how long we wait."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.wire.tls import TlsClient


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPeer:
    """One DICOMweb service.

    Attributes
    ----------
    url
        Up to and without "/studies".
    authorization
        Returns the value of the Authorization header, "" for none; asked for every request, because
        tokens of clouds live for an hour.
    tls
        Whom we trust and what we show; None for the authorities this computer trusts.
    answer_s
        Longest silence, while sending and while waiting for an answer, seconds.
    transfer_s
        For one whole request.
    """

    url: str
    authorization: Callable[[], str] = field(default=lambda: "", repr=False)
    tls: TlsClient | None = None
    connect_s: float = 10.0
    answer_s: float = 300.0
    transfer_s: float = 3600.0

    def __str__(self) -> str:
        return self.url


def basic(user: str, password: str) -> str:
    """Return the Authorization of a user with a password (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def bearer(token: str) -> str:
    """Return the Authorization of whoever bears a token (RFC 6750)."""
    return f"Bearer {token}"
