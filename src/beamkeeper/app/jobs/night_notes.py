"""The notes in one night's folder: what a step hands to the next, and what goes when the night is done."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.document_notes import PatientDocuments
from beamkeeper.app.jobs.looked import ListedPatient, Looked, SealedNote, TonightList, with_documents
from beamkeeper.app.jobs.notes import read_note
from beamkeeper.app.jobs.pushed import remove_packs_but
from beamkeeper.errors import NightInterrupted

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

LIST_NAME = "list.json"
ALARM_NAME = "alarm.json"
UNCLAIMED_NAME = "unclaimed.json"
GATHERED = "gathered"
"""Kind of note: what was collected while the network was there."""
UNLISTED = "unlisted"
"""Kind of note: persons whom only the objects under somebody's Patient ID name."""
DOCUMENTS = "documents"
"""Kind of note: what was found of a patient's documents; and the folder with those on their way."""
DRAWN = "drawn"
"""Where what is drawn from lies in clear, and how long was drawn."""
WORKING_FOLDERS = ("scratch", "patients", DOCUMENTS, DRAWN)
LOST_NAME = "lost.json"
AUDIT_NAME = "audit.json"
WORKING_FILES = ("known.sha256", LIST_NAME, ALARM_NAME, LOST_NAME, AUDIT_NAME)


class NightNotes:
    """Reads the notes of one night.

    Parameters
    ----------
    folder
        The night's working folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: tuple[os.stat_result, TonightList] | None = None

    def tonight(self) -> TonightList:
        """Return the list, with whom only the objects named."""
        notes = sorted((self._folder / "patients").glob(f"*.{UNLISTED}.json"))
        some = (read_note(note, tuple[ListedPatient, ...]) or () for note in notes)
        unlisted = {item.pseudonym: item for items in some for item in items}
        return replace(self.listed_tonight(), unlisted=tuple(unlisted.values()))

    def listed_tonight(self) -> TonightList:
        """Return the list as the sources gave it; read once, since every patient's steps ask for it."""
        path, held = self._folder / LIST_NAME, self._listed
        try:
            written = path.stat()
        except FileNotFoundError:
            written = None
        if written is not None and held is not None and _is_same(held[0], written):
            return held[1]
        tonight = read_note(path, TonightList)
        if tonight is None or written is None:
            raise NightInterrupted("Tonight's list is gone.", do_next="Run the night again.")
        self._listed = (written, tonight)
        return tonight

    def listed(self, pseudonym: str) -> ListedPatient:
        """Return one patient of the list."""
        return next(item for item in self.listed_tonight().patients() if item.pseudonym == pseudonym)

    def with_same_id(self, listed: ListedPatient) -> tuple[ListedPatient, ...]:
        """Return everybody on the list with one's Patient ID, that one included."""
        patient_id = listed.entry.patient.patient_id
        everybody = self.listed_tonight().patients()
        return tuple(item for item in everybody if item.entry.patient.patient_id == patient_id)

    def unlisted_with(self, pseudonym: str) -> tuple[ListedPatient, ...]:
        """Return whom only the objects named that came for somebody on the list."""
        return read_note(self.of_patient(pseudonym, UNLISTED), tuple[ListedPatient, ...]) or ()

    def of_patient(self, pseudonym: str, what: str) -> Path:
        """Return where a note about a patient lies."""
        return self._folder / "patients" / f"{pseudonym}.{what}.json"

    def looked(self, pseudonym: str) -> Looked:
        """Return what looking at a patient found, documents included."""
        looked = read_note(self.of_patient(pseudonym, "looked"), Looked)
        if looked is None:
            raise NightInterrupted("A patient's working file is gone.", do_next="Run the night again.")
        return with_documents(looked, read_note(self.of_patient(pseudonym, DOCUMENTS), PatientDocuments))

    def all_looked(self) -> Iterator[Looked]:
        """Return what looking at everybody found."""
        return map(self.looked, self.tonight().everybody)

    def sealed(self, pseudonym: str) -> SealedNote:
        """Return which parcel a patient got."""
        return read_note(self.of_patient(pseudonym, "sealed"), SealedNote) or SealedNote(
            error="The patient was not sealed."
        )


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_ino, one.st_mtime_ns, one.st_size) == (other.st_ino, other.st_mtime_ns, other.st_size)


def remove_working_files(folder: Path) -> None:
    """Remove what a finished night does not need any more; harmless when it is gone already.

    What was sent unasked and is in no parcel stays in the spool: success was answered for it.
    """
    packs = read_note(folder / UNCLAIMED_NAME, tuple[str, ...]) or ()
    if packs:
        remove_packs_but(folder / "spool", frozenset(packs))
    for name in WORKING_FOLDERS if packs else ("spool", *WORKING_FOLDERS):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in WORKING_FILES if packs else (*WORKING_FILES, UNCLAIMED_NAME):
        (folder / name).unlink(missing_ok=True)
