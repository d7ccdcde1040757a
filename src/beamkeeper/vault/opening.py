"""Opens a parcel: age, then zstd, pulled block by block by whoever reads the tar inside.

pyrage would push: it needs a thread beside the reader, holds Python's lock while it decrypts, and takes
four times as long (decision 0020). So sealing is pyrage's, and opening is these few rules over the
primitives of `cryptography`; `tests/peers` prove that stock age and we open each other's files.

References
----------
C2SP "age file encryption" v1, https://c2sp.org/age: "Header", "X25519 recipient stanza", "Payload"
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.vault.keys import RecoveryKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.vault.age import Reader

WINDOW_BYTES_MAX: Final = 1 << 27
"""Largest zstd window accepted: what the stock `zstd -d` accepts, and our memory limit per parcel."""
BLOCK_BYTES: Final = 128 << 10
"""Unpacked bytes handed over at a time: small enough for the processor's cache (decision 0020)."""
HEADER_BYTES_MAX: Final = 64 << 10
"""An age header of ours has about 200 bytes for each recipient."""

CHUNK_BYTES: Final = 64 << 10
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
FILE_KEY_BYTES: Final = 16
NONCE_BYTES: Final = 16
LINE_LENGTH: Final = 64

_VERSION: Final = b"age-encryption.org/v1"
_STANZA: Final = b"-> "
_MAC: Final = b"---"
_X25519_INFO: Final = b"age-encryption.org/v1/X25519"


class Opening:
    """The tar inside a parcel, as a reader of at most `BLOCK_BYTES` at a time.

    Parameters
    ----------
    sealed
        The age file.
    identities
        age X25519 identities, one of which opens it.
    """

    def __init__(self, sealed: Reader, identities: Sequence[str]) -> None:
        self._payload = _Payload(sealed, identities)
        unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
        self._unpacked = unpacker.stream_reader(self._payload, read_size=CHUNK_BYTES)  # type: ignore[arg-type]
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """Return up to `size` unpacked bytes; b"" at the end, which is then known to be genuine.

        Raises
        ------
        KeyUnavailable
            None of the identities opens it.
        IntegrityError
            Damaged or cut short.
        """
        if self._ended:
            return b""
        try:
            block = self._unpacked.read(min(size, BLOCK_BYTES))
        except zstandard.ZstdError as error:
            raise damaged(f"it cannot be unpacked to its end, {error}") from error
        except OSError as error:
            raise damaged(f"it cannot be read to its end, {error.strerror}") from error
        if not block:
            self._ended = True
            self._payload.verify_end()
        return block


class _Payload:
    """The plain bytes of an age file, each chunk authenticated before it is given out."""

    def __init__(self, sealed: Reader, identities: Sequence[str]) -> None:
        self._sealed = sealed
        self._identities = identities
        self._cipher: ChaCha20Poly1305 | None = None
        self._counter = 0
        self._coming = b""

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next chunk, at most 64 KiB; b"" at the end."""
        if self._cipher is None:
            self._cipher = self._start()
        chunk = self._coming
        if not chunk:
            return b""
        self._coming = _up_to(self._sealed, CHUNK_BYTES + TAG_BYTES)
        last = not self._coming
        nonce = self._counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
        try:
            plain = self._cipher.decrypt(nonce, chunk, None)
        except InvalidTag as error:
            raise damaged("a part of it was changed, or its end is missing") from error
        if not plain and self._counter:
            raise damaged("it ends in an empty part")
        self._counter += 1
        return plain

    def verify_end(self) -> None:
        """Read to the end that age vouches for; a tar cut short inside is found by whoever reads it."""
        if self.read():
            raise damaged("bytes follow its compressed content")

    def _start(self) -> ChaCha20Poly1305:
        file_key = _file_key(_Header(self._sealed), self._identities)
        nonce = _up_to(self._sealed, NONCE_BYTES)
        self._coming = _up_to(self._sealed, CHUNK_BYTES + TAG_BYTES)
        if len(nonce) < NONCE_BYTES or not self._coming:
            raise damaged("its end is missing")
        return ChaCha20Poly1305(_derived(file_key, salt=nonce, info=b"payload"))


class _Header:
    """The lines before the payload: who can open it, and a MAC over all of that."""

    def __init__(self, sealed: Reader) -> None:
        self._sealed = sealed
        self._left = HEADER_BYTES_MAX
        self.authenticated = bytearray()
        self.shares: list[tuple[bytes, bytes]] = []
        """Ephemeral share and wrapped file key of every X25519 stanza."""
        if self._line() != _VERSION:
            raise damaged("it does not begin as age files do")
        while (line := self._line(before=_MAC)).startswith(_STANZA):
            self._stanza(line)
        if not line.startswith(_MAC + b" "):
            raise damaged("its header is malformed")
        self.mac = _unpadded(line[len(_MAC) + 1 :])

    def _stanza(self, line: bytes) -> None:
        kind, *arguments = line[len(_STANZA) :].split(b" ")
        body = b""
        while len(part := self._line()) == LINE_LENGTH:
            body += _unpadded(part)
        body += _unpadded(part)
        if kind != b"X25519":
            return
        share = _unpadded(arguments[0]) if len(arguments) == 1 else b""
        if len(share) != KEY_BYTES or len(body) != FILE_KEY_BYTES + TAG_BYTES:
            raise damaged("its header is malformed")
        self.shares.append((share, body))

    def _line(self, before: bytes = b"") -> bytes:
        """Return the next line without its end; of one that begins with `before`, only that is MACed."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self._sealed.read(1)
            self._left -= 1
            if not byte or self._left < 0:
                raise damaged("its header has no end")
            line += byte
        self.authenticated += before if before and line.startswith(before) else line
        return line[:-1]


def _file_key(header: _Header, identities: Sequence[str]) -> bytes:
    """Return the key that one of the identities unwraps, once the MAC of the header proves it."""
    for private in [_private_key(identity) for identity in identities]:
        for share, body in header.shares:
            file_key = _unwrapped(private, share, body)
            if file_key is None:
                continue
            mac_key = _derived(file_key, salt=None, info=b"header")
            if not hmac.compare_digest(
                hmac.digest(mac_key, header.authenticated, hashlib.sha256), header.mac
            ):
                raise damaged("its header was changed")
            return file_key
    raise KeyUnavailable(
        "None of the keys given opens this parcel.",
        do_next="Use the recovery words, or the key of a site this vault is sealed for.",
    )


def _private_key(identity: str) -> X25519PrivateKey:
    try:
        return X25519PrivateKey.from_private_bytes(RecoveryKeys.from_identity(identity).secret)
    except KeyUnavailable as error:
        raise KeyUnavailable(
            "The key given is not an age identity (AGE-SECRET-KEY-1...).",
            do_next="Give the file that `age-keygen` or `beamkeeper init` wrote, or the recovery words.",
        ) from error


def _unwrapped(private: X25519PrivateKey, share: bytes, body: bytes) -> bytes | None:
    """Return the file key in a stanza; None when it was wrapped for somebody else."""
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError as error:  # a share of low order gives a secret that everybody knows
        raise damaged("its header is malformed") from error
    salt = share + private.public_key().public_bytes_raw()
    wrapping = ChaCha20Poly1305(_derived(shared, salt=salt, info=_X25519_INFO))
    try:
        return wrapping.decrypt(bytes(12), body, None)
    except InvalidTag:
        return None


def _derived(secret: bytes, *, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(secret)


def _unpadded(text: bytes) -> bytes:
    """Return what base64 without padding says, only if it is written in the one canonical way."""
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise damaged("its header is malformed") from error
    if base64.b64encode(data).rstrip(b"=") != text:
        raise damaged("its header is malformed")
    return data


def _up_to(source: Reader, size: int) -> bytes:
    """Return `size` bytes, fewer only at the end."""
    gathered = source.read(size)
    while 0 < len(gathered) < size:
        more = source.read(size - len(gathered))
        if not more:
            break
        gathered += more
    return gathered


def damaged(why: str) -> IntegrityError:
    """Return the error that says a parcel is not whole."""
    return IntegrityError(
        f"This parcel is damaged: {why}.", do_next="Use another copy of the vault, or an earlier night."
    )
