"""From the vault back to files: each one whole and proved, or not there; none overwritten."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from beamkeeper.errors import BeamkeeperError, ConfigError, StorageFull
from beamkeeper.vault.opening import BLOCK_BYTES as READ_BYTES
from beamkeeper.vault.reading import OpenParcel, first_member, matching_state
from beamkeeper.vault.state import STATE_NAME, PatientState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path
    from types import TracebackType

    from beamkeeper.vault.metadata import ParcelEntry
    from beamkeeper.vault.reading import Progress
    from beamkeeper.vault.removed import RemovedPatient
    from beamkeeper.vault.store import ParcelStore

STAGING_PREFIX: Final = ".beamkeeper-"
"""Begins the name of the hidden folder for files that are not proved yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFailure:
    """One file that could not be given back, and why, in words.

    Attributes
    ----------
    name
        The file's name; "" for everything of the patient.
    parcel
        Path of the parcel that should hold it; "" when the parcel is not the reason.
    """

    name: str
    reason: str
    parcel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What was given back of one patient.

    Attributes
    ----------
    night
        The night whose state was restored.
    written_count, written_bytes
        Files put in place, every digest verified.
    there_count
        Files that were in place already with the very same bytes.
    document_count
        Those of all these files that are documents.
    """

    pseudonym: str
    night: date
    out_dir: Path
    written_count: int = 0
    written_bytes: int = 0
    there_count: int = 0
    document_count: int = 0
    failures: tuple[RestoreFailure, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every file that was asked for is in place."""
        return not self.failures


def no_such_patient(pseudonym: str, night: date | None, removed: Iterable[RemovedPatient]) -> ConfigError:
    """Return the error that says why nothing of a patient can be restored."""
    gone = next((one for one in removed if one.pseudonym == pseudonym), None)
    if gone is not None:
        return ConfigError(
            f"The vault holds nothing of this patient any more: it was removed by rule on {gone.removed_on}.",
            do_next="See the receipt of the removal; the hospital's own systems are the source now.",
        )
    return ConfigError(
        "The vault holds no such patient" + (f" up to the night of {night}." if night else "."),
        do_next="`beamkeeper vault list` names all patients and nights.",
    )


def restore_patient(
    store: ParcelStore,
    newest: ParcelEntry,
    entries: Mapping[str, ParcelEntry],
    *,
    identities: Sequence[str],
    out_dir: Path,
    everything: bool = False,
    progress: Progress | None = None,
) -> RestoreReport:
    """Write the files that the state in `newest` names, from whichever parcels hold them.

    Files appear by rename after their digests were verified. They are not fsynced one by one: a
    restore that is cut short is simply run again.

    Parameters
    ----------
    entries
        Every parcel of the vault by its path.
    """
    with _Destination(out_dir) as destination:
        wanted = _restore_newest(store, newest, identities, destination, everything=everything)
        for path in wanted.keys() - entries.keys():
            gone = f"The parcel {path} that held it is no longer in the vault."
            destination.fail(wanted.pop(path), gone, path)
        total = newest.size_bytes + sum(entries[path].size_bytes for path in wanted)
        done = newest.size_bytes
        for path, files in wanted.items():
            if progress is not None:
                progress(done, total)
            _restore_older(store, entries[path], files, identities, destination)
            done += entries[path].size_bytes
        if progress is not None:
            progress(done, total)
        return RestoreReport(
            pseudonym=newest.pseudonym,
            night=newest.night,
            out_dir=out_dir,
            written_count=destination.written_count,
            written_bytes=destination.written_bytes,
            there_count=destination.there_count,
            document_count=destination.document_count,
            failures=tuple(destination.failures),
        )


@dataclass(frozen=True, slots=True)
class _File:
    """One file to give back: its name there, and the bytes it must have."""

    name: str
    sha256: str

    @property
    def is_document(self) -> bool:
        return self.name.startswith("documents/")


_Wanted = dict[str, dict[str, _File]]
"""Path of a parcel, then member inside it, then the file it becomes."""


def _restore_newest(
    store: ParcelStore,
    newest: ParcelEntry,
    identities: Sequence[str],
    destination: _Destination,
    *,
    everything: bool,
) -> _Wanted:
    """Unpack the newest parcel, and return what older ones hold.

    Nothing is put in place before the whole parcel was found genuine: age alone does not say who
    sealed it, and its state decides about everything else.
    """
    with OpenParcel(store, newest, identities) as parcel:
        members = parcel.members()
        data = first_member(members, newest, STATE_NAME)
        state = matching_state(data, newest)
        wanted = _wanted(state, everything=everything)
        here = wanted.pop(newest.path, {})
        tracked = {item.member for item in state.items() if item.parcel == newest.path}
        staged = [destination.stage(_File(STATE_NAME, hashlib.sha256(data).hexdigest()), io.BytesIO(data))]
        for name, _, reader in members:
            if name in here:
                staged.append(destination.stage(here.pop(name), reader))
            elif name not in tracked:
                staged.append(destination.stage(_File(name, ""), reader))
        parcel.verify_whole()
    for file in staged:
        destination.put_in_place(file)
    destination.fail(here, f"The parcel {newest.path} that should hold it does not.", newest.path)
    return wanted


def _restore_older(
    store: ParcelStore,
    entry: ParcelEntry,
    files: dict[str, _File],
    identities: Sequence[str],
    destination: _Destination,
) -> None:
    """Unpack from an older parcel what the trusted state names, and stop once all of it is found."""
    try:
        with OpenParcel(store, entry, identities) as parcel:
            for name, _, reader in parcel.members():
                if name in files:
                    destination.put_in_place(destination.stage(files[name], reader))
                    del files[name]
                if not files:
                    return
    except StorageFull:
        raise
    except BeamkeeperError as error:
        destination.fail(files, error.message, entry.path)
        return
    destination.fail(files, f"The parcel {entry.path} that should hold it does not.", entry.path)


def _wanted(state: PatientState, *, everything: bool) -> _Wanted:
    """Return which members of which parcels become which files; current ones have the plain names."""
    current = {item for item in state.items() if item.present and not item.superseded}
    others = [item for item in state.items() if everything and item not in current]
    wanted: _Wanted = {}
    taken = {STATE_NAME}
    for item in [*(item for item in state.items() if item in current), *others]:
        name = item.member
        if name in taken:
            stem, dot, suffix = name.rpartition(".")
            name = f"{stem}-{item.sha256[:16]}{dot}{suffix}" if dot else f"{name}-{item.sha256[:16]}"
        if item.member not in wanted.setdefault(item.parcel, {}) and name not in taken:
            wanted[item.parcel][item.member] = _File(name, item.sha256)
            taken.add(name)
    return wanted


class _Destination:
    """The folder files go to, with a hidden one beside them for what is not yet proved."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staging = folder / f"{STAGING_PREFIX}{secrets.token_hex(8)}"
        self._staged_count = 0
        self._made: set[Path] = set()
        self.written_count = 0
        self.written_bytes = 0
        self.there_count = 0
        self.document_count = 0
        self.failures: list[RestoreFailure] = []

    def __enter__(self) -> Self:
        with _writing(self._folder):
            _make_private(self._staging)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)

    def stage(self, file: _File, reader: io.BufferedIOBase) -> _Staged:
        """Write what `reader` gives to a hidden file, and take its digest."""
        digest, size = hashlib.sha256(), 0
        with _writing(self._folder):
            self._staged_count += 1
            path = self._staging / str(self._staged_count)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb", buffering=0) as out:
                while block := reader.read1(READ_BYTES):
                    digest.update(block)
                    size += len(block)
                    rest = memoryview(block)
                    while rest:  # a disk that fills takes a part first, and refuses only the next
                        rest = rest[out.write(rest) :]
        return _Staged(file=file, path=path, sha256=digest.hexdigest(), size_bytes=size)

    def fail(self, files: Mapping[str, _File], reason: str, parcel: str) -> None:
        """Note files that cannot be given back."""
        self.failures += [
            RestoreFailure(name=file.name, reason=reason, parcel=parcel) for file in files.values()
        ]

    def put_in_place(self, staged: _Staged) -> None:
        """Rename a staged file to where it belongs, unless its digest or what is there forbids it."""
        if staged.file.sha256 not in {"", staged.sha256}:
            reason = "Its bytes in the vault are not those that were stored."
            self.failures.append(RestoreFailure(name=staged.file.name, reason=reason))
            return
        final = self._folder.joinpath(*staged.file.name.split("/"))
        with _writing(self._folder):
            if final.exists():
                self._compare(staged, final)
                return
            if final.parent not in self._made:
                _make_private(final.parent)
                self._made.add(final.parent)
            staged.path.rename(final)
        self.document_count += staged.file.is_document
        self.written_count += 1
        self.written_bytes += staged.size_bytes

    def _compare(self, staged: _Staged, final: Path) -> None:
        with final.open("rb") as there:
            same = hashlib.file_digest(there, "sha256").hexdigest() == staged.sha256
        staged.path.unlink()
        if same:
            self.there_count += 1
            self.document_count += staged.file.is_document
        else:
            reason = "A file of that name with other bytes is there already; it was left as it is."
            self.failures.append(RestoreFailure(name=staged.file.name, reason=reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Staged:
    """A file in the hidden folder and what its bytes turned out to be."""

    file: _File
    path: Path
    sha256: str
    size_bytes: int


def _make_private(folder: Path) -> None:
    """Make `folder` and its parents for this user alone: what is restored is not sealed any more."""
    for path in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        path.mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Translate what goes wrong at the destination into our tree."""
    try:
        yield
    except OSError as error:
        raise StorageFull(
            f"Files cannot be restored into {folder} ({error.strerror}).",
            do_next="Make room there or choose another folder; what is already in place is whole.",
            path=str(folder),
        ) from error
