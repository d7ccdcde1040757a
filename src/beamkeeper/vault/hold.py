"""The notice that an incident is open: whoever holds it beside a vault keeps everything in that place.

It is not signed, because whoever declares may hold no key of the collector: it can keep things longer, never
make them go. It says no name of a hospital or a patient. A notice that cannot be read holds all the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beamkeeper.vault.store import ParcelStore

HOLD_NAME: Final = "hold/incident.json"
_FORMAT: Final = "beamkeeper-hold"
HOLD_BYTES_MAX: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An open incident.

    Attributes
    ----------
    incident_id
        "" when the notice cannot be read.
    declared_at
        None when the notice cannot be read.
    """

    incident_id: str = ""
    declared_at: datetime | None = None

    @property
    def said(self) -> str:
        """In words, for whoever wonders why nothing is removed."""
        if self.declared_at is None:
            return "A notice of an incident lies there, and cannot be read."
        return f"The incident {self.incident_id} is open since {self.declared_at:%Y-%m-%d %H:%M} UTC."


def hold_bytes(hold: Hold) -> bytes:
    """Return a notice as it lies in a place."""
    assert hold.declared_at is not None  # noqa: S101 - only a read notice may lack it
    document = {
        "format": _FORMAT,
        "version": 1,
        "incident": hold.incident_id,
        "declared_at": hold.declared_at.isoformat(),
    }
    return json.dumps(document).encode()


def place_hold(store: ParcelStore, hold: Hold) -> None:
    """Put the notice into a place; one that is there already stays.

    Raises
    ------
    StorageFull, SourceUnavailable
        Nothing was put there.
    """
    if store.head(HOLD_NAME) is None:
        store.replace(HOLD_NAME, hold_bytes(hold))


def lift_hold(store: ParcelStore) -> None:
    """Take the notice away; done already is fine."""
    store.delete(HOLD_NAME)


def find_hold(store: ParcelStore) -> Hold | None:
    """Return the notice that lies in a place; None when the place answered that there is none."""
    source = store.get(HOLD_NAME)
    if source is None:
        return None
    with source:
        return read_hold(source.read(HOLD_BYTES_MAX + 1))


def read_hold(data: bytes) -> Hold:
    """Return what the bytes of a notice say; whatever they are, they hold."""
    try:
        document = json.loads(data)
        declared_at = datetime.fromisoformat(document["declared_at"])
        if document["format"] == _FORMAT and declared_at.tzinfo is not None and len(data) <= HOLD_BYTES_MAX:
            return Hold(incident_id=str(document["incident"])[:40], declared_at=declared_at)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return Hold()
