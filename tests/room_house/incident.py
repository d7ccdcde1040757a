"""An incident's folder as `declare` leaves it, of an invented department; no vault is needed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tests.unit.protect.lists.people_on_lists import person

from beamkeeper.app.jobs.declaring import NOT_READ_YET, print_pages, write
from beamkeeper.app.jobs.incident_folder import CHECKLIST, INCIDENT, INVENTORY, OVERVIEW, IncidentFolder
from beamkeeper.app.jobs.incident_people import admit
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.position import FractionState
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.lists import list_rows
from beamkeeper.protect.lists.files import list_files
from beamkeeper.respond.incident import Deed, Incident, Inventory, overview, with_unseen_sessions
from beamkeeper.respond.incident.checklist import shipped_checklist

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.protect.lists import Person

NIGHT: Final = date(2026, 3, 3)
DECLARED: Final = datetime(2026, 3, 3, 7, 20, tzinfo=UTC)
"""Twenty past eight on the wall of the site, a Tuesday."""
LATER: Final = DECLARED + timedelta(hours=5, minutes=12)
PASSPHRASE: Final = "een lange zin over de regen"
PEOPLE: Final = {
    "an": ("An Peeters", "physician"),
    "bo": ("Bo Van den Broeck-Vandenbroucke", "physicist"),
    "co": ("Co Dumont", "coordinator"),
}
LONG_NAME: Final = (
    "Wolfeschlegelsteinhausenbergerdorff-Vandenbroucke^Adèle Marie-Antoinette Christine^van der^Prof. Dr."
)
NAMES: Final = (
    "Jansen^Maria",
    "Dubois^Hélène",
    "Peeters^Jan",
    LONG_NAME,
    "Van den Bossche^Zoë",
    "Ünal^Çağla",
    "O'Neil<script>^Sean",
    "Yamada^Tarou=山田^太郎",
    "Turned\u202e^dnuor",
    "Maes^André",
    "Jansen^Maria",
    "Lefèvre^François",
)
COURSES: Final = (
    ("C32.0 larynx", "Larynx", 35),
    ("C50.4 breast", "Borst L", 15),
    ("C61 prostate", "Prostaat", 20),
    ("C34.1 lung", "Long RBK", 33),
    ("C53.9 cervix", "Cervix", 25),
    ("C20 rectum", "Rectum", 25),
    ("", "WK Th8", 5),
)
MACHINES: Final = ("TB1", "TB2", "Halcyon 3")


def patient(number: int, *, vague: bool = True) -> Person:
    """Return one patient; every kind comes along within a few dozen."""
    diagnosis, label, fractions = COURSES[number % len(COURSES)]
    given = (number * 7) % (fractions + 1) if number % 9 else 0
    days_ago = 1 + (number % 5 == 0) * 3
    made = person(
        number,
        NAMES[number % len(NAMES)] if number < 2 * len(NAMES) else "",
        given=given,
        partial=number % 11 == 3 and given < fractions,
        days_ago=days_ago,
        code=str(1 + number % 5) if number % 3 else "",
        reason="oud protocol" if number % 3 == 1 else "",
        missing=("the planning CT is not in the copy",) if vague and number % 8 == 5 else (),
        conflict="The OIS counts 14, the records show 13." if vague and number % 10 == 7 else "",
        label=label,
        machine=MACHINES[number % len(MACHINES)],
        fractions=fractions,
        diagnosis=diagnosis,
        phone="" if number % 13 == 4 else f"+32 2 555 {number:02}",
        appointment_in=timedelta(hours=3 + number % 5) if number % 6 else None,
        born=None if number % 17 == 9 else date(1940 + number % 60, 1 + number % 12, 2),
    )
    return _with_days(made, days_ago)


def _with_days(made: Person, days_ago: int) -> Person:
    """Return the patient with a day for every fraction given: weekdays, the last so many days ago."""
    if made.position is None:
        return made
    plans = []
    for at in made.position.plans:
        days, on = [], NIGHT - timedelta(days=days_ago)
        while len(days) < at.fractions_complete:
            if on.weekday() < 5:
                days.append(on)
            on -= timedelta(days=1)
        states = tuple(
            FractionState(
                fraction_number=number,
                complete=True,
                last_treated_at=datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC),
            )
            for number, day in enumerate(reversed(days), start=1)
        )
        plans.append(replace(at, fractions=(*states, *at.fractions)))
    return replace(made, position=replace(made.position, plans=tuple(plans)))


def replanned() -> Person:
    """A patient of two approved plans, of whom nobody has begun."""
    one = patient(1)
    old = replace(one.plans[0], patient_id=one.entry.patient.patient_id, rt_plan_label="Old")
    before = (("PREDECESSOR", old.sop_instance_uid),)
    new = replace(old, sop_instance_uid="1.9", rt_plan_label="New", related_plan_uids=before)
    position = course_position((old, new), (), patient_id=old.patient_id)
    ready = tuple(Readiness(plan_uid=at.plan_uid, rt_plan_label=at.rt_plan_label) for at in position.plans)
    return replace(one, plans=(old, new), position=position, readiness=ready)


def make_incident(
    path: Path, persons: tuple[Person, ...], *, people: bool = True, printed: bool = False
) -> IncidentFolder:
    """Make the folder of an incident that was declared on that Tuesday morning."""
    folder = IncidentFolder.create(path)
    incident = Incident(
        incident_id="2026-03-03-kqzt",
        declared_at=DECLARED,
        aware_at=DECLARED - timedelta(minutes=50),
        declared_by="A. Jansen, physicist",
        known="ARIA and every file share are encrypted; the linacs are off the network",
        site_name="Sint-Anna, radiotherapie",
        time_zone="Europe/Brussels",
        night=NIGHT,
        trust="Confirmed by An Peeters and Bo Claes.",
        laws=("NIS2", "GDPR"),
    )
    empty = Inventory(
        site_name=incident.site_name,
        time_zone=incident.time_zone,
        night=NIGHT,
        trust=incident.trust,
        made_at=DECLARED,
        attacked_at=DECLARED - timedelta(minutes=50),
    )
    zone = ZoneInfo(incident.time_zone)
    asked = tuple(with_unseen_sessions(one, attacked_at=empty.attacked_at, zone=zone) for one in persons)
    inventory = replace(empty, persons=asked)
    rows = list_rows(inventory.persons, inventory.head)
    folder.keep_value(INCIDENT, incident)
    folder.keep(CHECKLIST, shipped_checklist().encode())
    by = incident.declared_by
    write(folder, Deed.DECLARED, by=by, at=DECLARED, said=incident.known, incident=incident.incident_id)
    known = overview(inventory, rows)
    values = ((INVENTORY, inventory), (OVERVIEW, known))
    digests = {name: hashlib.sha256(folder.keep_value(name, value)).hexdigest() for name, value in values}
    write(folder, Deed.LISTED, by=by, at=DECLARED, said=f"{len(rows)} patients", sha256_of=digests)
    if printed:
        for name, content in list_files(inventory.head, rows).items():
            folder.keep(f"lists/{name}", content)
        print_pages(folder, known, now=DECLARED, checked=NOT_READ_YET)
    for login, (name, duty) in (PEOPLE if people else {}).items():
        admit(folder, login, name=name, duty=duty, passphrase=PASSPHRASE, by=by, at=DECLARED)
    return folder
