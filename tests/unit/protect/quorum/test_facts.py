"""What a night gives people to confirm, and that another list has another digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from beamkeeper.domain.ballot import THE_NIGHT
from beamkeeper.domain.census import SourceReport
from beamkeeper.domain.change import Grade, ObjectComparison
from beamkeeper.domain.night import NightOutcome, NightReport, NotKept, PatientNight
from beamkeeper.protect.quorum import facts_of

AT = datetime(2026, 3, 3, 2, tzinfo=UTC)
QUIET = PatientNight(pseudonym="a", patient_id="1", patient_name="", stored=True)
REPORT = NightReport(
    run_on=date(2026, 3, 3),
    site_name="Site",
    time_zone="UTC",
    started_at=AT,
    finished_at=AT,
    outcome=NightOutcome.COMPLETE,
    sources=(SourceReport(source="ois", answered=True, patient_count=1),),
    patients=(QUIET, replace(QUIET, pseudonym="b")),
    compared_with=date(2026, 3, 2),
)
CHANGED = ObjectComparison(
    sop_instance_uid="1.1",
    sop_class_uid="1.2",
    modality="RTPLAN",
    kind="plan",
    label="VMAT1",
    grade=Grade.CLINICAL,
)
NO_ANSWER = NotKept(sop_instance_uid="1.2", what="CT", reason="no answer")


def test_a_night_without_changes_doubts_and_losses_asks_nobody() -> None:
    assert REPORT.is_quiet
    assert facts_of(REPORT, people_needed=2).is_quiet


@pytest.mark.parametrize(
    "what",
    [
        {"comparisons": (CHANGED,)},
        {"identity": ("The list states another birth date for this Patient ID than before.",)},
        {"not_kept": (NO_ANSWER,)},
        {"stored": False},
        {"error": "No answer."},
    ],
    ids=lambda what: next(iter(what)),
)
def test_report_and_quorum_agree_on_what_is_not_quiet_and_each_has_a_digest_of_its_own(
    what: dict[str, object],
) -> None:
    report = replace(REPORT, patients=(QUIET, replace(QUIET, pseudonym="b", **what)))  # type: ignore[arg-type]
    facts = facts_of(report, people_needed=2)

    assert not report.is_quiet
    assert facts.items == ("b",)
    assert facts.digest != facts_of(REPORT, people_needed=2).digest


@pytest.mark.parametrize(
    "what",
    [
        {"outcome": NightOutcome.STOPPED},
        {"alarm": "30 of 40 objects are gone."},
        {"patients": ()},
        {"stale_census": True},
        {"compared_with": None},
        {"sources": (SourceReport(source="ois", answered=False, patient_count=0),)},
        {"outcome": NightOutcome.INCOMPLETE},
    ],
    ids=lambda what: next(iter(what)),
)
def test_a_night_answers_for_what_belongs_to_no_patient(what: dict[str, object]) -> None:
    assert facts_of(replace(REPORT, **what), people_needed=2).items == (THE_NIGHT,)  # type: ignore[arg-type]
