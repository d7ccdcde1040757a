"""What people do to a placement by hand: a place set, a decision undone, announced, begun.

A page and the command hold `board_at`, price moves on it, and take one with `take`: what was priced is what
is kept, and nothing is kept where anything was done meanwhile. The rules are here, once for both: no day that
is over, and nobody left without a place, or sent from one they were told of, by oversight.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.placing import keep, why
from beamkeeper.app.jobs.placing_folder import drafted_before
from beamkeeper.domain.words import plural
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.placement import price, price_of_undoing
from beamkeeper.respond.placement.board import NOWHERE, board_of, moves_between
from beamkeeper.respond.placement.version import Made, Version, placed_after

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from beamkeeper.app.jobs.placing import At, Who
    from beamkeeper.app.jobs.placing_folder import PlacementFolder
    from beamkeeper.respond.placement.board import Move, Moved
    from beamkeeper.respond.placement.instance import PatientNeed

_A_LINE: Final = 500
"""Patients of one line of the journal, which holds 65,536 bytes."""


def take(
    folder: PlacementFolder, at: At, move: Move, *, who: Who, reason: str, even_so: bool = False
) -> Version:
    """Make the priced move: a new version, exactly as it was shown, and a line of the journal.

    Parameters
    ----------
    even_so
        Whether the person has seen by name who is left without a place, or was told of the one they lose.

    Raises
    ------
    ConfigError
        The move was refused, has no reason, hurts somebody and `even_so` was not said, or another version
        was made since it was priced.
    """
    if move.refusal:
        raise ConfigError(f"That cannot be done: {move.refusal}.", do_next="Choose another machine or day.")
    machine, first_on = move.wanted
    decided = {"machine": machine, "from": str(first_on)}
    return _by_hand(folder, at, move, Deed.PLACE_SET, who=who, reason=reason, even_so=even_so, **decided)


def undo(
    folder: PlacementFolder, at: At, move: Move, *, who: Who, reason: str, even_so: bool = False
) -> Version:
    """Take a decision back as `move_back` said: a new version, and a new line; the decision stays there.

    Raises as `take`.
    """
    return _by_hand(folder, at, move, Deed.PLACE_UNDONE, who=who, reason=reason, even_so=even_so)


def move_back(folder: PlacementFolder, at: At, patient: str, *, today: date) -> Move:
    """Return what undoing a decision does: all as before where nothing happened since, else a better place.

    Raises
    ------
    ConfigError
        Nobody decided anything for this patient, or it moves somebody of whom another plan holds by now.
    """
    decision = at.stand.decisions.get(patient)
    if decision is None:
        raise ConfigError(
            "Nobody decided where this patient goes.", do_next="`beamkeeper placement show` names decisions."
        )
    move = _by_the_plan_that_holds(at, price_of_undoing(at.board, patient, today=today))
    if decision.version != at.version.number or at.version.parent is None:
        return move
    before = folder.placed(at.stand, at.version.parent)
    if before.draft != at.version.draft:
        return move
    board = board_of(move.board.instance, before.places())
    moved = moves_between(at.board, board, range(len(board.instance.patient)))
    if _is_in_the_way(at, moved, patient, today) or at.outdated & {one.patient for one in moved}:
        return move
    return replace(
        move,
        price=board.cost - at.board.cost,
        lost=sum(one.lost for one in moved),
        moved=moved,
        board=board,
        wanted=board.places()[patient],
        remarks=tuple(
            f"{one.before[0]} was announced: call the patient and both sites"
            for one in moved
            if one.patient == patient and one.was_told
        ),
    )


def _by_the_plan_that_holds(at: At, move: Move) -> Move:
    """Return a move that touches nobody of whom the draft knows the plan before only; raises ConfigError."""
    if named := sorted(at.outdated & {move.patient, *(one.patient for one in move.moved)}):
        raise drafted_before(at.version.draft, named)
    return move


def _is_in_the_way(at: At, moved: Iterable[Moved], patient: str, today: date) -> bool:
    """Return whether something happened since a decision, so that not everybody can go back.

    Somebody who would was told of the place since, has begun there, or the day to go back to is over.
    """
    needs = {one.id: one for one in at.board.instance.patient}
    return any(
        (one.after[1] is not None and one.after[1] < today)
        or (one.patient != patient and (needs[one.patient].is_bound or _is_told(needs[one.patient], one)))
        for one in moved
    )


def _is_told(need: PatientNeed, one: Moved) -> bool:
    return (need.announced, need.announced_from) == one.before


def _by_hand(
    folder: PlacementFolder,
    at: At,
    move: Move,
    deed: Deed,
    *,
    who: Who,
    reason: str,
    even_so: bool,
    **decided: str,
) -> Version:
    reason = why(reason)
    if move.hurt and not even_so:
        raise ConfigError(
            f"{plural(len(move.hurt), 'patient')} would be left without a place, or was told of the one that "
            "is taken away.",
            do_next="Read who they are; then say that it is done even so, or choose another machine or day.",
        )
    with folder.held():
        if folder.standing() != at.stand:
            raise ConfigError(
                "Something was drafted, placed, decided or announced since this was priced.",
                do_next="Look at it, and price the move again.",
            )
        folder.verify_drafted(at.version.draft, {move.patient, *(one.patient for one in move.moved)})
        number, place = folder.new("version")
        version = Version(
            number=number,
            draft=at.version.draft,
            parent=at.version.number,
            made=Made.BY_HAND if deed is Deed.PLACE_SET else Made.UNDONE,
            made_at=who.at,
            made_by=who.by,
            placed=placed_after(move, at.version.placed, by=who.by, reason=reason),
            left_out=at.version.left_out,
            cost=move.board.cost,
            bound=None,
            seconds=0.0,
            is_complete=True,
            said=reason,
            notes=at.version.notes,
        )
        where = " from ".join(str(one) for one in move.wanted if one) or "no place"
        others = plural(len(move.displaced), "other")
        keep(
            folder,
            place,
            version,
            move.board.instance,
            deed=deed,
            pseudonym=move.patient,
            said=f"to {where}, price {move.price:+.2f} percent points, {others} moved: {reason}",
            reason=reason,
            price=round(move.price, 4),
            lost=round(move.lost, 4),
            signed=who.signed,
            **decided,
        )
    return version


def announce(
    folder: PlacementFolder, patients: Iterable[str] | None, *, who: Who, version: int | None = None
) -> tuple[str, ...]:
    """Write down who was told of the place in the version that counts; return whom.

    Parameters
    ----------
    patients
        None for everybody who has a place and whose plan is still the one of the draft.
    version
        The one that was seen, and has to be the one that counts; None for whichever counts.

    Raises
    ------
    ConfigError
        Another version counts by now, one who was named has no place, or another plan of one who was named
        holds than when the draft was made; or nobody is left to be told.
    """
    with folder.held():
        return _announce(folder, patients, who=who, seen=version)


def _announce(
    folder: PlacementFolder, patients: Iterable[str] | None, *, who: Who, seen: int | None
) -> tuple[str, ...]:
    stand = folder.standing()
    if seen is not None:
        folder.placed(stand, seen)
    version = folder.placed(stand, stand.version)
    if seen not in {None, version.number}:
        raise ConfigError(
            f"Version {seen} does not count any more: {version_words(folder, version)} does. Nobody was "
            "announced.",
            do_next=f"See what differs, `beamkeeper placement show --against {seen}`; then announce with "
            f"--version {version.number}.",
        )
    placed = tuple(one.patient for one in version.placed if one.machine)
    if patients is None:
        outdated = folder.outdated(version.draft)
        told = tuple(one for one in placed if one not in outdated) or placed
    else:
        told = tuple(patients)
    if any(one not in placed for one in told) or not told:
        raise ConfigError(
            "Somebody of these has no place in this version.", do_next="`beamkeeper placement show` says who."
        )
    folder.verify_drafted(version.draft, told)
    for begin in range(0, len(told), _A_LINE):
        write(
            folder.incident,
            Deed.ANNOUNCED,
            by=who.by,
            at=who.at,
            signed=who.signed,
            pseudonym=told[0] if len(told) == 1 else None,
            about=f"version {version.number}",
            version=version.number,
            patients=list(told[begin : begin + _A_LINE]),
            said=f"{len(told[begin : begin + _A_LINE])} told",
        )
    return told


def version_words(folder: PlacementFolder, version: Version) -> str:
    """Return which version it is, of when and by whom, as it is said before anybody is told of it."""
    at = version.made_at.astimezone(ZoneInfo(folder.incident.incident().time_zone))
    return f"version {version.number} of {at:%a %Y-%m-%d %H:%M} by {version.made_by}"


def newest_words(folder: PlacementFolder) -> str:
    """Return which version counts, of when and by whom.

    Raises
    ------
    ConfigError
        Nothing was solved yet.
    """
    stand = folder.standing()
    return version_words(folder, folder.placed(stand, stand.version))


def begin(folder: PlacementFolder, patient: str, *, given: int, who: Who) -> str:
    """Write down that a patient has begun where the version that counts says; return the machine.

    Raises
    ------
    ConfigError
        The patient has no place.
    """
    with folder.held():
        stand = folder.standing()
        machine = folder.placed(stand, stand.version).places().get(patient, NOWHERE)[0]
        if not machine:
            raise ConfigError("This patient has no place.", do_next="`beamkeeper placement show` says why.")
        write(
            folder.incident,
            Deed.BEGUN,
            by=who.by,
            at=who.at,
            signed=who.signed,
            pseudonym=patient,
            machine=machine,
            given=given,
            said=f"on {machine}, {given} given there",
        )
    return machine


def priced(at: At, patient: str, machine: str, first_on: date | None, *, today: date) -> Move:
    """Return what a move costs; see `respond.placement.price`. A day before `today` is refused.

    Raises
    ------
    ConfigError
        The patient is not in the placement, there is no such machine, or the move touches somebody of whom
        another plan holds by now.
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
    return _by_the_plan_that_holds(at, price(at.board, patient, machine, first_on, today=today))
