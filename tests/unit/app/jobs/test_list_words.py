"""What a row of a list says against relying on a patient's copy."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from beamkeeper.app.jobs.list_words import doubts
from beamkeeper.domain.night import NightOutcome, NightReport, NotKept, PatientNight


def said_of(*lost: str) -> tuple[str, ...]:
    patient = PatientNight(
        pseudonym="p1",
        patient_id="1",
        patient_name="A^B",
        not_kept=tuple(NotKept(sop_instance_uid="", what=what, reason="no answer") for what in lost),
    )
    at = datetime(2026, 11, 22, 2, tzinfo=UTC)
    report = NightReport(
        site_name="Example",
        time_zone="UTC",
        sources=(),
        run_on=date(2026, 11, 22),
        started_at=at,
        finished_at=at,
        outcome=NightOutcome.INCOMPLETE,
        patients=(patient,),
    )
    return doubts("p1", report)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (("document",), "Not kept that night: document."),
        (("document", "document", "RTDOSE"), "Not kept that night: document × 2, RTDOSE."),
        (("a", "b", "c", "d", "e"), "Not kept that night: a, b, c, d and 1 other kind."),
        (("a", "b", "c", "d", "e", "f"), "Not kept that night: a, b, c, d and 2 other kinds."),
    ],
)
def test_what_was_not_kept_is_called_what_it_is(lost: tuple[str, ...], said: str) -> None:
    assert said_of(*lost) == (said,)


def test_nothing_is_said_where_all_was_kept() -> None:
    assert said_of() == ()
