"""How time and memory grow with the objects known and the nights kept.

    python bench/growth.py [--objects 1000,10000,100000,400000] [--nights 60] [--json FILE] [--figure FILE]

Objects: a ledger that knows N objects of patients with 2,000 each; measured are what a night does with
them (write the known digests, read one patient's objects, look a digest up) and the largest process,
each N in a process of its own. Nights: a vault fed with 20 small parcels a night; measured are sealing
and publishing each night, and opening the vault after it. The figure shows both.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from beamkeeper.vault import LocalStore, Member, PatientState, SiteKeys, Vault, pseudonym

PER_PATIENT = 2000
PATIENTS_A_NIGHT = 20
START = datetime(2026, 1, 1, 2, tzinfo=UTC)


def digest_of(number: int) -> bytes:
    """Return the digest of the object number `number`."""
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def objects_row(count: int) -> dict[str, float]:
    """Measure a ledger that knows `count` objects."""
    from beamkeeper.ledger import Ledger
    from beamkeeper.vault import StoredObject
    from beamkeeper.wire.dicom.known import KnownDigests, write_known

    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as folder:
        ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
        ledger.migrate()
        begun = time.perf_counter()
        for first in range(0, count, PER_PATIENT):
            kept = [
                StoredObject(
                    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
                    sop_instance_uid=f"2.25.{number}",
                    study_instance_uid=f"2.25.{first}.1",
                    series_instance_uid=f"2.25.{first}.2",
                    patient_id=f"P{first}",
                    modality="CT",
                    transfer_syntax_uid="1.2.840.10008.1.2.1",
                    sha256=digest_of(number).hex(),
                    size_bytes=525_000,
                    parcel="x" * 26 + "/2026-01-01-1.tar.zst.age",
                    member=f"dicom/CT/2.25.{number}.dcm",
                    first_seen_on=START.date(),
                    last_seen_on=START.date(),
                )
                for number in range(first, min(first + PER_PATIENT, count))
            ]
            ledger.record_objects(f"patient{first}", kept)
        recorded = time.perf_counter()
        before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        path = Path(folder) / "known"
        write_known(path, ledger.known_digests())
        written = time.perf_counter()
        ledger.current_objects(f"patient{(count // 2) // PER_PATIENT * PER_PATIENT}")
        read = time.perf_counter()
        with KnownDigests(path) as known:
            looked = time.perf_counter()
            hits = sum(digest_of(number) in known for number in range(0, count, max(1, count // 5000)))
            ended = time.perf_counter()
        looks = len(range(0, count, max(1, count // 5000)))
        assert hits == looks
        return {
            "objects": count,
            "record_us": (recorded - begun) / count * 1e6,
            "write_known_us": (written - recorded) / count * 1e6,
            "read_patient_us": (read - written) / min(count, PER_PATIENT) * 1e6,
            "look_up_us": (ended - looked) / looks * 1e6,
            "before_mb": before_mb,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def night_rows(nights: int) -> list[dict[str, float]]:
    """Feed a vault night by night; measure each."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as folder:
        root = Path(folder)
        keys = SiteKeys.create(root / "keys")
        store = LocalStore(root / "vault", create=True)
        Vault.create(store, keys=keys, now=START, trusted_dir=root / "trusted", site_name="bench")
        names = [pseudonym(keys.pseudonym_key, "", f"P{number}") for number in range(PATIENTS_A_NIGHT)]
        for number in range(nights):
            now = START + timedelta(days=number)
            begun = time.perf_counter()
            vault = Vault.open(store, trusted_dir=root / "trusted", now=now)
            opened = time.perf_counter()
            entries = [seal(vault, name, now.date(), number) for name in names]
            sealed = time.perf_counter()
            vault.publish(entries, night=now.date(), now=now, expires_at=now + timedelta(hours=30), keys=keys)
            ended = time.perf_counter()
            rows.append(
                {
                    "night": number + 1,
                    "open_ms": (opened - begun) * 1e3,
                    "seal_ms": (sealed - opened) / len(names) * 1e3,
                    "publish_ms": (ended - sealed) * 1e3,
                    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                }
            )
    return rows


def seal(vault: Vault, name: str, night: date, number: int):  # noqa: ANN201
    """Seal one small parcel."""
    data = digest_of(number) * 2000
    member = Member(name="facts.json", size_bytes=len(data), open=lambda: io.BytesIO(data))
    state = PatientState(pseudonym=name, night=night, patient={"n": number})
    return vault.seal(pseudonym=name, night=night, members=[member], state=state)


def draw(objects: list[dict[str, float]], nights: list[dict[str, float]], path: Path) -> None:
    """Draw both curves, legible in black and white."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    counts = [row["objects"] for row in objects]
    for key, style, label in (
        ("record_us", "o-", "take into the ledger"),
        ("read_patient_us", "s--", "read back, one patient"),
        ("look_up_us", "^:", "known?"),
    ):
        left.plot(counts, [row[key] for row in objects], style, color="black", label=label)
    left.set(xscale="log", yscale="log", xlabel="objects known", ylabel="µs per object", title="Objects")
    memory = left.twinx()
    memory.plot(counts, [row["peak_mb"] for row in objects], "D-", color="0.55", label="largest process, MB")
    memory.set_ylim(0, 250)
    memory.set_ylabel("MB")
    left.legend(loc="upper left", fontsize=8)
    memory.legend(loc="lower right", fontsize=8)
    number = [row["night"] for row in nights]
    for key, style, label in (
        ("seal_ms", "-", "seal one parcel"),
        ("publish_ms", "--", "publish the night"),
        ("open_ms", ":", "open the vault"),
    ):
        right.plot(number, [row[key] for row in nights], style, color="black", label=label)
    right.set(xlabel="nights kept (20 parcels each)", ylabel="ms", title="Nights")
    right.set_ylim(bottom=0)
    right.legend(fontsize=8)
    figure.savefig(path, dpi=130)


def main() -> int:
    """Measure and print; draw when asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", default="1000,10000,100000,400000")
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    if arguments.one:
        sys.stdout.write(json.dumps(objects_row(arguments.one)))
        return 0
    objects = []
    for count in map(int, arguments.objects.split(",")):
        command = [sys.executable, __file__, "--one", str(count)]
        objects.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
        row = objects[-1]
        sys.stdout.write(
            f"{count:>7} objects: record {row['record_us']:6.1f} µs, "
            f"read back {row['read_patient_us']:6.1f} µs, known? {row['look_up_us']:5.2f} µs each; "
            f"peak {row['peak_mb']:.0f} MB\n"
        )
    nights = night_rows(arguments.nights)
    for row in (nights[0], nights[len(nights) // 2], nights[-1]):
        sys.stdout.write(
            f"night {row['night']:>3.0f}: seal {row['seal_ms']:.0f} ms a parcel, "
            f"publish {row['publish_ms']:.0f} ms, open {row['open_ms']:.0f} ms, "
            f"peak {row['peak_mb']:.0f} MB\n"
        )
    late = statistics.median(row["seal_ms"] for row in nights[-5:])
    early = statistics.median(row["seal_ms"] for row in nights[:5])
    sys.stdout.write(f"sealing a parcel, last five nights / first five: {late / early:.2f}\n")
    if arguments.json:
        result = {"objects": objects, "nights": nights}
        arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    if arguments.figure:
        draw(objects, nights, arguments.figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
