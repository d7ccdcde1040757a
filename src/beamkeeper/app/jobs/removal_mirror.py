"""A mirror as a place that lets a patient go: sealed parcels, proved gone by listing and by reading."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.mirroring import LedgerProofs
from beamkeeper.clock import local_date
from beamkeeper.errors import BeamkeeperError, SourceUnavailable, StorageFull
from beamkeeper.protect.mirror import Hidden, destroy_hidden, find_notice, remove_proved
from beamkeeper.protect.retain import Going, PlaceAnswer, PlaceState, no_answer
from beamkeeper.vault.metadata import TARGETS
from beamkeeper.vault.removing import covered_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site_mirrors import MirrorSection
    from beamkeeper.vault import RemovedPatient
    from beamkeeper.wire.destination import Destination

_FAR: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""A legal hold has no end."""
_OLD_UNTOLD: Final = "Whether it keeps old versions, the place does not say."
_LOOK: Final = (
    "Give the key the right to list versions; a lifecycle rule must remove versions that are not current."
)


class MirrorPlace:
    """A mirror: whatever signed statements cover is removed there, and its absence proved.

    Parameters
    ----------
    open_destination
        Opens the mirror; its errors are the mirror's.
    """

    kind = "mirror"

    def __init__(
        self, runtime: Runtime, section: MirrorSection, open_destination: Callable[[], Destination]
    ) -> None:
        self._run = runtime
        self._section = section
        self._open = open_destination
        self._named = {entry.storage_name for entry in runtime.vault.entries()}
        self._stated = {one.pseudonym: one for one in runtime.vault.removed()}
        self._destination: Destination | None = None
        self._failure: BeamkeeperError | None = None
        self.name = f"mirror {section.name}"

    def remove(self, going: Going, now: datetime) -> PlaceAnswer:
        """Remove what a statement covers, and prove by listing and reading that it is gone."""
        statement = self._stated.get(going.pseudonym)
        if statement is None:
            return PlaceAnswer(state=PlaceState.WAITING, said="Signed metadata do not state the removal yet.")
        if self._failure is not None:
            return no_answer(self._failure)
        try:
            destination = self._connected()
            if notice := find_notice(destination):
                return PlaceAnswer(
                    state=PlaceState.WAITING,
                    said=notice.said,
                    do_next="It is asked again; it goes once the incident is closed there.",
                )
            return self._remove(destination, statement, going.locked_until, now)
        except StorageFull as error:
            return PlaceAnswer(
                state=PlaceState.WAITING,
                said=f"It lists parcels of this patient, and we may not delete there: {error.message}",
                do_next="Give us the right to delete, or have them deleted there; it is asked again.",
            )
        except SourceUnavailable as error:
            self._failure = error  # one wait for a dead mirror, not one for each patient
            return no_answer(error)
        except BeamkeeperError as error:  # about this patient, or quickly told again
            return no_answer(error)

    def _connected(self) -> Destination:
        if self._destination is None:
            self._destination = self._open()
        return self._destination

    def _remove(
        self, destination: Destination, statement: RemovedPatient, locked_until: date | None, now: datetime
    ) -> PlaceAnswer:
        folder = f"{TARGETS}{statement.pseudonym}/"
        listed = [item.name for item in destination.list(folder)]
        names, strange = covered_names(listed, statement, self._named)
        proofs = LedgerProofs(self._run.ledger, self._section.name)
        removal = remove_proved(destination, names, proofs) if names else None
        if removal is not None and removal.still_there:
            return PlaceAnswer(
                state=PlaceState.WAITING,
                said=f"{len(removal.still_there)} parcels were deleted there and can still be seen.",
                do_next="Have its administrator look; it is tried again.",
                count=len(removal.gone),
            )
        said = "Nothing of this patient is listed there, and nothing can be read."
        if strange:
            said += f" {len(strange)} files that are no parcels lie in the patient's folder."
        gone = PlaceAnswer(state=PlaceState.GONE, said=said, count=len(names))
        if destination.versions is None:
            is_told = destination.facts().lock is not None
            return gone if is_told else replace(gone, said=f"{said} {_OLD_UNTOLD}")
        hidden = destroy_hidden(destination.versions, folder, self._may_go(statement), now=now)
        if hidden is None:
            return self._unseen(gone, destination.facts().lock, locked_until, now)
        return self._with_hidden(gone, hidden)

    def _may_go(self, statement: RemovedPatient) -> Callable[[str], bool]:
        return lambda name: bool(covered_names([name], statement, self._named)[0])

    def _with_hidden(self, gone: PlaceAnswer, hidden: Hidden) -> PlaceAnswer:
        """Return the answer with what the bucket keeps out of sight."""
        if not hidden.kept_count:
            said = f"{gone.said} No old version of it is kept, either." if hidden.found_count else gone.said
            return replace(gone, said=said, count=gone.count or hidden.found_count)
        if hidden.until_at is not None:
            until_on = local_date(min(hidden.until_at, _FAR), self._run.site.zone)
            return replace(
                gone,
                state=PlaceState.LOCKED,
                said=f"{gone.said} Out of sight a lock keeps {hidden.kept_count} parcels until {until_on}.",
                do_next="Nothing can shorten it. When it is over they are destroyed, and that is proved.",
                until_on=until_on,
            )
        return replace(
            gone,
            state=PlaceState.WAITING,
            said=f"{gone.said} Out of sight the bucket keeps {hidden.kept_count} parcels as old versions.",
            do_next="We may not destroy them: let a lifecycle rule remove versions that are not current, or"
            " give the key the right to delete versions.",
        )

    def _unseen(
        self, gone: PlaceAnswer, lock: str | None, locked_until: date | None, now: datetime
    ) -> PlaceAnswer:
        """Return what can be said of a bucket that does not let us look at what it keeps out of sight."""
        gone = replace(gone, do_next=_LOOK)
        if not lock:
            return replace(gone, state=PlaceState.UNPROVED, said=f"{gone.said} {_OLD_UNTOLD}")
        today = local_date(now, self._run.site.zone)
        until_on = locked_until if locked_until and not gone.count else None
        until_on = until_on or today + timedelta(days=lock_days(lock))
        said = f"{gone.said} The bucket keeps what was deleted, unseen, under its {lock}."
        if today <= until_on:
            return replace(gone, state=PlaceState.LOCKED, said=said, until_on=until_on)
        said = f"{said} That ended on {until_on}; old versions cannot be listed from here."
        return replace(gone, state=PlaceState.UNPROVED, said=said, until_on=until_on)

    def close(self) -> None:
        """Hang up."""
        if self._destination is not None:
            with suppress(BeamkeeperError):
                self._destination.close()


def lock_days(lock: str) -> int:
    """Return for how many days a lock in words holds at most; 0 when it does not say."""
    words = lock.replace(",", " ").split()
    for number, unit in pairwise(words):
        if number.isdigit() and unit in {"days", "years"}:
            return int(number) * (366 if unit == "years" else 1)
    return 0
