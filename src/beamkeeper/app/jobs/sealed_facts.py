"""The facts that lie sealed in a patient's parcel: what the hospital's systems said that night."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.looked import PatientFacts
from beamkeeper.app.jobs.sealing import FACTS_FORMAT, FACTS_NAME
from beamkeeper.domain.codec import from_json
from beamkeeper.errors import IntegrityError
from beamkeeper.vault.reading import OpenParcel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.vault import ParcelEntry, Vault

FACTS_BYTES_MAX = 256 << 20


def read_facts(vault: Vault, entry: ParcelEntry, identities: Sequence[str]) -> PatientFacts:
    """Return the facts sealed in a parcel.

    Parameters
    ----------
    identities
        age identities, one of which opens it.

    Raises
    ------
    IntegrityError
        They are not there, not what was signed, or not what this version reads.
    """
    data: bytes | None = None
    with OpenParcel(vault.store, entry, identities) as parcel:
        for name, _, source in parcel.members():
            if name == FACTS_NAME:
                data = source.read(FACTS_BYTES_MAX)
                break
        # age does not say who sealed: believed only once the whole parcel is the one that was signed.
        parcel.verify_whole()
    if data is None:
        raise IntegrityError(f"The parcel {entry.path} holds no {FACTS_NAME}.")
    return _parse(data, entry)


def _parse(data: bytes, entry: ParcelEntry) -> PatientFacts:
    try:
        document = json.loads(data)
        found = {key: document.pop(key, None) for key in FACTS_FORMAT}
        if found == FACTS_FORMAT:
            return from_json(PatientFacts, document["facts"])
        why = f"it says it is {found}"
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        why = str(error)
    raise IntegrityError(
        f"{FACTS_NAME} in {entry.path} cannot be read: {why}.",
        do_next="Read it with the version of Beamkeeper that sealed it.",
    )
