"""Who is on treatment or ready to start, by the copy that was chosen; and what that copy cannot know."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.clock import local_date
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.protect.lists import ListHead, ListRow, Person, Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.domain.census import Appointment
    from beamkeeper.domain.position import PlanPosition

EARLY_MAX: Final = timedelta(hours=1)
"""Patients who wait are called in before their time."""
OFF_MAX: Final = timedelta(hours=3)
"""How far a record may lie from the session it shows; two a day are at least six hours apart."""
LATELY: Final = timedelta(days=14)
"""Whoever was treated so recently is taken to be still coming, booked or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everybody of the chosen night, as kept in the incident's folder.

    Attributes
    ----------
    time_zone
        IANA name.
    attacked_at
        When the systems were last known to work: sessions booked until then may have taken place.
    not_read
        Patients whose facts cannot be read, each with the reason.
    night_phone
        Of the department, as the copy has it; "" where it has none.
    """

    site_name: str
    time_zone: str
    night: date
    trust: str
    made_at: datetime
    attacked_at: datetime
    confirmed_by: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()
    persons: tuple[Person, ...] = ()
    night_phone: str = ""
    shares: str = ""

    @property
    def head(self) -> ListHead:
        """What stands above every list."""
        return ListHead(
            site_name=self.site_name,
            zone=ZoneInfo(self.time_zone),
            night=self.night,
            trust=self.trust,
            made_at=self.made_at,
            confirmed_by=self.confirmed_by,
            warnings=self.warnings,
            not_read=self.not_read,
            night_phone=self.night_phone,
            shares=self.shares,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The numbers of the first minute; patients, each counted once.

    Attributes
    ----------
    treatable
        On treatment or ready, and nothing keeps any of the open plans from being treated from the copy.
    possibly_delivered
        With a session that may have taken place after the copy was made.
    to_look_at
        With a warning or a conflict that a person has to settle first.
    """

    on_treatment: int
    ready: int
    not_ready: int
    finished: int
    not_read: int
    treatable: int
    possibly_delivered: int
    to_look_at: int
    without_phone: int
    of_category_1: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One patient of the inventory, as people and as folders name them."""

    patient_id: str
    pseudonym: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is asked of an inventory every minute, without reading all of it: it is 100 MB for 2,000 patients.

    Attributes
    ----------
    attacked_at
        Until when sessions that were booked may have taken place.
    """

    numbers: Headline
    attacked_at: datetime
    warnings: tuple[str, ...] = ()
    patients: tuple[Known, ...] = ()


def overview(inventory: Inventory, rows: Sequence[ListRow]) -> Overview:
    """Return the overview of an inventory."""
    return Overview(
        numbers=headline(inventory, rows),
        attacked_at=inventory.attacked_at,
        warnings=inventory.warnings,
        patients=tuple(
            Known(patient_id=one.entry.patient.patient_id, pseudonym=one.pseudonym)
            for one in inventory.persons
        ),
    )


def headline(inventory: Inventory, rows: Sequence[ListRow]) -> Headline:
    """Return the numbers of the first minute."""
    sections = Counter(row.section for row in rows)
    open_rows = [row for row in rows if row.section in {Section.ON_TREATMENT, Section.READY}]
    return Headline(
        on_treatment=sections[Section.ON_TREATMENT],
        ready=sections[Section.READY],
        not_ready=sections[Section.NOT_READY],
        finished=sections[Section.FINISHED],
        not_read=len(inventory.not_read),
        treatable=sum(_is_treatable(row) for row in open_rows),
        possibly_delivered=sum(is_asked(person) for person in inventory.persons),
        to_look_at=sum(bool(row.warnings or any(line.conflicts for line in row.plans)) for row in open_rows),
        without_phone=sum(row.first_call is None for row in open_rows),
        of_category_1=sum(row.category.number == 1 for row in open_rows),
    )


def _is_treatable(row: ListRow) -> bool:
    still_open = [line for line in row.plans if line.section is not Section.FINISHED]
    return bool(still_open) and all(line.is_ready for line in still_open)


def is_asked(person: Person) -> bool:
    """Return whether a session of this patient may have taken place after the copy was made."""
    plans = person.position.plans if person.position else ()
    return any(item.kind is ConflictKind.POSSIBLY_DELIVERED for at in plans for item in at.conflicts)


def with_unseen_sessions(person: Person, *, attacked_at: datetime, zone: ZoneInfo) -> Person:
    """Return the patient with every open plan doubted when sessions may have taken place unseen.

    A session counts as seen when a fraction was recorded near its time. Who is under treatment and has no
    booking to ask from is doubted as well; so is who had a part of a fraction on the day of the copy, because
    nobody books the rest of it. Nothing is assumed either way: the next fraction bears a question mark until
    a person has asked the patient and read the console's log.
    """
    if person.position is None:
        return person
    unseen = unseen_sessions(person, attacked_at=attacked_at, zone=zone)
    broken_off_at = broken_off(person, zone)
    if not unseen and broken_off_at is None and not is_unbooked(person, attacked_at, zone):
        return person
    said = _words(unseen, broken_off_at, zone)
    doubted = {at.plan_uid for at in person.position.plans if not at.is_over}
    conflict = Conflict(kind=ConflictKind.POSSIBLY_DELIVERED, text=said)
    plans = tuple(
        replace(at, conflicts=(*at.conflicts, conflict)) if at.plan_uid in doubted else at
        for at in person.position.plans
    )
    readiness = tuple(
        replace(item, blocking=(*item.blocking, said)) if item.plan_uid in doubted else item
        for item in person.readiness
    )
    return replace(person, position=replace(person.position, plans=plans), readiness=readiness)


def unseen_sessions(person: Person, *, attacked_at: datetime, zone: ZoneInfo) -> tuple[Appointment, ...]:
    """Return the sessions booked from the day of the copy until the attack that no record shows.

    The whole day of the copy counts: a session booked before it was made may have begun late.
    """
    since = _day_of_copy(person, zone)
    until = attacked_at + EARLY_MAX
    booked = [
        item
        for item in person.entry.appointments
        if local_date(item.starts_at, zone) >= since and item.starts_at <= until
    ]
    on_machines = [item for item in booked if item.machine] or booked
    unseen = sorted(on_machines, key=lambda one: one.starts_at)
    for given_at in _given_since(person.position.plans if person.position else (), since, zone):
        off = {item: min(abs(item.starts_at - at) for at in given_at) for item in unseen}
        near = [item for item in unseen if off[item] <= OFF_MAX]
        if near:
            unseen.remove(min(near, key=off.__getitem__))
    return tuple(unseen)


def broken_off(person: Person, zone: ZoneInfo) -> datetime | None:
    """Return when a fraction was broken off that may have been finished since, on the day of the copy.

    None where every fraction of that day and later is complete. The rest of an earlier one is booked.
    """
    since = _day_of_copy(person, zone)
    plans = person.position.plans if person.position else ()
    parts = (state.last_treated_at for at in plans for state in at.fractions if state.is_partial)
    return max((at for at in parts if at is not None and local_date(at, zone) >= since), default=None)


def is_unbooked(person: Person, attacked_at: datetime, zone: ZoneInfo) -> bool:
    """Return whether a patient is under treatment and the calendar ends before the days to ask about.

    What is booked on the day of the copy says nothing of the days after it.
    """
    since = _day_of_copy(person, zone)
    first = min(local_date(attacked_at, zone), since + timedelta(days=1))
    if any(local_date(item.starts_at, zone) >= first for item in person.entry.appointments):
        return False
    still_open = [at for at in (person.position.plans if person.position else ()) if not at.is_finished]
    days = (local_date(at.last_treated_at, zone) for at in still_open if at.last_treated_at is not None)
    return any(since - day <= LATELY for day in days)


def _day_of_copy(person: Person, zone: ZoneInfo) -> date:
    return local_date(person.as_of, zone) if person.as_of else person.night


def _given_since(plans: Sequence[PlanPosition], since: date, zone: ZoneInfo) -> list[tuple[datetime, ...]]:
    """Return when each fraction given since a day began and ended: hours apart where it was broken off."""
    given = (
        tuple(
            at
            for at in (state.first_treated_at, state.last_treated_at)
            if at is not None and local_date(at, zone) >= since
        )
        for plan in plans
        for state in plan.fractions
    )
    return sorted(filter(None, given))


def _words(unseen: Sequence[Appointment], broken_off_at: datetime | None, zone: ZoneInfo) -> str:
    booked = ", ".join(
        f"{item.starts_at.astimezone(zone):%a %Y-%m-%d %H:%M}"
        + (f" on {item.machine}" if item.machine else "")
        for item in unseen
    )
    reasons = [f"booked {booked}, and this copy has no record of it"] if unseen else []
    if broken_off_at is not None:
        at = f"{broken_off_at.astimezone(zone):%a %Y-%m-%d %H:%M}"
        reasons.append(f"a fraction was broken off {at}, and the rest may have been given since")
    why = "; ".join(reasons) or "no booking to ask from"
    return f"POSSIBLY DELIVERED: {why}. Ask the patient and read the console's log before the next fraction."
