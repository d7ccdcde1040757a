"""A mirror as a place that lets a patient go: sealed parcels, proved gone by listing and by reading."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.mirroring import LedgerProofs
from beamkeeper.clock import local_date
from beamkeeper.errors import BeamkeeperError, SourceUnavailable, StorageFull
from beamkeeper.protect.mirror import remove_proved
from beamkeeper.protect.retain import Going, PlaceAnswer, PlaceState, no_answer
from beamkeeper.vault.metadata import TARGETS
from beamkeeper.vault.removing import covered_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site_mirrors import MirrorSection
    from beamkeeper.vault import RemovedPatient
    from beamkeeper.wire.destination import Destination


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
            return self._remove(self._connected(), statement, now)
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

    def _remove(self, destination: Destination, statement: RemovedPatient, now: datetime) -> PlaceAnswer:
        listed = [item.name for item in destination.list(f"{TARGETS}{statement.pseudonym}/")]
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
        lock = destination.facts().lock
        count = len(names)
        said = "Nothing of this patient is listed there, and nothing can be read."
        if strange:
            said += f" {len(strange)} files that are no parcels lie in the patient's folder."
        if lock:
            return self._locked(lock, said, now, count)
        return PlaceAnswer(state=PlaceState.GONE, said=said, order_taken=True, count=count)

    def _locked(self, lock: str, said: str, now: datetime, count: int) -> PlaceAnswer:
        """Return what a bucket under Object Lock does: it hides what is deleted, and keeps it."""
        until = local_date(now, self._run.site.zone) + timedelta(days=lock_days(lock))
        return PlaceAnswer(
            state=PlaceState.LOCKED,
            said=f"{said} The bucket keeps what was deleted, unseen, under its {lock}.",
            do_next="Nothing can shorten it. A lifecycle rule must remove versions that are not current.",
            until_on=until,
            order_taken=True,
            count=count,
        )

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
