"""Drawings of what moved in one object: both versions out of the vault, drawn side by side on demand.

Nothing is kept: a drawing carries what the list of changes says already, and the list is what people vote on.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.objects import ObjectKind
from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.protect.report.drawing import Drawing, drawn_plans, drawn_structures
from beamkeeper.vault.parcel import read_parcel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.ledger import Ledger
    from beamkeeper.vault import StoredObject, Vault

DRAWN_BYTES_MAX: Final = 64 << 20
"""A larger structure set takes longer to draw than somebody waits for a page."""
_DRAWN_BY: Final = {
    ObjectKind.PLAN: ("LeafJawPositions", drawn_plans),
    ObjectKind.STRUCTURE_SET: ("ContourData", drawn_structures),
}


def can_be_drawn(comparison: ObjectComparison) -> bool:
    """Whether leaves, jaws or contours moved."""
    kind = next((kind for kind in _DRAWN_BY if kind == comparison.kind), None)
    if kind is None:
        return False
    return any(_DRAWN_BY[kind][0] in change.path for change in comparison.changes)


def drawings(
    vault: Vault,
    ledger: Ledger,
    identities: Sequence[str],
    *,
    night: date,
    pseudonym: str,
    comparison: ObjectComparison,
) -> tuple[Drawing, ...]:
    """Return what moved in an object that one night found changed, the largest movement first.

    Nothing where one of the two versions is not in the vault: a night that was stopped sealed no new one.

    Raises
    ------
    KeyUnavailable
        This collector only encrypts.
    IntegrityError, ObjectUnreadable
        What the vault holds is not what was kept.
    """
    pair = versions(ledger.current_objects(pseudonym), comparison.sop_instance_uid, night)
    if pair is None or not can_be_drawn(comparison):
        return ()
    old, new = (_bytes_of(vault, item, identities) for item in pair)
    key = "d" + hashlib.sha256(comparison.sop_instance_uid.encode()).hexdigest()[:12]
    return _DRAWN_BY[ObjectKind(comparison.kind)][1](old, new, key=key)


def versions(
    kept: Sequence[StoredObject], sop_instance_uid: str, night: date
) -> tuple[StoredObject, StoredObject] | None:
    """Return the version of before a night and the one that came in it; None when one of them is not kept."""
    of_it = [item for item in kept if item.sop_instance_uid == sop_instance_uid]
    before = [item for item in of_it if item.first_seen_on < night]
    came = [item for item in of_it if item.first_seen_on == night]
    if not before or not came:
        return None
    return (
        max(before, key=lambda item: (item.last_seen_on, item.first_seen_on)),
        max(came, key=lambda item: (item.last_seen_on, not item.superseded)),
    )


def _bytes_of(vault: Vault, item: StoredObject, identities: Sequence[str]) -> bytes:
    if not identities:
        raise KeyUnavailable("This collector only encrypts: it cannot draw old against new.")
    entry = next((entry for entry in vault.entries() if entry.path == item.parcel), None)
    stream = None if entry is None else vault.store.get(entry.storage_name)
    if stream is None or item.size_bytes > DRAWN_BYTES_MAX:
        raise IntegrityError(
            f"The parcel {item.parcel} is not in the vault, or the object is too large to draw."
        )
    with stream, closing(read_parcel(stream, identities)) as found:
        for name, source in found:
            if name == item.member:
                data = source.read(DRAWN_BYTES_MAX + 1)
                if hashlib.sha256(data).hexdigest() == item.sha256:
                    return data
                break
    raise IntegrityError(
        "Bytes read back are not the bytes that were kept.", do_next="Run `beamkeeper vault verify --open`."
    )
