"""The paper chart: everything two people need to treat one plan by hand, and where they sign.

Its words are those of the binder's chart sheet (`protect.lists.chart_sheet`); what is added is the photo, the
set-up, what was given and how we know, the dose as it adds up, a box for each check, and the rules.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.domain.chart import NoteKind
from beamkeeper.domain.record import BY_HAND
from beamkeeper.domain.words import number
from beamkeeper.protect.lists.chart_sheet import chart_facts
from beamkeeper.protect.lists.row import Section
from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.plan import Plan
    from beamkeeper.domain.position import FractionState, PlanPosition
    from beamkeeper.protect.dossier import Picture
    from beamkeeper.protect.lists import ListRow, Person, PlanLine
    from beamkeeper.respond.paper.entry import HandEntry

RULES: Final = (
    (
        "Time-out by two people before each fraction: the patient says name and birth date; fraction number, "
        "plan and MU are read aloud by one and agreed by the other."
    ),
    (
        "Tick a beam when it is given; write the MU that the console shows where they differ. Nothing is "
        "ticked beforehand."
    ),
    (
        "Stopped? Write beam and MU into the table of parts at once. A physicist decides how it goes on; no "
        "new fraction before that one is finished."
    ),
    "In doubt, stop: two people and a physicist find out which fraction it is. None is given on a guess.",
    "Every evening somebody types this in (beamkeeper paper enter), and another again (paper check).",
)
DECIDES: Final = (
    "A physicist decides which fraction is next and releases the chart. Decision support: not a medical "
    "device."
)
STOP: Final = "Something stands against treating from this: a physicist decides before anybody is let in."
PARTIAL_ROWS: Final = 4
NOTES_MAX: Final = 4
NOTE_CHARACTERS_MAX: Final = 400
_TEMPLATE = files(__package__).joinpath("chart.typ").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSource:
    """What a chart is made of.

    Attributes
    ----------
    photo
        Of the patient; None where none is kept or could be read.
    """

    person: Person
    row: ListRow
    plan: Plan
    at: PlanPosition | None
    written: tuple[HandEntry, ...]
    zone: ZoneInfo
    made_at: datetime
    site_name: str
    photo: Picture | None = None


def chart_pdf(source: ChartSource) -> bytes:
    """Return the chart of a plan as PDF; the same facts give the same bytes."""
    facts = paper_facts(source)
    made_at = int(source.made_at.timestamp())
    return set_pdf(_TEMPLATE, facts, made_at=made_at, has_pictures=source.photo is not None)


def paper_facts(source: ChartSource) -> dict[str, Any]:
    """Return what stands on the chart."""
    line = next(one for one in source.row.plans if one.plan_uid == source.plan.sop_instance_uid)
    facts = _sheet(source, line)
    rows = [
        row | {"dose": dose} for row, dose in zip(facts["rows"], _doses(source, facts["rows"]), strict=True)
    ]
    return facts | {
        "rows": rows,
        "photo": None if source.photo is None else _picture(source.photo),
        "setup": list(dict.fromkeys(_setup(source.plan, source.person))),
        "stop": "" if line.is_ready else STOP,
        "history": list(_history(source)),
        "rules": list(RULES),
        "partial_rows": PARTIAL_ROWS,
        "made": f"Made {source.made_at.astimezone(source.zone):%A %Y-%m-%d %H:%M} at {source.site_name}",
        "per_fraction": _gray(source.plan.dose_per_fraction_gy),
        "decides": DECIDES,
    }


def _sheet(source: ChartSource, line: PlanLine) -> dict[str, Any]:
    """Return what the binder's chart sheet says of this plan; whoever asks for one that is closed gets it."""
    is_open = line.section in {Section.ON_TREATMENT, Section.READY}
    asked = line if is_open else replace(line, section=Section.READY)
    sheets = chart_facts(source.person, replace(source.row, plans=(asked,)), source.zone)
    found: dict[str, Any] = json.loads(sheets[0])
    return found


def _doses(source: ChartSource, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the dose in total after each row, where the count and the dose of a fraction are sure."""
    each, at = source.plan.dose_per_fraction_gy, source.at
    for place, row in enumerate(rows):
        is_sure = bool(row["number"]) and each is not None and at is not None
        yield _gray(each * (at.fractions_complete + place + 1)) if is_sure and each and at else ""


def _gray(dose_gy: float | None) -> str:
    return "" if dose_gy is None else f"{dose_gy:.2f} Gy"


def _picture(photo: Picture) -> dict[str, Any]:
    return {
        "svg": photo.svg.decode("utf-8", "replace"),
        "width_mm": photo.width_mm,
        "alternative": photo.alternative,
        "caption": photo.caption,
    }


def _setup(plan: Plan, person: Person) -> Iterator[str]:
    for one in plan.patient_setups:
        shifts = [f"{way} {number(shift)} mm" for way, shift in one.shifts_mm]
        said = (one.patient_position, one.technique, *one.devices, *shifts)
        yield f"Setup {one.patient_setup_number}: {', '.join(filter(None, said)) or 'nothing is stated'}"
    tables = dict.fromkeys(beam.setup.tolerance_table for beam in plan.beams if beam.setup.tolerance_table)
    if tables:
        yield f"Tolerance table: {', '.join(tables)}"
    notes = [note for chart in person.entry.charts for note in chart.notes if note.kind is NoteKind.SETUP]
    for note in notes[:NOTES_MAX]:
        yield f"Note: {' '.join(note.text.split())[:NOTE_CHARACTERS_MAX]}"
    if not plan.patient_setups and not notes:
        yield "▲ Nothing is held of the set-up: ask who knows the patient."


def _history(source: ChartSource) -> Iterator[dict[str, str]]:
    """Yield what was given, fraction by fraction, and how we know."""
    by_hand = {f"{BY_HAND}{one.number}": one for one in source.written}
    for state in source.at.fractions if source.at is not None else ():
        if not state.begun:
            continue
        last = state.last_treated_at
        yield {
            "number": str(state.fraction_number),
            "on": "no date" if last is None else f"{last.astimezone(source.zone):%m-%d %H:%M}",
            "how": _how(state, by_hand),
            "whole": "" if state.complete else "not finished",
        }


def _how(state: FractionState, by_hand: dict[str, HandEntry]) -> str:
    written = [by_hand[uid] for uid in state.record_uids if uid in by_hand]
    if not written:
        return ""
    checked = all(one.checked_by for one in written)
    lines = ", ".join(str(one.number) for one in written)
    return f"by hand, line {lines}" + ("" if checked else ", NOT CHECKED")
