"""One read-only connection to somebody else's database."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.inspection import inspect

from beamkeeper.errors import ConfigError, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.sql.engine import read_only_engine
from beamkeeper.wire.sql.login import WritingLogin, may_write
from beamkeeper.wire.sql.relation import (
    KEYS,
    KEYS_IN_ONE_STATEMENT_MAX,
    NUMBER,
    Among,
    Condition,
    PartsRelation,
    Relation,
    Resolved,
    SelectRelation,
    TableRelation,
    aliases_probe,
    counting_select,
    parameter_names,
    relation_select,
)
from beamkeeper.wire.sql.server import ServerFacts, server_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine, FrozenResult, Select, TextClause

ROW_LIMIT_MAX = 2_000_000
"""No answer longer than this is read, whatever the caller asks."""

Row = Mapping[str, Any]


class OpenSource:
    """A database that can only be asked; use it as a context manager.

    One connection and one read-only transaction: what is read belongs together where the database can
    promise that (PostgreSQL: repeatable read; SQLite: a snapshot).

    Parameters
    ----------
    engine
        From `read_only_engine`.
    timeout_s
        Longest time one statement may take, seconds.
    warnings
        What the owner of the database should know (the login may write, …).
    """

    def __init__(self, engine: Engine, *, timeout_s: float, warnings: tuple[str, ...] = ()) -> None:
        self._engine = engine
        self._timeout_s = timeout_s
        self._connection: Connection | None = None
        self.warnings = warnings

    def __enter__(self) -> Self:
        with _translated():
            self._connection = self._engine.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    def aliases(self, relation: Resolved, *, parameters: Mapping[str, Any] | None = None) -> frozenset[str]:
        """Return the aliases that can be read from `relation`: the capability probe.

        A column that the table does not have (another version of the product) is simply not in the
        answer.

        Raises
        ------
        SourceAnswerInvalid
            There is no such table, or the site's SELECT does not run.
        """
        if isinstance(relation, SelectRelation):
            bound = {**(parameters or {}), KEYS: (None,)}
            return frozenset(self._answer(aliases_probe(relation), bound)().keys())
        with _translated():
            return frozenset(alias for alias, _ in self._existing(relation).columns)

    def resolve(self, relation: Relation, *, parameters: Mapping[str, Any] | None = None) -> Resolved:
        """Return `relation` with only what exists here, spelled as the database spells it.

        Of a SELECT in parts each part is tried by itself when the whole does not run.

        Raises
        ------
        SourceAnswerInvalid
            There is no such table, or not one part runs.
        """
        if isinstance(relation, SelectRelation):
            return relation
        if isinstance(relation, TableRelation):
            with _translated():
                return self._existing(relation)
        every = tuple(alias for alias, _ in relation.columns)
        if not (refused := self._refused(relation, every, parameters)):
            return relation.select(every)
        found = tuple(alias for alias in every if not self._refused(relation, (alias,), parameters))
        if not found:
            raise refused
        return relation.select(found)

    def _refused(
        self, relation: PartsRelation, aliases: Sequence[str], parameters: Mapping[str, Any] | None
    ) -> SourceAnswerInvalid | None:
        """Return why the SELECT of `aliases` does not run here; None when it does."""
        try:
            self.aliases(relation.select(aliases), parameters=parameters)
        except SourceAnswerInvalid as error:
            return error
        return None

    def rows(
        self,
        relation: Resolved,
        aliases: Sequence[str],
        conditions: tuple[Condition, ...] = (),
        *,
        parameters: Mapping[str, Any] | None = None,
        row_limit: int = 200_000,
    ) -> tuple[Row, ...]:
        """Return every row of `relation` under `conditions`, `aliases` only.

        Parameters
        ----------
        parameters
            Values for the named parameters of a site's SELECT; always bound, never pasted.
        row_limit
            More rows than this is an answer that breaks the contract.

        Raises
        ------
        SourceUnavailable
            No answer within the time limit, or the connection broke.
        SourceAnswerInvalid
            The statement does not run on this database, or the answer is longer than `row_limit`.
        """
        limit = min(row_limit, ROW_LIMIT_MAX)
        statement = relation_select(relation, tuple(aliases), conditions, row_limit=limit)
        answer = self._answer(statement, parameters)()
        names, found = tuple(answer.keys()), answer.all()
        if len(found) > limit:
            raise SourceAnswerInvalid(
                f"The database answered more than {limit} rows to one question.",
                do_next="Narrow the SELECT in the mapping, or raise row_limit if this is right.",
                row_limit=limit,
            )
        return tuple(dict(zip(names, row, strict=True)) for row in found)

    def server(self) -> ServerFacts:
        """Return product, version, database and clock of the server."""
        with _translated(), self._deadline(), self._open().begin_nested():
            return server_facts(self._open())

    def counts(
        self,
        relation: Resolved,
        alias: str,
        conditions: tuple[Condition, ...] = (),
        *,
        parameters: Mapping[str, Any] | None = None,
        limit: int = 200,
    ) -> tuple[tuple[Any, int], ...]:
        """Return the different values of one column with how often each occurs, the commonest first.

        Of more than `limit` values the rarest are left out.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
            As `rows`.
        """
        statement = counting_select(relation, alias, conditions, limit=limit)
        rows = self._answer(statement, parameters)().mappings().all()
        return tuple((row[alias], int(row[NUMBER])) for row in rows)

    def rows_among(
        self,
        relation: Resolved,
        aliases: Sequence[str],
        key_alias: str,
        keys: Sequence[Any],
        conditions: tuple[Condition, ...] = (),
        *,
        parameters: Mapping[str, Any] | None = None,
        row_limit: int = 200_000,
    ) -> tuple[Row, ...]:
        """Return the rows under `conditions` whose `key_alias` is one of `keys`, asked for in portions."""
        found: list[Row] = []
        for start in range(0, len(keys), KEYS_IN_ONE_STATEMENT_MAX):
            portion = tuple(keys[start : start + KEYS_IN_ONE_STATEMENT_MAX])
            among = (Among(alias=key_alias, keys=portion), *conditions)
            bound = {**(parameters or {}), KEYS: portion}
            found += self.rows(relation, aliases, among, parameters=bound, row_limit=row_limit)
        return tuple(found)

    def _answer(
        self, statement: Select[Any] | TextClause, parameters: Mapping[str, Any] | None
    ) -> FrozenResult[Any]:
        """Return the whole answer to one question.

        It is asked inside a savepoint: PostgreSQL would refuse every question after one that failed.
        """
        names = parameter_names(statement)
        values = {name: value for name, value in (parameters or {}).items() if name in names}
        with _translated(), self._deadline(), self._open().begin_nested():
            return self._open().execute(statement, values).freeze()

    def _open(self) -> Connection:
        if self._connection is None:
            raise ValueError("the source is not open: use it as a context manager")
        return self._connection

    def _existing(self, relation: TableRelation) -> TableRelation:
        try:
            columns = inspect(self._open()).get_columns(relation.table, schema=relation.schema or None)
        except NoSuchTableError as error:
            raise SourceAnswerInvalid(
                f"There is no table or view called {relation.table!r} that this login can see.",
                do_next="Check the name and the schema in the mapping, and the rights of the login.",
                table=relation.table,
            ) from error
        exact = {str(column["name"]): str(column["name"]) for column in columns}
        folded = {name.lower(): name for name in exact}
        pairs = [(alias, exact.get(name) or folded.get(name.lower())) for alias, name in relation.columns]
        return TableRelation(
            table=relation.table,
            schema=relation.schema,
            columns=tuple((alias, name) for alias, name in pairs if name is not None),
        )

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """Stop a statement that takes too long where the server cannot be told to (SQLite)."""
        driver = self._open().connection.driver_connection
        if self._engine.dialect.name != "sqlite" or driver is None:
            yield
            return
        deadline = time.monotonic() + self._timeout_s
        driver.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)


def open_source(
    url: str,
    *,
    secret: str = "",
    read_only: bool = True,
    timeout_s: float = 60.0,
) -> OpenSource:
    """Return the database at `url`, ready to be entered; the session can never write.

    Parameters
    ----------
    url
        SQLAlchemy URL without a password: `sqlite:////srv/ois.db`, `postgresql://reader@host/ois`,
        `mssql+pymssql://reader@host/VARIAN`.
    secret
        The password; "" when none is needed. Never part of `url`, so that it is never printed.
    read_only
        Refuse a login that could write (the default). With False such a login is accepted and named
        in `warnings`; the session itself is read-only either way.
    timeout_s
        Longest time to wait for a connection and for one statement, seconds.

    Raises
    ------
    ConfigError
        The URL is wrong, carries a password, or the login may write.
    SourceUnavailable
        No answer.
    """
    engine = read_only_engine(url, secret=secret, timeout_s=timeout_s)
    try:
        with _translated(), engine.connect() as connection:
            writing = may_write(connection)
    except BaseException:
        engine.dispose()
        raise
    if writing is WritingLogin.NO:
        return OpenSource(engine, timeout_s=timeout_s)
    if read_only:
        engine.dispose()
        raise ConfigError(
            "The login of this database may write, and Beamkeeper only ever reads there.",
            do_next="Ask for a login that may only SELECT (unsafe_writable_login accepts it all the same).",
        )
    return OpenSource(engine, timeout_s=timeout_s, warnings=("The login of this database may write.",))


@contextmanager
def _translated() -> Iterator[None]:
    """Turn SQLAlchemy's errors into ours: no answer is one thing, a wrong question another.

    The driver's own text may quote values (names among them), so only its class goes into the message.
    """
    try:
        yield
    except DBAPIError as error:
        kind = type(error.orig).__name__
        if _is_unavailable(error):
            raise SourceUnavailable(
                f"The database gave no answer ({kind}).",
                do_next="Check that the server runs, the address, the login and the time limit.",
                kind=kind,
            ) from error
        raise SourceAnswerInvalid(
            f"The database refused the question ({kind}).",
            do_next="Check table and column names in the mapping against this version of the product.",
            kind=kind,
        ) from error
    except (SQLAlchemyError, LookupError, UnicodeError) as error:
        raise SourceAnswerInvalid(
            f"The database's answer cannot be read ({type(error).__name__}).",
            do_next="Check the mapping; `beamkeeper doctor` shows what each question yields.",
        ) from error


_UNAVAILABLE_WORDS = ("locked", "interrupted", "unable to open", "timeout", "time out", "disk i/o", "connect")


def _is_unavailable(error: DBAPIError) -> bool:
    """Tell a server that does not answer from a question it does not understand."""
    if error.connection_invalidated:
        return True
    state = str(getattr(error.orig, "sqlstate", "") or "")
    if state:
        return state[:2] in {"08", "28", "3D", "53", "55", "57"} or state == "25P03"
    text_of_driver = str(error.orig).lower()
    return any(word in text_of_driver for word in _UNAVAILABLE_WORDS)
