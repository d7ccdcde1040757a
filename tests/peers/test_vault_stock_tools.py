"""Stock age, zstd, tar and python-tuf's own client against what we write; real RT data both ways."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

import pytest
from tuf.api.exceptions import (
    DownloadHTTPError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
)
from tuf.ngclient import FetcherInterface, Updater

from beamkeeper.errors import IntegrityError
from beamkeeper.vault import (
    THIS_PARCEL,
    LocalStore,
    LostParcel,
    Member,
    PatientState,
    RecoveryKeys,
    SiteKeys,
    StoredObject,
    Vault,
    object_member,
    read_parcel,
)
from beamkeeper.vault.pruning import VERSIONS_KEPT, remove_old_metadata
from beamkeeper.vault.rollback import accept_rollback, find_rollback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.vault import ParcelEntry

pytestmark = pytest.mark.peer

NIGHT = date(2026, 3, 2)


def stored(path: Path) -> StoredObject:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return StoredObject(
        sop_class_uid="",
        sop_instance_uid=f"2.25.{int(digest[:24], 16)}",
        study_instance_uid="",
        series_instance_uid="",
        patient_id="",
        modality="OT",
        transfer_syntax_uid="",
        sha256=digest,
        size_bytes=len(data),
        parcel=THIS_PARCEL,
        member=object_member(modality="OT", sop_instance_uid="", sha256=digest),
        first_seen_on=NIGHT,
        last_seen_on=NIGHT,
    )


class Site:
    """A vault on the real clock, because python-tuf's client asks the machine what time it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime.now(UTC)
        self.keys = SiteKeys.create(folder / "keys")
        self.store = LocalStore(folder / "vault", create=True)
        Vault.create(self.store, keys=self.keys, now=self.now, trusted_dir=folder / "trusted")
        self.client_dir = folder / "client"

    def vault(self) -> Vault:
        return Vault.open(self.store, trusted_dir=self.folder / "trusted", now=self.now)

    def play(self, files: list[Path], *, expires_in: timedelta = timedelta(days=1)):
        vault, pseudonym = self.vault(), self.keys.pseudonym("", "real")
        items = {item.sha256: (item, path) for path in files for item in [stored(path)]}
        members = [
            Member(name=item.member, size_bytes=item.size_bytes, open=lambda path=path: path.open("rb"))
            for item, path in items.values()
        ]
        state = PatientState(
            pseudonym=pseudonym, night=NIGHT, patient={}, objects=tuple(item for item, _ in items.values())
        )
        entry = vault.seal(pseudonym=pseudonym, night=NIGHT, members=members, state=state)
        expires_at = self.now + expires_in
        vault.publish(
            [entry], night=NIGHT, now=expires_at - timedelta(days=2), expires_at=expires_at, keys=self.keys
        )
        return entry

    def client(self) -> Updater:
        """python-tuf's own client; it trusts what it kept, and the first root before that."""
        root = (self.folder / "vault/metadata/1.root.json").read_bytes()
        self.client_dir.mkdir(exist_ok=True)
        return Updater(
            metadata_dir=str(self.client_dir),
            metadata_base_url="file:///metadata/",
            target_base_url="file:///targets/",
            target_dir=str(self.folder),
            fetcher=FolderFetcher(self.folder / "vault"),
            bootstrap=root,
        )

    def download(self, path: str) -> bytes:
        client = self.client()
        client.refresh()
        info = client.get_targetinfo(path)
        assert info is not None
        return Path(client.download_target(info, str(self.folder / "downloaded"))).read_bytes()


class FolderFetcher(FetcherInterface):
    """Serves a folder as a web server would, 404 included."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = self._folder / unquote(urlparse(url).path).lstrip("/")
        if not path.is_file():
            raise DownloadHTTPError("not found", 404)
        yield path.read_bytes()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def few(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "few"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.dcm").write_bytes(bytes([number]) * 70_000)
    return sorted(folder.iterdir())


def test_age_keygen_derives_the_recipient_we_derive(program, tmp_path: Path) -> None:
    keys = RecoveryKeys(secret=bytes(range(32)))
    (tmp_path / "key").write_text(keys.identity + "\n")
    done = subprocess.run(
        [program("age-keygen"), "-y", str(tmp_path / "key")], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == keys.recipient


def test_a_key_that_age_keygen_made_is_read_bit_for_bit(program, tmp_path: Path) -> None:
    subprocess.run([program("age-keygen"), "-o", str(tmp_path / "key")], capture_output=True, check=True)
    comment, recipient, identity = (tmp_path / "key").read_text().splitlines()
    keys = RecoveryKeys.from_identity(identity)

    assert comment.startswith("#")
    assert (keys.identity, keys.recipient) == (identity, recipient.removeprefix("# public key: "))


def test_real_data_come_back_byte_for_byte_by_us_and_by_stock_tools(
    site: Site, real_data: Path, program, tmp_path: Path
) -> None:
    files = [path for path in sorted(real_data.rglob("*")) if path.is_file() and path.suffix == ".dcm"][:400]
    entry = site.play(files)
    expected = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    report = site.vault().restore_patient(
        entry.pseudonym, identities=site.keys.identities, out_dir=tmp_path / "ours"
    )
    (tmp_path / "stock").mkdir()
    key, parcel = site.folder / "keys/collector.age", site.folder / "vault" / entry.storage_name
    age, zstd = program("age"), program("zstd")
    unpack = f"'{age}' -d -i '{key}' '{parcel}' | '{zstd}' -dqc | tar -xf - -C '{tmp_path}/stock'"
    subprocess.run(["bash", "-euo", "pipefail", "-c", unpack], check=True)

    def digests(folder: Path) -> set[str]:
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.dcm")}

    assert len(expected) > 50
    assert report.is_complete
    assert digests(tmp_path / "ours") == expected
    assert digests(tmp_path / "stock") == expected


def test_what_stock_tools_seal_we_open(program, few: list[Path], tmp_path: Path) -> None:
    keys = RecoveryKeys(secret=bytes(range(32)))
    pack = (
        f"tar --format=ustar --owner=0 --group=0 -C '{few[0].parent}' -cf - 0.dcm 1.dcm"
        f" | '{program('zstd')}' -q -19 | '{program('age')}' -r {keys.recipient} -o '{tmp_path}/parcel'"
    )
    subprocess.run(["bash", "-euo", "pipefail", "-c", pack], check=True)
    with (tmp_path / "parcel").open("rb") as parcel:
        opened = {name: reader.read() for name, reader in read_parcel(parcel, [keys.identity])}

    assert opened == {"0.dcm": few[0].read_bytes(), "1.dcm": few[1].read_bytes()}


def test_another_tuf_client_accepts_the_vault_and_every_parcel(site: Site, few: list[Path]) -> None:
    entry = site.play(few)

    for each in site.vault().entries():
        assert hashlib.sha256(site.download(each.path)).hexdigest() == each.sha256
    assert entry in site.vault().entries()


def test_another_tuf_client_follows_the_vault_from_night_to_night(site: Site, few: list[Path]) -> None:
    first = site.play(few[:1])
    site.download(first.path)
    second = site.play(few[1:])

    assert hashlib.sha256(site.download(second.path)).hexdigest() == second.sha256


def lose_and_state(site: Site, few: list[Path]) -> tuple[ParcelEntry, ParcelEntry]:
    """Seal the same files twice, lose the first parcel and state so."""
    lost, again = site.play(few), site.play(few)
    assert lost.path != again.path
    (site.folder / "vault" / lost.storage_name).unlink()
    stated = LostParcel(entry=lost, noticed_on=NIGHT, held_in=(again.path,))
    site.vault().publish(
        [],
        night=NIGHT,
        now=site.now,
        expires_at=site.now + timedelta(days=1),
        keys=site.keys,
        lost=[stated],
    )
    return lost, again


def test_another_tuf_client_finds_every_target_once_a_lost_parcel_is_stated(
    site: Site, few: list[Path]
) -> None:
    lost, again = lose_and_state(site, few)
    client = site.client()
    client.refresh()

    assert client.get_targetinfo(lost.path) is None
    for each in site.vault().entries():
        assert hashlib.sha256(site.download(each.path)).hexdigest() == each.sha256
    assert again in site.vault().entries()


def test_another_tuf_client_goes_on_after_a_patient_was_removed(site: Site, few: list[Path]) -> None:
    gone = site.play(few[:1])
    site.download(gone.path)
    site.vault().remove([gone.pseudonym], on=NIGHT, keys=site.keys)
    client = site.client()
    client.refresh()

    assert client.get_targetinfo(gone.path) is None
    for each in site.vault().entries():
        assert hashlib.sha256(site.download(each.path)).hexdigest() == each.sha256
    back = site.play(few[1:])
    assert hashlib.sha256(site.download(back.path)).hexdigest() == back.sha256


def test_another_tuf_client_sees_versions_rise_when_a_rollback_is_accepted(
    site: Site, few: list[Path], tmp_path: Path
) -> None:
    first = site.play(few[:1])
    shutil.copytree(site.folder / "vault", tmp_path / "older")
    second = site.play(few[1:])
    site.client().refresh()
    shutil.rmtree(site.folder / "vault")
    shutil.copytree(tmp_path / "older", site.folder / "vault")
    store, trusted_dir = LocalStore(site.folder / "vault"), site.folder / "trusted"
    found = find_rollback(store, trusted_dir=trusted_dir)
    assert found is not None
    accept_rollback(store, found, trusted_dir=trusted_dir, keys=site.keys, believed=[second.path])
    site.store = store

    assert hashlib.sha256(site.download(first.path)).hexdigest() == first.sha256
    assert site.client().get_targetinfo(second.path) is None
    assert site.vault().forgotten() == {second.path}


def test_another_tuf_client_refuses_rollback(site: Site, few: list[Path], tmp_path: Path) -> None:
    site.play(few[:1])
    shutil.copytree(site.folder / "vault", tmp_path / "older")
    site.play(few[1:])
    site.client().refresh()
    shutil.rmtree(site.folder / "vault")
    shutil.copytree(tmp_path / "older", site.folder / "vault")

    with pytest.raises(RepositoryError, match="must be >="):
        site.client().refresh()


def test_another_tuf_client_refuses_a_frozen_vault(site: Site, few: list[Path]) -> None:
    site.play(few, expires_in=timedelta(seconds=-5))

    assert site.vault().is_stale(site.now)
    with pytest.raises(ExpiredMetadataError):
        site.client().refresh()


def test_another_tuf_client_refuses_mixed_nights(site: Site, few: list[Path]) -> None:
    site.play(few[:1])
    site.play(few[1:])
    folder = site.folder / "vault/metadata"
    (folder / "3.targets.json").write_bytes((folder / "2.targets.json").read_bytes())
    client = site.client()

    with pytest.raises(RepositoryError):
        client.refresh()


KINDS = ("timestamp.json", "2.snapshot.json", "2.targets.json", "1.root.json", ".age")


@pytest.mark.parametrize("kind", KINDS)
def test_another_tuf_client_and_ours_refuse_one_flipped_bit(site: Site, few: list[Path], kind: str) -> None:
    entry = site.play(few)
    path = next(
        path
        for path in (site.folder / "vault").rglob("*")
        if path.name.endswith(kind) and (kind != ".age" or path.name.startswith(entry.sha256))
    )
    genuine = path.read_bytes()
    for place in (len(genuine) // 3, len(genuine) // 2, len(genuine) - 20):
        damaged = bytearray(genuine)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        shutil.rmtree(site.client_dir, ignore_errors=True)
        with pytest.raises((RepositoryError, LengthOrHashMismatchError, ValueError)):
            site.download(entry.path)
        with pytest.raises(IntegrityError):
            verify_ours(site)
    path.write_bytes(genuine)


def verify_ours(site: Site) -> None:
    """Look at the vault as a computer that never saw it, and read every parcel."""
    fresh = site.folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    vault = Vault.open(site.store, trusted_dir=fresh, now=site.now, root_public_key=site.keys.root_public_key)
    if not vault.verify(now=site.now).is_sound:
        raise IntegrityError("a parcel is damaged")


def test_our_own_look_at_the_genuine_vault_finds_nothing(site: Site, few: list[Path]) -> None:
    site.play(few)
    verify_ours(site)


def test_pythontuf_follows_a_vault_whose_old_metadata_went(site, few: list[Path]) -> None:
    first = site.play(few)
    site.download(first.path)
    newest = first
    for number in range(2 * VERSIONS_KEPT):
        few[0].write_bytes(bytes([number]) * 60_000)
        newest = site.play(few)
    remove_old_metadata(site.vault())

    assert not (site.folder / "vault/metadata/2.targets.json").exists()
    assert site.download(newest.path)
    shutil.rmtree(site.client_dir)
    assert site.download(first.path)
