"""The verification report on paper and for programs; the beams with room for what another system shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.domain.beam_words import energy, gantry, meterset, mlc
from beamkeeper.domain.words import gy, line, number, plural
from beamkeeper.protect.lists.html import page_html
from beamkeeper.protect.lists.page import (
    Column,
    Group,
    Line,
    Page,
    PageRow,
    Style,
    at,
    cell,
    identifiers,
    name_of,
)
from beamkeeper.protect.lists.pdf import page_pdf
from beamkeeper.protect.lists.text import page_text
from beamkeeper.respond.handover.import_finding import Grade, Question

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.plan import Beam, Plan
    from beamkeeper.respond.handover.import_finding import Finding
    from beamkeeper.respond.handover.import_report import ImportReport

DECIDES: Final = (
    "Decision support: the physicist who takes the patient in decides whether it may be used, and signs."
)
BEAMS_SHOWN_MAX: Final = 60
"""So many beams of one plan are printed (CyberKnife has hundreds); the rest is counted."""
BOX: Final = "☐ same   ☐ other: ______________"
SIGNATURE: Final = "Signature ______________________________ Date, time ______________"
_SAID: Final = {
    Question.INTEGRITY: "everything arrived, whole, of one patient",
    Question.CONSISTENCY: "the objects fit one another",
    Question.INTERPRETATION: "it is read as it was meant",
}
_WORDS: Final = {
    Grade.OK: "Nothing was found that speaks against it.",
    Grade.LOOK: "A person has to look at what is marked LOOK.",
    Grade.STOP: "Nothing is treated from this set before what is marked STOP is settled.",
}
_FIRST: Final = (Grade.STOP, Grade.LOOK, Grade.OK)
_FORMAT, _VERSION = "beamkeeper-import-report", 1


def import_page(report: ImportReport, *, site_name: str, made_at: datetime, zone: ZoneInfo) -> Page:
    """Return the report as a page.

    Parameters
    ----------
    site_name
        The house that takes the patient in.
    """
    patient = report.announced.patient
    grades = [finding.grade for finding in report.findings]
    stop, look, right = (grades.count(grade) for grade in (Grade.STOP, Grade.LOOK, Grade.OK))
    return Page(
        title="Verification of a set that came in",
        site_name=site_name,
        night=f"{name_of(patient)}, {identifiers(patient)}",
        trust=f"{', '.join(plural(count, kind) for kind, count in report.counts) or 'No object'}.",
        made=f"Made {at(made_at, zone)} ({zone.key})",
        warnings=() if report.worst is Grade.OK else (_WORDS[report.worst],),
        summary=(
            f"{plural(len(grades), 'test')}: {stop} stop, {look} look, {right} ok.",
            *((_WORDS[Grade.OK],) if report.worst is Grade.OK else ()),
        ),
        columns=(
            Column("", 1.2),
            Column("What", 5),
            Column("Expected; read here", 6),
            Column("Found; shown there", 6),
        ),
        groups=(
            *(_tests(report, test) for test in Question),
            *(_beams(plan) for plan in report.plans),
            Group("Signed", DECIDES, (PageRow((cell(""), cell("Physicist"), cell(SIGNATURE), cell(""))),)),
        ),
        notes=(
            "Integrity, consistency and interpretation after AAPM TG-201.",
            "The tests read the files, not the systems that these were imported into.",
            "Compare the beams with what the treatment planning system and the record system there show.",
        ),
        decides=DECIDES,
        empty="Nothing came in.",
        pictures=report.pictures,
    )


def import_files(
    report: ImportReport, *, site_name: str, made_at: datetime, zone: ZoneInfo
) -> dict[str, bytes]:
    """Return the report as files by name: PDF, HTML and text."""
    page = import_page(report, site_name=site_name, made_at=made_at, zone=zone)
    return {
        "import-report.pdf": page_pdf(page, made_at=int(made_at.timestamp())),
        "import-report.html": page_html(page).encode("utf-8", "replace"),
        "import-report.txt": page_text(page).encode("utf-8", "replace"),
    }


def import_facts(report: ImportReport) -> dict[str, object]:
    """Return the report for programs; names no patient but by Patient ID."""
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "patient_id": report.announced.patient.patient_id,
        "worst": report.worst.value,
        "objects": dict(report.counts),
        "findings": [
            {
                "test": one.test.value,
                "plan": one.about,
                "what": one.what,
                "grade": one.grade.value,
                "expected": one.expected,
                "found": one.found,
            }
            for one in report.findings
        ],
        "plans": [
            {
                "sop_instance_uid": plan.sop_instance_uid,
                "rt_plan_label": plan.rt_plan_label,
                "beams": [
                    {"beam_number": beam.beam_number, "beam_name": beam.beam_name, "read": list(_read(beam))}
                    for beam in plan.beams
                ],
            }
            for plan in report.plans
        ],
        "decides": DECIDES,
    }


def _tests(report: ImportReport, test: Question) -> Group:
    """Return the tests of one question, those that somebody has to act on first."""
    found = sorted(
        (finding for finding in report.findings if finding.test is test),
        key=lambda finding: _FIRST.index(finding.grade),
    )
    return Group(test.value.capitalize(), _SAID[test], tuple(map(_row, found)))


def _row(finding: Finding) -> PageRow:
    mark = Line(finding.grade.value.upper(), Style.PLAIN if finding.grade is Grade.OK else Style.MARK)
    about = Line(f"plan {finding.about}", Style.SMALL) if finding.about else None
    return PageRow(
        (
            cell(mark),
            cell(Line(finding.what, Style.STRONG), about),
            cell(finding.expected),
            cell(finding.found),
        )
    )


def _beams(plan: Plan) -> Group:
    planned = plan.number_of_fractions_planned
    said = (
        f"{planned if planned is not None else '?'} fractions, {gy(plan.dose_per_fraction_gy)} each, "
        f"prescribed {gy(plan.target_prescription_dose_gy)}, {plan.approval_status.value.lower()}"
    )
    rows = [_beam(beam) for beam in plan.beams[:BEAMS_SHOWN_MAX]]
    if (more := len(plan.beams) - BEAMS_SHOWN_MAX) > 0:
        rows.append(
            PageRow((cell(""), cell(f"{plural(more, 'beam')} more, not printed"), cell(""), cell("")))
        )
    return Group(f"Plan {line(plan.rt_plan_label) or '(no label)'}", said, tuple(rows))


def _beam(beam: Beam) -> PageRow:
    return PageRow(
        (
            cell(str(beam.beam_number)),
            cell(
                Line(beam.beam_name or "(no name)", Style.STRONG),
                beam.technique,
                beam.treatment_machine_name or "no machine named",
            ),
            cell(*_read(beam)),
            cell(BOX),
        )
    )


def _read(beam: Beam) -> Iterator[str]:
    """Yield what is read of a beam, each in a line to be compared."""
    first = beam.control_points[0] if beam.control_points else None
    yield f"{energy(beam)}, {meterset(beam)}, {plural(beam.setup.control_point_count, 'control point')}"
    angles = (first.collimator_angle_deg, first.couch_angle_deg) if first else (None, None)
    yield f"gantry {gantry(beam)}, collimator {number(angles[0])}, couch {number(angles[1])}"
    if first is not None and first.isocenter_mm is not None:
        yield f"isocentre {' / '.join(f'{value:.1f}' for value in first.isocenter_mm)} mm"
    if first is not None and first.jaw_positions_mm:
        yield "jaws " + ", ".join(
            f"{device.removeprefix('ASYM')} {one:.1f} / {other:.1f}"
            for device, one, other in first.jaw_positions_mm
        )
    yield mlc(beam)
    if beam.accessories:
        yield ", ".join(beam.accessories)
