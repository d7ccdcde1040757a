"""What the room remembers between two pages is what still holds: a line that changes it is seen at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.console_house.clock import FileClock
from tests.room_house.incident import DECLARED, LATER, NIGHT, make_incident, patient, replanned
from tests.room_house.placing import make_placement

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.placing import Who, board_at
from beamkeeper.app.jobs.placing_folder import STANDS_BY, PlacementFolder, standing
from beamkeeper.app.jobs.placing_hand import announce, begin, move_back, priced, take, undo
from beamkeeper.app.jobs.placing_since import away
from beamkeeper.app.jobs.settling import settle
from beamkeeper.app.web.room.doors import Doors
from beamkeeper.app.web.room.room import Room
from beamkeeper.domain.census import Appointment
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.triage.facts import LEVEL

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.jobs.placing import At

WHO = Who(by="C", at=LATER)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    folder = make_incident(tmp_path / "incident", tuple(patient(number) for number in range(20)))
    make_placement(folder)
    clock = FileClock(tmp_path / "clock")
    clock.move_to(LATER)
    return Room(folder=folder, clock=clock, doors=Doors("x"))


def placement(room: Room) -> At:
    at = room.placement()
    assert at is not None
    return at


def test_a_note_lets_neither_board_nor_order_be_made_anew(room: Room) -> None:
    board, order = placement(room), room.order()
    write(room.folder, Deed.NOTED, by="C", at=LATER, said="coffee is in the corridor")

    assert placement(room) is board
    assert room.order() is order


def test_what_another_person_does_to_a_place_stands_on_the_next_page(room: Room) -> None:
    folder, before = PlacementFolder(room.folder), placement(room)
    one = next(item for item in before.version.placed if item.machine == "leuven-1")
    move = priced(before, one.patient, "leuven-2", None, today=NIGHT)
    if move.refusal:
        move = priced(before, one.patient, "annex-1", None, today=NIGHT)
    take(folder, board_at(folder), move, who=WHO, reason="r", even_so=True)
    moved = placement(room)
    assert moved.version.places()[one.patient] == move.wanted
    assert room.grid(moved) is not room.grid(before)
    announce(folder, [one.patient], who=WHO)
    assert one.patient in placement(room).stand.announced
    undo(
        folder,
        board_at(folder),
        move_back(folder, board_at(folder), one.patient, today=NIGHT),
        who=WHO,
        reason="r",
    )
    assert one.patient not in placement(room).stand.decisions
    begin(folder, one.patient, given=1, who=WHO)
    needs = {need.id: need for need in placement(room).board.instance.patient}
    assert needs[one.patient].begun_there


def test_a_bundle_that_went_binds_a_place_on_the_next_page(room: Room) -> None:
    one = next(item for item in placement(room).version.placed if item.machine == "leuven-1")
    told = {"about": "0" * 16, "to": "Partner hospital", "plans": [], "said": "x", "machine": "leuven-1"}
    write(room.folder, Deed.PACKED, by="C", at=LATER, pseudonym=one.patient, **told)
    needs = {need.id: need for need in placement(room).board.instance.patient}

    assert needs[one.patient].sent_there


def test_a_word_about_a_patient_changes_the_order_on_the_next_page(room: Room) -> None:
    last = room.order()[1][-1]
    said = {"about": LEVEL, "value": "1", "said": "r"}
    write(room.folder, Deed.OVERRIDDEN, by="C", at=LATER, pseudonym=last.pseudonym, **said)
    found = next(one for one in room.order()[1] if one.pseudonym == last.pseudonym)

    assert found.level.overridden
    assert found.rank < last.rank


def test_no_other_line_says_anything_of_places(room: Room) -> None:
    rows = room.folder.journal.rows()
    one = next(item.patient for item in placement(room).version.placed if item.machine)
    said = {
        "version": 9,
        "draft": 9,
        "machine": "leuven-1",
        "from": "2026-03-09",
        "patients": [one],
        "given": 1,
    }
    said |= {"to": "Partner hospital", "about": "0" * 16, "bundle": "1" * 16, "number": 1, "is_last": True}
    known = {"machines": {"leuven-1": "Partner hospital"}, "places": {}}
    changing = set()
    for deed in Deed:
        more = replace(rows[-1], action=deed, patient_pseudonym=one, details=said)
        packed = replace(more, action=Deed.PACKED)
        with_it, without = (*rows, packed, more), (*rows, packed)
        if (standing(with_it), away(with_it, **known)) != (standing(without), away(without, **known)):
            changing.add(deed)

    assert changing <= STANDS_BY
    assert changing >= STANDS_BY - {Deed.PACKED, Deed.SENT}


def test_a_doubt_settled_after_a_plan_was_replaced_leaves_the_order_on_the_next_page(tmp_path: Path) -> None:
    one = replanned()
    booked = Appointment(starts_at=DECLARED - timedelta(hours=2), activity="Treatment", machine="TB1")
    one = replace(one, entry=replace(one.entry, appointments=(booked,)))
    folder = make_incident(tmp_path / "incident", (one, patient(2)))
    clock = FileClock(tmp_path / "clock")
    clock.move_to(LATER)
    room = Room(folder=folder, clock=clock, doors=Doors("x"))
    person = next(one for one in folder.inventory().persons if len(one.plans) > 1)
    old, new = (one.sop_instance_uid for one in person.plans)
    said = {"old": old, "new": new, "after": 0, "goes_on": False, "said": "r", "doubts": {}}
    write(folder, Deed.PLAN_REPLACED, by="A and B", at=LATER, pseudonym=person.pseudonym, **said)
    line = {row.pseudonym: row for row in room.rows()}[person.pseudonym].plans[0]
    assert line.next_fraction == "1?"
    people = {"people": ("A", "B"), "reason": "asked", "clock": clock}
    settle(folder, person.pseudonym, new, next_fraction=1, **people)

    line = {row.pseudonym: row for row in room.rows()}[person.pseudonym].plans[0]
    assert line.next_fraction == "1"
