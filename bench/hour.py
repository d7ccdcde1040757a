"""Looks between two nights of a department of 200 patients, from a stock Orthanc or the simulated archive.

    python bench/hour.py [--patients 200] [--images 2000] [--fractions 5] [--new 20] [--rounds 3]
                         [--archive orthanc] [--json FILE]

Each patient has one plan and a course of records in the archive, and so many images that only the ledger
knows, so that states are as long as in a hospital. One night keeps everything. Measured are: the first
look, which remembers nothing; looks that find nothing new; looks that find as many new records, of as many
patients. CPU is that of every process of ours; the rest of the wall time is the archive's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.hourly import run_hour
from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.app.site import load_site
from beamkeeper.clock import MovableClock
from beamkeeper.domain.night import NightOutcome
from beamkeeper.rehearse.sim import ArchiveProcess, OrthancArchive
from beamkeeper.rehearse.sim.patients import at, session_objects, working_day
from beamkeeper.rehearse.sim.plans import plan
from beamkeeper.rehearse.sim.records import Session
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.rehearse.sim.treatments import SimPatient, Technique
from beamkeeper.wire.dicom.identify import identify
from bench_site import make_site_before
from night import cpu_s

NIGHT = date(2026, 3, 2)
ZONE = ZoneInfo("UTC")
PORT = 11997


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One look: wall and CPU seconds of ours, what it kept, and what the vault grew by."""

    what: str
    wall_s: float
    cpu_s: float
    records: int
    patients: int
    studies_asked: int
    grown_mb: float


def people(count: int) -> list[SimPatient]:
    """Return invented patients with one photon plan each."""
    state = at_first(1, 4 * count, NIGHT, NIGHT - timedelta(days=1))
    found = (patient_of(state, member) for member in state.patients)
    photons = (one for one in found if one.treatments[0].technique is not Technique.PROTON)
    return [one for one, _ in zip(photons, range(count), strict=False)]


def records_of(patient: SimPatient, number: int, on: date) -> list[bytes]:
    """Return the records of one fraction of the first plan."""
    session = Session(treatment_key=patient.treatments[0].key, version=1, fraction_number=number, on=on)
    made = (data for _, data in session_objects(patient, session, ZONE))
    return [data for data in made if identify(data).modality == "RTRECORD"]


def fill(archive: OrthancArchive | ArchiveProcess, patients: list[SimPatient], fractions: int) -> int:
    """Give the archive every plan and the records of the last days; return how many objects."""
    count = 0
    for patient in patients:
        treatment = patient.treatments[0]
        objects = [plan(patient, treatment, at(treatment.approved_on, 15, 30, ZONE))[1]]
        for number in range(1, fractions + 1):
            objects += records_of(patient, number, working_day(NIGHT, number - fractions - 1))
        for data in objects:
            archive.store(data)
        count += len(objects)
    return count


def pretend_images(site_file: Path, clock: MovableClock, images: int) -> None:
    """Let the ledger know so many images of everybody, in the parcel of the first night."""
    ledger = open_runtime(load_site(site_file), clock).ledger
    for row in ledger.patients():
        first, *_ = ledger.current_objects(row.pseudonym)
        made = (
            replace(
                first,
                sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
                sop_instance_uid=f"{first.study_instance_uid[:40]}.9.{number}",
                series_instance_uid=f"{first.study_instance_uid[:40]}.9",
                modality="CT",
                sha256=hashlib.sha256(f"{row.pseudonym}{number}".encode()).hexdigest(),
                member=f"dicom/CT/{first.study_instance_uid[:40]}.9.{number}.dcm",
            )
            for number in range(images)
        )
        ledger.record_objects(row.pseudonym, list(made))


def size_mb(folder: Path) -> float:
    """Return what lies in a folder, MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def look(what: str, root: Path, clock: MovableClock) -> Measured:
    """Look once and measure it."""
    clock.advance(timedelta(minutes=10))
    site = load_site(root / "site.toml")
    before = size_mb(root / "vault")
    cpu, begun = cpu_s(), time.monotonic()
    report = run_hour(site, clock)
    wall = time.monotonic() - begun
    used = cpu_s() - cpu
    if report.problems or report.left:
        sys.exit(f"the look was {report.outcome.value}: {report.problems} {len(report.left)} left")
    return Measured(
        what=what,
        wall_s=wall,
        cpu_s=used,
        records=report.records_count,
        patients=report.patients_count,
        studies_asked=report.studies_asked,
        grown_mb=size_mb(root / "vault") - before,
    )


def measure(
    root: Path, archive: OrthancArchive | ArchiveProcess, arguments: argparse.Namespace
) -> list[Measured]:
    """Keep everything in one night, then look; return the looks."""
    patients = people(arguments.patients)
    objects = fill(archive, patients, arguments.fractions)
    clock = MovableClock(datetime(2026, 3, 1, tzinfo=UTC))
    site_file = make_site_before(archive, root, clock, port=PORT)
    text = site_file.read_text(encoding="utf-8").replace("treated_days = 7", "treated_days = 60")
    site_file.write_text(text, encoding="utf-8")
    clock.move_to(datetime(2026, 3, 2, 2, tzinfo=UTC))
    night = run_night(load_site(site_file), clock, NIGHT)
    if night.outcome is not NightOutcome.COMPLETE:
        sys.exit(f"the night was {night.outcome.value}: {night.warnings}")
    pretend_images(site_file, clock, arguments.images)
    sys.stdout.write(f"{len(night.patients)} patients, {objects} objects in the archive\n")
    clock.move_to(datetime(2026, 3, 2, 8, tzinfo=UTC))
    looks = [look("first look", root, clock)]
    for number in range(arguments.rounds):
        looks.append(look("nothing new", root, clock))
        first = number * arguments.new
        for patient in patients[first : first + arguments.new]:
            archive.store(records_of(patient, arguments.fractions + 1, NIGHT)[0])
        looks.append(look(f"{arguments.new} new", root, clock))
    return looks


def main() -> int:
    """Run it and print the looks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--fractions", type=int, default=5)
    parser.add_argument("--new", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--archive", choices=("orthanc", "simulated"), default="orthanc")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as scratch:
        root = Path(scratch)
        kind = OrthancArchive if arguments.archive == "orthanc" else ArchiveProcess
        (root / "archive").mkdir()
        with kind(root / "archive") as archive:
            looks = measure(root, archive, arguments)
    for what in dict.fromkeys(one.what for one in looks):
        some = [one for one in looks if one.what == what]
        sys.stdout.write(
            f"{what:12} {median(one.wall_s for one in some):6.2f} s wall, "
            f"{median(one.cpu_s for one in some):6.2f} s CPU of ours, {some[0].studies_asked} studies asked, "
            f"{some[0].records} records of {some[0].patients} patients kept, vault + "
            f"{median(one.grown_mb for one in some):.2f} MB\n"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in looks], indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
