"""What a planning system says it sent, held against the plans that are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from beamkeeper.domain.chart import PlanExport
from beamkeeper.domain.exported import ON_ITS_WAY, REVIEW_TOLERANCE, exports_failed, exports_not_kept
from beamkeeper.domain.plan import Plan

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
APPROVED = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
SENT = PlanExport(
    case="Case 1",
    plan_name="HN",
    rt_plan_label="HN1",
    destination="suncheck",
    exported_at=APPROVED + timedelta(minutes=5),
    reviewed_at=APPROVED,
)


def plan(label: str = "HN1", *, approved_at: datetime | None = APPROVED, uid: str = "1.2.3") -> Plan:
    return Plan(sop_instance_uid=uid, patient_id="P1", rt_plan_label=label, approved_at=approved_at)


def test_a_plan_that_was_sent_and_is_not_kept_is_named_with_where_it_went() -> None:
    said = exports_not_kept([SENT, replace(SENT, destination="mim")], [plan("PELVIS")], now=NOW)

    assert said == ("plan 'HN1', approved 2026-11-20 14:03 UTC, was sent to mim, suncheck and is not here",)


def test_a_plan_that_is_kept_is_not_spoken_of() -> None:
    assert exports_not_kept([SENT], [plan(" HN1 ")], now=NOW) == ()
    assert exports_not_kept([SENT], [plan(approved_at=None)], now=NOW) == ()


def test_an_older_version_does_not_stand_in_for_the_one_that_was_sent() -> None:
    older = plan(approved_at=APPROVED - timedelta(days=2))

    said = exports_not_kept([SENT], [older], now=NOW)

    assert said[0].endswith("here is only the one approved 2026-11-18 14:03 UTC")
    assert exports_not_kept([SENT], [older, plan()], now=NOW) == ()


def test_clocks_that_wrote_one_review_may_differ_a_little() -> None:
    near = plan(approved_at=APPROVED - REVIEW_TOLERANCE)

    assert exports_not_kept([SENT], [near], now=NOW) == ()


def test_only_the_latest_approval_must_be_here() -> None:
    before = replace(SENT, reviewed_at=APPROVED - timedelta(days=9))

    assert exports_not_kept([before, SENT], [plan()], now=NOW) == ()


def test_what_was_sent_a_moment_ago_may_be_on_its_way() -> None:
    just_now = replace(SENT, exported_at=NOW - ON_ITS_WAY + timedelta(seconds=1))

    assert exports_not_kept([just_now], [], now=NOW) == ()


def test_what_failed_everywhere_was_not_sent() -> None:
    assert exports_not_kept([replace(SENT, error="No connection.")], [], now=NOW) == ()


def test_two_plans_of_one_label_need_two_plans() -> None:
    other = replace(SENT, case="Case 2")

    assert exports_not_kept([SENT, other], [plan()], now=NOW) == (
        "2 plans called 'HN1' were sent and 1 of them is here",
    )
    assert exports_not_kept([SENT, other], [plan(), plan(uid="1.2.4")], now=NOW) == ()


def test_a_failed_export_is_named_until_one_succeeds() -> None:
    failed = replace(SENT, error="No connection.")
    later = replace(SENT, exported_at=NOW)

    assert exports_failed([failed]) == ("plan 'HN1' could not be sent to suncheck: No connection.",)
    assert exports_failed([failed, later]) == ()
    assert exports_failed([later, failed]) == ()
