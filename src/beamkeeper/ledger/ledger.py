"""The ledger's face: one object, typed questions, frozen answers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from beamkeeper.ledger.database import Database, prepare_django

prepare_django()  # the models below can only be imported once Django knows what the ledger is

from beamkeeper.ledger import changes, identities, kept_documents, nights, patients  # noqa: E402
from beamkeeper.ledger.audit import Audit  # noqa: E402
from beamkeeper.ledger.mirrors import Mirrors  # noqa: E402
from beamkeeper.ledger.removals import Removals  # noqa: E402
from beamkeeper.ledger.votes import Votes  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from beamkeeper.domain.census import Census
    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.identity import KnownPerson
    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.ledger.rows import (
        AnnouncementRow,
        ChangeRow,
        DocumentRow,
        NightRow,
        PatientRow,
        PositionRow,
    )
    from beamkeeper.vault.state import StoredObject


class Ledger:
    """What we remember between nights; everything but the audit log can be rebuilt from the vault.

    May be used from many threads and processes at once: each call takes a connection of its own
    thread and hangs up again, unless it stands inside `session()`. Every call raises
    `LedgerUnavailable` or `StorageFull` when the database gives no answer or has no room.

    Parameters
    ----------
    database
        From `Ledger.open`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.audit = Audit(database)
        self.votes = Votes(database)
        self.mirrors = Mirrors(database)
        self.removals = Removals(database)

    @classmethod
    def open(cls, url: str, *, secret: str = "") -> Ledger:
        """Return the ledger at `url` (`sqlite:////path/ledger.db`, `postgresql://user@host/name`).

        The SQLite file is created, readable by its owner only; `migrate` makes the tables.

        Raises
        ------
        ConfigError
            Not such a URL, or one with a password inside (give it as `secret`).
        StorageFull
            The file cannot be created.
        """
        database = Database(url, secret=secret)
        database.create_file()
        return cls(database)

    def migrate(self) -> None:
        """Bring the tables to this version; harmless when they are."""
        self._database.migrate()

    @contextmanager
    def session(self) -> Iterator[None]:
        """Keep one connection open for the calls inside: for many small ones in a row."""
        with self._database.session():
            yield

    # Nights

    def begin_night(self, run_on: date, started_at: datetime) -> NightRow:
        """Begin the night of a local date; a second call returns the one that began."""
        with self._database.session():
            return nights.begin_night(self._database.alias, run_on, started_at)

    def finish_night(
        self, run_on: date, *, finished_at: datetime, outcome: str, summary: Mapping[str, object]
    ) -> NightRow:
        """Note how a night ended (`NightOutcome`); the last word counts. ValueError when it never began."""
        with self._database.session():
            return nights.finish_night(
                self._database.alias, run_on, finished_at=finished_at, outcome=outcome, summary=summary
            )

    def night(self, run_on: date) -> NightRow | None:
        """Return the night of a local date; None when none began."""
        with self._database.session():
            return nights.find_night(self._database.alias, run_on)

    def nights(self, limit: int = 60) -> tuple[NightRow, ...]:
        """Return the last nights, newest first."""
        with self._database.session():
            return nights.latest_nights(self._database.alias, limit)

    def last_complete_night(self) -> NightRow | None:
        """Return the newest night that ended complete; None before the first one."""
        with self._database.session():
            return nights.last_complete_night(self._database.alias)

    # Patients

    def upsert_patient(
        self, pseudonym: str, patient: Patient, *, seen_on: date, finished: bool = False
    ) -> PatientRow:
        """Note what is known of a patient on a day; older facts never replace newer ones."""
        with self._database.session():
            return patients.upsert_patient(
                self._database.alias, pseudonym, patient, seen_on=seen_on, finished=finished
            )

    def patient(self, pseudonym: str) -> PatientRow | None:
        """Return one patient; None when unknown."""
        with self._database.session():
            return patients.find_patient(self._database.alias, pseudonym)

    def patients(self) -> tuple[PatientRow, ...]:
        """Return every patient the vault knows, by pseudonym."""
        with self._database.session():
            return patients.patients(self._database.alias)

    def patient_by_id(self, patient_id: str) -> tuple[PatientRow, ...]:
        """Return the patients with that Patient ID: none, one, or several of different issuers."""
        with self._database.session():
            return patients.patients(self._database.alias, patient_id)

    def remember_identities(self, pseudonym: str, stated: Iterable[Patient]) -> None:
        """Keep ways in which the person behind a folder was stated; the same one twice is one."""
        with self._database.session():
            identities.remember_identities(self._database.alias, pseudonym, stated)

    def persons_with_id(self, patient_id: str) -> tuple[KnownPerson, ...]:
        """Return everybody kept under a Patient ID, with every way in which they were stated."""
        with self._database.session():
            return identities.persons_with_id(self._database.alias, patient_id)

    def folders_by_id(self) -> Mapping[str, frozenset[str]]:
        """Return every pseudonym by each Patient ID that its person was ever stated with."""
        with self._database.session():
            return identities.folders_by_id(self._database.alias)

    # Objects

    def current_objects(self, pseudonym: str) -> tuple[StoredObject, ...]:
        """Return every version kept of a patient's objects, superseded and absent ones included."""
        with self._database.session():
            return patients.kept_objects(self._database.alias, pseudonym)

    def record_objects(self, pseudonym: str, objects: Iterable[StoredObject]) -> int:
        """Keep versions of objects, all or none, and return how many; a known version is updated."""
        with self._database.session():
            return patients.record_objects(self._database.alias, pseudonym, objects)

    def held_by_others(self, pseudonym: str, sop_instance_uids: Collection[str]) -> Mapping[str, str]:
        """Return under whom else these objects stand, not gone and not superseded: by UID, the pseudonym."""
        with self._database.session():
            return patients.held_by_others(self._database.alias, pseudonym, sop_instance_uids)

    def known_uids(self, sop_instance_uids: Collection[str]) -> frozenset[str]:
        """Return which of these SOP Instance UIDs any version is kept of, whoever it is of."""
        with self._database.session():
            return patients.known_uids(self._database.alias, sop_instance_uids)

    def series_counts(self, pseudonym: str, modality: str) -> Mapping[str, int]:
        """Return by Series Instance UID how many of a patient's objects of a modality are kept."""
        with self._database.session():
            return patients.series_counts(self._database.alias, pseudonym, modality)

    def with_digests(self, sha256s: Collection[str]) -> Mapping[str, StoredObject]:
        """Return one kept object for each of these digests that is kept, whoever it is of."""
        with self._database.session():
            return patients.with_digests(self._database.alias, sha256s)

    def known_digests(self) -> Iterator[bytes]:
        """Yield the SHA-256 of every kept version, 32 bytes each, ascending, in bounded memory."""
        with self._database.session():
            yield from patients.known_digests(self._database.alias)

    # Documents

    def documents(self, pseudonym: str) -> tuple[DocumentRow, ...]:
        """Return every version kept of a patient's documents, superseded and absent ones included."""
        with self._database.session():
            return kept_documents.kept_documents(self._database.alias, pseudonym)

    def record_documents(self, pseudonym: str, documents: Iterable[DocumentRow]) -> int:
        """Keep versions of documents, all or none, and return how many; a known version is updated."""
        with self._database.session():
            return kept_documents.record_documents(self._database.alias, pseudonym, documents)

    # Changes

    def record_changes(self, run_on: date, pseudonym: str, comparisons: Sequence[ObjectComparison]) -> None:
        """Keep a night's verdicts on one patient; a second call replaces the first."""
        with self._database.session():
            changes.record_changes(self._database.alias, run_on, pseudonym, comparisons)

    def changes(self, run_on: date | None = None, pseudonym: str | None = None) -> tuple[ChangeRow, ...]:
        """Return the verdicts of one night, of one patient over the nights, or all; oldest first."""
        with self._database.session():
            return changes.find_changes(self._database.alias, run_on, pseudonym)

    def announce(self, announcement: AnnouncementRow) -> None:
        """Keep an announcement; the same one twice is one."""
        with self._database.session():
            changes.announce(self._database.alias, announcement)

    def announcements(self, at: datetime | None = None) -> tuple[AnnouncementRow, ...]:
        """Return the announcements that count at an instant (None: all ever made)."""
        with self._database.session():
            return changes.announcements(self._database.alias, at)

    # Lists and positions

    def record_census(self, run_on: date, census: Census) -> None:
        """Keep the list of a night; a second call replaces it."""
        with self._database.session():
            nights.record_census(self._database.alias, run_on, census)

    def last_census(self, *, before: date | None = None) -> Census | None:
        """Return the newest list, with `before` only of earlier nights; None when there is none.

        A night that is resumed must ask for the list before its own: its own already says who finished.
        """
        with self._database.session():
            return nights.last_census(self._database.alias, before)

    def census_of(self, run_on: date) -> Census | None:
        """Return the list of one night; None when there is none."""
        with self._database.session():
            return nights.census_of(self._database.alias, run_on)

    def record_position(
        self, run_on: date, pseudonym: str, position: CoursePosition, *, as_of: datetime | None = None
    ) -> None:
        """Keep where a patient stood in a night, or at an instant of that date; a second call replaces it."""
        with self._database.session():
            nights.record_position(self._database.alias, run_on, pseudonym, position, as_of)

    def positions(self, run_on: date | None = None, pseudonym: str | None = None) -> tuple[PositionRow, ...]:
        """Return positions of one night, of one patient over the nights, or all; oldest first."""
        with self._database.session():
            return nights.positions(self._database.alias, run_on, pseudonym)

    def newest_position(self, pseudonym: str) -> CoursePosition | None:
        """Return where a patient stood last; None when that was never noted."""
        with self._database.session():
            return nights.newest_position(self._database.alias, pseudonym)
