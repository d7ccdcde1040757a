"""The runbook "Restore without Beamkeeper", run as it is printed, with stock tools only."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from beamkeeper.vault import (
    THIS_PARCEL,
    LocalStore,
    LostParcel,
    Member,
    PatientState,
    SiteKeys,
    StoredObject,
    Vault,
    object_member,
    split_words,
)

pytestmark = pytest.mark.peer

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbooks" / "restore-without-beamkeeper.md"
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


def stored(path: Path, night: date) -> StoredObject:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return StoredObject(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
        sop_instance_uid=f"2.25.{int(digest[:16], 16)}",
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.4",
        patient_id="4711",
        modality="RTPLAN",
        transfer_syntax_uid="1.2.840.10008.1.2",
        sha256=digest,
        size_bytes=len(data),
        parcel=THIS_PARCEL,
        member=object_member(modality="RTPLAN", sop_instance_uid=path.stem, sha256=digest),
        first_seen_on=night,
        last_seen_on=night,
    )


@pytest.fixture
def vault(tmp_path: Path):
    """A vault of two patients; the second night of one replaces a file and loses another."""
    made = SiteKeys.create(tmp_path / "keys")
    store = LocalStore(tmp_path / "vault", create=True)
    Vault.create(store, keys=made, now=NOW, trusted_dir=tmp_path / "trusted")
    source = tmp_path / "source"
    source.mkdir()

    def seal(patient: str, night: date, files: dict[str, bytes], older: tuple[StoredObject, ...] = ()):
        items = []
        for name, data in files.items():
            path = source / f"{name}.dcm"
            path.write_bytes(data)
            items.append(stored(path, night))
        members = [
            Member(name=item.member, size_bytes=item.size_bytes, open=lambda data=data: io.BytesIO(data))
            for item, data in zip(items, files.values(), strict=True)
        ]
        pseudonym = made.pseudonym("", patient)
        state = PatientState(
            pseudonym=pseudonym, night=night, patient={"name": patient}, objects=(*older, *items)
        )
        opened = Vault.open(store, trusted_dir=tmp_path / "trusted", now=NOW)
        entry = opened.seal(pseudonym=pseudonym, night=night, members=members, state=state)
        opened.publish([entry], night=night, now=NOW, expires_at=NOW + timedelta(days=2), keys=made)
        return tuple(replace(item, parcel=entry.path) for item in items)

    seal("Beth", date(2026, 3, 2), {"9.1": b"of another patient"})
    plan, lost, kept = seal("Anna", date(2026, 3, 2), {"1.1": b"plan" * 9000, "1.2": b"lost", "1.3": b"kept"})
    seal(
        "Anna",
        date(2026, 3, 10),
        {"1.1": b"replan" * 9000},
        (replace(plan, superseded=True), replace(lost, present=False), kept),
    )
    return made, tmp_path / "vault"


def blocks() -> tuple[str, dict[str, str]]:
    """The shell of the runbook in order, and the files it asks to save."""
    text = RUNBOOK.read_text()
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    return shell, dict(re.findall(r"^```python file=(\S+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


def follow(made: SiteKeys, vault: Path, out: Path, words: list[tuple[str, ...]], patient: str):
    shell, files = blocks()
    out.mkdir(mode=0o700)
    for name, text in files.items():
        (out / name).write_text(text)
    (out / "words").write_text("\n".join(" ".join(share) for share in words))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VAULT": str(vault),
        "OUT": str(out),
        "P": made.pseudonym("", patient),
    }
    return subprocess.run(
        ["sh", "-eu", "-c", shell],
        cwd=out,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_runbook_gives_every_file_back_from_three_word_lists(vault, tmp_path: Path, program) -> None:
    for name in ("age", "age-keygen", "zstd", "tar", "sha256sum"):
        program(name)
    made, folder = vault
    assert made.recovery is not None
    shares = split_words(made.recovery.secret)
    done = follow(made, folder, tmp_path / "out", [shares[4], shares[0], shares[2]], "Anna")

    assert done.returncode == 0, done.stderr
    assert made.recovery.recipient in done.stdout
    assert "every parcel is what its name says" in done.stdout
    assert "4 parcels, signed" in done.stdout
    assert "nights: 2026-03-02 2026-03-10" in done.stdout
    assert '{"name": "Beth"}' in done.stdout
    restored = tmp_path / "out" / made.pseudonym("", "Anna") / "files" / "dicom" / "RTPLAN"
    assert {path.name: path.read_bytes() for path in restored.iterdir()} == {
        "1.1.dcm": b"replan" * 9000,
        "1.3.dcm": b"kept",
    }


def test_the_runbook_and_beamkeeper_restore_the_same_bytes(vault, tmp_path: Path) -> None:
    made, folder = vault
    assert made.recovery is not None
    done = follow(made, folder, tmp_path / "out", list(split_words(made.recovery.secret))[:3], "Anna")
    opened = Vault.open(LocalStore(folder), trusted_dir=tmp_path / "trusted", now=NOW)
    pseudonym = made.pseudonym("", "Anna")
    opened.restore_patient(pseudonym, identities=[made.recovery.identity], out_dir=tmp_path / "ours")

    def tree(top: Path) -> dict[str, bytes]:
        return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*.dcm")}

    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "ours") == tree(tmp_path / "out" / pseudonym / "files")


def test_the_runbook_goes_on_past_a_parcel_that_is_stated_lost(vault, tmp_path: Path) -> None:
    made, folder = vault
    store = LocalStore(folder)
    opened = Vault.open(store, trusted_dir=tmp_path / "trusted", now=NOW)
    (beth,) = (entry for entry in opened.entries() if entry.pseudonym == made.pseudonym("", "Beth"))
    again = replace(beth, path=beth.path.replace("-1.tar", "-2.tar"))
    lying = folder / beth.storage_name
    lying.rename(folder / again.storage_name)
    stopped = follow(made, folder, tmp_path / "stopped", list(made_words(made)), "Anna")
    stated = LostParcel(entry=beth, noticed_on=date(2026, 3, 11), held_in=(again.path,))
    opened.publish(
        [again],
        night=date(2026, 3, 11),
        now=NOW,
        expires_at=NOW + timedelta(days=2),
        keys=made,
        lost=[stated],
    )
    done = follow(made, folder, tmp_path / "done", list(made_words(made)), "Anna")

    assert stopped.returncode != 0
    assert beth.path.partition("/")[2].partition("-1.")[0] in stopped.stderr
    assert done.returncode == 0, done.stderr
    assert f"lost, noticed on 2026-03-11: {beth.path}" in done.stdout


def made_words(made: SiteKeys) -> list[tuple[str, ...]]:
    assert made.recovery is not None
    return list(split_words(made.recovery.secret)[:3])


def test_the_runbook_stops_at_a_damaged_parcel(vault, tmp_path: Path) -> None:
    made, folder = vault
    assert made.recovery is not None
    parcel = next((folder / "targets" / made.pseudonym("", "Anna")).iterdir())
    data = bytearray(parcel.read_bytes())
    data[len(data) // 2] ^= 1
    parcel.write_bytes(data)
    done = follow(made, folder, tmp_path / "out", list(split_words(made.recovery.secret))[:3], "Anna")

    assert done.returncode != 0
    assert "FAILED" in done.stdout + done.stderr


def test_the_runbook_stops_at_two_word_lists(vault, tmp_path: Path) -> None:
    made, folder = vault
    assert made.recovery is not None
    done = follow(made, folder, tmp_path / "out", list(split_words(made.recovery.secret))[:2], "Anna")

    assert done.returncode != 0
    assert "parcels" not in done.stdout
