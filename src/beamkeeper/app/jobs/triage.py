"""The order of an incident: facts out of the inventory, people's words out of the journal, files to print."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.day_files import RULES
from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.treatment_days import days_said
from beamkeeper.clock import local_date
from beamkeeper.domain.patient import shown_name
from beamkeeper.protect.lists import Section, list_rows
from beamkeeper.protect.lists.html import page_html
from beamkeeper.protect.lists.order import code_number, waiting_days
from beamkeeper.protect.lists.pdf import page_pdf
from beamkeeper.protect.lists.text import page_text
from beamkeeper.respond.gap.calendar_days import Calendar
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.triage import Facts, Statement, rank, read_rules, rule_file, shipped_rules
from beamkeeper.respond.triage.page import order_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.protect.lists import ListRow, Person
    from beamkeeper.respond.incident import Inventory
    from beamkeeper.respond.triage import Capacity, CutState, Ranked, RuleSet

CONSIDERED: Final = frozenset({Section.ON_TREATMENT, Section.READY})
"""Who is put in order: those who could be treated. The others stand in the inventory with what is missing."""
_SITE_CODES: Final = range(1, 6)
AGE_OF_MAJORITY: Final = 18
COURSE_PAUSE_DAYS: Final = 42
"""Longer than any planned pause inside a course, split courses included."""


def order_of(
    folder: IncidentFolder, inventory: Inventory, now: datetime
) -> tuple[RuleSet, tuple[Ranked, ...]]:
    """Return the rule set of an incident and everybody in its order, as people's words and gaps stand now."""
    rows = folder.journal.rows()
    return ordered(folder, facts_of(inventory, now, days=days_said(rows)), rows)


def ordered(
    folder: IncidentFolder, everybody: Sequence[Facts], rows: Iterable[AuditRow]
) -> tuple[RuleSet, tuple[Ranked, ...]]:
    """Return the rule set of an incident and these patients in its order, by the words of its journal."""
    rules = read_rules(rules_text(folder))
    return rules, rank(everybody, rules, statements(rows))


def at_present(inventory: Inventory, now: datetime) -> tuple[ListRow, ...]:
    """Return a row for everybody of an inventory, as days and appointments stand now."""
    return list_rows(inventory.persons, replace(inventory.head, made_at=now))


def rules_text(folder: IncidentFolder) -> str:
    """Return the rule set of an incident: its own, else the one that is shipped."""
    path = folder.path / RULES
    return path.read_text(encoding="utf-8") if path.is_file() else shipped_rules()


def statements(rows: Iterable[AuditRow]) -> tuple[Statement, ...]:
    """Return what people said of patients, in the order in which they said it."""
    return tuple(
        Statement(
            pseudonym=row.patient_pseudonym,
            about=str(row.details["about"]),
            value=str(row.details["value"]),
            reason=str(row.details.get("said", "")),
            by=row.actor,
            at=row.at,
        )
        for row in rows
        if row.action == Deed.OVERRIDDEN and row.patient_pseudonym
    )


def facts_of(
    inventory: Inventory,
    now: datetime,
    rows: Sequence[ListRow] | None = None,
    *,
    days: Calendar | None = None,
) -> tuple[Facts, ...]:
    """Return the facts of everybody who could be treated; gaps grow while the incident lasts.

    Parameters
    ----------
    rows
        Those of `at_present`, where somebody has them of the same day: they take seconds for 2,000 patients.
    days
        The department's days; None where nobody said them.
    """
    head = replace(inventory.head, made_at=now)
    persons = {one.pseudonym: one for one in inventory.persons}
    return tuple(
        _facts(persons[row.pseudonym], row, head.today, head.zone, days)
        for row in (at_present(inventory, now) if rows is None else rows)
        if row.section in CONSIDERED
    )


def _facts(person: Person, row: ListRow, today: date, zone: ZoneInfo, days: Calendar | None) -> Facts:
    code = code_number(row)
    open_lines = [line for line in row.plans if line.section is not Section.FINISHED]
    return Facts(
        pseudonym=row.pseudonym,
        name=f"{shown_name(row.patient.name) or '(no name)'} (ID {row.patient.patient_id})",
        begun=row.section is Section.ON_TREATMENT,
        in_doubt=any("?" in line.next_fraction for line in open_lines),
        fraction_open=any(line.is_continuation for line in open_lines),
        rcr_category=row.category.number,
        intent=_intent(row),
        site_code=code if code in _SITE_CODES else None,
        gap_days=gap_days(person.position, today, zone, days or Calendar()),
        is_by_calendar=days is not None,
        days_since_last=waiting_days(row),
        fractions_left=_fractions_left(person),
        paediatric=_is_child(row.patient.birth_on, today),
    )


def _is_child(birth_on: date | None, today: date) -> bool | None:
    """Return whether somebody is under age; None where no birth date is known."""
    if birth_on is None:
        return None
    had_birthday = (today.month, today.day) >= (birth_on.month, birth_on.day)
    return today.year - birth_on.year - (not had_birthday) < AGE_OF_MAJORITY


def _intent(row: ListRow) -> str | None:
    """Return the intent that the category was suggested by."""
    return {1: "radical", 2: "radical", 3: "palliative"}.get(row.category.number or 0)


def gap_days(position: CoursePosition | None, today: date, zone: ZoneInfo, calendar: Calendar) -> int | None:
    """Return the planned days without a fraction from the first one until yesterday; None when not known.

    As `respond.gap` counts: a course is planned around public holidays, which are none of it, and not around
    days on which the machine is away, which are missed. Fractions on other days make good. A course that is
    not given daily counts too many, and where nobody said the holidays, these do: both err to urgency.
    What was given before a pause of more than `COURSE_PAUSE_DAYS` is a course before this one.
    """
    if position is None:
        return None
    days = {
        local_date(state.last_treated_at, zone)
        for at in position.plans
        for state in at.fractions
        if state.last_treated_at is not None
    }
    if not days:
        return None
    first = max(days)
    for day in sorted(days, reverse=True):
        if (first - day).days > COURSE_PAUSE_DAYS:
            break
        first = day
    planned = sum(
        calendar.is_planned(first + timedelta(days=number)) for number in range((today - first).days)
    )
    return max(0, planned - sum(first <= day < today for day in days))


def _fractions_left(person: Person) -> int | None:
    plans = person.position.plans if person.position else ()
    still_open = [at for at in plans if not at.is_over]
    if not still_open or any(at.fractions_planned is None for at in still_open):
        return None
    return sum((at.fractions_planned or 0) - at.fractions_complete for at in still_open)


def take_rules(folder: IncidentFolder, path: Path, *, by: str, now: datetime) -> None:
    """Let a department's own rule set count from now on, and write that down."""
    text = rule_file(path)
    folder.keep(RULES, text.encode())
    version = read_rules(text).version
    write(
        folder, Deed.DECIDED, by=by, at=now, about="rules of triage", said=f"{path.name}, version {version}"
    )


def write_order(
    folder: IncidentFolder,
    inventory: Inventory,
    rules: RuleSet,
    ranked: Sequence[Ranked],
    states: Sequence[CutState],
    *,
    capacity: Capacity | None,
    now: datetime,
) -> tuple[str, ...]:
    """Write the order for printing; return the names of the files in the folder."""
    head = replace(inventory.head, made_at=now)
    rows = {row.pseudonym: row for row in at_present(inventory, now)}
    page = order_page(head, rows, ranked, rules, summary=counted(ranked), cut=states, capacity=capacity)
    made_at = int(now.timestamp())
    files = {
        "triage/order.pdf": page_pdf(page, made_at=made_at),
        "triage/order.html": page_html(page).encode("utf-8", "replace"),
        "triage/order.txt": page_text(page).encode("utf-8", "replace"),
    }
    for name, data in files.items():
        folder.keep(name, data)
    return tuple(files)


def counted(ranked: Sequence[Ranked]) -> str:
    """Return how many have which level, in a sentence."""
    levels = Counter(one.level.word for one in ranked)
    parts = [f"{levels[word]} of level {word}" for word in ("1", "2", "3", "4", "5") if levels[word]]
    if levels["?"]:
        parts.append(f"{levels['?']} without a level: a physician decides")
    return f"{len(ranked)} patients: {', '.join(parts)}." if ranked else "Nobody can be put in order."
