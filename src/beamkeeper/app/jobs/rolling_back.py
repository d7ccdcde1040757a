"""Letting a site go on with a vault that was turned back: what that costs, and doing it (decision 0042)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.runtime import open_ledger, trusted_dir
from beamkeeper.errors import ConfigError
from beamkeeper.vault import LocalStore, SiteKeys
from beamkeeper.vault.rollback import TurnedBack, accept_rollback, find_rollback

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import Ledger

ACTION = "rollback accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackCost:
    """What going on with an older vault gives up.

    Attributes
    ----------
    last_night
        The newest night the older vault knows; None when it knows none.
    nights_lost
        Nights that ended in this ledger and are not in the older vault.
    parcels, objects, patients
        Parcels the ledger believes in and the older vault does not name; the versions of objects in them,
        and the patients they belong to. The next night asks the sources for all of them.
    """

    version_found: int
    version_seen: int
    last_night: date | None
    nights_lost: tuple[date, ...]
    parcels: tuple[str, ...]
    objects: int
    patients: int


def rollback_cost(site: Site) -> RollbackCost:
    """Return what accepting the vault as it lies there would give up; nothing is changed.

    Raises
    ------
    ConfigError
        The vault was not turned back.
    IntegrityError
        It is not merely older: that is never accepted.
    """
    found = _found(site)
    return _cost(found, open_ledger(site))


def accept(site: Site, clock: Clock, *, night: date, reason: str, actor: str) -> tuple[RollbackCost, int]:
    """Go on with the older vault; return what was given up and the new version of its metadata.

    Parameters
    ----------
    night
        The last night of the older vault, as the person who decides was shown it.
    reason
        Why, for the audit log: without patients' names.

    Raises
    ------
    ConfigError
        The vault was not turned back, or its last night is another.
    """
    found, keys, ledger = _found(site), SiteKeys.load(site.vault.keys_dir), open_ledger(site)
    cost = _cost(found, ledger)
    if cost.last_night != night:
        raise ConfigError(
            f"The last night of the vault that lies there is {cost.last_night or 'none'}, not {night}.",
            do_next="Look again: `beamkeeper vault accept-rollback` without --night.",
        )
    details: dict[str, object] = {
        "night": night.isoformat(),
        "reason": reason,
        "version_found": cost.version_found,
        "version_seen": cost.version_seen,
        "nights_lost": [day.isoformat() for day in cost.nights_lost],
        "parcels": len(cost.parcels),
        "objects": cost.objects,
    }
    # Before anything is signed: when the log cannot be written, nothing is accepted.
    ledger.audit.append(ACTION, actor=actor, outcome="begun", details=details, at=clock.now())
    version = accept_rollback(
        LocalStore(site.vault.directory),
        found,
        trusted_dir=trusted_dir(site),
        keys=keys,
        believed=cost.parcels,
    )
    ledger.audit.append(
        ACTION, actor=actor, outcome="ok", details={**details, "version": version}, at=clock.now()
    )
    return cost, version


def _found(site: Site) -> TurnedBack:
    found = find_rollback(LocalStore(site.vault.directory), trusted_dir=trusted_dir(site))
    if found is None:
        raise ConfigError(
            "This vault was not turned back: there is nothing to accept.",
            do_next="See `beamkeeper vault verify`.",
        )
    return found


def _cost(found: TurnedBack, ledger: Ledger) -> RollbackCost:
    named = {entry.path for entry in found.trusted.entries}
    nights = found.trusted.nights
    parcels: set[str] = set()
    patients = objects = 0
    for patient in ledger.patients():
        gone = [item for item in ledger.current_objects(patient.pseudonym) if item.parcel not in named]
        parcels.update(item.parcel for item in gone)
        objects += len(gone)
        patients += bool(gone)
    return RollbackCost(
        version_found=found.trusted.timestamp_version,
        version_seen=found.seen.timestamp,
        last_night=nights[-1] if nights else None,
        nights_lost=tuple(
            sorted(row.run_on for row in ledger.nights() if row.finished_at and row.run_on not in nights)
        ),
        parcels=tuple(sorted(parcels)),
        objects=objects,
        patients=patients,
    )
