"""Asking the places that may still hold a removed patient, until each has let go and proved it.

A dead place holds up no other; a patient who came back is not removed where the new copies lie.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.mirroring import run_mirrors
from beamkeeper.app.jobs.network import network
from beamkeeper.app.jobs.removal_places import KNOW_NAMES, order_id, places_of
from beamkeeper.app.jobs.removals_here import audit
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.clock import local_date
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.retain import FINAL, Going, PlaceAnswer, PlaceState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import RemovalPlaceRow, RemovalRow
    from beamkeeper.protect.retain import PatientRemoval

NETWORK_FOR: Final = timedelta(minutes=30)
"""How long the places may be asked in one run, where the network is rationed."""


def ask_elsewhere(
    site: Site, clock: Clock, on_step: Callable[[str], None] = lambda _name: None
) -> tuple[str, ...]:
    """Ask every place that is waited for; return what kept us from asking, in words.

    Mirrors first get the newest signed metadata, so that whoever reads them finds them whole at any moment.
    """
    runtime = open_runtime(site, clock)
    rows = [row for row in runtime.ledger.removals.all(unfinished=True) if row.state == "going"]
    if not any(open_places(runtime, row) for row in rows):
        return ()
    errors: list[str] = []
    try:
        waited_for = {place.place for row in rows for place in open_places(runtime, row)}
        mirrors = [section for section in site.mirrors if f"mirror {section.name}" in waited_for]
        for _ in run_mirrors(site, clock, mirrors) if mirrors else ():
            pass  # the mirror's own outcome stands in the ledger; what it came to is asked below
        with network(site, clock.now() + NETWORK_FOR), ExitStack() as held:
            places = {place.name: place for place in places_of(runtime)}
            for place in places.values():
                held.callback(place.close)
            for row in rows:
                for standing in open_places(runtime, row):
                    _ask(runtime, row, standing, places.get(standing.place))
                    on_step(f"asked {standing.place}")
    except BeamkeeperError as error:
        errors.append(error.message)
    return tuple(errors)


def open_places(runtime: Runtime, row: RemovalRow) -> list[RemovalPlaceRow]:
    """Return the places that have not let go yet."""
    rows = runtime.ledger.removals.places(row.removal_id)
    waited_for = [place for place in rows if PlaceState(place.state) not in FINAL]
    # Who can be told comes first: what can only be asked may have heard of it by then.
    return sorted(waited_for, key=lambda place: (place.kind != "hl7", place.place))


def _ask(runtime: Runtime, row: RemovalRow, standing: RemovalPlaceRow, place: PatientRemoval | None) -> None:
    now = runtime.clock.now()
    answer = _answer(runtime, row, standing, place, now)
    answer = as_lock_stands(answer, standing, local_date(now, runtime.site.zone))
    after = replace(
        standing,
        state=answer.state.value,
        said=answer.said,
        do_next=answer.do_next,
        until_on=answer.until_on,
        order_taken=standing.order_taken or answer.order_taken,
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
            order_id=order_id(row.pseudonym, row.decided_on, standing.place),
            orders_taken=standing.order_taken,
        ),
        now,
    )


def _is_id_shared(runtime: Runtime, row: RemovalRow) -> bool:
    assert row.patient is not None  # noqa: S101 - asked before
    others = runtime.ledger.persons_with_id(row.patient.patient_id)
    return any(runtime.vault.latest(person.pseudonym) is not None for person in others)


def as_lock_stands(answer: PlaceAnswer, standing: RemovalPlaceRow, today: date) -> PlaceAnswer:
    """Return a lock with the date it was first given; when that is over nobody can prove more."""
    if answer.state is not PlaceState.LOCKED or standing.until_on is None:
        return answer
    if answer.count:  # something was there again
        return answer
    if today <= standing.until_on:
        return replace(answer, until_on=standing.until_on)
    return replace(
        answer,
        state=PlaceState.UNPROVED,
        said=f"{answer.said} Its lock ended on {standing.until_on}; old versions cannot be listed from here.",
        until_on=standing.until_on,
    )
