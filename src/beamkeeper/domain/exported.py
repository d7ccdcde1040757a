"""What a planning system says it sent, held against what is kept: no approved plan gets lost on its way."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from beamkeeper.domain.chart import PlanExport
    from beamkeeper.domain.plan import Plan

REVIEW_TOLERANCE = timedelta(minutes=2)
"""Clocks of one review, written twice, lie no further apart."""
ON_ITS_WAY = timedelta(hours=1)
"""What was sent so lately may not have been listed yet."""


def exports_not_kept(
    exports: Iterable[PlanExport], plans: Sequence[Plan], *, now: datetime
) -> tuple[str, ...]:
    """Return which approved plans were sent somewhere and are not among those kept, in words.

    A plan is known by its label, and by the time of its review where both sides say it: a kept plan that was
    reviewed earlier is an older version.
    """
    sent: defaultdict[tuple[str, str, str], list[PlanExport]] = defaultdict(list)
    for export in exports:
        if not export.error and export.exported_at <= now - ON_ITS_WAY:
            sent[export.case, export.plan_name, export.rt_plan_label].append(export)
    alike: defaultdict[str, int] = defaultdict(int)
    for _, _, label in sent:
        alike[label.strip()] += 1
    kept: defaultdict[str, list[Plan]] = defaultdict(list)
    for plan in plans:
        kept[plan.rt_plan_label.strip()].append(plan)
    return (
        *(
            said
            for (_, _, label), of_plan in sorted(sent.items())
            for said in _not_kept(of_plan, kept[label.strip()])
        ),
        *_too_few(alike, kept),
    )


def _not_kept(of_plan: Sequence[PlanExport], kept: Sequence[Plan]) -> Iterator[str]:
    latest = max(of_plan, key=_reviewed)
    where = ", ".join(sorted({one.destination for one in of_plan if one.reviewed_at == latest.reviewed_at}))
    what = f"plan {latest.rt_plan_label!r}"
    if latest.reviewed_at is not None:
        what += f", approved {latest.reviewed_at:%Y-%m-%d %H:%M} UTC,"
    if not kept:
        yield f"{what} was sent to {where} and is not here"
    elif latest.reviewed_at is not None and all(_is_older(plan, latest.reviewed_at) for plan in kept):
        newest = max(plan.approved_at for plan in kept if plan.approved_at is not None)
        yield f"{what} was sent to {where}; here is only the one approved {newest:%Y-%m-%d %H:%M} UTC"


def _too_few(alike: dict[str, int], kept: dict[str, list[Plan]]) -> Iterator[str]:
    for label, count in sorted(alike.items()):
        here = len({plan.sop_instance_uid for plan in kept.get(label, [])})
        if 0 < here < count:
            yield f"{count} plans called {label!r} were sent and {here} of them is here"


def _is_older(plan: Plan, reviewed_at: datetime) -> bool:
    return plan.approved_at is not None and plan.approved_at < reviewed_at - REVIEW_TOLERANCE


def _reviewed(export: PlanExport) -> datetime:
    return export.reviewed_at or export.exported_at


def exports_failed(exports: Iterable[PlanExport]) -> tuple[str, ...]:
    """Return which plans did not get where they should, in words."""
    latest: dict[tuple[str, ...], PlanExport] = {}
    for export in sorted(exports, key=lambda one: one.exported_at):
        latest[export.case, export.plan_name, export.rt_plan_label, export.destination] = export
    return tuple(
        f"plan {export.rt_plan_label!r} could not be sent to {export.destination}: {export.error}"
        for _, export in sorted(latest.items())
        if export.error
    )
