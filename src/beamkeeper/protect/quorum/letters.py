"""What is written to people: counts, grades and pseudonyms in their language; never a patient's name."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from beamkeeper.domain.change import SEVERITY, Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.protect.quorum.phrases import GRADES, PHRASES, Phrases
from beamkeeper.protect.quorum.replies import SHOWN_PSEUDONYM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.ballot import NightFacts
    from beamkeeper.domain.night import NightReport, PatientNight
    from beamkeeper.protect.quorum.rule import Person, QuorumRule


def report_subject(report: NightReport, person: Person) -> str:
    """Return the subject of the report mail."""
    said = phrases_for(person)
    return f"Beamkeeper {report.site_name}: {_night(report, said)}"


def _night(report: NightReport, said: Phrases) -> str:
    eyes = report.eyes_count
    if report.outcome is NightOutcome.STOPPED:
        verdict = said.stopped
    elif not report.patients:
        verdict = said.nobody
    elif eyes:
        verdict = said.changes.format(count=eyes)
    elif report.outcome is NightOutcome.COMPLETE:
        verdict = said.nothing
    else:
        verdict = said.incomplete
    return f"{said.night.format(night=report.run_on.isoformat())} {verdict}"


def report_text(
    report: NightReport,
    facts: NightFacts,
    person: Person,
    rule: QuorumRule,
    *,
    code: str,
    code_expires_at: datetime,
    by_mail: bool = True,
    more: str = "",
) -> str:
    """Return the report mail to one person.

    Parameters
    ----------
    code
        Their one-time code; "" when they may not vote.
    by_mail
        Whether answers are read; else the code is for the command line.
    more
        What the site chose to add: the masked report, or what is attached.
    """
    said = phrases_for(person)
    whole = sum(patient.is_whole for patient in report.patients)
    lines = [_night(report, said), "", said.kept.format(whole=whole, total=len(report.patients))]
    lines += _counts(report, person.language)
    lines += _patients(report, person.language, said)
    lines.append("")
    if facts.is_quiet:
        lines.append(said.quiet)
    else:
        deadline = _wall(rule.deadline_at(facts.night), rule.zone)
        lines.append(said.ask.format(people=facts.people_needed, deadline=deadline))
    if code and not facts.is_quiet:
        expires = _wall(code_expires_at, rule.zone)
        lines += ["", (said.how if by_mail else said.how_here).format(expires=expires), ""]
        lines += [f"    {said.confirm} {code}", f"    {said.dispute} {code}"] if by_mail else [f"    {code}"]
    lines += ["", said.names]
    if more:
        lines += ["", more]
    return "\n".join(lines) + "\n"


def phrases_for(person: Person) -> Phrases:
    """Return the sentences in a person's language."""
    return PHRASES.get(person.language, PHRASES["en"])


def _wall(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _counts(report: NightReport, language: str) -> Iterator[str]:
    for grade in sorted(Grade, key=lambda grade: -SEVERITY[grade]):
        if grade is not Grade.IDENTICAL and (count := report.count(grade)):
            yield f"  {GRADES[language][grade]:<16}{count:>5}"


def _patients(report: NightReport, language: str, said: Phrases) -> Iterator[str]:
    shown = [patient for patient in report.patients if patient.eyes or not patient.is_whole]
    if shown:
        yield ""
    for patient in shown:
        yield f"  {patient.pseudonym[:SHOWN_PSEUDONYM]}  {_of_patient(patient, language, said)}"


def _of_patient(patient: PatientNight, language: str, said: Phrases) -> str:
    counted = Counter(item.grade for item in patient.eyes)
    parts = [
        f"{GRADES[language][grade]} {counted[grade]}"
        for grade in sorted(counted, key=lambda grade: -SEVERITY[grade])
    ]
    if not patient.is_whole:
        parts.append(said.not_whole)
    return ", ".join(parts)
