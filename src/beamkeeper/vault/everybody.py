"""Every patient at once, restored or opened and compared: in processes where that pays, else in threads."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beamkeeper.errors import BeamkeeperError, KeyUnavailable, StorageFull
from beamkeeper.vault.local import LocalStore
from beamkeeper.vault.metadata import held_in
from beamkeeper.vault.reading import in_parallel
from beamkeeper.vault.restoring import STAGING_PREFIX, RestoreFailure, RestoreReport, restore_patient
from beamkeeper.vault.verifying import (
    Problem,
    Ticker,
    VaultReport,
    empty_statements,
    verify_parcels,
    verify_patient,
)
from beamkeeper.vault.workers import WorkerEnded, Workers, worker_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from beamkeeper.vault.metadata import LostParcel, ParcelEntry
    from beamkeeper.vault.reading import Progress
    from beamkeeper.vault.signed import SignedFacts
    from beamkeeper.vault.store import ParcelStore


def verify_vault(
    store: ParcelStore,
    signed: SignedFacts,
    identities: Sequence[str] | None,
    *,
    now: datetime,
    progress: Progress | None = None,
) -> VaultReport:
    """Return the result of reading everything signed metadata name; with `identities` of opening it, too."""
    entries, lost = signed.entries(), signed.lost()
    if identities is None:
        report = verify_parcels(store, entries, progress=progress)
    else:
        report = verify_contents(store, entries, identities, lost=lost, progress=progress)
    return replace(
        report,
        problems=report.problems + empty_statements(entries, lost),
        lost=lost,
        stale=signed.is_stale(now),
        expires_at=signed.expires_at,
    )


def restore_all(
    store: ParcelStore,
    newest: Sequence[ParcelEntry],
    entries: Mapping[str, ParcelEntry],
    *,
    identities: Sequence[str],
    out_dir: Path,
    everything: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[RestoreReport, ...]:
    """Restore every patient into a folder of its own; what fails for one is told and stops no other.

    Parameters
    ----------
    newest
        One parcel of each patient.
    everything
        Also what is gone at the source and older versions.
    workers
        Processes to work with, 0 for none; None to choose by size and processor.
    progress
        Told patients, not bytes.

    Raises
    ------
    StorageFull
        The destination takes no more: it would fail for everybody.
    KeyUnavailable
        `identities` open nobody's parcels.
    """
    reports: list[RestoreReport] = []
    errors: list[BeamkeeperError] = []
    outcomes = _outcomes(
        store, newest, entries, identities, out_dir=out_dir, everything=everything, workers=workers
    )
    for entry, outcome in zip(newest, outcomes, strict=True):
        if isinstance(outcome, StorageFull):
            raise outcome
        if isinstance(outcome, BeamkeeperError):
            errors.append(outcome)
        reports.append(_told(entry, out_dir / entry.pseudonym, outcome))
        if progress is not None:
            progress(len(reports), len(newest))
    if reports and len(errors) == len(reports) and all(isinstance(one, KeyUnavailable) for one in errors):
        raise errors[0]
    return tuple(reports)


def _outcomes(
    store: ParcelStore,
    newest: Sequence[ParcelEntry],
    entries: Mapping[str, ParcelEntry],
    identities: Sequence[str],
    *,
    out_dir: Path,
    everything: bool,
    workers: int | None,
) -> Iterator[RestoreReport | BeamkeeperError]:
    """Yield how each patient's restoration ended, in order: in processes, or in threads of this one."""
    concerned = {entry.pseudonym for entry in newest}
    mine = [entry for entry in entries.values() if entry.pseudonym in concerned]
    count = worker_count(store, mine, len(newest)) if workers is None else workers
    if not count or not isinstance(store, LocalStore):

        def restore(entry: ParcelEntry) -> RestoreReport | BeamkeeperError:
            try:
                return restore_patient(
                    store,
                    entry,
                    entries,
                    identities=identities,
                    out_dir=out_dir / entry.pseudonym,
                    everything=everything,
                )
            except BeamkeeperError as error:
                return error

        yield from in_parallel(restore, newest)
        return
    tasks = (
        {
            "work": "restore",
            "newest": entry.path,
            "out_dir": os.fspath(out_dir / entry.pseudonym),
            "everything": everything,
        }
        for entry in newest
    )
    with Workers(store, entries.values(), identities, count=count) as processes:
        for entry, answer in zip(newest, processes.run(tasks), strict=True):
            if isinstance(answer, WorkerEnded):
                _sweep(out_dir / entry.pseudonym)
            yield answer if isinstance(answer, BeamkeeperError) else _report_of(answer)


def _report_of(answer: Mapping[str, Any]) -> RestoreReport:
    """Return the report in what a worker answered."""
    failures = tuple(RestoreFailure(**failure) for failure in answer["failures"])
    night, out_dir = date.fromisoformat(answer["night"]), Path(answer["out_dir"])
    return RestoreReport(**{**answer, "night": night, "out_dir": out_dir, "failures": failures})


def _told(entry: ParcelEntry, out_dir: Path, outcome: RestoreReport | BeamkeeperError) -> RestoreReport:
    """Return the report of a patient, also of one whose newest parcel could not be read."""
    if isinstance(outcome, RestoreReport):
        return outcome
    reason = " ".join(text for text in (outcome.message, outcome.do_next) if text)
    failure = RestoreFailure(name="", reason=reason, parcel=entry.path)
    return RestoreReport(pseudonym=entry.pseudonym, night=entry.night, out_dir=out_dir, failures=(failure,))


def _sweep(folder: Path) -> None:
    """Remove what a process that was killed left unproved."""
    for left in folder.glob(f"{STAGING_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


def verify_contents(
    store: ParcelStore,
    entries: Sequence[ParcelEntry],
    identities: Sequence[str],
    *,
    lost: Sequence[LostParcel] = (),
    workers: int | None = None,
    progress: Progress | None = None,
) -> VaultReport:
    """Open every parcel and compare every file with the digests that the states promise.

    Parameters
    ----------
    lost
        Statements about parcels that are gone: what they held must be found where they say.
    workers
        As for `restore_all`.
    """
    ticker = Ticker(sum(entry.size_bytes for entry in entries), progress)
    ordered = sorted(entries, key=lambda entry: (entry.pseudonym, entry.night, entry.number))
    patients = [tuple(group) for _, group in groupby(ordered, key=lambda entry: entry.pseudonym)]
    count = worker_count(store, entries, len(patients)) if workers is None else workers
    total = VaultReport(parcel_count=len(entries), size_bytes=sum(entry.size_bytes for entry in entries))
    by_path = {one.entry.path: one for one in lost}
    moved = {path: sorted(held_in(path, by_path)) for path in by_path}
    for group, report in zip(patients, _opened(store, patients, identities, moved, count), strict=True):
        ticker(sum(entry.size_bytes for entry in group))
        total = replace(
            total,
            problems=total.problems + report.problems,
            opened_count=total.opened_count + report.opened_count,
            file_count=total.file_count + report.file_count,
        )
    return total


def _opened(
    store: ParcelStore,
    patients: Sequence[Sequence[ParcelEntry]],
    identities: Sequence[str],
    moved: Mapping[str, Sequence[str]],
    count: int,
) -> Iterator[VaultReport]:
    """Yield what was found in each patient's parcels, in order."""
    if not count or not isinstance(store, LocalStore):
        yield from in_parallel(lambda group: verify_patient(store, group, identities, moved=moved), patients)
        return
    tasks = ({"work": "open", "paths": [entry.path for entry in group], "moved": moved} for group in patients)
    entries = (entry for group in patients for entry in group)
    with Workers(store, entries, identities, count=count) as processes:
        for group, answer in zip(patients, processes.run(tasks), strict=True):
            if isinstance(answer, BeamkeeperError):
                problems = tuple(Problem(path=entry.path, what=answer.message) for entry in group)
                yield VaultReport(parcel_count=len(group), size_bytes=0, problems=problems)
            else:
                problems = tuple(Problem(**problem) for problem in answer["problems"])
                counts = {name: answer[name] for name in ("parcel_count", "opened_count", "file_count")}
                yield VaultReport(**counts, size_bytes=0, problems=problems)
