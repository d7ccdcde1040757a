"""Run the benchmarks: `./dev bench` for all, `./dev bench NAME...` for some.

    corpus    make the corpus the others use (10 patients, about 1 GB, kept between runs)
    receive   our storage receiver beside DCMTK, Orthanc and pynetdicom
    compare   comparing in words beside a walk over every value
    seal      sealing, restoring, verifying beside restic and the stock pipe
    night     a second night with nothing changed: our share of the time
    hour      looks for new treatment records of 200 patients between two nights
    memory    the largest process of a night with a 600 MB dose and 400,000 known objects
    mirror    mirroring a vault beside rclone and smbclient, to the same servers
    growth    time and memory from 1,000 to 400,000 objects and from 1 to 60 nights, with a figure
    binder    the lists and the binder of 200 patients, first and a night later
    pictures  the pictures of a patient with 150 slices, 20 regions and 2 plans
    aria      the list from an ARIA database of ten years, 15 million rows
    mosaiq    the list from an invented MOSAIQ of ten years (writes 1.2 GB)
    gap       the options for gaps in 300 courses, and a sheet of one
    triage    300 patients put in order after each word about one, and the line for two capacities
    place     300 patients on 12 machines for six weeks, beside greedy and first come
    price     one move by hand on a board of 2,000 patients (--before SRC: beside another tree)
    room      pages of the incident room with 2,000 patients beside the same with 20
    handover  a patient of clinical size to another house and back, each step
    declare   an incident declared from the copy of a vault of 300 patients, until lists lie on paper
    attack    simulated months attacked at six kinds of minutes: the inventory against the truth
    dossiers  the same nights with and without everybody's dossier, pictures and all
    dossier   words, PDF, text and HTML of one patient's dossier

Options go to the single benchmark: ./dev bench receive --rounds 3. Results are ratios within one run
and are also written as JSON below bench/results/.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEAN = HERE.parent / "tests" / "lean"
"""Without what only peers of the tests need: see there."""
RESULTS = HERE / "results"
CORPUS = Path(os.environ.get("BEAMKEEPER_CORPUS", HERE / "corpus.cache"))
NAMES = (
    "receive",
    "compare",
    "seal",
    "night",
    "hour",
    "memory",
    "mirror",
    "growth",
    "binder",
    "pictures",
    "aria",
    "mosaiq",
    "gap",
    "dossiers",
    "dossier",
    "declare",
    "triage",
    "place",
    "price",
    "room",
    "attack",
    "handover",
)
NEEDS_CORPUS = frozenset({"receive", "compare", "seal", "night"})


def script(name: str, *arguments: str) -> int:
    """Run one benchmark as a process of its own, so that none warms up another."""
    environment = os.environ | {"PYTHONPATH": str(LEAN)}
    command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
    return subprocess.run(command, check=False, env=environment).returncode


def main(arguments: list[str]) -> int:
    """Run what was asked for; the worst exit status counts."""
    names = [name for name in arguments if name in {*NAMES, "corpus"}]
    options = [argument for argument in arguments if argument not in names]
    if options[:1] in (["-h"], ["--help"]):
        sys.stdout.write(__doc__ or "")
        return 0
    RESULTS.mkdir(exist_ok=True)
    wanted = names or list(NAMES)
    if (NEEDS_CORPUS & set(wanted) or "corpus" in wanted) and not CORPUS.is_dir():
        script("corpus", str(CORPUS), "--patients", "10")
    worst = 0
    for name in wanted:
        if name == "corpus":
            continue
        corpus = [str(CORPUS)] if name in NEEDS_CORPUS else []
        sys.stdout.write(f"\n== {name}\n")
        sys.stdout.flush()
        worst = max(worst, script(name, *corpus, "--json", str(RESULTS / f"{name}.json"), *options))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
