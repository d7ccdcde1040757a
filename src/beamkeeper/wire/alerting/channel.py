"""The port to a way of calling people; see tests/contract/alert_channel_contract.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import datetime

SEND_S_MAX: Final = 20.0
"""The longest a channel may take: others wait for nobody."""
TEXT_CHARACTERS_MAX: Final = 1_000


class Severity(IntEnum):
    """How urgent; the numbers are those of syslog.

    References
    ----------
    RFC 5424 section 6.2.1
    """

    ALERT = 1
    """Somebody must act now."""
    WARNING = 4
    NOTICE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One call to people, in words that name no patient.

    Attributes
    ----------
    kind
        "stopped", "overdue", "escalated", "disputed", "all_clear", "channel_failed", "mirror" or "test".
    night
        The local date it is about, ISO 8601; "" when it is about none.
    """

    kind: str
    severity: Severity
    site: str
    night: str
    text: str
    at: datetime

    def __post_init__(self) -> None:
        """Refuse a text no gateway takes, and an instant without a zone."""
        if not 0 < len(self.text) <= TEXT_CHARACTERS_MAX or self.at.tzinfo is None:
            raise ValueError("an alert is short, says something, and knows when it was")


class Channel(Protocol):
    """One way of calling people."""

    @property
    def name(self) -> str:
        """What the site file calls it."""

    def send(self, alert: Alert) -> None:
        """Hand the alert over, within `SEND_S_MAX`.

        Raises
        ------
        SourceUnavailable
            Nobody took it, and why.
        """

    def reach(self) -> None:
        """Go as far as an alert would, and tell nobody.

        Raises
        ------
        SourceUnavailable
            An alert would not come that far.
        """
