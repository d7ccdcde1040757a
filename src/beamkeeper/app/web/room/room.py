"""What every page needs: the incident's folder, the clock, the doors. One a process, in Django's settings."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar, cast
from zoneinfo import ZoneInfo

from django.conf import settings

from beamkeeper.app.jobs.file_mode_records import drops
from beamkeeper.app.jobs.handover_placed import promised
from beamkeeper.app.jobs.incident_acts import due_clocks
from beamkeeper.app.jobs.incident_folder import listed
from beamkeeper.app.jobs.incident_people import members
from beamkeeper.app.jobs.placing import board_at, propose
from beamkeeper.app.jobs.placing_folder import STANDS_BY, PlacementFolder
from beamkeeper.app.jobs.placing_folder import standing as placements
from beamkeeper.app.jobs.plans_that_hold import SAID_OF_PLANS, with_plans_that_hold
from beamkeeper.app.jobs.since import Now, patient_now
from beamkeeper.app.jobs.treatment_days import days_said
from beamkeeper.app.jobs.triage import at_present, facts_of, ordered, rules_text, statements
from beamkeeper.app.web.room.grid import grid_of
from beamkeeper.clock import local_date
from beamkeeper.respond.incident import Deed, standing
from beamkeeper.respond.incident.inventory import is_asked
from beamkeeper.respond.placement.times import clock_times, times_of
from beamkeeper.respond.placement.version import Made, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from datetime import date, datetime

    from beamkeeper.app.jobs.file_mode_records import DamagedDrop
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.incident_people import Member
    from beamkeeper.app.jobs.placing import At, Proposal
    from beamkeeper.app.web.room.doors import Doors
    from beamkeeper.app.web.room.grid import Grid
    from beamkeeper.clock import Clock
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.protect.lists import ListRow
    from beamkeeper.respond.incident import Incident, Inventory, Overview, Standing
    from beamkeeper.respond.incident.clocks import Due
    from beamkeeper.respond.placement.board import Place as BoardPlace
    from beamkeeper.respond.placement.times import Session
    from beamkeeper.respond.triage import Ranked, RuleSet

    T = TypeVar("T")
SETTING = "BEAMKEEPER_ROOM"
PROPOSE_S: Final = 15.0
"""So long a person waits for a placement on a page; the command has a minute."""
SINCE_THE_COPY: Final = frozenset(
    {
        Deed.PACKED,
        Deed.RETURNED,
        Deed.SETTLED,
        Deed.NOT_UNDERSTOOD,
        Deed.PLAN_REPLACED,
        Deed.PLAN_TAKEN_BACK,
        Deed.ENTERED,
        Deed.CHECKED_ENTRY,
        Deed.STRUCK,
        Deed.RELEASED,
        Deed.LAID,
        Deed.COLLECTED,
        Deed.ASSIGNED,
        Deed.BEGUN,
    }
)
"""Lines after which a count of the copy is no longer shown in a list: the patient's page counts anew."""


@dataclass(frozen=True)
class Room:
    """One incident as its pages show it; what takes long is made once, until its facts change."""

    folder: IncidentFolder
    clock: Clock
    doors: Doors
    _made: dict[str, tuple[Hashable, object]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _proposing: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        """Return the present instant."""
        return self.clock.now()

    def today(self) -> date:
        """Return the day it is by the clock on the wall."""
        return local_date(self.now(), self.zone)

    @property
    def incident(self) -> Incident:
        """What was declared."""
        return self._once("incident", 0, self.folder.incident)

    @property
    def zone(self) -> ZoneInfo:
        """The clock on the wall."""
        return ZoneInfo(self.incident.time_zone)

    def journal(self) -> tuple[AuditRow, ...]:
        """Return every line, checked; read again whenever the file has changed."""
        return self._once("journal", self._journal_stamp(), self.folder.journal.rows)

    def standing(self) -> Standing:
        """Return what is ticked, reported, closed."""
        return standing(self.journal())

    def clocks(self) -> tuple[Due, ...]:
        """Return by when whom to tell, the next one first."""
        return due_clocks(self.incident, self.journal(), self.now())

    def members(self) -> tuple[Member, ...]:
        """Return who may sign."""
        return members(self.folder, self.journal())

    def overview(self) -> Overview:
        """Return the numbers of the declaration."""
        return self._once("overview", self._listed(), self.folder.overview)

    def inventory(self) -> Inventory:
        """Return everybody of the chosen night."""
        return self._once("inventory", self._listed(), self.folder.inventory)

    def as_said(self) -> Inventory:
        """Return the inventory by the plans that people said hold."""
        return self._once(
            "as said", self._as_said(), lambda: with_plans_that_hold(self.inventory(), self.journal())
        )

    def rows(self) -> tuple[ListRow, ...]:
        """Return the rows of the inventory in the order of the lists, as of today."""
        now = self.now()
        key = (self._as_said(), self.today())
        return self._once("rows", key, lambda: at_present(self.as_said(), now))

    def asked(self) -> frozenset[str]:
        """Return whose session may have taken place after the copy was made, by pseudonym."""
        return self._once(
            "asked",
            self._listed(),
            lambda: frozenset(one.pseudonym for one in self.inventory().persons if is_asked(one)),
        )

    def patient(self, pseudonym: str) -> Now | None:
        """Return one patient with what was given since the copy was made; None for nobody listed."""
        if pseudonym in self.since():
            return patient_now(self.folder, self.inventory(), pseudonym, self.now())
        inventory, rows = self.inventory(), {one.pseudonym: one for one in self.rows()}
        persons = (one for one in inventory.persons if one.pseudonym == pseudonym)
        return next((Now(person=one, row=rows[pseudonym], head=inventory.head) for one in persons), None)

    def since(self) -> frozenset[str]:
        """Return whose position may be another one than the copy's, by what the journal says."""
        return self._once(
            "since",
            self._journal_stamp(),
            lambda: frozenset(
                row.patient_pseudonym
                for row in self.journal()
                if row.action in SINCE_THE_COPY and row.patient_pseudonym
            ),
        )

    def damaged(self) -> Mapping[str, DamagedDrop]:
        """Return by pseudonym who cannot be counted, as a file of File Mode is gone or changed."""
        return {one.pseudonym: one for one in drops(self.folder, self.journal()).damaged}

    def order(self) -> tuple[RuleSet, tuple[Ranked, ...]]:
        """Return the rules and everybody in their order, as people's words and gaps stand now."""
        now = self.now()
        days = days_said(self.journal())
        day = (self._as_said(), self.today(), days)
        facts = self._once("facts", day, lambda: facts_of(self.as_said(), now, self.rows(), days=days))
        key = (*day, statements(self.journal()), rules_text(self.folder))
        return self._once("order", key, lambda: ordered(self.folder, facts, self.journal()))

    def placement(self) -> At | None:
        """Return the placement that counts; None while nobody is placed."""
        folder = PlacementFolder(self.folder)
        if not placements(self.journal()).versions:
            return None
        return self._once("placement", self._stands_by(), lambda: board_at(folder))

    def grid(self, at: At) -> Grid:
        """Return the rows and days of the placement that counts."""
        return self._once(
            "grid",
            (at.version.number, at.version.made_at, self._stands_by()),
            lambda: grid_of(at.board.instance, at.version.placed, self.times(at)),
        )

    def times(self, at: At) -> Mapping[str, tuple[Session, ...]]:
        """Return everybody's sessions with their times of day, by the bundles that asked for some."""
        return self._once(
            "times",
            (at.version.number, at.version.made_at, self._stands_by()),
            lambda: times_of(at.board.instance, at.version.placed, promised(self.journal(), self.zone)),
        )

    def first_at(self, at: At) -> Mapping[str, str]:
        """Return at what time of day each patient comes first; without those of whom nobody knows it."""
        times = self.times(at)
        found = (
            (one.patient, clock_times(times.get(one.patient, ()), one.first_on)) for one in at.version.placed
        )
        return {patient: shown for patient, shown in found if shown}

    def moved(self, at: At) -> Mapping[str, BoardPlace]:
        """Return where those stood before whom the last move by hand moved; nobody after a computed one."""
        if at.version.made is Made.SOLVED or at.version.parent is None:
            return {}
        parent = at.version.parent
        return self._once(
            "moved",
            (at.version.number, at.version.made_at),
            lambda: _moved(PlacementFolder(self.folder), at, parent),
        )

    def _as_said(self) -> Hashable:
        """Return what the lists depend on: the inventory, and what was said of patients with two plans."""
        rows = self.journal()
        names = {row.patient_pseudonym for row in rows if row.action in SAID_OF_PLANS}
        said = (row for row in rows if row.action in {*SAID_OF_PLANS, Deed.SETTLED})
        return self._listed(), tuple(row.sequence for row in said if row.patient_pseudonym in names)

    def _stands_by(self) -> Hashable:
        """Return what the board depends on: lines of the journal, of which each names its files by digest."""
        return tuple(row.sequence for row in self.journal() if row.action in STANDS_BY | SAID_OF_PLANS)

    def propose(self) -> tuple[str, Proposal] | None:
        """Compute, and remember, a placement in which who was told may move; None while another does."""
        if not self._proposing.acquire(blocking=False):
            return None
        try:
            found = propose(
                PlacementFolder(self.folder), now=self.now(), seconds=PROPOSE_S, move_announced=True
            )
        finally:
            self._proposing.release()
        token = secrets.token_hex(8)
        with self._lock:
            self._made["proposal"] = (token, found)
        return token, found

    def proposed(self, token: str) -> Proposal | None:
        """Return what was computed, if it is the last one."""
        with self._lock:
            known = self._made.get("proposal")
        return cast("Proposal", known[1]) if known and known[0] == token else None

    def _listed(self) -> Hashable:
        return tuple(sorted((listed(self.journal()) or {}).items()))

    def _journal_stamp(self) -> Hashable:
        try:
            seen = self.folder.journal.path.stat()
        except FileNotFoundError:
            return None
        return seen.st_ino, seen.st_size, seen.st_mtime_ns

    def _once(self, what: str, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made for this key, or make it; two who ask at once wait for one another."""
        with self._lock:
            known = self._made.get(what)
            if known is None or known[0] != key:
                known = (key, make())
                self._made[what] = known
            return cast("T", known[1])


def _moved(folder: PlacementFolder, at: At, parent: int) -> Mapping[str, BoardPlace]:
    before = folder.placed(at.stand, parent)
    return {
        one.patient: (one.machine_before, one.first_before)
        for one in differences(before, at.version)
        if one.in_both
    }


def the_room() -> Room:
    """Return the room this process serves."""
    found = getattr(settings, SETTING)
    assert isinstance(found, Room)  # noqa: S101 - `prepare` sets it before any page is asked for
    return found
