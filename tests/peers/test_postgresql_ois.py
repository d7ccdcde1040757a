"""The OIS contract over a real PostgreSQL, and its own fences against writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.contract.ois_contract import OisContract
from tests.contract.ois_department import CONTENT, MAPPING, NOW, TABLES
from tests.peers.postgresql_cluster import PrivateCluster

from beamkeeper.errors import ConfigError, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.protect.census import CensusWindow, SqlSource, ask_all, parse_mapping
from beamkeeper.wire.sql import SelectRelation, TableRelation, open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.peer

PATIENTS = TableRelation(table="patient", columns=(("k", "patientser"),))


@pytest.fixture(scope="module")
def cluster(program: Callable[[str], str]) -> Iterator[PrivateCluster]:
    with PrivateCluster(program) as running:
        running.sql("CREATE DATABASE ois")
        running.sql(TABLES, database="ois")
        with psycopg.connect(f"host={running.folder} dbname=ois user=postgres") as connection:
            for table, rows in CONTENT.items():
                marks = ", ".join(["%s"] * len(rows[0]))
                statement = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - our own names
                connection.cursor().executemany(statement, rows)
        running.sql(
            "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database="ois"
        )
        running.sql("CREATE ROLE writer LOGIN; GRANT INSERT ON patient TO writer", database="ois")
        yield running


@pytest.fixture(scope="module")
def url(cluster: PrivateCluster) -> str:
    return cluster.url("ois", "reader")


class TestPostgresqlOis(OisContract):
    """PostgreSQL folds names, pads CHAR columns and gives times as datetimes."""


def test_a_login_that_may_write_is_refused(cluster: PrivateCluster) -> None:
    with pytest.raises(ConfigError, match="may write"):
        open_source(cluster.url("ois", "writer"))


def test_a_login_that_may_write_can_be_accepted_by_name_and_is_said(cluster: PrivateCluster) -> None:
    source = SqlSource(parse_mapping(MAPPING), cluster.url("ois"), read_only=False)

    assert "The login of this database may write." in source.ask(NOW, CensusWindow()).warnings


def test_the_session_cannot_write_even_when_the_login_may(cluster: PrivateCluster) -> None:
    with (
        open_source(cluster.url("ois"), read_only=False) as source,
        pytest.raises(Exception, match="read-only"),
    ):
        source._open().exec_driver_sql("DELETE FROM patient")

    with open_source(cluster.url("ois", "reader")) as source:
        assert len(source.rows(PATIENTS, ("k",))) == len(CONTENT["Patient"])


def test_two_settings_of_the_session_refuse_to_write(url: str) -> None:
    with open_source(url) as source:
        settings = [
            source._open().exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("default_transaction_read_only", "transaction_read_only", "transaction_isolation")
        ]

    assert settings == ["on", "on", "repeatable read"]


def test_a_question_that_takes_too_long_is_no_answer(url: str) -> None:
    endless = SelectRelation(statement="SELECT count(*) AS n FROM generate_series(1, 10000000000) AS endless")
    with open_source(url, timeout_s=0.3) as source, pytest.raises(SourceUnavailable, match="no answer"):
        source.rows(endless, ("n",))


def test_after_a_wrong_question_the_next_one_is_still_answered(url: str) -> None:
    with open_source(url) as source:
        with pytest.raises(SourceAnswerInvalid):
            source.aliases(SelectRelation(statement="SELECT nothing AS n FROM nowhere"))
        assert source.rows(PATIENTS, ("k",))


def test_an_ois_that_is_down_is_an_answer_with_an_error(url: str, cluster: PrivateCluster) -> None:
    source = SqlSource(parse_mapping(MAPPING), url)
    cluster.stop()
    (answer,) = ask_all([source], now=NOW, window=CensusWindow())
    cluster.start()
    (again,) = ask_all([source], now=NOW, window=CensusWindow())

    assert not answer.answered
    assert answer.error.startswith("The database gave no answer")
    assert again.answered


def test_an_unknown_login_and_an_unknown_database_give_no_answer(cluster: PrivateCluster) -> None:
    for address in (cluster.url("ois", "nobody"), cluster.url("nothing", "reader")):
        with pytest.raises(SourceUnavailable, match="no answer"):
            open_source(address)
