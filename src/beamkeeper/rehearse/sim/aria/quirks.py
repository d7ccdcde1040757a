"""A small department in which each way of going wrong happens to one patient, named after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from beamkeeper.rehearse.sim.aria import tables
from beamkeeper.rehearse.sim.aria.clinic import Clinic, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

NIGHT = datetime(2026, 11, 22, 2, 0)  # noqa: DTZ001 - the server's wall clock, as it keeps it
"""A Sunday night, on the server's clock."""

PHOTO = b"\xff\xd8\xff no photo, its first bytes only"
APPROVED = NIGHT - timedelta(days=20)
_FIRST_DAY = datetime(2026, 11, 16, 10, 0)  # noqa: DTZ001


def day(number: int, minutes: int = 0) -> datetime:
    """Return when a patient is treated on a day of the week before the night: 1 is its Monday."""
    return _FIRST_DAY + timedelta(days=number - 1, minutes=minutes)


def quirky_clinic() -> Clinic:
    """Return the department; the same each time."""
    clinic = Clinic()
    clinic.add(tables.ENERGY_MODE, EnergyModeSer=1, RadiationType="PHOTON", Energy=6000, DisplayCode="6X ")
    for write in _QUIRKS:
        write(clinic)
    return clinic


def _person(clinic: Clinic, quirk: str, *, oncologist: bool = True, **values: Any) -> int:
    patient = clinic.patient(quirk, quirk.title(), "Anna", **values)
    if oncologist:
        clinic.doctor(patient, "Oncologist")
    return patient


def _treated(
    clinic: Clinic, quirk: str, given: int, *, sessions: tuple[str, ...] | None = None, **of_plan: Any
) -> Plan:
    """Write a patient with one course and plan and so many fractions, one a day from Monday on."""
    patient = _person(clinic, quirk)
    plan = clinic.plan(patient, clinic.course(patient), "VMAT", approved_at=APPROVED, **of_plan)
    for number in range(1, given + 1):
        clinic.treat(plan, number, day(number))
    states = ("COMPLETE",) * given + ("TREAT",) * (plan.fractions - given)
    for state in states if sessions is None else sessions:
        clinic.session(plan, state)
    return plan


def _plain(clinic: Clinic) -> None:
    plan = _treated(clinic, "plain", 4)
    patient = plan.patient_ser
    clinic.rows["Patient"][patient - 1] |= {
        "DateOfBirth": datetime(1960, 1, 2),  # noqa: DTZ001
        "MobilePhone": "+32 1",
        "Language": "nl",
        "SSN": "600102",
    }
    clinic.add(
        tables.POINT_OF_CONTACT,
        PatientSer=patient,
        PrimaryFlag=1,
        Relationship="Spouse",
        FirstName="Jan",
        LastName="Janssens",
        MobilePhone=" ",
        HomePhone="+32 2",
    )
    clinic.add(tables.PATIENT_PARTICULAR, PatientSer=patient, MedicalAlerts="Pacemaker", UserDefAttrib03="2")
    clinic.add(tables.PHOTO, PatientSer=patient, PhotoType="Patient", Picture=PHOTO)
    clinic.add(tables.TOLERANCE, ToleranceSer=1, ToleranceId="H+N")
    clinic.rows["ExternalFieldCommon"][plan.fields[0] - 1]["ToleranceSer"] = 1
    for number, name in enumerate(("Bolus 5", "Wedge"), start=1):
        clinic.add(tables.ADD_ON, AddOnId=name)
        clinic.add(tables.FIELD_ADD_ON, RadiationSer=plan.fields[0], AddOnSer=number)
    prescription = clinic.prescribe(plan.course_ser, "Breast", 15)
    clinic.target(prescription, "PTV", total="40,05", each="2.67")
    clinic.target(prescription, "PTVboost", total="4800", each="320", unit="cGy")
    clinic.prescribe(plan.course_ser, "Old idea", 20, status="Retired")
    _diagnosis(clinic, plan.course_ser)
    clinic.book(patient, day(1), status="Completed")
    clinic.book(patient, NIGHT + timedelta(days=1, hours=8))


def _diagnosis(clinic: Clinic, course: int) -> None:
    for code, text in (("C50.9", "Breast"), ("C79.5", "Bone")):
        diagnosis = clinic.add(tables.DIAGNOSIS, DiagnosisCode=code, Description=text)
        clinic.add(tables.COURSE_DIAGNOSIS, CourseSer=course, DiagnosisSer=diagnosis)
    clinic.add(tables.PHYSICIAN_INTENT, CourseSer=course, TreatmentIntentType="Curative")


def _revised(clinic: Clinic) -> None:
    old = _treated(clinic, "revised", 2, sessions=("COMPLETE", "COMPLETE"))
    new = clinic.revise(old, day(2, 120))
    for number in (3, 4):
        clinic.treat(new, number, day(number))
    for state in ("COMPLETE", "COMPLETE", *("TREAT",) * 11):
        clinic.session(new, state)


def _revised_sessions_left(clinic: Clinic) -> None:
    """Write sessions that still point at the plan that was replaced."""
    old = _treated(clinic, "sessions-left-behind", 2)
    clinic.revise(old, day(2, 120))


def _continued(clinic: Clinic) -> None:
    plan = _treated(clinic, "continued", 3)
    record = clinic.rows["RadiationHstry"][-1]
    clinic.rows["ExternalFieldCommonHstry"][record["RadiationHstrySer"] - 1]["ActualMeterset"] = 40.0
    rest = Plan(**{name: getattr(plan, name) for name in Plan.__slots__} | {"fields": plan.fields[-1:]})
    clinic.treat(rest, 3, day(3, 180), metersets=(60.0,), delivery_type="CONTINUATION")


def _partial(clinic: Clinic) -> None:
    """Stop the fourth fraction in its first field; the second is never begun."""
    plan = _treated(clinic, "partial", 3)
    clinic.treat(plan, 4, day(4), metersets=(55.0,))


def _field_left_out(clinic: Clinic) -> None:
    plan = _treated(clinic, "field-left-out", 3)
    clinic.treat(plan, 4, day(4), metersets=(100.0,))


def _skipped(clinic: Clinic) -> None:
    plan = _treated(clinic, "skipped", 2)
    clinic.treat(plan, 4, day(4))
    clinic.rows["SessionRTPlan"][-1]["Status"] = "COMPLETE"


def _twice_a_day(clinic: Clinic) -> None:
    plan = _treated(clinic, "twice-a-day", 2)
    clinic.treat(plan, 3, day(2, 360))
    clinic.rows["SessionRTPlan"][-1]["Status"] = "COMPLETE"


def _setup_only(clinic: Clinic) -> None:
    """Images on Friday, and then nobody treated: a setup field and an open port film are no fraction."""
    plan = _treated(clinic, "imaged-only", 0)
    setup = plan.fields[0] - 1
    record = clinic.add(
        tables.TREATMENT_RECORD,
        PatientSer=plan.patient_ser,
        RTPlanSer=plan.rt_plan_ser,
        PlanUID=plan.uid,
        ActualMachineSer=clinic.machine("LINAC1"),
    )
    clinic.beam(record, setup, 1, day(5), planned=None, given=3.0, delivery_type="SETUP")
    clinic.beam(record, plan.fields[0], 1, day(5, 5), planned=2.0, given=2.0, delivery_type="OPEN_PORTFILM")


def _qa(clinic: Clinic) -> None:
    patient = _person(clinic, "$QA-PHANTOM")
    plan = clinic.plan(patient, clinic.course(patient, "QA"), "MorningQA", approved_at=APPROVED)
    clinic.treat(plan, 1, day(5))


def _verification(clinic: Clinic) -> None:
    plan = _treated(clinic, "verified", 1)
    qa = clinic.plan(
        plan.patient_ser, plan.course_ser, "QA VMAT", approved_at=APPROVED, fractions=1, intent="VERIFICATION"
    )
    clinic.treat(qa, 1, day(1, -180))


def _unknown_plan(clinic: Clinic) -> None:
    """Import the third record: nobody says of which plan it is, but its UID does."""
    plan = _treated(clinic, "imported", 2)
    clinic.treat(plan, 3, day(3), plan_known=False)
    clinic.rows["SessionRTPlan"][-1]["Status"] = "COMPLETE"


def _plan_nowhere(clinic: Clinic) -> None:
    """Write a record of a plan that the database has not: no count, but somebody was treated."""
    patient = _person(clinic, "plan-nowhere")
    clinic.course(patient)
    stray = Plan(
        plan_setup_ser=0, rt_plan_ser=0, uid="1.2.3", course_ser=0, patient_ser=patient, fields=(1,),
        fractions=1, meterset=100.0,
    )  # fmt: skip
    clinic.treat(stray, 1, day(5), plan_known=False)


def _moved(clinic: Clinic) -> None:
    plan = _treated(clinic, "moved", 2)
    clinic.treat(plan, 3, day(3), machine="LINAC2")
    clinic.rows["SessionRTPlan"][-1]["Status"] = "COMPLETE"


def _course_moved(clinic: Clinic) -> None:
    """Move a plan to a new course in the middle: it keeps its beams, and its sessions begin at zero."""
    plan = _treated(clinic, "course-moved", 4, sessions=("TREAT",) * 15)
    clinic.rows["Course"][plan.course_ser - 1] |= {
        "ClinicalStatus": "COMPLETED",
        "CompletedDateTime": day(5),
    }
    clinic.rows["PlanSetup"][plan.plan_setup_ser - 1]["CourseSer"] = clinic.course(plan.patient_ser, "C2")


def _recorded_twice(clinic: Clinic) -> None:
    """Import one delivery twice: the beams of the third fraction stand in two records."""
    plan = _treated(clinic, "recorded-twice", 3)
    clinic.treat(plan, 3, day(3))


def _oncologists(clinic: Clinic) -> None:
    nobody = _person(clinic, "no-oncologist", oncologist=False)
    clinic.doctor(nobody, "Referrer", primary=False)
    two = _person(clinic, "two-oncologists")
    clinic.doctor(two, "Other")
    for patient in (nobody, two):
        clinic.plan(patient, clinic.course(patient), "VMAT", approved_at=APPROVED)


def _comma(clinic: Clinic) -> None:
    patient = _person(clinic, "comma")
    clinic.plan(patient, clinic.course(patient), "Lung, right", approved_at=APPROVED)


def _appointments(clinic: Clinic) -> None:
    """Nobody of these comes: cancelled, deleted, on a break, rescheduled."""
    states = {
        "cancelled": "Cancelled",
        "on-break": "Patient On-Break",
        "no-show": "Cancelled - Patient No-Show",
    }
    for quirk, status in states.items():
        clinic.book(_person(clinic, quirk), NIGHT + timedelta(days=2), status=status)
    clinic.book(_person(clinic, "deleted"), NIGHT + timedelta(days=2), object_status="Deleted")
    clinic.book(_person(clinic, "odd-appointment"), NIGHT + timedelta(days=2), status="Pt. In Taxi")
    clinic.book(
        _person(clinic, "simulated"), NIGHT - timedelta(days=3), activity="CT Simulation", machine="CT1"
    )
    clinic.book(_person(clinic, "consult"), NIGHT + timedelta(days=2), activity="Consult", machine="ROOM1")


def _long_break(clinic: Clinic) -> None:
    """Treated last two weeks ago, without appointments; the course is active and five fractions are given."""
    patient = _person(clinic, "long-break")
    plan = clinic.plan(patient, clinic.course(patient), "VMAT", approved_at=APPROVED - timedelta(days=20))
    for number in range(1, 6):
        clinic.treat(plan, number, NIGHT - timedelta(days=20 - number))
    for number in range(plan.fractions):
        clinic.session(plan, "COMPLETE" if number < 5 else "TREAT")  # noqa: PLR2004


def _completed(clinic: Clinic) -> None:
    plan = _treated(clinic, "completed-yesterday", 5, fractions=5, status="Completed")
    clinic.rows["Course"][plan.course_ser - 1] |= {
        "ClinicalStatus": "COMPLETED",
        "CompletedDateTime": NIGHT - timedelta(days=1),
    }
    clinic.rows["PlanSetup"][plan.plan_setup_ser - 1]["StatusDate"] = NIGHT - timedelta(days=1)


def _unknown_session(clinic: Clinic) -> None:
    _treated(clinic, "odd-session", 2, sessions=("COMPLETE", "COMPLETE", "SKIPPED", *("TREAT",) * 12))


def _session_ahead(clinic: Clinic) -> None:
    """Somebody set a session to done that left no beam."""
    _treated(clinic, "session-ahead", 2, sessions=(*("COMPLETE",) * 3, *("TREAT",) * 12))


def _corrected(clinic: Clinic) -> None:
    plan = _treated(clinic, "corrected", 2)
    clinic.add(tables.DOSE_CONTRIBUTION, RTPlanSer=plan.rt_plan_ser, RefPointSer=7, PrimaryFlag=1)
    clinic.add(
        tables.REF_POINT_LOG,
        RefPointSer=7,
        ModificationType="MANUAL",
        DoseDelta=2.5,
        OvrdAuthorizedName="physicist",
        HstryDateTime=day(3),
    )


def _odd_scale(clinic: Clinic) -> None:
    clinic.machine("CLINAC", scale="Varian Standard")
    _treated(clinic, "odd-scale", 1, machine="CLINAC")


def _documents(clinic: Clinic) -> None:
    plan = _treated(clinic, "documents", 1)
    clinic.add(tables.NOTE_TYP, note_typ=1, note_typ_desc="Setup sheet")
    names = {"a1.docx": (None, "Y"), "revised.docx": ("Y", "Y"), "mistake.docx": (None, "N")}
    for name, (revised, valid) in names.items():
        clinic.add(
            tables.VISIT_NOTE,
            pt_id=f"PT{plan.patient_ser}",
            note_typ=1,
            template_name="Setup",
            trans_log_tstamp=datetime(2026, 9, 29, 9, 0),  # noqa: DTZ001
            trans_log_mtstamp=datetime(2026, 11, 2, 9, 0),  # noqa: DTZ001
            doc_file_loc=name,
            revised_ind=revised,
            valid_entry_ind=valid,
        )
    clinic.add(tables.QUICK_NOTE_TYP, quick_note_typ=1, quick_note_desc="Journal")
    for text, valid in (("Skin red", "Y"), ("Wrong patient", "N")):
        clinic.add(
            tables.QUICK_NOTE,
            pt_id=f"PT{plan.patient_ser}",
            note_tstamp=day(4),
            quick_note_text=text,
            quick_note_typ=1,
            valid_entry_ind=valid,
        )


HOSTILE_ID = "x'; DROP TABLE Patient;--"
"""A Patient ID that is SQL."""
NO_DATE = datetime(1900, 1, 1)  # noqa: DTZ001
"""What SQL Server makes of a date that was left empty."""


def _hostile(clinic: Clinic) -> None:
    """Text that is SQL wherever somebody may type, dates of 1900, an end before its start."""
    plan = _treated(clinic, HOSTILE_ID, 2)
    patient = plan.patient_ser
    clinic.rows["Patient"][patient - 1] |= {"LastName": "O'); DROP TABLE RTPlan;--", "DateOfBirth": NO_DATE}
    clinic.rows["Course"][plan.course_ser - 1] |= {"CourseId": "C;DELETE Course", "StartDateTime": NO_DATE}
    clinic.rows["PlanSetup"][plan.plan_setup_ser - 1] |= {"PlanSetupId": "'); --", "StatusDate": NO_DATE}
    clinic.rows["pt"][patient - 1]["pt_id"] = "'; DELETE FROM pt;--"
    clinic.add(
        tables.VISIT_NOTE,
        pt_id="'; DELETE FROM pt;--",
        doc_file_loc=r"..\..\x'; DROP TABLE pt;--.docx",
        trans_log_tstamp=NO_DATE,
        valid_entry_ind="Y",
    )
    clinic.add(
        tables.PATIENT_NOTE, PatientSer=patient, Note="1'; DROP TABLE Course;--", ObjectStatus="Active"
    )
    for start in (NIGHT + timedelta(days=1), NO_DATE):
        clinic.book(patient, start)
        clinic.rows["ScheduledActivity"][-1]["ScheduledEndTime"] = start - timedelta(hours=1)


_QUIRKS: tuple[Callable[[Clinic], None], ...] = (
    _plain, _revised, _revised_sessions_left, _continued, _partial, _field_left_out, _skipped, _twice_a_day,
    _setup_only, _qa, _verification, _unknown_plan, _plan_nowhere, _moved, _course_moved,
    _recorded_twice, _oncologists, _comma,
    _appointments, _long_break, _completed, _unknown_session, _session_ahead, _corrected, _odd_scale,
    _documents, _hostile,
)  # fmt: skip
