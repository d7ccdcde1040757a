"""Options for gaps in courses: one patient's, and those of a whole department.

    python bench/gap.py [--patients 300] [--json FILE]

Courses differ in tumour site, fractions, days lost and calendar; reading the file is part of it.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from datetime import date, timedelta
from pathlib import Path

from beamkeeper.respond.gap import Calendar, options_for, own_parameters, read_course
from beamkeeper.respond.gap.explaining import explained
from beamkeeper.respond.gap.sheet import render_pdf
from beamkeeper.respond.gap.text import render_text

MONDAY = date(2026, 9, 7)


def courses(count: int, sites: list[str]) -> list[str]:
    """Return course files of a department, the same every time."""
    dice = random.Random(74)
    made = []
    for _ in range(count):
        fractions = dice.randint(15, 39)
        given = dice.randint(1, fractions - 1)
        last_on = MONDAY + timedelta(days=7 * ((given - 1) // 5) + (given - 1) % 5)
        made.append(
            'format = "beamkeeper-course"\nversion = 1\n[prescription]\n'
            f'tumour_site = "{dice.choice(sites)}"\n'
            f"fractions = {fractions}\ndose_per_fraction_gy = {dice.choice([2.0, 2.2, 2.67, 2.75])}\n"
            f"[given]\nfirst_on = {MONDAY}\nfractions = {given}\n"
            f"[gap]\nresume_on = {last_on + timedelta(days=dice.randint(3, 20))}\n"
        )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    begun = time.perf_counter()
    sets = own_parameters()
    parameters_s = time.perf_counter() - begun
    texts = courses(arguments.patients, sorted(sets.tumours))
    each: list[float] = []
    found = []
    cpu = time.process_time()
    for text in texts:
        begun = time.perf_counter()
        found.append(options_for(*read_course(text, sets, Calendar())))
        each.append(time.perf_counter() - begun)
    cpu = time.process_time() - cpu
    begun = time.perf_counter()
    render_text(found[0], explained(found[0]))
    text_s = time.perf_counter() - begun
    begun = time.perf_counter()
    pdf = render_pdf(found[0], tuple(explained(found[0])), made_at=_noon(), made="made today")
    result = {
        "patients": len(found),
        "options": sum(len(one.options) for one in found),
        "all_s": round(sum(each), 3),
        "all_cpu_s": round(cpu, 3),
        "median_ms": round(1000 * statistics.median(each), 2),
        "longest_ms": round(1000 * max(each), 2),
        "parameters_ms": round(1000 * parameters_s, 1),
        "text_ms": round(1000 * text_s, 1),
        "pdf_ms": round(1000 * (time.perf_counter() - begun), 1),
        "pdf_bytes": len(pdf),
    }
    print(json.dumps(result, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _noon():  # noqa: ANN202 - a date of the file, nothing more
    from datetime import UTC, datetime

    return datetime(2026, 10, 12, 12, tzinfo=UTC)


if __name__ == "__main__":
    main()
