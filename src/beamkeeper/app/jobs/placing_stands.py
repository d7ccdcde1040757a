"""The instance of a draft as everything since stands: decisions, announcements, bundles, records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.placing_since import Away, away, given_since
from beamkeeper.domain.words import plural
from beamkeeper.respond.placement.board import NOWHERE
from beamkeeper.respond.placement.drafting import LeftOut
from beamkeeper.respond.placement.partners import read_partners

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from beamkeeper.app.jobs.placing_folder import Decision, PlacementFolder, Standing
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.placement import Draft, Instance, Version
    from beamkeeper.respond.placement.board import Place
    from beamkeeper.respond.placement.instance import PatientNeed


_NOTHING_SAID: Final = {"announced": "", "announced_from": None, "begun_there": False, "sent_there": False}
"""What an instance says before the journal is read; one that was kept says what held then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsItStands:
    """What is solved.

    Attributes
    ----------
    finished
        Patients who need no place any more.
    notes
        What people decided, announced or sent and that cannot hold any more.
    """

    instance: Instance
    finished: tuple[LeftOut, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is known of all patients since the draft, by pseudonym."""

    stand: Standing
    there: frozenset[str]
    told: dict[int, dict[str, Place]]
    away: dict[str, Away]
    earliest: date


def as_it_stands(
    folder: PlacementFolder,
    stand: Standing,
    draft: Draft,
    instance: Instance,
    *,
    now: datetime,
    move_announced: bool,
) -> AsItStands:
    """Return the instance with what people decided, announced and sent, and what was given since."""
    rows = folder.incident.journal.rows()
    today = folder.today(now)
    earliest = max(today, instance.first_on)
    facts = _facts(folder, stand, stand.draft, instance, rows, earliest=earliest)
    since = given_since(folder.incident, rows, [one.id for one in instance.patient], now=now)
    given_there = since.fractions
    names = {one.id: one.name for one in draft.patients}
    needs: list[PatientNeed] = []
    finished: list[LeftOut] = []
    notes: list[str] = []
    for need in instance.patient:
        begun = facts.stand.begun.get(need.id)
        given = max(begun.given if begun else 0, given_there.get(need.id, 0))
        if given >= need.fractions_left and given_there.get(need.id, 0):
            finished.append(_finished(need.id, names.get(need.id, ""), given))
            continue
        needs.append(made := _need(need, facts, given=given))
        notes += _notes(made, facts)
    notes += [
        f"Patient {one[:10]} cannot be counted since the copy; slots are kept as if nothing was given: {why}"
        for one, why in since.damaged.items()
    ]
    update: dict[str, object] = {"patient": tuple(needs), "move_announced": move_announced}
    if today > instance.first_on:
        update["not_before"] = today
        notes.append(
            f"Drafted from {instance.first_on} on; nobody begins before {today}. A new draft counts days to "
            "spare anew."
        )
    return AsItStands(
        instance=instance.model_copy(update=update), finished=tuple(finished), notes=tuple(notes)
    )


def said_since(folder: PlacementFolder, stand: Standing, version: Version, instance: Instance) -> Instance:
    """Return the instance of a version with who was told, sent, or has begun there since it was made."""
    rows = folder.incident.journal.rows()
    facts = _facts(folder, stand, version.draft, instance, rows, earliest=instance.first_on)
    needs = tuple(_need(need, facts, given=0) for need in instance.patient)
    return instance.model_copy(update={"patient": needs})


def _facts(
    folder: PlacementFolder,
    stand: Standing,
    draft: int,
    instance: Instance,
    rows: Sequence[AuditRow],
    *,
    earliest: date,
) -> _Facts:
    file = read_partners(folder.partners_text(stand, draft))
    version = folder.placed(stand, stand.version) if stand.versions else None
    return _Facts(
        stand=stand,
        there=frozenset(one.id for one in instance.machine),
        told={number: folder.placed(stand, number).places() for number in set(stand.announced.values())},
        away=away(
            rows,
            machines={one.id: file.site(one.site).title for one in instance.machine},
            places=version.places() if version else {},
        ),
        earliest=earliest,
    )


def _announced(need: PatientNeed, facts: _Facts) -> Place:
    return facts.told.get(facts.stand.announced.get(need.id, 0), {}).get(need.id, NOWHERE)


def _need(need: PatientNeed, facts: _Facts, *, given: int) -> PatientNeed:
    stand, there = facts.stand, facts.there
    announced, gone = _announced(need, facts), facts.away.get(need.id)
    begun, decision = stand.begun.get(need.id), stand.decisions.get(need.id)
    update: dict[str, object] = {**_NOTHING_SAID, "fractions_left": max(1, need.fractions_left - given)}
    if announced[0] in there:
        update |= {"announced": announced[0], "announced_from": announced[1]}
    if gone is not None and gone.machine in there:
        same = announced[0] == gone.machine
        on = announced[1] if same else gone.first_on
        update |= {"announced": gone.machine, "announced_from": on, "sent_there": True}
        if gone.has_begun:
            update |= {"announced_from": None, "begun_there": True}
    if begun is not None and begun.machine in there:
        update |= {"announced": begun.machine, "announced_from": None, "begun_there": True}
    has_begun = bool(update.get("begun_there"))
    holds = not has_begun or (decision is not None and decision.machine == update["announced"])
    if decision is not None and decision.machine in there and holds:
        keeps_day = not has_begun and not _is_over(decision, facts)
        update |= {"fixed": decision.machine, "fixed_from": decision.first_on if keeps_day else None}
    return need.model_copy(update=update)


def _is_over(decision: Decision, facts: _Facts) -> bool:
    return decision.first_on is not None and decision.first_on < facts.earliest


def _notes(need: PatientNeed, facts: _Facts) -> Iterator[str]:
    begun, decision = facts.stand.begun.get(need.id), facts.stand.decisions.get(need.id)
    said = {
        "was announced": _announced(need, facts)[0],
        "had begun": begun.machine if begun else "",
        "was decided for by a person": decision.machine if decision else "",
    }
    for what, machine in said.items():
        if machine and machine not in facts.there:
            yield (
                f"{machine}, on which patient {need.id[:10]} {what}, is not in the partners' file any more."
            )
    if decision is not None and need.fixed and not need.begun_there and _is_over(decision, facts):
        yield (
            f"{decision.first_on}, for which {decision.by} decided, is over: patient {need.id[:10]} keeps "
            f"{decision.machine}. Begun there? `beamkeeper placement begun` says so."
        )
    if need.begun_there and decision is not None and decision.machine not in {need.announced, ""}:
        yield (
            f"Patient {need.id[:10]} has begun on {need.announced} and stays there; before, {decision.by} "
            f"decided for {decision.machine}."
        )
    gone = facts.away.get(need.id)
    if gone is not None and not gone.machine and begun is None:
        yield (
            f"Patient {need.id[:10]} was handed over to {gone.house}, and no machine of the partners' file "
            "is known for it: say where, with `beamkeeper placement set`; until then any place is looked for."
        )


def _finished(pseudonym: str, name: str, given: int) -> LeftOut:
    return LeftOut(
        id=pseudonym,
        name=name,
        reason=f"no fraction is left: {plural(given, 'fraction')} since the copy, by records and by hand",
        would_help="nothing, unless that is wrong",
    )
