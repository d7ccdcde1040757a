"""The ARIA contract over a real PostgreSQL: the same questions, unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from tests.contract.aria_contract import AriaContract, ask_aria
from tests.peers.postgresql_cluster import PrivateCluster

from beamkeeper.rehearse.sim.aria import TABLES, quirky_clinic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beamkeeper.protect.census import SourceAnswer

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def cluster(program: Callable[[str], str]) -> Iterator[PrivateCluster]:
    with PrivateCluster(program) as running:
        running.sql("CREATE DATABASE aria")
        engine = create_engine(running.url("aria").replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            TABLES.create(connection)
            TABLES.write(connection, quirky_clinic().rows)
        engine.dispose()
        running.sql(
            "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database="aria"
        )
        yield running


@pytest.fixture(scope="module")
def answer(cluster: PrivateCluster) -> SourceAnswer:
    return ask_aria(cluster.url("aria", "reader"))


class TestPostgresqlAria(AriaContract):
    """PostgreSQL folds names, pads CHAR columns and gives times as datetimes."""
