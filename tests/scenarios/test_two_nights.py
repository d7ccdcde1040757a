"""Two nights of the simulated department and the day between: every event told apart, by grade, in words.

Then the day it happens, from a copy of the vault and three cards.
The command begins the first night, Ctrl-C ends it in its middle, and all else goes on from there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.demo import STOCK_TOOLS, Demo
from beamkeeper.domain.change import DOCUMENT, Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.rehearse.sim import DayEventKind
from beamkeeper.vault import SiteKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beamkeeper.domain.night import NightReport
    from beamkeeper.rehearse.sim import DayEvent

pytestmark = pytest.mark.slow

FEWEST_PATIENTS = 7
"""So many, that each of the nine things happens to another patient."""
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
HANGS_S = 30
"""Far more than stopping takes; a process that waits for its peers would wait longer."""
COMMAND = (sys.executable, "-m", "beamkeeper", "demo", "--patients", str(FEWEST_PATIENTS), "--dir")
AT_A_TERMINAL = ("env", "--default-signal=INT")
"""What a shell starts in the background, such as these tests, ignores Ctrl-C."""


def interrupted_after(line: str, folder: Path) -> tuple[int, str]:
    """Run the demonstration, press Ctrl-C once it has printed `line`; return exit status and all it said."""
    process = subprocess.Popen(
        [*AT_A_TERMINAL, *COMMAND, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        while line not in said:
            more = process.stdout.readline()
            assert more, f"it ended before it said {line!r}: {said}"
            said += more
        os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
        rest, _ = process.communicate(timeout=HANGS_S)
        return process.returncode, said + rest
    finally:
        process.kill()
        process.wait()


class Played:
    """A department after two nights, and what the reports say."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.first = demo.night(demo.first_night, lambda _event: None)
        self.events: tuple[DayEvent, ...] = demo.day_between()
        self.second: NightReport = demo.night(demo.second_night, lambda _event: None)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A demonstration with keys and a site; its date is remembered there, for the command too."""
    demo = Demo(tmp_path_factory.mktemp("demo"), now=NOON, patients=FEWEST_PATIENTS)
    demo.make_site()
    return demo


@pytest.fixture(scope="module")
def interrupted(begun: Demo) -> tuple[int, str]:
    return interrupted_after("collected and compared", begun.root)


@pytest.fixture(scope="module")
def played(begun: Demo, interrupted: tuple[int, str]) -> Iterator[Played]:
    assert interrupted[0]
    with begun:
        yield Played(begun)


def uids(played: Played, *kinds: DayEventKind) -> set[str]:
    return {uid for event in played.events if event.kind in kinds for uid in event.sop_instance_uids}


def eyes(report: NightReport) -> dict[str, Grade]:
    return {
        item.sop_instance_uid: item.grade
        for night in report.patients
        for item in night.eyes
        if item.kind != DOCUMENT
    }


def test_ctrl_c_in_mid_night_ends_at_once(interrupted: tuple[int, str]) -> None:
    status, said = interrupted

    assert status == 130, said
    assert "Stopped. Nothing stored is lost" in said
    assert "Traceback" not in said


def test_the_first_night_keeps_everybody_and_alarms_nobody(played: Played) -> None:
    assert played.first.outcome is NightOutcome.COMPLETE
    assert not eyes(played.first)
    assert len(played.first.patients) == len(played.demo.department.patients) - 1  # one is new on the day


def test_every_event_of_the_day_gets_the_grade_it_must_get(played: Played) -> None:
    told = played.demo.told(played.events, played.second)

    assert {item.event.kind for item in told} == set(DayEventKind)
    assert [item.event.text for item in told if not item.as_it_should] == []


def test_only_the_three_unexplained_objects_need_eyes(played: Played) -> None:
    """A leaf, a deleted structure set, a record of no plan: what nobody announced and nothing explains."""
    unnamed = uids(played, DayEventKind.RECORD_WITHOUT_PLAN)
    seen = eyes(played.second)

    assert {uid for uid, grade in seen.items() if grade is Grade.CLINICAL} == uids(
        played, DayEventKind.LEAF_ALTERED
    )
    assert {uid for uid, grade in seen.items() if grade is Grade.MISSING} == uids(
        played, DayEventKind.STRUCTURE_SET_DELETED
    )
    assert {uid for uid, grade in seen.items() if grade is Grade.NEW} <= unnamed


def test_the_altered_leaf_is_named_with_beam_control_point_and_both_values(played: Played) -> None:
    (event,) = [event for event in played.events if event.kind is DayEventKind.LEAF_ALTERED]
    assert event.leaf is not None
    (uid,) = event.sop_instance_uids
    (found,) = [
        item for night in played.second.patients for item in night.eyes if item.sop_instance_uid == uid
    ]
    (change,) = found.changes

    assert f"eam {event.leaf.beam_number}" in change.text
    assert f"ontrol point {event.leaf.control_point_index}" in change.text
    assert "→" in change.text


def test_the_altered_document_is_named_with_the_line_before_and_after(played: Played) -> None:
    (event,) = [event for event in played.events if event.kind is DayEventKind.DOCUMENT_ALTERED]
    (text,) = [
        change.text
        for night in played.second.patients
        for item in night.eyes
        if item.kind == DOCUMENT and item.label == event.document
        for change in item.changes
    ]

    assert "shift limit 10 mm" in text
    assert "shift limit 20 mm" in text
    assert all(night.document_count for night in played.second.patients if "BK-" in night.patient_id)


def test_everything_that_did_not_happen_is_identical(played: Played) -> None:
    happened = {uid for event in played.events for uid in event.sop_instance_uids}
    named = {item.sop_instance_uid for night in played.second.patients for item in night.comparisons}
    summaries = {e.patient_id for e in played.events if e.kind is DayEventKind.REPLAN}
    documented = {(e.patient_id, e.document) for e in played.events if e.document}
    documented |= {(patient_id, "Prescription summary") for patient_id in summaries}
    new_patient = {e.patient_id for e in played.events if e.kind is DayEventKind.PATIENT_NEW}
    others = {
        item.sop_instance_uid
        for night in played.second.patients
        if night.patient_id not in new_patient
        for item in night.comparisons
        if item.kind != DOCUMENT
    }
    altered = {
        (night.patient_id, item.label)
        for night in played.second.patients
        if night.patient_id not in new_patient
        for item in night.comparisons
        if item.kind == DOCUMENT
    }

    assert altered == documented
    assert happened - uids(played, DayEventKind.PATIENT_FINISHED) <= named
    assert others <= happened


def test_a_patient_comes_back_byte_for_byte_with_us_and_with_stock_tools(
    played: Played, program: Callable[[str], str]
) -> None:
    for tool in STOCK_TOOLS:
        program(tool)
    for kind in (DayEventKind.LEAF_ALTERED, DayEventKind.PLAN_RE_ENCODED):
        patient_id = next(event.patient_id for event in played.events if event.kind is kind)
        for restored in played.demo.restore(patient_id):
            assert restored.object_count > 0
            assert (restored.skipped, restored.equal_count) == ("", restored.object_count)


def test_the_same_date_again_returns_the_same_report(played: Played) -> None:
    assert played.demo.night(played.demo.second_night, lambda _event: None) == played.second


def test_no_name_or_birth_date_stands_in_the_mail_or_the_vault(played: Played, tmp_path: Path) -> None:
    folder = played.demo.site.night_dir(played.demo.second_night)
    text = (folder / "report.txt").read_text(encoding="utf-8")
    names = [part for p in played.second.patients for part in p.patient_name.split("^") if len(part) > 3]
    ids = [p.patient_id for p in played.second.patients if len(p.patient_id) > 3]
    vault_names = "\n".join(str(path) for path in played.demo.site.vault.directory.rglob("*"))
    metadata = "\n".join(
        path.read_text(encoding="utf-8") for path in played.demo.site.vault.directory.rglob("*.json")
    )

    assert names
    assert not [name for name in (*names, *ids) if name in text]
    assert not [name for name in (*names, *ids) if name in vault_names or name in metadata]


def test_from_a_disk_and_three_cards_each_position_is_the_truth_or_a_question(played: Played) -> None:
    day, opened = played.demo.day()
    day.declare(opened)
    counted = day.counted(played.demo.department.state)
    ranked, version = day.order(), day.places()
    unnamed = [event for event in played.events if event.kind is DayEventKind.RECORD_WITHOUT_PLAN]
    there = {one.site for one in version.placed}

    assert opened.identities != SiteKeys.load(played.demo.site.vault.keys_dir).identities
    assert (counted.wrong, counted.asked) == ((), len(unnamed))
    assert counted.as_given + counted.asked == len(ranked) == len(version.placed)
    assert there == {"own", "partner", ""}  # protons are given in neither; nobody goes where the attack is


def test_the_command_that_was_interrupted_comes_to_its_end(played: Played) -> None:
    played.demo.department.stop()  # the command starts it again, at the same port
    command = [*COMMAND, str(played.demo.root)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
