"""The chart sheet: what is written by hand while no system records what is given.

One sheet a plan that is on treatment or ready to start: who, which fractions are to come, each beam of each
fraction to tick with its meterset, two signatures, and empty rows. Nothing on it changes by the mere passing
of a night, so that the sheet of an unchanged patient is the same file.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.beam_words import energy, gantry
from beamkeeper.domain.placing import fraction_groups, treatment_beams
from beamkeeper.domain.words import number
from beamkeeper.protect.lists.page import identifiers, name_of
from beamkeeper.protect.lists.row import Section
from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.chart import ChartField
    from beamkeeper.domain.plan import Beam, FractionGroup, Plan
    from beamkeeper.domain.position import FractionState, PlanPosition
    from beamkeeper.protect.lists.row import ListRow, Person, PlanLine

EMPTY_ROWS: Final = 4
FRACTIONS_MAX: Final = 80
"""More rows than any course has; a plan that asks for more gets this many and says so."""
DECIDES: Final = (
    "Written by hand until a system records again. A physicist decides which fraction is next and releases "
    "the sheet; not a medical device."
)
_TEMPLATE = files(__package__).joinpath("chart_sheet.typ").read_bytes()
_CHARTED: Final = frozenset({Section.ON_TREATMENT, Section.READY})
_UNITS: Final = {"MU": "MU", "MINUTE": "min"}


def chart_facts(person: Person, row: ListRow, zone: ZoneInfo) -> tuple[str, ...]:
    """Return what stands on each chart sheet of a patient, as canonical text; () when none is due."""
    plans = {plan.sop_instance_uid: plan for plan in person.plans}
    sheets = (
        _sheet(person, row, line, plans[line.plan_uid], zone)
        for line in row.plans
        if line.section in _CHARTED and line.plan_uid in plans
    )
    return tuple(json.dumps(sheet, ensure_ascii=False, sort_keys=True) for sheet in sheets)


def chart_pdf(facts: str) -> bytes:
    """Return one chart sheet as PDF; the same facts give the same bytes."""
    return set_pdf(_TEMPLATE, json.loads(facts), made_at=0)


def _sheet(person: Person, row: ListRow, line: PlanLine, plan: Plan, zone: ZoneInfo) -> dict[str, object]:
    positions = person.position.plans if person.position else ()
    at = next((item for item in positions if item.plan_uid == line.plan_uid), None)
    fields = {
        item.beam_number: item
        for chart in person.entry.charts
        for item in chart.fields
        if item.plan_uid == line.plan_uid and item.beam_number is not None
    }
    group = _group(plan, at)
    beams = treatment_beams(plan, group) if group is not None else ()
    physician = row.physicians[0] if row.physicians else None
    last = line.last_treated_at
    return {
        "name": name_of(row.patient),
        "identifiers": identifiers(row.patient),
        "plan": line.label,
        "given": "; ".join(filter(None, (line.given, line.dose))),
        "next": line.next_fraction,
        "last": "none" if last is None else f"{last.astimezone(zone):%Y-%m-%d %H:%M}",
        "machine": line.machine or "not named",
        "needs": line.needs,
        "physician": "not held" if physician is None else f"{physician.name} {physician.phone}".strip(),
        "phone": _phone(row),
        "triage": row.triage.code if row.triage else "none",
        "marks": list(_marks(row, line, plan, group)),
        "beams": [_beam(beam, fields.get(beam.beam_number)) for beam in beams],
        "rows": list(_fractions(line, at, beams)),
        "decides": DECIDES,
    }


def _phone(row: ListRow) -> str:
    """Return whom to call first, and whose number it is."""
    first = row.first_call
    if first is None:
        return "no number held"
    whose = "" if first in row.own_phones else f" {first.name} ({first.relation})"
    return f"{first.phone}{whose}"


def _group(plan: Plan, at: PlanPosition | None) -> FractionGroup | None:
    groups = fraction_groups(plan)
    asked = at.next_fraction_group_number if at is not None else None
    return next((item for item in groups if item.fraction_group_number == asked), next(iter(groups), None))


def _marks(row: ListRow, line: PlanLine, plan: Plan, group: FractionGroup | None) -> Iterator[str]:
    yield from dict.fromkeys((*row.warnings, *line.conflicts, *line.missing))
    yield from row.remarks
    groups = len(fraction_groups(plan))
    if groups > 1 and group is not None:
        yield f"The plan has {groups} fraction groups; this sheet is for group {group.fraction_group_number}."


def _beam(beam: Beam, field: ChartField | None) -> dict[str, str]:
    angle = _angles_of_plan(beam) or ("" if field is None else _angles(field))
    of_plan = energy(beam) if any(p.nominal_beam_energy for p in beam.control_points) else ""
    kind = (beam.radiation_type.value.lower(), of_plan or (field.energy if field else ""), beam.technique)
    unit = _UNITS.get(beam.primary_dosimeter_unit.value, "")
    return {
        "number": str(beam.beam_number),
        "name": beam.beam_name,
        "kind": " ".join(dict.fromkeys(filter(None, kind))),
        "angles": angle,
        "accessories": ", ".join(beam.accessories),
        "meterset": f"{beam.beam_meterset:.2f} {unit}" if beam.beam_meterset is not None else "not stated",
    }


def _angles_of_plan(beam: Beam) -> str:
    """Return the angles as the plan has them; "" where it has none that are kept."""
    if not beam.control_points or beam.control_points[0].gantry_angle_deg is None:
        return ""
    first = beam.control_points[0]
    others = (("collimator", first.collimator_angle_deg), ("couch", first.couch_angle_deg))
    said = [f"{name} {number(angle)}" for name, angle in others if angle is not None]
    return ", ".join((f"gantry {gantry(beam)}", *said))


def _angles(field: ChartField) -> str:
    gantry = "" if field.gantry_angle_deg is None else f"gantry {field.gantry_angle_deg:g}"
    if gantry and field.gantry_stop_angle_deg not in {None, field.gantry_angle_deg}:
        gantry += f" → {field.gantry_stop_angle_deg:g}"
    others = (("collimator", field.collimator_angle_deg), ("couch", field.couch_angle_deg))
    return ", ".join(
        filter(None, (gantry, *(f"{name} {angle:g}" for name, angle in others if angle is not None)))
    )


def _fractions(
    line: PlanLine, at: PlanPosition | None, beams: tuple[Beam, ...]
) -> Iterator[dict[str, object]]:
    """Yield the rows to fill in: with numbers only where the count is sure."""
    whole = [_tick(beam, None) for beam in beams]
    planned = at.fractions_planned if at is not None else None
    first = at.next_fraction_number if at is not None else None
    if first is not None and planned is not None and "?" not in line.next_fraction:
        for number in range(first, min(planned, first + FRACTIONS_MAX - 1) + 1):
            begun = _begun(at, number) if number == first and line.is_continuation else None
            ticks = whole if begun is None else [_tick(beam, begun) for beam in beams]
            yield {"number": f"finish {number}" if begun else str(number), "ticks": ticks}
    else:
        count = (planned or EMPTY_ROWS) - (at.fractions_complete if at is not None else 0)
        for _ in range(max(1, min(count, FRACTIONS_MAX))):
            yield {"number": "", "ticks": whole}
    for _ in range(EMPTY_ROWS):
        yield {"number": "", "ticks": []}


def _begun(at: PlanPosition | None, number: int) -> FractionState | None:
    states = at.fractions if at is not None else ()
    return next((item for item in states if item.fraction_number == number and item.is_partial), None)


def _tick(beam: Beam, begun: FractionState | None) -> dict[str, str]:
    """Return what is to be ticked of a beam; of a fraction that was begun, what the records leave open."""
    unit = _UNITS.get(beam.primary_dosimeter_unit.value, "")
    if begun is not None and beam.beam_number not in begun.missing_beam_numbers:
        partial = next((item for item in begun.partial_beams if item[0] == beam.beam_number), None)
        if partial is None:
            return {"beam": str(beam.beam_number), "meterset": "given", "open": ""}
        left = partial[2] - partial[1]
        return {"beam": str(beam.beam_number), "meterset": f"{left:.2f} {unit} left", "open": "yes"}
    stated = f"{beam.beam_meterset:.2f} {unit}" if beam.beam_meterset is not None else "?"
    return {"beam": str(beam.beam_number), "meterset": stated, "open": "yes"}
