"""Where a patient of an incident stands now: the inventory's copy, with what was given since by any way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.came_back import came_back
from beamkeeper.app.jobs.file_mode_records import collected_records
from beamkeeper.app.jobs.transfers import transfers
from beamkeeper.domain.ois_against import closed_by_ois
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.domain.replacing import in_effect
from beamkeeper.errors import ConfigError, IntegrityError
from beamkeeper.protect.lists import row_among
from beamkeeper.respond.handover.given_there import OnPaper, sort_given
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.incident.lines import not_understood
from beamkeeper.respond.incident.replaced import said_of_plans
from beamkeeper.respond.incident.since import SinceCopy, doubts, settled_keys, standing_now
from beamkeeper.respond.paper import HandEntry, as_records, entries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.plan import Plan
    from beamkeeper.domain.position import PlanPosition
    from beamkeeper.domain.replacing import Replacement
    from beamkeeper.protect.lists import ListHead, ListRow, Person, PlanLine
    from beamkeeper.respond.handover.given_there import Question
    from beamkeeper.respond.incident import Inventory
    from beamkeeper.respond.incident.since import Doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One patient as of now.

    Attributes
    ----------
    person
        With what was given since counted in, and settled doubts left out.
    written
        What was typed in from paper.
    questions, answered
        Sessions given elsewhere that two people have to number, and those that they numbered.
    replaced
        What people said of plans that another one replaces.
    """

    person: Person
    row: ListRow
    head: ListHead
    written: tuple[HandEntry, ...] = ()
    questions: tuple[Question, ...] = ()
    answered: tuple[Question, ...] = ()
    replaced: tuple[Replacement, ...] = ()

    def plan(self, wanted: str | None) -> Plan:
        """Return the plan that is meant: by label or UID, or the only one that is open.

        Raises
        ------
        ConfigError
            None, or several.
        """
        plans = [one for one in self.person.plans if one.is_clinical]
        if not plans:
            raise ConfigError(
                "No plan is kept of this patient that could be treated.",
                do_next="A physicist finds out which plan it is; nothing is given without one.",
            )
        if wanted:
            found = [one for one in plans if wanted in {one.rt_plan_label, one.sop_instance_uid}]
        else:
            still_open = {line.plan_uid for line in self.row.plans if line.next_fraction != "none"}
            found = [one for one in plans if one.sop_instance_uid in still_open] or plans
        if len(found) != 1:
            raise ConfigError(
                f"{len(found)} plans fit that." if wanted else f"{len(found)} plans are open.",
                do_next="Name one with --plan: "
                + ", ".join(f"{one.rt_plan_label!r} ({one.sop_instance_uid})" for one in plans),
            )
        return found[0]

    def line(self, plan: Plan) -> PlanLine:
        """Return what the list says of a plan.

        Raises
        ------
        ConfigError
            It is neither begun nor approved.
        """
        line = next((one for one in self.row.plans if one.plan_uid == plan.sop_instance_uid), None)
        if line is None:
            raise ConfigError(
                f"Plan {plan.rt_plan_label!r} is neither begun nor approved.",
                do_next="A physicist decides whether it is the one; name another with --plan.",
            )
        return line

    def at(self, plan: Plan) -> PlanPosition | None:
        """Return where a plan stands; None where that is not known."""
        positions = self.person.position.plans if self.person.position else ()
        return next((one for one in positions if one.plan_uid == plan.sop_instance_uid), None)

    def said_of(self, plan: Plan) -> tuple[str, ...]:
        """Return what people said of a plan that holds instead of another one, and what that answers."""
        at = self.at(plan)
        told = [one.text for one in (at.conflicts if at else ()) if one.kind is ConflictKind.REPLACES]
        return (*told, *closed_by_ois(self.person.entry, plan.sop_instance_uid)) if told else ()

    def doubts(self, plan: Plan) -> tuple[Doubt, ...]:
        """Return what keeps the next fraction from being sure."""
        return doubts(self.person, plan.sop_instance_uid)


def patient_now(
    folder: IncidentFolder,
    inventory: Inventory,
    pseudonym: str,
    now: datetime,
    *,
    supposing: Replacement | None = None,
) -> Now:
    """Return one patient as of now.

    Parameters
    ----------
    supposing
        What somebody is about to say of two plans; None for what stands in the journal alone.

    Raises
    ------
    IntegrityError
        Something of the incident's folder is not what was written.
    """
    rows = folder.journal.rows()
    person = _person(inventory, rows, pseudonym)
    collected = collected_records(folder, rows, pseudonym, person.entry.patient.patient_id)
    written = entries(rows, pseudonym)
    home = tuple(item.content for item in person.objects if isinstance(item.content, TreatmentRecord))
    zone = ZoneInfo(inventory.time_zone)
    back = came_back(folder, rows, pseudonym)
    said = said_of_plans(rows, pseudonym, zone).values()
    replaced = in_effect((*said, *filter(None, (supposing,))))
    elsewhere = sort_given(
        (one for _, one in back.records),
        (*home, *collected.records),
        person.plans,
        patient_id=person.entry.patient.patient_id,
        their_plans=back.plans,
        on_paper=tuple(map(_on_paper, (one for one in written if not one.struck_by))),
        carried={one.new_uid: one.after for one in replaced if one.goes_on},
        answered=_answers(rows, pseudonym),
    )
    machines = (*home, *collected.records, *elsewhere.counted)
    by_hand, conflicts = as_records(written, person.plans, machines)
    unknown = (*_away(rows, pseudonym), *map(_possibly, collected.doubts))
    asked = {
        plan.sop_instance_uid: tuple(
            _asked(one, zone) for one in elsewhere.questions if one.plan_uid == plan.sop_instance_uid
        )
        for plan in person.plans
    }
    since = SinceCopy(
        records=(*collected.records, *elsewhere.counted, *by_hand),
        conflicts={uid: (*conflicts.get(uid, ()), *found, *unknown) for uid, found in asked.items()},
        apart=elsewhere.apart,
        settled=settled_keys(rows, pseudonym),
        replaced=replaced,
    )
    counted = standing_now(person, since, attacked_at=inventory.attacked_at, zone=zone)
    head = replace(inventory.head, made_at=now)
    return Now(
        person=counted,
        row=row_among(counted, inventory.persons, head),
        head=head,
        written=written,
        questions=elsewhere.questions,
        answered=elsewhere.answered,
        replaced=replaced,
    )


def _person(inventory: Inventory, rows: Sequence[AuditRow], pseudonym: str) -> Person:
    """Return a patient of the inventory; lines about them that nobody understands are doubts."""
    person = next((one for one in inventory.persons if one.pseudonym == pseudonym), None)
    if person is None:
        raise IntegrityError(
            f"The journal speaks of patient {pseudonym[:10]}, who is not in the inventory.",
            do_next="Look at the journal: `beamkeeper incident log`.",
        )
    return replace(person, doubts=(*person.doubts, *not_understood(rows, pseudonym)))


def _away(rows: Sequence[AuditRow], pseudonym: str) -> tuple[Conflict, ...]:
    """Return a doubt for each house that treats a patient, until it says that a return was its last.

    Each return is a new doubt: what was settled before it does not settle what is given after it.
    """
    return tuple(
        Conflict(
            kind=ConflictKind.POSSIBLY_DELIVERED,
            text=f"Handed over to {one.house} (bundle {one.bundles[-1]}): what was given there "
            f"{one.away_since} is not known. Its last return bundle ends this doubt.",
        )
        for one in transfers(row for row in rows if row.patient_pseudonym == pseudonym)
        if one.is_away
    )


def _answers(rows: Sequence[AuditRow], pseudonym: str) -> dict[str, int | None]:
    """Return what two people said of sessions given elsewhere: our fraction, None for "does not count"."""
    return {
        str(row.details["about"]): int(str(row.details["fraction"])) if row.details.get("fraction") else None
        for row in rows
        if row.action == Deed.ASSIGNED and row.patient_pseudonym == pseudonym and row.details.get("elsewhere")
    }


def _on_paper(entry: HandEntry) -> OnPaper:
    return OnPaper(
        number=entry.number,
        plan_uid=entry.plan_uid,
        fraction_number=entry.fraction_number,
        given_at=entry.given_at,
    )


def _possibly(text: str) -> Conflict:
    return Conflict(kind=ConflictKind.POSSIBLY_DELIVERED, text=text)


def _asked(question: Question, zone: ZoneInfo) -> Conflict:
    return Conflict(
        kind=ConflictKind.POSSIBLY_DELIVERED,
        text=question.in_words(zone),
        record_uids=question.record_uids,
    )
