"""The beams of a plan as a table, and what a machine must be to give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.beam_words import energy, gantry, meterset, mlc
from beamkeeper.domain.words import line, number, plural
from beamkeeper.protect.dossier.sheet import Lines, Table
from beamkeeper.protect.dossier.standing import label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.plan import Beam, ControlPoint, Plan
    from beamkeeper.protect.dossier.sheet import Block
    from beamkeeper.protect.dossier.source import DossierSource

NOTES_IN_LINES_MAX = 3
"""More than so many accessories of a beam stand in one line after another: a page is short."""
BEAMS_SHOWN_MAX = 60
"""So many beams of one plan stand in the table (CyberKnife has hundreds); the rest is counted."""


def beams_table(source: DossierSource, plan: Plan) -> Iterator[Block]:
    """Yield the beams of a plan in its order, those that treat first."""
    if not plan.beams:
        yield Lines(items=(f"Plan {label(plan)} lists no beams.",))
        return
    in_order = sorted(plan.beams, key=lambda beam: not beam.is_treatment)
    rows = tuple(_row(source, plan, beam) for beam in in_order[:BEAMS_SHOWN_MAX])
    yield Table(
        title=f"Plan {label(plan)}",
        header=(
            "No.",
            "Name",
            "Gantry °",
            "Coll. °",
            "Couch °",
            "Energy",
            "Meterset",
            "Jaws mm",
            "Accessories",
        ),
        rows=rows,
        widths=("auto", "1fr", "auto", "auto", "auto", "auto", "auto", "auto", "1fr"),
        numeric=(0, 3, 4, 6),
    )
    if (more := len(plan.beams) - BEAMS_SHOWN_MAX) > 0:
        yield Lines(items=(f"{plural(more, 'beam')} more in plan {label(plan)}, not printed.",))


def _row(source: DossierSource, plan: Plan, beam: Beam) -> tuple[str, ...]:
    first = beam.control_points[0] if beam.control_points else None
    name = line(beam.beam_name, longest=60) or "(no name)"
    how = line(beam.technique)
    machine = line(beam.treatment_machine_name) if len(plan.treatment_machine_names) > 1 else ""
    notes = [line(text, longest=60) for text in (*beam.accessories, *_of_chart(source, plan, beam))]
    return (
        str(beam.beam_number),
        "\n".join(filter(None, (name, how, machine))),
        gantry(beam),
        number(first.collimator_angle_deg if first else None),
        number(first.couch_angle_deg if first else None),
        energy(beam),
        meterset(beam),
        _jaws(first),
        ("\n" if len(notes) <= NOTES_IN_LINES_MAX else ", ").join(dict.fromkeys(notes)) or "–",
    )


def _of_chart(source: DossierSource, plan: Plan, beam: Beam) -> Iterator[str]:
    for chart in source.entry.charts:
        for item in chart.fields:
            if item.plan_uid == plan.sop_instance_uid and item.beam_number == beam.beam_number:
                yield from item.accessories


def _jaws(point: ControlPoint | None) -> str:
    if point is None or not point.jaw_positions_mm:
        return "–"
    return "\n".join(
        f"{device.removeprefix('ASYM')} {first:.1f} / {second:.1f}"
        for device, first, second in point.jaw_positions_mm
    )


def machine_rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    """Yield what each machine of a plan must be."""
    treating = [beam for beam in plan.beams if beam.is_treatment] or list(plan.beams)
    for name in dict.fromkeys(beam.treatment_machine_name for beam in treating):
        beams = [beam for beam in treating if beam.treatment_machine_name == name]
        makes = dict.fromkeys(line(f"{beam.setup.manufacturer} {beam.setup.model}".strip()) for beam in beams)
        yield (
            label(plan),
            "\n".join(filter(None, (line(name) or "not stated", *makes))),
            ", ".join(_counted([beam.technique or "beam" for beam in beams])),
            "\n".join(dict.fromkeys(energy(beam) for beam in beams)),
            "\n".join(dict.fromkeys(mlc(beam) for beam in beams)),
            "\n".join(dict.fromkeys(line(beam.setup.fluence_mode) or "–" for beam in beams)),
            ", ".join(dict.fromkeys(line(a, longest=60) for beam in beams for a in beam.accessories)) or "–",
        )


def _counted(words: list[str]) -> Iterator[str]:
    for word in dict.fromkeys(words):
        yield f"{words.count(word)} × {line(word)}"
