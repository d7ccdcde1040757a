"""From a patient's state and files to what goes into a parcel: pure preparation, nothing is stored here."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from beamkeeper.errors import IntegrityError
from beamkeeper.vault.state import THIS_PARCEL, PatientState, StoredDocument, StoredObject, state_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from beamkeeper.vault.tarstream import Member

_Stored = TypeVar("_Stored", StoredObject, StoredDocument)


def placed_in(state: PatientState, path: str) -> PatientState:
    """Return `state` with the path of its own parcel filled in."""
    return replace(
        state,
        objects=tuple(_with_parcel(item, path) for item in state.objects),
        documents=tuple(_with_parcel(item, path) for item in state.documents),
    )


def _with_parcel(item: _Stored, path: str) -> _Stored:
    return replace(item, parcel=path) if item.parcel == THIS_PARCEL else item


def announced(members: Sequence[Member], state: PatientState, path: str) -> list[Member]:
    """Return `members` with the digests that `state` promises, so that sealing verifies them."""
    promised = {item.member: item for item in state.items() if item.parcel == path}
    given = {member.name: member for member in members}
    for name, item in promised.items():
        member = given.get(name)
        if member is None or member.size_bytes != item.size_bytes or member.sha256 not in {None, item.sha256}:
            raise IntegrityError(
                f"{name} is not among the files to be sealed, or not as the new state says.",
                do_next="Collect this patient again; nothing of this parcel was stored.",
                member=name,
            )
        given[name] = replace(member, sha256=item.sha256)
    return list(given.values())


def verify_parcels_named(state: PatientState, known: Collection[str]) -> None:
    """Refuse a state that names a parcel which is not among `known`.

    Raises
    ------
    IntegrityError
        It names one the vault does not hold.
    """
    for item in state.items():
        if item.parcel not in known:
            raise IntegrityError(
                f"The new state names the parcel {item.parcel}, which the vault does not hold.",
                do_next="Rebuild the ledger from the vault, then run the night again.",
                path=item.parcel,
            )


def content_key(members: Sequence[Member], state: PatientState) -> str:
    """Return a digest of everything that a parcel will hold, before anything is sealed."""
    promised = {item.member: item.sha256 for item in state.items() if not item.parcel}
    digest = hashlib.sha256(state_bytes(state))
    for member in sorted(members, key=lambda member: member.name):
        known = member.sha256 or promised.get(member.name) or _digest_of(member)
        digest.update(f"\n{member.name} {member.size_bytes} {known}".encode())
    return digest.hexdigest()


def _digest_of(member: Member) -> str:
    with member.open() as source:
        return hashlib.file_digest(source, "sha256").hexdigest()  # type: ignore[arg-type]
