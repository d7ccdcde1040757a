"""Asking the places that may still hold a removed patient, until each has let go and proved it.

A dead place holds up no other; a patient who came back is not removed where the new copies lie.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.mirroring import run_mirrors
from beamkeeper.app.jobs.network import network
from beamkeeper.app.jobs.removal_places import KNOW_NAMES, places_of
from beamkeeper.app.jobs.removals_here import audit
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.mirror import MirrorState
from beamkeeper.protect.retain import FINAL, Going, Order, PlaceAnswer, PlaceState, asked_again_at
from beamkeeper.vault.hold import find_hold

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import RemovalPlaceRow, RemovalRow
    from beamkeeper.protect.retain import PatientRemoval

NETWORK_FOR: Final = timedelta(minutes=30)
"""How long the places may be asked in one run, where the network is rationed."""


@dataclass(frozen=True)
class SilentPlace:
    """A place that gave no answer a moment ago: it is not asked again now."""

    name: str
    kind: str
    said: str
    do_next: str

    def remove(self, going: Going, now: datetime) -> PlaceAnswer:  # noqa: ARG002 - the port's
        """Return that it gave no answer."""
        return PlaceAnswer(state=PlaceState.WAITING, said=self.said, do_next=self.do_next)

    def close(self) -> None:
        """Do nothing."""


def ask_elsewhere(
    site: Site, clock: Clock, on_step: Callable[[str], None] = lambda _name: None, *, by_hand: bool
) -> tuple[str, ...]:
    """Ask the places that are waited for; return what kept us from asking, in words.

    Mirrors first get the newest signed metadata, so that whoever reads them finds them whole at any moment.

    Parameters
    ----------
    by_hand
        A person asks: every place, and once more what was given up; else each place when its turn has come.
    """
    runtime = open_runtime(site, clock)
    if notice := find_hold(runtime.vault.store):
        return (f"{notice.said} No place is asked to remove anything until it is closed.",)
    now = clock.now()
    asked = [
        (row, place)
        for row in runtime.ledger.removals.all(unfinished=True)
        if row.state == "going"
        for place in open_places(runtime, row)
        if by_hand or _is_due(place, now)
    ]
    if not asked:
        return ()
    errors: list[str] = []
    try:
        waited_for = {place.place for _, place in asked}
        mirrors = [section for section in site.mirrors if f"mirror {section.name}" in waited_for]
        outcomes = run_mirrors(site, clock, mirrors) if mirrors else ()
        dead = {f"mirror {one.destination}": one for one in outcomes if one.state is MirrorState.UNREACHABLE}
        ends_at = time.monotonic() + NETWORK_FOR.total_seconds()
        with network(site, clock.now() + NETWORK_FOR), ExitStack() as held:
            places = {place.name: place for place in places_of(runtime)}
            for name in places.keys() & dead.keys():  # a mount that hangs would hang us, too
                places[name] = SilentPlace(name, places[name].kind, dead[name].error, dead[name].do_next)
            for place in places.values():
                held.callback(place.close)
            for row, standing in asked:
                if time.monotonic() > ends_at:
                    errors.append("The time for asking was over; the places not asked are asked next time.")
                    break
                _ask(runtime, row, standing, places.get(standing.place), by_hand=by_hand)
                on_step(f"asked {standing.place}")
    except BeamkeeperError as error:
        errors.append(error.message)
    return tuple(errors)


def _is_due(place: RemovalPlaceRow, now: datetime) -> bool:
    """Whether a place's turn has come; a clock that went back lets it wait no longer."""
    if place.tried_at is None:
        return True
    again_at = asked_again_at(place.tried_at, tries=place.tries, refusals=place.refusals)
    return not place.tried_at <= now < again_at


def open_places(runtime: Runtime, row: RemovalRow) -> list[RemovalPlaceRow]:
    """Return the places that have not let go yet."""
    rows = runtime.ledger.removals.places(row.removal_id)
    waited_for = [place for place in rows if PlaceState(place.state) not in FINAL]
    # Who can be told comes first: what can only be asked may have heard of it by then.
    return sorted(waited_for, key=lambda place: (place.kind != "hl7", place.place))


def _ask(
    runtime: Runtime,
    row: RemovalRow,
    standing: RemovalPlaceRow,
    place: PatientRemoval | None,
    *,
    by_hand: bool,
) -> None:
    now = runtime.clock.now()
    answer = _answer(runtime, row, standing, place, now, by_hand=by_hand)
    order = answer.order or _order_of(standing)
    after = replace(
        standing,
        state=answer.state.value,
        said=answer.said,
        do_next=answer.do_next,
        until_on=answer.until_on or standing.until_on,
        order_number=order.number,
        order_taken=order.is_taken,
        refusals=order.refusals,
        count=standing.count + answer.count,
        tries=standing.tries + 1,
        tried_at=now,
    )
    if answer.state in FINAL or answer.state.value != standing.state:
        audit(
            runtime,
            "copy elsewhere",
            row.pseudonym,
            outcome=answer.state.value,
            place=standing.place,
            said=answer.said,
            tries=after.tries,
        )
    runtime.ledger.removals.note_place(after)


def _answer(
    runtime: Runtime,
    row: RemovalRow,
    standing: RemovalPlaceRow,
    place: PatientRemoval | None,
    now: datetime,
    *,
    by_hand: bool,
) -> PlaceAnswer:
    if place is None:
        return PlaceAnswer(
            state=PlaceState.OFF,
            said="The site file does not name this place any more: what lies there is out of our reach.",
            do_next="Have it removed there by hand.",
        )
    if standing.kind in KNOW_NAMES and row.patient is not None:
        if runtime.vault.latest(row.pseudonym) is not None:
            return PlaceAnswer(
                state=PlaceState.OFF,
                said="The patient is kept again, and what lies there is needed: not asked any more.",
            )
        if _is_id_shared(runtime, row):
            return PlaceAnswer(
                state=PlaceState.HELD,
                said="Another person with the same Patient ID is still kept, and would be removed as well.",
                do_next="It is asked once that person's copies go; or have it removed there by hand.",
            )
    return place.remove(
        Going(
            pseudonym=row.pseudonym,
            patient=row.patient,
            removed_on=row.decided_on,
            order=_order_of(standing),
            locked_until=standing.until_on,
            by_hand=by_hand,
        ),
        now,
    )


def _order_of(standing: RemovalPlaceRow) -> Order:
    return Order(number=standing.order_number, is_taken=standing.order_taken, refusals=standing.refusals)


def _is_id_shared(runtime: Runtime, row: RemovalRow) -> bool:
    assert row.patient is not None  # noqa: S101 - asked before
    others = runtime.ledger.persons_with_id(row.patient.patient_id)
    return any(runtime.vault.latest(person.pseudonym) is not None for person in others)
