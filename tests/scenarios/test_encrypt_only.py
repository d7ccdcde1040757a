"""A collector that only encrypts: what of a patient can still be read on it after a night, and what not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite, at, make_objects

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.setup import make_keys_and_vault
from beamkeeper.errors import ConfigError, KeyUnavailable
from beamkeeper.vault import RecoveryKeys, join_words
from beamkeeper.vault.age import generate_identity

if TYPE_CHECKING:
    from beamkeeper.app.setup import NewSite

READ_BYTES_MAX = 1 << 28
IN_CLEAR = {"ledger.db", "ledger.db-wal", "facts", "report.html", "report.json", "report.note"}
"""What docs/security.md names as readable on the collector; nothing else may be."""


@dataclass(frozen=True)
class Scanned:
    made: NewSite
    site: SmallSite
    told: tuple[bytes, ...]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """A site that only encrypts, after two nights with a change between them."""
    root = tmp_path_factory.mktemp("sealing")
    site = SmallSite(root)
    make_objects(site.source, who=(2, 3))
    write_whole(site.site_file, SITE.format(path=site.source).encode())
    made = make_keys_and_vault(site.site_file, at(NIGHT_1))
    site.night(NIGHT_1)
    change_the_label(site)
    site.night(NIGHT_2)
    return Scanned(made, site, told_by(site.source))


SITE = """
format = 1

[site]
name = "Sealing only"
time_zone = "UTC"
data_dir = "data"

[vault]
directory = "vault"
keys_dir = "keys"
encrypt_only = true

[[sources]]
kind = "folder"
name = "exports"
path = "{path}"
"""


def change_the_label(site: SmallSite) -> None:
    plan = site.source / "p2" / "RTPLAN-1.dcm"
    dataset = pydicom.dcmread(plan)
    dataset.RTPlanLabel = "OTHER"
    dataset.save_as(plan)


def told_by(source: Path) -> tuple[bytes, ...]:
    """Return names, Patient IDs and UIDs as they may stand in a file."""
    told: set[str] = set()
    for path in source.rglob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        told |= {str(header.PatientID), str(header.SOPInstanceUID), str(header.StudyInstanceUID)}
        told |= {part for part in str(header.PatientName).replace("=", "^").split("^") if len(part) > 3}
    return tuple(sorted(text.encode() for text in told))


def tellers(folder: Path, told: tuple[bytes, ...]) -> set[Path]:
    """Return the files under `folder` in which one of these texts stands, or which bear one in their name."""
    found = set()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            data = str(path.relative_to(folder)).encode() + file.read(READ_BYTES_MAX)
        if any(text in data for text in told):
            found.add(path.relative_to(folder))
    return found


def test_nothing_in_the_vault_tells_a_name_an_id_or_a_uid(scanned: Scanned) -> None:
    assert scanned.told
    assert tellers(scanned.site.vault_dir, scanned.told) == set()


def test_what_tells_a_patient_on_the_collector_is_what_the_security_page_names(scanned: Scanned) -> None:
    found = tellers(scanned.site.site.data_dir, scanned.told)

    assert {Path("ledger.db"), Path("facts")} & {Path(path.parts[0]) for path in found}
    assert {path for path in found if not IN_CLEAR & set(path.parts)} == set()


def test_no_object_is_left_on_the_collector(scanned: Scanned) -> None:
    whole = [path.read_bytes() for path in scanned.site.source.rglob("*.dcm")]
    left = [path for path in scanned.site.site.data_dir.rglob("*") if path.is_file()]

    assert not [path for path in left for data in whole if data[200:1200] in path.read_bytes()]


def test_no_key_on_the_collector_opens_a_parcel(scanned: Scanned, tmp_path: Path) -> None:
    runtime = scanned.site.runtime()
    name = runtime.vault.pseudonyms()[0]

    assert runtime.keys.identities == ()
    with pytest.raises(KeyUnavailable):
        runtime.vault.restore_patient(name, identities=runtime.keys.identities, out_dir=tmp_path)


def test_three_cards_give_everything_back(scanned: Scanned, tmp_path: Path) -> None:
    recovery = RecoveryKeys(secret=join_words(scanned.made.cards[1:4]))
    vault = scanned.site.runtime().vault
    reports = vault.restore_all(identities=(recovery.identity,), out_dir=tmp_path / "out")

    found = {path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}
    assert all(report.is_complete for report in reports)
    assert found == set(scanned.site.sources_by_uid().values())


def test_the_ledger_is_rebuilt_with_the_cards(scanned: Scanned, tmp_path: Path) -> None:
    recovery = RecoveryKeys(secret=join_words(scanned.made.cards[:3]))
    copy = SmallSite.copied(scanned.site.root, tmp_path / "copy")
    (copy.site.data_dir / "ledger.db").unlink()

    with pytest.raises(KeyUnavailable):
        rebuild_ledger(copy.site, at(NIGHT_2, 12))
    patients, objects = rebuild_ledger(copy.site, at(NIGHT_2, 12), identity=recovery.identity)
    assert (patients, objects) == (2, len(scanned.site.sources_by_uid()) + 1)


def test_a_key_that_opens_parcels_is_not_used_in_silence(scanned: Scanned) -> None:
    key = scanned.site.site.vault.keys_dir / "collector.age"
    key.write_text(generate_identity() + "\n")
    try:
        with pytest.raises(ConfigError, match="encrypt_only"):
            scanned.site.runtime()
    finally:
        key.unlink()
