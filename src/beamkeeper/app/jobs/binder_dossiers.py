"""The dossiers that lie sealed in the vault, with their pictures, for a binder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.dossiers import DOSSIER_ID, DOSSIER_NAME
from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.protect.lists.binder import PART_BYTES_MAX
from beamkeeper.vault.reading import OpenParcel, matching_state
from beamkeeper.vault.state import STATE_BYTES_MAX, STATE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.protect.lists import Person
    from beamkeeper.vault import ParcelEntry

    Dossiers: TypeAlias = Callable[[Person], bytes | None]
    """Gives a patient's dossier; None where there is none, b"" where it cannot be read."""

UNREADABLE: Final = b""


def sealed_dossiers(opened: OpenedVault | None) -> Dossiers:
    """Return a giver of the dossier that is sealed with what a list says of a patient.

    A parcel without one, as the hour seals them, has newer records than any dossier: none is given then.
    """

    def give(person: Person) -> bytes | None:
        if opened is None or not opened.identities:
            return None
        entry = opened.vault.latest(person.pseudonym, night=person.night)
        if entry is None:
            return None
        try:
            return _read(opened, entry)
        except (IntegrityError, KeyUnavailable):
            return UNREADABLE

    return give


def _read(opened: OpenedVault, entry: ParcelEntry) -> bytes | None:
    """Return the dossier of a parcel, believed only once the whole parcel is the one that was signed."""
    found: bytes | None = None
    with OpenParcel(opened.vault.store, entry, opened.identities) as parcel:
        for name, size, source in parcel.members():
            if name == STATE_NAME:
                state = matching_state(source.read(STATE_BYTES_MAX + 1), entry)
                if not any(one.document_id == DOSSIER_ID for one in state.documents):
                    return None
            elif name == DOSSIER_NAME:
                found = source.read(PART_BYTES_MAX + 1) if size <= PART_BYTES_MAX else UNREADABLE
                break
        parcel.verify_whole()
    return found
