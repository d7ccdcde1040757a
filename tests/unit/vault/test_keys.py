"""Keys: one secret, its words, its identity, and the names patients bear."""

from __future__ import annotations

import os
import re
import secrets
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import ConfigError, KeyUnavailable
from beamkeeper.vault import RecoveryKeys, SiteKeys, pseudonym

if TYPE_CHECKING:
    from pathlib import Path


SECRET = bytes(range(32))


def test_the_identity_is_the_secret_itself() -> None:
    keys = RecoveryKeys(secret=SECRET)

    assert keys.identity.startswith("AGE-SECRET-KEY-1")
    assert RecoveryKeys.from_identity(keys.identity.lower()).secret == SECRET
    assert keys.recipient.startswith("age1")


@pytest.mark.parametrize("text", ["", "AGE-SECRET-KEY-1XX", "age1" + "q" * 58, "hunter2"])
def test_a_wrong_identity_is_refused_in_words(text: str) -> None:
    with pytest.raises(KeyUnavailable, match="recovery identity given is not one"):
        RecoveryKeys.from_identity(text)


def test_the_root_key_is_hkdf_of_the_secret_as_the_format_page_says() -> None:
    import hashlib
    import hmac

    extracted = hmac.digest(bytes(32), SECRET, hashlib.sha256)
    seed = HKDFExpand(algorithm=SHA256(), length=32, info=b"beamkeeper/root-signing-key/v1").derive(extracted)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()

    assert RecoveryKeys(secret=SECRET).root_public_key == public


def test_loaded_keys_are_the_created_ones_without_the_recovery_secret(tmp_path: Path) -> None:
    made = SiteKeys.create(tmp_path / "keys")
    loaded = SiteKeys.load(tmp_path / "keys")

    assert made.recovery is not None
    assert loaded.recovery is None
    assert loaded.recipients == (made.recovery.recipient, made.recipients[1])
    assert loaded.identities == made.identities
    assert loaded.pseudonym("", "x") == made.pseudonym("", "x")
    assert loaded.root_public_key == made.recovery.root_public_key
    assert {role: signer.public_key.keyid for role, signer in loaded.signers.items()} == {
        role: signer.public_key.keyid for role, signer in made.signers.items()
    }


def test_the_recovery_secret_is_on_no_disk(tmp_path: Path) -> None:
    made = SiteKeys.create(tmp_path / "keys")
    assert made.recovery is not None
    written = b"".join(path.read_bytes() for path in (tmp_path / "keys").iterdir()).lower()

    assert made.recovery.secret.hex().encode() not in written
    assert made.recovery.identity.lower().encode() not in written
    assert made.recovery.secret not in written


def test_key_files_are_for_this_user_alone(tmp_path: Path) -> None:
    SiteKeys.create(tmp_path / "keys")

    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_secrets_do_not_show_when_printed(tmp_path: Path) -> None:
    made = SiteKeys.create(tmp_path / "keys")
    assert made.recovery is not None
    shown = repr(made) + repr(made.recovery)

    assert made.recovery.secret.hex() not in shown
    assert "AGE-SECRET-KEY" not in shown
    assert made.pseudonym_key.hex() not in shown
    assert repr(made.pseudonym_key) not in shown


def test_encrypt_only_leaves_the_collector_without_an_identity(tmp_path: Path) -> None:
    SiteKeys.create(tmp_path / "keys", encrypt_only=True)
    loaded = SiteKeys.load(tmp_path / "keys")

    assert loaded.identities == ()
    assert len(loaded.recipients) == 1


def test_keys_are_never_replaced(tmp_path: Path) -> None:
    SiteKeys.create(tmp_path / "keys")

    with pytest.raises(ConfigError, match="already holds"):
        SiteKeys.create(tmp_path / "keys")


@pytest.mark.parametrize("lost", ["site-keys.json", "targets.ed25519", "pseudonym.key"])
def test_a_missing_or_damaged_key_file_is_said_in_words(tmp_path: Path, lost: str) -> None:
    SiteKeys.create(tmp_path / "keys")
    path = tmp_path / "keys" / lost
    path.write_bytes(b"\xff")
    with pytest.raises(KeyUnavailable, match="not there or not whole"):
        SiteKeys.load(tmp_path / "keys")
    path.unlink()
    with pytest.raises(KeyUnavailable, match="not there or not whole"):
        SiteKeys.load(tmp_path / "keys")


@given(st.text(max_size=64), st.text(max_size=64))
def test_a_pseudonym_is_26_harmless_letters(issuer: str, patient_id: str) -> None:
    assert re.fullmatch(r"[a-z2-7]{26}", pseudonym(SECRET, issuer, patient_id))


@given(
    st.tuples(st.text(max_size=8), st.text(max_size=8)), st.tuples(st.text(max_size=8), st.text(max_size=8))
)
def test_two_patients_never_share_a_pseudonym(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (pseudonym(SECRET, *one) == pseudonym(SECRET, *other)) == (one == other)


def test_pseudonyms_depend_on_the_key_and_stay_what_they_were() -> None:
    assert pseudonym(SECRET, "", "4711") == "das36sratb3vqx6xcyqrolevj4"
    assert pseudonym(secrets.token_bytes(32), "", "4711") != pseudonym(SECRET, "", "4711")


def test_key_files_appear_under_a_hostile_umask_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        SiteKeys.create(tmp_path / "keys")
    finally:
        os.umask(before)

    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "keys").iterdir()} == {0}
