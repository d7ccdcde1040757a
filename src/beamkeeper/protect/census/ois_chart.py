"""What an OIS's chart says of one patient, out of its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from beamkeeper.domain.chart import (
    Chart,
    ChartAppointment,
    ChartDocument,
    ChartField,
    ChartPlan,
    Note,
    NoteKind,
    Physician,
    Triage,
)
from beamkeeper.protect.census.ois_file import grouped, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.protect.census.ois_file import OisFile
    from beamkeeper.protect.census.ois_rows import OisField, OisPlan, OisTriage

T = TypeVar("T")

_IN_ORDER = (NoteKind.ALERT, NoteKind.SETUP, NoteKind.NOTE)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def chart(file: OisFile, *, source: str, coming_from: datetime, past_since: datetime) -> Chart:
    """Return the chart.

    Parameters
    ----------
    coming_from
        Appointments from here on that may still take place belong to the list, not to the past.
    past_since
        Older appointments are not shown.
    """
    courses = {course.key: course.course_id for course in file.courses}
    return Chart(
        source=source,
        physicians=tuple(
            Physician(role=one.role, name=one.name, phone=one.phone)
            for one in sorted(
                _once(file.physicians), key=lambda one: (one.role != PRIMARY, one.role, one.name)
            )
        ),
        notes=tuple(_notes(file)),
        triage=_triage(file.triages),
        plans=tuple(_plan(plan, courses.get(plan.course_key, "")) for plan in file.plans),
        fields=tuple(_fields(file)),
        past_appointments=tuple(_past(file, coming_from=coming_from, past_since=past_since)),
        documents=tuple(
            ChartDocument(
                document_id=one.doc_key,
                title=one.title,
                path=one.path,
                kind=one.kind,
                created_at=one.created_at,
                revised_at=one.revised_at,
            )
            for one in sorted(file.documents, key=lambda one: one.doc_key)
        ),
    )


PRIMARY = "primary oncologist"
"""The role of which there is one."""


def physician_disagreement(file: OisFile, source: str) -> tuple[str, ...]:
    """Return in words that several physicians are called the one who answers for the patient."""
    names = sorted({one.name for one in file.physicians if one.role == PRIMARY})
    return (f"{source}: several are {PRIMARY}: {'; '.join(names)}",) if len(names) > 1 else ()


def triage_disagreement(triages: tuple[OisTriage, ...], source: str) -> tuple[str, ...]:
    """Return in words that several triage codes are given and none of them is the latest."""
    chosen = _triage(triages)
    codes = sorted({one.code for one in triages if chosen and one.given_at == chosen.given_at})
    return (f"{source}: triage codes {' and '.join(codes)}",) if len(codes) > 1 else ()


def _once(rows: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(rows))


def _triage(triages: tuple[OisTriage, ...]) -> Triage | None:
    """Return the latest; of several that are equally late the first by code, the most urgent."""
    if not triages:
        return None
    latest = max(one.given_at or _EARLIEST for one in triages)
    one = min((t for t in triages if (t.given_at or _EARLIEST) == latest), key=lambda triage: triage.code)
    return Triage(code=one.code, reason=one.reason, given_by=one.given_by, given_at=one.given_at)


def _notes(file: OisFile) -> Iterator[Note]:
    """Yield alerts first, then the newest."""
    by_text = sorted(_once(file.notes), key=lambda note: (note.subject, note.text))
    newest_first = sorted(by_text, key=lambda note: note.written_at or _EARLIEST, reverse=True)
    for one in sorted(newest_first, key=lambda note: _IN_ORDER.index(note.kind)):
        yield Note(
            kind=one.kind,
            text=one.text,
            subject=one.subject,
            author=one.author,
            written_at=one.written_at,
        )


def _plan(plan: OisPlan, course_id: str) -> ChartPlan:
    return ChartPlan(
        plan_id=plan.plan_id,
        course_id=course_id,
        plan_uid=plan.plan_uid,
        status=plan.status,
        intent=plan.intent,
        approved_by=plan.approved_by,
        approved_at=plan.approved_at,
        fractions_planned=plan.planned_fractions,
        machine=plan.machine,
        revision=plan.revision,
    )


def _fields(file: OisFile) -> Iterator[ChartField]:
    """Yield each field once, with the accessories of all its rows."""
    of_field = grouped(file.fields, lambda pair: (pair[0].key, pair[1].number, pair[1].field_id))
    for pairs in sorted(of_field.values(), key=_as_treated):
        plan, first = pairs[0]
        accessories = tuple(sorted({one for _, row in pairs for one in row.accessories}))
        yield _field(plan, first, accessories)


def _as_treated(pairs: tuple[tuple[OisPlan, OisField], ...]) -> tuple[object, ...]:
    plan, row = pairs[0]
    return in_order(plan.key), row.number is None, row.number or 0, row.field_id


def _field(plan: OisPlan, row: OisField, accessories: tuple[str, ...]) -> ChartField:
    return ChartField(
        plan_uid=plan.plan_uid,
        field_id=row.field_id,
        name=row.name,
        beam_number=row.number,
        machine=row.machine,
        energy=row.energy,
        beam_meterset=row.beam_meterset,
        gantry_angle_deg=row.gantry_angle_deg,
        gantry_stop_angle_deg=row.gantry_stop_angle_deg,
        collimator_angle_deg=row.collimator_angle_deg,
        couch_angle_deg=row.couch_angle_deg,
        tolerance=row.tolerance,
        accessories=accessories,
        is_setup=row.is_setup,
        setup_note=row.setup_note,
    )


def _past(file: OisFile, *, coming_from: datetime, past_since: datetime) -> Iterator[ChartAppointment]:
    """Yield what was and what did not come to be, the latest first; deleted ones never were."""
    latest_first = sorted(
        _once(file.appointments), key=lambda row: (row.starts_at, row.activity), reverse=True
    )
    for row in latest_first:
        if (
            row.is_active
            and past_since <= row.starts_at
            and not (row.is_coming and row.starts_at >= coming_from)
        ):
            yield ChartAppointment(
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                activity=row.activity,
                machine=row.machine,
                status=row.status,
            )
