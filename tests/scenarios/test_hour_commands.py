"""The hour as people and the collector meet it: commands, the duty, the check-up, the window."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from archive_site import rewrite
from hour_site import HourSite, copied_site, patient_number, record
from night_site import NIGHT_1, WHO, at
from typer.testing import CliRunner

from beamkeeper.app.checkup_hour import check_hour
from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.duties import duties_of
from beamkeeper.app.jobs.hour_duty import HourDuty
from beamkeeper.app.jobs.hourly import run_hour
from beamkeeper.clock import SystemClock, local_date
from beamkeeper.errors import WindowUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

ONE_RECORD = WHO[1]
HOUR = """[hour]
every_minutes = 10
from = "07:00"
until = "19:00"

[receiver]
"""
WINDOW = """[window]
interface = "eth9"
addresses = ["192.0.2.20/24"]
worker = "beamkeeper"
socket = "nobody-listens-here"

[receiver]
"""


@pytest.fixture
def kept(tmp_path: Path, hour_root: Path, small_objects: Path) -> Iterator[HourSite]:
    with copied_site(hour_root, small_objects, tmp_path) as site:
        yield site


def beamkeeper(kept: HourSite, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--site", str(kept.site.site_file)], standalone_mode=False)


def test_hour_keeps_todays_record_and_status_and_patient_say_so(kept: HourSite) -> None:
    today = local_date(SystemClock().now(), kept.site.site.zone)
    kept.archive.store(record(ONE_RECORD, on=today))
    nobodys = {"PatientID": "NOBODY", "StudyInstanceUID": "1.2.3"}
    kept.archive.store(record(ONE_RECORD, number=4, on=today, changed=nobodys))
    found = beamkeeper(kept, "hour", "--json")
    said = beamkeeper(kept, "hour")
    status = beamkeeper(kept, "status")
    patient = beamkeeper(kept, "patient", patient_number(ONE_RECORD).patient_id)

    hour = json.loads(found.stdout)["hour"]
    assert (hour["outcome"], hour["records_count"], found.return_value) == ("kept", 1, 3)
    assert (said.return_value, "Patient ID NOBODY: 1 record is left for the night" in said.stdout) == (
        3,
        True,
    )
    assert "the hour: last look" in status.stdout
    assert "NOBODY" not in status.stdout
    assert "from the records of the day" in patient.stdout


def test_serve_has_the_hour_where_the_site_file_says_so(kept: HourSite) -> None:
    without = {duty.name for duty in duties_of(kept.site.site)}
    rewrite(kept.site, {"[receiver]\n": HOUR})
    (duty,) = [duty for duty in duties_of(kept.site.site) if duty.name == "hour"]
    clock = at(NIGHT_1, 9)
    kept.archive.store(record(ONE_RECORD))

    assert "hour" not in without
    assert isinstance(duty, HourDuty)
    assert duty.wait_s(clock) == 0
    assert duty.work(clock) == "kept: 1 record of 1 patient"
    assert duty.wait_s(clock) == 600
    clock.advance(timedelta(minutes=10))
    assert (duty.wait_s(clock), duty.work(clock)) == (0, "")


def test_the_check_up_says_when_looks_stopped_coming(kept: HourSite) -> None:
    off = check_hour(kept.site.site, at(NIGHT_1, 9))
    rewrite(kept.site, {"[receiver]\n": HOUR})
    never = check_hour(kept.site.site, at(NIGHT_1, 9))
    kept.hour(hour=9)

    assert off.verdict == "good"
    assert never.verdict == "bad"
    assert check_hour(kept.site.site, at(NIGHT_1, 9)).verdict == "good"
    assert check_hour(kept.site.site, at(NIGHT_1, 10)).verdict == "bad"


def test_a_window_that_does_not_open_is_told_and_nothing_is_asked(kept: HourSite) -> None:
    rewrite(kept.site, {"[receiver]\n": WINDOW})
    kept.archive.store(record(ONE_RECORD))

    with pytest.raises(WindowUnavailable):
        run_hour(kept.site.site, at(NIGHT_1, 9))
    assert kept.archive.sent == []
