"""What an OIS counts by each of its ways, and where they differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beamkeeper.protect.census.ois_counts import count_disagreements, counted, counts
from beamkeeper.protect.census.ois_file import OisFile, files
from beamkeeper.protect.census.ois_rows import (
    OisCourse,
    OisFraction,
    OisFractions,
    OisPatient,
    OisPlan,
    OisRows,
)

PATIENT = OisPatient(
    key=1, patient_id="P1", issuer="", name="A^B", birth_on=None, sex="", language="", phones=(),
    is_deceased=False, is_test=False,
)  # fmt: skip
COURSE = OisCourse(key=2, patient_key=1, course_id="C1", status="open", diagnosis="", intent="")
PLAN = OisPlan(
    key=3, course_key=2, plan_id="VMAT", plan_uid="1.2.3", status="approved", approved_by="",
    approved_at=None, intent="", planned_fractions=15, machine="", revision="",
)  # fmt: skip
COUNT = OisFractions(
    plan_key=3, done=4, planned=15, partial=0, last_treated_at=None, open=11, method="beam history"
)


def file_of(*fractions: OisFractions, plan: OisPlan = PLAN) -> OisFile:
    rows = OisRows(patients=(PATIENT,), courses=(COURSE,), plans=(plan,), fractions=fractions)
    return next(iter(files(rows)))


def session(key: int, status: str) -> OisFraction:
    return OisFraction(plan_key=3, session_key=key, status=status, delivered_at=None, method="session state")


def test_each_method_is_a_source_of_its_own() -> None:
    file = file_of(COUNT, replace(COUNT, method="session state"), replace(COUNT, method=""))

    sources = [count.source for count in counts(file, "aria")]
    assert sources == ["aria, beam history", "aria, session state", "aria"]


def test_methods_that_count_differently_are_shown_with_what_each_says() -> None:
    agreeing = file_of(COUNT, replace(COUNT, method="session state"))
    differing = file_of(COUNT, replace(COUNT, method="session state", done=5))

    assert list(count_disagreements(agreeing, "aria")) == []
    assert list(count_disagreements(differing, "aria")) == [
        "aria: plan 'VMAT': fractions done are 4 by beam history, 5 by session state"
    ]


def test_sessions_still_open_on_a_replaced_plan_are_shown() -> None:
    file = file_of(COUNT, plan=replace(PLAN, status="superseded"))

    assert list(count_disagreements(file, "aria")) == [
        "aria: plan 'VMAT': 11 session(s) are still open, but the plan is superseded"
    ]


def test_sessions_left_with_a_replaced_plan_do_not_say_how_many_it_had() -> None:
    """The others went to the new plan: six of six is no finished plan, and no contradiction to fifteen."""
    of_calendar = replace(COUNT, done=6, open=0, planned=6, method="calendar")
    replaced = replace(PLAN, status="superseded")
    unsaid = replace(replaced, planned_fractions=None)

    planned = [
        count.fractions_planned
        for plan in (PLAN, replaced, unsaid)
        for count in counts(file_of(of_calendar, plan=plan), "mosaiq")
    ]
    assert planned == [6, 15, None]


@pytest.mark.parametrize(
    ("states", "done", "partial", "still_open"),
    [
        (["done", "open"], 1, None, 1),
        (["done", "planned", "in_progress", ""], 1, None, 3),
        (["cancelled", "no_show", "done"], 1, None, 0),
        (["partial"], 0, 1, 0),
        (["unknown:SKIPPED", "done"], 1, None, 0),
    ],
)
def test_sessions_add_up_by_their_state(
    states: list[str], done: int, partial: int | None, still_open: int
) -> None:
    (row,) = counted(session(key, state) for key, state in enumerate(states))

    assert (row.done, row.partial, row.open) == (done, partial, still_open)


def test_a_session_of_which_only_some_rows_are_done_is_partial() -> None:
    (row,) = counted([session(1, "done"), session(1, "open"), session(2, "done"), session(2, "done")])

    assert (row.done, row.partial) == (1, 1)


def test_a_session_in_a_state_nobody_knows_is_named_and_counted_nowhere() -> None:
    (row,) = counted([session(1, "unknown:SKIPPED"), session(2, "open")])

    assert list(count_disagreements(file_of(row), "aria")) == [
        "aria: plan 'VMAT': session state is in a state that the mapping does not know ('SKIPPED')"
    ]
