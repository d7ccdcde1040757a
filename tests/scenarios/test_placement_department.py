"""Three hundred patients of the simulated department: declared, put in order, placed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from night_site import NIGHT_1, ZONE, SmallSite, at

from beamkeeper.app.jobs.declaring import Declaration, declare
from beamkeeper.app.jobs.incident_acts import state
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.lists import gather_by_site
from beamkeeper.app.jobs.placing import Who, make_draft, make_version
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.jobs.triage import order_of
from beamkeeper.app.opened import open_by_site
from beamkeeper.rehearse.sim.patients import plan_objects, session_objects
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.respond.incident.checklist import shipped_checklist
from beamkeeper.respond.placement import timetable
from beamkeeper.respond.placement.columns import columns_of
from beamkeeper.respond.placement.schedule import Schedule
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from beamkeeper.respond.placement import Instance

NOON = at(NIGHT_1, 12).now()
WHO = Who(by="C", at=at(NIGHT_1, 13).now())
NEAR = 0.02
"""Of the bound: what is asked of a placement of this size."""
PATIENTS = 300
CATEGORIES = {"head and neck": "1", "lung": "1", "breast": "2", "prostate": "2", "skin": "2", "brain": "2"}
SITES = """format = 1
attacked_domain = "own-ad"
untested = "test first"

[[site]]
id = "own"
own = true
failure_domain = "emergency"

[[site]]
id = "noord"
failure_domain = "noord-ad"
travel_min = 25
replans_a_day = 4
qa_a_day = 10

[[site]]
id = "zuid"
failure_domain = "zuid-ad"
travel_min = 55
replans_a_day = 2

[[site]]
id = "fallen"
failure_domain = "OWN-AD "

[[site]]
id = "empty"
failure_domain = "empty-ad"
"""


def machine(name: str, site: str, slots: int, profile: str, models: str) -> str:
    return f"""
[[machine]]
id = "{name}"
name = "{name}"
site = "{site}"
profile = "{profile}"
models = [{models}]
commissioned = ["VMAT", "3D", "electron"]
slots = {slots}
"""


TRUEBEAM, AGILITY = "Varian TrueBeam, Millennium 120", "Elekta Versa HD or Infinity, Agility"
PARTNERS = SITES + "".join(
    machine(*one)
    for one in (
        ("LINAC1", "own", 14, TRUEBEAM, '"SimArc"'),
        ("noord-1", "noord", 12, TRUEBEAM, '"SimArc", "SimBeam"'),
        ("noord-2", "noord", 12, AGILITY, '"SimVersa"'),
        ("zuid-1", "zuid", 20, TRUEBEAM, '"SimArc", "SimBeam"'),
        ("fallen-1", "fallen", 99, TRUEBEAM, '"SimArc", "SimBeam"'),
    )
)


def write_department(folder: Path) -> dict[str, str]:
    """Write plans, structures, doses and records of everybody; return the site treated, by Patient ID."""
    department = at_first(1, PATIENTS, NIGHT_1, NIGHT_1 - timedelta(days=1))
    treated = {}
    for member in department.patients:
        patient = patient_of(department, member)
        own = folder / f"p{patient.index}"
        own.mkdir(parents=True)
        objects = [data for _, data in plan_objects(patient, patient.treatments, ZONE)]
        for session in member.sessions:
            objects += [data for _, data in session_objects(patient, session, ZONE)]
        for number, data in enumerate(objects):
            if (modality := identify(data).modality) in {"RTPLAN", "RTSTRUCT", "RTRECORD"}:
                (own / f"{modality}-{number}.dcm").write_bytes(data)
        treated[patient.patient_id] = patient.site
    return treated


def declared(site: SmallSite, folder: Path) -> IncidentFolder:
    """Declare an incident an hour before noon, and say of everybody what an OIS would have said."""
    said = Declaration(
        by="A. Jansen",
        known="all dark",
        aware_at=NOON,
        attacked_at=NOON,
        laws=("NIS2",),
        checklist=shipped_checklist(),
    )
    runtime, made = site.runtime(NIGHT_1), IncidentFolder.create(folder)
    declare(gather_by_site(runtime), runtime.vault, said, folder=made, clock=at(NIGHT_1, 12))
    return made


def by_order(instance: Instance, order: list[int], *, cheapest: bool) -> float:
    """Return what it costs when everybody in that order takes the cheapest, or the first, free place."""
    columns = columns_of(instance)
    schedule = Schedule(columns)
    first = columns.first + 1e6 * (columns.machine == len(instance.machine))
    schedule.insert_all(order, columns.cost if cheapest else first.astype(np.float64))
    return schedule.cost


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_a_whole_department_is_placed_within_slots_better_than_by_order_and_nobody_is_lost(
    tmp_path: Path,
) -> None:
    treated = write_department(tmp_path / "source")
    site = SmallSite.make(tmp_path)
    assert site.night(NIGHT_1).outcome.value == "complete"
    folder = declared(site, tmp_path / "incident")
    assert_placed(folder, site, treated)


def assert_placed(folder: IncidentFolder, site: SmallSite, treated: dict[str, str]) -> None:
    persons = folder.inventory().persons
    for one in persons:
        category = CATEGORIES[treated[one.entry.patient.patient_id]]
        state(folder, one.pseudonym, "rcr_category", category, reason="r", by="Dr. P", at=NOON)
    _, ranked = order_of(folder, folder.inventory(), NOON)
    placing = PlacementFolder(folder)
    opened = open_by_site(site.site, at(NIGHT_1, 13))
    make_draft(placing, PARTNERS, open_vault=lambda: opened, first_on=NIGHT_1, who=WHO)
    version, _ = make_version(placing, who=WHO, seconds=300)
    instance = placing.version(placing.standing(), 1)[1]
    by_priority = sorted(range(len(instance.patient)), key=lambda one: instance.patient[one].priority)
    arrival = [int(one) for one in np.random.default_rng(0).permutation(len(by_priority))]
    placed = {one.patient: one for one in version.placed}
    used: Counter[tuple[str, date]] = Counter()
    for day in timetable(instance, version.placed):
        used[day.machine, day.day] += sum(one.per_day for one in day.sessions)
    slots = {one.id: one.slots for one in instance.machine}

    assert len(persons) == PATIENTS
    assert {*placed, *(one.id for one in version.left_out)} == {one.pseudonym for one in persons}
    assert {one.facts.rcr_category for one in ranked} == {1, 2}
    assert all(one.reason for one in (*version.placed, *version.left_out))
    assert not any(one.site in {"fallen", "empty"} for one in version.placed)
    assert sum(bool(one.machine) for one in version.placed) > PATIENTS / 3
    assert all(count <= slots[name] for (name, _), count in used.items())
    assert version.cost < by_order(instance, by_priority, cheapest=True)
    assert version.cost < by_order(instance, arrival, cheapest=False)
    assert version.gap is not None
    assert version.gap <= NEAR
