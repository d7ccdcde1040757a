"""From the cold start of `beamkeeper declare` to lists on paper: 300 patients, a copy of a vault, a key.

    python bench/declare.py [--patients 300] [--mb 20] [--json FILE]

A vault is made of invented patients with 25 treatment records each and so many megabytes of bytes that do not
compress; `declare` is then run as a process of its own, first with --quick (until lists and sheets lie
there), then with the whole vault read. The page cache is what it is: a USB disk adds seconds for each time.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "unit" / "protect" / "lists"))

from people_on_lists import person

from beamkeeper.app.jobs.looked import PatientFacts
from beamkeeper.app.jobs.sealing import FACTS_FORMAT, FACTS_NAME
from beamkeeper.clock import utc
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.codec import to_json
from beamkeeper.domain.objects import ObjectKind, ObjectRef
from beamkeeper.vault import LocalStore, Member, PatientState, SiteKeys, Vault, pseudonym

NOW = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)


def member(name: str, data: bytes) -> Member:
    return Member(name=name, size_bytes=len(data), open=lambda: io.BytesIO(data))


def facts_of(number: int, name: str) -> bytes:
    one = person(number, given=number % 30, fractions=20 + number % 20)
    objects = tuple(
        ClinicalObject(
            ref=ObjectRef(
                sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
                sop_instance_uid=plan.sop_instance_uid,
                study_instance_uid="1.2.3",
                series_instance_uid="1.2.3.4",
                patient_id=one.entry.patient.patient_id,
                modality="RTPLAN",
                transfer_syntax_uid="1.2.840.10008.1.2.1",
                sha256="0" * 64,
                size_bytes=1,
            ),
            kind=ObjectKind.PLAN,
            label=plan.rt_plan_label,
            content=plan,
        )
        for plan in one.plans
    )
    facts = PatientFacts(pseudonym=name, entry=one.entry, objects=objects)
    return json.dumps({**FACTS_FORMAT, "facts": to_json(facts)}).encode()


def make_vault(root: Path, patients: int, megabytes: float) -> Path:
    """Return the recovery identity's file of a vault with so many patients."""
    keys = SiteKeys.create(root / "keys")
    store = LocalStore(root / "vault", create=True)
    Vault.create(store, keys=keys, now=NOW, trusted_dir=root / "seen", site_name="bench")
    vault = Vault.open(store, trusted_dir=root / "seen", now=NOW)
    night = NOW.date()
    entries = []
    for number in range(patients):
        name = pseudonym(keys.pseudonym_key, "", str(number))
        ballast = os.urandom(int(megabytes * 1e6))
        entries.append(
            vault.seal(
                pseudonym=name,
                night=night,
                members=[member(FACTS_NAME, facts_of(number, name)), member("dicom/CT/ballast.dcm", ballast)],
                state=PatientState(pseudonym=name, night=night, patient={}),
            )
        )
    vault.publish(entries, night=night, now=NOW, expires_at=utc(NOW) + timedelta(days=9999), keys=keys)
    identity = root / "identity.txt"
    assert keys.recovery is not None
    identity.write_text(keys.recovery.identity + "\n")
    return identity


def declared(root: Path, identity: Path, *options: str) -> dict[str, float]:
    """Return seconds on the clock and of the processor until the command has ended."""
    out = root / "incident"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "beamkeeper", "declare", "--vault", str(root / "vault"), "--zone", "UTC"]
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*command, "--identity", str(identity), "--out", str(out), "--json", *options],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"XDG_STATE_HOME": str(root / "state")},
    )
    assert (out / "lists" / "triage-list.pdf").is_file()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(time.monotonic() - begun, 1), "cpu_s": round(cpu, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--mb", type=float, default=20)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        identity = make_vault(root, given.patients, given.mb)
        size = sum(path.stat().st_size for path in (root / "vault").rglob("*") if path.is_file())
        found = {
            "patients": given.patients,
            "vault_mb": round(size / 1e6),
            "to_lists": declared(root, identity, "--quick"),
            "with_whole_vault_read": declared(root, identity),
        }
    text = json.dumps(found, indent=2)
    sys.stdout.write(text + "\n")
    if given.json:
        given.json.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
