"""Who stands before whom, and the sentence that says why; what a capacity means for each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.words import plural
from beamkeeper.respond.triage.facts import ASKED, LEVEL, Facts, Statement, stated_value, with_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from beamkeeper.respond.triage.rules import LevelRule, RuleSet

DECIDES: Final = "Decision support: a physician decides who is treated first."
UNKNOWN_PLACE: Final = 1.5
"""Who has no level or code stands behind 1 and before all others: nobody has said that they can wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How urgent a patient is by the rules, or by a physician.

    Attributes
    ----------
    number
        1 to 5; None when no rule holds.
    reason
        The rule that holds, or who decided and why.
    by_rule
        What the rules say where a physician said otherwise; None where nobody did.
    questions
        Facts nobody knows, each with the value that would make the patient more urgent, in words, and the
        level it would then be: ("cord compression", "yes", 2).
    """

    number: int | None
    reason: str
    by_rule: int | None = None
    overridden: bool = False
    questions: tuple[tuple[str, str, int], ...] = ()

    @property
    def word(self) -> str:
        """As it is printed: "1", "?"."""
        return "?" if self.number is None else str(self.number)

    @property
    def asks(self) -> tuple[str, ...]:
        """What to ask, each fact once: "RCR category? (1: level 1; 2: level 3)"."""
        of: dict[str, list[str]] = {}
        for fact, value, level in self.questions:
            of.setdefault(fact.replace("rcr", "RCR"), []).append(f"{value}: level {level}")
        return tuple(f"{fact}? ({'; '.join(answers)})" for fact, answers in of.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One patient in the order.

    Attributes
    ----------
    days_to_spare
        Days the course may still be prolonged; negative when it is too long already, None when not known.
    because
        Why this patient stands before the next one.
    """

    rank: int
    facts: Facts
    level: Level
    days_to_spare: int | None
    because: str = ""

    @property
    def pseudonym(self) -> str:
        """The patient's folder in the vault."""
        return self.facts.pseudonym

    @property
    def compensable_days(self) -> int | None:
        """How many days of the gap could be made good until the planned end; None where that is not known.

        By a second fraction on each treatment day that is left until then: fractions left less those for
        which no day is left. Weekends, larger or extra fractions come on top: the gap sheet has them.
        """
        gap, left = self.facts.gap_days, self.facts.fractions_left
        if not self.facts.begun or gap is None or left is None:
            return None
        return min(gap, max(0, left - gap))

    @property
    def said_facts(self) -> tuple[str, ...]:
        """Everything the rules ask that is known, in words, whether it decided or not."""
        facts = self.facts
        numbers = (
            f"category {facts.rcr_category}" if facts.rcr_category else "category not known",
            facts.intent or "intent not known",
            *(() if facts.site_code is None else (f"code {facts.site_code}",)),
            "on treatment" if facts.begun else "not begun",
            *(
                ()
                if facts.days_since_last is None or not facts.begun
                else (f"last fraction {plural(facts.days_since_last, 'day')} ago",)
            ),
        )
        yes = (name.replace("_", " ") for name in ASKED if getattr(facts, name))
        return (*numbers, *yes)

    @property
    def days_over(self) -> int:
        """Days the course is longer than allowed; 0 while it is not, or not known."""
        return max(0, -(self.days_to_spare or 0))


class CutState(StrEnum):
    """What a capacity means for a patient."""

    TREATED = "has a place"
    CODE_WAITS = "waits: the share of capacity for this code is not there"
    NO_PLACE = "waits: the places are taken by others before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much there is.

    Attributes
    ----------
    places
        Patients a day.
    percent
        Of normal capacity; None leaves the table of shares out.
    """

    places: int
    percent: float | None = None


def rank(
    everybody: Iterable[Facts], rules: RuleSet, statements: Sequence[Statement] = ()
) -> tuple[Ranked, ...]:
    """Return everybody in the order of the rules, each with level, reason and why before the next.

    Parameters
    ----------
    statements
        What physicians said, in the order in which they said it.
    """
    of_patient: dict[str, list[Statement]] = {}
    for one in statements:
        of_patient.setdefault(one.pseudonym, []).append(one)
    ranked = [_ranked(facts, rules, of_patient.get(facts.pseudonym, [])) for facts in everybody]
    ranked.sort(key=lambda one: _key(one, rules))
    told = [
        replace(one, rank=place, because=because(one, after, rules))
        for place, (one, after) in enumerate(itertools.pairwise(ranked), start=1)
    ]
    return (*told, *(replace(one, rank=len(ranked), because="Last of the list.") for one in ranked[-1:]))


def _ranked(facts: Facts, rules: RuleSet, statements: Sequence[Statement]) -> Ranked:
    facts = with_statements(facts, statements)
    return Ranked(
        rank=0,
        facts=facts,
        level=level_of(facts, rules, statements),
        days_to_spare=days_to_spare(facts, rules.prolongation_days),
    )


def level_of(facts: Facts, rules: RuleSet, statements: Sequence[Statement] = ()) -> Level:
    """Return a patient's level: the first rule that holds, unless a physician said otherwise."""
    by_rule: Level | None = None
    questions: dict[tuple[str, str], int] = {}
    for rule in rules.levels:
        holds, unknown = _holds(facts, rule)
        if holds:
            by_rule = Level(number=rule.level, reason=f"{rule.says} ({rule.source})")
            break
        for asked in unknown:
            questions[asked] = min(questions.get(asked, rule.level), rule.level)
    by_rule = by_rule or Level(number=None, reason="no rule holds by what is known: a physician decides")
    more_urgent = tuple(
        (fact.replace("_", " "), value, level)
        for (fact, value), level in questions.items()
        if by_rule.number is None or level < by_rule.number
    )
    found = replace(by_rule, questions=more_urgent)
    said = [one for one in statements if one.about == LEVEL]
    if not said:
        return found
    number = stated_value(LEVEL, said[-1].value)
    assert isinstance(number, int)  # noqa: S101 - a level is 1 to 5
    reason = f"{said[-1].by} on {said[-1].at:%Y-%m-%d %H:%M} UTC: {said[-1].reason}"
    return Level(number=number, reason=reason, by_rule=found.number, overridden=True)


def _holds(facts: Facts, rule: LevelRule) -> tuple[bool, tuple[tuple[str, str], ...]]:
    """Return whether every condition holds, and what it hangs on where nothing speaks against it."""
    unknown: list[tuple[str, str]] = []
    for fact, value in rule.when:
        found = getattr(facts, fact)
        if found is None:
            word = ("no", "yes")[value] if isinstance(value, bool) else str(value)
            unknown.append((fact, word))
        elif found != value:
            return False, ()
    return not unknown, tuple(unknown)


def days_to_spare(facts: Facts, prolongation_days: Mapping[int, int]) -> int | None:
    """Return for how many more days the course may be prolonged."""
    if not facts.begun or facts.gap_days is None or facts.rcr_category is None:
        return None
    allowed = prolongation_days.get(facts.rcr_category)
    return None if allowed is None else allowed - facts.gap_days


# The order -------------------------------------------------------------------------------------------


def _yes_first(*, value: bool | None) -> float:
    return 1 if value is None else 0 if value else 2


def _known(number: float | None) -> float:
    return UNKNOWN_PLACE if number is None else number


def _yes_words(said: str) -> Callable[[Ranked], str]:
    def words(one: Ranked) -> str:
        value = getattr(one.facts, said)
        what = said.replace("_", " ")
        return f"{what} not known" if value is None else what if value else f"no {what}"

    return words


def _spare_words(one: Ranked) -> str:
    if one.days_to_spare is None:
        return "days to spare not known"
    if one.days_to_spare < 0:
        return f"{plural(-one.days_to_spare, 'day')} longer than allowed"
    return f"{plural(one.days_to_spare, 'day')} to spare"


def _made_good_words(one: Ranked) -> str:
    if one.compensable_days is None:
        return "days that can be made good not known"
    return f"{one.compensable_days} of {plural(one.facts.gap_days or 0, 'missed day')} can be made good"


_BY: Final[Mapping[str, tuple[Callable[[Ranked], float], Callable[[Ranked], str]]]] = {
    "within_hours": (
        lambda one: 0 if one.facts.within_hours else 1,
        lambda one: "an emergency of hours" if one.facts.within_hours else "no emergency of hours",
    ),
    "level": (lambda one: _known(one.level.number), lambda one: f"level {one.level.word}"),
    "site_code": (
        lambda one: _known(one.facts.site_code),
        lambda one: f"triage code {one.facts.site_code}" if one.facts.site_code else "no triage code",
    ),
    "fraction_open": (
        lambda one: not one.facts.fraction_open,
        lambda one: "a fraction begun and not finished" if one.facts.fraction_open else "no fraction open",
    ),
    "begun": (
        lambda one: not one.facts.begun,
        lambda one: "on treatment" if one.facts.begun else "not begun",
    ),
    "days_to_spare": (
        lambda one: -1e9 if one.days_to_spare is None else one.days_to_spare,
        _spare_words,
    ),
    "concurrent_chemotherapy": (
        lambda one: _yes_first(value=one.facts.concurrent_chemotherapy),
        _yes_words("concurrent_chemotherapy"),
    ),
    "days_since_last": (
        lambda one: (
            (-1e9 if one.facts.days_since_last is None else -one.facts.days_since_last)
            if one.facts.begun
            else 0
        ),
        lambda one: (
            "day of the last fraction not known"
            if one.facts.days_since_last is None
            else f"last fraction {plural(one.facts.days_since_last, 'day')} ago"
        ),
    ),
    "fractions_left": (
        lambda one: 1e9 if one.facts.fractions_left is None else one.facts.fractions_left,
        lambda one: (
            "fractions left not known"
            if one.facts.fractions_left is None
            else f"{plural(one.facts.fractions_left, 'fraction')} left to make it good"
        ),
    ),
    "not_compensable": (
        lambda one: (
            -1e9 if one.compensable_days is None else one.compensable_days - (one.facts.gap_days or 0)
        ),
        _made_good_words,
    ),
    "paediatric": (lambda one: _yes_first(value=one.facts.paediatric), _yes_words("paediatric")),
    "anaesthesia": (lambda one: _yes_first(value=one.facts.anaesthesia), _yes_words("anaesthesia")),
}


_OF_A_GAP: Final = frozenset({_spare_words, _made_good_words})
"""Words that hang on which days count as missed."""


def _key(one: Ranked, rules: RuleSet) -> tuple[float | str, ...]:
    return (*(_BY[name][0](one) for name in rules.order), one.facts.name.casefold(), one.pseudonym)


def because(one: Ranked, after: Ranked, rules: RuleSet) -> str:
    """Return in a sentence why one patient stands before another."""
    for name in rules.order:
        key, words = _BY[name]
        if key(one) != key(after):
            by = f" ({one.facts.holidays})" if words in _OF_A_GAP else ""
            return f"Before {after.facts.name}: {words(one)} against {words(after)}{by}."
    return f"Before {after.facts.name} by name only: no difference in urgency."


# Capacity --------------------------------------------------------------------------------------------


def cut(ranked: Sequence[Ranked], rules: RuleSet, capacity: Capacity) -> tuple[CutState, ...]:
    """Return for each patient, in order, what a capacity means.

    A code whose share of normal capacity is not there waits and takes no place; an emergency of hours never
    waits for a share. Who has no code goes by the level, and so does whose level a physician said.
    """
    needed = {share.code: share.percent for share in rules.shares}
    left = capacity.places
    states = []
    for one in ranked:
        code = one.level.number if one.level.overridden else one.facts.site_code or one.level.number
        waits = (
            capacity.percent is not None
            and code is not None
            and not one.facts.within_hours
            and capacity.percent < needed.get(code, 0)
        )
        if waits:
            states.append(CutState.CODE_WAITS)
        elif left > 0:
            left -= 1
            states.append(CutState.TREATED)
        else:
            states.append(CutState.NO_PLACE)
    return tuple(states)


def changed(
    ranked: Sequence[Ranked], before: Sequence[CutState], after: Sequence[CutState]
) -> tuple[tuple[Ranked, CutState, CutState], ...]:
    """Return whose state differs between two cuts of the same order."""
    return tuple(
        (one, old, new) for one, old, new in zip(ranked, before, after, strict=True) if old is not new
    )
