"""Where each page is. What it takes to be shown it: `permissions`; one without a line there is nobody's."""

from __future__ import annotations

from django.urls import path, register_converter

from beamkeeper.app.web.paths import Pseudonym
from beamkeeper.app.web.room.views import (
    board,
    declare,
    doors,
    gap,
    handover,
    journal,
    now,
    order,
    papers,
    patients,
    people,
    places,
    places_wall,
    plans,
    refusals,
    saying,
    sessions,
    todo,
    told,
)

register_converter(Pseudonym, "pseudonym")

urlpatterns = [
    path("", now.now, name="now"),
    path("wall/", now.wall, name="wall"),
    path("patients/", patients.patients, name="patients"),
    path("patients/<pseudonym:pseudonym>/", patients.patient, name="patient"),
    path("patients/<pseudonym:pseudonym>/say/", saying.say, name="say"),
    path("patients/<pseudonym:pseudonym>/hold/", plans.hold, name="hold"),
    path("patients/<pseudonym:pseudonym>/take-back/", plans.take_back, name="take-back"),
    path("patients/<pseudonym:pseudonym>/assign/", sessions.assign, name="assign"),
    path("patients/<pseudonym:pseudonym>/gap/", gap.gap, name="gap"),
    path("patients/<pseudonym:pseudonym>/gap/choose/", gap.choose_gap, name="choose-gap"),
    path("order/", order.order, name="order"),
    path("order/print/", order.print_order, name="print-order"),
    path("places/", places.places, name="places"),
    path("places/board/", board.board, name="board"),
    path("places/told/", told.told, name="told"),
    path("places/told/free/", told.free_told, name="free-told"),
    path("places/wall/", places_wall.places_wall, name="places-wall"),
    path("places/<pseudonym:pseudonym>/", places.place, name="place"),
    path("places/<pseudonym:pseudonym>/move/", places.move, name="move"),
    path("elsewhere/", handover.handover, name="elsewhere"),
    path("todo/", todo.todo, name="todo"),
    path("todo/tick/", todo.tick, name="tick"),
    path("todo/reported/", todo.reported, name="reported"),
    path("journal/", journal.journal, name="journal"),
    path("journal/write/", journal.write, name="write"),
    path("people/", people.people, name="people"),
    path("paper/<slug:name>/", papers.paper, name="paper"),
    path("open/<slug:token>/", doors.open_, name="open"),
    path("door/", doors.door, name="door"),
    path("leave/", doors.leave, name="leave"),
    path("declare/", declare.declare, name="declare"),
]

handler400 = refusals.not_understood
handler403 = refusals.not_shown
handler404 = refusals.not_there
handler500 = refusals.our_mistake
