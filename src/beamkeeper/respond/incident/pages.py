"""What is printed in the first hour besides the lists: first sheet, checklist, role cards, journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.protect.lists.page import Cell, Column, Group, Line, Page, PageRow, Style, at, cell
from beamkeeper.respond.incident.incident import DECIDES, Deed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.incident.checklist import RoleCard, Step
    from beamkeeper.respond.incident.clocks import Due
    from beamkeeper.respond.incident.incident import Incident, Tick
    from beamkeeper.respond.incident.inventory import Headline, Overview

BOX = "☐"
DONE = "☑"


def first_page(
    incident: Incident,
    known: Overview,
    due: Sequence[Due],
    checked: str,
    *,
    made_at: datetime,
) -> Page:
    """Return the sheet that lies on top: the numbers, the night and what to know of it, the clocks."""
    zone = ZoneInfo(incident.time_zone)
    until = f"Sessions booked until {at(known.attacked_at, zone)} count as possibly given."
    return _page(
        incident,
        title="Incident",
        columns=(Column("What", 4), Column("", 2), Column("", 6)),
        groups=(
            Group("Patients", "each counted once", tuple(_numbers(known.numbers))),
            Group("By when whom to tell", "counted from when somebody knew", tuple(_due(due, zone))),
            Group("The copy", "", (PageRow((cell("Read"), (), cell(checked))),)),
        ),
        notes=(until, "This sheet names no patient; the lists beside it do."),
        made_at=made_at,
        warnings=known.warnings,
    )


def checklist_page(
    incident: Incident, steps: Sequence[Step], ticked: Mapping[str, Tick], *, made_at: datetime
) -> Page:
    """Return the checklist with what is ticked."""
    zone = ZoneInfo(incident.time_zone)
    return _page(
        incident,
        title="Checklist",
        columns=(
            Column("", 0.6),
            Column("No.", 0.8),
            Column("Who", 2.4),
            Column("What", 9),
            Column("Done by, at", 3),
        ),
        groups=tuple(
            Group(
                step.title,
                f"{sum(item.item_id in ticked for item in step.items)} of {len(step.items)} ticked",
                tuple(
                    PageRow(
                        (
                            cell(Line(DONE if item.item_id in ticked else BOX, Style.BIG)),
                            cell(item.item_id),
                            cell(item.whose),
                            cell(Line(item.text, Style.STRONG)),
                            _ticked(ticked.get(item.item_id), zone),
                        )
                    )
                    for item in step.items
                ),
            )
            for step in steps
        ),
        notes=("Tick on paper or with `beamkeeper incident tick`; the journal keeps who and when.",),
        made_at=made_at,
    )


def cards_page(
    incident: Incident, cards: Sequence[RoleCard], rows: Iterable[AuditRow], *, made_at: datetime
) -> Page:
    """Return the card of each role, with the people who hold it."""
    held = holders(rows)
    return _page(
        incident,
        title="Role cards",
        columns=(Column("", 0.6), Column("What you do", 8), Column("What you do not", 5)),
        groups=tuple(Group(card.title, _aim(card, held), tuple(_card_rows(card))) for card in cards),
        notes=("Cut along the headings; each person keeps the card of their role.",),
        made_at=made_at,
    )


def holders(rows: Iterable[AuditRow]) -> Mapping[str, tuple[str, ...]]:
    """Return who holds the card of each role: who was admitted to the incident, as the journal says."""
    people: dict[str, tuple[str, str]] = {}
    for row in rows:
        login = str(row.details.get("about", ""))
        if row.action == Deed.ADMITTED:
            name, _, duty = str(row.details.get("said", "")).rpartition(", ")
            people[login] = (_CARD_OF.get(duty, duty), name)
        elif row.action == Deed.DISMISSED:
            people.pop(login, None)
    found: dict[str, list[str]] = {}
    for role, name in people.values():
        found.setdefault(role, []).append(name)
    return {role: tuple(names) for role, names in found.items()}


_CARD_OF: Final = {"therapist": "rtt"}
"""Cards whose name is not that of the duty."""
_NOBODY: Final = "." * 40


def _aim(card: RoleCard, held: Mapping[str, Sequence[str]]) -> str:
    return f"{card.aim} Held by: {', '.join(held.get(card.role_id, ())) or _NOBODY}"


def journal_page(incident: Incident, rows: Sequence[AuditRow], *, made_at: datetime) -> Page:
    """Return the journal: everything anybody wrote down, in order."""
    zone = ZoneInfo(incident.time_zone)
    lines = tuple(
        PageRow(
            (
                cell(Line(str(row.sequence), Style.SMALL)),
                cell(Line(at(row.at, zone), Style.STRONG)),
                cell(row.actor),
                cell(row.action, Line(row.outcome, Style.SMALL)),
                cell(said_in(row)),
                cell(Line(row.sha256[:12], Style.SMALL)),
            )
        )
        for row in rows
    )
    return _page(
        incident,
        title="Journal",
        columns=(
            Column("#", 0.6),
            Column("When", 2.4),
            Column("Who", 2.2),
            Column("What", 2),
            Column("Said", 7),
            Column("Digest", 1.6),
        ),
        groups=(Group("Everything that was written down", f"{len(rows)} lines", lines),),
        notes=(
            "Each line carries the digest of the line before it: the last one, on paper, proves all of them.",
        ),
        made_at=made_at,
    )


def said_in(row: AuditRow) -> str:
    """Return what a line of the journal says, for people."""
    details = row.details
    about, said = str(details.get("about", "")), str(details.get("said", ""))
    parts = [f"patient {row.patient_pseudonym[:10]}" if row.patient_pseudonym else "", about, said]
    return ": ".join(filter(None, parts)) or Deed(row.action).value


def left_in_words(left: timedelta) -> str:
    """Return how long a clock still runs, or since when it is over."""
    minutes = int(abs(left.total_seconds())) // 60
    days, hours = divmod(minutes // 60, 24)
    long = f"{days} d {hours} h" if days else f"{hours} h {minutes % 60:02} min"
    return f"OVER since {long}" if left.total_seconds() < 0 else f"{long} left"


def _page(
    incident: Incident,
    *,
    title: str,
    columns: tuple[Column, ...],
    groups: tuple[Group, ...],
    notes: tuple[str, ...],
    made_at: datetime,
    warnings: tuple[str, ...] = (),
) -> Page:
    zone = ZoneInfo(incident.time_zone)
    declared = f"{at(incident.declared_at, zone)} by {incident.declared_by}"
    known = incident.known or "nothing was written down"
    return Page(
        title=title,
        site_name=incident.site_name,
        night=f"Night of {incident.night:%A %Y-%m-%d}",
        trust=incident.trust,
        made=f"Made {at(made_at, zone)} ({zone.key})",
        warnings=warnings,
        summary=(f"Incident {incident.incident_id}, declared {declared}: {known}.",),
        columns=columns,
        groups=groups,
        notes=notes,
        decides=DECIDES,
        empty="Nothing stands here yet.",
    )


def _numbers(numbers: Headline) -> list[PageRow]:
    said = [
        ("On treatment", numbers.on_treatment, ""),
        ("Ready to start", numbers.ready, ""),
        ("Treatable from the copy", numbers.treatable, "of those on treatment or ready; nothing is missing"),
        ("RCR category 1", numbers.of_category_1, "suggested by diagnosis and intent; a physician decides"),
        (
            "Possibly treated since",
            numbers.possibly_delivered,
            "the copy cannot show whether today's session was given: ask, never assume",
        ),
        ("To look at first", numbers.to_look_at, "marked ▲ in the lists"),
        ("Without a phone number", numbers.without_phone, "the OIS held none"),
        ("Not ready to start", numbers.not_ready, "what is missing stands in the lists"),
        ("Could not be read", numbers.not_read, "named above the lists"),
    ]
    return [PageRow((cell(what), cell(Line(str(count), Style.BIG)), cell(why))) for what, count, why in said]


def _due(due: Sequence[Due], zone: ZoneInfo) -> list[PageRow]:
    return [
        PageRow(
            (
                cell(Line(item.clock.law, Style.STRONG), Line(item.clock.clause, Style.SMALL)),
                cell(Line(at(item.due_at, zone), Style.STRONG), _clock_line(item, zone)),
                cell(
                    item.clock.what,
                    Line("" if item.clock.in_force else "proposed, not in force", Style.SMALL),
                ),
            )
        )
        for item in due
    ]


def _clock_line(item: Due, zone: ZoneInfo) -> Line:
    if item.done is not None:
        return Line(f"done by {item.done.by}, {at(item.done.at, zone)}")
    return Line(left_in_words(item.left), Style.MARK if item.is_over else Style.PLAIN)


def _ticked(tick: Tick | None, zone: ZoneInfo) -> Cell:
    if tick is None:
        return ()
    return cell(Line(tick.by, Style.STRONG), Line(at(tick.at, zone)), Line(tick.said, Style.SMALL))


def _card_rows(card: RoleCard) -> list[PageRow]:
    does_not = cell(*(Line(text) for text in card.does_not))
    return [
        PageRow((cell(Line(BOX, Style.BIG)), cell(Line(text, Style.STRONG)), () if number else does_not))
        for number, text in enumerate(card.does)
    ]
