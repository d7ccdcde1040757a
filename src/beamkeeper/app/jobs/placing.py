"""Who goes where, on the day: draft, solve, a place set by hand, undone, announced, begun.

Everything is kept as a numbered draft or version in the incident's folder, with a line of the journal. A page
prices a move with `board_at` and `respond.placement.price`, and takes it with `take`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.incident_acts import within
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
from beamkeeper.respond.placement.board import NOWHERE, Board, Move, Moved, board_of, price, price_of_undoing
from beamkeeper.respond.placement.drafting import Draft
from beamkeeper.respond.placement.drafting import draft as drafted
from beamkeeper.respond.placement.pages import Told
from beamkeeper.respond.placement.partners import read_partners
from beamkeeper.respond.placement.solving import SECONDS
from beamkeeper.respond.placement.version import Made, Version, placed_after, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date, datetime

    from beamkeeper.app.opened import OpenedVault

FRACTIONS_LEFT_MIN: Final = 1


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
    by: str,
    now: datetime,
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
    _, ranked = order_of(incident, inventory, now)
    today = now.astimezone(inventory.head.zone).date()
    if first_on < today:
        raise ConfigError(f"{first_on} is over.", do_next="Give a day from today on.")
    everybody = candidates(inventory, ranked, read | known, today=today, first_on=first_on)
    made, instance = drafted(everybody, file, first_on=first_on, made_at=now)
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
        by=by,
        at=now,
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
    folder: PlacementFolder, *, by: str, now: datetime, seconds: float = SECONDS
) -> tuple[Version, Version | None]:
    """Solve the last draft as decisions and announcements stand; return the version and the one before."""
    stand = folder.standing()
    draft, instance = folder.draft(stand, stand.draft)
    before = folder.version(stand, stand.version)[0] if stand.versions else None
    instance, notes = _as_it_stands(folder, stand, instance)
    found = solve(instance, seconds=seconds, start=None if before is None else before.places())
    number, place = folder.new("version")
    version = version_of(
        found,
        number=number,
        draft=stand.draft,
        parent=None if before is None else before.number,
        left_out=draft.left_out,
        made_at=now,
        made_by=by,
        notes=notes,
    )
    _keep(folder, place, version, instance)
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


def take(folder: PlacementFolder, at: At, move: Move, *, by: str, reason: str, now: datetime) -> Version:
    """Make the priced move: a new version, exactly as it was shown, and a line of the journal.

    Raises
    ------
    ConfigError
        The move was refused, has no reason, or another version was made since it was priced.
    """
    if move.refusal:
        raise ConfigError(f"That cannot be done: {move.refusal}.", do_next="Choose another machine or day.")
    machine, first_on = move.wanted
    decided: dict[str, object] = {"machine": machine, "from": str(first_on)}
    return _by_hand(folder, at, move, Deed.PLACE_SET, decided, by=by, reason=reason, now=now)


def undo(folder: PlacementFolder, at: At, patient: str, *, by: str, reason: str, now: datetime) -> Version:
    """Take a decision back: a new version, and a new line; the decision stays in the journal."""
    move = move_back(folder, at, patient)
    return _by_hand(folder, at, move, Deed.PLACE_UNDONE, {}, by=by, reason=reason, now=now)


def move_back(folder: PlacementFolder, at: At, patient: str) -> Move:
    """Return what undoing a decision does: all as before where nothing happened since, else a better place.

    Raises
    ------
    ConfigError
        Nobody decided anything for this patient.
    """
    decision = at.stand.decisions.get(patient)
    if decision is None:
        raise ConfigError(
            "Nobody decided where this patient goes.", do_next="`beamkeeper placement show` names decisions."
        )
    move = price_of_undoing(at.board, patient)
    if decision.version != at.version.number or at.version.parent is None:
        return move
    before, _ = folder.version(at.stand, at.version.parent)
    if before.draft != at.version.draft:
        return move
    board = board_of(move.board.instance, before.places())
    moved = tuple(
        Moved(
            patient=one.id,
            before=at.board.place(number),
            after=board.place(number),
            lost=board.loss(number) - at.board.loss(number),
        )
        for number, one in enumerate(board.instance.patient)
        if at.board.place(number) != board.place(number)
    )
    return replace(
        move,
        price=board.cost - at.board.cost,
        lost=sum(one.lost for one in moved),
        moved=moved,
        board=board,
        wanted=board.places()[patient],
    )


def _by_hand(
    folder: PlacementFolder,
    at: At,
    move: Move,
    deed: Deed,
    details: dict[str, object],
    *,
    by: str,
    reason: str,
    now: datetime,
) -> Version:
    reason = within(reason)
    if not reason:
        raise ConfigError("A word without a reason does not count.", do_next='Give --reason "…".')
    if folder.standing().version != at.version.number:
        raise ConfigError(
            "Another version was made since this was priced.", do_next="Look at it, and price the move again."
        )
    number, place = folder.new("version")
    version = Version(
        number=number,
        draft=at.version.draft,
        parent=at.version.number,
        made=Made.BY_HAND if deed is Deed.PLACE_SET else Made.UNDONE,
        made_at=now,
        made_by=by,
        placed=placed_after(move, at.version.placed, by=by, reason=reason),
        left_out=at.version.left_out,
        cost=move.board.cost,
        bound=None,
        seconds=0.0,
        is_complete=True,
        said=reason,
    )
    details = {**details, "price": round(move.price, 4), "lost": round(move.lost, 4)}
    where = " from ".join(str(one) for one in move.wanted if one) or "no place"
    said = f"to {where}, price {move.price:+.2f} percent points, {len(move.displaced)} others moved: {reason}"
    _keep(
        folder,
        place,
        version,
        move.board.instance,
        deed=deed,
        patient=move.patient,
        said=said,
        details=details,
    )
    return version


def _keep(
    folder: PlacementFolder,
    place: str,
    version: Version,
    instance: Instance,
    *,
    deed: Deed = Deed.PLACED,
    patient: str | None = None,
    said: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
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
        pseudonym=patient,
        about=f"version {version.number}",
        version=version.number,
        draft=version.draft,
        sha256_of=_digests(kept),
        said=said or words(version),
        reason=version.said,
        **(details or {}),
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


def announce(
    folder: PlacementFolder, patients: Iterable[str] | None, *, by: str, now: datetime
) -> tuple[str, ...]:
    """Write down who was told of the place in the version that counts; None for everybody who has one.

    Raises
    ------
    ConfigError
        One of them has no place.
    """
    stand = folder.standing()
    version, _ = folder.version(stand, stand.version)
    placed = {one.patient for one in version.placed if one.machine}
    told = (
        tuple(one.patient for one in version.placed if one.machine) if patients is None else tuple(patients)
    )
    if any(one not in placed for one in told) or not told:
        raise ConfigError(
            "Somebody of these has no place in this version.", do_next="`beamkeeper placement show` says who."
        )
    for begin in range(0, len(told), _A_LINE):
        write(
            folder.incident,
            Deed.ANNOUNCED,
            by=by,
            at=now,
            pseudonym=told[0] if len(told) == 1 else None,
            about=f"version {version.number}",
            version=version.number,
            patients=list(told[begin : begin + _A_LINE]),
            said=f"{len(told[begin : begin + _A_LINE])} told",
        )
    return told


_A_LINE: Final = 500
"""Patients of one line of the journal, which holds 65,536 bytes."""


def begin(folder: PlacementFolder, patient: str, *, given: int, by: str, now: datetime) -> str:
    """Write down that a patient has begun where the version that counts says; return the machine.

    Raises
    ------
    ConfigError
        The patient has no place.
    """
    stand = folder.standing()
    machine = folder.version(stand, stand.version)[0].places().get(patient, NOWHERE)[0]
    if not machine:
        raise ConfigError("This patient has no place.", do_next="`beamkeeper placement show` says why.")
    said = f"on {machine}, {given} given there"
    write(
        folder.incident, Deed.BEGUN, by=by, at=now, pseudonym=patient, machine=machine, given=given, said=said
    )
    return machine


def priced(at: At, patient: str, machine: str, first_on: date | None) -> Move:
    """Return what a move costs; see `respond.placement.price`.

    Raises
    ------
    ConfigError
        The patient is not in the placement, or there is no such machine.
    """
    if all(one.id != patient for one in at.board.instance.patient):
        gone = next((one for one in at.version.left_out if one.id == patient), None)
        raise ConfigError(
            f"No place is looked for: {gone.reason}." if gone else "This patient is not in the placement.",
            do_next=f"Would help: {gone.would_help}." if gone else "Draft again.",
        )
    machines = [one.id for one in at.board.instance.machine]
    if machine not in machines:
        raise ConfigError(f"There is no machine {machine}.", do_next=f"There are {', '.join(machines)}.")
    return price(at.board, patient, machine, first_on)


def _digests(kept: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in kept.items()}
