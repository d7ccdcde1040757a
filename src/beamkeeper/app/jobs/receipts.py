"""The receipt of a removal: what went where, and how that was proved; without any name."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.domain.codec import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.ledger import RemovalPlaceRow, RemovalRow

FORMAT: Final = "beamkeeper-removal-receipt"
FOLDER: Final = "receipts"
PSEUDONYM_SHOWN: Final = 10
NOT_REACHED: Final = (
    "Copies that Beamkeeper does not know are not covered: backups of the vault's disk or of a mirror,"
    " reports that were mailed or printed, restored files, exports."
)


def receipt_of(
    site: Site, row: RemovalRow, places: Sequence[RemovalPlaceRow], at: datetime
) -> dict[str, object]:
    """Return the receipt of one removal, as JSON types."""
    return {
        "format": FORMAT,
        "version": 1,
        "site": site.site.name,
        "pseudonym": row.pseudonym,
        "decided_on": row.decided_on.isoformat(),
        "reason": row.reason,
        "vault": row.receipt.get("vault"),
        "places": [_place(place) for place in places],
        "done_at": at.isoformat(),
        "not_reached": NOT_REACHED,
    }


def _place(place: RemovalPlaceRow) -> dict[str, object]:
    told = {
        "place": place.place,
        "kind": place.kind,
        "state": place.state,
        "said": place.said,
        "objects": place.count,
        "tries": place.tries,
        "last_asked_at": place.tried_at,
        "locked_until": place.until_on,
    }
    return {key: to_json(value) for key, value in told.items()}


def write_receipt(site: Site, receipt: Mapping[str, object]) -> str:
    """Keep a receipt as a file; return its SHA-256, which the audit log carries."""
    data = json.dumps(receipt, ensure_ascii=False, indent=1, sort_keys=True).encode()
    write_whole(receipt_path(site, receipt), data)
    return hashlib.sha256(data).hexdigest()


def receipt_path(site: Site, receipt: Mapping[str, object]) -> Path:
    """Return where a receipt lies: named by date and the first letters of the pseudonym."""
    pseudonym = str(receipt["pseudonym"])[:PSEUDONYM_SHOWN]
    return site.data_dir / FOLDER / f"{receipt['decided_on']}-{pseudonym}.json"
