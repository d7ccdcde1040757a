"""The MOSAIQ contract over a real PostgreSQL: the same questions, another planner, columns that pad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from tests.contract.mosaiq_contract import CODES, NOW, SETTINGS, MosaiqContract, ask
from tests.peers.postgresql_cluster import PrivateCluster
from tests.peers.postgresql_plans import explained, padded, unbounded

from beamkeeper.protect.census import CensusWindow, SqlSource, ask_all, mosaiq_mapping
from beamkeeper.rehearse.sim.mosaiq import TABLES, quirky_clinic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def cluster(program: Callable[[str], str]) -> Iterator[PrivateCluster]:
    with PrivateCluster(program) as running:
        running.sql("CREATE DATABASE mosaiq")
        owner = running.url("mosaiq").replace("postgresql://", "postgresql+psycopg://")
        engine = create_engine(owner)
        with engine.begin() as connection:
            TABLES.create(connection)
            TABLES.create_indexes(connection)
            TABLES.write(connection, quirky_clinic().rows)
        engine.dispose()
        running.sql(
            "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
            database="mosaiq",
        )
        yield running


@pytest.fixture(scope="module")
def url(cluster: PrivateCluster) -> str:
    return cluster.url("mosaiq", "reader")


class TestPostgresqlMosaiq(MosaiqContract):
    """PostgreSQL folds the names, pads CHAR columns itself and gives times as datetimes."""


def test_every_question_starts_from_a_patient_a_key_or_a_date(
    cluster: PrivateCluster, questions: list[tuple[str, Any]]
) -> None:
    ask(cluster.url("mosaiq", "reader"))
    asked = [(text, values) for text, values in questions if text.startswith("SELECT q.")]

    codes = {name.lower() for name in CODES}
    plans = dict(explained(padded(cluster, "mosaiq", TABLES), asked))
    assert len(plans) > 12
    assert {text: found for text, plan in plans.items() if (found := unbounded(plan, codes))} == {}


def test_an_optional_column_that_is_gone_is_said(cluster: PrivateCluster) -> None:
    with cluster.without("mosaiq", "Admin", "Language_Spoken_Pro_ID"):
        older = ask(cluster.url("mosaiq", "reader"))

    assert "[patient] has not what language stands for: it is not known." in older.warnings
    assert "M1001" in {entry.patient.patient_id for entry in older.entries}


def test_a_needed_column_that_is_gone_stops_this_source_only(cluster: PrivateCluster, tmp_path: Path) -> None:
    TABLES.write_sqlite(tmp_path / "other.db", quirky_clinic().rows)
    mapping = mosaiq_mapping(SETTINGS)
    sources = [
        SqlSource(mapping, cluster.url("mosaiq", "reader"), name="here"),
        SqlSource(mapping, f"sqlite:///{tmp_path / 'other.db'}", name="elsewhere"),
    ]
    with cluster.without("mosaiq", "TxField", "SIT_Set_ID"):
        here, elsewhere = ask_all(sources, now=NOW, window=CensusWindow())

    assert here.error.startswith("[plan]: The database refused the question")
    assert elsewhere.answered
    assert "M1001" in {entry.patient.patient_id for entry in elsewhere.entries}
