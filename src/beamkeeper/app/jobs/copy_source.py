"""Objects out of the vault as files for the stores of plain copies: verified, one parcel read once.

A dossier lies there as PDF and becomes its DICOM object here, after the PDF was found to be the sealed one.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import IntegrityError, KeyUnavailable, ObjectUnreadable, StorageFull
from beamkeeper.protect.copies import TakenOut
from beamkeeper.vault.parcel import read_parcel
from beamkeeper.wire.dicom.outgoing import Outgoing, encoding_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.sealed_dossier import SealedDossier
    from beamkeeper.vault import ParcelEntry, ParcelStore, StoredObject

CHUNK_BYTES: Final = 1 << 20


class VaultSource:
    """The objects of the vault, opened with the collector's own key.

    Parameters
    ----------
    entries
        Every parcel of the vault by its path.
    scratch
        Folder on the collector's own disk; what lies there is readable by this user only.
    dossiers
        By SOP Instance UID, what becomes a DICOM object on its way.
    zone
        On whose clock a dossier says when it was made.
    """

    def __init__(
        self,
        store: ParcelStore,
        entries: Mapping[str, ParcelEntry],
        identities: Sequence[str],
        scratch: Path,
        *,
        dossiers: Mapping[str, SealedDossier],
        zone: ZoneInfo,
    ) -> None:
        self._store, self._entries, self._identities, self._scratch = store, entries, identities, scratch
        self._dossiers, self._zone = dossiers, zone

    def take(self, wanted: Sequence[tuple[str, StoredObject]]) -> Iterator[TakenOut]:
        """Yield each wanted object once; see `Source`."""
        by_parcel: dict[str, dict[str, tuple[str, StoredObject]]] = defaultdict(dict)
        for name, item in wanted:
            by_parcel[item.parcel][item.member] = (name, item)
        for path, members in by_parcel.items():
            yield from self._from_parcel(path, members)

    def _from_parcel(self, path: str, members: dict[str, tuple[str, StoredObject]]) -> Iterator[TakenOut]:
        entry = self._entries.get(path)
        stream = None if entry is None else self._store.get(entry.storage_name)
        if stream is None:
            yield from _lacking(members, f"its parcel {path} is not there.")
            return
        try:
            with stream, closing(read_parcel(stream, self._identities)) as found:
                for name, source in found:
                    if name in members:
                        yield self._taken(*members.pop(name), source)
                    if not members:
                        return
        except IntegrityError as error:
            yield from _lacking(members, error.message)
            return
        yield from _lacking(members, f"its parcel {path} does not hold it.")

    def _taken(self, name: str, item: StoredObject, source: BinaryIO) -> TakenOut:
        path = self._scratch / f"{item.sha256}.dcm"
        if (found := self._copied(source, path)) != item.sha256:
            path.unlink()
            return TakenOut(
                name=name,
                item=item,
                outgoing=None,
                error=f"its bytes have SHA-256 {found[:12]}…, not its own.",
            )
        try:
            sha256, size_bytes = self._wrapped(item, path)
            with path.open("rb") as file:
                syntax, data_set_at = encoding_of(file)
        except ObjectUnreadable as error:
            path.unlink()
            return TakenOut(name=name, item=item, outgoing=None, error=error.message)
        outgoing = Outgoing(
            sop_class_uid=item.sop_class_uid,
            sop_instance_uid=item.sop_instance_uid,
            study_instance_uid=item.study_instance_uid,
            series_instance_uid=item.series_instance_uid,
            transfer_syntax_uid=syntax,
            path=path,
            sha256=sha256,
            size_bytes=size_bytes,
            data_set_at=data_set_at,
        )
        return TakenOut(name=name, item=item, outgoing=outgoing)

    def _wrapped(self, item: StoredObject, path: Path) -> tuple[str, int]:
        """Make a dossier at `path` its DICOM object; return digest and size of the file as it goes."""
        dossier = self._dossiers.get(item.sop_instance_uid)
        if dossier is None:
            return item.sha256, item.size_bytes
        made = dossier.wrapped(path.read_bytes(), self._zone)
        return self._copied(io.BytesIO(made), path), len(made)

    def _copied(self, source: BinaryIO, path: Path) -> str:
        """Write a stream to `path` for this user alone; return its SHA-256."""
        digest = hashlib.sha256()
        try:
            self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                while chunk := source.read(CHUNK_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
        except OSError as error:
            raise StorageFull(
                f"An object cannot be laid down to be sent: {error.strerror}.",
                do_next="Make room in the data directory.",
            ) from error
        return digest.hexdigest()


def own_identities(identities: Sequence[str]) -> Sequence[str]:
    """Return the collector's identities; KeyUnavailable where it has none."""
    if not identities:
        raise KeyUnavailable(
            "This collector only encrypts: it cannot open what it sealed, and plain copies need that.",
            do_next="Take [[copies]] out of the site file, or give the collector its own identity"
            " (encrypt_only = false): docs/guide/copies.md says what that costs.",
        )
    return identities


def _lacking(members: Mapping[str, tuple[str, StoredObject]], why: str) -> Iterator[TakenOut]:
    for name, item in members.values():
        yield TakenOut(name=name, item=item, outgoing=None, error=why)
