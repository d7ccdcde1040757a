"""What drivers return, turned into our types: text without padding, instants with their zone."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from beamkeeper.domain.words import said_cut
from beamkeeper.errors import SourceAnswerInvalid

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

TEXT_CHARACTERS_MAX = 4_096
"""Longer text in a census column is not what the mapping says it is."""

THOUSANDS = 3
"""Digits that a comma may part for reading's sake."""

WHOLE_NUMBER_END = 10**18
"""Numbers from here on are shown as the driver gave them."""

_TRUE = frozenset({"1", "true", "t", "yes", "y"})
_FALSE = frozenset({"", "0", "false", "f", "no", "n"})


def read_text(value: object) -> str:
    """Return text without the blanks and NULs that fixed-length columns pad with; "" for NULL."""
    text = _text(value)
    if len(text) > TEXT_CHARACTERS_MAX:
        raise SourceAnswerInvalid(
            f"A text of {len(text)} characters was answered; at most {TEXT_CHARACTERS_MAX} are expected.",
            do_next="Check that the mapping names the right column.",
        )
    return text


def read_long_text(value: object) -> str:
    """Return text that people wrote, cut where it is longer than anybody reads; "" for NULL."""
    text = _text(value)
    if len(text) <= TEXT_CHARACTERS_MAX:
        return text
    return said_cut(text[:TEXT_CHARACTERS_MAX].rstrip(), len(text))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and "\x00" not in value:
        return value.strip()
    if isinstance(value, bytes | memoryview):
        raise _not_a("text", value)
    if isinstance(value, float | Decimal) and _is_whole(value):
        value = int(value)
    return str(value).replace("\x00", "").strip()


def _is_whole(number: float | Decimal) -> bool:
    """Whether a number is one that an identity may be written as: finite, whole, of at most 18 digits."""
    if isinstance(number, Decimal):
        return number.is_finite() and abs(number) < WHOLE_NUMBER_END and number == int(number)
    return math.isfinite(number) and abs(number) < WHOLE_NUMBER_END and number.is_integer()


def read_int(value: object) -> int | None:
    """Return a whole number; None for NULL and blank text."""
    text = read_text(value)
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise _not_a("a whole number", value) from error


def read_float(value: object) -> float | None:
    """Return a number; None for NULL and blank text.

    Text may have a decimal comma. "2,670" may be two or two thousand: it cannot be read.
    """
    text = read_text(value)
    if not text:
        return None
    whole, comma, decimals = text.partition(",")
    if comma and (len(decimals) == THOUSANDS or not decimals.isdecimal()):
        raise _not_a("a number", value)
    try:
        number = float(f"{whole}.{decimals}" if comma else text)
    except ValueError as error:
        raise _not_a("a number", value) from error
    if number != number or number in {float("inf"), float("-inf")}:  # noqa: PLR0124 - the test for NaN
        raise _not_a("a finite number", value)
    return number


def read_bool(value: object) -> bool:
    """Return a flag written as 1/0, true/false, yes/no or Y/N; NULL is false."""
    text = read_text(value).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _not_a("a flag", value)


def read_date(value: object) -> date | None:
    """Return a day from a date, a datetime or text (`YYYY-MM-DD…` or `YYYYMMDD`); None for NULL."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = read_text(value)
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10] if "-" in text else text[:8])
    except ValueError as error:
        raise _not_a("a date", value) from error


def read_instant(value: object, zone: ZoneInfo) -> datetime | None:
    """Return an instant in UTC; None for NULL.

    A naive value is the wall time of the database server, which stands in `zone`. The hour that the
    clocks show twice in autumn is read as its first passage, so such an instant may be up to one hour
    early; the hour that does not exist in spring is read as if the clocks had not yet moved.
    """
    if isinstance(value, datetime):
        local = value
    elif isinstance(value, date):
        local = datetime(value.year, value.month, value.day, tzinfo=zone)
    else:
        text = read_text(value)
        if not text:
            return None
        try:
            local = datetime.fromisoformat(text)
        except ValueError as error:
            raise _not_a("a date and time", value) from error
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone, fold=0)
    try:
        return local.astimezone(UTC)
    except OverflowError as error:
        raise _not_a("a date and time within the calendar", value) from error


def _not_a(expected: str, value: object) -> SourceAnswerInvalid:
    """Say what was expected and of what type the value was; never the value, it may be a name."""
    return SourceAnswerInvalid(
        f"A value of type {type(value).__name__} cannot be read as {expected}.",
        do_next="Check that the mapping names the right column.",
        expected=expected,
    )
