"""A bucket as a destination, over obstore.

An object of up to `SINGLE_BYTES_MAX` is put in one request that the store itself refuses when the name
is taken. A larger one goes in parts, which no store can make conditional through obstore: we ask
before, and read back after. Nothing is overwritten unseen either way where the bucket keeps versions.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from beamkeeper.errors import BeamkeeperError, SourceUnavailable, StorageFull
from beamkeeper.wire.destination import BLOCK_BYTES, DestinationFacts, Listed, segments, taken, verify_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from obstore.store import ObjectStore

    from beamkeeper.wire.destination import Versions

SINGLE_BYTES_MAX: Final = 16 << 20
"""Largest object that is put whole, in memory, on the store's own condition that the name is free."""
PART_BYTES: Final = 8 << 20
PARTS_AT_ONCE: Final = 2
LISTED_AT_ONCE: Final = 1000
_ABSENT: Final = (NotFoundError, FileNotFoundError)
"""Which of the two is raised depends on the call."""
_NO_BUCKET: Final = ("NoSuchBucket", "ContainerNotFound", "404 Not Found")


class BucketDestination:
    """Keeps copies as objects of one bucket, below one prefix.

    Parameters
    ----------
    where
        What people call the place.
    ask_lock
        Returns the bucket's write-once protection in words; None when it does not say.
    encrypted
        Whether what passes the wire is encrypted (HTTPS).
    versions
        What the bucket keeps out of sight; None where that cannot be asked.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        where: str,
        encrypted: bool,
        ask_lock: Callable[[], str | None],
        versions: Versions | None = None,
    ) -> None:
        self.versions = versions
        self._store = store
        self._where = where
        self._encrypted = encrypted
        self._ask_lock = ask_lock

    def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
        """Keep the bytes of `source` as `name`; see `Destination.put`. A cut transfer begins anew."""
        key = self._key(name)
        with self._talking():
            try:
                if size_bytes <= SINGLE_BYTES_MAX:
                    obstore.put(
                        self._store, key, b"".join(_Blocks(source)), mode="create", use_multipart=False
                    )
                elif self._exists(key):
                    raise taken(name)
                else:
                    self._put_parts(key, source)
            except (AlreadyExistsError, PreconditionError) as error:
                raise taken(name) from error

    def _put_parts(self, key: str, source: BinaryIO) -> None:
        blocks = _Blocks(source)
        try:
            obstore.put(self._store, key, blocks, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        except BaseException:
            if blocks.failure is not None:
                raise blocks.failure from None  # what the source said, not how the library wrapped it
            raise

    def replace(self, name: str, data: bytes) -> None:
        """Swap the small object `name` for `data`, whole or not at all."""
        with self._talking():
            obstore.put(self._store, self._key(name), data, use_multipart=False)

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every object below `prefix`."""
        key = self._key(prefix.rstrip("/"))
        count = 0
        with self._talking():
            for chunk in obstore.list(self._store, key, chunk_size=LISTED_AT_ONCE):
                for item in chunk:
                    count += 1
                    verify_count(count)
                    stamp = f"{item['e_tag']} {item['last_modified'].isoformat()}"
                    yield Listed(name=item["path"], size_bytes=item["size"], stamp=stamp)

    def open(self, name: str) -> BinaryIO | None:
        """Return a reader of `name`; None when the store answered that it has none."""
        key = self._key(name)
        with self._talking():
            try:
                blocks = iter(obstore.get(self._store, key).stream(min_chunk_size=BLOCK_BYTES))
            except _ABSENT:
                self._verify_bucket()
                return None
        return cast("BinaryIO", io.BufferedReader(_Reader(self, blocks), BLOCK_BYTES))

    def remove(self, name: str) -> None:
        """Remove `name`; done already is fine. A bucket that keeps versions keeps this one too."""
        with self._talking(), contextlib.suppress(*_ABSENT):
            obstore.delete(self._store, self._key(name))

    def facts(self) -> DestinationFacts:
        """Return the bucket's write-once protection; buckets tell no room."""
        with self._talking():
            self._verify_bucket()
        return DestinationFacts(lock=self._ask_lock(), encrypted=self._encrypted)

    def cut(self) -> None:
        """Do nothing: every request has a limit of its own, and the run ends after it."""

    def close(self) -> None:
        """Do nothing: connections close by themselves."""

    def next_block(self, blocks: Iterator[bytes]) -> bytes | None:
        """Return the next bytes of an object, None at its end; for the readers that `open` hands out."""
        with self._talking():
            return next(blocks, None)

    def _exists(self, key: str) -> bool:
        try:
            obstore.head(self._store, key)
        except _ABSENT:
            return False
        return True

    def _verify_bucket(self) -> None:
        """Tell "the bucket has no such object" from "there is no such bucket"."""
        for _ in itertools.islice(obstore.list(self._store, chunk_size=1), 1):
            pass

    def _key(self, name: str) -> str:
        return "/".join(segments(name))

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        """Translate what goes wrong into our tree; errors of ours pass."""
        try:
            yield
        except BeamkeeperError:
            raise
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise StorageFull(
                f"{self._where} refuses: the key is wrong, or has no right to do this.",
                do_next="Give it the right to list, read and write there, and not to delete.",
            ) from error
        except (BaseError, OSError) as error:
            raise self._no_answer(error) from error

    def _no_answer(self, error: Exception) -> SourceUnavailable:
        if isinstance(error, _ABSENT) or any(code in str(error) for code in _NO_BUCKET):
            return SourceUnavailable(
                f"There is no bucket {self._where}.", do_next="Have it made; check its name and its region."
            )
        return SourceUnavailable(
            f"{self._where} gives no answer ({type(error).__name__}).",
            do_next="Check the address and that the firewall lets us through; it is tried again.",
        )


class _Blocks:
    """The blocks of a source; remembers what it raised, because the library wraps it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.failure: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            while block := self._source.read(BLOCK_BYTES):
                yield block
        except BaseException as error:
            self.failure = error
            raise


class _Reader(io.RawIOBase):
    """An object as a raw stream."""

    def __init__(self, destination: BucketDestination, blocks: Iterator[bytes]) -> None:
        self._destination = destination
        self._blocks = blocks
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._held:
            block = self._destination.next_block(self._blocks)
            if block is None:
                return 0
            self._held = memoryview(block)
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count
