"""Who goes where, on the day: drafted, solved, kept and printed.

Everything is kept as a numbered draft or version in the incident's folder, with a line of the journal. What
people do by hand is in `placing_hand`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.handover_placed import promised
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
from beamkeeper.app.jobs.placing_gaps import signed_gaps
from beamkeeper.app.jobs.placing_pages import (
    DRAFT_FILES,
    VERSION_FILES,
    draft_files,
    head_of,
    version_files,
)
from beamkeeper.app.jobs.placing_plans import KnownPlans, read_plans
from beamkeeper.app.jobs.placing_stands import as_it_stands, said_since
from beamkeeper.app.jobs.plans_that_hold import replaced_since, with_plans_that_hold
from beamkeeper.app.jobs.triage import order_of
from beamkeeper.domain.demand import PlanDemand
from beamkeeper.domain.words import plural
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.placement import Instance, solve
from beamkeeper.respond.placement.board import Board, board_of
from beamkeeper.respond.placement.drafting import Draft
from beamkeeper.respond.placement.drafting import draft as drafted
from beamkeeper.respond.placement.pages import Told
from beamkeeper.respond.placement.partners import read_partners
from beamkeeper.respond.placement.program import by_highs
from beamkeeper.respond.placement.solving import SECONDS
from beamkeeper.respond.placement.times import times_of
from beamkeeper.respond.placement.version import Version, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date, datetime

    from beamkeeper.app.jobs.placing_stands import AsItStands
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.respond.placement import Placement
    from beamkeeper.respond.placement.announced import Announced
    from beamkeeper.respond.placement.board import Place
    from beamkeeper.respond.placement.program import Solver


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
    """Where a placement stands: the version that counts and everything it was made from.

    Attributes
    ----------
    outdated
        By pseudonym: of whom another plan holds than when the draft was made.
    """

    stand: Standing
    version: Version
    draft: Draft
    board: Board
    outdated: frozenset[str] = frozenset()


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
        The partners' file is wrong, there is no inventory, or people said meanwhile which plan of somebody
        holds: nothing is written.
    """
    file = read_partners(partners_text)
    incident, rows = folder.incident, folder.incident.journal.rows()
    inventory = with_plans_that_hold(incident.inventory(), rows)
    stand = folder.standing()
    wanted, known = wanted_plans(inventory), folder.known_plans(stand)
    asked = {
        name: (person, missing)
        for name, (person, digests) in wanted.items()
        if (missing := [one for one in digests if one not in known])
    }
    read = read_plans(open_vault(), asked, inventory.head.zone) if asked else {}
    known |= {digest: found for digest, found in read.items() if isinstance(found, PlanDemand)}
    rules, ranked = order_of(incident, inventory, who.at)
    today = who.at.astimezone(inventory.head.zone).date()
    if first_on < today:
        raise ConfigError(f"{first_on} is over.", do_next="Give a day from today on.")
    everybody = candidates(
        inventory,
        ranked,
        read | known,
        today=today,
        first_on=first_on,
        holidays=file.partners.holidays,
        signed=signed_gaps(incident, rows, inventory.head.zone),
        allowed=rules.prolongation_days,
    )
    made, instance = drafted(everybody, file, first_on=first_on, made_at=who.at)
    made = replace(made, notes=(*made.notes, *(f"NOT LISTED: {one}" for one in inventory.not_read)))
    if replaced_since(incident.journal.rows(), len(rows)):
        raise ConfigError("Which plan holds was said of somebody meanwhile.", do_next="Draft again.")
    return _keep_draft(folder, partners_text, made, instance, known, who=who), made, instance


def _keep_draft(
    folder: PlacementFolder,
    partners_text: str,
    made: Draft,
    instance: Instance,
    known: Mapping[str, PlanDemand],
    *,
    who: Who,
) -> int:
    """Write a draft, and then the line of the journal that makes it count; return its number."""
    incident = folder.incident
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
    return number


def counted(made: Draft) -> str:
    """Return how many could go somewhere, in a sentence."""
    direct = sum(any(fit.delivery_class == "A" for fit in one.fits) for one in made.patients)
    nowhere = sum(all(fit.delivery_class == "D" for fit in one.fits) for one in made.patients)
    return (
        f"{len(made.patients)} patients to be placed: {direct} have a machine that gives all their plans "
        f"directly, {nowhere} have none at all; for {len(made.left_out)} no place is looked for."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A placement that was computed, and is not kept yet.

    Attributes
    ----------
    stand
        What was drafted, decided and announced when it was computed; it can be kept while that is so.
    move_announced
        Whether places that were announced were free to change.
    """

    stand: Standing
    draft: Draft
    now: AsItStands
    found: Placement
    before: Version | None
    move_announced: bool

    def told_otherwise(self) -> tuple[tuple[str, Place, Place], ...]:
        """Return whom it moves although they were told of a place: the place of which, and the new one."""
        return tuple(
            (need.id, told, place)
            for need, one in zip(self.now.instance.patient, self.found.placed, strict=True)
            if need.announced and not need.begun_there
            for told, place in (((need.announced, need.announced_from), (one.machine, one.first_on)),)
            if place != (told[0], told[1] or place[1])
        )


def make_version(
    folder: PlacementFolder,
    *,
    who: Who,
    seconds: float = SECONDS,
    move_announced: bool = False,
    reason: str = "",
    solver: Solver = by_highs,
) -> tuple[Version, Version | None]:
    """Solve the last draft as decisions and announcements stand; return the version and the one before.

    Parameters
    ----------
    move_announced
        Whether places that were announced may change for more than a change costs; else they are kept.
    reason
        Why they may; has to be given then.
    solver
        Who chooses among the columns nearest to the best; one of `SOLVERS`.

    Raises
    ------
    ConfigError
        The solver is not installed; nothing is drafted; people said since which plan of somebody holds; or
        somebody decided or announced something meanwhile: nothing is kept.
    """
    if move_announced:
        why(reason)
    found = propose(folder, now=who.at, seconds=seconds, move_announced=move_announced, solver=solver)
    return keep_proposal(folder, found, who=who, reason=reason), found.before


def propose(
    folder: PlacementFolder,
    *,
    now: datetime,
    seconds: float,
    move_announced: bool,
    solver: Solver = by_highs,
) -> Proposal:
    """Solve the last draft as everything stands, and keep nothing; raises as `make_version`."""
    stand = folder.standing()
    draft, instance = folder.draft(stand, stand.draft)
    folder.verify_drafted(stand.draft)
    before = folder.placed(stand, stand.version) if stand.versions else None
    as_now = as_it_stands(folder, stand, draft, instance, now=now, move_announced=move_announced)
    start = None if before is None else before.places()
    found = solve(as_now.instance, seconds=seconds, start=start, solver=solver)
    return Proposal(
        stand=stand, draft=draft, now=as_now, found=found, before=before, move_announced=move_announced
    )


def keep_proposal(folder: PlacementFolder, proposal: Proposal, *, who: Who, reason: str = "") -> Version:
    """Keep what was computed as a new version, exactly so; raises as `make_version`."""
    reason = why(reason) if proposal.move_announced else ""
    told = proposal.told_otherwise() if proposal.move_announced else ()
    with folder.held():
        if folder.standing() != proposal.stand:
            raise ConfigError(
                "Somebody drafted, decided or announced something while this was computed.",
                do_next="Solve again: it is taken into account then.",
            )
        folder.verify_drafted(proposal.stand.draft)
        number, place = folder.new("version")
        version = version_of(
            proposal.found,
            number=number,
            draft=proposal.stand.draft,
            parent=None if proposal.before is None else proposal.before.number,
            left_out=(*proposal.draft.left_out, *proposal.now.finished),
            made_at=who.at,
            made_by=who.by,
            notes=(
                *proposal.now.notes,
                *([_freed(who.by, reason, len(told))] if proposal.move_announced else ()),
                *announced_words(proposal.found.announced),
            ),
        )
        freed: dict[str, Any] = {"reason": reason, "told_otherwise": len(told)} if reason else {}
        keep(folder, place, version, proposal.now.instance, signed=who.signed, **freed)
    return version


def _freed(by: str, reason: str, count: int) -> str:
    return (
        f"Announced places were free to change, each for the price of a change; {by} decided so: {reason}. "
        f"{plural(count, 'patient')} who was told of a place has another one: call them and both houses."
    )


def why(reason: str) -> str:
    """Return a reason as it is kept.

    Raises
    ------
    ConfigError
        It is none.
    """
    if not (found := within(reason.strip())):
        raise ConfigError("A word without a reason does not count.", do_next='Give --reason "…".')
    return found


def announced_words(found: Announced) -> Iterator[str]:
    """Yield what became of the places that were announced, and what keeping them costs the others."""
    if found.kept:
        yield (
            f"Kept because they were announced: {plural(len(found.kept), 'place')}. How far it is from the "
            "best is said of placements that keep them."
        )
    if found.other_day:
        yield (
            f"The announced day is no day to begin any more for {plural(len(found.other_day), 'patient')}: "
            "the machine is kept. Have they begun? `beamkeeper placement begun` says so."
        )
    if found.released:
        yield (
            f"{plural(len(found.released), 'announced place')} cannot be kept: machine, day or slots are "
            "not there any more. Call these patients and both houses."
        )
    if found.would_move:
        yield (
            f"Keeping announced places costs {found.gain:.2f} percent points: {len(found.would_move)} of "
            "them would have to change for that. `beamkeeper placement solve --move-announced` does it."
        )


def board_at(folder: PlacementFolder) -> At:
    """Return the version that counts as a board on which moves are priced, with what was said since.

    Raises
    ------
    ConfigError
        Nobody is placed yet.
    """
    stand = folder.standing()
    version, instance = folder.version(stand, stand.version)
    draft = folder.drafted(stand, version.draft)
    board = _where_it_stands(instance, said_since(folder, stand, version, instance), version.places())
    outdated = folder.outdated(version.draft)
    return At(stand=stand, version=version, draft=draft, board=board, outdated=outdated)


def _where_it_stands(made_from: Instance, since: Instance, places: Mapping[str, Place]) -> Board:
    """Return the board on which everybody stands where the version has them, whatever was said since.

    Who has begun elsewhere than the version says keeps its slots too: `solve` puts that right, a move not.
    """
    board = board_of(since, places)
    needs = tuple(
        new if board.place(number) == places[new.id] else old
        for number, (old, new) in enumerate(zip(made_from.patient, since.patient, strict=True))
    )
    if needs == since.patient:
        return board
    return board_of(made_from.model_copy(update={"patient": needs}), places)


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

    They follow from what is kept and take seconds for 300 patients: nothing waits for them. Times of day are
    those of the slots, and of what bundles asked for until then.
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
    zone = ZoneInfo(folder.incident.incident().time_zone)
    asked = promised(folder.incident.journal.rows(), zone)
    return version_files(
        Told(
            head=head_of(folder.incident, version.made_at),
            version=version,
            instance=instance,
            draft=folder.drafted(stand, version.draft),
            file=read_partners(folder.partners_text(stand, version.draft)),
            summary=words(version),
            before=folder.placed(stand, version.parent) if version.parent else None,
            times=times_of(instance, version.placed, asked),
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
