"""What a vault would hold of a simulated month at an instant: facts without DICOM, made in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.jobs.looked import PatientFacts
from beamkeeper.clock import utc
from beamkeeper.domain.census import Appointment, CensusEntry, CensusReason, Claim
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.objects import ObjectKind, ObjectRef
from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.domain.plan import (
    ApprovalStatus,
    Beam,
    DeliveryType,
    DosimeterUnit,
    FractionGroup,
    Plan,
    RadiationType,
)
from beamkeeper.domain.record import BeamDelivery, TerminationStatus, TreatmentRecord
from beamkeeper.rehearse.attack.month import BEAM_TIME
from beamkeeper.rehearse.sim.ois_facts import bookings
from beamkeeper.rehearse.sim.patients import session_time, treatment_of
from beamkeeper.rehearse.sim.state import current_treatments, patient_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.rehearse.attack import Copy, Month
    from beamkeeper.rehearse.sim.records import Session
    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

MU = 100.0


def facts_in(month: Month, copy: Copy) -> Iterator[PatientFacts]:
    """Yield what the copy holds of everybody: the calendar of the night, records until the last hour."""
    night, later = month.state_at(copy.night_at), month.state_at(copy.knows_until)
    for member in night.patients:
        patient = patient_of(night, member)
        newer = later.member(member.index).sessions
        booked = bookings(patient, member, last_day=night.last_day, zone=month.zone)
        plans = [plan_of(patient, one) for one in patient.treatments]
        records = [record for one in newer for record in records_of(patient, one, month)]
        yield PatientFacts(
            pseudonym=f"p{member.index:04}",
            entry=CensusEntry(
                patient=who(patient),
                claims=(Claim(source="ois", reason=CensusReason.SCHEDULED_SOON),),
                appointments=tuple(
                    Appointment(starts_at=utc(one.starts_at), activity="Treatment", machine=one.machine)
                    for one in booked
                    if not one.is_past and not one.is_cancelled
                ),
                finished=member.finished_on is not None,
            ),
            objects=tuple(described(patient, one) for one in (*plans, *records)),
            as_of=copy.as_of if newer != member.sessions else None,
        )


def who(patient: SimPatient) -> Patient:
    person = patient.person
    return Patient(
        patient_id=person.patient_id,
        name=person.name,
        birth_on=person.birth_on,
        contacts=(Contact(relation="self", name="", phone=person.phone_mobile),),
    )


def plan_of(patient: SimPatient, treatment: Treatment) -> Plan:
    is_current = treatment in current_treatments(patient)
    return Plan(
        sop_instance_uid=patient.plan_uid(treatment),
        patient_id=patient.patient_id,
        rt_plan_label=treatment.label,
        approval_status=ApprovalStatus.APPROVED if is_current else ApprovalStatus.REJECTED,
        fraction_groups=(
            FractionGroup(
                fraction_group_number=1,
                number_of_fractions_planned=treatment.fractions,
                beam_numbers=treatment.beam_numbers,
            ),
        ),
        beams=tuple(
            Beam(
                beam_number=number,
                beam_name=f"F{number}",
                radiation_type=RadiationType.PHOTON,
                delivery_type=DeliveryType.TREATMENT,
                treatment_machine_name=treatment.machine,
                primary_dosimeter_unit=DosimeterUnit.MU,
                beam_meterset=MU,
                beam_dose_gy=treatment.dose_per_fraction_gy / len(treatment.beam_numbers),
            )
            for number in treatment.beam_numbers
        ),
    )


def records_of(patient: SimPatient, session: Session, month: Month) -> Iterator[TreatmentRecord]:
    """Yield one record a beam."""
    treatment = treatment_of(patient, session)
    began_at = utc(session_time(patient, session, month.zone))
    numbers = treatment.beam_numbers[:1] if session.part == "first" else treatment.beam_numbers
    name = (session.treatment_key, session.version, session.fraction_number, session.part)
    for order, number in enumerate(numbers):
        rest = session.part == "rest" and order == 0
        share = 0.4 if session.part == "first" else 0.6 if rest else 1.0
        at = began_at + order * BEAM_TIME
        yield TreatmentRecord(
            sop_instance_uid=patient.uid("record", *name, number),
            patient_id=patient.patient_id,
            referenced_plan_uid=patient.plan_uid(treatment),
            treated_at=at,
            number_of_fractions_planned=treatment.fractions,
            treatment_machine_name=treatment.machine,
            deliveries=(
                BeamDelivery(
                    referenced_beam_number=number,
                    beam_name=f"F{number}",
                    current_fraction_number=session.fraction_number,
                    delivery_type=DeliveryType.CONTINUATION if rest else DeliveryType.TREATMENT,
                    termination_status=(
                        TerminationStatus.MACHINE if session.part == "first" else TerminationStatus.NORMAL
                    ),
                    specified_meterset=MU,
                    delivered_meterset=MU * share,
                    primary_dosimeter_unit=DosimeterUnit.MU,
                    treatment_machine_name=treatment.machine,
                    started_at=at,
                ),
            ),
        )


def described(patient: SimPatient, content: Plan | TreatmentRecord) -> ClinicalObject:
    is_plan = isinstance(content, Plan)
    return ClinicalObject(
        ref=ObjectRef(
            sop_class_uid=f"1.2.840.10008.5.1.4.1.1.481.{5 if is_plan else 4}",
            sop_instance_uid=content.sop_instance_uid,
            study_instance_uid="1.2.3",
            series_instance_uid="1.2.3.4",
            patient_id=patient.patient_id,
            modality="RTPLAN" if is_plan else "RTRECORD",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            sha256="0" * 64,
            size_bytes=1,
        ),
        kind=ObjectKind.PLAN if is_plan else ObjectKind.TREATMENT_RECORD,
        label="",
        content=content,
    )
