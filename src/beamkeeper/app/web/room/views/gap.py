"""The gap of one patient: facts to check, every way to go on with its numbers, a signature."""

from __future__ import annotations

import base64
import math
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from beamkeeper.app.jobs.gap_choice import (
    NOTHING,
    Asked,
    choose,
    computed,
    course_text,
    known_courses,
    parameter_sets,
)
from beamkeeper.app.jobs.placing_gaps import plan_before
from beamkeeper.app.web.room.permissions import LEVEL
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import signed_by
from beamkeeper.clock import local_date
from beamkeeper.errors import ConfigError
from beamkeeper.respond.gap import words
from beamkeeper.respond.gap.picture import alternative, draw_course
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.gap_choice import Known
    from beamkeeper.protect.lists import Person
    from beamkeeper.respond.gap import Option, Options
    from beamkeeper.respond.gap.outcome import Outcome

DAYS_MAX: Final = 200
SATURDAY: Final = 5
TEXT_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Shown:
    """One option as the page has it."""

    number: int
    option: Option
    size: str
    tumour: str
    late: tuple[tuple[str, str], ...]
    slots: str
    weeks: list[tuple[str, str]]
    picture: str
    said: str


@require_safe
def gap(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Show the facts of a course; where tumour and day are filled in, every way to go on."""
    person, known = _person(pseudonym), None
    courses = known_courses(person, the_room().zone)
    if courses:
        uid = request.GET.get("plan", courses[0].plan_uid)
        known = next((one for one in courses if one.plan_uid == uid), courses[0])
    facts: dict[str, object] = {}
    form: Mapping[str, str] = _first(known)
    if known is not None and "resume_on" in request.GET:
        form = {key: request.GET.get(key, "") for key in form}
        try:
            text = course_text(person, _asked(form))
            options, digest = computed(the_room().folder, text)
            facts = _result(options) | {"course": text, "seen": digest, "plan": known.plan_uid}
        except ConfigError as error:
            facts["form_error"] = error
    return _page(request, pseudonym, {"known": known, "courses": courses, "form": form, **facts})


@require_POST
def choose_gap(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Let a physician sign one way to go on, for the numbers that were seen."""
    room = the_room()
    courses = known_courses(_person(pseudonym), room.zone)
    plan = request.POST.get("plan", "")
    text, seen = request.POST.get("course", "")[:TEXT_MAX], request.POST.get("seen", "")
    typed = {key: request.POST.get(key, "") for key in ("option", "reason", "person")}
    text = text.replace("\r\n", "\n")  # browsers send forms so
    try:
        member = signed_by(request, LEVEL)
        _verify_open(plan, courses)
        choose(
            room.folder,
            pseudonym,
            text,
            plan_uid=plan,
            seen=seen,
            option_id=typed["option"],
            reason=typed["reason"],
            by=member.words,
            at=room.now(),
            signed=member.login,
        )
    except ConfigError as error:
        options, digest = computed(room.folder, text)
        facts = _result(options) | {"course": text, "seen": digest, "plan": plan}
        facts |= {"error": error, "typed": typed}
        return _page(request, pseudonym, facts, status=400)
    messages.success(request, "The choice stands in the journal, signed.")
    return redirect("patient", pseudonym)


def _verify_open(plan_uid: str, courses: Iterable[Known]) -> None:
    if plan_uid not in {one.plan_uid for one in courses}:
        raise ConfigError(
            "The plan of this course is not open any more: it is finished, or another one holds.",
            do_next="Compute the gap of the plan that holds, look at it, and sign then.",
        )


def _page(
    request: HttpRequest, pseudonym: str, facts: Mapping[str, object], *, status: int = 200
) -> HttpResponse:
    room = the_room()
    person = _person(pseudonym)
    chosen = [
        (one, plan_before(one, room.journal(), room.zone))
        for one in reversed(room.journal())
        if one.patient_pseudonym == pseudonym and one.action == Deed.CHOSEN
    ]
    frame = {
        "pseudonym": pseudonym,
        "patient": person.entry.patient,
        "tumours": parameter_sets(room.folder).tumours.values(),
        "diagnoses": [course.diagnosis for course in person.entry.courses if course.diagnosis],
        "members": room.members(),
        "chosen": chosen,
        "typed": {},
    }
    return render(request, "room/gap.html", {**frame, **facts}, status=status)


def _person(pseudonym: str) -> Person:
    """Return the patient with what was given since the copy was made: those fractions count, too."""
    found = the_room().patient(pseudonym)
    if found is None:
        raise Http404
    return found.person


def _first(known: Known | None) -> dict[str, str]:
    """Return what the form shows before anybody filled it in; no tumour is chosen."""
    day = local_date(the_room().now(), the_room().zone)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return {
        "tumour_site": "",
        "fractions": str(known.fractions or "") if known else "",
        "dose_gy": f"{known.dose_gy:g}" if known and known.dose_gy else "",
        "on": " ".join(map(str, known.on)) if known else "",
        "resume_on": str(day),
        "holidays": "",
        "service": "",
        "chemotherapy": "",
    }


def _asked(form: Mapping[str, str]) -> Asked:
    """Return what was typed.

    Raises
    ------
    ConfigError
        Not a number, or not a day.
    """
    if not form["tumour_site"]:
        raise ConfigError(
            "No tumour was chosen.", do_next="A person chooses it; the diagnosis is shown beside."
        )
    (resume_on,) = _days(form["resume_on"], "The first day of treatment") or (None,)
    if resume_on is None:
        raise ConfigError("No day was given on which treatment goes on.")
    return Asked(
        tumour_site=form["tumour_site"][:40],
        fractions=int(_number(form["fractions"], "The number of fractions")),
        dose_gy=_number(form["dose_gy"], "The dose of a fraction"),
        on=_days(form["on"], "The days of the fractions given"),
        resume_on=resume_on,
        holidays=_days(form["holidays"], "Holidays"),
        service=_days(form["service"], "Days of service"),
        with_chemotherapy={"yes": True, "no": False}.get(form["chemotherapy"]),
    )


def _number(text: str, what: str) -> float:
    try:
        found = float(text.strip().replace(",", "."))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ConfigError(f"{what} is no number.")
    return found


def _days(text: str, what: str) -> tuple[date, ...]:
    parts = re.split(r"[\s,;]+", text.strip()) if text.strip() else []
    if len(parts) > DAYS_MAX:
        raise ConfigError(f"{what}: at most {DAYS_MAX} days.")
    try:
        return tuple(sorted(date.fromisoformat(part) for part in parts))
    except ValueError as error:
        raise ConfigError(f"{what}: write each day as 2026-11-22.") from error


def _result(options: Options) -> dict[str, object]:
    numbered = [_shown(options, number, one) for number, one in enumerate(options.options, start=1)]
    groups = [
        (family.value, list(members))
        for family, members in groupby(numbered, key=lambda one: one.option.family)
    ]
    return {
        "options": options,
        "groups": groups,
        "prescribed": _row(options.prescribed),
        "nothing": _row(options.nothing),
        "nothing_id": NOTHING,
        "lines": words.course_lines(options),
        "parameters": words.parameter_lines(options),
        "parameters_words": words.parameters_words(options),
        "formula": words.FORMULA,
        "marks_said": words.MARKS_SAID,
    }


def _row(outcome: Outcome) -> dict[str, object]:
    return {
        "size": f"{outcome.fractions} × {outcome.dose_per_fraction_gy:.2f}",
        "outcome": outcome,
        "tumour": words.signed(outcome.tumour.vs_prescribed_percent),
        "late": words.signed(outcome.late[0].vs_prescribed_percent) if outcome.late else "",
    }


def _shown(options: Options, number: int, option: Option) -> Shown:
    drawn = base64.b64encode(draw_course(options, option.outcome)).decode()
    return Shown(
        number=number,
        option=replace(option, title=option.title + words.MARKS[option.sized_for]),
        size=f"{option.outcome.fractions} × {option.outcome.dose_per_fraction_gy:.2f}",
        tumour=words.effect_words(option.outcome.tumour),
        late=tuple((effect.title, words.effect_words(effect)) for effect in option.outcome.late),
        slots=words.slots_words(option),
        weeks=words.weeks(option.outcome),
        picture=f"data:image/svg+xml;base64,{drawn}",
        said=alternative(options, option.outcome),
    )
