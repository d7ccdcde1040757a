"""What a dossier costs: words, PDF, text, HTML and DICOM, of the test department's patients.

    python bench/dossier.py [--patients 20] [--rounds 3] [--json FILE]

Pictures are left out: they cost seconds and are drawn on demand only. Each patient has a plan and a course of
records, as the simulated department makes them; the first paper of a process loads the fonts and is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.app.cli.dossier_folder import read_folder
from beamkeeper.protect.dossier import make_dossier, render_html, render_pdf, render_text
from beamkeeper.rehearse.sim.patients import planning_objects, session_objects
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.protect.dossier import DossierSource

ZONE = ZoneInfo("Europe/Brussels")
DAY = date(2026, 3, 2)
NOT_NEEDED = frozenset({"CT", "RTDOSE", "RTSTRUCT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Median seconds of CPU for one patient."""

    what: str
    cpu_s: float
    kilobytes: float


def sources(count: int) -> tuple[DossierSource, ...]:
    """Return what so many dossiers are made from."""
    state = at_first(1, count, DAY, DAY - timedelta(days=1))
    with TemporaryDirectory() as folder:
        for index in range(count):
            member = state.patients[index]
            patient = patient_of(state, member)
            objects = [data for _, data in planning_objects(patient, ZONE)]
            for session in member.sessions:
                objects += [data for _, data in session_objects(patient, session, ZONE)]
            for number, data in enumerate(objects):
                if identify(data).modality not in NOT_NEEDED:
                    Path(folder, f"{index}-{number}.dcm").write_bytes(data)
        as_of = datetime(DAY.year, DAY.month, DAY.day, 2, tzinfo=UTC)
        return read_folder(Path(folder), zone=ZONE, as_of=as_of, track=lambda files: files).sources


def measured(what: str, rounds: int, calls: list[Callable[[], bytes]]) -> Measured:
    """Return the median over calls and rounds."""
    taken, sizes = [], []
    for _ in range(rounds):
        for call in calls:
            begun = time.process_time()
            sizes.append(len(call()))
            taken.append(time.process_time() - begun)
    return Measured(what=what, cpu_s=round(median(taken), 4), kilobytes=round(median(sizes) / 1e3, 1))


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--patients", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    found = sources(asked.patients)
    papers = [make_dossier(source) for source in found]
    render_pdf(papers[0])
    rows = [
        measured("words", asked.rounds, [lambda s=s: repr(make_dossier(s)).encode() for s in found]),  # type: ignore[misc]
        measured("pdf", asked.rounds, [lambda p=p: render_pdf(p) for p in papers]),  # type: ignore[misc]
        measured("text", asked.rounds, [lambda p=p: render_text(p).encode() for p in papers]),  # type: ignore[misc]
        measured("html", asked.rounds, [lambda p=p: render_html(p).encode() for p in papers]),  # type: ignore[misc]
    ]
    for row in rows:
        sys.stdout.write(f"{row.what:8} {1e3 * row.cpu_s:7.1f} ms of CPU {row.kilobytes:8.1f} kB\n")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
