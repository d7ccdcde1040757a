"""Who must be kept according to one OIS: a pure rule on its rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from beamkeeper.domain.census import Appointment, CensusEntry, CensusReason, Claim
from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.domain.plan import Course, Prescription
from beamkeeper.protect.census.entities import UNKNOWN, Entity
from beamkeeper.protect.census.ois_chart import PRIMARY, chart, physician_disagreement, triage_disagreement
from beamkeeper.protect.census.ois_counts import count_disagreements, counts
from beamkeeper.protect.census.ois_file import OisFile, files, grouped
from beamkeeper.protect.census.source import CensusWindow, SourceAnswer

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from datetime import datetime

    from beamkeeper.protect.census.mapping import EntityMapping, OisMapping
    from beamkeeper.protect.census.ois_rows import (
        OisAppointment,
        OisCourse,
        OisFractions,
        OisPlan,
        OisRows,
    )

AUTHORITY = 0

STILL_RUNNING = timedelta(days=1)
"""An appointment that began so lately and is not done may still be going on, or be booked out late."""

OVER = frozenset({"done", "cancelled"})
"""States of a course of which nothing is to come."""
_NO_ORDER = frozenset({"superseded", "cancelled"})


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
    lost |= {row.patient_key for row in rows.treated}
    if strays := len(lost - known):
        warnings.append(
            f"{strays} patient(s) with courses, appointments or treatments have no row in [patient]."
        )
    for file in files(rows):
        patient = file.patient
        reasons = _reasons(file, now=now, window=window, mapping=mapping)
        if not patient.patient_id:
            if reasons:
                warnings.append("A patient who must be kept has no Patient ID and cannot be kept.")
            continue
        if (
            patient.is_test
            or mapping.is_test_patient(patient.patient_id)
            or mapping.is_test_name(patient.name)
        ):
            test.add(patient.patient_id)
            continue
        is_finished = _is_finished(file)
        if is_finished:
            finished.add(patient.patient_id)
        if reasons:
            entry = _entry(file, reasons, now=now, window=window, source=source)
            entries.append(replace(entry, finished=is_finished))
    primaries = [any(p.role == PRIMARY for p in entry.charts[0].physicians) for entry in entries]
    if any(primaries) and not all(primaries):
        warnings.append(f"{primaries.count(False)} patient(s) on the list have no {PRIMARY}.")
    return SourceAnswer(
        source=source,
        entries=tuple(entries),
        authority=AUTHORITY,
        finished_patient_ids=frozenset(finished),
        test_patient_ids=frozenset(test),
        warnings=tuple(warnings),
    )


def listed_keys(
    rows: OisRows, *, now: datetime, window: CensusWindow, mapping: OisMapping
) -> frozenset[Hashable]:
    """Return the keys of those who must be kept: of these everything else is asked."""
    return frozenset(
        file.patient.key
        for file in files(rows)
        if file.patient.patient_id and _reasons(file, now=now, window=window, mapping=mapping)
    )


def _reasons(
    file: OisFile, *, now: datetime, window: CensusWindow, mapping: OisMapping
) -> tuple[CensusReason, ...]:
    since = window.treated_since(now)
    times = [row.last_treated_at for _, row in file.fractions] + [row.treated_at for row in file.treated]
    treated = any(at is not None and since <= at for at in times)
    kinds = mapping.entities.get(Entity.APPOINTMENT)
    coming = any(
        row.is_coming and now - STILL_RUNNING <= row.starts_at <= window.scheduled_until(now)
        for row in file.appointments
        if kinds and _is_treatment(row, kinds)
    )
    simulated = any(
        row.is_active and row.status not in {"cancelled", "no_show"}
        and window.simulated_since(now) <= row.starts_at <= now
        for row in file.appointments
        if kinds and _is_simulation(row, kinds)
    )  # fmt: skip
    found = {
        CensusReason.TREATED_RECENTLY: treated,
        CensusReason.SCHEDULED_SOON: coming,
        CensusReason.PLANNED_NOT_STARTED: _waits_to_start(file),
        CensusReason.BEGUN_NOT_FINISHED: not treated and _is_interrupted(file, window.approved_since(now)),
        CensusReason.SIMULATED_RECENTLY: simulated,
    }
    return tuple(reason for reason, holds in found.items() if holds)


def _is_treatment(row: OisAppointment, kinds: EntityMapping) -> bool:
    if kinds.machines and not _matches(row.machine, kinds.machines):
        return False
    if kinds.treatment and row.activity:
        return _matches(row.activity, kinds.treatment)
    return row.kind in {"", "treatment"}


def _is_simulation(row: OisAppointment, kinds: EntityMapping) -> bool:
    if kinds.simulation:
        return _matches(row.activity, kinds.simulation)
    return row.kind == "simulation"


@lru_cache(maxsize=4096)
def _matches(activity: str, patterns: tuple[str, ...]) -> bool:
    folded = activity.casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)


def _waits_to_start(file: OisFile) -> bool:
    """Whether an approved clinical plan of an unfinished course has had no fraction yet."""
    over = {course.key for course in file.courses if course.status in OVER}
    begun = {plan.key for plan, row in file.fractions if row.done or row.partial}
    return any(
        _is_approved(plan) and plan.course_key not in over and plan.key not in begun and plan.is_clinical
        for plan in file.plans
    )


def _is_interrupted(file: OisFile, approved_since: datetime) -> bool:
    """Whether a plan of an unfinished course was begun and is not done.

    A patient on a long break has neither a record of the last days nor an appointment of the next. Plans
    approved long ago do not count: sessions that were forgotten stay open for ever.
    """
    over = {course.key for course in file.courses if course.status in OVER}
    by_plan = grouped(file.fractions, lambda pair: pair[0].key)
    return any(
        _is_approved(plan)
        and (plan.approved_at is None or plan.approved_at >= approved_since)
        and plan.course_key not in over
        and plan.is_clinical
        and _has_some_left(plan, [row for _, row in by_plan.get(plan.key, ())])
        for plan in file.plans
    )


def _has_some_left(plan: OisPlan, ways: Sequence[OisFractions]) -> bool:
    """Whether one way of counting knows a fraction begun, and one, be it another, something to come.

    One way seldom knows both: beams know no open sessions, and sessions of a plan that was moved to another
    course know no beams. Where none knows of sessions, the number planned decides.
    """
    if not any(row.done or row.partial for row in ways):
        return False
    if any(row.open is not None for row in ways):
        return any(row.open or row.unclear for row in ways)
    planned = max((row.planned or 0 for row in ways), default=0) or plan.planned_fractions or 0
    return any(row.partial for row in ways) or max(row.done or 0 for row in ways) < planned


def _is_approved(plan: OisPlan) -> bool:
    if plan.status == "approved":
        return True
    return plan.approved_at is not None and (not plan.status or plan.status.startswith(UNKNOWN))


def _is_finished(file: OisFile) -> bool:
    """Whether every course is over and one of them was completed, or the patient has died."""
    if file.patient.is_deceased:
        return True
    words = [course.status for course in file.courses]
    return "done" in words and all(word in OVER for word in words)


def _entry(
    file: OisFile, reasons: tuple[CensusReason, ...], *, now: datetime, window: CensusWindow, source: str
) -> CensusEntry:
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
            Appointment(
                starts_at=row.starts_at, ends_at=row.ends_at, activity=row.activity, machine=row.machine
            )
            for row in sorted(file.appointments, key=lambda row: row.starts_at)
            if row.is_coming and row.starts_at >= now - STILL_RUNNING
        ),
        counts=tuple(counts(file, source)),
        disagreements=(
            *count_disagreements(file, source),
            *physician_disagreement(file, source),
            *triage_disagreement(file.triages, source),
        ),
        charts=(
            chart(file, source=source, coming_from=now - STILL_RUNNING, past_since=window.past_since(now)),
        ),
    )


def _course(course: OisCourse, file: OisFile) -> Course:
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
                status=rx.status,
                pattern=rx.pattern,
                approved_by=rx.approved_by,
                approved_at=rx.approved_at,
            )
            for rx in file.prescriptions
            if rx.course_key == course.key and rx.status not in _NO_ORDER
        ),
        plan_uids=tuple(p.plan_uid for p in file.plans if p.course_key == course.key and p.plan_uid),
    )
