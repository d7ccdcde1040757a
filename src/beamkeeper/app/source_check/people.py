"""Parts 4, 5 and 8: how fractions are counted, ten people to compare, how many there are."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from beamkeeper.app.source_check.sheet import Part, one_line
from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.patient import shown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.census import CensusEntry, OisCount
    from beamkeeper.domain.chart import ChartField
    from beamkeeper.domain.plan import Prescription

METHODS, TEN, NUMBER = "Ways of counting fractions", "Ten patients to compare", "How many there are"
TEN_PATIENTS = 10
REPLACED = frozenset({"superseded", "rejected"})
FIELDS_SHOWN_MAX = 4
DISAGREEMENTS_SHOWN_MAX = 100


def methods_part(entries: Sequence[CensusEntry]) -> Part:
    """Return part 4: where the OIS's own ways of counting do not agree."""
    methods = sorted({count.source for entry in entries for count in entry.counts})
    if len(methods) < 2:  # noqa: PLR2004 - a comparison takes two
        said = f"Fractions are counted in one way only: {methods[0]}." if methods else "Nothing is counted."
        return Part(number=4, title=METHODS, verdict="unchecked", lines=(said,))
    lines = [f"Compared: {'; '.join(methods)}."]
    plans, found = 0, []
    for entry in entries:
        of_plan: defaultdict[str, list[OisCount]] = defaultdict(list)
        for count in entry.counts:
            of_plan[count.plan_uid].append(count)
        plans += len(of_plan)
        names = _names(entry)
        for uid, counts in of_plan.items():
            if len({count.fractions_done for count in counts if count.fractions_done is not None}) > 1:
                said = "; ".join(f"{count.source} {_done(count)}" for count in counts)
                name = names.get(uid) or uid
                found.append(f"  ▲ {one_line(entry.patient.patient_id)}, plan {one_line(name)}: {said}")
    lines.append(f"{plans} plans, {len(found)} of them counted differently{':' if found else '.'}")
    lines += found[:DISAGREEMENTS_SHOWN_MAX]
    if (more := len(found) - DISAGREEMENTS_SHOWN_MAX) > 0:
        lines.append(f"  and {more} more")
    return Part(
        number=4,
        title=METHODS,
        verdict="warning" if found else "good",
        lines=tuple(lines),
        by_hand="Each difference is explained." if found else "",
    )


def _done(count: OisCount) -> str:
    partial = f" and {count.fractions_partial} partial" if count.fractions_partial else ""
    return f"{count.fractions_done}{partial}"


def ten_part(entries: Sequence[CensusEntry], zone: ZoneInfo, day: date) -> Part:
    """Return part 5: ten people drawn by the date, so that nobody chooses whom to look at."""
    treated = [e for e in entries if CensusReason.TREATED_RECENTLY in {claim.reason for claim in e.claims}]
    others = [entry for entry in entries if entry not in treated]
    draw = random.Random(day.isoformat())  # noqa: S311 - a draw that can be repeated, no secret
    drawn = [*draw.sample(treated, len(treated)), *draw.sample(others, len(others))][:TEN_PATIENTS]
    lines = [line for index, entry in enumerate(drawn, start=1) for line in _patient(index, entry, zone)]
    return Part(
        number=5,
        title=TEN,
        verdict="unchecked" if drawn else "bad",
        lines=tuple(lines) or ("Nobody is on the list.",),
        by_hand="A therapist compared each with the OIS screen: units, scales, dose, dates." if drawn else "",
    )


def _names(entry: CensusEntry) -> dict[str, str]:
    """Return what each plan is called. A revision keeps the name, so what it replaced says that it was."""
    names = {}
    for plan in (plan for chart in entry.charts for plan in chart.plans):
        was = f" ({plan.status})" if plan.status in REPLACED else ""
        names[plan.plan_uid] = f"{plan.plan_id or plan.plan_uid}{was}"
    return names


def _patient(index: int, entry: CensusEntry, zone: ZoneInfo) -> Iterator[str]:
    patient = entry.patient
    born = f"born {patient.birth_on}" if patient.birth_on else "no birth date"
    yield one_line(f"□ {index}. {shown_name(patient.name)}, ID {patient.patient_id}, {born}")
    for course in entry.courses:
        for rx in course.prescriptions:
            yield f"    prescribed in course {one_line(course.course_id)}: {_prescribed(rx)}"
    names = _names(entry)
    for count in entry.counts:
        last = f", last {_local(count.last_treated_at, zone)}" if count.last_treated_at else ""
        planned = "?" if count.fractions_planned is None else count.fractions_planned
        name = one_line(names.get(count.plan_uid) or count.plan_uid)
        yield f"    plan {name}: {_done(count)} of {planned} fractions ({one_line(count.source)}){last}"
    counted = {count.plan_uid for count in entry.counts}
    for plan in (plan for chart in entry.charts for plan in chart.plans if plan.plan_uid not in counted):
        yield f"    plan {one_line(plan.plan_id)}: {one_line(plan.status)}, nothing counted"
    fields = [field for chart in entry.charts for field in chart.fields if not field.is_setup]
    for field in fields[:FIELDS_SHOWN_MAX]:
        yield f"    {_field(field)}"
    for appointment in sorted(entry.appointments, key=lambda one: one.starts_at)[:1]:
        what = one_line(f"{appointment.activity} {appointment.machine}")
        yield f"    next: {_local(appointment.starts_at, zone)}, {what}"


def _prescribed(rx: Prescription) -> str:
    dose = (
        "dose per fraction unknown" if rx.dose_per_fraction_gy is None else f"{rx.dose_per_fraction_gy:g} Gy"
    )
    number = "? fractions" if rx.number_of_fractions is None else f"{rx.number_of_fractions} fractions"
    total = "" if rx.total_dose_gy is None else f", total {rx.total_dose_gy:g} Gy"
    return f"{one_line(rx.name)}, {number} of {dose}{total}"


def _field(field: ChartField) -> str:
    parts = [f"field {one_line(field.field_id)}", one_line(field.energy), one_line(field.machine)]
    if field.gantry_angle_deg is not None:
        to = "" if field.gantry_stop_angle_deg is None else f" to {field.gantry_stop_angle_deg:g}"
        parts.append(f"gantry {field.gantry_angle_deg:g}{to}°")
    for name, angle in (("collimator", field.collimator_angle_deg), ("couch", field.couch_angle_deg)):
        if angle is not None:
            parts.append(f"{name} {angle:g}°")
    if field.beam_meterset is not None:
        parts.append(f"{field.beam_meterset:g} MU")
    return ", ".join(part for part in parts if part)


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def number_part(entries: Iterable[CensusEntry], warnings: Sequence[str]) -> Part:
    """Return part 8: how many are active, to hold against the clinic's own list."""
    people = list(entries)
    reasons = Counter(reason for entry in people for reason in {claim.reason for claim in entry.claims})
    lines = [f"{len(people)} patients would be kept tonight by this source:"]
    lines += [f"  {count}: {reason.value}" for reason, count in sorted(reasons.items())]
    lines += [f"▲ {one_line(warning)}" for warning in warnings]
    return Part(
        number=8,
        title=NUMBER,
        verdict="bad" if not people else "warning" if warnings else "unchecked",
        lines=tuple(lines),
        by_hand="The clinic's own list has ______ patients on treatment; whoever differs is explained.",
    )
