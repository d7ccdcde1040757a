"""Who must be kept according to one OIS: a pure rule on its rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeVar

from beamkeeper.domain.census import Appointment, CensusEntry, CensusReason, Claim, OisCount
from beamkeeper.domain.chart import Chart, ChartDocument
from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.domain.plan import Course, Prescription
from beamkeeper.protect.census.mapping import UNKNOWN, Entity, OisMapping
from beamkeeper.protect.census.source import CensusWindow, SourceAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from datetime import datetime

    from beamkeeper.protect.census.ois_rows import (
        OisAppointment,
        OisContact,
        OisCourse,
        OisDocument,
        OisFractions,
        OisPatient,
        OisPlan,
        OisPrescription,
        OisRows,
    )

AUTHORITY = 0

STILL_RUNNING = timedelta(days=1)
"""An appointment that began so lately and is not done may still be going on, or be booked out late."""

_OVER = frozenset({"done", "cancelled"})
_NOT_COMING = frozenset({"cancelled", "no_show", "done"})
_NOT_CLINICAL = frozenset({"verification", "machine_qa", "research", "service"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """Everything the OIS holds of one patient."""

    patient: OisPatient
    contacts: tuple[OisContact, ...]
    courses: tuple[OisCourse, ...]
    plans: tuple[OisPlan, ...]
    prescriptions: tuple[OisPrescription, ...]
    fractions: tuple[tuple[OisPlan, OisFractions], ...]
    appointments: tuple[OisAppointment, ...]
    documents: tuple[OisDocument, ...]


def answer_from_rows(
    rows: OisRows, *, now: datetime, window: CensusWindow, mapping: OisMapping, source: str
) -> SourceAnswer:
    """Return whom the OIS wants kept and why, and whom it knows to have finished."""
    warnings: list[str] = []
    entries: list[CensusEntry] = []
    finished: set[str] = set()
    test: set[str] = set()
    known = {patient.key for patient in rows.patients}
    lost = {a.patient_key for a in rows.appointments} | {c.patient_key for c in rows.courses}
    if strays := len(lost - known):
        warnings.append(f"{strays} patient(s) with courses or appointments have no row in [patient].")
    for file in _files(rows):
        patient = file.patient
        reasons = _reasons(file, now=now, window=window, mapping=mapping)
        if not patient.patient_id:
            if reasons:
                warnings.append("A patient who must be kept has no Patient ID and cannot be kept.")
            continue
        if patient.is_test or mapping.is_test_patient(patient.patient_id):
            test.add(patient.patient_id)
            continue
        is_finished = _is_finished(file)
        if is_finished:
            finished.add(patient.patient_id)
        if reasons:
            entries.append(_entry(file, reasons, is_finished=is_finished, source=source))
    return SourceAnswer(
        source=source,
        entries=tuple(entries),
        authority=AUTHORITY,
        finished_patient_ids=frozenset(finished),
        test_patient_ids=frozenset(test),
        warnings=tuple(warnings),
    )


T = TypeVar("T")


def _grouped(rows: Iterable[T], key: Callable[[T], Hashable]) -> dict[Hashable, tuple[T, ...]]:
    groups: dict[Hashable, list[T]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return {found: tuple(members) for found, members in groups.items()}


def _files(rows: OisRows) -> Iterable[_File]:
    contacts = _grouped(rows.contacts, lambda row: row.patient_key)
    courses = _grouped(rows.courses, lambda row: row.patient_key)
    plans = _grouped(rows.plans, lambda row: row.course_key)
    prescriptions = _grouped(rows.prescriptions, lambda row: row.course_key)
    fractions = _grouped(rows.fractions, lambda row: row.plan_key)
    appointments = _grouped(rows.appointments, lambda row: row.patient_key)
    documents = _grouped(rows.documents, lambda row: row.patient_key)
    for patient in rows.patients:
        of_patient = courses.get(patient.key, ())
        in_courses = tuple(plan for course in of_patient for plan in plans.get(course.key, ()))
        yield _File(
            patient=patient,
            contacts=contacts.get(patient.key, ()),
            courses=of_patient,
            plans=in_courses,
            prescriptions=tuple(rx for course in of_patient for rx in prescriptions.get(course.key, ())),
            fractions=tuple((plan, row) for plan in in_courses for row in fractions.get(plan.key, ())),
            appointments=appointments.get(patient.key, ()),
            documents=documents.get(patient.key, ()),
        )


def _reasons(
    file: _File, *, now: datetime, window: CensusWindow, mapping: OisMapping
) -> tuple[CensusReason, ...]:
    since = window.treated_since(now)
    treated = any(row.last_treated_at and since <= row.last_treated_at for _, row in file.fractions)
    kinds = mapping.entities.get(Entity.APPOINTMENT)
    treatments = kinds.treatment if kinds else ()
    simulations = kinds.simulation if kinds else ()
    coming = any(
        _is_coming(row) and now - STILL_RUNNING <= row.starts_at <= window.scheduled_until(now)
        for row in file.appointments
        if not treatments or _matches(row.activity, treatments)
    )
    simulated = any(
        row.is_active and row.status not in {"cancelled", "no_show"}
        and window.simulated_since(now) <= row.starts_at <= now
        for row in file.appointments
        if _matches(row.activity, simulations)
    )  # fmt: skip
    found = {
        CensusReason.TREATED_RECENTLY: treated,
        CensusReason.SCHEDULED_SOON: coming,
        CensusReason.PLANNED_NOT_STARTED: _waits_to_start(file),
        CensusReason.SIMULATED_RECENTLY: simulated,
    }
    return tuple(reason for reason, holds in found.items() if holds)


def _is_coming(row: OisAppointment) -> bool:
    return row.is_active and row.status not in _NOT_COMING


def _matches(activity: str, patterns: tuple[str, ...]) -> bool:
    folded = activity.casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)


def _waits_to_start(file: _File) -> bool:
    """Whether an approved clinical plan of an unfinished course has had no fraction yet."""
    over = {course.key for course in file.courses if course.status in _OVER}
    begun = {plan.key for plan, row in file.fractions if row.done or row.partial}
    return any(
        _is_approved(plan)
        and plan.course_key not in over
        and plan.key not in begun
        and plan.intent.casefold() not in _NOT_CLINICAL
        for plan in file.plans
    )


def _is_approved(plan: OisPlan) -> bool:
    if plan.status == "approved":
        return True
    return plan.approved_at is not None and (not plan.status or plan.status.startswith(UNKNOWN))


def _is_finished(file: _File) -> bool:
    """Whether every course is over and one of them was completed, or the patient has died."""
    if file.patient.is_deceased:
        return True
    words = [course.status for course in file.courses]
    return "done" in words and all(word in _OVER for word in words)


def _entry(file: _File, reasons: tuple[CensusReason, ...], *, is_finished: bool, source: str) -> CensusEntry:
    patient = file.patient
    own = tuple(Contact(relation="self", name="", phone=phone) for _, phone in patient.phones)
    others = sorted(file.contacts, key=lambda row: not row.is_primary)
    return CensusEntry(
        patient=Patient(
            patient_id=patient.patient_id,
            name=patient.name,
            issuer_of_patient_id=patient.issuer,
            birth_on=patient.birth_on,
            sex=patient.sex,
            language=patient.language,
            contacts=own + tuple(Contact(relation=c.relation, name=c.name, phone=c.phone) for c in others),
        ),
        claims=tuple(Claim(source=source, reason=reason) for reason in reasons),
        courses=tuple(_course(course, file) for course in file.courses),
        appointments=tuple(
            Appointment(starts_at=row.starts_at, activity=row.activity, machine=row.machine)
            for row in sorted(file.appointments, key=lambda row: row.starts_at)
            if _is_coming(row)
        ),
        counts=tuple(
            OisCount(
                plan_uid=plan.plan_uid,
                source=source,
                fractions_planned=row.planned if row.planned is not None else plan.planned_fractions,
                fractions_done=row.done,
                fractions_partial=row.partial,
            )
            for plan, row in file.fractions
            if plan.plan_uid
        ),
        finished=is_finished,
        charts=_charts(file, source),
    )


def _course(course: OisCourse, file: _File) -> Course:
    return Course(
        course_id=course.course_id,
        intent=course.intent,
        diagnosis=course.diagnosis,
        prescriptions=tuple(
            Prescription(
                name=rx.name,
                dose_per_fraction_gy=rx.dose_per_fraction_gy,
                total_dose_gy=rx.total_dose_gy,
                number_of_fractions=rx.fractions,
                target=rx.target,
                technique=rx.technique,
            )
            for rx in file.prescriptions
            if rx.course_key == course.key
        ),
        plan_uids=tuple(p.plan_uid for p in file.plans if p.course_key == course.key and p.plan_uid),
    )


def _charts(file: _File, source: str) -> tuple[Chart, ...]:
    documents = tuple(
        ChartDocument(
            document_id=row.doc_key,
            title=row.title,
            path=row.path,
            kind=row.kind,
            created_at=row.created_at,
            revised_at=row.revised_at,
        )
        for row in file.documents
    )
    return (Chart(source=source, documents=documents),) if documents else ()
