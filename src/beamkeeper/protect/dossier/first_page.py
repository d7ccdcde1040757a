"""What else stands on the first page: whom to call, appointments, how urgent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.words import LANGUAGES, SEXES, age, line, note, plural, weekday_at
from beamkeeper.protect.dossier.booked import unrecorded
from beamkeeper.protect.dossier.sheet import Identity, Lines, Marked, Pairs, Section, Table
from beamkeeper.protect.dossier.standing import shortened
from beamkeeper.protect.dossier.whom import unbroken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.domain.chart import Chart, ChartAppointment
    from beamkeeper.protect.dossier.sheet import Block, Standing
    from beamkeeper.protect.dossier.source import DossierSource, Provenance

OTHERS_SHOWN_MAX = 8
CALLS_SHOWN_MAX, COMING_SHOWN_MAX = 6, 3
DISAGREEMENTS_SHOWN_MAX = 4
OLDEST_YEARS = 120
"""Whoever is older was born on a date that stands for none."""
OWN = frozenset(
    {"self", "patient", "zelf", "patiënt", "patiënte", "lui-même", "elle-même", "selbst", "patientin"}
)
"""How sources call the patient among those to phone, in the languages of their departments."""
NO_NIGHT_PHONE = "no number of the department is known here"


def identity(source: DossierSource) -> Identity:
    """Return who it is: two identifiers, birth date, sex, language."""
    patient = source.entry.patient
    born = patient.birth_on
    if born is None:
        said = "unknown"
    else:
        years = age(born, source.as_of.astimezone(source.zone).date())
        said = f"{born.isoformat()} ({_age_words(years)})"
    issuer = line(patient.issuer_of_patient_id)
    others = [("Born", said), ("Sex", SEXES.get(patient.sex, "unknown"))]
    language = patient.language.strip().lower()
    others.append(("Speaks", LANGUAGES.get(language, line(patient.language)) or "not known"))
    if source.namesakes is None:
        others.append(("Others of this name", "not looked for"))
    if issuer:
        others.append(("ID issued by", issuer))
    first, *further = [group for group in patient.name.split("=") if shown_name(group)] or [""]
    if also := dict.fromkeys(one for group in further if (one := shown_name(group)) != shown_name(first)):
        others.append(("Also written", line("; ".join(also))))
    return Identity(
        name=line(shown_name(first)) or "(no name)",
        patient_id=line(patient.patient_id),
        others=tuple(others),
        photo=source.photo,
    )


def _age_words(years: int) -> str:
    if years < 0:
        return "in the future?"
    return f"{plural(years, 'year')}{'?' if years > OLDEST_YEARS else ''}"


def made_of(provenance: Provenance) -> str:
    """Return which night it is of and who vouches for it, or that nobody does."""
    if provenance.night is None:
        said = "Made from a folder of files. No night kept them, and nobody has confirmed them."
    elif provenance.trust:
        said = f"Night of {provenance.night.isoformat()}. {line(provenance.trust)}"
    elif provenance.confirmed_by:
        people = " and ".join(map(line, provenance.confirmed_by))
        said = f"Night of {provenance.night.isoformat()}; {people} confirmed that copy."
    else:
        said = f"Night of {provenance.night.isoformat()}. Nobody has confirmed it."
    return f"{said} {line(provenance.remark)}".strip()


def first_sections(source: DossierSource, others: Sequence[Standing]) -> tuple[Section, ...]:
    """Return the sections under the standings.

    Parameters
    ----------
    others
        Where the plans stand for which there is no large card.
    """
    return (
        *_other_plans(others),
        Section(title="Whom to call", blocks=tuple(_calls(source)), is_half=True),
        Section(title="Appointments and urgency", blocks=tuple(_appointments(source)), is_half=True),
    )


def _other_plans(others: Sequence[Standing]) -> Iterator[Section]:
    if others:
        shown = others[:OTHERS_SHOWN_MAX]
        rows = tuple((shortened(one.plan), one.next_words, one.given, one.ready or "–") for one in shown)
        table = Table(
            header=("Plan", "Next", "Given", "This copy"), rows=rows, widths=("1fr", "1fr", "auto", "1fr")
        )
        more = len(others) - len(shown)
        said = (Lines(items=(f"and {plural(more, 'plan')} more: all stand under “As the plans state it”.",)),)
        yield Section(title="Other plans", blocks=(table, *(said if more > 0 else ())))


def _calls(source: DossierSource) -> Iterator[Block]:
    rows = []
    for contact in source.entry.patient.contacts:
        who = "Patient" if contact.relation.strip().casefold() in OWN else line(contact.relation)
        name = "" if who == "Patient" else line(contact.name)
        rows.append((who or "Contact", _reached(contact.phone, name)))
    for chart in source.entry.charts:
        rows += [
            (line(who.role) or "Physician", _reached(who.phone, line(who.name))) for who in chart.physicians
        ]
    rows = list(dict.fromkeys(rows))
    at_night = ("At night", unbroken(source.night_phone) or NO_NIGHT_PHONE)
    yield Pairs(rows=(at_night, *rows[:CALLS_SHOWN_MAX]))
    if (more := len(rows) - CALLS_SHOWN_MAX) > 0:
        yield Lines(items=(f"and {more} more in the facts of the night",))
    if not rows:
        yield Lines(items=("No source gives a telephone number or a physician.",))


def _reached(phone: str, name: str) -> str:
    """Return a telephone number that no line end cuts in two, then whose it is."""
    return "  ".join(filter(None, (unbroken(phone) or "no number", name)))


def _appointments(source: DossierSource) -> Iterator[Block]:
    zone, now = source.zone, source.as_of
    rows = []
    # What was called off for a day to come stands among the past ones, too: it is no last session.
    every = [item for chart in source.entry.charts for item in chart.past_appointments]
    past = [item for item in every if item.starts_at <= now]
    if past:
        last = max(past, key=lambda item: item.starts_at)
        rows.append(("Last", _booked(last, source)))
    coming = sorted((a for a in source.entry.appointments if a.starts_at >= now), key=lambda a: a.starts_at)
    for place, item in enumerate(coming[:COMING_SHOWN_MAX]):
        where = " ".join(
            filter(None, (line(item.activity), line(item.machine) and f"on {line(item.machine)}"))
        )
        rows.append(("Next" if place == 0 else "then", f"{weekday_at(item.starts_at, zone)} {where}".strip()))
    if not coming:
        rows.append(("Next", "none known"))
    elif len(coming) > COMING_SHOWN_MAX:
        rows.append(("", f"and {len(coming) - COMING_SHOWN_MAX} more"))
    yield Pairs(rows=(*rows, *_triage(source.entry.charts)))


def _booked(item: ChartAppointment, source: DossierSource) -> str:
    where = f"on {line(item.machine)}" if item.machine else ""
    state = f"({line(item.status)})" if item.status else ""
    said = (weekday_at(item.starts_at, source.zone), line(item.activity), where, state)
    return " ".join(filter(None, said))


def _triage(charts: tuple[Chart, ...]) -> Iterator[tuple[str, str]]:
    codes = [chart.triage for chart in charts if chart.triage is not None]
    if not codes:
        yield "Triage code", "none given"
    for triage in codes:
        reason = line(triage.reason) or "no reason given"
        by = f", by {line(triage.given_by)}" if triage.given_by else ""
        yield "Triage code", f"{line(triage.code)} – {reason}{by}"


def doubts(source: DossierSource) -> Iterator[Section]:
    """Yield what concerns the patient as a whole and must be read."""
    found = [note(text) for text in (*source.problems, *source.entry.disagreements, *unrecorded(source))]
    if source.position is not None:
        unassigned = len(source.position.unassigned_record_uids)
        if unassigned:
            verbs = ("belongs", "counts") if unassigned == 1 else ("belong", "count")
            found.append(f"{plural(unassigned, 'record')} {verbs[0]} to no plan here and {verbs[1]} nowhere.")
        found += [line(conflict.text) for conflict in source.position.conflicts]
    found = list(dict.fromkeys(found))
    if not found:
        return
    more = len(found) - DISAGREEMENTS_SHOWN_MAX
    shown = [line(text) for text in found[:DISAGREEMENTS_SHOWN_MAX]]
    if more > 0:
        shown.append(f"and {more} more, under “What is missing and what disagrees”")
    yield Section(title="Ask before you treat", blocks=(Marked(items=tuple(shown)),))
