"""The SELECT text for each database, word for word: SQL Server has no server here to try it on."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.dialects import mssql, postgresql, sqlite

from beamkeeper.wire.sql import Among, SelectRelation, Since, TableRelation
from beamkeeper.wire.sql.relation import KEYS_IN_ONE_STATEMENT_MAX, aliases_probe, relation_select

PATIENT = TableRelation(
    table="Patient", schema="dbo", columns=(("patient_key", "PatientSer"), ("patient_id", "PatientId"))
)
PLAN = SelectRelation(
    statement="SELECT p.PlanSetupSer AS plan_key FROM PlanSetup AS p WHERE p.At < :now AND p.x LIKE '%a'"
)
SINCE = Since(alias="start", start=datetime(2026, 1, 1), end=datetime(2026, 1, 8))  # noqa: DTZ001 - server times
DIALECTS = {"mssql": mssql.dialect(), "postgresql": postgresql.dialect(), "sqlite": sqlite.dialect()}


def text_of(statement, dialect: str) -> str:
    return " ".join(str(statement.compile(dialect=DIALECTS[dialect])).split())


def test_a_table_is_read_by_named_columns_on_sql_server() -> None:
    statement = relation_select(
        PATIENT, ("patient_key", "patient_id"), (Among(alias="patient_key", keys=(1, 2)),), row_limit=99
    )

    assert text_of(statement, "mssql") == (
        "SELECT TOP __[POSTCOMPILE_param_1] q.patient_key, q.patient_id FROM "
        "(SELECT dbo.[Patient].[PatientSer] AS patient_key, "
        "dbo.[Patient].[PatientId] AS patient_id FROM dbo.[Patient]) AS q "
        "WHERE q.patient_key IN (__[POSTCOMPILE_patient_key_1])"
    )


def test_a_site_select_is_read_as_a_subquery_on_sql_server() -> None:
    statement = relation_select(PLAN, ("plan_key",), (), row_limit=99)

    assert text_of(statement, "mssql") == (
        "SELECT TOP __[POSTCOMPILE_param_1] q.plan_key FROM "
        "(SELECT p.PlanSetupSer AS plan_key FROM PlanSetup AS p WHERE p.At < :now AND p.x LIKE '%a') AS q"
    )


def test_a_probe_asks_for_no_rows() -> None:
    assert text_of(aliases_probe(PLAN), "mssql").endswith(") AS q WHERE 1 = 0")


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_times_and_keys_are_always_bound_and_never_pasted(dialect: str) -> None:
    table = TableRelation(table="Schedule", columns=(("start", "Start"), ("patient_key", "Key")))
    keys = Among(alias="patient_key", keys=("x'; DROP TABLE t --",))
    text = text_of(relation_select(table, ("start", "patient_key"), (SINCE, keys), row_limit=9), dialect)

    assert "2026" not in text
    assert "DROP" not in text


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_a_hostile_column_name_stays_one_quoted_name(dialect: str) -> None:
    table = TableRelation(table="t", columns=(("a", 'x"] FROM t; DROP TABLE t --'),))
    text = text_of(relation_select(table, ("a",), (), row_limit=9), dialect)

    opening, closing = ("[", "]") if dialect == "mssql" else ('"', '"')
    quoted = 'x"] FROM t; DROP TABLE t --'.replace(closing, closing * 2)
    assert f"{opening}{quoted}{closing}" in text


def test_more_keys_than_one_statement_takes_are_a_mistake_of_ours() -> None:
    keys = tuple(range(KEYS_IN_ONE_STATEMENT_MAX + 1))
    with pytest.raises(ValueError, match="501 keys"):
        relation_select(PATIENT, ("patient_key",), (Among(alias="patient_key", keys=keys),), row_limit=9)
