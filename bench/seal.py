"""Seal, restore and verify a vault beside restic and the stock pipe, on the same files.

    python bench/seal.py CORPUS [--runs 3] [--scratch DIR] [--json FILE]

CORPUS holds one folder of DICOM files per patient (bench/corpus.py makes one). Every peer works in
the same run on the same warm files; the result is the ratio of times within a run, as a median.
Sealing is a whole first night: tar, zstd, age, fsync, read back, metadata. What the collector knows
already when sealing begins, the digest of each file, is prepared outside the measured time; it is
verified again inside. Needs restic, age, zstd and tar on the path.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from beamkeeper.vault import (
    THIS_PARCEL,
    LocalStore,
    Member,
    ParcelEntry,
    PatientState,
    SiteKeys,
    StoredObject,
    Vault,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.vault import RestoreReport

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
NIGHT = date(2026, 3, 2)
SEALERS = 2


def prepared(folder: Path, pseudonym: str) -> tuple[list[Member], PatientState]:
    """Return what the collector holds of one patient when sealing begins."""
    members, objects = [], []
    for path in sorted(folder.glob("*.dcm")):
        modality = path.name.partition("_")[0].upper()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        member = f"dicom/{modality}/{path.name}"
        size = path.stat().st_size
        members.append(
            Member(name=member, size_bytes=size, open=lambda path=path: path.open("rb", buffering=0))
        )
        objects.append(
            StoredObject(
                sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
                sop_instance_uid=f"2.25.{int(digest[:30], 16)}",
                study_instance_uid="2.25.1",
                series_instance_uid="2.25.2",
                patient_id=folder.name,
                modality=modality,
                transfer_syntax_uid="1.2.840.10008.1.2.1",
                sha256=digest,
                size_bytes=size,
                parcel=THIS_PARCEL,
                member=member,
                first_seen_on=NIGHT,
                last_seen_on=NIGHT,
            )
        )
    return members, PatientState(pseudonym=pseudonym, night=NIGHT, patient={}, objects=tuple(objects))


def seal(scratch: Path, keys: SiteKeys, patients: dict[str, tuple[list[Member], PatientState]]) -> None:
    vault = Vault.open(LocalStore(scratch / "vault"), trusted_dir=scratch / "trusted", now=NOW)

    def one(pseudonym: str) -> ParcelEntry:
        members, state = patients[pseudonym]
        return vault.seal(pseudonym=pseudonym, night=NIGHT, members=members, state=state)

    with ThreadPoolExecutor(SEALERS) as pool:
        entries = list(pool.map(one, patients))
    vault.publish(entries, night=NIGHT, now=NOW, expires_at=NOW + timedelta(days=1), keys=keys)


def timed(result: dict[str, float], name: str, work: Callable[[], object]) -> None:
    """Note the wall seconds, and the CPU seconds of this process and its children, that `work` takes."""
    os.sync()
    start, before = time.perf_counter(), os.times()
    work()
    result[name] = time.perf_counter() - start
    after = os.times()
    result[f"{name} CPU"] = sum(after[:4]) - sum(before[:4])


def shell(script: str, **variables: str) -> Callable[[], object]:
    environment = os.environ | variables
    return lambda: subprocess.run(["sh", "-euc", script], check=True, env=environment, capture_output=True)


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run_once(corpus: Path, scratch: Path) -> dict[str, float]:
    """Seconds of every step and bytes of every repository, once."""
    result: dict[str, float] = {}
    keys = SiteKeys.create(scratch / "keys")
    store = LocalStore(scratch / "vault", create=True)
    Vault.create(store, keys=keys, now=NOW, trusted_dir=scratch / "trusted")
    folders = [path for path in sorted(corpus.iterdir()) if path.is_dir()]
    patients = {name: prepared(path, name) for path in folders for name in [keys.pseudonym("", path.name)]}
    restic = {
        "RESTIC_PASSWORD": "bench",
        "RESTIC_REPOSITORY": str(scratch / "restic"),
        "RESTIC_CACHE_DIR": str(scratch / "cache"),
        "C": str(corpus),
        "S": str(scratch),
    }
    shell(
        "restic -q init --repository-version 2; age-keygen -o $S/key; mkdir $S/pipe $S/out-pipe", **restic
    )()

    timed(result, "seal ours", lambda: seal(scratch, keys, patients))
    timed(result, "seal restic", shell("restic -q backup $C", **restic))
    pipe = "tar -C $C -cf - . | zstd -q -1 -T2 | age -r $(age-keygen -y $S/key) -o $S/pipe/a.age; sync"
    timed(result, "seal pipe", shell(pipe, **restic))
    result["bytes ours"] = folder_bytes(scratch / "vault")
    result["bytes restic"] = folder_bytes(scratch / "restic")
    result["bytes files"] = folder_bytes(corpus)

    vault = Vault.open(store, trusted_dir=scratch / "trusted", now=NOW)
    restored: list[RestoreReport] = []
    timed(
        result,
        "restore ours",
        lambda: restored.extend(vault.restore_all(identities=keys.identities, out_dir=scratch / "out-ours")),
    )
    assert all(report.is_complete for report in restored)
    assert sum(report.written_bytes for report in restored) >= result["bytes files"]
    timed(result, "restore restic", shell("restic -q restore latest --target $S/out-restic", **restic))
    unpipe = "age -d -i $S/key $S/pipe/a.age | zstd -dq | tar -C $S/out-pipe -xf -"
    timed(result, "restore pipe", shell(unpipe, **restic))
    one, folder = next(iter(patients)), folders[0]
    timed(
        result,
        "restore one ours",
        lambda: restored.append(
            vault.restore_patient(one, identities=keys.identities, out_dir=scratch / "one-ours")
        ),
    )
    assert restored[-1].is_complete
    single = f"restic -q restore latest --include {folder} --target $S/one-restic"
    timed(result, "restore one restic", shell(single, **restic))

    report = None

    def verify() -> None:
        nonlocal report
        report = vault.verify(now=NOW)

    timed(result, "verify ours", verify)
    assert report is not None
    assert report.is_sound
    timed(result, "verify sha256", lambda: sha256_all(scratch / "vault"))
    timed(result, "verify sha256sum", shell("find $S/vault -type f | xargs sha256sum", **restic))
    timed(result, "open ours", lambda: vault.verify(now=NOW, identities=keys.identities))
    timed(result, "open restic", shell("restic -q check --read-data", **restic))
    result["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def sha256_all(folder: Path) -> None:
    """One thread, one file after another, the fastest way the standard library has."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                hashlib.file_digest(file, "sha256")


RATIOS = (
    ("seal: restic / ours (goal 1.5)", "seal restic", "seal ours"),
    ("seal: stock pipe / ours", "seal pipe", "seal ours"),
    ("vault bytes / restic's (goal at most 1.1)", "bytes ours", "bytes restic"),
    ("restore all: restic / ours (goal 1.2)", "restore restic", "restore ours"),
    ("restore all: stock pipe / ours", "restore pipe", "restore ours"),
    ("restore one: restic / ours (goal 1.2)", "restore one restic", "restore one ours"),
    ("verify: SHA-256 alone / ours (goal 0.8)", "verify sha256", "verify ours"),
    ("verify: sha256sum / ours", "verify sha256sum", "verify ours"),
    ("verify with the key: restic --read-data / ours", "open restic", "open ours"),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scratch", type=Path, default=None)
    parser.add_argument("--json", type=Path, default=None)
    asked = parser.parse_args()
    runs = []
    for number in range(asked.runs):
        scratch = Path(tempfile.mkdtemp(dir=asked.scratch, prefix="seal-"))
        try:
            runs.append(run_once(asked.corpus.resolve(), scratch))
        finally:
            shutil.rmtree(scratch)
        print(f"run {number + 1}: " + "  ".join(f"{name} {value:.4g}" for name, value in runs[-1].items()))
    medians = {}
    for title, upper, lower in RATIOS:
        medians[title] = statistics.median(run[upper] / run[lower] for run in runs)
        cpu = ""
        if f"{upper} CPU" in runs[0]:
            medians[f"{title}, CPU"] = statistics.median(
                run[f"{upper} CPU"] / run[f"{lower} CPU"] for run in runs
            )
            cpu = f"   CPU {medians[f'{title}, CPU']:5.2f}"
        print(f"{title:50s} {medians[title]:5.2f}{cpu}")
    if asked.json:
        asked.json.write_text(json.dumps({"runs": runs, "ratios": medians}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
