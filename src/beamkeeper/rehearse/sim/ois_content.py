"""What the department's database says on one evening: a pure function of the department's state."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim.documents import SimDocument, documents_of
from beamkeeper.rehearse.sim.ois import (
    CONTACT,
    COURSE,
    DELIVERY,
    DOCUMENT,
    PATIENT,
    PLAN,
    PRESCRIPTION,
    OisRows,
    add_appointment,
    add_test_patient,
    padded,
)
from beamkeeper.rehearse.sim.ois_facts import DIAGNOSES, SEX, bookings, local, midnight, sessions_of
from beamkeeper.rehearse.sim.patients import at, session_time, working_day
from beamkeeper.rehearse.sim.state import current_treatments, patient_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from beamkeeper.rehearse.sim.ois_facts import Booking
    from beamkeeper.rehearse.sim.realcases import RealCase
    from beamkeeper.rehearse.sim.state import DepartmentState, PatientState
    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment


def ois_rows(
    state: DepartmentState, real: Sequence[RealCase], zone: ZoneInfo
) -> tuple[OisRows, list[SimDocument]]:
    """Return every row, and the documents the rows name."""
    rows, documents = OisRows(), list[SimDocument]()
    for member in state.patients:
        patient = patient_of(state, member)
        key = _add_patient(rows, patient)
        _add_course(rows, key, patient, member, zone)
        _add_appointments(rows, key, bookings(patient, member, last_day=state.last_day, zone=zone), zone)
        own = documents_of(patient, shift_limit_mm=member.shift_limit_mm)
        _add_documents(rows, key, own)
        documents += own
    for case in real:
        _add_real(rows, case, state.last_day, zone)
    add_test_patient(rows, at(state.last_day, 0, 0, zone), zone)
    return rows, documents


def _add_patient(rows: OisRows, patient: SimPatient) -> int:
    """Add who the patient is and whom to call."""
    person = patient.person
    key = rows.add(
        PATIENT,
        PatId=padded(person.patient_id, 64),
        LastName=person.family_name,
        FirstName=person.given_name,
        BirthDate=midnight(person.birth_on),
        Sex=padded(SEX[person.sex], 16),
        Lang=person.language,
        PhoneHome="",
        PhoneMobile=person.phone_mobile,
        DeathDate=None,
        TestFlag=0,
    )
    relation, name, phone = person.relative
    rows.add(CONTACT, PatSer=key, Relation=relation, FullName=name, Phone=phone, PrimaryFlag=1)
    return key


def _add_course(rows: OisRows, key: int, patient: SimPatient, member: PatientState, zone: ZoneInfo) -> None:
    """Add the course, what was prescribed, the plans and what was delivered of each."""
    code, text = DIAGNOSES[patient.site]
    course = rows.add(
        COURSE,
        PatSer=key,
        CourseId="C1",
        Status=padded("Completed" if member.finished_on else "Active", 16),
        StartDate=midnight(patient.treatments[0].approved_on),
        EndDate=midnight(member.finished_on) if member.finished_on else None,
        DiagCode=code,
        DiagText=text,
        Intent=padded("Curative", 16),
    )
    newest = current_treatments(patient)
    for treatment in patient.treatments:
        if treatment.version == 1:
            _add_prescription(rows, course, patient, treatment)
        status = "PlanAppr" if treatment in newest else "Retired"
        _add_plan(rows, course, patient, member, treatment=treatment, status=status, zone=zone)


def _add_prescription(rows: OisRows, course: int, patient: SimPatient, treatment: Treatment) -> None:
    rows.add(
        PRESCRIPTION,
        CourseSer=course,
        RxName=treatment.label,
        FractionDoseGy=round(treatment.dose_per_fraction_gy, 4),
        TotalDoseGy=treatment.total_dose_gy,
        Fractions=treatment.fractions,
        Target=patient.anatomy().targets[treatment.target_index].roi_name,
        Technique=treatment.technique.value,
    )


def _add_plan(
    rows: OisRows,
    course: int,
    patient: SimPatient,
    member: PatientState,
    *,
    treatment: Treatment,
    status: str,
    zone: ZoneInfo,
) -> None:
    """Add one plan and its deliveries."""
    plan = rows.add(
        PLAN,
        CourseSer=course,
        PlanId=treatment.label,
        PlanUid=padded(patient.plan_uid(treatment), 70),
        Status=padded(status, 16),
        StatusDate=local(at(treatment.approved_on, 15, 30, zone), zone),
        Intent=padded("CURATIVE", 16),
        Fractions=treatment.fractions,
        Machine=treatment.machine,
    )
    for session in sessions_of(member, treatment):
        rows.add(
            DELIVERY,
            PlanSer=plan,
            FractionNo=session.fraction_number,
            State=padded("Partial" if session.part == "first" else "Done", 16),
            DeliveredAt=local(session_time(patient, session, zone), zone),
        )


def _add_appointments(rows: OisRows, key: int, booked: Iterable[Booking], zone: ZoneInfo) -> None:
    """Add past and coming sessions."""
    for one in booked:
        status = "Completed" if one.is_past else "Cancelled" if one.is_cancelled else "Open"
        activity = f"Treatment {one.technique}" if one.technique else "CT simulation"
        add_appointment(
            rows, key, one.starts_at, activity=activity, machine=one.machine, zone=zone, status=status
        )


def _add_documents(rows: OisRows, key: int, documents: list[SimDocument]) -> None:
    for document in documents:
        rows.add(
            DOCUMENT,
            PatSer=key,
            Title=document.title,
            DocType=document.kind,
            Created=midnight(document.created_on),
            Path=document.path,
            ValidFlag=1,
        )


def _add_real(rows: OisRows, case: RealCase, last_day: date, zone: ZoneInfo) -> None:
    """Add a published case as a patient who is about to start."""
    name = (*case.patient_name.split("=")[0].split("^"), "")
    key = rows.add(
        PATIENT,
        PatId=padded(case.patient_id, 64),
        LastName=name[0],
        FirstName=name[1],
        Sex=padded("", 16),
        Lang="en",
        TestFlag=0,
    )
    course = rows.add(
        COURSE, PatSer=key, CourseId="C1", Status=padded("Active", 16), Intent=padded("Curative", 16)
    )
    for plan in case.plans:
        rows.add(
            PLAN,
            CourseSer=course,
            PlanId=plan.label,
            PlanUid=padded(plan.uid, 70),
            Status=padded("PlanAppr", 16),
            StatusDate=local(at(last_day, 15, 0, zone) - timedelta(days=3), zone),
            Intent=padded("CURATIVE", 16),
            Fractions=plan.fractions,
            Machine=plan.machine,
        )
    when = at(working_day(last_day, 3), 14, 0, zone)
    add_appointment(rows, key, when, activity="Treatment", machine=case.plans[0].machine, zone=zone)
