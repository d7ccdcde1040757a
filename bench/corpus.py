"""Write a synthetic radiotherapy corpus of a realistic size mix, for benchmarks.

Each patient: one planning CT of 512 x 512, one structure set of about 3 MB, one VMAT plan of about
0.3 MB, one dose, treatment records of about 57 kB, cone-beam CTs of 384 x 384. Everything is invented
from the seed by the simulated department's own builders, with fresh noise in every voxel, so that
codecs see something like a real CT.

    python bench/corpus.py OUT [--patients 10] [--seed 1] [--ct 150] [--cbct 5] [--records 20] [-j 2]
    python bench/corpus.py OUT --next-day NEW [--frac 0.01]     # a second night: links, and a few edits
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
from dataclasses import replace
from datetime import date
from io import BytesIO
from multiprocessing import Pool
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from pydicom import dcmread, dcmwrite

from beamkeeper.rehearse.sim.images import cbct
from beamkeeper.rehearse.sim.patients import at, cast_member, planning_objects, working_day
from beamkeeper.rehearse.sim.records import Session, records
from beamkeeper.rehearse.sim.seeded import Seed
from beamkeeper.rehearse.sim.treatments import Detail

ZONE = ZoneInfo("Europe/Brussels")
FIRST_DAY = date(2026, 3, 2)


def clinical_size(ct_slices: int) -> Detail:
    """Return the detail that gives objects their usual size."""
    return Detail(
        ct_size=512,
        ct_spacing_mm=0.9765625,
        ct_slices=ct_slices,
        ct_slice_spacing_mm=3.0,
        cbct_size=384,
        cbct_slices=60,
        contour_points=700,
        control_points_per_arc=178,
    )


def grainy(data: bytes, pixels: int, rng: np.random.Generator, sigma: float) -> bytes:
    """Return a CT file with fresh, slightly smooth noise in every voxel, so that codecs see a real CT.

    The department repeats one pattern from slice to slice; that packs to a twelfth, a real CT to 40 %.
    """
    head, tail = data[: -2 * pixels], np.frombuffer(data[-2 * pixels :], "<u2").astype(np.float32)
    side = int(pixels**0.5)
    noise = rng.normal(0, sigma, (side, side)).astype(np.float32)
    noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, -1, 1)) / 2
    inside = np.where(tail > 100, 1.0, 0.35)
    return head + np.clip(tail + noise.ravel() * inside, 0, 4095).astype("<u2").tobytes()


def make_patient(job: tuple[Path, int, int, int, int, int]) -> str:
    """Write one patient; return the folder's name."""
    out, index, seed, ct_slices, cbct_count, record_count = job
    first = cast_member(Seed(seed), 8 * index, FIRST_DAY, detail=clinical_size(ct_slices))
    person = replace(first.person, patient_id=f"PAT{index:04d}", name=f"TEST^PAT{index:04d}")
    patient = replace(first, index=index, person=replace(person, character_set=("ISO_IR 100",)))
    treatment = replace(patient.treatments[0], fractions=max(record_count, 1))
    patient = replace(patient, treatments=(treatment,))
    folder = out / person.patient_id
    folder.mkdir(parents=True, exist_ok=True)

    rng = np.random.default_rng([seed, index])

    def write(kind: str, objects: object, *, pixels: int = 0, sigma: float = 0.0) -> None:
        for number, (_, made) in enumerate(objects):
            is_image = 0 < 2 * pixels < len(made) < 2 * pixels + 4096
            data = grainy(made, pixels, rng, sigma) if is_image else made
            (folder / f"{kind}_{number:04d}.dcm").write_bytes(data)

    write("PLANNING", planning_objects(patient, ZONE), pixels=512 * 512, sigma=12.0)
    for number in range(1, record_count + 1):
        on = working_day(FIRST_DAY, number)
        session = Session(treatment_key="plan", version=1, fraction_number=number, on=on)
        write(f"RT{number:04d}", records(patient, treatment, session, at(on, 10, 15, ZONE)))
    for number in range(cbct_count):
        taken = cbct(patient, at(working_day(FIRST_DAY, number + 1), 10, 0, ZONE), number)
        write(f"CB{number:02d}", taken, pixels=384 * 384, sigma=30.0)
    return folder.name


def next_day(old: Path, new: Path, fraction: float, seed: int = 7) -> tuple[int, int]:
    """Make a second night: hard links, and one attribute edited in a fraction of the files."""
    if new.exists():
        shutil.rmtree(new)
    files = sorted(old.rglob("*.dcm"))
    edited = set(random.Random(seed).sample(files, max(1, round(len(files) * fraction))))
    for path in files:
        target = new / path.relative_to(old)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in edited:
            target.write_bytes(_edited(path.read_bytes()))
        else:
            os.link(path, target)
    return len(edited), len(files)


def _edited(data: bytes) -> bytes:
    dataset = dcmread(BytesIO(data))
    if dataset.Modality == "RTPLAN":
        dataset.BeamSequence[1].ControlPointSequence[3].GantryAngle = "12.3"
    else:
        dataset.PatientName = f"{dataset.PatientName}X"
    buffer = BytesIO()
    dcmwrite(buffer, dataset)
    return buffer.getvalue()


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--patients", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ct", type=int, default=150, help="planning CT slices a patient")
    parser.add_argument("--cbct", type=int, default=5, help="cone-beam CTs a patient, 60 slices each")
    parser.add_argument("--records", type=int, default=20, help="treatment records a patient")
    parser.add_argument("--next-day", type=Path)
    parser.add_argument("--frac", type=float, default=0.01, help="fraction of files edited for the next day")
    parser.add_argument("-j", type=int, default=2, help="processes")
    asked = parser.parse_args()
    if asked.next_day:
        print("changed {} of {}".format(*next_day(asked.out, asked.next_day, asked.frac)))
        return
    jobs = [
        (asked.out, index, asked.seed, asked.ct, asked.cbct, asked.records) for index in range(asked.patients)
    ]
    with Pool(asked.j) as pool:
        for name in pool.imap_unordered(make_patient, jobs):
            print(name, flush=True)


if __name__ == "__main__":
    sys.exit(main())
