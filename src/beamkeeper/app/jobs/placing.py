"""Who goes where, on the day: drafted, solved, kept and printed.

Everything is kept as a numbered draft or version in the incident's folder, with a line of the journal. What
people do by hand is in `placing_hand`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.placing_facts import candidates, wanted_plans
from beamkeeper.app.jobs.placing_folder import (
    DRAFT,
    INSTANCE,
    PARTNERS,
    PLACEMENT,
    PLANS,
    VERSION,
    PlacementFolder,
    Standing,
)
from beamkeeper.app.jobs.placing_pages import (
    DRAFT_FILES,
    VERSION_FILES,
    draft_files,
    head_of,
    version_files,
)
from beamkeeper.app.jobs.placing_plans import KnownPlans, read_plans
from beamkeeper.app.jobs.triage import order_of
from beamkeeper.domain.demand import PlanDemand
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.placement import Instance, solve
from beamkeeper.respond.placement.board import NOWHERE, Board, board_of
from beamkeeper.respond.placement.drafting import Draft
from beamkeeper.respond.placement.drafting import draft as drafted
from beamkeeper.respond.placement.pages import Told
from beamkeeper.respond.placement.partners import read_partners
from beamkeeper.respond.placement.solving import SECONDS
from beamkeeper.respond.placement.version import Version, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from beamkeeper.app.opened import OpenedVault

FRACTIONS_LEFT_MIN: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who acts, and when.

    Attributes
    ----------
    by
        Name and role, as typed.
    signed
        Login of a person of the incident who gave the passphrase for it; "" where a name was typed.
    """

    by: str
    at: datetime
    signed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Where a placement stands: the version that counts and everything it was made from."""

    stand: Standing
    version: Version
    draft: Draft
    board: Board


def make_draft(
    folder: PlacementFolder,
    partners_text: str,
    *,
    open_vault: Callable[[], OpenedVault],
    first_on: date,
    who: Who,
) -> tuple[int, Draft, Instance]:
    """Hold every open plan of an incident against every machine of the partners, and keep it as a draft.

    Parameters
    ----------
    open_vault
        Asked only where a plan is needed that was not read before.

    Raises
    ------
    ConfigError
        The partners' file is wrong, or there is no inventory: nothing is written.
    """
    file = read_partners(partners_text)
    incident = folder.incident
    inventory, stand = incident.inventory(), folder.standing()
    wanted, known = wanted_plans(inventory), folder.known_plans(stand)
    asked = {
        name: (person, missing)
        for name, (person, digests) in wanted.items()
        if (missing := [one for one in digests if one not in known])
    }
    read = read_plans(open_vault(), asked, inventory.head.zone) if asked else {}
    known |= {digest: found for digest, found in read.items() if isinstance(found, PlanDemand)}
    _, ranked = order_of(incident, inventory, who.at)
    today = who.at.astimezone(inventory.head.zone).date()
    if first_on < today:
        raise ConfigError(f"{first_on} is over.", do_next="Give a day from today on.")
    everybody = candidates(inventory, ranked, read | known, today=today, first_on=first_on)
    made, instance = drafted(everybody, file, first_on=first_on, made_at=who.at)
    made = replace(made, notes=(*made.notes, *(f"NOT LISTED: {one}" for one in inventory.not_read)))
    number, place = folder.new("draft")
    incident.keep(f"{place}/{PARTNERS}", partners_text.encode())
    plans = KnownPlans(demands=tuple(sorted(known.items(), key=lambda item: item[0])))
    kept = {
        f"{place}/{PARTNERS}": partners_text.encode(),
        f"{place}/{INSTANCE}": folder.keep_instance(f"{place}/{INSTANCE}", instance),
        f"{place}/{DRAFT}": incident.keep_value(f"{place}/{DRAFT}", made),
        PLANS: incident.keep_value(PLANS, plans),
    }
    write(
        incident,
        Deed.DRAFTED,
        by=who.by,
        at=who.at,
        signed=who.signed,
        about=f"draft {number}",
        draft=number,
        sha256_of=_digests(kept),
        said=counted(made),
    )
    return number, made, instance


def counted(made: Draft) -> str:
    """Return how many could go somewhere, in a sentence."""
    direct = sum(any(fit.delivery_class == "A" for fit in one.fits) for one in made.patients)
    nowhere = sum(all(fit.delivery_class == "D" for fit in one.fits) for one in made.patients)
    return (
        f"{len(made.patients)} patients to be placed: {direct} have a machine that gives all their plans "
        f"directly, {nowhere} have none at all; for {len(made.left_out)} no place is looked for."
    )


def make_version(
    folder: PlacementFolder, *, who: Who, seconds: float = SECONDS
) -> tuple[Version, Version | None]:
    """Solve the last draft as decisions and announcements stand; return the version and the one before.

    Raises
    ------
    ConfigError
        Nothing is drafted; or somebody decided or announced something meanwhile: nothing is kept.
    """
    stand = folder.standing()
    draft, instance = folder.draft(stand, stand.draft)
    before = folder.version(stand, stand.version)[0] if stand.versions else None
    instance, notes = _as_it_stands(folder, stand, instance)
    found = solve(instance, seconds=seconds, start=None if before is None else before.places())
    with folder.held():
        if folder.standing() != stand:
            raise ConfigError(
                "Somebody drafted, decided or announced something while this was computed.",
                do_next="Solve again: it is taken into account then.",
            )
        number, place = folder.new("version")
        version = version_of(
            found,
            number=number,
            draft=stand.draft,
            parent=None if before is None else before.number,
            left_out=draft.left_out,
            made_at=who.at,
            made_by=who.by,
            notes=notes,
        )
        keep(folder, place, version, instance, signed=who.signed)
    return version, before


def _as_it_stands(
    folder: PlacementFolder, stand: Standing, instance: Instance
) -> tuple[Instance, tuple[str, ...]]:
    """Return the instance with what people decided, announced and saw begin, and what of it cannot hold."""
    told = {number: folder.version(stand, number)[0].places() for number in set(stand.announced.values())}
    there = {one.id for one in instance.machine}
    needs, notes = [], []
    for need in instance.patient:
        announced = told.get(stand.announced.get(need.id, 0), {}).get(need.id, NOWHERE)
        begun, decision = stand.begun.get(need.id), stand.decisions.get(need.id)
        update: dict[str, object] = {}
        if announced[0] in there:
            update |= {"announced": announced[0], "announced_from": announced[1]}
        if begun is not None and begun.machine in there:
            left = max(FRACTIONS_LEFT_MIN, need.fractions_left - begun.given)
            update |= {"announced": begun.machine, "announced_from": None, "begun_there": True}
            update |= {"fractions_left": left}
        if decision is not None and decision.machine in there:
            update |= {"fixed": decision.machine, "fixed_from": decision.first_on}
        gone = {
            "was announced": announced[0],
            "had begun": begun.machine if begun else "",
            "was decided for by a person": decision.machine if decision else "",
        }
        notes += [
            f"{machine}, on which patient {need.id[:10]} {what}, is not in the partners' file any more."
            for what, machine in gone.items()
            if machine and machine not in there
        ]
        needs.append(need.model_copy(update=update))
    return instance.model_copy(update={"patient": tuple(needs)}), tuple(notes)


def board_at(folder: PlacementFolder) -> At:
    """Return the version that counts as a board on which moves are priced.

    Raises
    ------
    ConfigError
        Nobody is placed yet.
    """
    stand = folder.standing()
    version, instance = folder.version(stand, stand.version)
    draft, _ = folder.draft(stand, version.draft)
    return At(stand=stand, version=version, draft=draft, board=board_of(instance, version.places()))


def keep(
    folder: PlacementFolder,
    place: str,
    version: Version,
    instance: Instance,
    *,
    deed: Deed = Deed.PLACED,
    **details: Any,
) -> None:
    """Write a version, and then the line of the journal that makes it count."""
    incident = folder.incident
    kept = {
        f"{place}/{INSTANCE}": folder.keep_instance(f"{place}/{INSTANCE}", instance),
        f"{place}/{VERSION}": incident.keep_value(f"{place}/{VERSION}", version),
    }
    write(
        incident,
        deed,
        by=version.made_by,
        at=version.made_at,
        about=f"version {version.number}",
        version=version.number,
        draft=version.draft,
        sha256_of=_digests(kept),
        **({"said": words(version)} | details),
    )


def print_pages(folder: PlacementFolder, number: int, *, draft: bool = False) -> tuple[str, ...]:
    """Write the pages of a version, or of a draft, that are not there yet; return the names of the files.

    They follow from what is kept and take seconds for 300 patients: nothing waits for them.
    """
    stand = folder.standing()
    place = f"{PLACEMENT}/{'draft' if draft else 'version'}-{number}"
    names = DRAFT_FILES if draft else VERSION_FILES
    if not all((folder.incident.path / place / name).is_file() for name in names):
        files = _draft_files(folder, stand, number) if draft else _version_files(folder, stand, number)
        for name, data in files.items():
            folder.incident.keep(f"{place}/{name}", data)
    return tuple(f"{place}/{name}" for name in names)


def _draft_files(folder: PlacementFolder, stand: Standing, number: int) -> dict[str, bytes]:
    draft, instance = folder.draft(stand, number)
    file = read_partners(folder.partners_text(stand, number))
    return draft_files(head_of(folder.incident, draft.made_at), draft, instance, file, counted(draft))


def _version_files(folder: PlacementFolder, stand: Standing, number: int) -> dict[str, bytes]:
    version, instance = folder.version(stand, number)
    return version_files(
        Told(
            head=head_of(folder.incident, version.made_at),
            version=version,
            instance=instance,
            draft=folder.draft(stand, version.draft)[0],
            file=read_partners(folder.partners_text(stand, version.draft)),
            summary=words(version),
            before=folder.version(stand, version.parent)[0] if version.parent else None,
        )
    )


def words(version: Version) -> str:
    """Return how many are placed, what it costs, and how good it is, in sentences."""
    placed = sum(bool(one.machine) for one in version.placed)
    lost = sum(one.loss for one in version.placed)
    best = "How far it is from the best is not proved."
    if version.gap is not None:
        best = f"At most {100 * version.gap:.1f} % above the best there can be."
    over = "" if version.is_complete else " The time was over: with more it may become better."
    return (
        f"{placed} of {len(version.placed)} patients placed; {lost:.1f} percent points of tumour control "
        f"lost together. {best}{over}"
    )


def _digests(kept: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in kept.items()}
