"""The ledger's contracts over a real PostgreSQL."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from tests.contract.audit_contract import AuditContract, execute
from tests.contract.ledger_contract import NIGHT, NOW, LedgerContract
from tests.contract.mirror_ledger_contract import MirrorLedgerContract
from tests.contract.removal_ledger_contract import RemovalLedgerContract
from tests.peers.postgresql_cluster import PrivateCluster

from beamkeeper.errors import LedgerUnavailable
from beamkeeper.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.peer

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cluster(program: Callable[[str], str]) -> Iterator[PrivateCluster]:
    with PrivateCluster(program) as running:
        running.sql("CREATE DATABASE empty")
        Ledger.open(running.url("empty")).migrate()
        yield running


@pytest.fixture
def ledger(cluster: PrivateCluster) -> Ledger:
    name = f"ledger{next(_numbers)}"
    cluster.sql(f"CREATE DATABASE {name} TEMPLATE empty")
    return Ledger.open(cluster.url(name))


class TestPostgresqlLedger(LedgerContract):
    pass


class TestPostgresqlRemovals(RemovalLedgerContract):
    """The removals on PostgreSQL."""


class TestPostgresqlMirrors(MirrorLedgerContract):
    pass


class TestPostgresqlAudit(AuditContract):
    @pytest.fixture
    def without_triggers(self, ledger: Ledger) -> None:
        execute(ledger, "ALTER TABLE ledger_auditentry DISABLE TRIGGER ALL")

    def test_emptying_the_table_at_once_is_refused_too(self, ledger: Ledger) -> None:
        ledger.audit.append("x", actor="y", outcome="done", at=NOW)
        with pytest.raises(Exception, match="append-only"):
            execute(ledger, "TRUNCATE ledger_auditentry")

        assert ledger.audit.head().sequence == 1


def test_a_server_that_stops_is_said_so_and_found_again(cluster: PrivateCluster, ledger: Ledger) -> None:
    ledger.begin_night(NIGHT, NOW)
    cluster.stop()
    with pytest.raises(LedgerUnavailable, match="gave no answer"):
        ledger.night(NIGHT)
    with pytest.raises(LedgerUnavailable):
        ledger.audit.append("x", actor="y", outcome="done", at=NOW)
    cluster.start()

    night = ledger.night(NIGHT)
    assert night is not None
    assert ledger.audit.head().sequence == 0


def test_tables_that_were_never_made_are_a_plain_sentence(cluster: PrivateCluster) -> None:
    cluster.sql("CREATE DATABASE bare")
    with pytest.raises(LedgerUnavailable, match="tables are not those of this version"):
        Ledger.open(cluster.url("bare")).nights()
    with pytest.raises(LedgerUnavailable, match="gave no answer"):
        Ledger.open(cluster.url("nowhere")).nights()
