"""A patient comes: received, judged, and brought into the house's own systems, as far as it may go by itself.

1. the bundle is verified and opened;
2. the house's own number is written down, where somebody says it;
3. the files are judged, and the report is written: what it stops goes into no system by itself;
4. copies under the own number go into the stores, then messages to the receivers.

The same command goes on where it broke off or had to wait: each step may be done again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.desk_shelf import know_as, shelf
from beamkeeper.app.jobs.import_reporting import check_received
from beamkeeper.app.jobs.importing import import_patient
from beamkeeper.app.jobs.receiving import receive
from beamkeeper.respond.handover.import_finding import Grade

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.jobs.import_reporting import Checked
    from beamkeeper.app.jobs.importing import Imported
    from beamkeeper.app.jobs.receiving import Received
    from beamkeeper.app.site_desk import DeskSystems
    from beamkeeper.clock import Clock
    from beamkeeper.respond.handover import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """How far a patient came.

    Attributes
    ----------
    imported
        None where nothing went into a system.
    waits_for
        What a person has to do before it goes on, in a sentence; "" where everything is done.
    """

    received: Received
    checked: Checked
    imported: Imported | None = None
    waits_for: str = ""

    @property
    def is_stopped(self) -> bool:
        """Whether something has to be settled, or a system does not have everything."""
        is_left = self.imported is not None and not self.imported.is_whole
        return self.checked.report.worst is Grade.STOP or is_left


def take_in(
    desk: Desk, bundle: Path, systems: DeskSystems | None, *, number: str | None, by: str, clock: Clock
) -> TakenIn:
    """Take a patient in as far as it goes.

    Parameters
    ----------
    systems
        None where the house named none: then nothing goes anywhere.
    number
        The patient's number here; None where nobody says it now.

    Raises
    ------
    BeamkeeperError
        As `receive`, `know_as` and `import_patient` do; what was done before stays done.
    """
    received = receive(desk, bundle, by=by, now=clock.now())
    manifest = received.manifest
    if number is not None and shelf(desk).their_ids(manifest) != (number.strip(),):
        know_as(desk, manifest.bundle_id, number, by=by, now=clock.now())
    checked = check_received(desk, manifest.bundle_id, by=by, now=clock.now())
    waits_for = "" if systems is None else _waits_for(desk, received, checked)
    if systems is None or waits_for:
        return TakenIn(received=received, checked=checked, waits_for=waits_for)
    imported = import_patient(desk, manifest.bundle_id, systems, by=by, now=clock.now())
    return TakenIn(received=received, checked=checked, imported=imported)


def _waits_for(desk: Desk, received: Received, checked: Checked) -> str:
    """Return what stands between a received patient and the house's systems."""
    bundle_id = received.manifest.bundle_id
    if checked.report.worst is Grade.STOP:
        return (
            "Nothing went into your systems: the report says stop. A physicist settles it, then: "
            f"beamkeeper desk import {bundle_id}"
        )
    if not shelf(desk).their_ids(received.manifest):
        return (
            "Nothing went into your systems: your own number of this patient is not known. "
            "The same command with --known-as NUMBER goes on."
        )
    return ""
