"""What this computer remembers of a vault: the trusted root, the newest versions seen, unfinished work."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import IntegrityError, StorageFull
from beamkeeper.vault.metadata import ParcelEntry
from beamkeeper.vault.removed import read_removed, removed_json, with_removed
from beamkeeper.vault.trust import ROOT_BYTES_MAX, Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from beamkeeper.vault.removed import RemovedPatient

SEEN_BYTES_MAX: Final = 64 << 10
FORGOTTEN_BYTES_MAX: Final = 64 << 20
"""A path is some sixty bytes: about a million."""
REMOVED_BYTES_MAX: Final = 8 << 20
"""More than `STATED_MAX` statements."""
_ENTRY_KEYS: Final = ("path", "sha256", "size_bytes")


class TrustedMemory:
    """The files of `trusted_dir`, each whole or absent.

    Parameters
    ----------
    folder
        On this computer, never on the share: whoever can write here decides what is believed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def root(self) -> bytes | None:
        """Return the newest trusted root; None when this computer never saw the vault."""
        return self._read("root.json", ROOT_BYTES_MAX)

    def seen(self) -> Seen:
        """Return the newest versions seen; zeros when none were.

        Raises
        ------
        IntegrityError
            The note is damaged.
        """
        data = self._read("seen.json", SEEN_BYTES_MAX)
        return Seen() if data is None else Seen.from_bytes(data)

    def remember(self, root_bytes: bytes, seen: Seen) -> None:
        """Keep what was just verified, unless another process has seen something newer meanwhile."""
        if self.root() == root_bytes and self.seen() == seen:
            return
        with self._locked("seen.lock"):
            if self.seen().timestamp > seen.timestamp:
                return
            if self.root() != root_bytes:
                self._write("root.json", root_bytes)
            if self._read("seen.json", SEEN_BYTES_MAX) != seen.to_bytes():
                self._write("seen.json", seen.to_bytes())

    def forgotten(self) -> frozenset[str]:
        """Return the paths of parcels that a rollback took out of the metadata, and a person accepted.

        Raises
        ------
        IntegrityError
            The note is damaged.
        """
        data = self._read("forgotten.json", FORGOTTEN_BYTES_MAX)
        if data is None:
            return frozenset()
        try:
            return frozenset(map(str, json.loads(data)["paths"]))
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                "This computer's own note of a rollback that was accepted (forgotten.json) is damaged.",
                do_next="Run `beamkeeper vault rebuild` with a new ledger, then remove the note.",
            ) from error

    def note_forgotten(self, paths: Iterable[str]) -> None:
        """Keep the paths of parcels that the metadata name no more since a rollback was accepted."""
        self._write("forgotten.json", json.dumps({"paths": sorted(paths)}).encode())

    def removed(self) -> tuple[RemovedPatient, ...]:
        """Return every removal of a patient that this computer has seen stated, by pseudonym.

        Raises
        ------
        IntegrityError
            The note is damaged.
        """
        data = self._read("removed.json", REMOVED_BYTES_MAX)
        try:
            return () if data is None else read_removed(json.loads(data))
        except ValueError as error:
            raise IntegrityError(
                "This computer's own note of the patients that were removed (removed.json) is damaged.",
                do_next="Remove the note: the vault's signed metadata state the same.",
            ) from error

    def note_removed(self, stated: Iterable[RemovedPatient]) -> None:
        """Keep statements about removed patients, beside earlier ones: a rollback shall not undo them."""
        known = self.removed()
        if (after := with_removed(known, stated)) != known:
            self._write("removed.json", json.dumps(removed_json(after)).encode())

    @contextlib.contextmanager
    def only_writer(self) -> Iterator[None]:
        """Let one publisher work at a time on this computer."""
        with self._locked("publishing.lock"):
            yield

    def sealed(self, night: date, content_key: str) -> ParcelEntry | None:
        """Return the parcel that an interrupted night already sealed of this very content, if any."""
        data = self._read(f"sealed/{night.isoformat()}-{content_key}.json", SEEN_BYTES_MAX)
        if data is None:
            return None
        try:
            document = json.loads(data)
            return ParcelEntry(**{key: document[key] for key in _ENTRY_KEYS})
        except (ValueError, KeyError, TypeError):
            return None  # half a note is no note: the parcel is sealed once more

    def note_sealed(self, night: date, content_key: str, entry: ParcelEntry) -> None:
        """Note a stored parcel that no signed metadata name yet."""
        document = {key: getattr(entry, key) for key in _ENTRY_KEYS}
        self._write(f"sealed/{night.isoformat()}-{content_key}.json", json.dumps(document).encode())

    def forget_sealed(self, night: date) -> None:
        """Drop the notes of a night that is published."""
        for note in (self._folder / "sealed").glob(f"{night.isoformat()}-*.json"):
            note.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        try:
            self._make()
            lock = (self._folder / name).open("wb")
        except OSError as error:
            raise self._cannot_note(error) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self, name: str, bytes_max: int) -> bytes | None:
        try:
            with (self._folder / name).open("rb") as file:
                data = file.read(bytes_max + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IntegrityError(
                f"This computer's own note of the vault ({name}) cannot be read ({error.strerror}).",
                do_next="Give this user the right to read the trusted directory.",
                name=name,
            ) from error
        return data[:bytes_max]

    def _write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            self._make()
            for folder in (path.parent.parent, path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise self._cannot_note(error) from error

    def _cannot_note(self, error: OSError) -> StorageFull:
        return StorageFull(
            f"This computer cannot note what it saw of the vault ({error.strerror}).",
            do_next="Make room, or give this user the right to write in the trusted directory.",
            path=str(self._folder),
        )

    def _make(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
