"""Documents in the night: fetched while the network is there, after everything that is DICOM.

A share that is down stops nothing: the night goes on, and says of each patient whose documents it could not
look at that it could not. A share that hangs is left behind.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.document_comparing import Comparing
from beamkeeper.app.jobs.document_notes import PatientDocuments, document_members, rows_after, there
from beamkeeper.app.jobs.document_patient import DocumentFetcher, unanswered
from beamkeeper.app.jobs.document_shares import NightShare, connect_documents
from beamkeeper.app.jobs.night_notes import DOCUMENTS
from beamkeeper.app.jobs.notes import read_note, write_note
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.documents import landlock_version

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from beamkeeper.app.jobs.looked import ListedPatient, Looked
    from beamkeeper.app.jobs.night_notes import NightNotes
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.ledger import DocumentRow
    from beamkeeper.vault import Member
    from beamkeeper.wire.dicom.spool import SpoolReader

SILENCE_S_MAX: Final = 300.0
"""So long a share may take for one document; a mounted one that hangs cannot be cut off."""
POLL_S: Final = 0.2
READING_S_MAX: Final = 600.0
"""So long a night reads text of changed documents; what is left is told by its bytes."""
NO_LANDLOCK: Final = (
    "Documents were read behind limits alone: this kernel gives no Landlock (`beamkeeper doctor` says more)."
)
HANGS: Final = "the share hangs: it gave no answer before the time for it was over"


class Documents:
    """The documents of one night.

    Parameters
    ----------
    folder
        The night's working folder.
    lost
        Returns the parcels that were gone when this try began.
    deadline
        When fetching ends, asked anew each time.
    """

    def __init__(
        self,
        runtime: Runtime,
        notes: NightNotes,
        spool: SpoolReader,
        folder: Path,
        run_on: date,
        *,
        lost: Callable[[], Collection[str]],
        deadline: Callable[[], datetime],
    ) -> None:
        self._run = runtime
        self._notes = notes
        self._spool = spool
        self._staging = folder / DOCUMENTS
        self._scratch = folder / "scratch" / DOCUMENTS
        self._run_on = run_on
        self._lost = lost
        self._deadline = deadline
        self._reading_s = READING_S_MAX

    @property
    def is_wanted(self) -> bool:
        """Whether the site file names any share with documents."""
        return bool(self._run.site.documents)

    def kept(self, pseudonym: str) -> tuple[DocumentRow, ...]:
        """Return every version the vault holds of a patient's documents."""
        return there(self._run.ledger.documents(pseudonym), self._lost())

    def after(self, looked: Looked) -> tuple[DocumentRow, ...]:
        """Return every version the vault will hold of a patient's documents after tonight."""
        return rows_after(self.kept(looked.night.pseudonym), looked.documents, night=self._run_on)

    def members(self, rows: Iterable[DocumentRow]) -> list[Member]:
        """Return the documents that are new, for the patient's parcel."""
        return document_members(rows, self._staging)

    def fetch_all(self) -> int:
        """Fetch what is not fetched yet of everybody on the list; return of how many it was asked.

        Raises
        ------
        StorageFull
            No room on the collector's own disk.
        """
        waiting = [
            listed
            for listed in self._notes.listed_tonight().patients()
            if not self._notes.of_patient(listed.pseudonym, DOCUMENTS).exists()
        ]
        round_ = _Round(self._fetcher(waiting), waiting, self._keep)
        for listed in round_.run(silence_s=SILENCE_S_MAX):
            self._keep(listed, unanswered(listed, HANGS))
        return len(waiting)

    def compare_all(self) -> None:
        """Say of everybody's fetched documents what is new and what changed; done once."""
        for listed in self._notes.listed_tonight().patients():
            found = read_note(self._notes.of_patient(listed.pseudonym, DOCUMENTS), PatientDocuments)
            if found is not None and not found.is_compared:
                self._keep(listed, self._compared(listed.pseudonym, found))

    def remarks(self) -> tuple[str, ...]:
        """Return what the report says once of how documents are read; nothing where all is well."""
        if not self.is_wanted or landlock_version():
            return ()
        return (NO_LANDLOCK,)

    def _compared(self, pseudonym: str, found: PatientDocuments) -> PatientDocuments:
        scratch = self._scratch / pseudonym
        kept = self.kept(pseudonym)
        comparing = Comparing(self._run, self._staging, self._spool, kept=kept, scratch=scratch)
        self._reading_s, comparisons, samples = comparing.compare(found.found, reading_s=self._reading_s)
        return replace(
            found, comparisons=(*found.comparisons, *comparisons), samples=tuple(samples), is_compared=True
        )

    def _fetcher(self, waiting: Sequence[ListedPatient]) -> DocumentFetcher:
        site = self._run.site
        return DocumentFetcher(
            site,
            {
                section.name: NightShare(partial(connect_documents, section, site))
                for section in site.documents
            },
            patient_ids=[one.entry.patient.patient_id for one in self._notes.listed_tonight().patients()],
            kept={listed.pseudonym: self.kept(listed.pseudonym) for listed in waiting},
            staging=self._staging,
            run_on=self._run_on,
            deadline=self._deadline(),
            now=self._run.clock.now,
        )

    def _keep(self, listed: ListedPatient, found: PatientDocuments) -> None:
        write_note(self._notes.of_patient(listed.pseudonym, DOCUMENTS), found)


class _Round:
    """One pass over patients in a thread of its own, which is left behind when a share hangs."""

    def __init__(
        self,
        fetcher: DocumentFetcher,
        waiting: Sequence[ListedPatient],
        keep: Callable[[ListedPatient, PatientDocuments], None],
    ) -> None:
        self._fetcher = fetcher
        self._waiting = tuple(waiting)
        self._keep = keep
        self._guard = threading.Lock()
        self._done = 0
        self._is_left = False
        self._failure: BeamkeeperError | None = None

    def run(self, *, silence_s: float) -> tuple[ListedPatient, ...]:
        """Fetch; return whom a share that hangs left without an answer."""
        worker = threading.Thread(target=self._work, name="documents", daemon=True)
        worker.start()
        while worker.is_alive():
            worker.join(POLL_S)
            if time.monotonic() - self._fetcher.heard_at > silence_s:
                break
        with self._guard:
            self._is_left = True
            if self._failure is not None:
                raise self._failure
            return self._waiting[self._done :]

    def _work(self) -> None:
        try:
            for listed in self._waiting:
                found = self._fetcher.fetch(listed)
                with self._guard:
                    if self._is_left:
                        return
                    self._keep(listed, found)
                    self._done += 1
        except BeamkeeperError as error:
            self._failure = error
        finally:
            self._fetcher.close()
