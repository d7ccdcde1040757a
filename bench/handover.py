"""What handing a patient over takes: bundle, receipt, copies for import, return, and the count at home.

    python bench/handover.py [--patients 4] [--slices 200] [--json FILE]

Patients of the simulated department's cast with objects of clinical size (planning CT of 512 x 512) are kept
by one night; an incident is declared; each is handed over, received, treated once more, and comes back. Wall
and CPU seconds of each step for one patient. Limit: one minute a patient, software part.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import TYPE_CHECKING

from beamkeeper.app.folder_site import folder_site
from beamkeeper.app.jobs.declaring import Declaration, declare
from beamkeeper.app.jobs.handing_over import Agreed, hand_over
from beamkeeper.app.jobs.handover_desk import desk_of
from beamkeeper.app.jobs.importing import import_patient
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.lists import gather_by_site
from beamkeeper.app.jobs.receiving import know_as, receive
from beamkeeper.app.jobs.returning import Report, answer
from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.jobs.taking_back import take_back
from beamkeeper.app.opened import open_by_site
from beamkeeper.app.site import load_site
from beamkeeper.app.site_desk import DeskSystems
from beamkeeper.clock import MovableClock
from beamkeeper.rehearse.sim.patients import cast_member, planning_objects, session_objects, sessions_before
from beamkeeper.rehearse.sim.records import Session
from beamkeeper.rehearse.sim.seeded import Seed
from beamkeeper.respond.handover import Desk
from beamkeeper.respond.incident.checklist import shipped_checklist
from beamkeeper.wire.dicom.identify import identify
from corpus import FIRST_DAY, ZONE, clinical_size
from night import cpu_s

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.rehearse.sim.treatments import SimPatient

LIMIT_S = 60.0
FIRST_NIGHT = datetime.combine(FIRST_DAY, clock_time(2), tzinfo=UTC)


class Steps:
    """Wall and CPU seconds of each step, one entry a patient."""

    def __init__(self) -> None:
        self.found: dict[str, list[tuple[float, float]]] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), cpu_s()
        yield
        self.found.setdefault(name, []).append((time.perf_counter() - wall, cpu_s() - cpu))

    def mean(self) -> dict[str, dict[str, float]]:
        return {
            name: {
                "wall_s": round(sum(one[0] for one in values) / len(values), 2),
                "cpu_s": round(sum(one[1] for one in values) / len(values), 2),
            }
            for name, values in self.found.items()
        }


def written(patient: SimPatient, folder: Path) -> int:
    """Write what a patient has before the night; return how many bytes."""
    objects = [data for _, data in planning_objects(patient, ZONE)]
    for session in sessions_before(patient, FIRST_DAY):
        objects += [data for _, data in session_objects(patient, session, ZONE)]
    folder.mkdir(parents=True)
    for number, data in enumerate(objects):
        (folder / f"{number}.dcm").write_bytes(data)
    return sum(map(len, objects))


def next_record(patient: SimPatient, folder: Path) -> None:
    """Write the records of the session that a partner gives next."""
    last = sessions_before(patient, FIRST_DAY)[-1]
    session = Session(
        treatment_key=last.treatment_key,
        version=last.version,
        fraction_number=last.fraction_number + 1,
        on=FIRST_DAY,
    )
    folder.mkdir(parents=True)
    for number, (_, data) in enumerate(session_objects(patient, session, ZONE)):
        if identify(data).modality == "RTRECORD":
            (folder / f"{number}.dcm").write_bytes(data)


def measured(root: Path, patients: list[SimPatient]) -> dict[str, dict[str, float]]:
    """Hand everybody over and take everybody back; return what each step took for one patient."""
    clock = MovableClock(FIRST_NIGHT)
    folder_site(root / "source", root / "site", clock)
    site = load_site(root / "site" / "beamkeeper.toml")
    run_night(site, clock, FIRST_DAY)
    runtime, now = open_runtime(site, clock), clock.now()
    incident = IncidentFolder.create(root / "incident")
    said = Declaration(
        by="A", known="", aware_at=now, attacked_at=now, laws=("NIS2",), checklist=shipped_checklist()
    )
    declare(gather_by_site(runtime), runtime.vault, said, folder=incident, clock=clock)
    home, there = desk_of(incident), Desk.create(root / "desk", "Partner")
    home.trust(there.card, there.card.number)
    there.trust(home.card, home.card.number)
    opened, inventory, steps = open_by_site(site, clock), incident.inventory(), Steps()
    ids = {patient.patient_id: patient for patient in patients}
    for person in inventory.persons:
        patient = ids[person.entry.patient.patient_id]
        export = root / "export" / patient.patient_id
        with steps.timed("make"):
            state = patient_now(incident, inventory, person.pseudonym, now)
            agreed = Agreed(to=there.card, by="A")
            header, bundle = hand_over(incident, opened, state, agreed, now=now)
        with steps.timed("receive"):
            receive(there, bundle, by="B", now=now)
        with steps.timed("copies under the partner's number"):
            know_as(there, header.bundle_id, f"N-{patient.patient_id}", by="B", now=now)
            import_patient(there, header.bundle_id, DeskSystems(), by="B", now=now)
        next_record(patient, export)
        with steps.timed("return"):
            back = answer(there, header.bundle_id, export, Report(by="B"), now=now)
        with steps.timed("back"):
            taken = take_back(incident, back.folder, by="A", now=now)
        assert taken.record_uids, "the partner's record came back"
    return steps.mean()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=4)
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    patients = [
        cast_member(Seed(1), index, FIRST_DAY, detail=clinical_size(options.slices))
        for index in range(options.patients)
    ]
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as folder:
        root = Path(folder)
        sizes = [written(one, root / "source" / f"p{number}") for number, one in enumerate(patients)]
        steps = measured(root, patients)
    together = sum(step["wall_s"] for step in steps.values())
    sys.stdout.write(
        f"{len(patients)} patients of {sum(sizes) / len(sizes) / 1e6:.0f} MB; for one of them:\n"
    )
    for name, step in steps.items():
        sys.stdout.write(f"  {name:36} {step['wall_s']:7.2f} s wall {step['cpu_s']:7.2f} s CPU\n")
    sys.stdout.write(f"  {'together':36} {together:7.2f} s wall (limit {LIMIT_S:.0f} s)\n")
    if options.json:
        found = {"patients": len(patients), "megabytes": sum(sizes) / len(sizes) / 1e6, "steps": steps}
        options.json.write_text(json.dumps(found, indent=1))
    return 0 if together <= LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
