"""The report as plain text, fit for mail: no names, no birth dates, 78 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.domain.change import SEVERITY, Grade
from beamkeeper.protect.report.mail import fit_for_mail
from beamkeeper.protect.report.words import (
    DECIDES,
    GRADE_WORDS,
    counted,
    expected_in_words,
    headline,
    kept_in_words,
    lacks_in_words,
    local,
    plural,
    position_in_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.night import NightReport, PatientNight
    from beamkeeper.protect.report.mail import MailReport

WIDTH = 78
CHANGES_SHOWN_MAX = 12


def render_text(report: NightReport, *, list_digest: str = "") -> str:
    """Return the report as text that names patients by their pseudonym only; `list_digest` as on the page."""
    return "\n".join(_lines(fit_for_mail(report), list_digest)) + "\n"


def _lines(report: MailReport, list_digest: str) -> Iterator[str]:
    zone = ZoneInfo(report.time_zone)
    yield f"BEAMKEEPER · {report.site_name} · night of {report.run_on:%A %d %B %Y}"
    yield "=" * WIDTH
    yield from _wrap(headline(report))
    yield ""
    if report.alarm:
        yield from _wrap("ALARM: " + report.alarm)
        yield ""
    yield from _counts(report)
    yield from _eyes(report)
    yield from _identities(report)
    yield from _failures(report)
    yield from _unsent(report)
    yield from _expected(report)
    yield from _positions(report, zone)
    yield from _how_it_went(report, zone)
    if list_digest:
        yield "list that is voted on"
        yield f"  {list_digest}"
    yield ""
    yield from _wrap(DECIDES)


def _wrap(text: str, indent: str = "", hanging: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=True,
    )


def _title(text: str) -> Iterator[str]:
    yield ""
    yield text
    yield "-" * len(text)


def _counts(report: MailReport) -> Iterator[str]:
    whole = sum(patient.is_whole for patient in report.patients)
    yield f"Patients kept whole   {whole} of {len(report.patients)}"
    for grade in sorted(Grade, key=lambda g: -SEVERITY[g]):
        if report.count(grade):
            yield f"  {GRADE_WORDS[grade]:<18}  {counted(report, grade)}"


def _who(patient: PatientNight) -> str:
    return f"Patient {patient.pseudonym[:10]}"


def _eyes(report: MailReport) -> Iterator[str]:
    if not report.eyes_count:
        return
    yield from _title("Look at these")
    for patient in report.patients:
        if not patient.eyes:
            continue
        yield _who(patient)
        for item in patient.eyes:
            yield from _wrap(f"[{GRADE_WORDS[item.grade]}] {item.title}", "  ", "    ")
            for change in item.changes[:CHANGES_SHOWN_MAX]:
                yield from _wrap("· " + change.text, "    ", "      ")
            if (more := len(item.changes) - CHANGES_SHOWN_MAX) > 0:
                yield f"    · and {plural(more, 'more difference')}, see the page"


def _identities(report: MailReport) -> Iterator[str]:
    if not report.identity_count:
        return
    yield from _title("Who is who")
    for patient in report.patients:
        for text in patient.identity:
            yield from _wrap(f"{_who(patient)}: {text}", "", "  ")


def _failures(report: MailReport) -> Iterator[str]:
    broken = [patient for patient in report.patients if not patient.is_whole]
    if not broken and not report.warnings:
        return
    yield from _title("Not kept, and why")
    for patient in broken:
        yield from _wrap(f"{_who(patient)}: {kept_in_words(patient)}", "", "  ")
        for item in patient.not_kept:
            what = f"{item.what} {item.sop_instance_uid}".strip()
            yield from _wrap(f"· {what}: {item.reason}", "  ", "    ")
    for warning in report.warnings:
        yield from _wrap("· " + warning, "", "  ")


def _unsent(report: MailReport) -> Iterator[str]:
    if not report.unsent_count:
        return
    yield from _title("Approved plans that were not sent everywhere")
    for patient in report.patients:
        for text in patient.unsent:
            yield from _wrap(f"{_who(patient)}: {text}", "", "  ")


def _expected(report: MailReport) -> Iterator[str]:
    if not any(patient.expected_changes for patient in report.patients):
        return
    yield from _title("Expected")
    for patient in report.patients:
        for line in expected_in_words(patient.expected_changes):
            yield from _wrap(f"{_who(patient)}: {line}", "", "  ")


def _positions(report: MailReport, zone: ZoneInfo) -> Iterator[str]:
    yield from _title("Where everybody stands")
    for patient in report.patients:
        finished = " (finished)" if patient.finished else ""
        yield f"{_who(patient)}{finished}"
        if patient.position is None or not patient.position.plans:
            yield "  no plan yet"
        if patient.position is None:
            continue
        for plan in patient.position.plans:
            yield from _wrap(position_in_words(plan, zone), "  ", "    ")
            for conflict in plan.conflicts:
                yield from _marked(conflict.text)
        for conflict in patient.position.conflicts:
            yield from _marked(conflict.text)
        if patient.position.unassigned_record_uids:
            count = plural(len(patient.position.unassigned_record_uids), "treatment record")
            yield from _marked(f"{count} without a plan: a person must say where it belongs")
        for label, lacking in lacks_in_words(patient):
            reasons = plural(len(lacking), "reason")
            yield from _marked(f"{label} is not ready to treat from this copy: {reasons} on the page")


def _marked(text: str) -> list[str]:
    return _wrap("! " + text, "    ", "      ")


def _how_it_went(report: MailReport, zone: ZoneInfo) -> Iterator[str]:
    yield from _title("How it went")
    for source in report.sources:
        said = plural(source.patient_count, "patient") if source.answered else f"NO ANSWER: {source.error}"
        yield from _wrap(f"{source.source}: {said}", "", "  ")
        for warning in source.warnings:
            yield from _wrap("· " + warning, "  ", "    ")
    for remark in report.remarks:
        yield from _wrap(remark, "", "  ")
    if report.stale_census:
        yield from _wrap("No source of the list answered: the last known list was used.")
    yield f"from {local(report.started_at, zone)} to {local(report.finished_at, zone)} ({report.time_zone})"
    yield f"vault: {plural(report.vault_parcels, 'parcel')}, {report.vault_bytes / 1e6:.1f} MB"
    if report.audit_head is not None:
        yield f"audit log: {plural(report.audit_head.sequence, 'line')}, the last with SHA-256"
        yield f"  {report.audit_head.sha256}"
    if report.compared_with is not None:
        yield f"compared with the night of {report.compared_with}"
