"""Looking at everybody who has one Patient ID, each against their own folder; one failure stops no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.bytes_at_hand import BytesAtHand
from beamkeeper.app.jobs.held import without_lost
from beamkeeper.app.jobs.imprints import imprints_of
from beamkeeper.app.jobs.look import look
from beamkeeper.app.jobs.looked import Looked, PatientFacts
from beamkeeper.app.jobs.night_notes import UNLISTED
from beamkeeper.app.jobs.notes import read_note, write_note
from beamkeeper.app.jobs.remembered import remembered
from beamkeeper.app.jobs.shares import with_share_told
from beamkeeper.domain.night import PatientNight
from beamkeeper.errors import BeamkeeperError, StorageFull

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from beamkeeper.app.jobs.looked import ListedPatient
    from beamkeeper.app.jobs.night_notes import NightNotes
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.jobs.shares import Share, Shares
    from beamkeeper.app.jobs.sources import Sources


class Looking:
    """Looks at patients and leaves what it found as notes; safe to use from several threads.

    Parameters
    ----------
    scratch
        Folder for what comes out of the vault for a while.
    lost
        Returns the parcels that were gone when this try began.
    """

    def __init__(
        self,
        runtime: Runtime,
        sources: Sources,
        notes: NightNotes,
        shares: Shares,
        *,
        scratch: Path,
        lost: Callable[[], Collection[str]],
    ) -> None:
        self._run = runtime
        self._sources = sources
        self._notes = notes
        self._shares = shares
        self._scratch = scratch
        self._lost = lost

    def look(self, pseudonym: str) -> Looked | None:
        """Return what was found of a patient of the list; None when an earlier try did it to the end.

        Whom only the objects under the same Patient ID name is looked at too.
        """
        if self.is_done(pseudonym):
            return None
        listed = self._notes.listed(pseudonym)
        try:
            own, *others = self._shares.of(listed, self._notes.with_same_id(listed))
        except StorageFull:
            raise
        except BeamkeeperError as error:
            looked = self._not_looked(listed, error)
        else:
            for share in others:
                self._look_at(share)
            # Before the patient's own note: that one says that nothing is left to be done here.
            if others or self._notes.unlisted_with(pseudonym):
                unlisted = tuple(share.listed for share in others)
                write_note(self._notes.of_patient(pseudonym, UNLISTED), unlisted)
            looked = self._look_at(own)
        return looked

    def _look_at(self, share: Share) -> Looked:
        """Return what was found of one person; a failure is told, and keeps nobody else from being kept."""
        try:
            looked = with_share_told(self._compared(share), share, self._run.ledger)
        except StorageFull:
            raise
        except BeamkeeperError as error:
            return self._not_looked(share.listed, error)
        write_note(self._notes.of_patient(share.listed.pseudonym, "looked"), looked)
        return looked

    def _not_looked(self, listed: ListedPatient, error: BeamkeeperError) -> Looked:
        night = PatientNight(
            pseudonym=listed.pseudonym,
            patient_id=listed.entry.patient.patient_id,
            patient_name=listed.entry.patient.name,
            error=said(error),
        )
        looked = Looked(night=night, facts=PatientFacts(pseudonym=listed.pseudonym, entry=listed.entry))
        write_note(self._notes.of_patient(listed.pseudonym, "looked"), looked)
        return looked

    def is_done(self, pseudonym: str) -> bool:
        """Whether an earlier try looked at a patient, and at all whom only the objects name, to the end."""
        names = (pseudonym, *(item.pseudonym for item in self._notes.unlisted_with(pseudonym)))
        found = [read_note(self._notes.of_patient(name, "looked"), Looked) for name in names]
        return all(one and not one.night.error and not one.night.not_kept for one in found)

    def _compared(self, share: Share) -> Looked:
        pseudonym = share.listed.pseudonym
        kept, lost = without_lost(share.kept, self._lost())
        imprints = imprints_of(self._run, pseudonym, self._sources.rules)
        with BytesAtHand(
            spool=self._sources.arrivals.reader,
            vault=self._run.vault,
            kept=kept,
            identities=self._run.keys.identities,
            scratch=self._scratch / pseudonym,
            imprints=imprints,
        ) as at_hand:
            looked = look(
                share.listed,
                share.collection,
                pushed=share.pushed,
                kept=kept,
                lost=lost,
                facts_before=remembered(self._run.facts_path(pseudonym)),
                at_hand=at_hand,
                rules=self._sources.rules,
                announced=self._run.ledger.announcements(self._run.clock.now()),
                held_by_others=lambda uids: self._run.ledger.held_by_others(pseudonym, uids),
                tolerance=self._run.site.tolerance,
                zone=self._run.site.zone,
                now=self._run.clock.now(),
            )
        if imprints is not None:
            kept_digests = {item.sha256 for item in kept} | {item.sha256 for item in looked.arrived}
            imprints.save(kept_digests)
        night_phone = self._run.site.site.night_phone or ""
        return replace(looked, facts=replace(looked.facts, night_phone=night_phone))


def said(error: BeamkeeperError) -> str:
    """Return what went wrong and what to do next: the report is all that its reader has."""
    return " ".join(text for text in (error.message, error.do_next) if text)
