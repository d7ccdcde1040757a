"""What the rules ask about a patient, and who says so."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One patient as the rules see them; None is "nobody knows", and never counts as no.

    Attributes
    ----------
    name
        For the eye: the rules never look at it but to part those whom nothing else parts.
    begun
        Whether any fraction of an open plan was given.
    in_doubt
        Whether the position in the course is: what follows from it is shown with a question mark.
    rcr_category
        1, 2 or 3.
    intent
        "radical" or "palliative".
    site_code
        The department's own code, 1 to 5.
    gap_days
        Planned days without a fraction since the first one.
    is_by_calendar
        Whether the department's public holidays are known, and are no gap.
    days_since_last
        Calendar days since the last fraction.
    fractions_left
        Over all open plans.
    within_hours
        An emergency: cord compression with function to save, bleeding, airway.
    paediatric
        Under 18 on the day of the order; a person may say otherwise.
    """

    pseudonym: str
    name: str
    begun: bool
    in_doubt: bool = False
    fraction_open: bool = False
    rcr_category: int | None = None
    intent: str | None = None
    site_code: int | None = None
    gap_days: int | None = None
    is_by_calendar: bool = False
    days_since_last: int | None = None
    fractions_left: int | None = None
    within_hours: bool | None = None
    cord_compression: bool | None = None
    brachytherapy_pending: bool | None = None
    concurrent_chemotherapy: bool | None = None
    adjuvant_low_risk: bool | None = None
    on_hormones: bool | None = None
    anaesthesia: bool | None = None
    paediatric: bool | None = None

    @property
    def holidays(self) -> str:
        """What became of public holidays in the count of the gap, in words."""
        return "public holidays left out" if self.is_by_calendar else "public holidays not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a person says of a patient: a fact, or the level itself; the last one of each counts.

    Attributes
    ----------
    about
        Name of a fact, or "level".
    value
        As typed: "yes", "no", "unknown", a number, a word.
    """

    pseudonym: str
    about: str
    value: str
    reason: str
    by: str
    at: datetime


LEVEL: Final = "level"
LEVELS: Final = range(1, 6)
_BOOLEANS: Final = {"yes": True, "true": True, "no": False, "false": False, "unknown": None}
_NUMBERS: Final = {"rcr_category": range(1, 4), "site_code": range(1, 6)}
_WORDS: Final = {"intent": ("radical", "palliative")}
ASKED: Final = (
    "within_hours",
    "cord_compression",
    "brachytherapy_pending",
    "concurrent_chemotherapy",
    "adjuvant_low_risk",
    "on_hormones",
    "anaesthesia",
    "paediatric",
)
"""Facts with yes or no that people state; no OIS says them in a field."""
STATED: Final = (*ASKED, *_NUMBERS, *_WORDS, LEVEL)
COMPARED: Final = frozenset(field.name for field in fields(Facts)) - {
    "pseudonym",
    "name",
    "in_doubt",
    "is_by_calendar",
}


def stated_value(about: str, value: str) -> bool | int | str | None:
    """Return what a statement's value means.

    Raises
    ------
    ConfigError
        No such fact, or no value of it.
    """
    typed = value.strip().casefold()
    if about in ASKED and typed in _BOOLEANS:
        return _BOOLEANS[typed]
    if about in _NUMBERS or about == LEVEL:
        allowed = _NUMBERS.get(about, LEVELS)
        if typed == "unknown" and about != LEVEL:
            return None
        if typed.isascii() and typed.isdigit() and int(typed[:2]) in allowed:
            return int(typed)
        raise ConfigError(f"{about} is {allowed.start} to {allowed.stop - 1}; {value!r} is not.")
    if about in _WORDS:
        if typed == "unknown":
            return None
        if typed in _WORDS[about]:
            return typed
        raise ConfigError(f"{about} is {' or '.join(_WORDS[about])}; {value!r} is neither.")
    if about in ASKED:
        raise ConfigError(f"{about} is yes, no or unknown; {value!r} is not.")
    raise ConfigError(f"No fact is called {about!r}.", do_next=f"There are {', '.join(STATED)}.")


def with_statements(facts: Facts, statements: Iterable[Statement]) -> Facts:
    """Return the facts with what people said of this patient; what they said of the level is no fact."""
    said = {
        one.about: stated_value(one.about, one.value)
        for one in statements
        if one.pseudonym == facts.pseudonym and one.about != LEVEL
    }
    return replace(facts, **said) if said else facts  # type: ignore[arg-type]
