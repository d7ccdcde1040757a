"""May this patient's copy go? A pure rule; every answer has its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainRule:
    """What the site settled.

    Attributes
    ----------
    after_treatment_days
        How long a copy stays after the last treatment (Maryland: 30).
    after_completion_days
        The shorter time once a source says that the course is complete and the records agree that no
        fraction is left; None for no shorter time.
    share_max, free_count
        The most of all patients that may go at once, and a number that may always go.
    list_share_min
        Tonight's list may not be smaller than this share of the largest of the last nights.
    releases_needed
        Different people who release a patient with fractions left.
    """

    after_treatment_days: int = 30
    after_completion_days: int | None = None
    share_max: float = 0.2
    free_count: int = 3
    list_share_min: float = 0.5
    releases_needed: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFacts:
    """What is known of one patient in the vault.

    Attributes
    ----------
    last_listed_on
        The last night that had the patient on its list.
    last_treated_on
        Local date of the last treatment record; None when none is known.
    completed_on
        The last night in which a source said that the course is complete; None when none does.
    fractions_left
        Planned and not given, over all plans that are treated; None when nobody can tell.
    released_by
        People who released the patient although fractions are left.
    held_by
        Incidents that hold this patient, in words.
    """

    pseudonym: str
    last_listed_on: date
    last_treated_on: date | None = None
    completed_on: date | None = None
    fractions_left: int | None = None
    released_by: frozenset[str] = frozenset()
    held_by: tuple[str, ...] = ()


class VerdictKind(StrEnum):
    """What becomes of a patient's copy tonight."""

    KEEP = "keep"
    """Its time is not over."""
    HOLD = "hold"
    """Its time is over, and something a person can change holds it."""
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One patient's verdict.

    Attributes
    ----------
    due_on
        The first local date on which the copy's time is over.
    """

    pseudonym: str
    kind: VerdictKind
    due_on: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Why nothing at all may go now."""

    reason: str
    do_next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan:
    """Tonight's verdicts; `removals` is empty while frozen.

    Attributes
    ----------
    freezes
        What keeps everything; each in words.
    """

    on: date
    verdicts: tuple[Verdict, ...]
    freezes: tuple[Freeze, ...]

    @property
    def removals(self) -> tuple[Verdict, ...]:
        """Who goes now."""
        if self.freezes:
            return ()
        return tuple(item for item in self.verdicts if item.kind is VerdictKind.REMOVE)


def verdict(facts: KeptFacts, rule: RetainRule, today: date) -> Verdict:
    """Return what becomes of one patient's copy, apart from what keeps everything."""
    due_on, since = _due(facts, rule)
    if today < due_on:
        return Verdict(pseudonym=facts.pseudonym, kind=VerdictKind.KEEP, due_on=due_on, reason=since)
    held = _held(facts, rule, today)
    kind = VerdictKind.HOLD if held else VerdictKind.REMOVE
    return Verdict(pseudonym=facts.pseudonym, kind=kind, due_on=due_on, reason=held or since)


def _due(facts: KeptFacts, rule: RetainRule) -> tuple[date, str]:
    """Return the first date on which the time is over, and why that one."""
    if facts.last_treated_on is None:
        last, what = facts.last_listed_on, "last on the list, never treated"
    else:
        last, what = facts.last_treated_on, "last treated"
    due_on = last + timedelta(days=rule.after_treatment_days)
    reason = f"{what} {last}, kept {rule.after_treatment_days} days"
    if facts.completed_on and facts.fractions_left == 0 and rule.after_completion_days is not None:
        shorter = max(facts.completed_on, last) + timedelta(days=rule.after_completion_days)
        if shorter < due_on:
            return shorter, f"complete since {facts.completed_on}, kept {rule.after_completion_days} days"
    return due_on, reason


def _held(facts: KeptFacts, rule: RetainRule, today: date) -> str:
    """Return what holds a copy whose time is over; "" when nothing does."""
    if facts.held_by:
        return f"held by {', '.join(facts.held_by)}"
    if facts.last_listed_on >= today:
        return "still on the list"
    if len(facts.released_by) >= rule.releases_needed or facts.completed_on is not None:
        return ""
    missing = rule.releases_needed - len(facts.released_by)
    if facts.fractions_left is None and facts.last_treated_on is not None:
        return f"nobody can tell whether fractions are left; {missing} more must release"
    if facts.fractions_left:
        return f"{facts.fractions_left} fractions are left; {missing} more must release"
    return ""


def planned(
    patients: Sequence[KeptFacts],
    rule: RetainRule,
    *,
    today: date,
    listed_counts: Sequence[int],
    frozen_by: Sequence[str] = (),
) -> RetentionPlan:
    """Return tonight's verdicts and what keeps everything.

    Parameters
    ----------
    listed_counts
        How many patients the last nights had on their lists, tonight's last.
    frozen_by
        Disputes and incidents that freeze every removal, in words.
    """
    twice = [name for name, count in Counter(item.pseudonym for item in patients).items() if count > 1]
    if twice:
        raise ValueError("a patient is judged once")
    verdicts = tuple(verdict(item, rule, today) for item in sorted(patients, key=lambda p: p.pseudonym))
    freezes = [Freeze(reason=reason, do_next="Settle it; removal waits.") for reason in frozen_by]
    released = {item.pseudonym for item in patients if len(item.released_by) >= rule.releases_needed}
    freezes += _implausible(verdicts, rule, listed_counts, released)
    return RetentionPlan(on=today, verdicts=verdicts, freezes=tuple(freezes))


def _implausible(
    verdicts: Sequence[Verdict], rule: RetainRule, listed_counts: Sequence[int], released: Collection[str]
) -> list[Freeze]:
    """Return what is too much to be believed; whom enough people released by name is not counted."""
    found = []
    tonight, most = (listed_counts[-1], max(listed_counts)) if listed_counts else (0, 0)
    if tonight == 0 or tonight < most * rule.list_share_min:
        found.append(
            Freeze(
                reason=f"Tonight's list has {tonight} patients, an earlier one had {most}.",
                do_next="Find out why the list is so short. Removal goes on by itself when it is not.",
            )
        )
    going = sum(item.kind is VerdictKind.REMOVE and item.pseudonym not in released for item in verdicts)
    if going > max(rule.free_count, len(verdicts) * rule.share_max):
        found.append(
            Freeze(
                reason=f"{going} of {len(verdicts)} patients would go at once.",
                do_next="If that is right, two people release them: `beamkeeper retain release --due`; else"
                " find out what the sources say.",
            )
        )
    return found
