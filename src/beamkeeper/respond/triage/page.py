"""The order on paper: who first, with level, reason, questions, and the cut line of a capacity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.words import plural
from beamkeeper.protect.lists.page import Cell, Column, Group, Line, Page, PageRow, Style, cell, headed
from beamkeeper.respond.triage.ranking import DECIDES, CutState
from beamkeeper.respond.triage.rules import shares_said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from beamkeeper.protect.lists import ListHead, ListRow
    from beamkeeper.respond.triage.ranking import Capacity, Ranked
    from beamkeeper.respond.triage.rules import RuleSet

COLUMNS: Final = (
    Column("#", 0.8),
    Column("Patient", 3.4),
    Column("Level", 0.8),
    Column("Because", 4.4),
    Column("Code", 0.8),
    Column("Given, next", 2),
    Column("Gap; to spare", 1.8),
    Column("Machine", 2),
    Column("Physician signs", 2.2),
)


def order_page(
    head: ListHead,
    rows: Mapping[str, ListRow],
    ranked: Sequence[Ranked],
    rules: RuleSet,
    *,
    summary: str,
    cut: Sequence[CutState] = (),
    capacity: Capacity | None = None,
) -> Page:
    """Return the order; with a capacity in groups, in the order of the rules within each.

    Parameters
    ----------
    rows
        The rows of the inventory by pseudonym.
    cut
        What the capacity means for each of `ranked`; () without a capacity.
    """
    states = list(cut) or [CutState.TREATED] * len(ranked)
    pairs = list(zip(ranked, states, strict=True))
    groups = [
        Group(
            state.value[0].upper() + state.value[1:] if cut else "Everybody",
            f"{sum(one is state for one in states)} patients",
            tuple(item for ranked_, one in pairs if one is state for item in _rows(ranked_, rows)),
        )
        for state in CutState
        if state in states
    ]
    return headed(
        replace(head, shares=shares_said(rules)),
        title="Order of treatment",
        summary=(summary, *_capacity(capacity)),
        columns=COLUMNS,
        groups=tuple(groups),
        notes=tuple(_notes(rules)),
        decides=DECIDES,
        empty="Nobody can be put in order: see the inventory for what is missing.",
    )


def _capacity(capacity: Capacity | None) -> Iterator[str]:
    if capacity is not None:
        share = "" if capacity.percent is None else f", {capacity.percent:g} % of normal capacity"
        yield f"Cut at {capacity.places} patients a day{share}."


def _rows(one: Ranked, rows: Mapping[str, ListRow]) -> Iterator[PageRow]:
    row = rows[one.pseudonym]
    patient = row.patient
    born = f"born {patient.birth_on}" if patient.birth_on else "birth date not known"
    yield PageRow(
        cells=(
            cell(Line(str(one.rank), Style.BIG)),
            cell(Line(one.facts.name, Style.STRONG), Line(born)),
            cell(Line(one.level.word, Style.BIG)),
            _because(one),
            cell(Line(str(one.facts.site_code or "none"), Style.STRONG)),
            cell(*(Line(f"{line.given}, next {line.next_fraction}") for line in row.plans)),
            _gap(one),
            cell(*(Line(line.machine or "–") for line in row.plans)),
            cell(Line("☐ as proposed"), Line("☐ level ___ because")),
        ),
        under=tuple(_under(one)),
    )


def _because(one: Ranked) -> Cell:
    level = one.level
    rule = "" if not level.overridden else f"the rules say {level.by_rule or '?'}"
    return cell(
        Line(level.reason, Style.STRONG if level.overridden else Style.PLAIN), Line(rule, Style.SMALL)
    )


def _gap(one: Ranked) -> Cell:
    facts = one.facts
    gap = (
        "not begun"
        if not facts.begun
        else "not known"
        if facts.gap_days is None
        else plural(facts.gap_days, "day")
    )
    good, spare = one.compensable_days, one.days_to_spare
    lines = [Line(f"{good} can be made good", Style.SMALL)] if good is not None and facts.gap_days else []
    if facts.gap_days and not facts.is_by_calendar:
        lines.append(Line(facts.holidays, Style.SMALL))
    if spare is not None:
        over = Line(f"{plural(-spare, 'day')} longer than allowed", Style.MARK)
        lines.insert(0, over if spare < 0 else Line(f"{spare} to spare"))
    return cell(gap, *lines)


def _under(one: Ranked) -> Iterator[Line]:
    if asked := one.level.asks:
        yield Line(f"Ask: {' '.join(asked)}", Style.MARK)
    if one.facts.in_doubt:
        yield Line("The position in the course is in doubt: see the inventory.", Style.MARK)
    yield Line(f"Known: {', '.join(one.said_facts)}.", Style.SMALL)
    yield Line(one.because, Style.SMALL)


def _notes(rules: RuleSet) -> Iterator[str]:
    yield f"Rules: {rules.title}, version {rules.version}."
    for rule in rules.levels:
        yield f"Level {rule.level}: {rule.says}. {rule.source}."
    order = ", ".join(name.replace("_", " ") for name in rules.order)
    yield f"Then, the first that tells two apart: {order}. What nobody knows stands behind the most urgent."
    yield (
        "Made good: how many missed days a second fraction a day, at least 6 h later, could make good before "
        "the planned end. Weekends and larger fractions: see the gap sheet of the patient."
    )
    days = ", ".join(
        f"category {key}: {value} days" for key, value in sorted(rules.prolongation_days.items())
    )
    yield (
        f"A course may be prolonged by: {days}. Gap: planned days without a fraction since the first; days "
        "without machine are missed, public holidays are not, once they are said (`triage days`)."
    )
