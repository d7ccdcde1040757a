"""What the vault does when disks fill, shares vanish, rights are missing and processes die."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import KeyUnavailable, SourceUnavailable, StorageFull
from beamkeeper.vault import (
    THIS_PARCEL,
    LocalStore,
    Member,
    PatientState,
    RecoveryKeys,
    SiteKeys,
    StoredObject,
    Vault,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.vault import ParcelEntry

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
NIGHT = date(2026, 3, 2)
NOISE = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(6000))


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = SiteKeys.create(folder / "keys")
        self.store = LocalStore(folder / "vault", create=True)
        Vault.create(self.store, keys=self.keys, now=NOW, trusted_dir=folder / "trusted")

    def vault(self) -> Vault:
        return Vault.open(self.store, trusted_dir=self.folder / "trusted", now=NOW)

    def seal(self, vault: Vault, patient: str, data: bytes = NOISE):
        item = StoredObject(
            sop_class_uid="",
            sop_instance_uid="1.2.3",
            study_instance_uid="",
            series_instance_uid="",
            patient_id=patient,
            modality="CT",
            transfer_syntax_uid="",
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            parcel=THIS_PARCEL,
            member="dicom/CT/1.2.3.dcm",
            first_seen_on=NIGHT,
            last_seen_on=NIGHT,
        )
        pseudonym = self.keys.pseudonym("", patient)
        member = Member(name=item.member, size_bytes=len(data), open=lambda: io.BytesIO(data))
        state = PatientState(pseudonym=pseudonym, night=NIGHT, patient={}, objects=(item,))
        return vault.seal(pseudonym=pseudonym, night=NIGHT, members=[member], state=state)

    def publish(self, vault: Vault, *entries: ParcelEntry) -> None:
        vault.publish(entries, night=NIGHT, now=NOW, expires_at=NOW + timedelta(days=2), keys=self.keys)

    def assert_sound(self, *entries: ParcelEntry) -> None:
        vault = self.vault()
        report = vault.verify(now=NOW, identities=self.keys.identities)
        assert report.is_sound, report.problems
        assert {entry for entry in vault.entries() if entry.kind == "patient"} == set(entries)
        staging = self.folder / "vault/.staging"
        assert not staging.exists() or list(staging.iterdir()) == []


@pytest.fixture
def site() -> Iterator[Site]:
    """A vault in a folder that an ordinary user can reach too."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield Site(folder)
    shutil.rmtree(folder)


@contextlib.contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size: the system then answers as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def as_ordinary_user(folder: Path) -> Iterator[None]:
    """Give up root's right to write everywhere, where the tests have it."""
    if os.geteuid() != 0:
        yield
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_disk_that_fills_while_sealing_loses_nothing_and_names_nothing(site: Site) -> None:
    first = site.seal(site.vault(), "a")
    site.publish(site.vault(), first)
    with room_for(50_000), pytest.raises(StorageFull, match="no room left in the vault directory") as caught:
        site.seal(site.vault(), "b")

    assert caught.value.exit_status == 24
    assert "run the night again" in caught.value.do_next
    site.assert_sound(first)
    second = site.seal(site.vault(), "b")
    site.publish(site.vault(), second)
    site.assert_sound(first, second)


@pytest.mark.parametrize("room_bytes", [0, 300, 470, 700])
def test_a_disk_that_fills_while_signing_leaves_the_vault_as_it_was(site: Site, room_bytes: int) -> None:
    first = site.seal(site.vault(), "a")
    site.publish(site.vault(), first)
    vault = site.vault()
    second = site.seal(vault, "b")
    with room_for(room_bytes), pytest.raises(StorageFull):
        site.publish(vault, second)

    site.assert_sound(first)
    site.publish(site.vault(), second)
    site.assert_sound(first, second)


def test_a_disk_that_fills_while_restoring_leaves_whole_files_only(site: Site, tmp_path: Path) -> None:
    entry = site.seal(site.vault(), "a")
    site.publish(site.vault(), entry)
    with room_for(50_000), pytest.raises(StorageFull, match="cannot be restored into"):
        site.vault().restore_patient(
            entry.pseudonym, identities=site.keys.identities, out_dir=tmp_path / "out"
        )

    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == []


def test_a_vault_that_cannot_be_written_is_read_all_the_same(site: Site) -> None:
    entry = site.seal(site.vault(), "a")
    site.publish(site.vault(), entry)
    folders = [site.folder / "vault", *(p for p in (site.folder / "vault").rglob("*") if p.is_dir())]
    with as_ordinary_user(site.folder):
        for folder in folders:
            folder.chmod(0o500)
        vault = site.vault()
        with pytest.raises(StorageFull, match="cannot be written") as caught:
            site.seal(vault, "b")
        with pytest.raises(StorageFull, match="cannot be written"):
            site.publish(vault)
        assert vault.verify(now=NOW, identities=site.keys.identities).is_sound
        for folder in folders:
            folder.chmod(0o700)

    assert "Permission denied" in caught.value.message
    site.assert_sound(entry)


def test_a_parcel_that_may_not_be_read_is_no_answer_and_not_absence(site: Site) -> None:
    entry = site.seal(site.vault(), "a")
    site.publish(site.vault(), entry)
    with as_ordinary_user(site.folder):
        (site.folder / "vault" / entry.storage_name).chmod(0)
        with pytest.raises(SourceUnavailable, match="cannot be read"):
            site.store.get(entry.storage_name)
        (problem,) = site.vault().verify(now=NOW).problems

    assert problem.path == entry.path
    assert "cannot be read" in problem.what


def test_an_unmounted_share_is_no_answer_and_not_an_empty_vault(site: Site) -> None:
    entry = site.seal(site.vault(), "a")
    site.publish(site.vault(), entry)
    vault = site.vault()
    (site.folder / "vault").rename(site.folder / "unmounted")
    for remount in (False, True):
        if remount:
            (site.folder / "vault").mkdir()
        with pytest.raises(SourceUnavailable):
            site.store.get(entry.storage_name)
        with pytest.raises(SourceUnavailable):
            site.store.head(entry.storage_name)
        with pytest.raises(SourceUnavailable):
            list(site.store.list(""))
        with pytest.raises(SourceUnavailable):
            site.seal(vault, "b")
        assert not (site.folder / "vault" / ".staging").exists()


def test_a_key_of_another_site_opens_nothing_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    entry = site.seal(site.vault(), "a")
    site.publish(site.vault(), entry)
    wrong = RecoveryKeys(secret=bytes(32)).identity
    with pytest.raises(KeyUnavailable, match="None of the keys given opens this parcel") as caught:
        site.vault().restore_patient(entry.pseudonym, identities=[wrong], out_dir=tmp_path / "out")
    report = site.vault().verify(now=NOW, identities=[wrong])

    assert caught.value.exit_status == 23
    assert list((tmp_path / "out").iterdir()) == []
    assert len(report.problems) == 2


def test_leftovers_of_dead_writers_are_swept_and_live_ones_are_not(site: Site) -> None:
    staging = site.folder / "vault/.staging"
    (staging / "dead").write_bytes(b"half a parcel")
    live = site.store.stage()
    live.write(b"still writing")
    other = LocalStore(site.folder / "vault")
    other.put("targets/x", io.BytesIO(b"x"))

    assert [path.name for path in staging.iterdir()] != []
    assert not (staging / "dead").exists()
    live.commit("targets/live")
    assert site.store.head("targets/live") == 13


SEALING_FOREVER = """
import io, sys
sys.path.insert(0, {source!r})
from datetime import date, datetime, UTC
from pathlib import Path
from beamkeeper.vault import LocalStore, Member, PatientState, SiteKeys, Vault

class Slow(io.RawIOBase):
    def __init__(self): self.left = 1 << 40
    def readable(self): return True
    def read(self, size=-1):
        print("sealing", flush=True)
        return __import__("os").urandom(1 << 20)

folder, now, night = Path({folder!r}), datetime(2026, 3, 2, tzinfo=UTC), date(2026, 3, 2)
vault = Vault.open(LocalStore(folder / "vault"), trusted_dir=folder / "trusted", now=now)
vault.seal(
    pseudonym="a" * 26,
    night=night,
    state=PatientState(pseudonym="a" * 26, night=night, patient={{}}),
    members=[Member(name="x", size_bytes=1 << 40, open=Slow, sha256="0" * 64)],
)
"""


def test_a_killed_sealing_leaves_a_sound_vault_and_nothing_behind(site: Site) -> None:
    entry = site.seal(site.vault(), "a")
    site.publish(site.vault(), entry)
    source = str(Path(__file__).resolve().parents[2] / "src")
    script = SEALING_FOREVER.format(source=source, folder=str(site.folder))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        assert list((site.folder / "vault/.staging").iterdir()) != []
        process.send_signal(signal.SIGKILL)
        process.wait()
    site.store = LocalStore(site.folder / "vault")
    second = site.seal(site.vault(), "b")
    site.publish(site.vault(), second)

    site.assert_sound(entry, second)


PUBLISHING = """
import sys
sys.path.insert(0, {source!r})
from datetime import date, datetime, timedelta, UTC
from pathlib import Path
from beamkeeper.vault import LocalStore, PatientState, SiteKeys, Vault

folder, name, now = Path({folder!r}), sys.argv[1], datetime(2026, 3, 2, tzinfo=UTC)
keys = SiteKeys.load(folder / "keys")
for n in range(5):
    vault = Vault.open(LocalStore(folder / "vault"), trusted_dir=folder / "trusted", now=now)
    state = PatientState(pseudonym=name * 26, night=date(2026, 3, 2 + n), patient={{}})
    entry = vault.seal(pseudonym=state.pseudonym, night=state.night, members=[], state=state)
    vault.publish([entry], night=state.night, now=now, expires_at=now + timedelta(days=2), keys=keys)
"""


def test_two_nights_at_once_on_one_computer_lose_nothing_of_each_other(site: Site) -> None:
    script = PUBLISHING.format(
        source=str(Path(__file__).resolve().parents[2] / "src"), folder=str(site.folder)
    )
    both = [subprocess.Popen([sys.executable, "-c", script, name]) for name in "ab"]

    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert len([entry for entry in site.vault().entries() if entry.kind == "patient"]) == 10
    assert site.vault().verify(now=NOW, identities=site.keys.identities).is_sound


LARGE = """
import hashlib, resource, sys
sys.path.insert(0, {source!r})
from datetime import date, datetime, timedelta, UTC
from pathlib import Path
from beamkeeper.vault import *

folder, now, night = Path({folder!r}), datetime(2026, 3, 2, tzinfo=UTC), date(2026, 3, 2)
keys = SiteKeys.load(folder / "keys")
dose = folder / "dose"
with dose.open("rb") as file:
    digest = hashlib.file_digest(file, "sha256").hexdigest()
item = StoredObject(
    sop_class_uid="",
    sop_instance_uid="1",
    study_instance_uid="",
    series_instance_uid="",
    patient_id="",
    modality="RTDOSE", transfer_syntax_uid="", sha256=digest,
    size_bytes=dose.stat().st_size, parcel=THIS_PARCEL,
    member="dicom/RTDOSE/1.dcm", first_seen_on=night, last_seen_on=night,
)
vault = Vault.open(LocalStore(folder / "vault"), trusted_dir=folder / "trusted", now=now)
member = Member(name=item.member, size_bytes=item.size_bytes, open=lambda: dose.open("rb"))
state = PatientState(pseudonym="a" * 26, night=night, patient={{}}, objects=(item,))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
entry = vault.seal(pseudonym="a" * 26, night=night, members=[member], state=state)
vault.publish([entry], night=night, now=now, expires_at=now + timedelta(days=2), keys=keys)
report = vault.restore_patient("a" * 26, identities=keys.identities, out_dir=folder / "out")
assert report.is_complete
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_a_dose_of_600_mb_is_sealed_and_restored_in_constant_memory(site: Site) -> None:
    with (site.folder / "dose").open("wb") as file:
        for at in range(0, 600, 20):
            file.seek(at << 20)
            file.write(NOISE)
        file.truncate(600 << 20)
    script = LARGE.format(source=str(Path(__file__).resolve().parents[2] / "src"), folder=str(site.folder))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 80  # MB beyond the imports
