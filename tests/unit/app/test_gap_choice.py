"""The gap of one patient of an incident: one course file, one signature for the numbers that were seen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from tests.room_house.incident import LONG_NAME, patient

from beamkeeper.app.jobs.gap_choice import (
    NOTHING,
    PARAMETERS,
    Asked,
    choose,
    computed,
    course_text,
    known_courses,
)
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.errors import ConfigError
from beamkeeper.respond.gap import Calendar, options_for, own_parameters, read_course

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.domain.audit import AuditRow

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
BRUSSELS = ZoneInfo("Europe/Brussels")
MONDAY = date(2026, 2, 2)
WEEKDAYS = tuple(MONDAY + timedelta(days=number) for number in range(25) if number % 7 < 5)


def asked(**more: object) -> Asked:
    facts: dict[str, object] = {
        "tumour_site": "larynx",
        "fractions": 35,
        "dose_gy": 2.0,
        "on": WEEKDAYS,
        "resume_on": date(2026, 3, 9),
    }
    return Asked(**{**facts, **more})  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> IncidentFolder:
    return IncidentFolder.create(tmp_path / "incident")


def sign(
    folder: IncidentFolder, text: str, option_id: str, *, seen: str = "", reason: str = "why"
) -> AuditRow:
    seen = seen or computed(folder, text)[1]
    signed = {"reason": reason, "by": "An", "signed": "an"}
    return choose(folder, "p1", text, plan_uid="1.1", seen=seen, option_id=option_id, at=NOW, **signed)


def test_the_file_of_a_course_computes_the_same_by_the_command_line(folder: IncidentFolder) -> None:
    text = course_text(patient(3), asked())
    options, _ = computed(folder, text)

    assert options == options_for(*read_course(text, own_parameters(), Calendar()))
    assert options.course.person.name.startswith("Wolfeschlegelsteinhausenbergerdorff")


def test_a_name_cannot_write_into_the_course_file() -> None:
    evil = 'x"\nfractions = 1\n[given]'
    text = course_text(patient(3), asked(tumour_site=evil))

    with pytest.raises(ConfigError, match="tumour_site"):
        read_course(text, own_parameters(), Calendar())
    assert LONG_NAME.split("^", maxsplit=1)[0] in text


def test_what_the_copy_knows_is_shown_with_its_doubts() -> None:
    (known,) = known_courses(patient(3), BRUSSELS)

    assert (known.fractions, known.dose_gy, len(known.on)) == (33, 2.0, 21)
    assert known.doubts == ("Begun and not finished, and not counted here: 1 fraction.",)
    assert known_courses(patient(0), BRUSSELS) == ()


@pytest.mark.parametrize(("doubled", "a_day"), [(0, 1), (1, 1), (9, 1), (10, 2), (18, 2)])
def test_a_course_is_twice_daily_only_where_most_of_its_days_are(doubled: int, a_day: int) -> None:
    days = WEEKDAYS[:19]
    text = course_text(patient(3), asked(on=tuple(sorted((*days, *days[:doubled]))), fractions=70))
    course, _ = read_course(text, own_parameters(), Calendar())

    assert course.fractions_per_day == a_day


def test_a_choice_stands_in_the_journal_with_file_numbers_and_name(folder: IncidentFolder) -> None:
    text = course_text(patient(3), asked())
    options, digest = computed(folder, text)
    line = sign(folder, text, options.options[0].id)

    assert (folder.path / str(line.details["course"])).read_text() == text
    assert (line.details["result_sha256"], line.details["plan"]) == (digest, "1.1")
    assert line.details["signed"] == "an"
    assert line.details["value"] == options.options[0].title
    assert sign(folder, text, NOTHING).details["value"] == "No compensation"


@pytest.mark.parametrize(("option", "reason"), [("", "why"), ("nonsense", "why"), (NOTHING, "  ")])
def test_without_an_option_or_a_reason_nothing_is_chosen(
    folder: IncidentFolder, option: str, reason: str
) -> None:
    with pytest.raises(ConfigError):
        sign(folder, course_text(patient(3), asked()), option, reason=reason)

    assert folder.journal.rows() == ()


def test_a_signature_is_for_the_numbers_that_were_seen(folder: IncidentFolder) -> None:
    text = course_text(patient(3), asked())
    _, seen = computed(folder, text)
    (folder.path / PARAMETERS).write_text(
        """format = "beamkeeper-gap-parameters"
version = 1
title = "Ours"
edition = "1"
[sources.ours]
cite = "protocol 12"
known = "read"
[[tumours]]
id = "larynx"
title = "Larynx"
rcr_category = 1
late = ["late"]
alpha_beta_gy = { value = 11, source = "ours" }
k_gy_per_day = { value = 0.8, source = "ours" }
delay_days = { value = 25, source = "ours" }
repair_half_time_h = { value = 0, source = "ours" }
"""
    )

    with pytest.raises(ConfigError, match="no longer those you saw"):
        sign(folder, text, NOTHING, seen=seen)
    with pytest.raises(ConfigError, match="no longer those you saw"):
        sign(
            folder,
            text.replace("dose_per_fraction_gy = 2.0", "dose_per_fraction_gy = 3.0"),
            NOTHING,
            seen=seen,
        )
    assert folder.journal.rows() == ()
