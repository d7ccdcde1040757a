"""A patient on a break has no beam behind and no appointment ahead, and must not be lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beamkeeper.domain.census import CensusReason
from beamkeeper.protect.census import CensusWindow, parse_mapping
from beamkeeper.protect.census.ois_reader import RowReader
from beamkeeper.protect.census.ois_rows import OisFractions, OisRows
from beamkeeper.protect.census.ois_rules import answer_from_rows

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
MAPPING = parse_mapping("""
format = 1
source = "ois"
timezone = "UTC"
[patient]
table = "P"
columns = { patient_key = "k", patient_id = "id", last_name = "l" }
[course]
table = "C"
columns = { course_key = "k", patient_key = "p", course_id = "id", status = "s" }
[plan]
table = "L"
[plan.columns]
plan_key = "k"
course_key = "c"
plan_id = "id"
plan_uid = "u"
status = "s"
approved_at = "a"
planned_fractions = "n"
[[fraction_count]]
method = "beams"
table = "F"
columns = { plan_key = "k", fractions_done = "d", fractions_open = "o", last_treated_at = "t" }
""")


def reasons(
    *,
    done: int = 4,
    still_open: int | None = 11,
    treated: int = 30,
    approved: int = 40,
    course: str = "open",
    planned: int | None = None,
    more: tuple[OisFractions, ...] = (),
) -> set[CensusReason]:
    reader = RowReader(MAPPING)
    plan = {"plan_key": 3, "course_key": 2, "plan_id": "L", "plan_uid": "1.2", "status": "approved"}
    plan |= {"planned_fractions": planned}
    count = {"plan_key": 3, "fractions_done": done, "fractions_open": still_open}
    rows = OisRows(
        patients=reader.patients([{"patient_key": 1, "patient_id": "P1", "last_name": "A"}]),
        courses=reader.courses([{"course_key": 2, "patient_key": 1, "course_id": "C1", "status": course}]),
        plans=reader.plans([plan | {"approved_at": NOW - timedelta(days=approved)}]),
        fractions=reader.fraction_counts(
            MAPPING.sections[-1], [count | {"last_treated_at": NOW - timedelta(days=treated)}]
        )
        + more,
    )
    answer = answer_from_rows(rows, now=NOW, window=CensusWindow(), mapping=MAPPING, source="ois")
    return {claim.reason for entry in answer.entries for claim in entry.claims}


def test_a_begun_plan_with_open_sessions_is_a_reason() -> None:
    assert reasons() == {CensusReason.BEGUN_NOT_FINISHED}


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({"still_open": 0}, set()),
        ({"course": "done"}, set()),
        ({"approved": 200, "treated": 190}, set()),
        ({"treated": 2}, {CensusReason.TREATED_RECENTLY}),
        ({"done": 0}, {CensusReason.PLANNED_NOT_STARTED}),
    ],
)
def test_it_is_none_for_whom_another_reason_stands_or_nothing_is_open(
    case: dict[str, Any], expected: set[CensusReason]
) -> None:
    assert reasons(**case) == expected


def sessions(*, done: int, still_open: int, unclear: tuple[str, ...] = ()) -> OisFractions:
    return OisFractions(
        plan_key=3, done=done, planned=None, partial=None, last_treated_at=None, open=still_open,
        method="sessions", unclear=unclear,
    )  # fmt: skip


def test_one_way_of_counting_may_know_what_was_given_and_another_what_is_left() -> None:
    """As when a plan was moved to another course: its beams are there, and its sessions begin at zero."""
    moved = sessions(done=0, still_open=15)

    assert reasons(still_open=None, more=(moved,)) == {CensusReason.BEGUN_NOT_FINISHED}


def test_sessions_in_a_state_that_nobody_mapped_may_be_to_come() -> None:
    unknown = sessions(done=4, still_open=0, unclear=("unknown:SKIPPED",))

    assert reasons(still_open=None, more=(unknown,)) == {CensusReason.BEGUN_NOT_FINISHED}


@pytest.mark.parametrize(
    ("planned", "expected"), [(15, {CensusReason.BEGUN_NOT_FINISHED}), (4, set()), (None, set())]
)
def test_where_nobody_knows_of_sessions_the_number_planned_decides(
    planned: int | None, expected: set[CensusReason]
) -> None:
    assert reasons(still_open=None, planned=planned) == expected
