"""What others count is held against ours, and the gap is counted in midnights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from course_builders import (
    CONTINUATION,
    MACHINE,
    MONDAY,
    delivery,
    fraction,
    kinds,
    position,
    record,
    stands,
)

from beamkeeper.domain.census import OisCount
from beamkeeper.domain.counting import gap_days
from beamkeeper.domain.position import ConflictKind
from beamkeeper.domain.record import TreatmentSummary


def ois(done: int | None, *, planned: int | None = 30, partial: int | None = None) -> OisCount:
    return OisCount(
        plan_uid="1.1",
        source="ois",
        fractions_planned=planned,
        fractions_done=done,
        fractions_partial=partial,
    )


@pytest.mark.parametrize(
    ("count", "differs"),
    [
        (ois(2), False),
        (ois(1), True),
        (ois(3), True),
        (ois(None), False),
        (ois(2, planned=25), True),
        (ois(2, partial=1), True),
    ],
)
def test_the_ois_count_is_held_against_ours(count: OisCount, *, differs: bool) -> None:
    at = stands(fraction(1), fraction(2), ois_counts=(count,))

    assert (ConflictKind.COUNT_DIFFERS in kinds(at)) == differs
    assert at.fractions_complete == 2


def test_an_ois_may_go_on_calling_a_resumed_fraction_partial() -> None:
    first = record("9.1", delivery(1, 1, 46.3, termination_status=MACHINE))
    rest = record(
        "9.2",
        delivery(1, 1, 53.7, delivery_type=CONTINUATION),
        delivery(2, 1),
        at=MONDAY + timedelta(days=1),
    )
    a_day_apart = (record("9.1", delivery(1)), record("9.2", delivery(2), at=MONDAY + timedelta(days=1)))

    for given in ((first, rest), a_day_apart):
        assert not stands(*given, ois_counts=(ois(1, partial=1),)).conflicts
        assert not stands(*given, ois_counts=(ois(1, partial=0),)).conflicts
        assert kinds(stands(*given, ois_counts=(ois(1, partial=2),))) == {ConflictKind.COUNT_DIFFERS}


def test_the_fullest_treatment_summary_is_held_against_ours() -> None:
    def summary(delivered: int) -> TreatmentSummary:
        return TreatmentSummary(
            sop_instance_uid=f"7.{delivered}",
            patient_id="P1",
            referenced_plan_uid="1.1",
            current_treatment_status="ON_TREATMENT",
            number_of_fractions_delivered=delivered,
        )

    assert kinds(stands(fraction(1), fraction(2), summaries=(summary(1), summary(2)))) == set()
    assert kinds(stands(fraction(1), summaries=(summary(1), summary(2)))) == {ConflictKind.COUNT_DIFFERS}


def test_a_record_stating_other_planned_fractions_is_shown() -> None:
    at = stands(record("9.1", delivery(1), delivery(2), number_of_fractions_planned=25))

    assert kinds(at) == {ConflictKind.FRACTIONS_PLANNED_DIFFER}


# --- gap ------------------------------------------------------------------------------------------


def test_the_gap_counts_midnights_on_the_wall_of_the_site() -> None:
    brussels = ZoneInfo("Europe/Brussels")
    late = position(record("9.1", delivery(1), delivery(2), at=datetime(2026, 3, 2, 22, 30, tzinfo=UTC)))

    assert gap_days(late, datetime(2026, 3, 2, 22, 50, tzinfo=UTC), brussels) == 0
    assert gap_days(late, datetime(2026, 3, 2, 23, 10, tzinfo=UTC), brussels) == 1
    assert gap_days(late.plans[0], datetime(2026, 3, 30, 5, 0, tzinfo=UTC), brussels) == 28
    assert gap_days(position(), MONDAY, brussels) is None
