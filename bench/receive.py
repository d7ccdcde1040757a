"""Receiving, side by side: all receivers take the same objects in the same round; the ratio is the result.

    python bench/receive.py CORPUS [--rows mix,records,storescu,move] [--receivers beamkeeper,storescp,...]
                            [--rounds 5] [--scratch DIR] [--json FILE]

CORPUS is a folder with one folder of DICOM files for each patient. Rows:

* mix: the whole corpus, one association, a sender that is never the bottleneck.
* records: 2,000 (--records) copies of one treatment record, each with its own UID.
* storescu: the corpus by DCMTK's storescu as shipped (Nagle's algorithm on).
* move: the corpus by C-MOVE, patient by patient, from an Orthanc as shipped; until the last object is kept.

`beamkeeper` hashes, looks the digest up and makes objects durable in groups (they were asked for);
`beamkeeper-unasked` has each on disk before it answers. storescp writes files and never syncs them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fast_sender import files_in, read_meta
from receivers import (
    AE_TITLE,
    HERE,
    RECEIVERS,
    cpu_s,
    kept_count,
    orthanc_settings,
    peak_mb,
    program,
    receiver,
    running,
)

ROWS = ("mix", "records", "storescu", "move")
TREATMENT_RECORD = b"1.2.840.10008.5.1.4.1.1.481.4"
SETTLE_S = 0.5
KEPT_LIMIT_S = 120
PORT, ARCHIVE_PORT = 11_511, 11_512


def make_records(corpus: Path, folder: Path, count: int) -> Path:
    """Write copies of the corpus's first treatment record, each with a UID of the same length."""
    source = next(p for p in files_in([corpus]) if read_meta(p).sop_class_uid == TREATMENT_RECORD)
    content, uid = source.read_bytes(), read_meta(source).sop_instance_uid
    folder.mkdir()
    for number in range(count):
        own = b"2.25." + str(number + 10 ** (len(uid) - 6)).encode()
        assert len(own) == len(uid)
        (folder / f"{number:05d}.dcm").write_bytes(content.replace(uid, own))
    return folder


def send_command(row: str, place: Path) -> list[str]:
    if row == "storescu":
        return [program("storescu"), "+sd", "+r", "-R", "-aec", AE_TITLE, "127.0.0.1", str(PORT), str(place)]
    sender = [sys.executable, str(HERE / "fast_sender.py"), "127.0.0.1", str(PORT), str(place)]
    return [*sender, "--called", AE_TITLE, "--originator", "BEAMKEEPER"]


def move_everything(corpus: Path) -> None:
    movescu = [program("movescu"), "-P", "-aet", "BEAMKEEPER", "-aec", "ORTHANC", "-aem", AE_TITLE]
    for patient in sorted(path.name for path in corpus.iterdir() if path.is_dir()):
        query = ["-k", "QueryRetrieveLevel=PATIENT", "-k", f"PatientID={patient}"]
        subprocess.run(
            [*movescu, *query, "127.0.0.1", str(ARCHIVE_PORT)], check=True, stdout=subprocess.DEVNULL
        )


def measure(row: str, name: str, place: Path, scratch: Path) -> dict[str, float]:
    """Let one receiver take everything once."""
    folder = scratch / "kept"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    expected = len(files_in([place]))
    os.sync()
    with receiver(name, folder, PORT) as pid:
        time.sleep(SETTLE_S)
        cpu_before = cpu_s(pid)
        started = time.perf_counter()
        if row == "move":
            move_everything(place)
        else:
            subprocess.run(send_command(row, place), check=True, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + KEPT_LIMIT_S
        while row == "move" and name.startswith("beamkeeper") and kept_count(name, folder) < expected:
            assert time.monotonic() < deadline, "objects are missing"
            time.sleep(0.005)
        wall_s = time.perf_counter() - started
        result = {"wall_s": wall_s, "cpu_s": cpu_s(pid) - cpu_before, "peak_mb": peak_mb(pid)}
        kept = kept_count(name, folder)
    assert kept == expected, f"{name} kept {kept} of {expected}"
    return result


def load_archive(corpus: Path) -> None:
    sender = [sys.executable, str(HERE / "fast_sender.py"), "127.0.0.1", str(ARCHIVE_PORT), str(corpus)]
    subprocess.run([*sender, "--called", "ORTHANC"], check=True, stdout=subprocess.DEVNULL)


def run_row(
    row: str, names: list[str], place: Path, scratch: Path, rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Return what each receiver took, round by round; in a round all have the same weather."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            results[name].append(measure(row, name, place, scratch))
            print(f"  {row} {name} {results[name][-1]['wall_s']:.2f} s", file=sys.stderr, flush=True)
    return results


def summary(
    row: str, results: dict[str, list[dict[str, float]]], objects: int, size: int
) -> list[dict[str, object]]:
    lines = []
    ours = next(iter(results.values()))
    for name, runs in results.items():
        wall_s = statistics.median(run["wall_s"] for run in runs)
        ratios = [theirs["wall_s"] / own["wall_s"] for theirs, own in zip(runs, ours, strict=True)]
        lines.append(
            {
                "row": row,
                "receiver": name,
                "objects": objects,
                "bytes": size,
                "mb_per_s": size / 1e6 / wall_s,
                "objects_per_s": objects / wall_s,
                "first_is_faster_by": statistics.median(ratios),
                "cpu_s": statistics.median(run["cpu_s"] for run in runs),
                "peak_mb": max(run["peak_mb"] for run in runs),
                "wall_s": [run["wall_s"] for run in runs],
            }
        )
    return lines


def show(lines: list[dict[str, object]]) -> None:
    print(f"{'row':9s}{'receiver':20s}{'MB/s':>7s}{'obj/s':>7s}{'ratio':>7s}{'CPU s':>7s}{'MB':>6s}  wall s")
    for line in lines:
        walls = line["wall_s"]
        assert isinstance(walls, list)
        print(
            f"{line['row']:9s}{line['receiver']:20s}{line['mb_per_s']:7.0f}{line['objects_per_s']:7.0f}"
            f"{line['first_is_faster_by']:7.2f}{line['cpu_s']:7.2f}{line['peak_mb']:6.0f}"
            f"  {min(walls):.2f} to {max(walls):.2f}"
        )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--receivers", default=",".join(RECEIVERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    names = arguments.receivers.split(",")
    lines: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as temporary:
        scratch = Path(temporary)
        for row in arguments.rows.split(","):
            place = arguments.corpus
            if row == "records":
                place = make_records(arguments.corpus, scratch / "records", arguments.records)
            if row == "move":
                archive = scratch / "archive"
                archive.mkdir()
                destination = {"DEST": [AE_TITLE, "127.0.0.1", PORT]}
                settings = orthanc_settings(archive, ARCHIVE_PORT, DicomModalities=destination)
                with running([program("Orthanc"), str(settings)], ARCHIVE_PORT):
                    load_archive(place)
                    results = run_row(row, names, place, scratch, arguments.rounds)
            else:
                results = run_row(row, names, place, scratch, arguments.rounds)
            files = files_in([place])
            lines += summary(row, results, len(files), sum(path.stat().st_size for path in files))
    show(lines)
    if arguments.json:
        arguments.json.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
