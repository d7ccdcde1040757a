"""SSH signatures, against the stock `ssh-keygen` in both directions."""

from __future__ import annotations

import base64
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.wire import sshsig

if TYPE_CHECKING:
    from pathlib import Path

DATA = '{"verdict": "confirm", "reason": "één"}\n'.encode()


@pytest.fixture
def key(program, tmp_path: Path) -> Path:
    path = tmp_path / "id_ed25519"
    subprocess.run(
        [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "an@desk", "-f", str(path)], check=True
    )
    return path


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text("ascii").strip()


def stock_signature(program, key: Path, folder: Path, *, namespace: str = "vote") -> bytes:
    (folder / "data").write_bytes(DATA)
    subprocess.run(
        [program("ssh-keygen"), "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(folder / "data")],
        check=True,
        capture_output=True,
    )
    return (folder / "data.sig").read_bytes()


@pytest.mark.peer
def test_what_ssh_keygen_signs_is_verified(program, key: Path, tmp_path: Path) -> None:
    sshsig.verify(DATA, stock_signature(program, key, tmp_path), public_key=public(key), namespace="vote")


@pytest.mark.peer
def test_what_we_sign_ssh_keygen_verifies(program, key: Path, tmp_path: Path) -> None:
    signature = sshsig.sign(DATA, private_key=key.read_bytes(), namespace="vote")
    (tmp_path / "sig").write_bytes(signature)
    (tmp_path / "allowed").write_text(f"an {public(key)}\n", "ascii")
    command = [
        program("ssh-keygen"),
        "-Y",
        "verify",
        "-f",
        str(tmp_path / "allowed"),
        "-I",
        "an",
        "-n",
        "vote",
    ]
    checked = subprocess.run(
        [*command, "-s", str(tmp_path / "sig")], input=DATA, capture_output=True, check=False
    )

    assert checked.returncode == 0, checked.stderr
    sshsig.verify(DATA, signature, public_key=public(key), namespace="vote")


@pytest.mark.peer
def test_other_bytes_another_purpose_another_key_are_refused(program, key: Path, tmp_path: Path) -> None:
    signature = stock_signature(program, key, tmp_path)
    other = tmp_path / "other"
    subprocess.run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    for data, who, namespace, words in (
        (DATA + b" ", key, "vote", "changed"),
        (DATA, key, "file", "another purpose"),
        (DATA, other, "vote", "another key"),
    ):
        with pytest.raises(IntegrityError, match=words):
            sshsig.verify(data, signature, public_key=public(who), namespace=namespace)


@pytest.mark.peer
def test_a_locked_key_is_left_to_ssh_keygen(program, tmp_path: Path) -> None:
    path = tmp_path / "locked"
    subprocess.run(
        [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "geheim", "-f", str(path)], check=True
    )

    with pytest.raises(KeyUnavailable, match="locked") as error:
        sshsig.sign(DATA, private_key=path.read_bytes(), namespace="vote")
    assert "ssh-keygen -Y sign" in error.value.do_next


@pytest.mark.peer
def test_keys_of_another_kind_are_refused(program, tmp_path: Path) -> None:
    path = tmp_path / "ecdsa"
    subprocess.run([program("ssh-keygen"), "-q", "-t", "ecdsa", "-N", "", "-f", str(path)], check=True)

    with pytest.raises(KeyUnavailable, match="Ed25519"):
        sshsig.sign(DATA, private_key=path.read_bytes(), namespace="vote")


ARMOR = b"-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUKIrPfGxHAV2bMVNjMBmlPdMMqkHPOUUnXeOkhPFcR test"


@given(st.binary(max_size=300))
def test_no_bytes_are_a_signature(data: bytes) -> None:
    for armored in (data, ARMOR % base64.b64encode(data), ARMOR % base64.b64encode(b"SSHSIG\0\0\0\1" + data)):
        with pytest.raises(IntegrityError, match="does not count"):
            sshsig.verify(DATA, armored, public_key=PUBLIC, namespace="vote")
