"""The facts that lie sealed in a patient's parcel: what the hospital's systems said that night."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.looked import PatientFacts
from beamkeeper.app.jobs.sealing import FACTS_FORMAT, FACTS_NAME
from beamkeeper.domain.codec import from_json
from beamkeeper.errors import IntegrityError
from beamkeeper.vault.reading import matching_state, read_first_members
from beamkeeper.vault.state import STATE_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beamkeeper.vault import ParcelEntry, PatientState, Vault


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
    found = read_first_members(vault.store, entry, identities, (FACTS_NAME,))
    return _parse(_there(found, entry), entry)


def read_state_and_facts(
    vault: Vault, entry: ParcelEntry, identities: Sequence[str]
) -> tuple[PatientState, PatientFacts]:
    """Return state and facts of a parcel, which is read once for both; raises as `read_facts`."""
    found = read_first_members(vault.store, entry, identities, (STATE_NAME, FACTS_NAME))
    state = matching_state(found.get(STATE_NAME, b""), entry)
    return state, _parse(_there(found, entry), entry)


def _there(found: Mapping[str, bytes], entry: ParcelEntry) -> bytes:
    if FACTS_NAME not in found:
        raise IntegrityError(f"The parcel {entry.path} holds no {FACTS_NAME}.")
    return found[FACTS_NAME]


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
