"""What the vault truly holds: a parcel that its signed metadata name may be gone from the disk or the share.

The ledger alone would go on calling its objects kept. They are taken again from the sources and sealed
anew; what no source holds any more is named as lost.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.looked import Arrived
from beamkeeper.app.jobs.standing import is_quarantined
from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.night import NotKept
from beamkeeper.vault import LostParcel, StoredObject
from beamkeeper.vault.metadata import SITE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.ledger import Ledger
    from beamkeeper.vault import StoredDocument, Vault
    from beamkeeper.wire.dicom.spool import SpooledObject

NAMES_SHOWN_MAX = 3
LOST = "its copy is gone from the vault, and no source gave it again"
NOTHING_LISTED = (
    "no source has any object of this patient, though planned or treated: compare the name, birth date and "
    "Patient ID of the list with the one in the archive, leading zeros and blanks included"
)
HAS_OBJECTS = frozenset(
    {CensusReason.TREATED_RECENTLY, CensusReason.PLANNED_NOT_STARTED, CensusReason.BEGUN_NOT_FINISHED}
)
Lost = dict[tuple[str, str], "StoredObject"]
"""Objects of one patient by (SOP Instance UID, SHA-256) whose parcel is gone."""


def lost_parcels(vault: Vault, ledger: Ledger) -> tuple[str, ...]:
    """Return the parcels that are not there at their size, and hold a version somebody would restore.

    Their bytes are not read here: `beamkeeper vault verify` does that.
    """
    absent = {
        entry.path: entry.pseudonym
        for entry in vault.entries()
        if vault.store.head(entry.storage_name) != entry.size_bytes
    }
    absent |= {path: path.partition("/")[0] for path in vault.forgotten()}
    needed = {
        item.parcel
        for pseudonym in set(absent.values())
        for item in _believed(ledger, pseudonym)
        if not item.superseded
    }
    # The newest parcel holds the state that everything is restored by, even when it holds nothing else.
    newest = (vault.latest(pseudonym) for pseudonym in set(absent.values()) - {SITE})
    needed |= {entry.path for entry in newest if entry is not None}
    return tuple(sorted(absent.keys() & needed))


def digests_in(parcels: Collection[str], ledger: Ledger) -> frozenset[bytes]:
    """Return the SHA-256 of everything the ledger believes to lie in these parcels."""
    pseudonyms = {path.partition("/")[0] for path in parcels}
    return frozenset(
        bytes.fromhex(item.sha256)
        for pseudonym in pseudonyms
        for item in ledger.current_objects(pseudonym)
        if item.parcel in parcels
    )


def settled(
    vault: Vault,
    ledger: Ledger,
    *,
    after: Callable[[str], Sequence[StoredObject | StoredDocument]],
    newest: Mapping[str, str],
    noticed_on: date,
) -> tuple[LostParcel, ...]:
    """Return a statement for every parcel that is gone and of which every object stands in another.

    Of a parcel that held one version which no source gave again, nothing is stated: it stays named, and
    `beamkeeper vault verify` goes on telling.

    Parameters
    ----------
    after
        Every version the vault holds of a patient's objects and documents after tonight.
    newest
        Paths of tonight's new parcels, by pseudonym.
    """
    absent = [entry for entry in vault.entries() if vault.store.head(entry.storage_name) != entry.size_bytes]
    gone = {entry.path for entry in absent}
    stated = []
    for entry in absent:
        before = vault.latest(entry.pseudonym)
        state_in = newest.get(entry.pseudonym) or (before.path if before else "")
        held = {_key(item): item.parcel for item in after(entry.pseudonym)}
        believed = [item for item in _believed(ledger, entry.pseudonym) if item.parcel == entry.path]
        places = {held.get(_key(item), "") for item in believed}
        if not believed:  # an earlier night has sealed them again
            places = {
                path for path in held.values() if path.rpartition("/")[2] > entry.path.rpartition("/")[2]
            }
        places.add(state_in)
        if "" not in places and not places & gone and entry.kind == "patient":
            stated.append(LostParcel(entry=entry, noticed_on=noticed_on, held_in=tuple(sorted(places))))
    return tuple(stated)


def _believed(ledger: Ledger, pseudonym: str) -> tuple[StoredObject | StoredDocument, ...]:
    """Return every version the ledger believes to be kept of a patient."""
    documents = (row.stored for row in ledger.documents(pseudonym))
    return (*ledger.current_objects(pseudonym), *documents)


def _key(item: StoredObject | StoredDocument) -> tuple[str, str]:
    """Return what tells versions apart: what it is of, and its bytes."""
    of = item.sop_instance_uid if isinstance(item, StoredObject) else item.document_id
    return of, item.sha256


def without_lost(
    kept: Iterable[StoredObject], parcels: Collection[str]
) -> tuple[tuple[StoredObject, ...], Lost]:
    """Return what the vault holds of a patient, and what the ledger believes and is not there."""
    held: list[StoredObject] = []
    lost: Lost = {}
    for item in kept:
        if item.parcel in parcels:
            lost[item.sop_instance_uid, item.sha256] = item
        else:
            held.append(item)
    return tuple(held), lost


def arrived_again(item: StoredObject, spooled: SpooledObject) -> Arrived:
    """Return an object of a lost parcel that came once more, to be sealed anew."""
    return Arrived(
        **asdict(item.plain()), pack=spooled.pack, offset=spooled.offset, readable=not is_quarantined(item)
    )


def still_lost(lost: Lost, received: Mapping[str, object]) -> tuple[NotKept, ...]:
    """Return the current objects of lost parcels that did not come again."""
    return tuple(
        NotKept(sop_instance_uid=uid, what=item.modality or "object", reason=LOST)
        for (uid, _), item in lost.items()
        if not item.superseded and uid not in received
    )


def nothing_listed(entry: CensusEntry) -> tuple[NotKept, ...]:
    """Return that a patient who must have objects has none: the sources may know another Patient ID.

    Somebody who only has an appointment may have nothing yet.
    """
    reasons = {claim.reason for claim in entry.claims}
    if not (reasons & HAS_OBJECTS or entry.counts):
        return ()
    return (NotKept(sop_instance_uid="", what="everything", reason=NOTHING_LISTED),)


def in_words(parcels: Collection[str]) -> tuple[str, ...]:
    """Return the sentence about lost parcels; nothing when none is lost."""
    if not parcels:
        return ()
    names = ", ".join(sorted(parcels)[:NAMES_SHOWN_MAX])
    more = f" and {len(parcels) - NAMES_SHOWN_MAX} more" if len(parcels) > NAMES_SHOWN_MAX else ""
    said = (
        f"The vault has lost {len(parcels)} of its parcels since they were stored ({names}{more}). What the "
        "sources still hold of them is sealed again tonight. Find out who or what removed them, and run "
        "`beamkeeper vault verify`: it names all that is not as it was signed."
    )
    return (said,)
