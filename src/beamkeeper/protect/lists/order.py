"""The published order of the list, and for each patient the reason to stand before the next.

The list says who was called urgent, who waits and what is open; who is treated first is decided by people.
Each rule compares two patients by one fact; the first rule that tells them apart gives the reason.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.patient import shown_name
from beamkeeper.protect.lists.row import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beamkeeper.protect.lists.row import ListRow

_NUMBER = re.compile(r"\d{1,3}")
FIRST_CODE: Final = 1
"""Whoever has no code stands behind this one: nobody has said that they can wait."""
_CATEGORY_PLACES: Final = {1: 0, None: 1, 2: 2, 3: 3}
_NEVER: Final = 1 << 20
"""Days: longer than any gap."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the order.

    Attributes
    ----------
    said
        The rule as it stands on the list.
    key
        What patients are compared by: the smaller stands first.
    words
        The same of one patient, in words.
    """

    said: str
    key: Callable[[ListRow], tuple[float | str, ...]]
    words: Callable[[ListRow], str]


def code_number(row: ListRow) -> int | None:
    """Return the number in the department's triage code; None without a code or a number in it."""
    found = _NUMBER.search(row.triage.code) if row.triage is not None else None
    return None if found is None else int(found.group())


def waiting_days(row: ListRow) -> int | None:
    """Return the days since the last fraction of the plan on treatment that waits longest; None unknown."""
    days = [line.days_since for line in row.plans if line.section is Section.ON_TREATMENT]
    known = [item for item in days if item is not None]
    return max(known, default=None)


def _code_key(row: ListRow) -> tuple[float, ...]:
    number = code_number(row)
    return (FIRST_CODE + 0.5 if number is None else float(number),)


def _code_words(row: ListRow) -> str:
    if row.triage is None:
        return "no triage code"
    number = code_number(row)
    return f"triage code {row.triage.code}" + (" (without a number)" if number is None else "")


def _is_open(row: ListRow) -> bool:
    return any(line.is_continuation for line in row.plans)


def _waiting_key(row: ListRow) -> tuple[float, ...]:
    if row.section is not Section.ON_TREATMENT:
        return (0,)
    days = waiting_days(row)
    return (-_NEVER if days is None else -days,)


def _waiting_words(row: ListRow) -> str:
    days = waiting_days(row)
    if days is None:
        return "day of the last fraction not known"
    return f"last fraction {days} day{'' if days == 1 else 's'} ago"


def _appointment_key(row: ListRow) -> tuple[float, ...]:
    booked = row.next_appointment
    return (float("inf") if booked is None else booked.starts_at.timestamp(),)


def _appointment_words(row: ListRow) -> str:
    return "no appointment" if row.next_appointment is None else "the earlier appointment"


def _name_key(row: ListRow) -> tuple[str, ...]:
    patient = row.patient
    shown = shown_name(patient.name)
    return (shown.casefold(), shown, str(patient.birth_on or ""), patient.patient_id, row.pseudonym)


RULES: Final = (
    Rule(
        "On treatment before ready to start, then not ready, then finished.",
        lambda row: (row.section.place,),
        lambda row: row.section.value.partition(":")[0].lower(),
    ),
    Rule(
        "The department's triage code: 1 first. Whoever has none stands behind code 1 and before all others: "
        "nobody has said that they can wait.",
        _code_key,
        _code_words,
    ),
    Rule(
        "A fraction that was begun and has to be finished.",
        lambda row: (not _is_open(row),),
        lambda row: "a fraction begun" if _is_open(row) else "none begun",
    ),
    Rule(
        "The suggested category: 1, then not known, then 2, then 3.",
        lambda row: (_CATEGORY_PLACES[row.category.number],),
        lambda row: f"category {row.category.word}",
    ),
    Rule(
        "On treatment: the longest time since the last fraction; a day that is not known first.",
        _waiting_key,
        _waiting_words,
    ),
    Rule(
        "The earlier next appointment; none last.",
        _appointment_key,
        _appointment_words,
    ),
    Rule(
        "By name, birth date and Patient ID: no difference in urgency.",
        _name_key,
        lambda _row: "by name",
    ),
)


def in_order(rows: Iterable[ListRow]) -> tuple[ListRow, ...]:
    """Return the rows in the published order, each with its place and why it stands before the next."""
    ordered = sorted(rows, key=lambda row: tuple(rule.key(row) for rule in RULES))
    told = [
        replace(row, rank=place, because=because(row, after))
        for place, (row, after) in enumerate(itertools.pairwise(ordered), start=1)
    ]
    return (*told, *(replace(row, rank=len(ordered), because="Last of the list.") for row in ordered[-1:]))


def because(row: ListRow, after: ListRow) -> str:
    """Return in a sentence why one patient stands before another."""
    name = shown_name(after.patient.name) or after.patient.patient_id
    rule = next((rule for rule in RULES if rule.key(row) != rule.key(after)), RULES[-1])
    if rule is RULES[-1]:
        return f"Before {name} by name only: no difference in urgency."
    one, other = rule.words(row), rule.words(after)
    if one == other:
        return f"Before {name}: {one}."
    return f"Before {name}: {one} against {other}."
