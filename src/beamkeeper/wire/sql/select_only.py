"""What counts as one SELECT: a tokenizer that refuses everything it does not know.

The database is told to be read-only as well (`reader`); this is the first fence, and it holds before
any connection is made.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from beamkeeper.errors import ConfigError

STATEMENT_CHARACTERS_MAX = 20_000

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+)
    | (?P<string>[Nn]?'(?:[^'\\]|'')*')
    | (?P<quoted>"(?:[^"\\]|"")+"|\[[^\]\\]+\])
    | (?P<parameter>(?<![:\w]):[A-Za-z_]\w*)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<cast>::)
    | (?P<comment>--|/\*)
    | (?P<sign><>|<=|>=|!=|\|\||[=<>+\-*/%.,()])
    """,
    re.VERBOSE | re.ASCII,
)


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_REFUSED_WORDS = _words(
    """
    insert update delete merge upsert into create alter drop truncate rename grant revoke
    deny exec execute call attach detach pragma vacuum reindex analyze copy lock set declare begin
    commit rollback savepoint use kill shutdown reconfigure backup restore dbcc waitfor do listen notify
    load import export bulk openrowset openquery opendatasource outfile dumpfile
    """
)
"""Words that have no place in a SELECT of ours, wherever they stand unquoted."""

_BEFORE_PARENTHESIS = _words(
    """
    select distinct all any some exists in not and or on from join where when then else case as using by
    having union except intersect between like over values is limit top with
    count max min sum avg coalesce nullif cast convert isnull iif ifnull rtrim ltrim trim upper lower
    substring substr replace concat left right len length round abs floor ceiling char varchar nvarchar
    decimal numeric dateadd datediff datepart datename datefromparts year month day date time datetime
    strftime to_char to_date extract date_trunc row_number rank dense_rank first_value last_value
    string_agg group_concat string_split nchar
    """
)
"""Keywords and functions that may stand before a parenthesis; a function not named here is refused,
because what it does cannot be told from its name."""


class Token(NamedTuple):
    """One token of a statement."""

    kind: str
    text: str


def checked_select(statement: str, *, parameters: frozenset[str] = frozenset()) -> str:
    """Return `statement` ready for `sqlalchemy.text`, after refusing anything but one SELECT.

    No comments, no semicolon, no common table expression, no ORDER BY at the outer level (the
    statement is read as a subquery), no `*` as a column, no function outside the list above.
    Colons inside literals come back escaped, so that only named parameters are bound.

    Parameters
    ----------
    statement
        The text a site wrote in its mapping.
    parameters
        Names that may be bound (`:treated_since`).

    Raises
    ------
    ConfigError
        It is something else, and what.
    """
    if len(statement) > STATEMENT_CHARACTERS_MAX:
        raise _refused(f"it is longer than {STATEMENT_CHARACTERS_MAX} characters")
    tokens = _tokens(statement)
    if not tokens or tokens[0].text.lower() != "select":
        raise _refused("it does not begin with SELECT")
    _check_words(tokens, parameters)
    _check_nesting(tokens)
    return _escaped(statement)


def _refused(reason: str) -> ConfigError:
    return ConfigError(
        f"A statement of the mapping is refused: {reason}.",
        do_next="Write one plain SELECT; docs/formats/ois-mapping.md says what is allowed.",
        reason=reason,
    )


def _tokens(statement: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while position < len(statement):
        match = _TOKEN.match(statement, position)
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            raise _refused(f"the sign {statement[position]!r} at position {position} is not allowed")
        if kind == "comment":
            raise _refused("it holds a comment")
        if kind != "blank":
            tokens.append(Token(kind, match.group()))
        position = match.end()
    return tokens


def _check_words(tokens: list[Token], parameters: frozenset[str]) -> None:
    for index, token in enumerate(tokens):
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.kind == "word":
            _check_word(token.text.lower(), following)
        elif token.kind == "quoted" and following == "(":
            raise _refused(f"{token.text} is called as a function")
        elif token.kind == "parameter" and token.text[1:] not in parameters:
            known = ", ".join(f":{name}" for name in sorted(parameters)) or "none"
            raise _refused(f"the parameter {token.text} is unknown (known: {known})")
        elif token.text == "*" and _is_every_column(tokens, index):
            raise _refused("it asks for every column with *; name the columns")


def _check_word(word: str, following: str) -> None:
    if word in _REFUSED_WORDS:
        raise _refused(f"the word {word.upper()} is not allowed")
    if following == "(" and word not in _BEFORE_PARENTHESIS:
        raise _refused(f"the function {word} is not on the list of allowed functions")
    if word == "with" and following != "(":
        raise _refused("a common table expression (WITH) is not allowed")
    if following.startswith("'") and word in {"e", "b", "x", "u"}:
        raise _refused(f"a literal with the prefix {word} is not allowed")


def _is_every_column(tokens: list[Token], index: int) -> bool:
    """Tell `*` for all columns from multiplication and from count(*)."""
    before = tokens[index - 1]
    if before.text == "(" and index >= 2 and tokens[index - 2].text.lower() == "count":  # noqa: PLR2004
        return False
    return before.text in {",", ".", "("} or before.text.lower() in {"select", "distinct", "all"}


def _check_nesting(tokens: list[Token]) -> None:
    """Refuse a second statement, an outer ORDER BY, and a parenthesis that closes what it did not open."""
    depth = 0
    for index, token in enumerate(tokens):
        word = token.text.lower() if token.kind == "word" else ""
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            raise _refused("a parenthesis closes that was never opened")
        if depth == 0 and word == "order":
            raise _refused("it ends with ORDER BY, which a subquery may not")
        if word == "select" and index and tokens[index - 1].text.lower() not in {
            "(", "union", "all", "except", "intersect",
        }:  # fmt: skip
            raise _refused("a second SELECT stands where no UNION or parenthesis allows one")
    if depth:
        raise _refused("a parenthesis is not closed")


def _escaped(statement: str) -> str:
    """Escape colons in literals and quoted names: only named parameters may be taken for parameters."""

    def one(match: re.Match[str]) -> str:
        if match.lastgroup in {"string", "quoted"}:
            return match.group().replace(":", r"\:")
        return match.group()

    return _TOKEN.sub(one, statement).strip()
