"""Putting everybody in order after a word about one patient, and drawing the line for another capacity.

    python bench/triage.py [--patients 300] [--rounds 20] [--json FILE]

Patients are invented, each fact of the rules yes, no or not known. A round says one thing of one patient,
ranks everybody anew and cuts the order at two capacities; the worst round counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from beamkeeper.respond.triage import (
    Capacity,
    Facts,
    Statement,
    changed,
    cut,
    rank,
    read_rules,
    shipped_rules,
)

LIMIT_S = 1.0


def invented(number: int, chance: np.random.Generator) -> Facts:
    def maybe() -> bool | None:
        return (True, False, None)[int(chance.integers(3))]

    return Facts(
        pseudonym=f"{number:064x}",
        name=f"Patient {number}",
        begun=bool(chance.integers(2)),
        in_doubt=number % 20 == 0,
        fraction_open=number % 25 == 0,
        rcr_category=(None, 1, 2, 3)[int(chance.integers(4))],
        intent=(None, "radical", "palliative")[int(chance.integers(3))],
        site_code=(None, 1, 2, 3, 4, 5)[int(chance.integers(6))],
        gap_days=int(chance.integers(10)),
        days_since_last=int(chance.integers(14)),
        fractions_left=int(chance.integers(1, 36)),
        within_hours=maybe(),
        cord_compression=maybe(),
        brachytherapy_pending=maybe(),
        concurrent_chemotherapy=maybe(),
        adjuvant_low_risk=maybe(),
        on_hormones=maybe(),
        anaesthesia=maybe(),
        paediatric=maybe(),
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    chance, rules = np.random.default_rng(0), read_rules(shipped_rules())
    everybody = [invented(number, chance) for number in range(given.patients)]
    now, said, spent = datetime(2026, 11, 23, tzinfo=UTC), [], []
    for number in range(given.rounds):
        about = everybody[int(chance.integers(len(everybody)))].pseudonym
        level = str(1 + number % 5)
        said.append(Statement(pseudonym=about, about="level", value=level, reason="seen", by="Dr. P", at=now))
        begun = time.perf_counter()
        ranked = rank(everybody, rules, said)
        few, many = (cut(ranked, rules, Capacity(places=places, percent=20)) for places in (40, 41 + number))
        changed(ranked, few, many)
        spent.append(time.perf_counter() - begun)
    found = {
        "patients": given.patients,
        "seconds_median": round(statistics.median(spent), 4),
        "seconds_worst": round(max(spent), 4),
        "limit_s": LIMIT_S,
    }
    text = json.dumps(found, indent=2)
    sys.stdout.write(text + "\n")
    if given.json:
        given.json.write_text(text)
    return 0 if max(spent) < LIMIT_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
