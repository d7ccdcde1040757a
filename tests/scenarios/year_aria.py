"""What an ARIA would hold of the year's patients: it sees what was given, not what records say.

Three ways to count: the beam history, what the sessions say, the vendor's own view. A plan that is moved to
another course keeps its beams; its sessions and the view's figures begin at zero.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from year import ASKED_AT, NEW_YEAR, Fault, Quirk

from beamkeeper.protect.census.aria import aria_mapping
from beamkeeper.protect.ois_settings import AriaSettings
from beamkeeper.rehearse.sim.aria import TABLES, Clinic, Plan, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from year import Given, YearPatient

    from beamkeeper.protect.census import OisMapping

NAMELESS = 7
"""Every so many fractions ARIA keeps a record without the key of its plan: it has the plan's UID alone."""


def mapping() -> OisMapping:
    settings = {"timezone": "UTC", "schema": "", "vendor_view": True}
    return aria_mapping(AriaSettings.model_validate(settings))


def write(path: Path, patients: Iterable[YearPatient]) -> None:
    TABLES.write_sqlite(path, _charted(patients).rows)


def _charted(patients: Iterable[YearPatient]) -> Clinic:
    clinic = Clinic()
    for patient in patients:
        ser = clinic.patient(patient.patient_id, f"Year {patient.patient_id}", "Ada")
        clinic.doctor(ser, "Vermeulen")
        course = clinic.course(ser)
        for number in range(1, len(patient.plans) + 1):
            moved = patient.fault is Fault.COURSE_MOVED and number == len(patient.plans)
            _chart_plan(clinic, ser, clinic.course(ser, "C2") if moved else course, patient, number)
        clinic.book(ser, (ASKED_AT + timedelta(days=1)).replace(tzinfo=None))
    return clinic


def _chart_plan(clinic: Clinic, ser: int, course: int, patient: YearPatient, number: int) -> None:
    of = patient.plans[number - 1]
    planned, is_last = of.number_of_fractions_planned or 0, number == len(patient.plans)
    is_replaced = patient.quirk is Quirk.REPLANNED and not is_last
    approved_at = NEW_YEAR.replace(tzinfo=None) - timedelta(days=3)
    setup = clinic.add(
        tables.PLAN_SETUP,
        CourseSer=course,
        PlanSetupId=f"PLAN{number}",
        Status="Retired" if is_replaced else "TreatApproval",
        StatusDate=approved_at,
    )
    rt_plan = clinic.add(
        tables.RT_PLAN,
        PlanSetupSer=setup,
        PlanUID=of.sop_instance_uid,
        NoFractions=planned,
        DicomSeqNumber=1,
    )
    machine = of.beams[0].treatment_machine_name
    clinic.field(setup, "Setup 0", number=0, machine=machine, is_setup=True)
    fields = {
        beam.beam_number: clinic.field(
            setup, beam.beam_name, number=beam.beam_number, machine=machine, meterset=beam.beam_meterset
        )
        for beam in of.beams
    }
    plan = Plan(
        plan_setup_ser=setup,
        rt_plan_ser=rt_plan,
        uid=of.sop_instance_uid,
        course_ser=course,
        patient_ser=ser,
        fields=tuple(fields.values()),
        fractions=planned,
        meterset=0.0,
    )
    given = [one for one in patient.given if one.plan_uid == plan.uid]
    for fraction in range(1, planned + 1):
        _give(clinic, plan, fields, [one for one in given if one.fraction_number == fraction])
    moved = patient.fault is Fault.COURSE_MOVED and is_last
    _count(clinic, plan, patient, is_replaced=is_replaced, from_zero=moved)


def _give(clinic: Clinic, plan: Plan, fields: dict[int, int], given: Sequence[Given]) -> None:
    """Write one record for each day and machine of a fraction."""
    sessions: dict[tuple[object, str], list[Given]] = {}
    for one in given:
        sessions.setdefault((one.at.date(), one.machine), []).append(one)
    for (_, machine), together in sessions.items():
        at = together[0].at.replace(tzinfo=None)
        is_nameless = together[0].fraction_number % NAMELESS == 0
        record = clinic.add(
            tables.TREATMENT_RECORD,
            PatientSer=plan.patient_ser,
            RTPlanSer=None if is_nameless else plan.rt_plan_ser,
            PlanUID=plan.uid,
            TreatmentRecordDateTime=at,
            ActualMachineSer=clinic.machine(machine),
            NoOfFractions=plan.fractions,
        )
        for one in together:
            field = fields[one.beam_number]
            clinic.beam(
                record,
                field,
                one.fraction_number,
                one.at.replace(tzinfo=None),
                planned=clinic.rows["ExternalFieldCommon"][field - 1]["Meterset"],
                given=one.meterset,
                delivery_type=one.kind.value,
            )


def _count(clinic: Clinic, plan: Plan, patient: YearPatient, *, is_replaced: bool, from_zero: bool) -> None:
    done = 0 if from_zero else patient.complete[plan.uid]
    partial = 0 if from_zero else patient.partial[plan.uid]
    left = 0 if is_replaced else plan.fractions - done
    for state in ("COMPLETE",) * done + ("TREAT",) * left:
        clinic.session(plan, state)
    clinic.add(
        tables.DOSE_FIGURES,
        RTPlanSer=plan.rt_plan_ser,
        FractionsDelivered=done,
        FractionsPlanned=plan.fractions,
        FractionsRemaining=plan.fractions - done,
        RunningPartial=partial,
    )
