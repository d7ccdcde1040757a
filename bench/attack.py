"""Attacks at minutes nobody chose, with the real program: what the inventory says, against the truth.

    python bench/attack.py [--seeds 0-5] [--patients 6] [--handed 3] [--json FILE]

Each seed is a simulated month with an Orthanc, a database, nights, two people who confirm, and a disk that
somebody plugs in; then everything is deleted but the disk and three of five cards. `declare` runs on a laptop
that was never there. Who was asked answers, everybody is put in order and placed, and whom the placement
sends to the partner (at most --handed) goes there on the disk, into an Orthanc of its own, is treated for
five days, and comes back. Each house has a network and a file system of its own, where we may.

--seeds takes numbers and ranges: 6,15-19. `--patients 200 --handed 40` is the size of a large department.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from beamkeeper.app.drill import attack, treated_elsewhere
from beamkeeper.app.drill.house import is_enclosing


def drilled(seed: int, patients: int, handed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        found = attack(Path(name) / "drill", seed, patients=patients)
        begun = time.monotonic()
        ended = treated_elsewhere(found, Path(name) / "drill", most=handed)
        elsewhere_s = time.monotonic() - begun
    moment = found.verdict.moment
    return {
        "seed": seed,
        "minute": moment.minute,
        "attacked_at": moment.attacked_at.isoformat(timespec="minutes"),
        "copy_of": moment.copy.night.isoformat(),
        "records_until": moment.copy.knows_until.isoformat(timespec="minutes"),
        "patients": found.verdict.counts,
        "wrong": [f"{one.patient_id}: {one.said} {one.detail}" for one in found.verdict.wrong],
        "in_the_end": asdict(ended),
        "elsewhere_s": round(elsewhere_s, 1),
        "nights": found.nights,
        "played_s": round(found.played_s, 1),
        "declared_s": round(found.declared_s, 1),
        "is_enclosed": found.is_enclosed,
    }


def numbers(text: str) -> list[int]:
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=numbers, default=numbers("0-5"), metavar="0-5,9")
    parser.add_argument("--patients", type=int, default=6)
    parser.add_argument("--handed", type=int, help="at most; else half of the patients")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if not is_enclosing():
        sys.stderr.write("NOT ENCLOSED: no namespaces here (as root, with iproute2): the houses share all.\n")
    handed = max(1, given.patients // 2) if given.handed is None else given.handed
    found = []
    for seed in given.seeds:
        found.append(drilled(seed, given.patients, handed))
        sys.stdout.write(json.dumps(found[-1]) + "\n")
        sys.stdout.flush()
        if given.json:
            given.json.write_text(json.dumps(found, indent=2))
    ended = [one["in_the_end"] for one in found]
    wrong = [text for one in found for text in (*one["wrong"], *one["in_the_end"]["wrong"])]
    people = sum(sum(one["patients"].values()) for one in found)
    sys.stdout.write(
        f"{len(found)} attacks, {people} patients, {sum(one['handed_over'] for one in ended)} handed over, "
        f"{sum(one['fractions_elsewhere'] for one in ended)} sessions elsewhere, "
        f"{sum(one['in_doubt'] for one in ended)} back and in doubt, {len(wrong)} wrong\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
