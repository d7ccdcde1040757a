"""The day of the demonstration: the department is gone; what is left is a disk, three cards, an empty folder.

The same steps as `beamkeeper declare`, `triage show`, `placement draft` and `placement solve`, with the
simulated department's own count as the truth that the inventory is held against.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.declaring import Declaration, Declared, check_vault, declare
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.lists import gather_elsewhere
from beamkeeper.app.jobs.placing import Who, make_draft, make_version, print_pages
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.jobs.triage import order_of, write_order
from beamkeeper.app.opened import open_elsewhere, recovery_from_cards
from beamkeeper.clock import local_date, zone
from beamkeeper.rehearse.attack import Given, given_in
from beamkeeper.rehearse.sim.state import patient_of
from beamkeeper.respond.incident.checklist import shipped_checklist

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.clock import Clock
    from beamkeeper.protect.lists import Person
    from beamkeeper.rehearse.sim.state import DepartmentState
    from beamkeeper.respond.placement import Version
    from beamkeeper.respond.triage import Ranked

BY: Final = "demonstration"
INCIDENT: Final = "incident"
USB: Final = "usb"
SOLVE_S: Final = 5.0
PARTNERS: Final = """\
format = 1
attacked_domain = "simulated-hospital"

[[site]]
id = "own"
name = "Own department, on the emergency network"
own = true
failure_domain = "emergency"

[[site]]
id = "partner"
name = "Partner hospital, 35 minutes away"
failure_domain = "partner"
travel_min = 35
replans_a_day = 2

[[site]]
id = "satellite"
name = "Satellite, in the attacked network"
failure_domain = "simulated-hospital"

[[machine]]
id = "own-1"
name = "LINAC1"
site = "own"
own = true
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc"]
commissioned = ["VMAT", "IMRT step-and-shoot", "3D"]
slots = 3

[[machine]]
id = "partner-1"
name = "TB1"
site = "partner"
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc", "SimBeam"]
commissioned = ["VMAT", "IMRT step-and-shoot", "3D", "electron"]
slots = 6

[[machine]]
id = "satellite-1"
name = "LINAC3"
site = "satellite"
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc", "SimBeam"]
commissioned = ["VMAT", "IMRT step-and-shoot", "3D", "electron"]
slots = 20
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How the inventory's positions stand against what was truly given.

    Attributes
    ----------
    as_given
        Patients whose every plan stands as it was given.
    asked
        Patients whose evidence does not suffice, and the inventory says so.
    wrong
        Patient IDs whose position is not the truth and nothing says so.
    """

    as_given: int
    asked: int
    wrong: tuple[str, ...]


class Day:
    """The first hour, on a laptop that was never in the department.

    Parameters
    ----------
    root
        The demonstration's folder; the day adds `usb`, `laptop` and `incident`.
    clock
        When it happens; it stands still.
    """

    def __init__(self, root: Path, *, clock: Clock, zone_name: str) -> None:
        self.usb, self.folder, self.memory = root / USB, root / INCIDENT, root / "laptop"
        self.partners_file = root / "partners.toml"
        self._clock, self._zone = clock, zone(zone_name)
        self._opened: OpenedVault | None = None

    def save(self, vault: Path) -> None:
        """Put a copy of the vault on the disk, as a mirror does every night."""
        for old in (self.usb, self.folder, self.memory):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(vault, self.usb)

    def open_with(self, cards: Sequence[str]) -> OpenedVault:
        """Open the disk with three cards of words."""
        return open_elsewhere(self.usb, recovery_from_cards(cards), self._clock, memory_dir=self.memory)

    def declare(self, opened: OpenedVault) -> Declared:
        """Make inventory, lists, clocks and journal from an opened copy, and read all of it."""
        now, self._opened = self._clock.now(), opened
        said = Declaration(
            by=BY,
            known="the demonstration's ransomware",
            aware_at=now,
            attacked_at=now,
            laws=("NIS2", "GDPR"),
            checklist=shipped_checklist(),
        )
        found = gather_elsewhere(opened, zone=self._zone, now=now)
        folder = IncidentFolder.create(self.folder)
        declared = declare(found, opened.vault, said, folder=folder, clock=self._clock)
        check_vault(declared, opened.vault, by=BY, clock=self._clock, progress=None)
        return declared

    def order(self) -> tuple[Ranked, ...]:
        """Put everybody in order, and print it."""
        folder, now = IncidentFolder.open(self.folder), self._clock.now()
        inventory = folder.inventory()
        rules, ranked = order_of(folder, inventory, now)
        write_order(folder, inventory, rules, ranked, (), capacity=None, now=now)
        return ranked

    def places(self) -> Version:
        """Place everybody on the machines of `PARTNERS`, and print it."""
        self.partners_file.write_text(PARTNERS, encoding="utf-8")
        now = self._clock.now()
        folder, who = PlacementFolder(IncidentFolder.open(self.folder)), Who(by=BY, at=now)
        today = local_date(now, self._zone)
        number, _, _ = make_draft(folder, PARTNERS, open_vault=self._vault, first_on=today, who=who)
        print_pages(folder, number, draft=True)
        version, _ = make_version(folder, who=who, seconds=SOLVE_S)
        print_pages(folder, version.number)
        return version

    def counted(self, truth: DepartmentState) -> Counted:
        """Hold every position of the inventory against what the department truly gave."""
        persons = {
            one.entry.patient.patient_id: one for one in IncidentFolder.open(self.folder).inventory().persons
        }
        as_given, asked, wrong = 0, 0, []
        for patient_id, given in _given(truth):
            person = persons.get(patient_id)
            if person is not None and _counts(person) == given:
                as_given += 1
            elif person is not None and person.position is not None and person.position.conflicts:
                asked += 1
            else:
                wrong.append(patient_id)
        return Counted(as_given=as_given, asked=asked, wrong=tuple(wrong))

    def _vault(self) -> OpenedVault:
        assert self._opened is not None  # noqa: S101 - `declare` comes first
        return self._opened


def _given(truth: DepartmentState) -> Iterator[tuple[str, dict[str, Given]]]:
    """Yield what was truly given of each plan, by UID, of everybody who has not finished."""
    for member in truth.patients:
        if member.finished_on is None:
            patient = patient_of(truth, member)
            yield patient.patient_id, given_in(patient, member.sessions)


def _counts(person: Person) -> dict[str, Given]:
    found = {
        at.plan_uid: Given(complete=at.fractions_complete, partial=at.fractions_partial)
        for at in (person.position.plans if person.position else ())
    }
    nothing = Given(complete=0, partial=0)
    return {uid: given for uid, given in found.items() if given != nothing}
