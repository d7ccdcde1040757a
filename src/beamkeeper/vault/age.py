"""Sealing by pyrage: the one place that speaks to it and puts its errors into our words. Opening: `opening`.

References
----------
C2SP "age file encryption", https://c2sp.org/age
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import pyrage

from beamkeeper.errors import BeamkeeperError, KeyUnavailable, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

_x25519 = pyrage.x25519  # type: ignore[attr-defined]
_DecryptError: type[Exception] = pyrage.DecryptError  # type: ignore[attr-defined]
_EncryptError: type[Exception] = pyrage.EncryptError  # type: ignore[attr-defined]
_IdentityError: type[Exception] = pyrage.IdentityError  # type: ignore[attr-defined]
_RecipientError: type[Exception] = pyrage.RecipientError  # type: ignore[attr-defined]


class Reader(Protocol):
    """Anything that reads up to `size` bytes; b"" at the end only."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""


class Sink(Protocol):
    """Anything that takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Take all of `data`; return its length."""

    def flush(self) -> None:
        """Pass on what is held back."""


def generate_identity() -> str:
    """Return a new X25519 identity ("AGE-SECRET-KEY-1...")."""
    return str(_x25519.Identity.generate())


def recipient_of(identity: str) -> str:
    """Return the recipient ("age1...") that an identity opens for.

    Raises
    ------
    KeyUnavailable
        Not an identity.
    """
    return str(_identities([identity])[0].to_public())


def encrypt(plain: Reader, sealed: Sink, recipients: Sequence[str]) -> None:
    """Seal all of `plain` into `sealed`, in constant memory, so that any of `recipients` can open it.

    Raises
    ------
    KeyUnavailable
        A recipient is not one.
    SourceUnavailable
        `plain` could not be read to its end.
    BeamkeeperError
        Whatever of our tree `plain` or `sealed` raised.
    """
    source, sink = _RememberingReader(plain), _RememberingSink(sealed)
    try:
        pyrage.encrypt_io(source, sink, _recipients(recipients))  # type: ignore[attr-defined]
    except (_EncryptError, OSError) as error:
        raise _seal_error(source.error or sink.error or error) from error
    if sink.error is not None:  # pyrage 1.4.0 drops an error of the very first write of a short file
        raise _seal_error(sink.error)


def open_small(sealed: bytes, identity: str) -> bytes:
    """Return what a small age file holds; parcels are opened by `opening`.

    Raises
    ------
    KeyUnavailable
        Not for this identity, or changed.
    """
    try:
        return bytes(pyrage.decrypt(sealed, _identities([identity])))  # type: ignore[attr-defined]
    except _DecryptError as error:
        raise KeyUnavailable(
            "This key does not open that file, or the file was changed.",
            do_next="Take the cards of this site.",
        ) from error


def seal_by_passphrase(plain: bytes, passphrase: str) -> bytes:
    """Return a small age file that a passphrase opens (scrypt, as long as this computer takes a second)."""
    return bytes(pyrage.passphrase.encrypt(plain, passphrase))  # type: ignore[attr-defined]


def open_by_passphrase(sealed: bytes, passphrase: str) -> bytes:
    """Return what a small age file holds that was sealed to a passphrase.

    Raises
    ------
    KeyUnavailable
        Another passphrase, or a computer much slower than the one that sealed it.
    """
    try:
        return bytes(pyrage.passphrase.decrypt(sealed, passphrase))  # type: ignore[attr-defined]
    except _DecryptError as error:
        if "Excessive work" in str(error):
            raise KeyUnavailable(
                "This was sealed on a much faster computer: here a passphrase would take too long.",
                do_next="Type the recovery cards here: --words.",
            ) from error
        raise KeyUnavailable(
            "This is not the passphrase.",
            do_next="Type it again, with an eye on the keyboard's layout; or type the cards: --words.",
        ) from error


class _RememberingReader:
    """Reads in larger blocks, and keeps the error that pyrage would reduce to text."""

    _BLOCK_BYTES: Final = 64 << 10

    def __init__(self, stream: Reader) -> None:
        self._stream = stream
        self._held = b""
        self._at = 0
        self.error: Exception | None = None

    def read(self, size: int, /) -> bytes:
        if self._at >= len(self._held):
            try:
                self._held, self._at = self._stream.read(self._BLOCK_BYTES), 0
            except (BeamkeeperError, OSError) as error:
                self.error = error
                raise
        block = self._held[self._at : self._at + size]
        self._at += len(block)
        return block


class _RememberingSink:
    """Writes on, and keeps the error that pyrage would reduce to text."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.error: Exception | None = None

    def write(self, data: bytes, /) -> int:
        try:
            return self._sink.write(data)
        except (BeamkeeperError, OSError) as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._sink.flush()


def _seal_error(error: Exception) -> Exception:
    if isinstance(error, BeamkeeperError):
        return error
    return SourceUnavailable(
        f"A file of this patient could not be read while it was being sealed ({error}).",
        do_next="Check the spool's disk, then run the night again.",
    )


def _recipients(texts: Sequence[str]) -> list[Any]:
    if not texts:
        raise ValueError("a parcel sealed to nobody could never be opened")
    try:
        return [_x25519.Recipient.from_str(text) for text in texts]
    except _RecipientError as error:
        raise KeyUnavailable(
            "One of this vault's recipients is not an age recipient (age1...).",
            do_next="Correct the recipients in the site file.",
        ) from error


def _identities(texts: Sequence[str]) -> list[Any]:
    try:
        return [_x25519.Identity.from_str(text) for text in texts]
    except _IdentityError as error:
        raise KeyUnavailable(
            "The key given is not an age identity (AGE-SECRET-KEY-1...).",
            do_next="Give the file that `age-keygen` or `beamkeeper init` wrote, or the recovery words.",
        ) from error
