"""By how much everybody's dossiers lengthen a night, the same nights with and without; and the binder.

    python bench/dossiers.py [--patients 16] [--slices 150] [--of 200] [--real SETS --copies 5] [--json FILE]

Patients of the simulated department's cast (one in eight with two plans) with objects of clinical size lie
in a folder: planning CT of 512 x 512, structures, plans, doses, records. Two sites keep it, one with dossiers
and pictures, one without. The first night draws everything; before the second everybody has a new record and
every fourth patient changed plans, so their images come out of the vault again. What dossiers take is the
difference, given also for as many patients as `--of` says: patient follows patient, so it grows with them.
With `--real` the patients of published sets lie beside them, each several times (`real_corpus.py`). At the
end the binder of everybody is made of the sealed dossiers, and again.

    ./dev bench dossiers --patients 75 --real SETS --copies 5

is the 200 patients of the goal, on a clock: run nothing beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from multiprocessing import Pool, get_context
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from pydicom import dcmread, dcmwrite

from beamkeeper.app.folder_site import folder_site
from beamkeeper.app.jobs.binder import SheetCache, make_binder
from beamkeeper.app.jobs.binder_dossiers import sealed_dossiers
from beamkeeper.app.jobs.lists import gather_by_site
from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.app.site import load_site
from beamkeeper.clock import MovableClock
from beamkeeper.domain.night import NightOutcome
from beamkeeper.rehearse.sim.patients import at, cast_member, planning_objects, sessions_before
from beamkeeper.rehearse.sim.patients import treatment_of as treatment
from beamkeeper.rehearse.sim.records import records
from beamkeeper.rehearse.sim.seeded import Seed
from beamkeeper.wire.dicom.identify import identify
from corpus import FIRST_DAY, ZONE, clinical_size
from night import cpu_s
from real_corpus import write_copies

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")
NIGHTS = (FIRST_DAY, FIRST_DAY + timedelta(days=1))
CHANGED = 4
"""Every so manieth patient's plans change between the nights."""
LIMIT_MINUTES = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One night of one site: wall and CPU seconds (user and system, of every process).

    Attributes
    ----------
    peak_mb
        The largest process: each night has one of its own, and what made the objects is none of them.
    """

    night: int
    dossiers: bool
    wall_s: float
    cpu_s: float
    peak_mb: int


def make_patient(job: tuple[Path, int, int]) -> int:
    """Write what one patient has before the first night; return how many bytes."""
    folder, index, slices = job
    patient = cast_member(Seed(1), index, FIRST_DAY, detail=clinical_size(slices))
    objects = [data for _, data in planning_objects(patient, ZONE)]
    own = folder / f"p{index:03d}"
    later = own.parent.parent / "later" / own.name
    for place in (own, later):
        place.mkdir(parents=True)
    for number, data in enumerate(objects):
        (own / f"{identify(data).modality}-{number}.dcm").write_bytes(data)
    sessions = sessions_before(patient, FIRST_DAY)
    for session in sessions:
        made = records(patient, treatment(patient, session), session, at(session.on, 10, 15, ZONE))
        for number, (_, data) in enumerate(made):
            place = later if session is sessions[-1] else own
            (
                place / f"RTRECORD-{session.treatment_key}-{session.on}-{session.part}-{number}.dcm"
            ).write_bytes(data)
    return sum(path.stat().st_size for path in own.iterdir())


def next_day(root: Path) -> None:
    """Let a day pass: a record for everybody, and other plans for every fourth."""
    for number, later in enumerate(sorted((root / "later").iterdir())):
        for path in later.iterdir():
            path.rename(root / "objects" / later.name / path.name)
        if number % CHANGED == 0:
            for path in (root / "objects" / later.name).glob("RTPLAN-*.dcm"):
                dataset = dcmread(BytesIO(path.read_bytes()))
                dataset.RTPlanDescription = "Changed"
                buffer = BytesIO()
                dcmwrite(buffer, dataset)
                path.write_bytes(buffer.getvalue())


def make_site(root: Path, *, dossiers: bool) -> Path:
    """Make a site over the folder of objects; return its file."""
    data = root / ("with" if dossiers else "without")
    folder_site(root / "objects", data, MovableClock(datetime(2026, 3, 1, tzinfo=UTC)))
    site_file = data / "beamkeeper.toml"
    word = "true" if dossiers else "false"
    text = site_file.read_text(encoding="utf-8")
    site_file.write_text(text.replace("[[sources]]", f"[night]\ndossiers = {word}\n\n[[sources]]"), "utf-8")
    return site_file


def run(
    site_file: Path, number: int, run_on: date, *, dossiers: bool, ends: frozenset[NightOutcome]
) -> Measured:
    """Run one night and measure it."""
    clock = MovableClock(datetime(run_on.year, run_on.month, run_on.day, 2, tzinfo=UTC))
    cpu, begun = cpu_s(), time.monotonic()
    report = run_night(load_site(site_file), clock, run_on, despite_alarm="a benchmark")
    wall = time.monotonic() - begun
    failed = [text for patient in report.patients for text in patient.disagreements if "dossier" in text]
    if report.outcome not in ends or failed:
        sys.exit(f"the night was {report.outcome.value}: {report.warnings} {failed}")
    peak = max(getrusage(who).ru_maxrss for who in (RUSAGE_SELF, RUSAGE_CHILDREN)) >> 10
    done = Measured(night=number, dossiers=dossiers, wall_s=wall, cpu_s=cpu_s() - cpu, peak_mb=peak)
    sys.stderr.write(f"{done}\n")
    return done


def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a piece of work in a process of its own."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args, **kwargs).result()


def bind(site_file: Path, run_on: date) -> list[float]:
    """Make the binder of everybody from a site's vault twice; return the seconds of each."""
    taken = []
    for _ in range(2):
        begun = time.monotonic()
        clock = MovableClock(datetime(run_on.year, run_on.month, run_on.day, 12, tzinfo=UTC))
        runtime = open_runtime(load_site(site_file), clock)
        found = gather_by_site(runtime, newest=True)
        cache = SheetCache(site_file.parent / "binder")
        bound = make_binder(found, cache=cache, dossiers=sealed_dossiers(found.opened))
        taken.append(time.monotonic() - begun)
        sys.stderr.write(f"binder of {len(found.persons)}: {taken[-1]:.1f} s, {len(bound) / 1e6:.0f} MB\n")
    return taken


def judged(minutes: float) -> str:
    """Return whether so many minutes are few enough."""
    return f"at most {LIMIT_MINUTES:.0f} min: {'met' if minutes <= LIMIT_MINUTES else 'missed'}"


def main() -> int:
    """Make patients, run the nights in turn, print what dossiers took, and the binder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=16)
    parser.add_argument("--slices", type=int, default=150)
    parser.add_argument("--of", type=int, default=200)
    parser.add_argument("--real", type=Path, help="a folder of published sets")
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as scratch:
        root = Path(scratch)
        with Pool(2) as pool:
            jobs = [(root / "objects", index, asked.slices) for index in range(asked.patients)]
            size = sum(pool.map(make_patient, jobs, chunksize=1))
        patients, ends = asked.patients, frozenset({NightOutcome.COMPLETE})
        if asked.real:  # some sets lack what their plans refer to, and some files are damaged
            patients += apart(write_copies, asked.real, root / "objects", asked.copies)
            ends |= {NightOutcome.INCOMPLETE}
        sys.stderr.write(f"{patients} patients are there\n")
        sites = {with_: make_site(root, dossiers=with_) for with_ in (False, True)}
        found: list[Measured] = []
        for number, run_on in enumerate(NIGHTS, 1):
            found += [
                apart(run, sites[with_], number, run_on, dossiers=with_, ends=ends) for with_ in (False, True)
            ]
            if number == 1:
                next_day(root)
        binder = apart(bind, sites[True], NIGHTS[-1])
    sys.stdout.write(f"{patients} patients, {size / 1e6:.0f} MB of them invented\n")
    worst = 0.0
    for without, with_ in zip(found[0::2], found[1::2], strict=True):
        share = asked.of / patients / 60
        more = (with_.wall_s - without.wall_s) * share
        worst = max(worst, more)
        sys.stdout.write(
            f"night {with_.night}: {without.wall_s:6.1f} s without, {with_.wall_s:6.1f} s with dossiers"
            f" ({with_.wall_s / without.wall_s:.2f} x); CPU {without.cpu_s:6.1f} and {with_.cpu_s:6.1f} s"
            f" ({with_.cpu_s / without.cpu_s:.2f} x), largest process {with_.peak_mb} MB;"
            f" of {asked.of} patients"
            f" {more:.1f} min longer, {(with_.cpu_s - without.cpu_s) * share:.1f} min of CPU\n"
        )
    share = asked.of / patients / 60
    sys.stdout.write(f"dossiers of {asked.of}: {worst:.1f} min longer, {judged(worst)}\n")
    sys.stdout.write(
        f"binder of {asked.of}: {binder[0] * share:.1f} min, again {binder[1] * share:.1f} min,"
        f" {judged(max(binder) * share)}\n"
    )
    if asked.json:
        result = {
            "patients": patients,
            "of": asked.of,
            "nights": [asdict(one) for one in found],
            "binder_s": binder,
        }
        asked.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
