"""The bytes of tonight's and of kept objects, in memory-mapped files: a 600 MB dose costs no memory."""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING

from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.vault.parcel import read_parcel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO, Self

    from beamkeeper.app.jobs.imprints import Imprints
    from beamkeeper.vault import StoredDocument, StoredObject, Vault
    from beamkeeper.wire.dicom.requester import ExpectedObject
    from beamkeeper.wire.dicom.spool import SpooledObject, SpoolReader

CHUNK_BYTES = 1 << 20
IN_MEMORY_BYTES_MAX = 32 << 20


class BytesAtHand:
    """Bytes of single objects, from the spool or out of the vault; a context manager that tidies up.

    Parameters
    ----------
    scratch
        Folder on the collector's own disk for what comes out of the vault; removed at the end.
    imprints
        What is left of kept objects where the vault cannot be opened; None where it can.
    kept
        Every version the vault holds of this patient's objects.
    identities
        The collector's age identities; without one nothing can be read back for comparison.
    """

    def __init__(
        self,
        *,
        spool: SpoolReader,
        vault: Vault,
        kept: Sequence[StoredObject],
        identities: Sequence[str],
        scratch: Path,
        imprints: Imprints | None = None,
    ) -> None:
        self.imprints = imprints
        self._spool = spool
        self._vault = vault
        self._identities = identities
        self._scratch = scratch
        self._by_digest = {item.sha256: item for item in kept}
        self._out: dict[str, Path] = {}
        self._damaged: dict[str, IntegrityError | KeyUnavailable] = {}
        self._maps: list[mmap.mmap] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for mapped in self._maps:
            # A memoryview may still be alive in a traceback; the file goes all the same.
            try:
                mapped.close()
            except BufferError:
                continue
        for path in self._out.values():
            path.unlink(missing_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def prepare(
        self,
        changed: Iterable[tuple[SpooledObject, ExpectedObject]],
        current: Mapping[str, StoredObject],
        *,
        also: Iterable[StoredObject | StoredDocument] = (),
    ) -> None:
        """Take everything the coming comparisons need out of the vault, each parcel read once.

        A parcel that is damaged, or that this collector cannot open, keeps nothing new from being taken:
        `kept` says so when it is asked.
        """
        needed: dict[str, StoredObject | StoredDocument] = {item.sha256: item for item in also}
        for spooled, _ in changed:
            if (kept := current.get(spooled.sop_instance_uid)) is not None:
                needed[kept.sha256] = kept
            if spooled.known and spooled.sha256 in self._by_digest:
                needed[spooled.sha256] = self._by_digest[spooled.sha256]
        by_parcel: dict[str, dict[str, StoredObject | StoredDocument]] = defaultdict(dict)
        for item in needed.values():
            by_parcel[item.parcel][item.member] = item
        for parcel, members in by_parcel.items():
            try:
                self._take_out(parcel, members)
            except (IntegrityError, KeyUnavailable) as error:
                self._damaged[parcel] = error

    def kept(self, item: StoredObject) -> memoryview:
        """Return the bytes the vault holds of `item`, verified against its digest.

        Raises
        ------
        IntegrityError
            They are not in the vault as the ledger says.
        KeyUnavailable
            This collector only encrypts.
        """
        return self._mapped(self.kept_file(item))

    def kept_file(self, item: StoredObject | StoredDocument) -> Path:
        """Return where the bytes the vault holds of `item` lie for a while; raises as `kept`."""
        path = self._out.get(item.sha256)
        if path is None and item.parcel in self._damaged:
            raise self._damaged[item.parcel]
        if path is None:
            raise IntegrityError(
                f"The vault does not hold an object the ledger names (parcel {item.parcel}).",
                do_next="Run `beamkeeper vault verify`, then `beamkeeper vault rebuild`.",
            )
        return path

    def arrived(self, spooled: SpooledObject) -> memoryview:
        """Return the bytes of an object that came tonight, wherever they lie."""
        if not spooled.known:
            if spooled.size_bytes <= IN_MEMORY_BYTES_MAX:
                return memoryview(self._spool.read(spooled))
            with self._spool.open(spooled) as source:
                return self._mapped(self._copy(source, spooled.sha256))
        item = self._by_digest.get(spooled.sha256)
        if item is None:
            raise IntegrityError(
                "An object came whose bytes the vault holds under another patient.",
                do_next="Compare the Patient ID of the list with the one in the object.",
                sop_instance_uid=spooled.sop_instance_uid,
            )
        return self.kept(item)

    def _take_out(self, parcel: str, members: Mapping[str, StoredObject | StoredDocument]) -> None:
        if not self._identities:
            raise KeyUnavailable(
                "This collector only encrypts: it cannot show old against new.",
                do_next="Give it its own identity, or compare with the recovery key elsewhere.",
            )
        entry = next((entry for entry in self._vault.entries() if entry.path == parcel), None)
        stream = None if entry is None else self._vault.store.get(entry.storage_name)
        if stream is None:
            raise IntegrityError(
                f"The parcel {parcel} is not in the vault.", do_next="Run `beamkeeper vault verify`."
            )
        wanted = dict(members)
        with stream, closing(read_parcel(stream, self._identities)) as found:
            for name, source in found:
                item = wanted.pop(name, None)
                if item is not None:
                    self._out[item.sha256] = self._copy(source, item.sha256)
                if not wanted:
                    return

    def _copy(self, source: BinaryIO, sha256: str) -> Path:
        """Write a stream to scratch and verify its digest while doing so."""
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._scratch / sha256
        digest = hashlib.sha256()
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - the mode matters
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            path.unlink()
            raise IntegrityError(
                "Bytes read back are not the bytes that were kept.",
                do_next="Run `beamkeeper vault verify`; use another copy of the vault.",
            )
        self._out[sha256] = path
        return path

    def _mapped(self, path: Path) -> memoryview:
        if path.stat().st_size == 0:
            return memoryview(b"")
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._maps.append(mapped)
        return memoryview(mapped)
