"""The site's keys: who may open the vault, who may sign it, and how patients are named in it.

One secret of 32 bytes is the root of everything offline. As an X25519 scalar it is the recovery
age identity; by HKDF it is also the Ed25519 key that signs `root.json`. It exists in memory while
`beamkeeper init` shows its words, and nowhere afterwards.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from securesystemslib.signer import CryptoSigner

from beamkeeper.errors import ConfigError, KeyUnavailable
from beamkeeper.vault import age, bech32

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECRET_BYTES: Final = 32
ROOT_KEY_INFO: Final = b"beamkeeper/root-signing-key/v1"
PSEUDONYM_CONTEXT: Final = b"beamkeeper/pseudonym/v1"
PSEUDONYM_BYTES: Final = 16
ONLINE_ROLES: Final = ("targets", "snapshot", "timestamp")

_SITE_FILE: Final = "site-keys.json"
_SITE_FORMAT: Final = "beamkeeper-site-keys"
_IDENTITY_PREFIX: Final = "age-secret-key-"
_FILE_BYTES_MAX: Final = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryKeys:
    """Everything that follows from the 32-byte master recovery secret.

    Attributes
    ----------
    secret
        The master secret; written to a disk by us only behind a passphrase, for an incident that asks for it.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a secret of another length."""
        if len(self.secret) != SECRET_BYTES:
            raise ValueError(f"a recovery secret has {SECRET_BYTES} bytes")

    @staticmethod
    def from_identity(identity: str) -> RecoveryKeys:
        """Return the keys behind a recovery identity ("AGE-SECRET-KEY-1...").

        Raises
        ------
        KeyUnavailable
            Not an age identity, or mistyped.
        """
        try:
            prefix, secret = bech32.decode(identity.strip())
        except ValueError as error:
            raise _not_an_identity(str(error)) from error
        if prefix != _IDENTITY_PREFIX or len(secret) != SECRET_BYTES:
            raise _not_an_identity("an age identity begins with AGE-SECRET-KEY-1")
        return RecoveryKeys(secret=secret)

    @property
    def identity(self) -> str:
        """The recovery identity as `age` reads it ("AGE-SECRET-KEY-1...")."""
        return bech32.encode(_IDENTITY_PREFIX, self.secret).upper()

    @property
    def recipient(self) -> str:
        """The public half of `identity` ("age1...")."""
        return age.recipient_of(self.identity)

    @property
    def root_signer(self) -> CryptoSigner:
        """The Ed25519 signer of `root.json`: HKDF-SHA256 of the secret, no salt, info `ROOT_KEY_INFO`."""
        seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=ROOT_KEY_INFO).derive(self.secret)
        return CryptoSigner(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def root_public_key(self) -> str:
        """The public half of `root_signer`, 64 hexadecimal digits: what a vault is recognised by."""
        return public_hex(self.root_signer)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteKeys:
    """The keys of one site's collector.

    Attributes
    ----------
    recipients
        Who can open new parcels: recovery first, then others, then the collector unless `encrypt_only`.
    collector_identity
        The collector's own age identity; None when the site chose to encrypt only.
    root_public_key
        Whose signature on `root.json` this site trusts, hexadecimal.
    recovery
        Present only between `create` and the end of `beamkeeper init`.
    """

    recipients: tuple[str, ...]
    collector_identity: str | None = field(repr=False)
    signers: dict[str, CryptoSigner] = field(repr=False)
    pseudonym_key: bytes = field(repr=False)
    root_public_key: str
    recovery: RecoveryKeys | None = field(default=None, repr=False)

    @property
    def identities(self) -> tuple[str, ...]:
        """The age identities this collector may open parcels with."""
        return (self.collector_identity,) if self.collector_identity else ()

    @staticmethod
    def create(
        keys_dir: Path,
        *,
        extra_recipients: Sequence[str] = (),
        encrypt_only: bool = False,
        pseudonym_key: bytes | None = None,
        recovery: RecoveryKeys | None = None,
    ) -> SiteKeys:
        """Make a site's keys and write all but the recovery secret into `keys_dir`.

        Parameters
        ----------
        pseudonym_key, recovery
            Given when a lost collector is rebuilt, so that names and root stay what they were.

        Raises
        ------
        ConfigError
            `keys_dir` already holds keys: they are never replaced.
        """
        if (keys_dir / _SITE_FILE).exists():
            raise ConfigError(
                f"{keys_dir} already holds this site's keys.",
                do_next="Use them, or choose another directory: replacing keys would orphan the vault.",
                path=str(keys_dir),
            )
        recovery = recovery or RecoveryKeys(secret=secrets.token_bytes(SECRET_BYTES))
        collector = None if encrypt_only else age.generate_identity()
        own = () if collector is None else (age.recipient_of(collector),)
        keys = SiteKeys(
            recipients=tuple(dict.fromkeys((recovery.recipient, *extra_recipients, *own))),
            collector_identity=collector,
            signers={role: CryptoSigner(Ed25519PrivateKey.generate()) for role in ONLINE_ROLES},
            pseudonym_key=pseudonym_key or secrets.token_bytes(SECRET_BYTES),
            root_public_key=recovery.root_public_key,
            recovery=recovery,
        )
        keys._write(keys_dir)
        return keys

    @staticmethod
    def load(keys_dir: Path) -> SiteKeys:
        """Return the keys that `create` wrote.

        Raises
        ------
        KeyUnavailable
            They are not there, not readable or not whole.
        """
        try:
            site = json.loads(_read_secret_file(keys_dir / _SITE_FILE))
            _verify_site_format(site)
            identity_file = keys_dir / "collector.age"
            identity = _identity_in(_read_secret_file(identity_file)) if identity_file.exists() else None
            return SiteKeys(
                recipients=tuple(map(str, site["recipients"])),
                collector_identity=identity,
                signers={role: _load_signer(keys_dir / f"{role}.ed25519") for role in ONLINE_ROLES},
                pseudonym_key=bytes.fromhex(_read_secret_file(keys_dir / "pseudonym.key").strip()),
                root_public_key=str(site["root_public_key"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KeyUnavailable(
                f"The site's keys in {keys_dir} are not there or not whole ({type(error).__name__}).",
                do_next="Restore the keys directory from its backup, or rebuild it with the recovery words.",
                path=str(keys_dir),
            ) from error

    def pseudonym(self, issuer: str, patient_id: str) -> str:
        """Return the name under which this site keeps a patient."""
        return pseudonym(self.pseudonym_key, issuer, patient_id)

    def _write(self, keys_dir: Path) -> None:
        keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for role, signer in self.signers.items():
            seed = signer._private_key.private_bytes_raw()  # type: ignore[union-attr]  # noqa: SLF001 - no public way
            _write_secret_file(keys_dir / f"{role}.ed25519", f"{seed.hex()}\n")
        if self.collector_identity is not None:
            _write_secret_file(keys_dir / "collector.age", f"{self.collector_identity}\n")
        _write_secret_file(keys_dir / "pseudonym.key", f"{self.pseudonym_key.hex()}\n")
        site = {
            "format": _SITE_FORMAT,
            "version": 1,
            "recipients": list(self.recipients),
            "root_public_key": self.root_public_key,
        }
        _write_secret_file(keys_dir / _SITE_FILE, json.dumps(site, indent=1))


def pseudonym(key: bytes, issuer: str, patient_id: str) -> str:
    """Return the keyed name of a patient: 26 letters and digits that say nothing without `key`.

    HMAC-SHA256 over the context, the length of the issuer and both texts; the first 128 bits in
    base32 (RFC 4648), lower case, without padding.
    """
    issuer_bytes = issuer.encode()
    message = PSEUDONYM_CONTEXT + len(issuer_bytes).to_bytes(4, "big") + issuer_bytes + patient_id.encode()
    mac = hmac.digest(key, message, hashlib.sha256)
    return base64.b32encode(mac[:PSEUDONYM_BYTES]).decode().rstrip("=").lower()


def public_hex(signer: CryptoSigner) -> str:
    """Return the raw Ed25519 public key of `signer`, hexadecimal."""
    return str(signer.public_key.keyval["public"])


def _not_an_identity(why: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"The recovery identity given is not one ({why}).",
        do_next="Compare it letter by letter, or join the words again.",
    )


def _verify_site_format(site: dict[str, Any]) -> None:
    if site["format"] != _SITE_FORMAT or site["version"] != 1:
        raise ValueError("another format or version")


def _load_signer(path: Path) -> CryptoSigner:
    return CryptoSigner(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(_read_secret_file(path).strip())))


def _identity_in(text: str) -> str:
    """Return the identity in an age key file: its one line that is not a comment."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if len(lines) != 1:
        raise ValueError("an age key file holds one identity")
    return RecoveryKeys.from_identity(lines[0]).identity


def _read_secret_file(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_FILE_BYTES_MAX).decode()


def _write_secret_file(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
