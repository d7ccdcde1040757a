"""Anything but one SELECT is refused before a connection is made."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import ConfigError
from beamkeeper.wire.sql import checked_select
from beamkeeper.wire.sql.select_only import STATEMENT_CHARACTERS_MAX

ALLOWED = [
    "SELECT a AS b FROM t",
    "select count(*) as n, max(x.At) as last from H as x where x.At >= :now group by x.k",
    "SELECT a FROM t UNION ALL SELECT b FROM u",
    "SELECT a FROM (SELECT b AS a FROM u) AS q WHERE a IN (SELECT c FROM v)",
    "SELECT CASE WHEN a = 'x; DROP TABLE t --' THEN 1 ELSE 2 END AS b FROM t",
    "SELECT a FROM t WHERE id LIKE '$%' AND b <> 'it''s'",
    "SELECT [Order].[update] AS a FROM [dbo].[Order] AS [Order]",
    'SELECT "set" AS a FROM "update"',
    "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) AS n FROM t",
    "SELECT a FROM dbo.Patient WITH (NOLOCK)",
    "SELECT CAST(a AS date) AS b, a::text AS c FROM t",
    "SELECT dose / 100.0 * 2 AS dose_gy FROM Site",
]

REFUSED = [
    ("", "does not begin with SELECT"),
    ("   ", "does not begin with SELECT"),
    ("DELETE FROM t", "does not begin with SELECT"),
    ("WITH x AS (SELECT 1) SELECT 1 FROM x", "does not begin with SELECT"),
    ("(SELECT a FROM t)", "does not begin with SELECT"),
    ("SELECT a FROM t; DELETE FROM t", "the sign ';'"),
    ("SELECT a FROM t SELECT b FROM u", "second SELECT"),
    ("SELECT a INTO u FROM t", "INTO"),
    ("SELECT a FROM t FOR UPDATE", "UPDATE"),
    ("SELECT a FROM t WHERE EXISTS (DELETE FROM u RETURNING 1)", "DELETE"),
    ("SELECT a FROM (WITH x AS (SELECT 1 AS a) SELECT a FROM x) AS q", "WITH"),
    ("SELECT a FROM t -- comment", "comment"),
    ("SELECT a /* comment */ FROM t", "comment"),
    ("SELECT a FROM t) AS q; DROP TABLE t", "sign ';'"),
    ("SELECT a FROM t) AS q WHERE (1 = 1", "closes that was never opened"),
    ("SELECT a FROM (SELECT b FROM t", "not closed"),
    ("SELECT * FROM t", "every column"),
    ("SELECT t.* FROM t", "every column"),
    ("SELECT a, * FROM t", "every column"),
    ("SELECT a FROM t ORDER BY a", "ORDER BY"),
    ("SELECT pg_sleep(10) AS a", "function pg_sleep"),
    ("SELECT load_extension('x') AS a", "function load_extension"),
    ("SELECT set_config('transaction_read_only', 'off', false) AS a", "function set_config"),
    ('SELECT "pg_sleep"(10) AS a', "called as a function"),
    ("SELECT dbo.fn(1) AS a", "function fn"),
    ("SELECT [dbo].[fn](1) AS a", "called as a function"),
    ("SELECT a FROM OPENROWSET('x')", "OPENROWSET"),
    ("EXEC sp_who", "does not begin with SELECT"),
    ("SELECT a FROM t WHERE b = :surname", "parameter :surname"),
    ("SELECT a FROM t WHERE b = ?", "sign '\\?'"),
    ("SELECT a FROM t WHERE b = @x", "sign '@'"),
    ("SELECT a FROM t WHERE b = $1", r"sign '\$'"),
    ("SELECT $$x$$ AS a", r"sign '\$'"),
    ("SELECT E'\\'' AS a", "sign"),
    ("SELECT E'x' AS a FROM t", "prefix e"),
    ("SELECT 'unfinished AS a FROM t", "sign"),
    ("SELECT a\x00 FROM t", "sign"),
    ("SELECT a FROM t WHERE b = ＇x＇", "sign"),
    ("SELECT " + "a" * STATEMENT_CHARACTERS_MAX, "longer than"),
]


@pytest.mark.parametrize("statement", ALLOWED)
def test_one_select_is_allowed(statement: str) -> None:
    assert checked_select(statement, parameters=frozenset({"now"})) == statement


@pytest.mark.parametrize(("statement", "words"), REFUSED)
def test_anything_else_is_refused_and_says_why(statement: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        checked_select(statement, parameters=frozenset({"now"}))

    assert caught.value.do_next


def test_a_colon_in_a_literal_is_never_taken_for_a_parameter() -> None:
    checked = checked_select("SELECT a FROM t WHERE b = 'x :now' AND c = :now", parameters=frozenset({"now"}))

    assert checked == r"SELECT a FROM t WHERE b = 'x \:now' AND c = :now"


WORDS = st.sampled_from(
    [
        "SELECT", "a", "FROM", "t", ",", "(", ")", ";", "'", "''", "--", "/*", "*/", "DELETE", "INTO", "u",
        "UNION",
        "WHERE", "DROP", "TABLE", "INSERT", "VALUES", "1", "=", '"', "[", "]", "*", "UPDATE", "SET", "PRAGMA",
        "ATTACH", "count", "AS", "WITH", "x", "\n", "||", "REPLACE", "CREATE",
    ]
)  # fmt: skip


@given(st.lists(WORDS, max_size=30))
def test_whatever_passes_cannot_write_even_to_a_database_that_may_be_written(words: list[str]) -> None:
    """The fence is tested without the other one: a writable SQLite, an authorizer that watches."""
    try:
        statement = checked_select(" ".join(["SELECT", "a", "FROM", "t", *words]))
    except ConfigError:
        return
    wrote: list[int] = []

    def watch(action: int, *_: object) -> int:
        if action not in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}:
            wrote.append(action)
        return sqlite3.SQLITE_OK

    connection = sqlite3.connect(":memory:")
    connection.executescript("CREATE TABLE t (a, x); CREATE TABLE u (a); INSERT INTO t VALUES (1, 2);")
    connection.set_authorizer(watch)
    try:
        connection.execute(f"SELECT a FROM ({statement}) AS q")  # noqa: S608 - what the fence let through
    except sqlite3.Error:
        pass
    finally:
        connection.close()

    assert wrote == []


@given(
    st.text(max_size=200) | st.text("'\"[]():;-/*$@ \\abcSELECTFROM\n", max_size=200).map("SELECT ".__add__)
)
def test_any_text_is_one_select_or_is_refused_by_our_own_error(text: str) -> None:
    try:
        checked = checked_select(text)
    except ConfigError:
        return

    assert checked.lower().startswith("select")
