"""What people are written: in their language, on a narrow screen, whatever the night was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.domain.change import Change, Grade, ObjectComparison
from beamkeeper.domain.night import NightOutcome, NightReport, PatientNight
from beamkeeper.protect.quorum import Person, QuorumRule, Role, Verdict, facts_of
from beamkeeper.protect.quorum.letters import (
    PATIENTS_SHOWN_MAX,
    WIDTH,
    answer_text,
    refusal_text,
    report_subject,
    report_text,
)
from beamkeeper.protect.quorum.phrases import GRADES, PHRASES

AT = datetime(2026, 3, 29, 2, tzinfo=UTC)
RULE = QuorumRule(zone=ZoneInfo("Europe/Brussels"))
CODE = "7K2QD-0M9XR"


def comparison(grade: Grade) -> ObjectComparison:
    return ObjectComparison(
        sop_instance_uid="1.2.3",
        sop_class_uid="1.2",
        modality="RTPLAN",
        kind="plan",
        label="VMAT1",
        grade=grade,
        changes=(Change(path="", old="1", new="2", text="x", grade=grade),),
    )


def patient(number: int, *grades: Grade, identity: tuple[str, ...] = (), stored: bool = True) -> PatientNight:
    letters = "".join("abcdefghij"[int(digit)] for digit in f"{number:04d}") + "bcdefghijklm"
    return PatientNight(
        pseudonym=letters,
        patient_id=str(number),
        patient_name="Vandenbroucke^Adèle",
        stored=stored,
        comparisons=tuple(map(comparison, grades)),
        identity=identity,
    )


QUIET = NightReport(
    run_on=date(2026, 3, 29),
    site_name="Ziekenhuis Één",
    time_zone="Europe/Brussels",
    started_at=AT,
    finished_at=AT,
    outcome=NightOutcome.COMPLETE,
    sources=(),
    patients=(patient(1),),
    compared_with=date(2026, 3, 28),
)
EVERYTHING = (Grade.CLINICAL, Grade.UNREADABLE, Grade.MISSING)
NIGHTS = {
    "quiet": QUIET,
    "nobody": replace(QUIET, patients=(), outcome=NightOutcome.INCOMPLETE),
    "first": replace(QUIET, compared_with=None),
    "incomplete": replace(QUIET, patients=(patient(1, stored=False),), outcome=NightOutcome.INCOMPLETE),
    "doubt": replace(QUIET, patients=(patient(1, identity=("Another birth date than before.",)),)),
    "not sent": replace(QUIET, patients=(replace(patient(1), unsent=("plan 'A' could not be sent",)),)),
    "one leaf": replace(QUIET, patients=(patient(1, Grade.CLINICAL), patient(2))),
    "stopped": replace(
        QUIET,
        patients=tuple(
            patient(n, *EVERYTHING * 9, identity=("other",), stored=False)
            for n in range(PATIENTS_SHOWN_MAX + 160)
        ),
        outcome=NightOutcome.STOPPED,
        alarm="30 of 40 objects are gone.",
    ),
}


def person(language: str) -> Person:
    return Person(login="an", name="An", role=Role.PHYSICIST, mail="an@hospital.example", language=language)


def letter(night: str, language: str, *, by_mail: bool = True) -> str:
    report = NIGHTS[night]
    facts = facts_of(report, people_needed=2)
    return report_text(report, facts, person(language), RULE, code=CODE, code_expires_at=AT, by_mail=by_mail)


@pytest.mark.parametrize("language", PHRASES)
@pytest.mark.parametrize("night", NIGHTS)
def test_every_line_fits_and_nobody_is_named(night: str, language: str) -> None:
    for text in (letter(night, language), letter(night, language, by_mail=False)):
        assert max(map(len, text.splitlines())) <= WIDTH
        assert "Vandenbroucke" not in text
        assert "{" not in text
        assert "\n\n\n" not in text
        assert not [line for line in text.splitlines() if line.startswith((";", ":"))]


@pytest.mark.parametrize("language", PHRASES)
def test_an_export_that_failed_is_counted_in_subject_and_letter_and_asks_for_no_vote(language: str) -> None:
    said = PHRASES[language].unsent.format(count=1)

    assert said in report_subject(NIGHTS["not sent"], person(language))
    assert " ".join(letter("not sent", language).split()).count(said) == 2
    assert facts_of(NIGHTS["not sent"], people_needed=2).is_quiet


@pytest.mark.parametrize("language", PHRASES)
@pytest.mark.parametrize("night", NIGHTS)
def test_who_has_to_vote_is_never_told_that_nothing_is_the_matter(night: str, language: str) -> None:
    said, facts = PHRASES[language], facts_of(NIGHTS[night], people_needed=2)
    text = " ".join(letter(night, language).split())

    assert (
        (said.nothing in text) == (said.quiet in text) == facts.is_quiet == (night in {"quiet", "not sent"})
    )
    assert (CODE in text) == (facts.digest in text) == (not facts.is_quiet)
    assert (said.nothing in report_subject(NIGHTS[night], person(language))) == facts.is_quiet


def test_each_patient_that_waits_is_shown_and_of_very_many_the_rest_is_counted() -> None:
    few, many = letter("doubt", "nl"), letter("stopped", "nl")
    shown = [line for line in many.splitlines() if line.startswith("  a")]

    assert f"{NIGHTS['doubt'].patients[0].pseudonym[:10]}  {PHRASES['nl'].doubt}" in few
    assert len(shown) == PATIENTS_SHOWN_MAX
    assert f"{GRADES['nl'][Grade.CLINICAL]} 9" in shown[0]
    assert PHRASES["nl"].more.format(count=160) in many


@pytest.mark.parametrize("language", PHRASES)
def test_an_answer_names_the_night_the_list_and_what_comes_of_it(language: str) -> None:
    facts = facts_of(NIGHTS["one leaf"], people_needed=2)
    said = PHRASES[language]
    answer = answer_text(
        person(language),
        night="2026-03-29",
        verdict=Verdict.DISPUTE,
        facts=facts,
        patients_count=1,
        then=said.disputed,
    )
    refused = refusal_text(person(language), night="", why=said.not_understood)

    for part in ("2026-03-29", said.dispute, said.disputed, said.only.format(count=1), facts.digest):
        assert part in " ".join(answer.split())
    assert said.not_understood in " ".join(refused.split())
    assert max(map(len, (answer + refused).splitlines())) <= WIDTH
