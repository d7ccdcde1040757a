"""What the audit log must do on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, connections

from beamkeeper.domain.audit import AuditHead, verify_exported

if TYPE_CHECKING:
    from beamkeeper.ledger import Ledger

NOW = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def write(ledger: Ledger, count: int) -> None:
    for number in range(count):
        ledger.audit.append(
            "night.finish",
            actor="collector",
            patient_pseudonym="ab" if number % 2 else None,
            outcome="done",
            details={"number": number, "reason": "où → là"},
            at=NOW + timedelta(seconds=number),
        )


def execute(ledger: Ledger, statement: str) -> None:
    """Do what an intruder with the database's own tools would do."""
    alias = ledger._database.alias
    with ledger.session(), connections[alias].cursor() as cursor:
        cursor.execute(statement)


class AuditContract:
    """Subclass it and give it a fixture `ledger`, and `without_triggers`, which takes the fence down."""

    def test_lines_are_numbered_without_gaps_and_say_what_was_done(self, ledger: Ledger) -> None:
        write(ledger, 3)

        rows = list(ledger.audit.rows())
        assert [row.sequence for row in rows] == [1, 2, 3]
        assert rows[1].patient_pseudonym == "ab"
        assert rows[1].details == {"number": 1, "reason": "où → là"}
        assert rows[1].at == NOW + timedelta(seconds=1)
        assert rows[1].previous == rows[0].sha256

    def test_an_untouched_log_is_whole(self, ledger: Ledger) -> None:
        write(ledger, 5)

        report = ledger.audit.verify_chain(ledger.audit.head())
        assert report.is_whole
        assert report.head == ledger.audit.head()
        assert verify_exported(ledger.audit.lines()).head == report.head

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_auditentry SET line = line",
            "UPDATE ledger_auditentry SET sequence = sequence + 10",
            "DELETE FROM ledger_auditentry WHERE sequence = 2",
            "DELETE FROM ledger_auditentry",
        ],
    )
    def test_the_database_refuses_to_change_or_delete_a_line(self, ledger: Ledger, statement: str) -> None:
        write(ledger, 3)
        with pytest.raises(DatabaseError, match="append-only"):
            execute(ledger, statement)

        assert ledger.audit.verify_chain().lines == 3

    @pytest.mark.usefixtures("without_triggers")
    @pytest.mark.parametrize(
        ("statement", "broken", "words"),
        [
            (
                "UPDATE ledger_auditentry SET line = replace(line, 'collector', 'x') WHERE sequence = 3",
                3,
                "digest",
            ),
            ("UPDATE ledger_auditentry SET sha256 = replace(sha256, 'a', 'b')", 1, "digest"),
            ("DELETE FROM ledger_auditentry WHERE sequence = 2", 2, "line 2 is missing"),
            ("DELETE FROM ledger_auditentry WHERE sequence = 1", 1, "line 1 is missing"),
        ],
    )
    def test_a_change_behind_the_fence_is_named_by_its_line(
        self, ledger: Ledger, statement: str, broken: int, words: str
    ) -> None:
        write(ledger, 5)
        execute(ledger, statement)

        report = ledger.audit.verify_chain()
        assert report.first_broken == broken
        assert words in report.reason

    @pytest.mark.usefixtures("without_triggers")
    def test_a_rewritten_tail_is_found_with_the_head_kept_elsewhere(self, ledger: Ledger) -> None:
        write(ledger, 5)
        head = ledger.audit.head()
        execute(ledger, "DELETE FROM ledger_auditentry WHERE sequence > 3")
        assert ledger.audit.verify_chain().is_whole
        cut = ledger.audit.verify_chain(head)
        ledger.audit.append("other", actor="x", outcome="done", at=NOW)
        ledger.audit.append("other", actor="x", outcome="done", at=NOW)
        rewritten = ledger.audit.verify_chain(head)

        assert (cut.first_broken, rewritten.first_broken) == (4, 5)
        assert "ends at line 3" in cut.reason

    def test_a_clock_set_back_keeps_the_sequence_and_is_counted(self, ledger: Ledger) -> None:
        write(ledger, 2)
        ledger.audit.append("late", actor="x", outcome="done", at=NOW - timedelta(hours=1))

        report = ledger.audit.verify_chain()
        assert report.is_whole
        assert (report.lines, report.clock_steps_back) == (3, 1)

    def test_a_failed_action_around_it_takes_its_line_away_too(self, ledger: Ledger) -> None:
        write(ledger, 2)
        with pytest.raises(ValueError, match="may not stand"):
            ledger.audit.append("x", actor="y", outcome="done", at=NOW, details={"patient_name": "Peeters"})
        with pytest.raises(ValueError, match="naive"):
            ledger.audit.append("x", actor="y", outcome="done", at=NOW.replace(tzinfo=None))

        assert ledger.audit.head().sequence == 2

    def test_lines_after_a_head_can_be_read_alone(self, ledger: Ledger) -> None:
        write(ledger, 5)

        assert [row.sequence for row in ledger.audit.rows(after=3)] == [4, 5]
        assert ledger.audit.verify_chain(AuditHead(sequence=9, sha256="0" * 64)).first_broken == 6
