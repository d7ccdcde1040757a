"""From what is held of each patient to the rows of the list: nobody is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.namesakes import Alike, Others, alike_among, alike_to
from beamkeeper.domain.patient import shown_name
from beamkeeper.protect.lists.category import suggested
from beamkeeper.protect.lists.order import in_order
from beamkeeper.protect.lists.plan_lines import plan_lines, plans_left_out
from beamkeeper.protect.lists.row import Category, ListRow, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.chart import Triage
    from beamkeeper.protect.lists.row import ListHead, Person, PlanLine

T = TypeVar("T")


def list_rows(persons: Iterable[Person], head: ListHead) -> tuple[ListRow, ...]:
    """Return one row for each person, in the published order."""
    everybody = tuple(persons)
    found = alike_among([person.entry.patient for person in everybody])
    who_is = [who(person) for person in everybody] if found else []
    return in_order(
        _row(person, head, _alike(found[place], who_is) if place in found else ())
        for place, person in enumerate(everybody)
    )


def row_among(person: Person, everybody: Sequence[Person], head: ListHead) -> ListRow:
    """Return the row of one person, who may be taken for somebody of everybody; its place is not counted."""
    others = [one for one in everybody if one.pseudonym != person.pseudonym]
    found = alike_to(person.entry.patient, [one.entry.patient for one in others])
    return _row(person, head, _alike(found, {place: who(others[place]) for place in found.others}))


def _row(person: Person, head: ListHead, alike: Sequence[str]) -> ListRow:
    lines = plan_lines(person, head)
    triage, doubt = _triage(person.entry)
    left_out = plans_left_out(person, lines)
    alerts = (note for chart in person.entry.charts for note in chart.notes if note.kind == "alert")
    return ListRow(
        pseudonym=person.pseudonym,
        patient=person.entry.patient,
        section=_section(person.entry, lines),
        plans=lines,
        category=_category(person.entry, lines),
        triage=triage,
        physicians=_once(item for chart in person.entry.charts for item in chart.physicians),
        appointments=tuple(
            sorted(
                (item for item in person.entry.appointments if item.starts_at >= head.made_at),
                key=lambda item: (item.starts_at, item.activity, item.machine),
            )
        ),
        warnings=_once((*alike, *_of_the_copy(person, lines), *_of_the_course(person, lines), *doubt)),
        remarks=_once(
            (
                *(f"Alert: {note.text}" for note in alerts),
                *((f"Also kept, neither begun nor approved: {', '.join(left_out)}.",) if left_out else ()),
            )
        ),
    )


def _section(entry: CensusEntry, lines: Sequence[PlanLine]) -> Section:
    """Return where a patient belongs: with the most urgent plan; never among those not begun when treated."""
    first = min((line.section for line in lines), key=lambda section: section.place)
    if first is Section.ON_TREATMENT:
        return first
    treated = any(claim.reason is CensusReason.TREATED_RECENTLY for claim in entry.claims)
    if treated and all(line.section is not Section.FINISHED for line in lines):
        return Section.ON_TREATMENT
    return Section.FINISHED if entry.finished else first


def _of_the_course(person: Person, lines: Sequence[PlanLine]) -> Iterable[str]:
    section = _section(person.entry, lines)
    begun = any(line.section is Section.ON_TREATMENT for line in lines)
    if section is Section.ON_TREATMENT and person.entry.finished:
        yield "A source says the course is finished; by what is kept it is not."
    if section is Section.ON_TREATMENT and not begun:
        yield "Treated in the last days, but no fraction is counted for any plan: a person has to say which."
    if section is Section.FINISHED and any(line.section is not Section.FINISHED for line in lines):
        yield "A source says the course is finished, though a plan was never begun."
    if person.position is not None:
        for conflict in person.position.conflicts:
            yield conflict.text
        if count := len(person.position.unassigned_record_uids):
            one = count == 1
            records = "1 treatment record belongs" if one else f"{count} treatment records belong"
            yield f"{records} to no plan here and {'is' if one else 'are'} not counted."
    yield from person.entry.disagreements


def _of_the_copy(person: Person, lines: Sequence[PlanLine]) -> Iterable[str]:
    yield from person.doubts
    if not person.passed_over:
        return
    nights = ", ".join(map(str, person.passed_over))
    if person.night in person.passed_over:
        yield f"NOT CONFIRMED: no copy of this patient was confirmed by people ({nights})."
        return
    yield f"As of the night of {person.night}: nobody has confirmed what later nights brought ({nights})."
    here = {line.plan_uid: line for line in lines}
    for at in person.newer.plans if person.newer else ():
        given = f"{at.fractions_complete} of {at.fractions_planned or '?'} given"
        line = here.get(at.plan_uid)
        if line is None or not line.given.startswith(given):
            yield f"By the copy nobody confirmed: {at.rt_plan_label} {given}. Ask before you treat."


def _triage(entry: CensusEntry) -> tuple[Triage | None, tuple[str, ...]]:
    """Return the department's code; the first of several, and that they differ."""
    said = [(chart.source, chart.triage) for chart in entry.charts if chart.triage is not None]
    if not said:
        return None, ()
    codes = dict.fromkeys(triage.code for _, triage in said)
    first = min((triage for _, triage in said), key=lambda triage: (triage.code, triage.reason))
    if len(codes) == 1:
        return said[0][1], ()
    told = ", ".join(f"{source}: {triage.code}" for source, triage in said)
    return first, (f"The sources give different triage codes ({told}); the first in order is used.",)


def _category(entry: CensusEntry, lines: Sequence[PlanLine]) -> Category:
    """Return what the course of the patient's first plan suggests."""
    uid = lines[0].plan_uid
    courses = [course for course in entry.courses if uid and uid in course.plan_uids]
    courses = courses or (list(entry.courses) if len(entry.courses) == 1 else [])
    if len({course.diagnosis for course in courses}) > 1:
        return Category(number=None, reason="several courses with different diagnoses: a physician decides")
    diagnosis = courses[0].diagnosis if courses else ""
    return suggested(diagnosis, (*(course.intent for course in courses), lines[0].intent))


_SAID = {
    Alike.SAME_ID: "SAME PATIENT ID as {}: compare birth date and ID.",
    Alike.SAME_NAME: "SAME NAME as {}: compare birth date and ID.",
    Alike.SIMILAR_NAME: "SIMILAR NAME: {}: compare birth date and ID.",
    Alike.SAME_FAMILY_AND_BIRTH: "SAME FAMILY NAME AND BIRTH DATE: {}: compare given name and ID.",
}
_MANY = "so many others of this list that none is named here"


def _alike(found: Others, who_is: Mapping[int, str] | Sequence[str]) -> tuple[str, ...]:
    """Return the warnings about everybody whom one patient may be taken for, named by their place."""
    said = []
    for how, words in _SAID.items():
        if how in found.many:
            said.append(words.format(_MANY))
        elif named := sorted(who_is[place] for place, hows in found.others.items() if how in hows):
            said.append(words.format("; ".join(named)))
    return tuple(said)


def who(person: Person) -> str:
    """Return how another patient is named in a warning."""
    patient = person.entry.patient
    born = f"born {patient.birth_on}" if patient.birth_on else "birth date not known"
    return f"{shown_name(patient.name) or '(no name)'}, {born}, ID {patient.patient_id}"


def _once(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
