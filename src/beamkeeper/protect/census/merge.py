"""One list out of several answers and last night's: nobody is lost in silence.

The rules, in order:

1. No source answered: last night's list, marked stale. Without one there is nothing to keep by: raise.
2. Everybody a source names is on the list, joined by Patient ID; every claim is kept. One ID is two
   persons where issuer, name and birth date say so (`domain.identity`).
3. Test patients are left out and named in the warnings.
4. Who was on the last list and is not known to have finished stays on it.
5. What sources say differently about one person is shown in words, never resolved.
6. A source that names nobody, far fewer people than the time before, or calls many finished at once,
   is said so aloud.
7. A list that would be empty raises: no change because nothing was asked must never look like a
   quiet night.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from beamkeeper.domain.census import Census, CensusEntry, CensusReason, Claim, SourceReport
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import ImplausibleChange, SourceUnavailable
from beamkeeper.protect.census.disagreement import differences
from beamkeeper.protect.census.people import Key, People, Saying

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from beamkeeper.domain.chart import Chart
    from beamkeeper.protect.census.source import SourceAnswer

LAST_LIST = "last list"
"""The source named in a KEPT_BEFORE claim."""

_AHEAD = frozenset(
    {CensusReason.SCHEDULED_SOON, CensusReason.PLANNED_NOT_STARTED, CensusReason.BEGUN_NOT_FINISHED}
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRule:
    """When fewer people than before is worth a warning.

    Attributes
    ----------
    percent_max
        A source may name this much fewer people than the time before, percent.
    patients_min
        Below so many people the time before, percentages say nothing.
    """

    percent_max: float = 30.0
    patients_min: int = 5


def merge(
    answers: Sequence[SourceAnswer],
    *,
    now: datetime,
    previous: Census | None,
    drop: DropRule | None = None,
) -> Census:
    """Return tonight's list; the order of `answers` does not matter.

    Parameters
    ----------
    previous
        The last list; None before the first night.

    Raises
    ------
    SourceUnavailable
        No source answered and there is no last list.
    ImplausibleChange
        Sources answered, but the list would be empty.
    """
    ordered = sorted(answers, key=lambda answer: (answer.authority, answer.source))
    if not any(answer.answered for answer in ordered):
        return _stale(ordered, previous)
    earlier = previous.entries if previous else ()
    people = People.of([entry for answer in ordered for entry in answer.entries], earlier)
    test_ids = people.plain(answer.test_patient_ids for answer in ordered)
    finished_ids = people.plain(answer.finished_patient_ids for answer in ordered)
    sayings = _joined(ordered, people, test_ids)
    before = _by_person((e for e in earlier if e.patient.patient_id not in test_ids), people)
    keyed = {key: _entry(key, said, before.get(key), ordered, people) for key, said in sayings.items()}
    keyed |= {
        key: _kept(entry, is_finished=entry.patient.patient_id in finished_ids)
        for key, entry in before.items()
        if key not in sayings and not entry.finished
    }
    entries = _with_charts(keyed, ordered, people)
    if not entries:
        raise ImplausibleChange(
            "Every source answered, but nobody would be on the list.",
            do_next="Check the mapping, the archive's dates, or the folder: nobody is no quiet night.",
            sources=[answer.source for answer in ordered],
        )
    reports = tuple(_report(answer, previous, drop or DropRule()) for answer in ordered)
    entries.sort(key=_in_order)
    return Census(taken_at=now, entries=tuple(entries), sources=reports)


def _by_person(entries: Iterable[CensusEntry], people: People) -> dict[Key, CensusEntry]:
    """Return the last list by person: of several entries for one, one that has not finished.

    An entry that may be of several persons stands in for one of them whom no other entry keeps.
    """
    found: dict[Key, CensusEntry] = {}
    for entry, keys in sorted(((e, people.keys(e.patient)) for e in entries), key=lambda pair: len(pair[1])):
        open_keys = [key for key in keys if key not in found or found[key].finished]
        if open_keys and (len(open_keys) == len(keys)):
            found[open_keys[0]] = entry
    return found


def _stale(answers: Sequence[SourceAnswer], previous: Census | None) -> Census:
    """Rule 1. The time the list was taken stays what it was: its age is what people must see."""
    if previous is None:
        raise SourceUnavailable(
            "No source of the list answered, and there is no earlier list to keep by.",
            do_next="; ".join(f"{answer.source}: {answer.error}" for answer in answers)
            or "Name at least one source in the site file.",
        )
    reports = tuple(
        SourceReport(source=answer.source, answered=False, patient_count=0, error=answer.error)
        for answer in answers
    )
    return replace(previous, sources=reports, stale=True)


def _joined(
    answers: Iterable[SourceAnswer], people: People, test_ids: frozenset[str]
) -> dict[Key, list[Saying]]:
    """Rules 2 and 3: sayings by person, in the order of authority."""
    sayings = [
        Saying(source=answer.source, authority=answer.authority, entry=entry)
        for answer in answers
        for entry in answer.entries
        if entry.patient.patient_id not in test_ids
    ]
    joined: dict[Key, list[Saying]] = {}
    for saying in sorted(sayings, key=lambda saying: saying.order):
        keys = people.keys(saying.entry.patient)
        for key in keys:
            said = saying if len(keys) == 1 else replace(saying, entry=_of_one_of_them(saying, key, people))
            joined.setdefault(key, []).append(said)
    return joined


def _of_one_of_them(saying: Saying, key: Key, people: People) -> CensusEntry:
    """Return what an entry says of each person it may be about: that somebody must be kept, and no more."""
    said = f"{saying.source} names Patient ID {key[0]} so that it may be any of those who have it"
    return CensusEntry(
        patient=people.stated(key),
        claims=saying.entry.claims,
        disagreements=(*saying.entry.disagreements, f"{said}: counted for each of them"),
    )


def _in_order(entry: CensusEntry) -> tuple[str, str, str, str]:
    patient = entry.patient
    return (patient.patient_id, patient.issuer_of_patient_id, patient.name, str(patient.birth_on or ""))


def _entry(
    key: Key,
    said: Sequence[Saying],
    before: CensusEntry | None,
    answers: Sequence[SourceAnswer],
    people: People,
) -> CensusEntry:
    """Rules 2 and 5 for one person."""
    entries = [saying.entry for saying in said]
    claims = _once(claim for entry in entries for claim in entry.claims)
    finished_by = _finished_by(key, said, answers, people)
    more_to_come = sorted({claim.source for claim in claims if claim.reason in _AHEAD})
    disagreements = [*differences(said), *people.doubts(key)]
    if finished_by and more_to_come:
        disagreements.append(
            f"{', '.join(finished_by)}: treatment finished; {', '.join(more_to_come)}: more is planned"
        )
    merged = CensusEntry(
        patient=_patient(key, entries, people.issuer(key)),
        claims=claims,
        courses=_once(course for entry in entries for course in entry.courses),
        appointments=_once(appointment for entry in entries for appointment in entry.appointments),
        counts=_once(count for entry in entries for count in entry.counts),
        charts=_once(chart for entry in entries for chart in entry.charts),
        disagreements=_once((*(text for entry in entries for text in entry.disagreements), *disagreements)),
        finished=bool(finished_by) and not more_to_come,
    )
    silent = frozenset(answer.source for answer in answers if not answer.answered)
    return _filled(merged, before, silent) if before is not None and silent else merged


def _with_charts(
    entries: Mapping[Key, CensusEntry], answers: Iterable[SourceAnswer], people: People
) -> list[CensusEntry]:
    """Give people on the list what sources know of them that did not put them there.

    Where it is unclear whose it is it goes to nobody, and everybody with that Patient ID is told.
    """
    found: dict[Key, list[Chart]] = {}
    unclear: dict[str, list[str]] = {}
    for answer in answers:
        for patient, chart in answer.charts:
            if len(keys := people.whose(patient)) == 1:
                found.setdefault(keys[0], []).append(chart)
            else:
                said = f"{answer.source} speaks of Patient ID {patient.patient_id} and it is unclear of whom"
                unclear.setdefault(patient.patient_id, []).append(f"{said}: not counted")
    return [
        _with_chart(entry, found.get(key, ()), unclear.get(entry.patient.patient_id, ()))
        for key, entry in entries.items()
    ]


def _with_chart(entry: CensusEntry, charts: Sequence[Chart], unclear: Iterable[str]) -> CensusEntry:
    sources = {chart.source for chart in charts}
    return replace(
        entry,
        charts=_once((*(chart for chart in entry.charts if chart.source not in sources), *charts)),
        disagreements=_once((*entry.disagreements, *unclear)),
    )


def _finished_by(
    key: Key, said: Sequence[Saying], answers: Sequence[SourceAnswer], people: People
) -> list[str]:
    """Return the sources that know this person to have finished."""
    found = {saying.source for saying in said if saying.entry.finished}
    if not people.is_shared(key[0]):
        found |= {answer.source for answer in answers if key[0] in answer.finished_patient_ids}
    return sorted(found)


def _filled(entry: CensusEntry, before: CensusEntry, silent: frozenset[str]) -> CensusEntry:
    """While a source is silent, keep what it said last about contacts, courses and appointments."""
    patient, known = entry.patient, before.patient
    return replace(
        entry,
        patient=replace(
            patient,
            name=patient.name or known.name,
            contacts=patient.contacts or known.contacts,
            birth_on=patient.birth_on or known.birth_on,
            sex=patient.sex or known.sex,
            language=patient.language or known.language,
        ),
        courses=entry.courses or before.courses,
        appointments=entry.appointments or before.appointments,
        charts=_once((*entry.charts, *(chart for chart in before.charts if chart.source in silent))),
    )


def _kept(entry: CensusEntry, *, is_finished: bool) -> CensusEntry:
    """Rule 4. A patient who finished since is on the list once more, so that the end is kept too.

    The OIS's own counts are of another night and would contradict newer records.
    """
    claim = Claim(source=LAST_LIST, reason=CensusReason.KEPT_BEFORE)
    return replace(entry, claims=(claim,), counts=(), finished=is_finished)


def _patient(key: Key, entries: Sequence[CensusEntry], issuer: str) -> Patient:
    patients = [entry.patient for entry in entries]
    return Patient(
        patient_id=key[0],
        name=_first(patient.name for patient in patients) or "",
        issuer_of_patient_id=_first(p.issuer_of_patient_id for p in patients) or issuer,
        birth_on=_first(patient.birth_on for patient in patients),
        sex=_first(patient.sex for patient in patients) or "",
        language=_first(patient.language for patient in patients) or "",
        contacts=_once(contact for patient in patients for contact in patient.contacts),
    )


def _report(answer: SourceAnswer, previous: Census | None, drop: DropRule) -> SourceReport:
    count = len({(e.patient.patient_id, e.patient.issuer_of_patient_id) for e in answer.entries})
    warnings = list(answer.warnings)
    if answer.answered:
        warnings += _drop_warnings(answer, count, previous, drop)
    if answer.test_patient_ids:
        names = ", ".join(sorted(answer.test_patient_ids))
        count_left_out = len(answer.test_patient_ids)
        left_out = "1 test patient is" if count_left_out == 1 else f"{count_left_out} test patients are"
        warnings.append(f"{left_out} left out: {names}.")
    return SourceReport(
        source=answer.source,
        answered=answer.answered,
        patient_count=count,
        warnings=_once(warnings),
        error=answer.error,
    )


def _drop_warnings(answer: SourceAnswer, count: int, previous: Census | None, drop: DropRule) -> list[str]:
    """Rule 6. The time before is what the same source named then."""
    if previous is None:
        return [] if count else [f"{answer.source} answered, but named nobody."]
    named_then = [r.patient_count for r in previous.sources if r.source == answer.source and r.answered]
    before = named_then[0] if named_then else 0
    warnings = []
    if count == 0:
        warnings.append(f"{answer.source} answered, but named nobody ({before} the time before).")
    elif before >= drop.patients_min and (before - count) * 100 > drop.percent_max * before:
        percent = (before - count) * 100 / before
        warnings.append(
            f"{answer.source} named {count} patients, {before} the time before: {percent:.0f} % fewer."
        )
    treated = {entry.patient.patient_id for entry in previous.entries if not entry.finished}
    ended = len(treated & answer.finished_patient_ids)
    if len(treated) >= drop.patients_min and ended * 100 > drop.percent_max * len(treated):
        warnings.append(
            f"{answer.source} says that {ended} of {len(treated)} patients finished since the last list."
        )
    return warnings


def _first(values: Iterable[T]) -> T | None:
    return next((value for value in values if value), None)


def _once(values: Iterable[T]) -> tuple[T, ...]:
    """Return different values in the order they came."""
    return tuple(dict.fromkeys(values))
