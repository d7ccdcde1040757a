"""The night: the order of things, every I/O in sequence (`docs/guide/first-night.md` tells it in words).

1. open: begin, remember which bytes the vault already has, start the receiver.
2. census: who must be kept.
   With a network window, it opens here; everybody is collected, and it is shut before anything else.
3. look, per patient: list, collect, compare, say where they stand. Then documents, where there are any.
4. judge: a mass change stops the night here, and the last good copies stay.
5. seal, per patient: new bytes and the complete state into one parcel, read back.
6. publish: name the parcels in signed metadata; only now they are stored.
7. report, seal the lists of the department, and tidy up.

Each step is idempotent and hands its result on as a note: the one that was interrupted runs again.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from beamkeeper.app.jobs import document_notes, sealing
from beamkeeper.app.jobs.again import told_with_earlier, unended_in_words, unended_nights
from beamkeeper.app.jobs.audited import audit_in_words
from beamkeeper.app.jobs.copy_words import copy_remarks
from beamkeeper.app.jobs.department import department_of_tonight
from beamkeeper.app.jobs.documents import Documents
from beamkeeper.app.jobs.dossiers import tonights_paper, with_paper
from beamkeeper.app.jobs.gathering import Gathering
from beamkeeper.app.jobs.held import Lost, digests_in, in_words, lost_parcels, settled, without_lost
from beamkeeper.app.jobs.hour_notes import hour_spool
from beamkeeper.app.jobs.judging import documents_alarm, night_alarm
from beamkeeper.app.jobs.listing import take_census
from beamkeeper.app.jobs.looked import (
    AlarmNote,
    ListedPatient,
    Looked,
    PatientFacts,
    SealedNote,
    TonightList,
)
from beamkeeper.app.jobs.looking import Looking, said
from beamkeeper.app.jobs.mirror_words import mirror_remarks
from beamkeeper.app.jobs.network import NO_AIR_GAP, Online, window_of
from beamkeeper.app.jobs.night_notes import (
    ALARM_NAME,
    AUDIT_NAME,
    DRAWN,
    LIST_NAME,
    LOST_NAME,
    UNCLAIMED_NAME,
    NightNotes,
    remove_working_files,
)
from beamkeeper.app.jobs.night_patients import as_reported
from beamkeeper.app.jobs.notes import read_note, write_note
from beamkeeper.app.jobs.old_metadata import tidy_metadata
from beamkeeper.app.jobs.progress import Event, silent
from beamkeeper.app.jobs.pushed import Pushed, hand_on_unasked
from beamkeeper.app.jobs.remembered import remembered
from beamkeeper.app.jobs.reporting import NOTE_NAME, build_report, nights_ahead, write_report
from beamkeeper.app.jobs.retention_words import retention_remarks
from beamkeeper.app.jobs.shares import Shares
from beamkeeper.app.jobs.sources import Sources
from beamkeeper.domain.night import NightOutcome, NightReport
from beamkeeper.errors import BeamkeeperError, StorageFull
from beamkeeper.protect.quorum import list_digest
from beamkeeper.vault import ParcelEntry
from beamkeeper.wire.dicom.known import KnownDigests, write_known

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path
    from typing import Self

    from beamkeeper.app.jobs.progress import Listener
    from beamkeeper.app.jobs.pushed import Unclaimed
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.vault import StoredDocument, StoredObject

ACTOR = "night"


class Nightly:
    """One night of one site; a context manager that holds the receiver.

    Parameters
    ----------
    run_on
        The local date this night belongs to.
    despite_alarm
        Why a person decided to seal although a mass change was found; "" to stop then.
    """

    def __init__(
        self, runtime: Runtime, run_on: date, *, listener: Listener = silent, despite_alarm: str = ""
    ) -> None:
        self._run = runtime
        self._run_on = run_on
        self._tell = listener
        self._despite_alarm = despite_alarm
        self._taken_up_at = runtime.clock.now()
        self._notes = NightNotes(self.folder)
        self._sources = Sources(runtime.site, spool_dir=self.folder / "spool", known_path=self._known_path)
        self._pushed = Pushed(self._sources.arrivals)
        self._online = Online(
            window_of(runtime.site),
            until=self._deadline,
            start=self._sources.start,
            stop=self._sources.stop,
        )
        self._gathering = Gathering(
            self._sources,
            self._pushed,
            self._notes,
            self._online,
            deadline=self._deadline,
            now=runtime.clock.now,
            tell=listener,
        )
        self._documents = Documents(
            runtime,
            self._notes,
            self._sources.arrivals.reader,
            self.folder,
            run_on,
            lost=lambda: self._lost,
            deadline=self._deadline,
        )
        shares = Shares(runtime, self._sources.arrivals.reader, self.folder, self._gathering.collect)
        self._looking = Looking(
            runtime,
            self._sources,
            self._notes,
            shares,
            scratch=self.folder / "scratch",
            lost=lambda: self._lost,
        )

    @property
    def folder(self) -> Path:
        """The night's working folder."""
        return self._run.site.night_dir(self._run_on)

    @property
    def _known_path(self) -> Path:
        return self.folder / "known.sha256"

    # 1 ------------------------------------------------------------------------------------------

    def open(self) -> dict[str, object]:
        """Begin the night, or begin it again."""
        self._tell(Event(step="open", phase="begin"))
        write_note(self.folder / AUDIT_NAME, audit_in_words(self._run))
        self._run.ledger.begin_night(self._run_on, self._run.clock.now())
        self._audit("night begun")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        hand_on_unasked(hour_spool(self._run.site), self.folder / "spool", writer_name="hour")
        known = self._write_known()
        return {
            "known": known,
            "apart": self._online.is_rationed,
            **({"documents": True} if self._documents.is_wanted else {}),
        }

    def _write_known(self) -> int:
        # Once a night: what this night seals must not count as known when the night is taken up again.
        if self._known_path.exists():
            with KnownDigests(self._known_path) as known:
                return len(known)
        lost = lost_parcels(self._run.vault, self._run.ledger)
        write_note(self.folder / LOST_NAME, lost)
        gone = digests_in(lost, self._run.ledger)
        there = (digest for digest in self._run.ledger.known_digests() if digest not in gone)
        return write_known(self._known_path, there)

    # 2 ------------------------------------------------------------------------------------------

    def census(self) -> dict[str, object]:
        """Ask every source of the list; return the pseudonyms of everybody on it."""
        self._tell(Event(step="census", phase="begin"))
        tonight = read_note(self.folder / LIST_NAME, TonightList)
        if tonight is None:
            self._online.go_on()
            tonight = take_census(self._run, self._sources, run_on=self._run_on)
            write_note(self.folder / LIST_NAME, tonight)
        self._run.ledger.record_census(self._run_on, tonight.census)
        self._tell(Event(step="census", phase="done", total=len(tonight.pseudonyms)))
        return {"pseudonyms": list(tonight.pseudonyms)}

    # 3 ------------------------------------------------------------------------------------------

    def collect(self, pseudonym: str) -> dict[str, object]:
        """Collect one patient and note it, for a look when the network is gone."""
        if not self._looking.is_done(pseudonym):
            self._gathering.gather(self._notes.listed(pseudonym))
        return {}

    def documents(self) -> dict[str, object]:
        """Fetch everybody's documents: after all that is DICOM, and while the network is there."""
        self._tell(Event(step="documents", phase="begin"))
        self._online.go_on()
        return {"patients": self._documents.fetch_all()}

    def leave(self) -> dict[str, object]:
        """Give the network back: nothing below needs it."""
        self._online.go_off()
        self._audit("network given back")
        return {}

    def look(self, pseudonym: str) -> dict[str, object]:
        """Collect one patient and compare; a patient's failure is a fact of the report, not the end."""
        looked = self._looking.look(pseudonym)
        if looked is None:
            return {"again": True}
        self._tell(Event(step="look", phase="done", pseudonym=pseudonym))
        return {"new": len(looked.arrived)}

    def _deadline(self) -> datetime:
        # From when this process took the night up: a night repeated at noon still gets its time.
        return self._taken_up_at + timedelta(minutes=self._run.site.night.window_minutes)

    # 4 ------------------------------------------------------------------------------------------

    def judge(self) -> dict[str, object]:
        """Return why nothing may be sealed, or an empty alarm."""
        self._tell(Event(step="judge", phase="begin"))
        self._online.go_off()  # nothing is asked for from here on, and nothing taken that is not sealed
        self._documents.compare_all()
        alarm = night_alarm(self._notes.all_looked()) or documents_alarm(self._notes.all_looked())
        note = AlarmNote(alarm=alarm, despite=self._despite_alarm if alarm else "")
        if alarm:
            self._audit("alarm", outcome="alarm", alarm=alarm, despite=note.despite)
        write_note(self.folder / ALARM_NAME, note)
        unlisted = [item.pseudonym for item in self._notes.tonight().unlisted]
        return {"alarm": alarm if note.stops else "", "unlisted": unlisted}

    # 5 ------------------------------------------------------------------------------------------

    def seal(self, pseudonym: str) -> dict[str, object]:
        """Seal what is new of one patient into one parcel, read back from the vault."""
        note = self._notes.of_patient(pseudonym, "sealed")
        looked = self._notes.looked(pseudonym)
        try:
            sealed = self._seal(looked)
        except StorageFull:
            raise
        except BeamkeeperError as error:
            sealed = SealedNote(error=said(error))
        write_note(note, sealed)
        self._tell(Event(step="seal", phase="done", pseudonym=pseudonym, total=sealed.size_bytes))
        return {"parcel": sealed.path}

    def _seal(self, looked: Looked) -> SealedNote:
        if looked.night.error:
            return SealedNote()
        pseudonym = looked.night.pseudonym
        kept, _ = self._held(pseudonym)
        after = sealing.tonights_state(looked, kept, night=self._run_on)
        newest = self._run.vault.latest(pseudonym)
        is_state_lost = newest is not None and newest.path in self._lost
        documents_before, documents = self._documents.kept(pseudonym), self._documents.after(looked)
        facts_before = self._facts_before(pseudonym)
        if not (
            is_state_lost
            or sealing.is_worth_sealing(kept, after, facts_before, looked.facts)
            or document_notes.is_other(documents_before, documents)
        ):
            return SealedNote()
        night = sealing.counted_on(self._run.vault, pseudonym, self._run_on)
        found = sealing.members(looked, after, self._sources.arrivals.reader)
        found += self._documents.members(documents)
        paper = tonights_paper(
            self._run, looked, after, documents, found,
            spool=self._sources.arrivals.reader, scratch=self.folder / DRAWN / pseudonym,
            night=night, as_of=self._taken_up_at,
        )  # fmt: skip
        state = sealing.patient_state(pseudonym, looked.facts, after, night=night, documents=documents)
        members, state = with_paper(paper, found, state)
        entry = self._run.vault.seal(pseudonym=pseudonym, night=night, members=members, state=state)
        return SealedNote(
            path=entry.path, sha256=entry.sha256, size_bytes=entry.size_bytes, dossier_error=paper.error
        )

    # 6 ------------------------------------------------------------------------------------------

    def publish(self) -> dict[str, object]:
        """Name tonight's parcels in signed metadata, then take them into the ledger."""
        self._tell(Event(step="publish", phase="begin"))
        entries = [
            ParcelEntry(path=note.path, sha256=note.sha256, size_bytes=note.size_bytes)
            for note in map(self._notes.sealed, self._notes.tonight().everybody)
            if note.path
        ]
        if not any(map(self._was_fed, self._notes.tonight().everybody)):
            # Fresh metadata would tell a watcher that this vault is fed: let it turn stale.
            self._audit("nothing to publish", outcome="nobody kept")
            return {"parcels": 0}
        lost = settled(
            self._run.vault,
            self._run.ledger,
            after=self._held_after,
            newest={entry.pseudonym: entry.path for entry in entries},
            noticed_on=self._run_on,
        )
        now = self._run.clock.now()
        version = self._run.vault.publish(
            entries,
            night=self._run_on,
            now=now,
            expires_at=now + self._run.site.fresh_for,
            keys=self._run.keys,
            audit_head=self._run.ledger.audit.head(),
            lost=lost,
        )
        for listed in self._notes.tonight().patients():
            self._take_into_ledger(listed)
        for one in lost:
            self._audit("lost parcel stated", parcel=one.entry.path, held_in=list(one.held_in))
        self._audit("vault published", version=version, parcels=len(entries))
        tidy_metadata(self._run, actor=ACTOR)
        self._tell(Event(step="publish", phase="done", total=len(entries)))
        return {"parcels": len(entries)}

    def _held_after(self, pseudonym: str) -> tuple[StoredObject | StoredDocument, ...]:
        """Return every version the vault holds of a patient once tonight is published."""
        kept, _ = self._held(pseudonym)
        documents = self._documents.kept(pseudonym)
        listed = pseudonym in self._notes.tonight().everybody
        if listed and (path := self._notes.sealed(pseudonym).path):
            looked = self._notes.looked(pseudonym)
            kept = tuple(sealing.in_parcel(sealing.tonights_state(looked, kept, night=self._run_on), path))
            documents = tuple(document_notes.in_parcel(self._documents.after(looked), path))
        return (*kept, *(row.stored for row in documents))

    def _was_fed(self, pseudonym: str) -> bool:
        return not self._notes.looked(pseudonym).night.error and not self._notes.sealed(pseudonym).error

    def _take_into_ledger(self, listed: ListedPatient) -> None:
        ledger, pseudonym = self._run.ledger, listed.pseudonym
        looked, sealed = self._notes.looked(pseudonym), self._notes.sealed(pseudonym)
        if looked.night.error or sealed.error:
            return
        counted_on = sealing.counted_on(self._run.vault, pseudonym, self._run_on)
        with ledger.session():
            ledger.upsert_patient(
                pseudonym, listed.entry.patient, seen_on=counted_on, finished=listed.entry.finished
            )
            ledger.remember_identities(pseudonym, looked.facts.known_as)
            # The changes before the objects: once an object is known, no later try finds its change again.
            told = told_with_earlier(self._run.ledger, self.folder, looked, self._run_on)
            ledger.record_changes(self._run_on, pseudonym, told.comparisons)
            if sealed.path:
                kept, _ = self._held(pseudonym)
                after = sealing.tonights_state(looked, kept, night=self._run_on)
                ledger.record_objects(pseudonym, sealing.in_parcel(after, sealed.path))
            documents = self._documents.after(looked)
            ledger.record_documents(pseudonym, document_notes.in_parcel(documents, sealed.path))
            if looked.night.position is not None:
                ledger.record_position(counted_on, pseudonym, looked.night.position)
        write_note(self._run.facts_path(pseudonym), looked.facts)

    # 7 ------------------------------------------------------------------------------------------

    def report(self) -> dict[str, object]:
        """Write the report; return how the night ended."""
        self._tell(Event(step="report", phase="begin"))
        self._sources.stop()  # taken up again after `judge`, it listened once more
        unclaimed = self._unclaimed()
        write_note(self.folder / UNCLAIMED_NAME, tuple(sorted(unclaimed.packs())))
        report = self._build_report(unclaimed)
        write_report(self.folder, report, list_digest=list_digest(report))
        self._run.ledger.finish_night(
            self._run_on,
            finished_at=report.finished_at,
            outcome=report.outcome.value,
            summary={
                "patients": len(report.patients),
                "whole": sum(patient.is_whole for patient in report.patients),
                "eyes": report.eyes_count,
                "documents": sum(patient.document_count for patient in report.patients),
                "alarm": bool(report.alarm),
            },
        )
        self._audit("night ended", outcome=report.outcome.value, eyes=report.eyes_count)
        return {"outcome": report.outcome.value}

    def _build_report(self, unclaimed: Unclaimed) -> NightReport:
        judged = read_note(self.folder / ALARM_NAME, AlarmNote) or AlarmNote()
        nights = as_reported(self._run.ledger, self._notes, self.folder, self._run_on, stopped=judged.stops)
        return build_report(
            self._run,
            self._run_on,
            self._notes.tonight(),
            nights,
            alarm=judged.alarm,
            stopped=judged.stops,
            losses=(
                *in_words(self._lost),
                *self._unended(at_stake=True),
                *self._sources.losses(),
                *unclaimed.in_words(self.folder / "spool"),
            ),
            warnings=(
                *self._sources.turned_away(known=True),
                *(read_note(self.folder / AUDIT_NAME, tuple[str, ...]) or ()),
            ),
            remarks=(
                *self._unended(at_stake=False),
                *nights_ahead(self._run.vault.nights(), self._run_on),
                *mirror_remarks(self._run.site, self._run.ledger),
                *copy_remarks(self._run.site, self._run.ledger),
                *retention_remarks(self._run.ledger),
                *self._sources.remarks(),
                *self._documents.remarks(),
                *(() if self._online.is_rationed else (NO_AIR_GAP,)),
            ),
            page_only=self._sources.file_names(),
        )

    def _unended(self, *, at_stake: bool) -> tuple[str, ...]:
        days = unended_nights(self._run.ledger.nights(), self._run_on)
        said = (unended_in_words(day, self._run.site.night_dir(day)) for day in days)
        return tuple(sentence for sentence, lost in said if lost == at_stake)

    def _unclaimed(self) -> Unclaimed:
        patient_ids = [entry.patient.patient_id for entry in self._notes.tonight().census.entries]
        taken = (pair for looked in self._notes.all_looked() for pair in looked.seen)
        return self._pushed.unclaimed(taken, patient_ids)

    def close(self) -> dict[str, object]:
        """Remove the working files: what stays is the report, the ledger and the vault."""
        self._sources.stop()
        department_of_tonight(self._run, self._run_on)
        report = read_note(self.folder / NOTE_NAME, NightReport)
        if report is not None and report.outcome is not NightOutcome.STOPPED:
            remove_working_files(self.folder)
        self._tell(Event(step="close", phase="done"))
        return {}

    # Notes ---------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write_known()
        if not self._online.is_rationed:
            self._sources.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._sources.stop_receiver()  # threads are in mid-question: a release would wait for them
        else:
            self._online.go_off()

    def _held(self, pseudonym: str) -> tuple[tuple[StoredObject, ...], Lost]:
        return without_lost(self._run.ledger.current_objects(pseudonym), self._lost)

    @cached_property
    def _lost(self) -> frozenset[str]:
        """Parcels that were gone when this try began, as it took what is known."""
        return frozenset(read_note(self.folder / LOST_NAME, tuple[str, ...]) or ())

    def _facts_before(self, pseudonym: str) -> PatientFacts | None:
        return remembered(self._run.facts_path(pseudonym))

    def _audit(self, action: str, *, outcome: str = "ok", **details: object) -> None:
        self._run.ledger.audit.append(
            action,
            actor=ACTOR,
            outcome=outcome,
            details={"run_on": self._run_on.isoformat(), **details},
            at=self._run.clock.now(),
        )
