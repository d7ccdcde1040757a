"""What a line of the journal must say to be understood; one that does not is named, and counts for nothing.

The chain shows that a line was changed; it does not show that one was written by somebody who can digest, or
by a program that erred. Everything that reads the journal takes lines through here, so that a line without
its words ends in a sentence, not in the middle of an evening.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from beamkeeper.respond.incident.incident import Deed

if TYPE_CHECKING:
    from beamkeeper.domain.audit import AuditRow

Test = Callable[[object], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_any_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _NUMBER_MAX


def _is_digests(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_day(value: object) -> bool:
    return isinstance(value, str) and _parses(date.fromisoformat, value) is not None


def _is_days(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_day, value))


def _is_weekdays(value: object) -> bool:
    return isinstance(value, list) and all(_is_count(one) and one < len("MTWTFSS") for one in value)


def _is_instant(value: object) -> bool:
    found = _parses(datetime.fromisoformat, value) if isinstance(value, str) else None
    return isinstance(found, datetime) and found.tzinfo is not None


def _is_beams(value: object) -> bool:
    """Whether it is a list of beam numbers with metersets."""
    return isinstance(value, list) and all(
        isinstance(one, list)
        and len(one) == len(("beam", "meterset"))
        and _is_count(one[0])
        and isinstance(one[1], int | float)
        and not isinstance(one[1], bool)
        and math.isfinite(one[1])
        for one in value
    )


def _is_appointments(value: object) -> bool:
    """Whether it is a list of what was said of appointments, as `handover.appointments` keeps it."""
    return isinstance(value, list) and all(
        isinstance(one, list)
        and len(one) == len(_OF_APPOINTMENT)
        and all(test(part) for test, part in zip(_OF_APPOINTMENT, one, strict=True))
        for one in value
    )


def _parses(parse: Callable[[str], date], text: str) -> date | None:
    try:
        return parse(text)
    except ValueError:
        return None


_NUMBER_MAX: Final = 1 << 31
_OF_APPOINTMENT: Final[tuple[Test, ...]] = (
    lambda value: value in {"S12", "S13", "S14", "S15"},
    *(_is_text, _is_text, _is_any_text),  # who sends does not know the patient's number there
    lambda value: value is None or _is_count(value),
    *(_is_text, _is_any_text, _is_count, _is_day),
    *(_is_any_text, _is_instant, lambda value: isinstance(value, bool)),
)
_TEXT, _COUNT, _DIGESTS = (_is_text, "a word"), (_is_count, "a number"), (_is_digests, "digests by name")
_TEXTS, _DAY, _INSTANT = (_is_texts, "a list of words"), (_is_day, "a day"), (_is_instant, "an instant")
_BEAMS: Final = (_is_beams, "beams with metersets")
_APPOINTMENTS: Final = (_is_appointments, "appointments")
_TRUTH: Final = (lambda value: isinstance(value, bool), "true or false")

_WEEKDAYS: Final = (_is_weekdays, "weekdays, Monday 0")
_DAYS: Final = (_is_days, "a list of days")

Shape = Mapping[str, tuple[Test, str]]

NEEDED: Final[Mapping[Deed, Shape]] = {
    Deed.LISTED: {"sha256_of": _DIGESTS},
    Deed.OVERRIDDEN: {"about": _TEXT, "value": _TEXT},
    Deed.DAYS_SAID: {"weekdays": _WEEKDAYS, "holidays": _DAYS, "service": _DAYS},
    Deed.PACKED: {"about": _TEXT, "to": _TEXT},
    Deed.SENT: {"about": _TEXT, "to": _TEXT},
    Deed.RETURNED: {
        "about": _TEXT,
        "to": _TEXT,
        "bundle": _TEXT,
        "number": _COUNT,
        "sha256": _TEXT,
        "sha256_of_manifest": _TEXT,
    },
    Deed.CHOSEN: {"about": _TEXT},
    Deed.KEY_KEPT: {"about": _TEXT, "sha256_of": _TEXT},
    Deed.ADMITTED: {"about": _TEXT, "sha256_of": _TEXT},
    Deed.DISMISSED: {"about": _TEXT},
    Deed.DRAFTED: {"draft": _COUNT, "sha256_of": _DIGESTS},
    Deed.PLACED: {"version": _COUNT, "sha256_of": _DIGESTS},
    Deed.PLACE_SET: {"version": _COUNT, "sha256_of": _DIGESTS},
    Deed.PLACE_UNDONE: {"version": _COUNT, "sha256_of": _DIGESTS},
    Deed.ANNOUNCED: {"version": _COUNT, "patients": _TEXTS},
    Deed.BEGUN: {"machine": _TEXT},
    Deed.SETTLED: {"doubts": _DIGESTS},
    Deed.PLAN_REPLACED: {"old": _TEXT, "new": _TEXT, "after": _COUNT, "goes_on": _TRUTH, "doubts": _DIGESTS},
    Deed.PLAN_TAKEN_BACK: {"line": _COUNT},
    Deed.ENTERED: {
        "plan_uid": _TEXT,
        "fraction": _COUNT,
        "given_at": _INSTANT,
        "beams": _BEAMS,
        "continuation": _TRUTH,
    },
    Deed.CHECKED_ENTRY: {"entry": _COUNT},
    Deed.STRUCK: {"entry": _COUNT},
    Deed.ACTIVATED: {"about": _TEXT, "share": _TEXT},
    Deed.RELEASED: {"about": _TEXT, "sha256_of": _DIGESTS},
    Deed.LAID: {"about": _TEXT},
    Deed.COLLECTED: {"about": _TEXT},
    Deed.WITHDRAWN: {"about": _TEXT},
    Deed.ASSIGNED: {"about": _TEXT},
}
"""What every reader of a line relies on, where the line says that it was done."""
WHERE_SAID: Final[Mapping[Deed, Shape]] = {
    Deed.PACKED: {"first_on": _DAY, "plans": _TEXTS, "appointments": _APPOINTMENTS},
    Deed.CHOSEN: {"plan": _TEXT},
    Deed.PLACE_SET: {"from": _DAY},
    Deed.BEGUN: {"given": _COUNT},
    Deed.COLLECTED: {"sha256_of": _DIGESTS},
    Deed.ASSIGNED: {"fraction": _COUNT, "elsewhere": _TEXT},
}
"""What may be left out."""
OF_A_PATIENT: Final = frozenset(
    {
        Deed.OVERRIDDEN,
        Deed.PACKED,
        Deed.SENT,
        Deed.RETURNED,
        Deed.CHOSEN,
        Deed.PLACE_SET,
        Deed.PLACE_UNDONE,
        Deed.BEGUN,
        Deed.SETTLED,
        Deed.PLAN_REPLACED,
        Deed.PLAN_TAKEN_BACK,
        Deed.ENTERED,
        Deed.CHECKED_ENTRY,
        Deed.STRUCK,
        Deed.RELEASED,
    }
)
_REFERS: Final[Mapping[Deed, tuple[str, frozenset[Deed]]]] = {
    Deed.CHECKED_ENTRY: ("entry", frozenset({Deed.ENTERED})),
    Deed.STRUCK: ("entry", frozenset({Deed.ENTERED})),
    Deed.PLAN_TAKEN_BACK: ("line", frozenset({Deed.PLAN_REPLACED})),
}
"""Lines about an earlier line of the same patient."""


def understood(rows: Iterable[AuditRow]) -> tuple[AuditRow, ...]:
    """Return the lines; one that lacks what it must say bears `Deed.NOT_UNDERSTOOD`, with what is missing."""
    earlier: dict[int, AuditRow] = {}
    found = []
    for row in rows:
        why = _missing(row, earlier)
        kept = replace(row, action=Deed.NOT_UNDERSTOOD, details=_told(row, why)) if why else row
        earlier[row.sequence] = kept
        found.append(kept)
    return tuple(found)


def not_understood(rows: Iterable[AuditRow], pseudonym: str | None = None) -> tuple[str, ...]:
    """Return which lines are not understood, in sentences; of one patient, or all of them."""
    return tuple(
        f"Line {row.sequence} of the journal ({row.details['about']}) is not understood and counts for "
        f"nothing: {row.details['said']}"
        for row in rows
        if row.action == Deed.NOT_UNDERSTOOD and pseudonym in {None, row.patient_pseudonym}
    )


def _told(row: AuditRow, why: str) -> dict[str, object]:
    return {"about": row.action, "said": f"{why}. Find out what was meant, and write it down again."}


def _missing(row: AuditRow, earlier: Mapping[int, AuditRow]) -> str:
    """Return what a line lacks; "" where it lacks nothing."""
    deed = Deed(row.action) if row.action in set(Deed) else None
    if deed is Deed.NOT_UNDERSTOOD:
        return "no program of ours writes such a line"
    if deed is None or (deed is Deed.RELEASED and row.outcome != "ok"):  # refused: nothing lies anywhere
        return ""
    if deed in OF_A_PATIENT and not row.patient_pseudonym:
        return "it does not say of which patient it is"
    for key, (is_right, what) in NEEDED.get(deed, {}).items():
        if key not in row.details:
            return f"{key!r} is missing"
        if not is_right(row.details[key]):
            return f"{key!r} is not {what}"
    for key, (is_right, what) in WHERE_SAID.get(deed, {}).items():
        if key in row.details and not is_right(row.details[key]):
            return f"{key!r} is not {what}"
    if deed is Deed.RELEASED and f"filemode/{row.details['about']}/drop.json" not in _names(row):
        return "'sha256_of' does not name what was released"
    return _refers_to_nothing(row, deed, earlier)


def _names(row: AuditRow) -> frozenset[str]:
    said = row.details["sha256_of"]
    return frozenset(said) if isinstance(said, dict) else frozenset()


def _refers_to_nothing(row: AuditRow, deed: Deed, earlier: Mapping[int, AuditRow]) -> str:
    if deed not in _REFERS:
        return ""
    key, kinds = _REFERS[deed]
    number = row.details[key]
    meant = earlier.get(number) if isinstance(number, int) else None
    if meant is None or meant.action not in kinds or meant.patient_pseudonym != row.patient_pseudonym:
        return f"line {number}, of which it speaks, is nothing of the kind"
    return ""
