"""The triage list: who, which fraction, what is next, on which machine, whom to call."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.lists.order import RULES
from beamkeeper.protect.lists.page import (
    Cell,
    Column,
    Group,
    Line,
    Page,
    PageRow,
    Style,
    at,
    cell,
    headed,
    identifiers,
    name_of,
    sex_and_language,
)
from beamkeeper.protect.lists.row import DECIDES, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.census import Appointment
    from beamkeeper.protect.lists.row import ListHead, ListRow, PlanLine

COLUMNS: Final = (
    Column("#", 0.8),
    Column("Patient", 3.2),
    Column("Call first", 2.1),
    Column("Plan: given so far", 2.5),
    Column("Next fraction", 1.3),
    Column("Last fraction", 1.7),
    Column("Triage code", 1.9),
    Column("RCR category: suggested, a physician decides", 1.8),
    Column("Machine", 2.1),
    Column("Physician; next appointment", 2.4),
)
NOTES: Final = (
    "▲ stands before what has to be looked at before anybody is treated.",
    "“finish 13” means that fraction 13 was begun: what is missing of it is given before any other fraction.",
    "“13?” means that the evidence does not agree: a physicist says which fraction is next.",
    "The triage code is the department's own. The RCR category comes from diagnosis code and intent alone.",
)


def triage_page(head: ListHead, rows: Sequence[ListRow]) -> Page:
    """Return the triage list."""
    return headed(
        head,
        title="Triage list",
        summary=(counts(head, rows), _seen_as(rows)),
        columns=COLUMNS,
        groups=tuple(_groups(rows, head.zone)),
        notes=(
            *NOTES,
            "The order, rule by rule; the first that tells two patients apart decides:",
            *(f"{number}. {rule.said}" for number, rule in enumerate(RULES, start=1)),
        ),
        decides=DECIDES,
        empty="Nobody is on the list of this night. That is not a quiet night: find out why.",
    )


def counts(head: ListHead, rows: Sequence[ListRow]) -> str:
    """Return how many patients the night has and where each is listed: the numbers add up."""
    by_section = Counter(row.section for row in rows)
    parts = [f"{by_section[section]} {_short(section)}" for section in Section]
    if head.not_read:
        parts.append(f"{len(head.not_read)} that could not be read (named in the frame)")
    total = len(rows) + len(head.not_read)
    return f"{total} patient{'' if total == 1 else 's'} in this night: {', '.join(parts)}."


def _seen_as(rows: Sequence[ListRow]) -> str:
    marked = sum(bool(row.warnings or any(line.conflicts for line in row.plans)) for row in rows)
    blocked = sum(any(line.missing for line in row.plans) for row in rows)
    without = sum(row.first_call is None for row in rows)
    return (
        f"{marked} with a ▲ to look at first, {blocked} with a plan that cannot be treated from this copy "
        f"as it is, {without} without a phone number."
    )


def _short(section: Section) -> str:
    return section.value.partition(":")[0].lower()


def _groups(rows: Sequence[ListRow], zone: ZoneInfo) -> Iterator[Group]:
    for section in Section:
        mine = [row for row in rows if row.section is section]
        if mine:
            said = f"{len(mine)} patient{'' if len(mine) == 1 else 's'}"
            yield Group(section.value, said, tuple(item for row in mine for item in _rows(row, zone)))


def _rows(row: ListRow, zone: ZoneInfo) -> Iterator[PageRow]:
    last = len(row.plans) - 1
    for index, line in enumerate(row.plans):
        yield PageRow(
            cells=(
                *(_who(row) if not index else _again(row)),
                *_plan_cells(line, zone),
                *(_urgency(row) if not index else ((), ())),
                cell(Line(line.machine or "–", Style.STRONG), Line(line.needs, Style.SMALL)),
                _people(row, zone) if not index else (),
            ),
            under=(*_of_plan(row, line), *(_of_patient(row) if index == last else ())),
        )


def _who(row: ListRow) -> tuple[Cell, ...]:
    return (
        cell(Line(str(row.rank), Style.BIG)),
        cell(
            Line(name_of(row.patient), Style.STRONG),
            Line(identifiers(row.patient, sex=False)),
            Line(sex_and_language(row.patient), Style.SMALL),
        ),
        call_cell(row),
    )


def _again(row: ListRow) -> tuple[Cell, ...]:
    return cell(Line(str(row.rank), Style.SMALL)), cell(Line(f"the same: {name_of(row.patient)}")), ()


def call_cell(row: ListRow) -> Cell:
    """Return whom to call first, and how."""
    first = row.first_call
    if first is None:
        return cell(Line("no phone number held", Style.MARK))
    if first in row.own_phones:
        return cell(*(Line(item.phone, Style.STRONG) for item in row.own_phones[:2]))
    said = f"{first.name} ({first.relation})" if first.relation else first.name
    return cell(Line(first.phone, Style.STRONG), Line(said), Line("own number not held", Style.SMALL))


def _plan_cells(line: PlanLine, zone: ZoneInfo) -> tuple[Cell, ...]:
    last = line.last_treated_at
    when = "" if last is None else f"{last.astimezone(zone):%Y-%m-%d %H:%M}"
    return (
        cell(
            Line(line.label, Style.STRONG),
            Line(line.given),
            Line("; ".join(filter(None, (line.dose, line.intent))), Style.SMALL),
        ),
        cell(Line(line.next_fraction, Style.BIG)),
        cell(Line(days_in_words(line), Style.STRONG), Line(when, Style.SMALL)),
    )


def days_in_words(line: PlanLine) -> str:
    """Return how long ago the last fraction was."""
    days = line.days_since
    if days is None:
        return "none yet" if line.section in {Section.READY, Section.NOT_READY} else "day not known"
    if days < 0:
        return "in the future?"
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


def _urgency(row: ListRow) -> tuple[Cell, ...]:
    triage, category = row.triage, row.category
    return (
        cell(
            Line(triage.code if triage else "none", Style.BIG if triage else Style.PLAIN),
            Line(triage.reason if triage else "", Style.SMALL),
            Line(f"by {triage.given_by}" if triage and triage.given_by else "", Style.SMALL),
        ),
        cell(Line(category.word, Style.STRONG), Line(category.reason, Style.SMALL)),
    )


def _people(row: ListRow, zone: ZoneInfo) -> Cell:
    physician = row.physicians[0] if row.physicians else None
    booked = row.next_appointment
    return cell(
        Line(physician.name if physician else "physician not held"),
        Line(physician.phone if physician else "", Style.STRONG),
        Line(_booked(booked, zone), Style.SMALL),
    )


def _booked(booked: Appointment | None, zone: ZoneInfo) -> str:
    if booked is None:
        return "no appointment held"
    return " · ".join(filter(None, (at(booked.starts_at, zone), booked.machine)))


def _of_plan(row: ListRow, line: PlanLine) -> Iterator[Line]:
    if line.plan_uid and (line.is_continuation or "?" in line.next_fraction):
        yield Line(f"{line.label}: {line.next_said}.", Style.MARK)
    for text in line.conflicts:
        yield Line(f"{line.label}: {text}", Style.MARK)
    missing = [text for text in line.missing if text not in {*line.conflicts, *row.warnings}]
    if missing and line.section is not Section.FINISHED:
        of_plan = f"{line.label}, not ready: " if line.plan_uid else ""
        yield Line(f"{of_plan}{' '.join(missing)}", Style.MARK)


def _of_patient(row: ListRow) -> Iterator[Line]:
    for text in row.warnings:
        yield Line(text, Style.MARK)
    for text in row.remarks:
        yield Line(text)
    yield Line(row.because, Style.SMALL)
