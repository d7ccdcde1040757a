"""What others laid at a place for this desk: fetched, proved and opened, each once, without anybody asking.

It goes no further by itself: which number the patient has here, and whether the report lets treatment go on,
is said by people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.carrying import IN, fetch
from beamkeeper.app.jobs.desk_journal import DeskDeed, journal
from beamkeeper.app.jobs.receiving import receive
from beamkeeper.errors import BeamkeeperError
from beamkeeper.respond.handover import BundleKind, read_header
from beamkeeper.respond.handover.bundle import is_bundle_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.clock import Clock
    from beamkeeper.respond.handover import Desk
    from beamkeeper.wire.destination import Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What came.

    Attributes
    ----------
    received
        Bundles that were taken in.
    left
        What was not, each with the reason, in sentences.
    """

    received: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def arrive(desk: Desk, place: Destination, *, by: str, clock: Clock) -> Arrived:
    """Take in every bundle of a place that is for this desk and was neither received nor refused before."""
    left: list[str] = []
    received: list[str] = []
    try:
        left += fetch(place, desk).left
        known = desk.known()
        for bundle in _unopened(desk):
            try:
                header, _ = read_header(bundle, known)
                is_patient = header.kind is BundleKind.HANDOVER
                if is_patient and receive(desk, bundle, by=by, now=clock.now()).is_new:
                    received.append(bundle.name)
            except BeamkeeperError as error:
                left.append(f"{bundle.name}: {error.message} {error.do_next}".strip())
    except BeamkeeperError as error:
        left.append(f"{error.message} {error.do_next}".strip())
    return Arrived(received=tuple(received), left=tuple(left))


def _unopened(desk: Desk) -> Iterator[Path]:
    """Yield the bundles that lie here and that no line of the journal is about."""
    told = {
        row.details.get("about")
        for row in journal(desk).rows()
        if row.action in {DeskDeed.RECEIVED, DeskDeed.REFUSED}
    }
    folder = desk.path / IN
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    yield from (path for path in found if is_bundle_id(path.name) and path.name not in told)
