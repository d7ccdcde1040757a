"""The journal of an incident: nothing that was written can be changed without being seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beamkeeper.domain.audit import NOTHING_YET, AuditEvent
from beamkeeper.errors import IntegrityError, StorageFull
from beamkeeper.respond.incident import Journal

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
SOURCES = Path(__file__).parents[4] / "src"


def event(number: int) -> AuditEvent:
    return AuditEvent(
        action="note",
        actor="A. Jansen",
        outcome="ok",
        at=NOW + timedelta(minutes=number),
        details={"said": f"é {number}"},
    )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "journal.jsonl")
    for number in range(3):
        made.append(event(number))
    return made


def test_what_is_written_is_read_back_in_order(journal: Journal) -> None:
    assert [row.details["said"] for row in journal.rows()] == ["é 0", "é 1", "é 2"]
    assert journal.verify().is_whole


def test_a_journal_without_a_line_is_empty_and_whole(tmp_path: Path) -> None:
    none = Journal(tmp_path / "journal.jsonl")

    assert (none.rows(), none.head()) == ((), NOTHING_YET)
    assert none.verify().is_whole


@pytest.mark.parametrize("number", range(3))
def test_a_changed_line_is_seen_and_nothing_is_added_to_it(journal: Journal, number: int) -> None:
    lines = journal.path.read_text().splitlines(keepends=True)
    lines[number] = lines[number].replace("Jansen", "Janssen")
    journal.path.write_text("".join(lines))
    before = journal.path.read_bytes()

    with pytest.raises(IntegrityError, match=f"line {number + 1}"):
        journal.append(event(9))
    with pytest.raises(IntegrityError):
        journal.rows()
    assert journal.path.read_bytes() == before


def test_a_line_taken_out_is_seen(journal: Journal) -> None:
    lines = journal.path.read_text().splitlines(keepends=True)
    journal.path.write_text(lines[0] + lines[2])

    assert journal.verify().first_broken == 2


def test_a_cut_end_is_seen_by_who_wrote_the_head_on_paper(journal: Journal) -> None:
    head = journal.head()
    lines = journal.path.read_text().splitlines(keepends=True)
    journal.path.write_text("".join(lines[:2]))

    assert journal.verify().is_whole
    assert not journal.verify(head).is_whole


def test_a_line_that_a_power_cut_left_half_is_laid_aside_and_the_journal_goes_on(journal: Journal) -> None:
    with journal.path.open("ab") as file:
        file.write(b'{"action":"note","act')
    journal.append(event(3))

    assert [row.details["said"] for row in journal.rows()] == ["é 0", "é 1", "é 2", "é 3"]
    aside = [path for path in journal.path.parent.iterdir() if "torn" in path.name]
    assert [path.read_bytes() for path in aside] == [b'{"action":"note","act']


def test_two_people_may_write_at_once(tmp_path: Path) -> None:
    source = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from beamkeeper.respond.incident.journal import Journal\n"
        "from beamkeeper.domain.audit import AuditEvent\n"
        "for number in range(20):\n"
        "    Journal(Path(sys.argv[1])).append(AuditEvent(action='note', actor=sys.argv[2], outcome='ok',"
        " at=datetime.now(UTC)))\n"
    )
    path = tmp_path / "journal.jsonl"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", source, path, who], env=os.environ | {"PYTHONPATH": str(SOURCES)}
        )
        for who in ("A", "B")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]

    assert len(Journal(path).rows()) == 40


def test_a_line_says_no_name_of_a_patient_under_a_key_made_for_one(journal: Journal) -> None:
    with pytest.raises(ValueError, match="patient_name"):
        journal.append(
            AuditEvent(action="note", actor="x", outcome="ok", at=NOW, details={"patient_name": "Jansen"})
        )


def test_a_journal_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "journal.jsonl").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StorageFull):
        Journal(tmp_path / "journal.jsonl").append(event(0))
    assert (tmp_path / "elsewhere").read_text() == ""


@pytest.mark.parametrize(
    "garbage", [b"\xff\xfe\n", b"null\n", b"[1]\n", b"{}\n", json.dumps({"format": 2}).encode() + b"\n"]
)
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "journal.jsonl").write_bytes(garbage)

    with pytest.raises(IntegrityError):
        Journal(tmp_path / "journal.jsonl").append(event(0))
    assert (tmp_path / "journal.jsonl").read_bytes() == garbage
