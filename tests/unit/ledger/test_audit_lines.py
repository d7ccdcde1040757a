"""The rule behind every check of the audit log, without a database."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beamkeeper.domain.audit import FIRST_PREVIOUS, LINE_CHARACTERS_MAX, verify_exported, verify_lines
from beamkeeper.domain.codec import canonical
from beamkeeper.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def chain(count: int) -> list[str]:
    """Return well-formed lines, written here from the format page and not by the code under test."""
    lines: list[str] = []
    previous = FIRST_PREVIOUS
    for sequence in range(1, count + 1):
        body = {
            "format": 1,
            "sequence": sequence,
            "at": (NOW + timedelta(seconds=sequence)).isoformat(timespec="microseconds"),
            "action": "night.finish",
            "actor": "collector",
            "patient": None,
            "outcome": "done",
            "details": {"n": sequence},
            "previous": previous,
        }
        lines.append(json.dumps(body, sort_keys=True, separators=(",", ":")))
        previous = hashlib.sha256(lines[-1].encode()).hexdigest()
    return lines


def test_lines_written_by_the_format_page_are_whole() -> None:
    assert verify_exported(chain(5)).is_whole
    assert verify_exported(line + "\r\n" for line in chain(5)).is_whole
    assert verify_exported([]).lines == 0


def test_the_log_writes_what_the_format_page_says(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/l.db")
    ledger.migrate()
    for sequence in range(1, 4):
        ledger.audit.append(
            "night.finish",
            actor="collector",
            outcome="done",
            details={"n": sequence},
            at=NOW + timedelta(seconds=sequence),
        )

    assert list(ledger.audit.lines()) == chain(3)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("at", "2026-10-25T00:30:01.000000"),
        ("details", []),
        ("details", 5),
        ("action", None),
        ("actor", 7),
        ("outcome", {}),
        ("patient", ["p"]),
    ],
)
def test_a_line_of_another_shape_is_no_line_though_its_digest_is_right(key: str, said: object) -> None:
    lines = chain(3)
    lines[2] = json.dumps(json.loads(lines[2]) | {key: said}, sort_keys=True, separators=(",", ":"))

    assert verify_exported(lines).first_broken == 3


def test_a_line_that_nests_without_end_is_no_line() -> None:
    assert verify_exported([*chain(1), "[" * 50_000]).first_broken == 2


@given(st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_single_changed_character_goes_unseen(data: st.DataObject) -> None:
    lines = chain(4)
    index = data.draw(st.integers(0, 2))  # the last line is held by the head that is kept elsewhere
    at = data.draw(st.integers(0, len(lines[index]) - 1))
    sign = data.draw(st.characters(exclude_characters=lines[index][at] + "\r\n", exclude_categories=["Cs"]))
    lines[index] = lines[index][:at] + sign + lines[index][at + 1 :]

    report = verify_exported(lines)
    assert report.first_broken is not None
    assert report.first_broken <= index + 2


@given(st.permutations(range(5)))
def test_no_other_order_is_whole(order: list[int]) -> None:
    lines = chain(5)

    assert verify_exported([lines[number] for number in order]).is_whole is (order == sorted(order))


@given(st.sets(st.integers(0, 4), min_size=1))
def test_no_line_can_be_left_out(left_out: set[int]) -> None:
    lines = chain(5)
    whole = verify_exported(lines)
    rest = [line for number, line in enumerate(lines) if number not in left_out]

    assert not verify_exported(rest, whole.head).is_whole


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", "null", "text", '{"at":"x"}', canonical({"at": NOW.isoformat()})]
)
def test_what_is_no_audit_line_is_named(line: str) -> None:
    digest = hashlib.sha256(line.encode()).hexdigest()
    report = verify_lines([(1, line, digest)])

    assert report.first_broken == 1
    assert "no audit line" in report.reason


def test_a_line_at_the_limit_is_written_and_beyond_it_refused(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/l.db")
    ledger.migrate()
    ledger.audit.append("x", actor="y", outcome="z", at=NOW, details={"t": ""})
    (line,) = ledger.audit.lines()
    room = LINE_CHARACTERS_MAX - len(line)
    ledger.audit.append("x", actor="y", outcome="z", at=NOW, details={"t": "a" * room})
    with pytest.raises(ValueError, match="characters"):
        ledger.audit.append("x", actor="y", outcome="z", at=NOW, details={"t": "a" * (room + 1)})

    assert ledger.audit.head().sequence == 2
