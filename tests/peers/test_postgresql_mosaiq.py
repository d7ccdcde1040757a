"""The MOSAIQ contract over a real PostgreSQL: the same questions, another planner, columns that pad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from tests.contract.mosaiq_contract import MosaiqContract
from tests.peers.postgresql_cluster import PrivateCluster

from beamkeeper.rehearse.sim.mosaiq import TABLES, quirky_clinic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def url(program: Callable[[str], str]) -> Iterator[str]:
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
        yield running.url("mosaiq", "reader")


class TestPostgresqlMosaiq(MosaiqContract):
    """PostgreSQL folds the names, pads CHAR columns itself and gives times as datetimes."""
