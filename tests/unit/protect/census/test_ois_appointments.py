"""Which appointments are treatments, how long they last, and who is no patient."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beamkeeper.domain.census import CensusReason
from beamkeeper.protect.census import CensusWindow, SourceAnswer, parse_mapping
from beamkeeper.protect.census.ois_reader import RowReader
from beamkeeper.protect.census.ois_rows import OisRows
from beamkeeper.protect.census.ois_rules import answer_from_rows

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
TREATMENT = {CensusReason.SCHEDULED_SOON}
NOTHING: set[CensusReason] = set()

MAPPING = """
format = 1
source = "ois"
timezone = "UTC"
test_patient_names = ["zz*", "qa *"]
[patient]
table = "P"
columns = { patient_key = "k", patient_id = "id", last_name = "l", first_name = "f" }
[course]
table = "C"
columns = { course_key = "k", patient_key = "p", course_id = "id" }
[plan]
table = "L"
columns = { plan_key = "k", course_key = "c", plan_id = "id", plan_uid = "u" }
[appointment]
table = "A"
columns = { patient_key = "p", start = "s", minutes = "m", activity = "a", kind = "k", machine = "r" }
"""


def asked(mapping_lines: str = "", *, name: str = "Plain", **appointment: object) -> SourceAnswer:
    mapping = parse_mapping(MAPPING + mapping_lines)
    reader = RowReader(mapping)
    row = {"patient_key": 1, "start": NOW + timedelta(days=1), **appointment}
    rows = OisRows(
        patients=reader.patients(
            [{"patient_key": 1, "patient_id": "P1", "last_name": name, "first_name": "A"}]
        ),
        appointments=reader.appointments([row]),
    )
    return answer_from_rows(rows, now=NOW, window=CensusWindow(), mapping=mapping, source="ois")


def reasons(answer: SourceAnswer) -> set[CensusReason]:
    return {claim.reason for entry in answer.entries for claim in entry.claims}


@pytest.mark.parametrize(
    ("lines", "row", "expected"),
    [
        ("", {}, TREATMENT),
        ("", {"kind": "Treatment "}, TREATMENT),
        ("", {"kind": "other"}, NOTHING),
        ('treatment = ["RT*"]', {"kind": "other", "activity": "rt daily"}, TREATMENT),
        ('treatment = ["RT*"]', {"kind": "treatment", "activity": "visit"}, NOTHING),
        ('machines = ["LINAC*"]', {"machine": "linac2"}, TREATMENT),
        ('machines = ["LINAC*"]', {"machine": "ROOM1", "kind": "treatment"}, NOTHING),
    ],
)
def test_what_is_a_treatment_is_said_by_patterns_else_by_the_kind_else_everything_is(
    lines: str, row: dict[str, object], expected: set[CensusReason]
) -> None:
    assert reasons(asked(lines, **row)) == expected


def test_a_simulation_is_told_by_its_kind() -> None:
    yesterday = NOW - timedelta(days=1)

    assert reasons(asked(kind="simulation", start=yesterday)) == {CensusReason.SIMULATED_RECENTLY}
    assert reasons(asked(kind="treatment", start=yesterday - timedelta(days=2))) == NOTHING


@pytest.mark.parametrize(
    ("minutes", "expected"), [(15, 15), ("7.5", 7.5), (0, 0), (-1, None), (10_000_000, None), (None, None)]
)
def test_an_appointment_ends_after_its_minutes(minutes: object, expected: float | None) -> None:
    (entry,) = asked(minutes=minutes).entries
    (booked,) = entry.appointments

    assert booked.ends_at == (None if expected is None else booked.starts_at + timedelta(minutes=expected))


def test_test_patients_are_told_by_their_names_without_case() -> None:
    assert asked(name="ZZ-Phantom").test_patient_ids == {"P1"}
    assert asked(name="qa").test_patient_ids == {"P1"}
    assert asked(name="Quaas").test_patient_ids == frozenset()
    assert reasons(asked(name="Quaas")) == TREATMENT
