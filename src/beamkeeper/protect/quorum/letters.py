"""What is written to people: counts, grades and pseudonyms in their language; never a patient's name."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.ballot import Verdict
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

WIDTH: Final = 72
"""Columns: a quoted line still fits a screen of 80."""
PATIENTS_SHOWN_MAX: Final = 40
"""More are counted; the collector's page has all."""


def report_subject(report: NightReport, person: Person) -> str:
    """Return the subject of the report mail."""
    said = phrases_for(person)
    return f"Beamkeeper {report.site_name}: {_night(report, said)}"


def _night(report: NightReport, said: Phrases) -> str:
    return f"{said.night.format(night=report.run_on.isoformat())} {_verdict(report, said)}"


def _verdict(report: NightReport, said: Phrases) -> str:
    """Return what there is to look at; never that there is nothing when somebody has to vote."""
    words = _of_copies(report, said)
    return "; ".join([words, said.unsent.format(count=report.unsent_count)]) if report.unsent_count else words


def _of_copies(report: NightReport, said: Phrases) -> str:
    if report.outcome is NightOutcome.STOPPED:
        return said.stopped
    if not report.patients:
        return said.nobody
    parts = [said.changes.format(count=report.eyes_count)] if report.eyes_count else []
    if report.identity_count:
        parts.append(said.doubts.format(count=report.identity_count))
    if parts:
        return "; ".join(parts)
    if report.outcome is not NightOutcome.COMPLETE:
        return said.incomplete
    return said.first if report.compared_with is None else said.nothing


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
    lines = [*_wrapped(_night(report, said)), ""]
    lines.append(said.kept.format(whole=whole, total=len(report.patients)))
    lines += _counts(report, person.language)
    lines += _patients(report, person.language, said)
    lines.append("")
    if facts.is_quiet:
        lines.append(said.quiet)
    else:
        deadline = _wall(rule.deadline_at(facts.night), rule.zone)
        lines += _wrapped(said.ask.format(people=facts.people_needed, deadline=deadline))
        lines += ["", *list_lines(facts.digest, said)]
    if code and not facts.is_quiet:
        expires = _wall(code_expires_at, rule.zone)
        lines += ["", *_wrapped((said.how if by_mail else said.how_here).format(expires=expires)), ""]
        lines += [f"    {said.confirm} {code}", f"    {said.dispute} {code}"] if by_mail else [f"    {code}"]
    lines += ["", *_wrapped(said.names)]
    if more:
        lines += ["", more]
    return "\n".join(lines) + "\n"


def answer_text(
    person: Person, *, night: str, verdict: Verdict, facts: NightFacts, patients_count: int, then: str
) -> str:
    """Return the answer to a vote by mail that counts.

    Parameters
    ----------
    patients_count
        How many patients it is about; 0 for the whole night.
    then
        Where the night stands now, in words.
    """
    said = phrases_for(person)
    word = said.confirm if verdict is Verdict.CONFIRM else said.dispute
    lines = _wrapped(said.counted.format(night=night, verdict=word))
    if patients_count:
        lines += _wrapped(said.only.format(count=patients_count))
    lines += [*_wrapped(then), "", *list_lines(facts.digest, said)]
    return "\n".join(lines) + "\n"


def refusal_text(person: Person, *, night: str, why: str) -> str:
    """Return the answer to a mail that is no vote that counts."""
    said = phrases_for(person)
    return "\n".join([*_wrapped(said.refused.format(night=night or "?")), *_wrapped(why)]) + "\n"


def list_lines(digest: str, said: Phrases) -> list[str]:
    """Return the lines that name a list, as the collector's page does."""
    return [*_wrapped(said.list), f"    {digest}"]


def _wrapped(text: str) -> list[str]:
    together = text.replace(" ;", "\N{NO-BREAK SPACE};").replace(" :", "\N{NO-BREAK SPACE}:")  # French
    return textwrap.wrap(together, WIDTH, break_long_words=False, break_on_hyphens=False)


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
    shown = [patient for patient in report.patients if _of_patient(patient, language, said)]
    if shown:
        yield ""
    for patient in shown[:PATIENTS_SHOWN_MAX]:
        who = f"  {patient.pseudonym[:SHOWN_PSEUDONYM]}  "
        text = _of_patient(patient, language, said)
        yield from textwrap.wrap(text, WIDTH, initial_indent=who, subsequent_indent=" " * len(who))
    if (more := len(shown) - PATIENTS_SHOWN_MAX) > 0:
        yield "  " + said.more.format(count=more)


def _of_patient(patient: PatientNight, language: str, said: Phrases) -> str:
    """Return what there is to look at of a patient; "" when there is nothing."""
    counted = Counter(item.grade for item in patient.eyes)
    parts = [
        f"{GRADES[language][grade]} {counted[grade]}"
        for grade in sorted(counted, key=lambda grade: -SEVERITY[grade])
    ]
    if patient.identity:
        parts.append(said.doubt)
    if not patient.is_whole:
        parts.append(said.not_whole)
    if patient.unsent:
        parts.append(said.unsent.format(count=len(patient.unsent)))
    return ", ".join(parts)
