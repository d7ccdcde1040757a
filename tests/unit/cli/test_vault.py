"""`beamkeeper vault verify` says plainly whether the vault is what was signed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.vault import LocalStore, PatientState, SiteKeys, Vault, pseudonym

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.vault import ParcelEntry


@pytest.fixture
def fed(tmp_path: Path) -> tuple[Path, ParcelEntry, list[str]]:
    """Return a vault with one parcel, and the options that open it anywhere."""
    now = datetime.now(UTC)
    keys = SiteKeys.create(tmp_path / "keys")
    assert keys.recovery is not None
    store = LocalStore(tmp_path / "vault", create=True)
    Vault.create(store, keys=keys, now=now, trusted_dir=tmp_path / "trusted", site_name="test")
    vault = Vault.open(store, trusted_dir=tmp_path / "trusted", now=now)
    name, night = pseudonym(keys.pseudonym_key, "", "4711"), date(2026, 3, 2)
    state = PatientState(pseudonym=name, night=night, patient={})
    entry = vault.seal(pseudonym=name, night=night, members=[], state=state)
    vault.publish([entry], night=night, now=now, expires_at=now + timedelta(hours=30), keys=keys)
    identity = tmp_path / "recovery.txt"
    identity.write_text(keys.recovery.identity, encoding="utf-8")
    return tmp_path / "vault", entry, ["--vault", str(tmp_path / "vault"), "--identity", str(identity)]


def test_a_sound_vault_is_called_sound_with_exit_0(fed, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    _, _, options = fed

    done = CliRunner().invoke(app, ["vault", "verify", "--open", *options], standalone_mode=False)

    assert done.return_value == 0
    assert "✓ sound: 2 parcels" in done.output


def test_a_damaged_parcel_is_named_with_the_next_step_and_nothing_is_called_as_signed(
    fed, monkeypatch, tmp_path: Path
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder, entry, options = fed
    parcel = folder / entry.storage_name
    parcel.chmod(0o600)
    data = bytearray(parcel.read_bytes())
    data[-1] ^= 1
    parcel.write_bytes(bytes(data))

    shown = CliRunner().invoke(app, ["vault", "verify", *options], standalone_mode=False)
    told = CliRunner().invoke(app, ["vault", "verify", "--json", *options], standalone_mode=False)

    assert shown.return_value == 20
    assert "NOT SOUND" in shown.output
    assert entry.path in shown.output.replace("\n", "")
    assert "another copy of the vault" in shown.output
    assert "every digest as signed" not in shown.output
    assert json.loads(told.output)["is_sound"] is False
