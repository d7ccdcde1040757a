"""The day schedule: machine by machine and hour by hour, from the appointments to come."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.lists.page import (
    Column,
    Group,
    Line,
    Page,
    PageRow,
    Style,
    cell,
    headed,
    identifiers,
    name_of,
)
from beamkeeper.protect.lists.row import Section
from beamkeeper.protect.lists.triage import call_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.census import Appointment
    from beamkeeper.protect.lists.row import ListHead, ListRow

COLUMNS: Final = (
    Column("Time", 1.0),
    Column("Patient", 3.2),
    Column("Call first", 2.2),
    Column("Activity", 2.0),
    Column("Plan: given so far", 2.6),
    Column("Next fraction", 1.3),
    Column("Triage code", 1.0),
    Column("No.", 0.7),
    Column("Came, treated, told", 2.6),
)
DECIDES: Final = (
    "Appointments as the sources last knew them. Decision support: who is treated today, a physician decides."
)
NOTES: Final = (
    "“Next fraction” is what is next as of the night, not what will be next on a later day.",
    "“No.” is the place in the triage list.",
)
NO_MACHINE: Final = "no machine named"


def schedule_page(head: ListHead, rows: Sequence[ListRow], *, days: Sequence[date] = ()) -> Page:
    """Return the schedule of some days; of every day that has an appointment when none is named."""
    booked = _booked(rows, head.zone)
    if days:
        booked = {key: items for key, items in booked.items() if key[0] in set(days)}
    count = sum(len(items) for items in booked.values())
    without = sum(row.next_appointment is None and row.section is Section.ON_TREATMENT for row in rows)
    return headed(
        head,
        title="Day schedule",
        summary=(
            (
                f"{count} appointment{'' if count == 1 else 's'} of {len(rows)} patients; "
                f"{without} on treatment without any appointment to come: they stand in the triage list."
            ),
        ),
        columns=COLUMNS,
        groups=tuple(_groups(booked, head.zone)),
        notes=NOTES,
        decides=DECIDES,
        empty="No appointment to come is held for anybody of this night.",
    )


_Booked = dict[tuple["date", str], list[tuple["Appointment", "ListRow"]]]


def _booked(rows: Sequence[ListRow], zone: ZoneInfo) -> _Booked:
    found: _Booked = defaultdict(list)
    for row in rows:
        for item in row.appointments:
            found[item.starts_at.astimezone(zone).date(), item.machine].append((item, row))
    return dict(sorted(found.items()))


def _groups(booked: _Booked, zone: ZoneInfo) -> Iterator[Group]:
    for (day, machine), items in booked.items():
        ordered = sorted(items, key=lambda pair: (pair[0].starts_at, pair[1].rank, pair[0].activity))
        yield Group(
            f"{day:%A %Y-%m-%d} · {machine or NO_MACHINE}",
            f"{len(items)} appointment{'' if len(items) == 1 else 's'}",
            tuple(_row(item, row, zone) for item, row in ordered),
        )


def _row(item: Appointment, row: ListRow, zone: ZoneInfo) -> PageRow:
    open_lines = [line for line in row.plans if line.section is not Section.FINISHED]
    marked = bool(row.warnings or any(line.conflicts or line.missing for line in row.plans))
    said = f"see no. {row.rank} in the triage list before anybody is treated"
    return PageRow(
        cells=(
            cell(Line(item.starts_at.astimezone(zone).strftime("%H:%M"), Style.BIG)),
            cell(Line(name_of(row.patient), Style.STRONG), Line(identifiers(row.patient))),
            call_cell(row),
            cell(item.activity),
            cell(*(Line(": ".join(filter(None, (line.label, line.given)))) for line in open_lines)),
            cell(*(Line(line.next_fraction, Style.STRONG) for line in open_lines)),
            cell(Line(row.triage.code if row.triage else "none", Style.STRONG)),
            cell(Line(str(row.rank))),
            cell("☐ came · ☐ treated · ☐ told"),
        ),
        under=(Line(said, Style.MARK),) if marked else (),
    )
