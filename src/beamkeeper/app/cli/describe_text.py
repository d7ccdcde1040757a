"""A `Reading` as a page: patient by patient, what is there, what it stands on, what is missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from beamkeeper.app.cli.describe import ImageSeries, PatientReading, Reading
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE
from beamkeeper.domain.plan import GIVES_COUNTED_DOSE, ApprovalStatus, Beam, DeliveryType, Plan, RadiationType
from beamkeeper.domain.position import PlanPosition
from beamkeeper.domain.record import BeamDelivery, TerminationStatus, TreatmentRecord
from beamkeeper.domain.volume import Dose, StructureSet

PATHS_SHOWN = 3
"""Files named for one reason; `--json` names them all."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What could move the cursor or turn the line around; objects come from strangers."""
_GOOD, _BAD, _DIM, _HEAD = "green", "bold red", "dim", "bold"


def page(reading: Reading, *, zone: ZoneInfo) -> Iterator[RenderableType]:
    """Yield the page in parts, top to bottom."""
    for patient in reading.patients:
        yield _patient(patient, reading, zone)
    yield from _findings(reading)
    yield _summary(reading)


def clean(text: object) -> str:
    """Return text without characters that could act on a terminal."""
    return _CONTROL.sub("·", str(text))


def outcome(delivery: BeamDelivery) -> str:
    """Return how one beam delivery ended: "complete", "interrupted", "not counted (setup)", "not stated"."""
    if delivery.delivery_type not in GIVES_COUNTED_DOSE | {DeliveryType.UNKNOWN}:
        return f"not counted ({delivery.delivery_type.value.lower().replace('_', ' ')})"
    if delivery.termination_status in {TerminationStatus.OPERATOR, TerminationStatus.MACHINE}:
        return "interrupted"
    given, wanted = delivery.delivered_meterset, delivery.specified_meterset
    if given is None or wanted is None:
        return "not stated"
    allowed = DEFAULT_TOLERANCE.allowed(wanted, delivery.primary_dosimeter_unit)
    return "complete" if given >= wanted - allowed else "interrupted"


def _patient(patient: PatientReading, reading: Reading, zone: ZoneInfo) -> RenderableType:
    who = Text(clean(patient.patient_id) or "no Patient ID", style=_HEAD)
    name = clean(patient.name.replace("^", " ").strip())
    for part in (name, f"born {patient.birth_on}" if patient.birth_on else ""):
        if part:
            who.append(f"  {part}", style="none")
    labels = {plan.sop_instance_uid: plan.rt_plan_label for other in reading.patients for plan in other.plans}
    parts: list[RenderableType] = [Rule(who, align="left", style=_DIM)]
    parts += [_plan(plan, patient) for plan in patient.plans]
    parts += _records(patient.records, labels, zone)
    if rows := [*_volume_rows(patient)]:
        parts.append(_rows(rows))
    parts.append(_reference_lines(patient))
    return Group(*(Padding(part, (0, 0, 0 if index == 0 else 1, 0)) for index, part in enumerate(parts)))


def _plan(plan: Plan, patient: PatientReading) -> RenderableType:
    title = Text("Plan ", style=_HEAD).append(
        clean(plan.rt_plan_label or plan.rt_plan_name or "without label")
    )
    approval = plan.approval_status
    title.append("  ")
    title.append(
        "approval not stated" if approval is ApprovalStatus.UNKNOWN else approval.value.lower(),
        style=_GOOD if approval is ApprovalStatus.APPROVED else "yellow",
    )
    facts = [*_plan_facts(plan)]
    position = next((p for p in _positions(patient) if p.plan_uid == plan.sop_instance_uid), None)
    lines: list[RenderableType] = [title]
    if facts:
        lines.append(Padding(Text(" · ".join(facts), style=_DIM), (0, 0, 0, 2)))
    if plan.beams:
        lines.append(Padding(_beams(plan.beams), (0, 0, 0, 2)))
    if position is not None and patient.records:
        lines.append(Padding(_position(position), (0, 0, 0, 2)))
    return Group(*lines)


def _plan_facts(plan: Plan) -> Iterator[str]:
    if plan.plan_intent:
        yield plan.plan_intent.lower()
    fractions, dose_gy = plan.number_of_fractions_planned, plan.dose_per_fraction_gy
    if fractions is not None:
        yield f"{fractions} fraction{'' if fractions == 1 else 's'}" + (
            f" of {dose_gy:.2f} Gy" if dose_gy else ""
        )
    if plan.target_prescription_dose_gy:
        yield f"prescribed {plan.target_prescription_dose_gy:g} Gy"
    yield from map(clean, plan.treatment_machine_names)
    if plan.planned_on:
        yield f"planned {plan.planned_on}"


def _beams(beams: Sequence[Beam]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("right", "left", "left", "right", "right"):
        table.add_column(justify=justify, overflow="fold")
    for beam in beams:
        meterset, dose_gy = beam.beam_meterset, beam.beam_dose_gy
        table.add_row(
            f"beam {beam.beam_number}",
            clean(beam.beam_name),
            clean(" ".join(part for part in (_radiation(beam), beam.technique) if part)),
            "" if meterset is None else f"{meterset:.1f} {beam.primary_dosimeter_unit.value}",
            "" if dose_gy is None else f"{dose_gy:.3f} Gy",
        )
    return table


def _radiation(beam: Beam) -> str:
    """Return "6 MV", "92.0–125.2 MeV": what the technique does not say already."""
    energies = {point.nominal_beam_energy for point in beam.control_points}
    known = sorted(energy for energy in energies if energy)
    if not known:
        return ""
    unit = "MV" if beam.radiation_type is RadiationType.PHOTON else "MeV"
    low, high = known[0], known[-1]
    return f"{low:g} {unit}" if low == high else f"{low:.1f}–{high:.1f} {unit}"


def _positions(patient: PatientReading) -> tuple[PlanPosition, ...]:
    return patient.position.plans if patient.position else ()


def _position(position: PlanPosition) -> Text:
    planned = "?" if position.fractions_planned is None else position.fractions_planned
    line = Text(f"by these records: {position.fractions_complete} of {planned} fractions complete")
    if position.fractions_partial:
        line.append(f", {position.fractions_partial} begun and not finished", style="yellow")
    if position.next_fraction_number is not None:
        line.append(f", next is {position.next_fraction_number}")
    for conflict in position.conflicts:
        line.append(f"\n! {clean(conflict.text)}", style="yellow")
    return line


def _records(
    records: Sequence[TreatmentRecord], labels: dict[str, str], zone: ZoneInfo
) -> Iterator[RenderableType]:
    by_plan: dict[str | None, list[TreatmentRecord]] = {}
    for record in records:
        by_plan.setdefault(record.referenced_plan_uid, []).append(record)
    for plan_uid, of_plan in by_plan.items():
        if plan_uid is None:
            where = "naming no plan"
        elif plan_uid in labels:
            where = f"of plan {clean(labels[plan_uid])}"
        else:
            where = "of a plan that is not here"
        title = Text(_count(len(of_plan), "treatment record"), style=_HEAD).append(f" {where}", style="none")
        yield Group(title, Padding(_record_table(of_plan, zone), (0, 0, 0, 2)))


def _record_table(records: Sequence[TreatmentRecord], zone: ZoneInfo) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(overflow="fold")
    for record in records:
        for row, delivery in enumerate(record.deliveries):
            how = outcome(delivery)
            number = delivery.current_fraction_number
            beam = delivery.referenced_beam_number
            what = f"fraction {'?' if number is None else number}, beam {'?' if beam is None else beam}"
            result = Text(how, style=_GOOD if how == "complete" else "yellow")
            result.append(" " + _given(delivery), style="none")
            table.add_row(_local(record.treated_at, zone) if row == 0 else "", what, result)
    return table


def _given(delivery: BeamDelivery) -> str:
    given, wanted = delivery.delivered_meterset, delivery.specified_meterset
    if given is None:
        return ""
    of = "" if wanted is None else f" of {wanted:.1f}"
    unit = delivery.primary_dosimeter_unit.value
    ended = delivery.termination_status.value.lower()
    return f"{given:.1f}{of} {unit}".rstrip() + (f", {ended}" if ended not in {"normal", "unknown"} else "")


def _volume_rows(patient: PatientReading) -> Iterator[tuple[str, str, str]]:
    for summary in patient.summaries:
        done, planned = summary.number_of_fractions_delivered, summary.number_of_fractions_planned
        status = clean(summary.current_treatment_status.lower().replace("_", " "))
        counts = "" if done is None else f"{done} of {'?' if planned is None else planned} fractions"
        yield "summary record", status, counts
    for structure_set in patient.structure_sets:
        yield "structure set", clean(structure_set.structure_set_label), _structure_words(structure_set)
    for dose in patient.doses:
        kind = f"{clean(dose.dose_summation_type.lower())} {clean(dose.dose_type.lower())}"
        yield "dose", kind, _dose_words(dose)
    for series in patient.image_series:
        yield series.kind, clean(f"{series.modality} {series.description}".strip()), _series_words(series)
    if patient.registrations:
        yield "registration", "", _count(len(patient.registrations), "object")
    for other in patient.others:
        yield "kept as it is", clean(other.label), _count(other.object_count, "object")


def _structure_words(structure_set: StructureSet) -> str:
    images = len(structure_set.referenced_image_uids)
    return f"{_count(len(structure_set.rois), 'region')} on {_count(images, 'image')}"


def _dose_words(dose: Dose) -> str:
    grid = " × ".join(map(str, dose.grid_shape))
    return f"{grid}" + ("" if dose.maximum_dose_gy is None else f", maximum {dose.maximum_dose_gy:.2f} Gy")


def _series_words(series: ImageSeries) -> str:
    return f"{_count(series.image_count, 'image')} of {series.columns} × {series.rows}"


def _rows(rows: Iterable[tuple[str, str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(overflow="fold")
    counted = Counter(rows)
    for (kind, what, words), times in counted.items():
        table.add_row(kind, what, words + (f"  ({times} of them)" if times > 1 else ""))
    return table


def _reference_lines(patient: PatientReading) -> Text:
    missing = sum(len(target.sop_instance_uids) for target in patient.references_missing)
    line = Text(f"References: {patient.references_resolved} lead to an object here")
    if not missing:
        return line.append(", none to one that is not.", style=_GOOD)
    line.append(f", {missing} to one that is not:", style="yellow")
    for target in patient.references_missing:
        names = _count(len(target.sop_instance_uids), target.role)
        line.append(f"\n  ✗ {clean(target.label)} → {names} not here", style="yellow")
    return line


def _findings(reading: Reading) -> Iterator[RenderableType]:
    for study in reading.studies_with_several_patients:
        names = ", ".join(clean(patient_id) or "(none)" for patient_id in study.patient_ids)
        yield Text(
            f"! One study names {len(study.patient_ids)} Patient IDs: {names}. They are shown apart, "
            "not merged.\n",
            style=_BAD,
        )
    if reading.repeated:
        different = [item for item in reading.repeated if not item.identical]
        yield Text(
            f"{_count(len(reading.repeated), 'object')} found more than once; counted once"
            + (f"; {len(different)} with different bytes under one SOP Instance UID" if different else "")
            + ".\n",
            style=_BAD if different else _DIM,
        )
    for warned in reading.warnings:
        yield _with_paths(f"Odd, but read: {warned.text}", warned.paths, style="yellow")
    by_reason: dict[str, list[str]] = {}
    for file in reading.unreadable:
        by_reason.setdefault(file.reason, []).append(file.path)
    for reason, paths in by_reason.items():
        yield _with_paths(f"Not read: {reason}", paths, style=_BAD)


def _with_paths(text: str, paths: Sequence[str], *, style: str) -> Text:
    line = Text(clean(text), style=style)
    for path in paths[:PATHS_SHOWN]:
        line.append(f"\n  {clean(path)}", style="none")
    if len(paths) > PATHS_SHOWN:
        line.append(f"\n  and {len(paths) - PATHS_SHOWN} more (--json lists them)", style=_DIM)
    return line.append("\n")


def _summary(reading: Reading) -> Text:
    if not reading.file_count:
        return Text("There is no file to read.", style=_BAD)
    line = Text(
        f"{_count(reading.file_count, 'file')}: {_count(reading.object_count, 'object')}", style=_HEAD
    )
    line.append(f" of {_count(len(reading.patients), 'patient')}")
    if reading.unreadable:
        return line.append(f"; {_count(len(reading.unreadable), 'file')} could not be read.", style=_BAD)
    return line.append("; every file could be read.", style=_GOOD)


def _local(instant: datetime | None, zone: ZoneInfo) -> str:
    return "no date" if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
