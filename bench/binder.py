"""Lists and binder of one night: rows, every form of the lists, and the binder, first and again.

    python bench/binder.py [--patients 200] [--dossier-pages 6] [--json FILE]

Patients are invented, each with one plan of 20 to 39 fractions and one beam. A dossier stands in for a real
one: so many pages, two of them with a picture of 0.25 MB. Again means a night later in which nobody's facts
changed: the chart sheets are taken as they lie. Made: no dossier is at hand, so each is made, without
pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
import zlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import typst

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "unit" / "protect" / "lists"))

from people_on_lists import HEAD, person

from beamkeeper.app.jobs.binder import SheetCache, make_binder
from beamkeeper.app.jobs.lists import Gathered
from beamkeeper.protect.lists import Person, list_rows
from beamkeeper.protect.lists.files import list_files

PICTURE_BYTES = 250_000
DOSSIERS_OF_A_KIND = 8


def picture() -> bytes:
    """Return a picture that does not compress: a PNG of noise."""
    side = int(PICTURE_BYTES**0.5)
    rows = b"".join(b"\0" + os.urandom(side) for _ in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + bytes((8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows, 1))
        + chunk(b"IEND", b"")
    )


def dossier(folder: Path, pages: int, number: int) -> bytes:
    """Return a PDF of so many pages, two with a picture."""
    (folder / "picture.png").write_bytes(picture())
    body = "".join(
        f"= Page {page} of {number}\n#lorem(250)\n"
        + ('#image("picture.png", width: 60%)\n' if page <= 2 else "")
        + "#pagebreak(weak: true)\n"
        for page in range(1, pages + 1)
    )
    (folder / "dossier.typ").write_text(body)
    pdf = typst.compile(str(folder / "dossier.typ"), root=str(folder), timestamp=0)
    assert isinstance(pdf, bytes)
    return pdf


def measure(patients: int, pages: int) -> dict[str, float]:
    persons = tuple(
        person(number, given=number % 30, fractions=20 + number % 20, code=str(number % 6 or ""))
        for number in range(patients)
    )
    found = {"patients": float(patients)}

    def timed(name: str, work: object) -> object:
        begun, cpu = time.monotonic(), time.process_time()
        made = work()  # type: ignore[operator]
        found[f"{name}_s"] = round(time.monotonic() - begun, 2)
        found[f"{name}_cpu_s"] = round(time.process_time() - cpu, 2)
        return made

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        some = [dossier(folder, pages, number) for number in range(DOSSIERS_OF_A_KIND)]
        at_hand = {one.pseudonym: some[index % len(some)] for index, one in enumerate(persons)}

        def given(one: Person) -> bytes:
            return at_hand[one.pseudonym]

        rows = timed("rows", lambda: list_rows(persons, HEAD))
        files = timed("lists", lambda: list_files(HEAD, rows))  # type: ignore[arg-type]
        gathered = Gathered(HEAD, persons)
        first = timed(
            "binder_first",
            lambda: make_binder(gathered, cache=SheetCache(folder / "kept"), dossiers=given),
        )
        later = replace(HEAD, made_at=HEAD.made_at + timedelta(days=1), night=HEAD.night + timedelta(days=1))
        cache = SheetCache(folder / "kept")
        timed(
            "binder_again",
            lambda: make_binder(Gathered(later, persons), cache=cache, dossiers=given),
        )
        found["made_again"] = cache.made
        timed(
            "binder_made",
            lambda: make_binder(gathered, cache=SheetCache(None), dossiers=lambda _person: None),
        )
        found["lists_mb"] = round(sum(map(len, files.values())) / 1e6, 1)  # type: ignore[attr-defined]
        found["dossier_mb"] = round(sum(map(len, at_hand.values())) / 1e6, 1)
        found["binder_mb"] = round(len(first) / 1e6, 1)  # type: ignore[arg-type]
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--dossier-pages", type=int, default=6)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(options.patients, options.dossier_pages)
    for name, value in found.items():
        print(f"{name:>18} {value}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
