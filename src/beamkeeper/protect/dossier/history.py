"""What was given: a calendar of fractions, then each fraction with its beams."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from beamkeeper.clock import local_date
from beamkeeper.domain.words import at, line, plural
from beamkeeper.protect.dossier.delivered import deliveries_of, delivery_words, state_words
from beamkeeper.protect.dossier.sheet import Lines, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from beamkeeper.domain.position import FractionState, PlanPosition
    from beamkeeper.domain.record import BeamDelivery, TreatmentRecord
    from beamkeeper.protect.dossier.sheet import Block
    from beamkeeper.protect.dossier.source import DossierSource

WEEKS_SHOWN_MAX, UNCOUNTED_SHOWN_MAX = 60, 40
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def history_sections(source: DossierSource) -> tuple[Section, ...]:
    """Return the calendar and the table of fractions."""
    plans = [] if source.position is None else [plan for plan in source.position.plans if plan.fractions]
    if not plans:
        nothing = () if source.records else (Lines(items=("No record says that a fraction was given.",)),)
        return (Section(title="Delivery history", blocks=(*nothing, *_uncounted(source))),)
    by_uid = {record.sop_instance_uid: record for record in source.records}
    tables = [_fractions(source, plan, by_uid) for plan in plans]
    return (
        Section(title="Delivery calendar", blocks=tuple(_calendar(source, plans))),
        Section(title="Each fraction", blocks=(*tables, *_uncounted(source))),
    )


def _uncounted(source: DossierSource) -> Iterator[Block]:
    """Yield the records that are here and count nowhere: somebody was treated, with what has to be found."""
    unplaced = () if source.position is None else source.position.unassigned_record_uids
    found = [one for one in source.records if source.position is None or one.sop_instance_uid in unplaced]
    if not found:
        return
    rows = [
        (
            at(record.treated_at, source.zone),
            ", ".join(dict.fromkeys(_fraction_of(given) for given in record.deliveries)) or "–",
            ", ".join(dict.fromkeys(line(given.beam_name, longest=60) for given in record.deliveries)) or "–",
            line(record.treatment_machine_name) or "–",
            line(record.referenced_plan_uid or "") or "names none",
        )
        for record in sorted(found, key=lambda one: (one.treated_at is None, str(one.treated_at)))
    ]
    yield Table(
        title="Records that count nowhere",
        header=("At", "Fraction", "Beams", "Machine", "Plan"),
        rows=tuple(rows[:UNCOUNTED_SHOWN_MAX]),
        widths=("auto", "auto", "1fr", "auto", "1fr"),
    )
    if (more := len(rows) - UNCOUNTED_SHOWN_MAX) > 0:
        yield Lines(items=(f"{plural(more, 'record')} more, not printed.",))


def _fraction_of(given: BeamDelivery) -> str:
    return "not said" if given.current_fraction_number is None else str(given.current_fraction_number)


def _calendar(source: DossierSource, plans: Sequence[PlanPosition]) -> Iterator[Block]:
    given: dict[date, list[str]] = {}
    undated = 0
    for place, plan in enumerate(plans):
        for fraction in plan.fractions:
            if not fraction.begun:
                continue
            if fraction.first_treated_at is None:
                undated += 1
            for on in _days(source, fraction):
                part = "" if fraction.complete else " part"
                given.setdefault(on, []).append(f"{_letter(place, plans)}{fraction.fraction_number}{part}")
    weeks = sorted({on - timedelta(days=on.weekday()) for on in given})
    rows = [_week(monday, given) for monday in weeks[-WEEKS_SHOWN_MAX:]]
    if rows:
        yield Table(
            header=("Week of", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
            rows=tuple(_with_empty_weeks(rows, weeks[-WEEKS_SHOWN_MAX:])),
            widths=("auto", *("1fr",) * 7),
        )
    said = []
    if len(plans) > 1:
        names = [f"{_letter(place, plans)} = {line(plan.rt_plan_label)}" for place, plan in enumerate(plans)]
        said.append("; ".join(names))
    if len(weeks) > WEEKS_SHOWN_MAX:
        said.append(f"{len(weeks) - WEEKS_SHOWN_MAX} earlier weeks are not printed.")
    if undated:
        said.append(f"{plural(undated, 'fraction')} without a date: in the table below only.")
    if said:
        yield Lines(items=tuple(said))


def _days(source: DossierSource, fraction: FractionState) -> Iterator[date]:
    stated = [fraction.first_treated_at, fraction.last_treated_at]
    yield from dict.fromkeys(local_date(instant, source.zone) for instant in stated if instant is not None)


def _letter(place: int, plans: Sequence[PlanPosition]) -> str:
    if len(plans) == 1:
        return "F"
    return LETTERS[place] if place < len(LETTERS) else f"P{place + 1}-"


def _week(monday: date, given: Mapping[date, Sequence[str]]) -> tuple[str, ...]:
    cells = []
    for offset in range(7):
        on = monday + timedelta(days=offset)
        cells.append("\n".join((f"{on.day:02d}", *given[on])) if on in given else f"{on.day:02d}")
    return (monday.isoformat(), *cells)


def _with_empty_weeks(rows: Sequence[tuple[str, ...]], weeks: Sequence[date]) -> Iterator[tuple[str, ...]]:
    """Yield the weeks, and one row that says how many without treatment lie between two of them."""
    before: date | None = None
    for row, monday in zip(rows, weeks, strict=True):
        if before is not None and (empty := (monday - before).days // 7 - 1) > 0:
            yield (plural(empty, "week"), "none", "", "", "", "", "", "")
        before = monday
        yield row


def _fractions(source: DossierSource, plan: PlanPosition, records: Mapping[str, TreatmentRecord]) -> Table:
    rows = []
    for fraction in plan.fractions:
        rows += list(_fraction_rows(source, fraction, records))
    return Table(
        title=f"Plan {line(plan.rt_plan_label) or '(without label)'}",
        header=("Fraction", "Begun", "Beam", "Delivered", "Ended", "Machine", "At"),
        rows=tuple(rows),
        widths=("auto", "auto", "1fr", "auto", "auto", "auto", "auto"),
        numeric=(3,),
    )


def _fraction_rows(
    source: DossierSource, fraction: FractionState, records: Mapping[str, TreatmentRecord]
) -> Iterator[tuple[str, ...]]:
    state = "" if fraction.complete else f" {state_words(fraction)}"
    head = (f"{fraction.fraction_number}{state}", at(fraction.first_treated_at, source.zone))
    rows = [
        delivery_words(delivery, record, source.zone) for delivery, record in deliveries_of(fraction, records)
    ]
    for place, row in enumerate(rows or [("no beam", "", "", "", "")]):
        yield (*(head if place == 0 else ("", "")), *row)
