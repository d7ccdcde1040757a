"""Declaring an incident: from a copy of the vault and a key to lists on paper, in an order that helps.

1. the folder and the first line of the journal: who declares, what is known;
2. the notice that freezes removal, wherever we may write;
3. the inventory of the last confirmed night, and the lists: people work from here on;
4. the checklist, the cards, the clocks;
5. only then the whole vault is read, parcel by parcel: it may take longer than the first patient's call.

Every parcel the inventory is made of is verified before it is believed; step 5 is about all the others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.app.gap_days import calendar_of
from beamkeeper.app.jobs.day_files import CALENDAR, lay_out, shares_of
from beamkeeper.app.jobs.incident_folder import CHECKLIST, INCIDENT, INVENTORY, OVERVIEW, IncidentFolder
from beamkeeper.app.jobs.treatment_days import say_days
from beamkeeper.app.site_gap import GapSection
from beamkeeper.clock import local_date
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.lists import list_rows
from beamkeeper.protect.lists.files import list_files
from beamkeeper.protect.lists.html import page_html
from beamkeeper.protect.lists.pdf import page_pdf
from beamkeeper.respond.incident import (
    Deed,
    Incident,
    Inventory,
    new_incident_id,
    overview,
    standing,
    with_unseen_sessions,
)
from beamkeeper.respond.incident.checklist import role_cards, steps
from beamkeeper.respond.incident.clocks import clocks, standing_clocks
from beamkeeper.respond.incident.pages import cards_page, checklist_page, first_page, journal_page
from beamkeeper.vault import LocalStore
from beamkeeper.vault.hold import Hold, place_hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.jobs.day_files import DayFiles
    from beamkeeper.app.jobs.lists import Gathered
    from beamkeeper.clock import Clock
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.protect.lists import ListHead, ListRow, Person
    from beamkeeper.protect.lists.page import Page
    from beamkeeper.respond.incident import Headline, Overview
    from beamkeeper.vault import ParcelStore, Vault, VaultReport
    from beamkeeper.vault.reading import Progress

OWN_FILE: Final = "a file of the department"
NOT_READ_YET: Final = "The whole vault has not been read yet; every parcel these lists are made of has."


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What the person says who declares.

    Attributes
    ----------
    aware_at
        When somebody first knew.
    attacked_at
        When the systems were last known to work.
    checklist
        Text of the checklist to work by.
    """

    by: str
    known: str
    aware_at: datetime
    attacked_at: datetime
    laws: tuple[str, ...]
    checklist: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """An incident with its inventory.

    Attributes
    ----------
    held
        Places in which removal is frozen; `not_held` those we may not write to, each with the reason.
    own
        The department's own files that its copy brought.
    """

    folder: IncidentFolder
    incident: Incident
    inventory: Inventory
    rows: tuple[ListRow, ...]
    overview: Overview
    held: tuple[str, ...]
    not_held: tuple[str, ...]
    own: DayFiles

    @property
    def numbers(self) -> Headline:
        """The numbers of the first minute."""
        return self.overview.numbers


def declare(
    found: Gathered,
    vault: Vault,
    said: Declaration,
    *,
    folder: IncidentFolder,
    clock: Clock,
    more_places: Sequence[Path] = (),
) -> Declared:
    """Open an incident in `folder`: freeze removal, make inventory and lists, start clocks and journal.

    Raises
    ------
    ConfigError
        A law without clocks, or no checklist.
    StorageFull
        The folder cannot be written.
    """
    now = clock.now()
    clocks(said.laws), steps(said.checklist)
    incident = _incident(found, vault, said, now)
    folder.keep_value(INCIDENT, incident)
    folder.keep(CHECKLIST, said.checklist.encode())
    write(folder, Deed.DECLARED, by=said.by, at=now, said=said.known, incident=incident.incident_id)
    own = _own_files(folder, found, by=said.by, at=now)
    held, not_held = _freeze(vault, incident, more_places)
    for place in held:
        write(folder, Deed.HELD, by=said.by, at=clock.now(), about=place)
    for place in not_held:
        write(folder, Deed.HELD, by=said.by, at=clock.now(), about=place, outcome="failed")
    # At a site the lists go by its rules of today, the order by those that were sealed: one set counts.
    found = replace(found, head=replace(found.head, shares=shares_of(own)))
    inventory = inventory_of(found, said.attacked_at)
    rows = list_rows(inventory.persons, inventory.head)
    known = overview(inventory, rows)
    digests = {
        name: hashlib.sha256(folder.keep_value(name, value)).hexdigest()
        for name, value in ((INVENTORY, inventory), (OVERVIEW, known))
    }
    for name, content in list_files(inventory.head, rows).items():
        folder.keep(f"lists/{name}", content)
    write(folder, Deed.LISTED, by=said.by, at=clock.now(), said=_counted(known.numbers), sha256_of=digests)
    declared = Declared(
        folder=folder,
        incident=incident,
        inventory=inventory,
        rows=rows,
        overview=known,
        held=held,
        not_held=not_held,
        own=own,
    )
    print_pages(folder, known, now=clock.now(), checked=NOT_READ_YET)
    return declared


def check_vault(
    declared: Declared, vault: Vault, *, by: str, clock: Clock, progress: Progress | None
) -> VaultReport:
    """Read the whole vault, write down how that went, and print the first sheet again with it."""
    report = vault.verify(now=clock.now(), progress=progress)
    size = f"{report.parcel_count} parcels, {report.size_bytes / 1e6:.1f} MB"
    if report.is_sound:
        said = f"The whole vault was read: {size}, every digest as signed."
    else:
        lost = "; ".join(f"{item.path}: {item.what}" for item in report.problems[:20])
        said = f"NOT SOUND: {len(report.problems)} of {size} are not as signed. {lost}"
    outcome = "ok" if report.is_sound else "failed"
    write(declared.folder, Deed.CHECKED, by=by, at=clock.now(), said=said[:8000], outcome=outcome)
    print_pages(declared.folder, declared.overview, now=clock.now(), checked=said)
    return report


def inventory_of(found: Gathered, attacked_at: datetime) -> Inventory:
    """Return everybody of the chosen night, with the sessions that may have taken place since marked."""
    head = found.head
    persons = (with_unseen_sessions(one, attacked_at=attacked_at, zone=head.zone) for one in found.persons)
    return Inventory(
        site_name=head.site_name,
        time_zone=head.zone.key,
        night=head.night,
        trust=head.trust,
        made_at=head.made_at,
        attacked_at=attacked_at,
        confirmed_by=head.confirmed_by,
        warnings=(*head.warnings, *_nobody_asked(head, attacked_at)),
        not_read=head.not_read,
        persons=tuple(persons),
        night_phone=head.night_phone,
        shares=head.shares,
    )


def _nobody_asked(head: ListHead, attacked_at: datetime) -> Iterator[str]:
    """Say that no session is asked, where treatment is said to have stopped before the day of the copy."""
    if local_date(attacked_at, head.zone) < head.night:
        worked = f"{attacked_at.astimezone(head.zone):%a %Y-%m-%d %H:%M}"
        yield (
            f"Treatment is said to have worked until {worked}, before the copy of {head.night:%a %Y-%m-%d}"
            " was made: nobody is asked about a session since. If that is wrong, declare anew elsewhere."
        )


def last_record(persons: Sequence[Person]) -> datetime | None:
    """Return when the last fraction was recorded that a copy holds; None without any."""
    plans = (at for one in persons if one.position is not None for at in one.position.plans)
    return max((at.last_treated_at for at in plans if at.last_treated_at is not None), default=None)


def print_pages(folder: IncidentFolder, known: Overview, *, now: datetime, checked: str) -> None:
    """Write the incident's own pages anew: first sheet, checklist, cards, journal."""
    incident, rows = folder.incident(), folder.journal.rows()
    stand = standing(rows)
    due = standing_clocks(
        clocks(incident.laws),
        aware_at=incident.aware_at,
        reported=stand.reported,
        zone=ZoneInfo(incident.time_zone),
        now=now,
    )
    pages: dict[str, Page] = {
        "incident": first_page(incident, known, due, checked, made_at=now),
        "checklist": checklist_page(incident, folder.steps(), stand.ticked, made_at=now),
        "role-cards": cards_page(incident, role_cards(), rows, made_at=now),
        "journal": journal_page(incident, rows, made_at=now),
    }
    for name, page in pages.items():
        folder.keep(f"{name}.pdf", page_pdf(page, made_at=int(now.timestamp())))
        folder.keep(f"{name}.html", page_html(page).encode("utf-8", "replace"))


def last_check(folder: IncidentFolder) -> str:
    """Return how the last reading of the whole vault went, in words."""
    said = [row.details.get("said") for row in folder.journal.rows() if row.action == Deed.CHECKED]
    return str(said[-1]) if said else NOT_READ_YET


def write(
    folder: IncidentFolder,
    deed: Deed,
    *,
    by: str,
    at: datetime,
    pseudonym: str | None = None,
    outcome: str = "ok",
    **details: object,
) -> AuditRow:
    """Write one line into the journal of an incident, and return it."""
    return folder.journal.note(deed, by=by, at=at, pseudonym=pseudonym, outcome=outcome, **details)


def _incident(found: Gathered, vault: Vault, said: Declaration, now: datetime) -> Incident:
    head = found.head
    return Incident(
        incident_id=new_incident_id(head.made_at.astimezone(head.zone).date()),
        declared_at=now,
        aware_at=said.aware_at,
        declared_by=said.by,
        known=said.known,
        site_name=head.site_name,
        time_zone=head.zone.key,
        night=head.night,
        trust=head.trust,
        confirmed_by=head.confirmed_by,
        vault_expires_at=vault.expires_at,
        laws=said.laws,
    )


def _own_files(folder: IncidentFolder, found: Gathered, *, by: str, at: datetime) -> DayFiles:
    """Lay out the department's own files, and write down which count from now on."""
    own = lay_out(folder, found)
    for name in own.files:
        write(folder, Deed.DECIDED, by=by, at=at, about=OWN_FILE, said=f"{name}, as the copy brought it")
    if CALENDAR in own.files:
        days = GapSection.model_validate_json(own.files[CALENDAR])
        say_days(folder, calendar_of(days), by=by, at=at)
    for why in own.wrong:
        write(folder, Deed.DECIDED, by=by, at=at, about=OWN_FILE, said=why, outcome="failed")
    return own


def _freeze(
    vault: Vault, incident: Incident, more_places: Sequence[Path]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the notice into the vault and every other folder named; say where that could not be done.

    Files name places far away: `app.jobs.freezing` asks those when people have their lists.
    """
    hold = Hold(incident_id=incident.incident_id, declared_at=incident.declared_at)
    places: list[tuple[str, Callable[[], ParcelStore]]] = [("this copy of the vault", lambda: vault.store)]
    folders = [path for path in more_places if not path.is_file()]
    places += [(str(path), lambda path=path: LocalStore(path)) for path in folders]  # type: ignore[misc]
    held, not_held = [], []
    for name, open_store in places:
        try:
            place_hold(open_store(), hold)
            held.append(name)
        except BeamkeeperError as error:
            not_held.append(f"{name}: {error.message}")
    return tuple(held), tuple(not_held)


def _counted(numbers: Headline) -> str:
    return (
        f"{numbers.on_treatment} on treatment, {numbers.ready} ready to start, {numbers.not_ready} not "
        f"ready, {numbers.not_read} not readable; {numbers.possibly_delivered} possibly treated since"
    )
