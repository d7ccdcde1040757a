"""Detached signatures as `ssh-keygen -Y sign` writes them, with Ed25519 keys; any OpenSSH verifies them.

References
----------
OpenSSH PROTOCOL.sshsig; RFC 4253 section 6.6 and RFC 8709 (ssh-ed25519)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from beamkeeper.errors import IntegrityError, KeyUnavailable

SIGNATURE_BYTES_MAX: Final = 4_096
_MAGIC: Final = b"SSHSIG"
_VERSION: Final = 1
_KEY_TYPE: Final = b"ssh-ed25519"
_HASHES: Final = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_LINE: Final = 70


def verify(data: bytes, armored: bytes, *, public_key: str, namespace: str) -> None:
    """Refuse `data` unless that key signed it for that purpose.

    Parameters
    ----------
    public_key
        As in `id_ed25519.pub`: "ssh-ed25519 AAAA… comment".
    namespace
        What the signature is for: one for mail or git does not count as a vote.

    Raises
    ------
    IntegrityError
        It is no signature, another key's, for another purpose, or of other bytes.
    """
    blob = _unarmored(armored)
    try:
        key_blob, purpose, reserved, hash_name, signature = _parts(blob)
        signed = _to_be_signed(purpose, reserved, hash_name, data)
        kind, rest = _string(signature)
        raw, after = _string(rest)
    except (ValueError, KeyError, struct.error) as error:
        raise _refused("it is no SSH signature") from error
    if purpose != namespace.encode():
        raise _refused("it was made for another purpose")
    if key_blob != _public_blob(public_key):
        raise _refused("another key made it")
    if kind != _KEY_TYPE or after:
        raise _refused("it is not an Ed25519 signature")
    try:
        _public(public_key).verify(raw, signed)
    except InvalidSignature as error:
        raise _refused("the signed bytes were changed") from error


def sign(data: bytes, *, private_key: bytes, namespace: str) -> bytes:
    """Return the armored signature of `data` by an OpenSSH private key without a password.

    Raises
    ------
    KeyUnavailable
        Not such a key, or a locked one.
    """
    try:
        key = load_ssh_private_key(private_key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnavailable(
            "The private key cannot be read, or is locked with a password.",
            do_next=f"Let OpenSSH sign: ssh-keygen -Y sign -f KEY -n {namespace} FILE",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnavailable("Votes are signed with an Ed25519 key.", do_next="ssh-keygen -t ed25519")
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    signed = _to_be_signed(namespace.encode(), b"", b"sha512", data)
    signature = _packed(_KEY_TYPE) + _packed(key.sign(signed))
    blob = _MAGIC + struct.pack(">I", _VERSION) + _packed(_public_blob(public))
    blob += _packed(namespace.encode()) + _packed(b"") + _packed(b"sha512") + _packed(signature)
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return "\n".join([_BEGIN, *lines, _END, ""]).encode()


def _unarmored(armored: bytes) -> bytes:
    try:
        lines = [line.strip() for line in armored[: SIGNATURE_BYTES_MAX + 1].decode("ascii").split("\n")]
        lines = [line for line in lines if line]
        if len(armored) <= SIGNATURE_BYTES_MAX and lines[0] == _BEGIN and lines[-1] == _END:
            return base64.b64decode("".join(lines[1:-1]), validate=True)
    except (UnicodeDecodeError, binascii.Error, IndexError) as error:
        raise _refused("it is no SSH signature") from error
    raise _refused("it is no SSH signature")


def _parts(blob: bytes) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    if blob[:6] != _MAGIC or struct.unpack(">I", blob[6:10])[0] != _VERSION:
        raise ValueError("another format")
    found, rest = [], blob[10:]
    for _ in range(5):
        part, rest = _string(rest)
        found.append(part)
    if rest:
        raise ValueError("bytes after the end")
    return found[0], found[1], found[2], found[3], found[4]


def _to_be_signed(namespace: bytes, reserved: bytes, hash_name: bytes, data: bytes) -> bytes:
    digest = _HASHES[hash_name](data).digest()
    return _MAGIC + _packed(namespace) + _packed(reserved) + _packed(hash_name) + _packed(digest)


def _packed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _string(data: bytes) -> tuple[bytes, bytes]:
    length = struct.unpack(">I", data[:4])[0]
    if length > len(data) - 4:
        raise ValueError("cut short")
    return data[4 : 4 + length], data[4 + length :]


def _public_blob(public_key: str) -> bytes:
    try:
        return base64.b64decode(public_key.split()[1], validate=True)
    except (IndexError, binascii.Error) as error:
        raise KeyUnavailable("The public key in the site file is no OpenSSH key.") from error


def _public(public_key: str) -> Ed25519PublicKey:
    try:
        key = load_ssh_public_key(public_key.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnavailable("The public key in the site file is no OpenSSH key.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnavailable("The public key in the site file is not an Ed25519 key.")
    return key


def _refused(why: str) -> IntegrityError:
    return IntegrityError(f"The signature does not count: {why}.", do_next="Sign the file again.")
