"""Reading parcels out of a store: nothing is believed before its digest is the signed one."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, Self, TypeVar

from beamkeeper.errors import IntegrityError, KeyUnavailable, SourceUnavailable
from beamkeeper.vault.parcel import sized_members
from beamkeeper.vault.state import STATE_BYTES_MAX, STATE_NAME, PatientState, read_state

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from types import TracebackType

    from beamkeeper.vault.metadata import ParcelEntry
    from beamkeeper.vault.store import ParcelStore

BLOCK_BYTES: Final = 1 << 20
FIRST_BYTES_MAX: Final = 256 << 20
"""The largest of the small members: facts with every control point of many plans."""
WORKERS: Final = 2
"""Parcels read at a time: hashing, decompression and files leave Python's lock alone."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Progress(Protocol):
    """Told how far long work is."""

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """Take note: `done_bytes` of `total_bytes` sealed bytes have been read."""


class StoreReader:
    """Reads small objects of a store whole, within bounds."""

    def __init__(self, store: ParcelStore) -> None:
        self._store = store

    def __call__(self, name: str, *, bytes_max: int) -> bytes | None:
        """Return the bytes of `name`; None when the store has none.

        Raises
        ------
        IntegrityError
            It is larger than `bytes_max`.
        SourceUnavailable
            The store does not answer.
        """
        source = self._store.get(name)
        if source is None:
            return None
        with source:
            data = _read(source, bytes_max + 1)
        if len(data) > bytes_max:
            raise IntegrityError(
                f"{name} is larger than any such file may be.",
                do_next="Use another copy of the vault.",
                name=name,
            )
        return data


class OpenParcel:
    """One parcel being read: its members, and in the end whether all of it is what was signed.

    Parameters
    ----------
    identities
        age identities, one of which opens it.

    Raises
    ------
    IntegrityError
        The store has no such parcel.
    """

    def __init__(self, store: ParcelStore, entry: ParcelEntry, identities: Sequence[str]) -> None:
        self.entry = entry
        self._source = open_stored(store, entry)
        self._digest = hashlib.sha256()
        self.read_bytes = 0
        self._members = sized_members(self, identities)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._members.close()
        self._source.close()

    def read(self, size: int, /) -> bytes:
        """Return sealed bytes, digested as they pass."""
        block = _read(self._source, size)
        self._digest.update(block)
        self.read_bytes += len(block)
        return block

    def members(self) -> Iterator[tuple[str, int, io.BufferedIOBase]]:
        """Yield (name, size in bytes, reader) of every member.

        Raises
        ------
        IntegrityError
            Damaged, or not the parcel that was signed.
        KeyUnavailable
            Genuine, but sealed for others.
        """
        try:
            yield from self._members
        except KeyUnavailable:
            self.verify_whole()  # a flipped bit in the header looks like a wrong key
            raise

    def verify_whole(self) -> None:
        """Read on to the end of the sealed bytes and compare with what was signed.

        Raises
        ------
        IntegrityError
            Another size or digest.
        """
        self._members.close()
        while self.read(BLOCK_BYTES):
            if self.read_bytes > self.entry.size_bytes:
                break
        if (self.read_bytes, self._digest.hexdigest()) != (self.entry.size_bytes, self.entry.sha256):
            raise changed(self.entry)


def open_stored(store: ParcelStore, entry: ParcelEntry) -> BinaryIO:
    """Return a reader of the sealed bytes of `entry`.

    Raises
    ------
    IntegrityError
        The store answered that it has none.
    """
    source = store.get(entry.storage_name)
    if source is None:
        raise IntegrityError(
            f"The vault lacks the parcel {entry.path} that its signed metadata name.",
            do_next="Use another copy of the vault.",
            path=entry.path,
        )
    return source


def verify_stored(
    store: ParcelStore, entry: ParcelEntry, *, tick: Callable[[int], None] | None = None
) -> None:
    """Read all of a parcel and compare its size and digest with what was signed.

    Parameters
    ----------
    tick
        Told the number of bytes of each block read.

    Raises
    ------
    IntegrityError
        Missing, or other bytes.
    SourceUnavailable
        The store does not answer.
    """
    digest, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(BLOCK_BYTES))
    with open_stored(store, entry) as source:
        while size <= entry.size_bytes:
            count = _readinto(source, buffer)
            if not count:
                break
            digest.update(buffer[:count])
            size += count
            if tick is not None:
                tick(count)
    if (size, digest.hexdigest()) != (entry.size_bytes, entry.sha256):
        raise changed(entry)


def read_first(store: ParcelStore, entry: ParcelEntry, identities: Sequence[str], name: str) -> bytes:
    """Return the first member of a parcel, which bears `name`, after all of the parcel was verified.

    Raises
    ------
    IntegrityError
        Damaged, changed, or beginning with another member.
    KeyUnavailable
        None of `identities` opens it.
    """
    with OpenParcel(store, entry, identities) as parcel:
        data = first_member(parcel.members(), entry, name)
        parcel.verify_whole()
    return data


def read_first_members(
    store: ParcelStore, entry: ParcelEntry, identities: Sequence[str], names: Collection[str]
) -> dict[str, bytes]:
    """Return those of `names` that a parcel holds, after all of the parcel was verified; one reading for all.

    They are looked for among the first members only: what is small stands before what is large.

    Raises
    ------
    IntegrityError
        Damaged, changed, or one of them is larger than any such file may be.
    KeyUnavailable
        None of `identities` opens it.
    """
    found: dict[str, bytes] = {}
    with OpenParcel(store, entry, identities) as parcel:
        for name, size, reader in parcel.members():
            if name in names:
                if size > FIRST_BYTES_MAX:
                    raise IntegrityError(f"{name} in {entry.path} is larger than any such file may be.")
                found[name] = reader.read()
            if len(found) == len(names) or name.startswith("dicom/"):
                break
        # age does not say who sealed: believed only once the whole parcel is the one that was signed.
        parcel.verify_whole()
    return found


def read_parcel_state(store: ParcelStore, entry: ParcelEntry, identities: Sequence[str]) -> PatientState:
    """Return the state inside a patient's parcel, after all of the parcel was verified."""
    return matching_state(read_first(store, entry, identities, STATE_NAME), entry)


def first_member(
    members: Iterator[tuple[str, int, io.BufferedIOBase]], entry: ParcelEntry, name: str
) -> bytes:
    """Return the bytes of the first of `members`, which must bear `name`."""
    found, size, reader = next(members, ("nothing", 0, None))
    if found != name or reader is None or size > STATE_BYTES_MAX:
        raise IntegrityError(
            f"The parcel {entry.path} does not begin with {name}, or it is too large.",
            do_next="Use a newer Beamkeeper, or an earlier night.",
            path=entry.path,
        )
    return reader.read()


def matching_state(data: bytes, entry: ParcelEntry) -> PatientState:
    """Return the state in `data`, which must be of the patient and night that `entry` names."""
    state = read_state(data)
    if (state.pseudonym, state.night) != (entry.pseudonym, entry.night):
        raise IntegrityError(
            f"The state inside {entry.path} is of another patient or night.",
            do_next="Use an earlier night, and report this.",
            path=entry.path,
        )
    return state


def changed(entry: ParcelEntry) -> IntegrityError:
    """Return the error that says a parcel is not what was signed."""
    return IntegrityError(
        f"The parcel {entry.path} is not what was sealed"
        f" (expected {entry.size_bytes} bytes with SHA-256 {entry.sha256[:12]}…).",
        do_next="Use another copy of the vault, and keep this one as evidence.",
        path=entry.path,
    )


def in_parallel(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yield `work(item)` for every item, in order, a few at a time; the first error ends it."""
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="vault") as pool:
        waiting: deque[Future[_Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _read(source: BinaryIO, size: int) -> bytes:
    try:
        return source.read(size)
    except OSError as error:
        raise _no_answer(error) from error


def _readinto(source: BinaryIO, buffer: memoryview) -> int:
    try:
        return int(source.readinto(buffer))  # type: ignore[attr-defined]
    except OSError as error:
        raise _no_answer(error) from error


def _no_answer(error: OSError) -> SourceUnavailable:
    return SourceUnavailable(
        f"The vault stopped answering in the middle of a file ({error.strerror}).",
        do_next="Check the disk or the mount, then repeat.",
    )
