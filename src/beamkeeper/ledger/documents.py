"""Values kept as JSON text: canonical when written, read strictly, with a format number inside."""

from __future__ import annotations

import json
from typing import TypeVar

from beamkeeper.domain.codec import NotThisShapeError, canonical, from_json, to_json
from beamkeeper.errors import IntegrityError

FORMAT = 1

T = TypeVar("T")


def write_document(value: object) -> str:
    """Return a domain value as text."""
    return canonical({"format": FORMAT, "value": to_json(value)})


def read_document(kind: type[T], text: str) -> T:
    """Return the `kind` that `text` holds.

    Raises
    ------
    IntegrityError
        Another format, or not the shape that was written.
    """
    try:
        document = json.loads(text)
        found = document["format"]
        value = document["value"]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(kind.__name__) from error
    if found != FORMAT:
        raise IntegrityError(
            f"A {kind.__name__} in the ledger has format {found!r}; this version reads {FORMAT}.",
            do_next="Use the version of Beamkeeper that wrote it, or run `beamkeeper vault rebuild`.",
        )
    try:
        return from_json(kind, value)
    except NotThisShapeError as error:
        raise _damaged(kind.__name__) from error


def _damaged(what: str) -> IntegrityError:
    return IntegrityError(
        f"A {what} in the ledger cannot be read back.",
        do_next="Run `beamkeeper vault rebuild`: the vault holds everything that is in the ledger.",
    )
