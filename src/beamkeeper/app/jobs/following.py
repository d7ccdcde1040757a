"""Until the last return: what the house's own stores recorded is fetched, sealed and sent back.

Every return holds everything of its patient so far, so that one that is lost on the way is no loss: at home
each record counts once. What fails for one patient is named, and stops nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.arriving import Arrived, arrive
from beamkeeper.app.jobs.carrying import open_place, send
from beamkeeper.app.jobs.desk_journal import DeskDeed
from beamkeeper.app.jobs.desk_shelf import shelf
from beamkeeper.app.jobs.returning import Report, answer_news, made_answer, note_sent
from beamkeeper.app.jobs.their_records import fetch_records
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.desk_shelf import Shelf
    from beamkeeper.app.jobs.returning import Answer
    from beamkeeper.app.site_desk import DeskSystems
    from beamkeeper.clock import Clock
    from beamkeeper.respond.handover import Desk, Manifest
    from beamkeeper.wire.destination import Destination

RECORDS: Final = "records"
"""Folder of a desk: what the stores recorded of each received patient; reports put there go along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of one patient this time.

    Attributes
    ----------
    fetched
        Treatment records that are new.
    answer
        The return bundle that was made; None where nothing is new.
    problem
        Why it did not go on, in a sentence; "" where it did.
    """

    bundle_id: str
    fetched: int = 0
    answer: Answer | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What became of everybody, and what was put into the place.

    Attributes
    ----------
    not_sent
        Why return bundles are not at the place yet; () where all are, or no place is named.
    came
        Patients' bundles that lay at the place.
    """

    followed: tuple[Followed, ...]
    sent: tuple[str, ...] = ()
    not_sent: tuple[str, ...] = ()
    came: Arrived = field(default_factory=Arrived)

    @property
    def is_whole(self) -> bool:
        """Whether nothing has to be looked at."""
        left_out = any(one.answer is not None and one.answer.not_taken for one in self.followed)
        return not (left_out or self.not_sent or self.came.left or any(one.problem for one in self.followed))


def follow(desk: Desk, systems: DeskSystems, *, by: str, clock: Clock) -> Round:
    """Look once: at what lies at the place for us, and after everybody who did not have the last return."""
    try:
        place = None if systems.place is None else open_place(systems.place)
    except BeamkeeperError as error:
        return Round(followed=_everybody(desk, systems, by=by, clock=clock), not_sent=(error.message,))
    if place is None:
        return Round(followed=_everybody(desk, systems, by=by, clock=clock))
    try:
        came = arrive(desk, place, by=by, clock=clock)
        followed = _everybody(desk, systems, by=by, clock=clock)
        sent: list[str] = []
        not_sent: list[str] = []
        for bundle_id in _not_sent(shelf(desk)):
            problem = _sent(desk, bundle_id, place, by=by, clock=clock)
            (not_sent if problem else sent).append(problem or bundle_id)
    finally:
        place.close()
    return Round(followed=followed, sent=tuple(sent), not_sent=tuple(not_sent), came=came)


def _everybody(desk: Desk, systems: DeskSystems, *, by: str, clock: Clock) -> tuple[Followed, ...]:
    return tuple(_followed(desk, one, systems, by=by, clock=clock) for one in _treated_here(shelf(desk)))


def _treated_here(lying: Shelf) -> tuple[Manifest, ...]:
    """Return the newest bundle of everybody whose own number is known and who is treated here."""
    ended = {
        row.details.get("about")
        for row in lying.rows
        if row.action == DeskDeed.REPLIED and row.details.get("is_last")
    }
    return tuple(
        one
        for one in lying.received
        if not lying.newer(one) and one.bundle_id not in ended and lying.their_ids(one)
    )


def _followed(desk: Desk, manifest: Manifest, systems: DeskSystems, *, by: str, clock: Clock) -> Followed:
    folder, bundle_id = desk.path / RECORDS / manifest.bundle_id, manifest.bundle_id
    fetched, made = 0, None
    try:
        fetched = len(fetch_records(desk, bundle_id, systems, folder))
        if folder.is_dir() and any(folder.iterdir()):
            report = Report(by=by, same_plans=_same_plans(shelf(desk), manifest))
            made = answer_news(desk, bundle_id, folder, report, now=clock.now())
    except BeamkeeperError as error:
        said = f"{error.message} {error.do_next}".strip()
        return Followed(bundle_id=bundle_id, fetched=fetched, problem=said)
    return Followed(bundle_id=bundle_id, fetched=fetched, answer=made)


def _same_plans(lying: Shelf, manifest: Manifest) -> tuple[tuple[str, str, str], ...]:
    """Return which plans people said to stand for others of this bundle, with an earlier return."""
    found: dict[str, tuple[str, str, str]] = {}
    for row in lying.rows:
        said = row.details.get("same_plans")
        is_of = row.action == DeskDeed.REPLIED and row.details.get("about") == manifest.bundle_id
        if is_of and isinstance(said, list):
            found |= {str(new): (str(new), str(ours), str(why)) for new, ours, why in said}
    return tuple(found.values())


def _not_sent(lying: Shelf) -> tuple[str, ...]:
    """Return each return bundle that was not put into a place."""
    sent = {row.details.get("bundle") for row in lying.rows if row.action == DeskDeed.SENT}
    return tuple(
        str(row.details["bundle"])
        for row in lying.rows
        if row.action == DeskDeed.REPLIED and row.details["bundle"] not in sent
    )


def _sent(desk: Desk, bundle_id: str, place: Destination, *, by: str, clock: Clock) -> str:
    """Put one return bundle into the place; return why that failed."""
    try:
        send(made_answer(desk, bundle_id), place)
    except BeamkeeperError as error:
        return f"{bundle_id}: {error.message}"
    note_sent(desk, bundle_id, by=by, now=clock.now())
    return ""
