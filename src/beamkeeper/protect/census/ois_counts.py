"""How far each plan is by every way in which an OIS counts, and where its ways do not agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.census import OisCount
from beamkeeper.protect.census.entities import UNKNOWN
from beamkeeper.protect.census.ois_file import OisFile, grouped
from beamkeeper.protect.census.ois_rows import OisFractions

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from beamkeeper.protect.census.ois_rows import OisFraction, OisPlan

_COMING = frozenset({"", "planned", "open", "in_progress"})
_REPLACED = frozenset({"superseded", "rejected"})


def counted(sessions: Iterable[OisFraction]) -> tuple[OisFractions, ...]:
    """Return what the states of single sessions come to for each plan.

    A session of several rows is done when all of them are, and partial when only some are. One in a state
    that the mapping does not know is neither done nor open: it is named. Cancelled ones do not count. How
    many are planned is the plan's word: after a revision the sessions stand under two plans. None is said to
    be partial where no session is called so: many an OIS has no such state.
    """
    plans = grouped(sessions, lambda row: (row.method, row.plan_key))
    return tuple(_counted(rows[0].plan_key, rows) for rows in plans.values())


def _counted(plan_key: Hashable, rows: tuple[OisFraction, ...]) -> OisFractions:
    states = [_state(group) for group in grouped(rows, lambda row: row.session_key).values()]
    unclear = tuple(sorted({state for state in states if state.startswith(UNKNOWN)}))
    delivered = [row.delivered_at for row in rows if row.delivered_at is not None]
    return OisFractions(
        plan_key=plan_key,
        done=states.count("done"),
        partial=states.count("partial") or None,
        open=states.count("open"),
        planned=None,
        last_treated_at=max(delivered, default=None),
        method=rows[0].method,
        unclear=unclear,
    )


def _state(rows: Iterable[OisFraction]) -> str:
    states = {row.status for row in rows} - {"cancelled", "no_show"}
    if not states:
        return "cancelled"
    if unknown := sorted(state for state in states if state.startswith(UNKNOWN)):
        return unknown[0]
    if states == {"done"}:
        return "done"
    return "open" if states <= _COMING else "partial"


def counts(file: OisFile, source: str) -> Iterator[OisCount]:
    """Yield what each method counts for each clinical plan that has a UID.

    A plan that was replaced before it began is of no concern to anybody: no archive may even have it. Of one
    that was replaced later, sessions do not say how many were planned: those to come are the new one's.
    """
    for plan, row in file.fractions:
        is_replaced = plan.status in _REPLACED
        never_began = is_replaced and not row.done and not row.partial
        planned = None if is_replaced else row.planned
        if plan.plan_uid and plan.is_clinical and not never_began:
            yield OisCount(
                plan_uid=plan.plan_uid,
                source=f"{source}, {row.method}" if row.method else source,
                fractions_planned=plan.planned_fractions if planned is None else planned,
                fractions_done=row.done,
                fractions_partial=row.partial,
                last_treated_at=row.last_treated_at,
            )


def count_disagreements(file: OisFile, source: str) -> Iterator[str]:
    """Yield in words where the OIS's ways of counting do not agree, or cannot be understood."""
    by_plan = grouped(file.fractions, lambda pair: pair[0].key)
    for pairs in by_plan.values():
        plan = pairs[0][0]
        if not plan.is_clinical:
            continue
        rows = [row for _, row in pairs]
        yield from (f"{source}: plan {plan.plan_id!r}: {said}" for said in _said_of(plan, rows))


def _said_of(plan: OisPlan, rows: list[OisFractions]) -> Iterator[str]:
    done = {row.method: row.done for row in rows if row.done is not None}
    if len(set(done.values())) > 1:
        told = ", ".join(f"{count} by {method or 'its count'}" for method, count in done.items())
        yield f"fractions done are {told}"
    for row in rows:
        if row.unclear:
            words = ", ".join(repr(state.removeprefix(UNKNOWN)) for state in row.unclear)
            yield f"{row.method or 'a session'} is in a state that the mapping does not know ({words})"
        if row.open and plan.status in _REPLACED:
            yield f"{row.open} session(s) are still open, but the plan is {plan.status}"
