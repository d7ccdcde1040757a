"""The hour: a small piece of the night for patients with new treatment records.

1. find: which records the archives have that the ledger does not know; one question each, as a rule.
2. bring: these records and nothing else; then the network is given back.
3. look, per patient: read, count the position; what leaves a doubt is left for the night.
4. seal, per patient: the new records, the complete state, the sheet of what was delivered.
5. publish: between two nights, so that restore, mirrors and rebuilding see today's fractions.
6. take into the ledger; then the sheets in clear, and what to ask with next time.

A look that is killed at any point leaves nothing half done: what was not published is found again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.jobs import sealing
from beamkeeper.app.jobs.hour_find import Finding, Found
from beamkeeper.app.jobs.hour_look import look_at_records
from beamkeeper.app.jobs.hour_notes import (
    COUNTS_NAME,
    LAST_NAME,
    LEFT_NAME,
    HourOutcome,
    HourReport,
    Left,
    LeftForNight,
    as_counts,
    hour_folder,
    hour_spool,
    read_counts,
    read_left,
)
from beamkeeper.app.jobs.hour_sheets import SHEET_NAME, keep_sheet, remove_old_sheets, sheet_of, stored_sheet
from beamkeeper.app.jobs.imprints import imprints_of
from beamkeeper.app.jobs.network import Online, window_of
from beamkeeper.app.jobs.notes import write_note
from beamkeeper.app.jobs.old_metadata import tidy_metadata
from beamkeeper.app.jobs.pushed import remove_packs_but
from beamkeeper.app.jobs.remembered import remembered
from beamkeeper.app.jobs.removals_here import go_on_with_removals
from beamkeeper.app.jobs.runtime import only_one, open_runtime
from beamkeeper.app.jobs.sources import Sources
from beamkeeper.app.jobs.tidying import nights_left
from beamkeeper.app.site import DicomSourceSection
from beamkeeper.app.site_hour import HourSection
from beamkeeper.clock import local_date
from beamkeeper.errors import AlreadyRunning, BeamkeeperError, StorageFull
from beamkeeper.protect.collect import ArchiveSource
from beamkeeper.vault.publishing import small_member
from beamkeeper.vault.state import THIS_PARCEL
from beamkeeper.wire.dicom.known import write_known

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from beamkeeper.app.jobs.hour_look import Came
    from beamkeeper.app.jobs.looked import Looked
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import NightRow
    from beamkeeper.vault import ParcelEntry, StoredObject

ACTOR = "hour"
LOG_BYTES_MAX = 1 << 20
NO_NIGHT = "No night has ended yet: there is nobody whose records could be added."
NIGHT_OPEN = "The night of {day} has not come to its end."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    looked: Looked
    entry: ParcelEntry
    after: tuple[StoredObject, ...]
    sheet: bytes


def run_hour(site: Site, clock: Clock, *, on_step: Callable[[str], None] = lambda _name: None) -> HourReport:
    """Fetch today's treatment records once, and those of the last days that are not kept; return how it went.

    A night that is at work, or was interrupted, goes before: then nothing is done and the report says so.

    Raises
    ------
    BeamkeeperError
        What kept us from looking, or from storing what came; the next look finds the same again.
    """
    began_at = clock.now()
    try:
        with only_one(site):
            remove_old_sheets(site, began_at)
            runtime = open_runtime(site, clock)
            go_on_with_removals(runtime)
            night = next(iter(runtime.ledger.nights(1)), None)
            if night is None or night.finished_at is None:
                why = NO_NIGHT if night is None else NIGHT_OPEN.format(day=night.run_on)
                report = HourReport(
                    began_at=began_at, ended_at=clock.now(), outcome=HourOutcome.SKIPPED, why=why
                )
            else:
                report = Hourly(runtime, night, began_at, on_step).run()
    except AlreadyRunning as error:
        report = HourReport(
            began_at=began_at, ended_at=clock.now(), outcome=HourOutcome.SKIPPED, why=error.message
        )
    write_note(hour_folder(site) / LAST_NAME, report)
    return report


class Hourly:
    """One look at one site, while its lock is held.

    Parameters
    ----------
    night
        The last night, which has ended.
    """

    def __init__(
        self, runtime: Runtime, night: NightRow, began_at: datetime, on_step: Callable[[str], None]
    ) -> None:
        self._run, self._night, self._began_at, self._on_step = runtime, night, began_at, on_step
        self._section = runtime.site.hour or HourSection()
        self._folder = hour_folder(runtime.site)
        self._today = local_date(began_at, runtime.site.zone)
        archives = tuple(one for one in runtime.site.sources if isinstance(one, DicomSourceSection))
        self._sources = Sources(
            runtime.site.model_copy(update={"sources": archives}),
            spool_dir=hour_spool(runtime.site),
            known_path=self._folder / "known.sha256",
        )
        self._left_before = read_left(runtime.site, since=night.run_on)

    def run(self) -> HourReport:
        """Do all of it; return how it went."""
        self._prepare()
        found, came, problems = self._online()
        looked, left_open = self._look(found, came)
        left = (*self._left_before, *found.left, *left_open)
        sealed, failures = self._seal(looked)
        if sealed:
            self._publish(sealed)
            for one in sealed:
                self._take_into_ledger(one)
                self._on_step("taken")
        self._remember(found, left)
        unasked_count = self._tidy(found, left)
        problems = [*(one.error for one in found.lists if one.error), *problems, *failures]
        report = self._report(found, sealed, left, problems)
        return replace(report, unasked_count=unasked_count)

    # 1, 2 -----------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_known(self._folder / "known.sha256", ())
        log = self._folder / "receiver.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.unlink()

    def _online(self) -> tuple[Found, dict[str, list[Came]], list[str]]:
        """Return what the archives have that we lack, and what came of it; the network is held no longer."""
        until = self._began_at + timedelta(minutes=self._section.network_minutes)
        archives = [one for one in self._sources.patient_sources if isinstance(one, ArchiveSource)]
        finding = Finding(self._run, archives, self._left_before)
        online = Online(
            window_of(self._run.site),
            until=lambda: until,
            start=lambda: None,  # nobody may send to us before it is known that something comes
            stop=self._sources.stop,
        )
        try:
            online.go_on()
            found = finding.find(
                day=self._today - timedelta(days=self._section.days_back),
                counts_before=read_counts(self._run.site),
            )
            self._on_step("found")
            if found.wanted:
                self._sources.start()
            came, problems = finding.bring(found, self._sources.arrivals, deadline=until)
            self._on_step("brought")
        finally:
            online.go_off()
        return found, came, problems

    # 3 --------------------------------------------------------------------------------------------

    def _look(
        self, found: Found, came: dict[str, list[Came]]
    ) -> tuple[list[tuple[Looked, tuple[StoredObject, ...]]], list[LeftForNight]]:
        looked: list[tuple[Looked, tuple[StoredObject, ...]]] = []
        left: list[LeftForNight] = []
        for pseudonym, items in came.items():
            kept = self._run.ledger.current_objects(pseudonym)
            one, open_items = look_at_records(
                items,
                person=found.persons[pseudonym],
                facts_before=remembered(self._run.facts_path(pseudonym)),
                kept=kept,
                read=self._sources.arrivals.reader.read,
                announced=self._run.ledger.announcements(self._run.clock.now()),
                tolerance=self._run.site.tolerance,
                zone=self._run.site.zone,
                now=self._began_at,
            )
            left += open_items
            if one is not None:
                looked.append((one, kept))
                self._imprint(one, kept, items)
        return looked, left

    def _imprint(self, looked: Looked, kept: Sequence[StoredObject], items: Sequence[Came]) -> None:
        """Remember what the records mean, where the vault cannot be opened again."""
        imprints = imprints_of(self._run, looked.night.pseudonym, self._sources.rules)
        if imprints is None:
            return
        taken = {item.sha256 for item in looked.arrived}
        for spooled in (version for item in items for version in item.versions):
            if spooled.sha256 in taken:
                imprints.take(spooled.sha256, self._sources.arrivals.reader.read(spooled))
        imprints.save(taken | {item.sha256 for item in kept})

    # 4 --------------------------------------------------------------------------------------------

    def _seal(
        self, looked: Sequence[tuple[Looked, tuple[StoredObject, ...]]]
    ) -> tuple[list[_Sealed], list[str]]:
        """Seal one parcel a patient; what fails for one is told, and keeps nobody else from being kept."""
        sealed: list[_Sealed] = []
        failures: list[str] = []
        for one, kept in looked:
            try:
                sealed.append(self._seal_one(one, kept))
            except StorageFull:
                raise
            except BeamkeeperError as error:
                failures.append(f"{one.night.pseudonym[:10]}: {error.message}")
            self._on_step("sealed")
        return sealed, failures

    def _seal_one(self, looked: Looked, kept: tuple[StoredObject, ...]) -> _Sealed:
        pseudonym = looked.night.pseudonym
        night = sealing.counted_on(self._run.vault, pseudonym, self._today)
        after = sealing.tonights_state(looked, kept, night=night)
        sheet = sheet_of(self._run.site, looked, self._began_at)
        named = {entry.path for entry in self._run.vault.entries()}
        documents = [row for row in self._run.ledger.documents(pseudonym) if row.stored.parcel in named]
        state = sealing.patient_state(pseudonym, looked.facts, after, night=night, documents=documents)
        entry = self._run.vault.seal(
            pseudonym=pseudonym,
            night=night,
            members=[
                *sealing.members(looked, after, self._sources.arrivals.reader),
                small_member(SHEET_NAME, sheet),
            ],
            state=replace(state, documents=(*state.documents, stored_sheet(sheet, night))),
        )
        return _Sealed(looked=looked, entry=entry, after=after, sheet=sheet)

    # 5 --------------------------------------------------------------------------------------------

    def _publish(self, sealed: Sequence[_Sealed]) -> None:
        self._forget_stopped(sealed)
        version = self._run.vault.publish(
            [one.entry for one in sealed],
            night=self._today,
            now=self._run.clock.now(),
            expires_at=None,
            keys=self._run.keys,
            audit_head=self._run.ledger.audit.head(),
        )
        self._on_step("published")
        self._run.ledger.audit.append(
            "hour kept records",
            actor=ACTOR,
            outcome="ok",
            details={
                "records": sum(len(one.looked.arrived) for one in sealed),
                "patients": len(sealed),
                "version": version,
            },
            at=self._run.clock.now(),
        )
        tidy_metadata(self._run, actor=ACTOR)

    def _forget_stopped(self, sealed: Sequence[_Sealed]) -> None:
        """Let nights that were stopped, if a person seals one after all, look at these patients again."""
        for day in nights_left(self._run.site):
            notes = self._run.site.night_dir(day) / "patients"
            for one in sealed:
                for note in notes.glob(f"{one.looked.night.pseudonym}.*.json"):
                    note.unlink()

    # 6 --------------------------------------------------------------------------------------------

    def _take_into_ledger(self, one: _Sealed) -> None:
        ledger, looked = self._run.ledger, one.looked
        pseudonym = looked.night.pseudonym
        on = sealing.counted_on(self._run.vault, pseudonym, self._today)
        told_on = max(self._night.run_on + timedelta(days=1), self._today)
        with ledger.session():
            ledger.remember_identities(pseudonym, looked.facts.known_as)
            # The next night tells them: by then these records are kept, and nothing would look new.
            told = (row.comparison for row in ledger.changes(told_on, pseudonym))
            ledger.record_changes(
                told_on, pseudonym, tuple(dict.fromkeys((*told, *looked.night.comparisons)))
            )
            new = (item for item in one.after if item.parcel == THIS_PARCEL)  # nothing else has changed
            ledger.record_objects(pseudonym, [replace(item, parcel=one.entry.path) for item in new])
            if looked.night.position is not None:
                ledger.record_position(on, pseudonym, looked.night.position, as_of=self._began_at)
        write_note(self._run.facts_path(pseudonym), looked.facts)
        keep_sheet(self._run.site, pseudonym, one.sheet, self._began_at)

    def _remember(self, found: Found, left: tuple[LeftForNight, ...]) -> None:
        """Note what is left for the night, then the counts of studies in which nothing is open."""
        write_note(self._folder / LEFT_NAME, Left(since=self._night.run_on, records=left))
        settled = {one.sop_instance_uid for one in left}
        counts = {}
        for one in found.lists:
            uids = [record.item.sop_instance_uid for records in one.records.values() for record in records]
            done = settled | self._run.ledger.known_uids(uids)
            still_open = {
                study
                for study, records in one.records.items()
                if any(record.item.sop_instance_uid not in done for record in records)
            }
            counts[one.source] = {
                study: count for study, count in one.counts.items() if study not in still_open
            }
        write_note(self._folder / COUNTS_NAME, as_counts(counts))
        self._on_step("noted")

    def _tidy(self, found: Found, left: tuple[LeftForNight, ...]) -> int:
        """Empty the spool, but for what somebody sent unasked: success was answered for it; return its count.

        Not every archive says on whose behalf it sends: what we asked for counts as asked for all the same.
        """
        asked = found.wanted_uids | {one.sop_instance_uid for one in left}
        self._sources.arrivals.refresh()
        sent = [item for item in self._sources.arrivals.unasked() if item.sop_instance_uid not in asked]
        kept = self._run.ledger.with_digests({item.sha256 for item in sent})
        unasked = [item for item in sent if item.sha256 not in kept]
        remove_packs_but(hour_spool(self._run.site), frozenset(item.pack for item in unasked))
        return len(unasked)

    def _report(
        self, found: Found, sealed: Sequence[_Sealed], left: tuple[LeftForNight, ...], problems: Sequence[str]
    ) -> HourReport:
        outcome = HourOutcome.KEPT if sealed else HourOutcome.NOTHING_NEW
        return HourReport(
            began_at=self._began_at,
            ended_at=self._run.clock.now(),
            outcome=HourOutcome.INCOMPLETE if problems else outcome,
            why=problems[0] if problems else "",
            records_count=sum(len(one.looked.arrived) for one in sealed),
            patients_count=len(sealed),
            studies_asked=sum(one.question_count for one in found.lists),
            left=left,
            problems=tuple(dict.fromkeys(problems)),
        )
