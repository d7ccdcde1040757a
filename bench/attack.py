"""Attacks at minutes nobody chose, with the real program: what the inventory says, against the truth.

    python bench/attack.py [--seeds 6] [--first 0] [--patients 6] [--json FILE]

Each seed is a simulated month with an Orthanc, a database, nights, two people who confirm, and a disk that
somebody plugs in; then everything is deleted but the disk and three of five cards. `declare` runs in a fresh
home and, as root, without any network. Who was asked answers, one in five is handed over to a partner that
treats for five days, and what comes back is counted.
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


def drilled(seed: int, patients: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        found = attack(Path(name) / "drill", seed, patients=patients)
        begun = time.monotonic()
        ended = treated_elsewhere(found, Path(name) / "drill", most=max(1, patients // 5))
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
        "without_network": found.without_network,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--patients", type=int, default=6)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = []
    for seed in range(given.first, given.first + given.seeds):
        found.append(drilled(seed, given.patients))
        sys.stdout.write(json.dumps(found[-1]) + "\n")
        sys.stdout.flush()
    if given.json:
        given.json.write_text(json.dumps(found, indent=2))
    return 1 if any(one["wrong"] or one["in_the_end"]["wrong"] for one in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
