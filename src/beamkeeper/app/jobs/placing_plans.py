"""What the plans of an incident ask of a machine: read from the vault once, kept in the incident's folder.

A plan is known by the digest that the inventory has of it, so it does not matter which copy gave the bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.demand import PlanDemand  # noqa: TC001 - the codec reads the type hints at run time
from beamkeeper.errors import BeamkeeperError, IntegrityError
from beamkeeper.vault.reading import OpenParcel, first_member, in_parallel, matching_state
from beamkeeper.vault.state import STATE_NAME
from beamkeeper.wire.dicom.reader_demand import read_demand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.protect.lists import Person
    from beamkeeper.vault import ParcelEntry, StoredObject

PLAN_BYTES_MAX: Final = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPlans:
    """What plans ask, by the digest of their files; read once."""

    demands: tuple[tuple[str, PlanDemand], ...]


def digest_of(person: Person, plan_uid: str) -> str | None:
    """Return the digest of the plan's file that the inventory knows; None where it is not kept."""
    found = (item.ref for item in person.objects if item.ref.sop_instance_uid == plan_uid)
    return next((ref.sha256 for ref in found), None)


def read_plans(
    opened: OpenedVault, wanted: Mapping[str, tuple[Person, Sequence[str]]], zone: ZoneInfo
) -> dict[str, PlanDemand | str]:
    """Return by digest what each plan asks, or in words why it cannot be read.

    Parameters
    ----------
    wanted
        By pseudonym: the patient of the inventory and the digests of the plans.
    """

    def of_patient(item: tuple[str, tuple[Person, Sequence[str]]]) -> dict[str, PlanDemand | str]:
        name, (person, digests) = item
        try:
            entry = opened.vault.latest(name, night=person.night)
            if entry is None:
                raise IntegrityError("This vault holds nothing of the patient.")
            return {digest: _demand(data, zone) for digest, data in _bytes(opened, entry, set(digests))}
        except BeamkeeperError as error:
            return dict.fromkeys(digests, error.message)

    found: dict[str, PlanDemand | str] = {}
    for name, of_one in zip(wanted, in_parallel(of_patient, wanted.items()), strict=True):
        missing = "its bytes are not in this copy of the vault"
        found |= {digest: of_one.get(digest, missing) for digest in wanted[name][1]}
    return found


def _demand(data: bytes, zone: ZoneInfo) -> PlanDemand | str:
    try:
        return read_demand(data, zone=zone)
    except BeamkeeperError as error:
        return error.message


def _bytes(opened: OpenedVault, entry: ParcelEntry, digests: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (digest, bytes) of plans, each from the parcel that the patient's state names.

    The state only says where to look: bytes are believed by their digest, which the inventory has.
    """
    with OpenParcel(opened.vault.store, entry, opened.identities) as parcel:
        state = matching_state(first_member(parcel.members(), entry, STATE_NAME), entry)
    parcels = {one.path: one for one in opened.vault.entries()}
    by_parcel: dict[str, list[StoredObject]] = {}
    for item in state.objects:
        if item.sha256 in digests and item.parcel in parcels:
            by_parcel.setdefault(item.parcel, []).append(item)
    for path, items in by_parcel.items():
        yield from _members(opened, parcels[path], {item.member: item.sha256 for item in items})


def _members(opened: OpenedVault, entry: ParcelEntry, wanted: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    with OpenParcel(opened.vault.store, entry, opened.identities) as parcel:
        for name, size, reader in parcel.members():
            if name in wanted and size <= PLAN_BYTES_MAX:
                data = reader.read()
                if hashlib.sha256(data).hexdigest() == wanted[name]:
                    yield wanted[name], data
            wanted.pop(name, None)
            if not wanted:
                return
