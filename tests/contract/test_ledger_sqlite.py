"""The ledger's contracts over SQLite."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError
from tests.contract.audit_contract import NOW, AuditContract, execute
from tests.contract.ledger_contract import LedgerContract
from tests.contract.mirror_ledger_contract import MirrorLedgerContract
from tests.contract.removal_ledger_contract import RemovalLedgerContract

from beamkeeper.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty ledger file: made once, copied for every test."""
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    Ledger.open(f"sqlite:///{path}").migrate()
    return path


@pytest.fixture
def ledger(migrated: Path, tmp_path: Path) -> Ledger:
    path = tmp_path / "ledger.db"
    shutil.copy(migrated, path)
    return Ledger.open(f"sqlite:///{path}")


class TestSqliteLedger(LedgerContract):
    """SQLite, write-ahead log, full synchronous."""


class TestSqliteRemovals(RemovalLedgerContract):
    """The removals on SQLite."""


class TestSqliteMirrors(MirrorLedgerContract):
    """The same file."""


class TestSqliteAudit(AuditContract):
    @pytest.fixture
    def without_triggers(self, ledger: Ledger) -> None:
        for name in ("update", "delete", "replace"):
            execute(ledger, f"DROP TRIGGER ledger_auditentry_no_{name}")

    def test_replacing_a_line_is_refused_too(self, ledger: Ledger) -> None:
        ledger.audit.append("x", actor="y", outcome="done", at=NOW)
        with pytest.raises(DatabaseError, match="append-only"):
            execute(ledger, "INSERT OR REPLACE INTO ledger_auditentry VALUES (1, '{}', '')")
