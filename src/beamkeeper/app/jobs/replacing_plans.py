"""Two people say which of two plans holds, from which fraction on; and take that back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.replacing import Replacement
from beamkeeper.domain.words import plural
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.incident.replaced import said_of_plans

if TYPE_CHECKING:
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.since import Now
    from beamkeeper.clock import Clock
    from beamkeeper.domain.plan import Plan
    from beamkeeper.domain.position import PlanPosition
    from beamkeeper.respond.incident.since import Doubt

REASON = "Give --reason: whom you asked, what you read."


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """What two people say of two plans of a patient.

    Attributes
    ----------
    old, new
        Label or UID of the plan that is replaced, and of the one that holds.
    after
        How many fractions the old one has given.
    next_fraction, left
        Of the new one, in its own numbers: both say how it counts, and that nobody gives too few.
    """

    old: str
    new: str
    after: int
    next_fraction: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What was written down.

    Attributes
    ----------
    settled
        What was in doubt about both plans.
    now
        Where the patient stands with it.
    """

    said: Holds
    line: int
    old: Plan
    new: Plan
    goes_on: bool
    settled: tuple[Doubt, ...]
    now: Now


def replace_plan(
    folder: IncidentFolder,
    pseudonym: str,
    said: Holds,
    *,
    people: tuple[str, ...],
    reason: str,
    clock: Clock,
    signed: str = "",
) -> Replaced:
    """Write down that one plan holds instead of another; every doubt about both is settled with it.

    Raises
    ------
    ConfigError
        No such plan in the copy, it is not approved, the numbers are not those of the records, or no reason.
    """
    inventory, at = folder.inventory(), clock.now()
    now = patient_now(folder, inventory, pseudonym, at)
    old, new = _plan(now, said.old), _plan(now, said.new)
    _verify(now, old, new, said, reason)
    fits = []
    for goes_on in (False, True):
        one = Replacement(
            old_uid=old.sop_instance_uid,
            new_uid=new.sop_instance_uid,
            after=said.after,
            goes_on=goes_on,
            said="",
        )
        fits.append((one, patient_now(folder, inventory, pseudonym, at, supposing=one)))
    meant = [pair for pair in fits if _numbers(pair[1].at(new)) == (said.next_fraction, said.left)]
    if not meant:
        raise _other_numbers(old, new, said, [then.at(new) for _, then in fits])
    one, then = meant[0]
    found = {found.key: found for plan in (old, new) for found in then.doubts(plan)}
    settled = tuple(doubt for doubt in found.values() if not doubt.text.startswith("REPLACED "))
    row = write(
        folder,
        Deed.PLAN_REPLACED,
        by=" and ".join(people),
        at=at,
        pseudonym=pseudonym,
        about=f"plan {old.rt_plan_label!r} is replaced by {new.rt_plan_label!r}, next is fraction "
        f"{said.next_fraction}, {said.left} left",
        said=reason,
        signed=signed,
        old=one.old_uid,
        new=one.new_uid,
        after=one.after,
        goes_on=one.goes_on,
        doubts={doubt.key: doubt.text[:500] for doubt in settled},
    )
    after = patient_now(folder, inventory, pseudonym, at)
    return Replaced(
        said=said, line=row.sequence, old=old, new=new, goes_on=one.goes_on, settled=settled, now=after
    )


def take_back(
    folder: IncidentFolder,
    pseudonym: str,
    line: int,
    *,
    people: tuple[str, ...],
    reason: str,
    clock: Clock,
    signed: str = "",
) -> None:
    """Write down that what a line said of two plans holds no more; what it settled is in doubt again.

    Raises
    ------
    ConfigError
        No such line of this patient, taken back already, or no reason.
    """
    zone = ZoneInfo(folder.incident().time_zone)
    standing = said_of_plans(folder.journal.rows(), pseudonym, zone)
    if line not in standing:
        named = ", ".join(map(str, standing)) or "none"
        raise ConfigError(
            f"Line {line} of the journal does not say which plan of this patient holds.",
            do_next=f"These do: {named}.",
        )
    if not reason.strip():
        raise ConfigError("Why has to be said.", do_next=REASON)
    write(
        folder,
        Deed.PLAN_TAKEN_BACK,
        by=" and ".join(people),
        at=clock.now(),
        pseudonym=pseudonym,
        about=f"line {line}",
        line=line,
        said=reason,
        signed=signed,
    )


def _plan(now: Now, wanted: str) -> Plan:
    """Return the plan of that label or UID; one that no copy holds cannot be treated from."""
    held = [one for one in now.person.plans if one.is_clinical]
    if not any(wanted in {one.rt_plan_label, one.sop_instance_uid} for one in held):
        names = ", ".join(repr(one.rt_plan_label) for one in held) or "none"
        raise ConfigError(
            f"No plan {wanted!r} is in the copy of this patient; it has {names}.",
            do_next="A plan that no copy holds cannot be treated from. Look for it in a newer copy of the "
            "vault (declare from that one), on the planning system, at the machine; else plan anew.",
        )
    return now.plan(wanted)


def _verify(now: Now, old: Plan, new: Plan, said: Holds, reason: str) -> None:
    if not reason.strip():
        raise ConfigError("Why has to be said.", do_next=REASON)
    if old.sop_instance_uid == new.sop_instance_uid:
        raise ConfigError("A plan does not replace itself.", do_next="Name two plans.")
    if new.approval_status is not ApprovalStatus.APPROVED:
        raise ConfigError(
            f"The copy holds plan {new.rt_plan_label!r} as it was before anybody approved it.",
            do_next="What was approved later may be another plan: look for that one on the planning "
            "system, or plan anew. Nothing is treated by this copy.",
        )
    at, other = now.at(old), next((one for one in now.replaced if one.old_uid == new.sop_instance_uid), None)
    if other is not None and other.new_uid != old.sop_instance_uid:
        raise ConfigError(
            f"Plan {new.rt_plan_label!r} is replaced by another one itself. {other.said}",
            do_next="Say which plan holds now, or `incident take-back` that line first.",
        )
    if at is None or now.at(new) is None:
        raise ConfigError(
            "Where the course stands is not known.", do_next="A physicist counts the records: the dossier."
        )
    if at.is_finished:
        raise ConfigError(
            f"All {at.fractions_planned} fractions of plan {old.rt_plan_label!r} are given.",
            do_next="Nothing of it is left to be replaced.",
        )
    if at.fractions_complete != said.after:
        raise ConfigError(
            f"By the records {plural(at.fractions_complete, 'fraction')} were given by plan "
            f"{old.rt_plan_label!r}, not {said.after}.",
            do_next="A fraction that no record shows is entered from paper first: `beamkeeper paper enter`.",
        )
    if any(not one.checked_by and not one.struck_by for one in now.written):
        raise ConfigError(
            "A fraction was typed in that nobody has checked.", do_next="`beamkeeper paper check` first."
        )
    both = {old.sop_instance_uid, new.sop_instance_uid}
    if any(one.plan_uid in both for one in now.questions):
        raise ConfigError(
            "A session that another house gave waits for a number.", do_next="`beamkeeper handover assign`."
        )


def _numbers(at: PlanPosition | None) -> tuple[int | None, int | None]:
    """Return which fraction is next, and how many are left."""
    if at is None or at.fractions_planned is None:
        return None, None
    return at.next_fraction_number, at.fractions_planned - at.fractions_complete


def _other_numbers(old: Plan, new: Plan, said: Holds, either: list[PlanPosition | None]) -> ConfigError:
    (anew, anew_left), (on, on_left) = map(_numbers, either)
    planned = new.number_of_fractions_planned
    return ConfigError(
        f"Plan {new.rt_plan_label!r} has {planned or 'an unknown number of'} fractions. If it begins at 1, "
        f"fraction {anew or '?'} is next and {_left(anew_left)} left; if it goes on after the {said.after} "
        f"of plan {old.rt_plan_label!r}, fraction {on or '?'} is next and {_left(on_left)} left. You said "
        f"fraction {said.next_fraction}, {said.left} left.",
        do_next="Read the prescription of the new plan again; say the numbers of the one that is meant.",
    )


def _left(count: int | None) -> str:
    return "an unknown number is" if count is None else "1 is" if count == 1 else f"{count} are"
