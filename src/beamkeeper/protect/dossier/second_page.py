"""The second page: what was ordered, how the patient lies, the beams, what a partner needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.chart import NoteKind
from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.words import at, line, note, number, plural
from beamkeeper.protect.dossier.beam_table import beams_table, machine_rows
from beamkeeper.protect.dossier.sheet import Lines, Pairs, Section, Table
from beamkeeper.protect.dossier.standing import in_order, intent_words, is_open, label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.plan import Plan, Prescription
    from beamkeeper.domain.setup import DoseReference, PatientSetup
    from beamkeeper.protect.dossier.sheet import Block
    from beamkeeper.protect.dossier.source import DossierSource

SETUP_NOTES_SHOWN_MAX, DOSE_REFERENCES_SHOWN_MAX = 6, 12


def second_sections(source: DossierSource) -> tuple[Section, ...]:
    """Return the sections of the second page; finished plans stand with the details."""
    to_treat = [plan for plan in in_order(source) if is_open(source, plan)]
    beams = [table for plan in to_treat for table in beams_table(source, plan)]
    nothing = Lines(items=("There is no plan to treat with.",))
    return (
        Section(title="Prescription and intent", blocks=tuple(_prescription(source))),
        Section(title="Setup", blocks=tuple(_setup(source, to_treat)) or (nothing,)),
        Section(title="Beams", blocks=tuple(beams) or (nothing,)),
        Section(title="What another department needs to know", blocks=tuple(_partner(source, to_treat))),
    )


def _prescription(source: DossierSource) -> Iterator[Block]:
    ordered = [
        _ordered_row(course.course_id, course.diagnosis, rx, source)
        for course in source.entry.courses
        for rx in course.prescriptions
    ]
    if ordered:
        yield Table(
            title="As the OIS orders it",
            header=("Course", "Prescription", "Dose", "Target, technique", "Diagnosis", "Approved"),
            rows=tuple(ordered),
            widths=("auto", "1fr", "auto", "1fr", "1fr", "auto"),
        )
    plans = [_plan_row(source, plan) for plan in in_order(source)]
    if plans:
        yield Table(
            title="As the plans state it",
            header=("Plan", "Intent", "Prescribed", "Fractions", "Per fraction", "Approved"),
            rows=tuple(plans),
            widths=("1fr", "auto", "1fr", "auto", "auto", "auto"),
        )
    if not ordered and not plans:
        yield Lines(items=("No source gives a prescription.",))


def _ordered_row(course: str, diagnosis: str, rx: Prescription, source: DossierSource) -> tuple[str, ...]:
    dose = " × ".join(
        (
            "?" if rx.number_of_fractions is None else str(rx.number_of_fractions),
            "? Gy" if rx.dose_per_fraction_gy is None else f"{rx.dose_per_fraction_gy:g} Gy",
        )
    )
    total = "" if rx.total_dose_gy is None else f" = {rx.total_dose_gy:g} Gy"
    approved = ", ".join(
        filter(None, (line(rx.approved_by), at(rx.approved_at, source.zone) if rx.approved_at else ""))
    )
    return (
        line(course),
        ", ".join(filter(None, (line(rx.name), line(rx.pattern)))),
        dose + total,
        ", ".join(filter(None, (line(rx.target), line(rx.technique)))) or "–",
        line(diagnosis) or "–",
        approved or line(rx.status) or "–",
    )


def _plan_row(source: DossierSource, plan: Plan) -> tuple[str, ...]:
    said = [_dose_reference(item) for item in plan.dose_references]
    targets = [text for text in said if text][:DOSE_REFERENCES_SHOWN_MAX]
    if plan.prescription_description:
        targets.insert(0, line(plan.prescription_description))
    fractions = plan.number_of_fractions_planned
    if plan.approval_status is ApprovalStatus.APPROVED:
        by = line(shown_name(plan.approved_by))
        when = at(plan.approved_at, source.zone) if plan.approved_at else ""
        approved = "\n".join(filter(None, (by, when))) or "yes"
    else:
        approved = "NO" if plan.approval_status is not ApprovalStatus.UNKNOWN else "not stated"
    return (
        "\n".join(dict.fromkeys(filter(None, (label(plan), line(plan.rt_plan_name))))),
        intent_words(source, plan),
        "\n".join(dict.fromkeys(targets)) or "not stated",
        "?" if fractions is None else str(fractions),
        "not stated" if plan.dose_per_fraction_gy is None else f"{plan.dose_per_fraction_gy:.3f} Gy",
        approved,
    )


def _dose_reference(item: DoseReference) -> str:
    what = line(item.description, longest=60)
    if item.target_prescription_dose_gy is not None:
        return f"{what or 'target'}: {item.target_prescription_dose_gy:.2f} Gy"
    if item.delivery_maximum_dose_gy is not None:
        return f"{what or 'organ at risk'}: at most {item.delivery_maximum_dose_gy:.2f} Gy"
    return ""


def _setup(source: DossierSource, plans: list[Plan]) -> Iterator[Block]:
    rows = [row for plan in plans for row in _setup_rows(plan)]
    if rows:
        yield Table(
            header=("Plan", "Lies", "Technique", "Devices", "Shift to isocentre", "Tolerance", "Couch"),
            rows=tuple(rows),
            widths=("auto", "auto", "1fr", "1fr", "auto", "auto", "auto"),
        )
    else:
        yield Lines(items=("No plan says how the patient is positioned.",))
    notes = [
        f"{line(item.subject) or 'Setup note'}: {note(item.text)}"
        for chart in source.entry.charts
        for item in chart.notes
        if item.kind is NoteKind.SETUP
    ]
    notes += [
        f"{line(item.name or item.field_id)}: {note(item.setup_note)}"
        for chart in source.entry.charts
        for item in chart.fields
        if item.setup_note
    ]
    if notes := list(dict.fromkeys(notes)):
        more = len(notes) - SETUP_NOTES_SHOWN_MAX
        said = [f"and {more} more, under “Notes”"] if more > 0 else []
        yield Lines(items=(*notes[:SETUP_NOTES_SHOWN_MAX], *said))


def _setup_rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    """Yield each way the patient lies once, however many setups say the same."""
    by_number = {item.patient_setup_number: item for item in plan.patient_setups}
    seen: dict[tuple[str, ...], None] = {}
    used = [beam for beam in plan.beams if beam.setup.patient_setup_number in by_number]
    for beam in used:
        setup = by_number[beam.setup.patient_setup_number or 0]
        row = (*_lies(setup), line(beam.setup.tolerance_table) or "–", _millimetres(beam.setup.couch_mm))
        seen[row] = None
    if not used:
        tolerances = {line(beam.setup.tolerance_table) for beam in plan.beams} - {""}
        for setup in plan.patient_setups:
            seen[(*_lies(setup), ", ".join(sorted(tolerances)) or "–", "–")] = None
    for row in seen:
        yield (label(plan), *row)


def _lies(setup: PatientSetup) -> tuple[str, ...]:
    return (
        line(setup.patient_position) or "?",
        line(setup.technique) or "–",
        "\n".join(map(line, setup.devices)) or "–",
        _millimetres(setup.shifts_mm),
    )


def _millimetres(values: tuple[tuple[str, float], ...]) -> str:
    return "\n".join(f"{word} {number(value)} mm" for word, value in values) or "–"


def _missing(source: DossierSource) -> str:
    if not source.readiness:
        return "not looked at: there is no plan to treat with"
    lacking = sum(bool(item.blocking) for item in source.readiness)
    return (
        f"something for {plural(lacking, 'plan')}: see page 1" if lacking else "nothing that was looked for"
    )


def _partner(source: DossierSource, plans: list[Plan]) -> Iterator[Block]:
    rows = [row for plan in plans for row in machine_rows(plan)]
    if rows:
        yield Table(
            header=("Plan", "Machine", "Beams", "Energies", "MLC", "Fluence", "Accessories"),
            rows=tuple(rows),
            widths=("auto", "1fr", "1fr", "auto", "1fr", "auto", "1fr"),
        )
    kinds: dict[str, int] = {}
    for item in source.objects:
        kinds[item.kind.value] = kinds.get(item.kind.value, 0) + 1
    there = ", ".join(f"{count} × {kind}" for kind, count in sorted(kinds.items()))
    yield Pairs(
        rows=(
            ("What this copy has", there or "no DICOM objects"),
            ("What is missing", _missing(source)),
            ("Fractions given", "only what stands in records; ask before the next one if any day is missing"),
        )
    )
