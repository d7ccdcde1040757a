"""Days to spare out of a gap that a physician signed: with the source beside them, or the word why not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from tests.room_house.incident import patient

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.gap_choice import NOTHING, PARAMETERS, Asked, choose, computed, course_text
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.placing_gaps import SignedGap, Spare, signed_gaps, spare_of, treatment_days
from beamkeeper.domain.audit import AuditEvent
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from pathlib import Path

BRUSSELS = ZoneInfo("Europe/Brussels")
MONDAY = date(2026, 3, 2)
FIRST = date(2026, 2, 2)
GIVEN = tuple(FIRST + timedelta(days=number) for number in range(18) if number % 7 < 5)
"""14 fractions, the last one on Thursday 19 February."""
ALLOWED = {1: 2, 2: 5, 3: 7}


@pytest.fixture
def folder(tmp_path: Path) -> IncidentFolder:
    return IncidentFolder.create(tmp_path / "incident")


def sign(folder: IncidentFolder, option: str, resume_on: date = MONDAY, plan: str = "1.1") -> SignedGap:
    asked = Asked(tumour_site="larynx", fractions=35, dose_gy=2.0, on=GIVEN, resume_on=resume_on)
    text = course_text(patient(3), asked)
    seen = computed(folder, text)[1]
    # Late in the evening by UTC it is the next day on the wall of the site.
    at = datetime(2026, 2, 25, 23, 30, tzinfo=UTC)
    signed = {"reason": "r", "by": "Dr. An Peeters", "signed": "an"}
    choose(folder, "p", text, plan_uid=plan, seen=seen, option_id=option, at=at, **signed)
    return now(folder)


def now(folder: IncidentFolder) -> SignedGap:
    return signed_gaps(folder, folder.journal.rows(), BRUSSELS)["p"]


def say(folder: IncidentFolder, deed: Deed, **details: object) -> int:
    """Let two people say of plans what holds; return the line."""
    at = datetime(2026, 2, 26, 9, tzinfo=UTC)
    return write(folder, deed, by="A and B", at=at, pseudonym="p", **details).sequence  # type: ignore[arg-type]


def replaced(folder: IncidentFolder, old: str = "1.1", new: str = "1.2") -> int:
    told: dict[str, object] = {"after": 14, "goes_on": True, "doubts": {}, "about": f"plan {old} is replaced"}
    return say(folder, Deed.PLAN_REPLACED, old=old, new=new, **told)


def spare(signed: SignedGap, **more: Any) -> Spare | str:
    facts: dict[str, Any] = {
        "first_on": MONDAY,
        "holidays": (),
        "category": 1,
        "allowed": ALLOWED,
        "fractions_left": 21,
    }
    return spare_of(signed, **(facts | more))


def test_a_plan_that_ends_on_the_day_leaves_all_that_the_category_allows(folder: IncidentFolder) -> None:
    found = spare(sign(folder, "two-a-day"))

    assert isinstance(found, Spare)
    assert (found.days, found.sessions, found.per_day) == (2, 21, 1)
    assert "Dr. An Peeters signed on 2026-02-26: two a day" in found.said[0]
    assert "6 days with two fractions, at least 6 h apart" in found.said[1]


def test_going_on_without_compensation_has_used_up_the_days_and_each_more_costs(
    folder: IncidentFolder,
) -> None:
    signed = sign(folder, NOTHING)
    found = spare(signed)

    # Six weekdays were missed: 20, 23 to 27 February.
    assert treatment_days(signed.planned_end_on, signed.ends_on, ()) == 6
    assert isinstance(found, Spare)
    assert (found.days, found.sessions) == (0, 21)


def test_days_until_the_signed_plan_begins_are_spare_and_holidays_are_no_days(
    folder: IncidentFolder,
) -> None:
    signed = sign(folder, "two-a-day", resume_on=MONDAY + timedelta(days=3))
    until = [spare(signed, holidays=holidays) for holidays in ((), (MONDAY + timedelta(days=1),))]

    assert [one.days for one in until if isinstance(one, Spare)] == [3 + 2, 2 + 2]


def test_a_signed_day_that_is_over_counts_against_the_patient_and_is_said(folder: IncidentFolder) -> None:
    found = spare(sign(folder, NOTHING), first_on=MONDAY + timedelta(days=2))

    assert isinstance(found, Spare)
    assert found.days == -2
    assert "is over: compute and sign again" in " ".join(found.said)


def test_extra_fractions_that_were_signed_need_their_slots(folder: IncidentFolder) -> None:
    found = spare(sign(folder, "extra-2"))

    assert isinstance(found, Spare)
    assert found.sessions == 23


@pytest.mark.parametrize(
    ("left", "said"), [(20, "and 20 are. Sign again."), (None, "nobody knows how many are")]
)
def test_a_signature_for_another_count_is_not_used_and_that_is_said(
    folder: IncidentFolder, left: int | None, said: str
) -> None:
    found = spare(sign(folder, "two-a-day"), fractions_left=left)

    assert isinstance(found, str)
    assert said in found
    assert "for 21 fractions left" in found


def test_a_signature_for_other_numbers_is_not_used(folder: IncidentFolder) -> None:
    sign(folder, "two-a-day")
    (folder.path / PARAMETERS).write_text("colour = 1")
    changed = signed_gaps(folder, folder.journal.rows(), BRUSSELS)["p"]
    (folder.path / PARAMETERS).unlink()
    (course,) = (folder.path / "gap").iterdir()
    course.chmod(0o600)
    course.write_text(course.read_text().replace("fractions = 35", "fractions = 30"))
    forged = signed_gaps(folder, folder.journal.rows(), BRUSSELS)["p"]

    assert str(spare(changed)).startswith("Not used: the way to go on that Dr. An Peeters signed")
    assert "not the one that was signed" in str(spare(forged))


def test_a_signature_for_a_plan_that_was_replaced_counts_again_only_when_that_is_taken_back(
    folder: IncidentFolder,
) -> None:
    sign(folder, "two-a-day")
    line = replaced(folder)
    found = str(spare(now(folder)))
    assert "it was signed for the plan before: plan 1.1 is replaced (A and B, line 2)" in found
    assert "A physician signs anew for the plan that holds" in found

    say(folder, Deed.PLAN_TAKEN_BACK, line=line)
    assert isinstance(spare(now(folder)), Spare)
    replaced(folder)
    assert isinstance(spare(sign(folder, "two-a-day", plan="1.2")), Spare)


def test_a_signature_for_the_plan_that_holds_counts_whenever_it_was_signed(folder: IncidentFolder) -> None:
    sign(folder, "two-a-day", plan="1.2")
    replaced(folder)
    assert isinstance(spare(now(folder)), Spare)

    replaced(folder, old="1.2", new="1.1")
    assert "signed for the plan before" in str(spare(now(folder)))
    replaced(folder)
    assert isinstance(spare(now(folder)), Spare)


def test_a_line_that_names_no_plan_is_of_the_plan_that_held_then(folder: IncidentFolder) -> None:
    replaced(folder, old="1.0", new="1.1")
    sign(folder, "two-a-day")
    row = folder.journal.rows()[-1]
    details = {key: value for key, value in row.details.items() if key != "plan"}
    folder.journal.append(
        AuditEvent(
            action=row.action,
            actor=row.actor,
            outcome="ok",
            at=row.at,
            patient_pseudonym="p",
            details=details,
        )
    )
    assert isinstance(spare(now(folder)), Spare)

    replaced(folder)
    assert "signed for the plan before" in str(spare(now(folder)))


@pytest.mark.parametrize(
    ("begin", "end", "days"),
    [(0, 0, 0), (0, 1, 1), (0, 5, 5), (4, 7, 1), (0, 7, 5), (5, 7, 0), (7, 0, -5), (1, 0, -1)],
)
def test_days_are_counted_from_the_first_until_before_the_last(begin: int, end: int, days: int) -> None:
    assert treatment_days(MONDAY + timedelta(days=begin), MONDAY + timedelta(days=end), ()) == days
