"""Collecting one patient while the network is there, and handing it on when it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.jobs.gathered import Gathered, gathered
from beamkeeper.app.jobs.night_notes import GATHERED
from beamkeeper.app.jobs.notes import read_note, write_note
from beamkeeper.app.jobs.progress import Event
from beamkeeper.errors import BeamkeeperError, StorageFull
from beamkeeper.protect.collect import collect_patient

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from beamkeeper.app.jobs.looked import ListedPatient
    from beamkeeper.app.jobs.network import Online
    from beamkeeper.app.jobs.night_notes import NightNotes
    from beamkeeper.app.jobs.progress import Listener
    from beamkeeper.app.jobs.pushed import Pushed
    from beamkeeper.app.jobs.sources import Sources
    from beamkeeper.protect.collect import Collection


class Gathering:
    """Collects the patients of one night; safe to ask from several threads.

    Parameters
    ----------
    deadline
        When asking ends, asked anew each time.
    now
        The present instant.
    """

    def __init__(
        self,
        sources: Sources,
        pushed: Pushed,
        notes: NightNotes,
        online: Online,
        *,
        deadline: Callable[[], datetime],
        now: Callable[[], datetime],
        tell: Listener,
    ) -> None:
        self._sources, self._pushed, self._notes, self._online = sources, pushed, notes, online
        self._deadline, self._now, self._tell = deadline, now, tell

    def gather(self, listed: ListedPatient) -> None:
        """Collect a patient and note it; what keeps one from being collected is noted too.

        A whole note that nobody has looked at yet stays: this try was interrupted after it.
        """
        note = self._notes.of_patient(listed.pseudonym, GATHERED)
        looked_at = self._notes.of_patient(listed.pseudonym, "looked").exists()
        before = read_note(note, Gathered)
        if before is not None and before.is_complete and not looked_at:
            return
        note.unlink(missing_ok=True)
        try:
            found = gathered(*self.collect(listed))
        except StorageFull:
            raise
        except BeamkeeperError as error:
            found = Gathered(error=" ".join(text for text in (error.message, error.do_next) if text))
        write_note(note, found)

    def collect(self, listed: ListedPatient) -> tuple[Collection, frozenset[str]]:
        """Return what was gathered of a patient, or collect it now; second, what was sent unasked."""
        noted = read_note(self._notes.of_patient(listed.pseudonym, GATHERED), Gathered)
        if noted is not None:
            return noted.collection(), noted.pushed
        self._online.go_on()
        patient_id = listed.entry.patient.patient_id
        collection = collect_patient(
            patient_id,
            self._sources.patient_sources,
            self._sources.arrivals,
            deadline=self._deadline(),
            now=self._now,
            on_progress=lambda done, total: self._tell(
                Event(step="look", phase="progress", pseudonym=listed.pseudonym, done=done, total=total)
            ),
        )
        collection, pushed = self._pushed.with_pushed(patient_id, collection)
        self._sources.arrivals.forget(collection.expected)
        return collection, pushed
