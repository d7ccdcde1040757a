"""A whole night from a stock Orthanc, twice: how much of the time is ours when nothing has changed.

    python bench/night.py CORPUS [--rounds 3] [--json FILE]

The first night collects and seals everything, the others find nothing changed. CPU is that of every
process of ours (collector and receiver), wall time is the whole night from opening the site to the
report; the rest of the wall time is the archive's.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.site import load_site
from beamkeeper.clock import MovableClock
from beamkeeper.domain.night import NightOutcome
from beamkeeper.rehearse.sim import OrthancArchive
from bench_site import make_site_before
from fast_sender import files_in

FIRST_NIGHT = date(2026, 3, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One night: wall and CPU seconds of ours, largest process, objects by what became of them."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    objects: int
    new: int
    identical: int


def cpu_s() -> float:
    """Return the CPU seconds of this process and of its ended children."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


def measured(root: Path, clock: MovableClock, run_on: date) -> Measured:
    """Run one night and measure it."""
    site = load_site(root / "site.toml")
    clock.move_to(datetime(run_on.year, run_on.month, run_on.day, 1, tzinfo=UTC))
    cpu, begun = cpu_s(), time.monotonic()
    report = run_night(site, clock, run_on)
    wall = time.monotonic() - begun
    if report.outcome is not NightOutcome.COMPLETE:
        sys.exit(f"the night was {report.outcome.value}: {report.warnings} {report.sources}")
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Measured(
        wall_s=wall,
        cpu_s=cpu_s() - cpu,
        peak_mb=peak / 1024,
        objects=sum(patient.received_count for patient in report.patients),
        new=sum(len(patient.comparisons) for patient in report.patients),
        identical=sum(patient.identical_count for patient in report.patients),
    )


def main() -> int:
    """Fill an Orthanc with the corpus, run the nights, print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    files = files_in([arguments.corpus])
    size_mb = sum(path.stat().st_size for path in files) / 1e6
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as scratch:
        root = Path(scratch)
        archive = OrthancArchive(root / "orthanc")
        archive.start()
        try:
            for path in files:
                archive.store(path.read_bytes())
            clock = MovableClock(datetime(2026, 3, 29, tzinfo=UTC))
            make_site_before(archive, root, clock, port=11999)
            nights = [
                measured(root, clock, FIRST_NIGHT + timedelta(days=n)) for n in range(arguments.rounds + 1)
            ]
        finally:
            archive.stop()
    sys.stdout.write(f"{len(files)} objects, {size_mb:.0f} MB\n")
    for number, night in enumerate(nights):
        sys.stdout.write(
            f"night {number + 1}: {night.wall_s:6.1f} s wall, {night.cpu_s:6.1f} s CPU of ours "
            f"({night.cpu_s / night.wall_s:4.0%}), {size_mb / night.wall_s:5.0f} MB/s, "
            f"peak {night.peak_mb:.0f} MB, {night.new} changed or new, {night.identical} identical\n"
        )
    share = statistics.median(night.cpu_s / night.wall_s for night in nights[1:])
    sys.stdout.write(f"unchanged nights: our CPU is {share:.0%} of the wall time (median)\n")
    if arguments.json:
        result = {"share": share, "nights": [asdict(night) for night in nights]}
        arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
