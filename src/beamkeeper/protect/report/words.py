"""The sentences both forms of the report share."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from beamkeeper.domain.change import Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.domain.objects import ObjectKind

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.night import NightReport, PatientNight
    from beamkeeper.domain.position import PlanPosition

LABELS_SHOWN_MAX = 4

DECIDES = "Decision support: a physicist decides what a change means and whether it is genuine."

GRADE_WORDS: dict[Grade, str] = {
    Grade.CLINICAL: "CLINICAL",
    Grade.UNREADABLE: "UNREADABLE",
    Grade.MISSING: "MISSING",
    Grade.ADMINISTRATIVE: "administrative",
    Grade.NEW: "new",
    Grade.RE_ENCODED: "re-encoded",
    Grade.IDENTICAL: "identical",
}

GRADE_SIGNS: dict[Grade, str] = {
    Grade.CLINICAL: "▲",
    Grade.UNREADABLE: "✕",
    Grade.MISSING: "○",
    Grade.ADMINISTRATIVE: "△",
    Grade.NEW: "+",
    Grade.RE_ENCODED: "≈",
    Grade.IDENTICAL: "=",
}
"""A sign beside every word and colour: the page is read in black and white too."""


def plural(count: int, one: str, many: str = "") -> str:
    """Return "1 change", "2 changes"."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def counted(report: NightReport, grade: Grade) -> str:
    """Return how much got a grade: "3 objects", "2 objects and 1 document", "1 document"."""
    documents = report.documents(grade)
    objects = report.count(grade) - documents
    parts = [plural(objects, "object")] if objects or not documents else []
    return " and ".join([*parts, *([plural(documents, "document")] if documents else [])])


def headline(report: NightReport) -> str:
    """Return what a physicist reads first: one sentence, and another where a plan did not get everywhere."""
    said = _headline(report)
    if report.unsent_count:
        said += f" {plural(report.unsent_count, 'export')} of approved plans failed."
    return said


def _headline(report: NightReport) -> str:
    if report.outcome is NightOutcome.STOPPED:
        return "The night was stopped. The last good copies are untouched."
    if not report.patients:
        return "Nobody was on the list: this is not a quiet night."
    failures = sum(not patient.is_whole for patient in report.patients)
    parts = []
    if report.eyes_count:
        count = plural(report.eyes_count, "change")
        parts.append(f"{count} need{'s' if report.eyes_count == 1 else ''} your eyes")
    if failures:
        parts.append(f"{plural(failures, 'patient')} not kept whole")
    if report.identity_count:
        parts.append(f"{plural(report.identity_count, 'patient')} with a doubt about who it is")
    if parts:
        return "; ".join(parts).capitalize() + "."
    if report.compared_with is None:
        return "The first night: everybody on the list is kept."
    return "Everybody is kept, and nothing unexpected changed."


def local(instant: datetime | None, zone: ZoneInfo) -> str:
    """Return an instant as the clock on the wall shows it."""
    return "–" if instant is None else instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def kept_in_words(patient: PatientNight) -> str:
    """Return how well this patient is kept."""
    if patient.error:
        return f"NOT KEPT: {patient.error}"
    if not patient.stored:
        return "NOT STORED tonight; the copy of the night before stays"
    if patient.not_kept and not patient.expected_count:
        return "NO OBJECT is listed for this patient; why, is named below"
    if patient.not_kept and patient.received_count == patient.expected_count:
        counted = f"all {patient.expected_count} objects that are listed{_and_documents(patient)}"
        return f"{counted}; what else lacks is named below"
    if patient.not_kept:
        counted = f"{patient.received_count} of {patient.expected_count} objects{_and_documents(patient)}"
        return f"{counted}; the rest is named below"
    if not patient.expected_count:
        return f"the sources have no object of this patient yet{_and_documents(patient)}"
    return f"all {patient.expected_count} objects{_and_documents(patient)}"


def _and_documents(patient: PatientNight) -> str:
    return f" and {plural(patient.document_count, 'document')}" if patient.document_count else ""


def expected_in_words(comparisons: tuple[ObjectComparison, ...]) -> list[str]:
    """Return expected changes as counted sentences: "a new fraction: fraction 7, 1 beam (3 objects)"."""
    groups: dict[str, list[str]] = {}
    for item in comparisons:
        # A series has hundreds of images: counted by modality, never listed.
        label = f"{item.modality} images" if item.kind == ObjectKind.IMAGE else item.label
        groups.setdefault(item.expected, []).append(label)
    lines = []
    for reason, labels in groups.items():
        counted = Counter(labels)
        names = [label if n == 1 else f"{label} ({n} objects)" for label, n in counted.items()]
        more = len(names) - LABELS_SHOWN_MAX
        shown = ", ".join(names[:LABELS_SHOWN_MAX]) + (f", and {more} more" if more > 0 else "")
        lines.append(f"{reason}: {shown}")
    return lines


def lacks_in_words(patient: PatientNight) -> list[tuple[str, tuple[str, ...]]]:
    """Return what keeps plans from being treated from this copy, without what is said of the position.

    By label of the plan, each reason a sentence; plans that lack nothing are left out.
    """
    said = {conflict.text for conflict in (patient.position.conflicts if patient.position else ())}
    for plan in patient.position.plans if patient.position else ():
        said |= {conflict.text for conflict in plan.conflicts}
    lines = []
    for ready in patient.readiness:
        lacking = tuple(text for text in ready.blocking if text not in said)
        if lacking:
            lines.append((ready.rt_plan_label, lacking))
    return lines


def position_in_words(plan: PlanPosition, zone: ZoneInfo) -> str:
    """Return where a plan stands in one line."""
    planned = "?" if plan.fractions_planned is None else str(plan.fractions_planned)
    line = f"{plan.rt_plan_label}: {plan.fractions_complete} of {planned} fractions"
    if plan.dose_so_far_gy is not None:
        line += f", {plan.dose_so_far_gy:.2f} Gy"
    if plan.fractions_partial:
        line += f", {plural(plan.fractions_partial, 'fraction')} begun and not finished"
    if plan.next_fraction_number is not None:
        verb = "complete" if plan.next_is_continuation else "give"
        line += f"; next: {verb} fraction {plan.next_fraction_number}"
    if plan.last_treated_at is not None:
        line += f"; last {local(plan.last_treated_at, zone)}"
    return line
