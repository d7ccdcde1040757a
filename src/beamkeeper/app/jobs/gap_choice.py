"""The gap of one patient of an incident: facts out of the inventory, options, and what a physician signs.

The facts become a course file, as `beamkeeper gap` reads it: what a page computes can be computed anywhere
from that one file. A choice is signed for the numbers that were seen: by the digest of the result.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.day_files import PARAMETERS
from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.incident_acts import within
from beamkeeper.app.jobs.treatment_days import days_said
from beamkeeper.clock import local_date
from beamkeeper.domain.codec import canonical
from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.words import line, plural
from beamkeeper.errors import ConfigError
from beamkeeper.respond.gap import Calendar, as_json, options_for, read_course, read_parameters
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.position import PlanPosition
    from beamkeeper.protect.lists import Person
    from beamkeeper.respond.gap import Options, ParameterSets

NOTHING: Final = "nothing"
"""The choice to go on without compensation."""
COURSES: Final = "gap"
FILE_BYTES_MAX: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the copy knows of one course with a gap.

    Attributes
    ----------
    on
        Days of the fractions that were given whole, one for each.
    doubts
        What a person has to settle before the numbers mean anything, in words.
    """

    plan_uid: str
    label: str
    fractions: int | None
    dose_gy: float | None
    on: tuple[date, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person says of the course; the days and doses are the copy's until somebody changes them."""

    tumour_site: str
    fractions: int
    dose_gy: float
    on: tuple[date, ...]
    resume_on: date
    holidays: tuple[date, ...] = ()
    service: tuple[date, ...] = ()
    with_chemotherapy: bool | None = None


def known_courses(person: Person, zone: ZoneInfo) -> tuple[Known, ...]:
    """Return what the copy knows of each plan that was begun and is not finished."""
    plans = {plan.sop_instance_uid: plan for plan in person.plans}
    return tuple(
        Known(
            plan_uid=at.plan_uid,
            label=at.rt_plan_label,
            fractions=at.fractions_planned,
            dose_gy=plans[at.plan_uid].dose_per_fraction_gy if at.plan_uid in plans else None,
            on=_days(at, zone),
            doubts=tuple(_doubts(at, zone)),
        )
        for at in (person.position.plans if person.position else ())
        if not at.is_over and at.fractions_complete
    )


def _days(at: PlanPosition, zone: ZoneInfo) -> tuple[date, ...]:
    return tuple(
        sorted(
            local_date(state.last_treated_at, zone)
            for state in at.fractions
            if state.complete and state.last_treated_at is not None
        )
    )


def _doubts(at: PlanPosition, zone: ZoneInfo) -> Sequence[str]:
    found = [conflict.text for conflict in at.conflicts]
    if (days := len(_days(at, zone))) != at.fractions_complete:
        found.append(f"Days are known for {days} of {at.fractions_complete} fractions given: fill them in.")
    twice = sum(count > 1 for count in Counter(_days(at, zone)).values())
    if twice and not is_two_a_day(_days(at, zone)):
        found.append(
            f"Two fractions were given on {plural(twice, 'day')}: one a day is taken for prescribed."
        )
    if at.fractions_partial:
        begun = plural(at.fractions_partial, "fraction")
        found.append(f"Begun and not finished, and not counted here: {begun}.")
    return found


def parameter_sets(folder: IncidentFolder) -> ParameterSets:
    """Return the parameters of the incident: the department's own over the program's."""
    path = folder.path / PARAMETERS
    try:
        own = [(PARAMETERS, path.read_text(encoding="utf-8"))] if path.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{PARAMETERS} cannot be read.", do_next="It is text in UTF-8.") from error
    return read_parameters(own)


def course_text(person: Person, asked: Asked) -> str:
    """Return the course file of a patient: all that is computed with, in one text."""
    patient = person.entry.patient
    name = line(shown_name(patient.name))[:100]
    lines = [
        'format = "beamkeeper-course"',
        "version = 1",
        "[patient]",
        *((f"name = {_toml(name)}",) if name else ()),
        f"id = {_toml(line(patient.patient_id)[:100])}",
        *((f"birth_on = {patient.birth_on}",) if patient.birth_on else ()),
        "[prescription]",
        f"tumour_site = {_toml(asked.tumour_site)}",
        f"fractions = {asked.fractions}",
        f"dose_per_fraction_gy = {asked.dose_gy!r}",
    ]
    if asked.with_chemotherapy is not None:
        lines.append(f"with_chemotherapy = {'true' if asked.with_chemotherapy else 'false'}")
    if is_two_a_day(asked.on):
        lines.append("fractions_per_day = 2")
    lines += ["[given]", f"on = {_dates(asked.on)}", "[gap]", f"resume_on = {asked.resume_on}", "[calendar]"]
    lines += [f"holidays = {_dates(asked.holidays)}", f"service = {_dates(asked.service)}"]
    return "\n".join(lines) + "\n"


def is_two_a_day(on: Sequence[date]) -> bool:
    """Return whether a course is given twice a day: most of its days have two fractions.

    One day with two, as when a fraction was made up, does not make the prescription so.
    """
    counts = Counter(on)
    return 2 * sum(count > 1 for count in counts.values()) > len(counts)


def computed(folder: IncidentFolder, text: str) -> tuple[Options, str]:
    """Return the options of a course file, and the digest of the result that a signature is for.

    Raises
    ------
    ConfigError
        The course cannot be computed; the message says why.
    """
    options = options_for(
        *read_course(text, parameter_sets(folder), days_said(folder.journal.rows()) or Calendar())
    )
    digest = hashlib.sha256(json.dumps(as_json(options), sort_keys=True).encode()).hexdigest()
    return options, digest


def choose(
    folder: IncidentFolder,
    pseudonym: str,
    text: str,
    *,
    plan_uid: str,
    seen: str,
    option_id: str,
    reason: str,
    by: str,
    at: datetime,
    signed: str,
) -> AuditRow:
    """Write down which way a physician chose, and keep the course file it was computed from.

    Parameters
    ----------
    plan_uid
        Of the plan whose course it is: once another plan holds, the choice does not count.
    seen
        Digest of the result that stood before whoever signs.

    Raises
    ------
    ConfigError
        No reason, no such option, or the numbers are no longer those that were seen.
    """
    said = within(reason)
    if not said:
        raise ConfigError("A choice without a reason does not count.", do_next="Say why, in your words.")
    options, digest = computed(folder, text)
    if digest != seen:
        raise ConfigError(
            "The numbers are no longer those you saw: parameters or facts have changed.",
            do_next="Compute again, look at them, and sign then.",
        )
    titles = {option.id: option.title for option in options.options} | {NOTHING: "No compensation"}
    if option_id not in titles:
        raise ConfigError(
            "No option was chosen.", do_next="Choose one of those computed; none is preselected."
        )
    data = text.encode()
    course = hashlib.sha256(data).hexdigest()
    name = course_name(course)
    folder.keep(name, data)
    return write(
        folder,
        Deed.CHOSEN,
        by=by,
        at=at,
        pseudonym=pseudonym,
        about=option_id,
        plan=plan_uid,
        value=titles[option_id],
        said=said,
        course=name,
        course_sha256=course,
        result_sha256=digest,
        parameters_sha256=options.model.parameters_sha256,
        signed=signed,
    )


def course_name(sha256: str) -> str:
    """Return where a course file that was signed is kept, by its digest."""
    return f"{COURSES}/{sha256[:16]}.toml"


def _toml(text: str) -> str:
    """Return a TOML basic string: JSON's escapes are among TOML's."""
    return canonical(text)


def _dates(days: Sequence[date]) -> str:
    return f"[{', '.join(map(str, days))}]"
