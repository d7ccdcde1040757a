"""Patients as a night holds them, for tests of the lists."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from beamkeeper.domain.census import Appointment, CensusEntry, CensusReason, Claim
from beamkeeper.domain.chart import Chart, ChartField, Physician, Triage
from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.domain.plan import (
    ApprovalStatus,
    Beam,
    Course,
    DeliveryType,
    DosimeterUnit,
    FractionGroup,
    Plan,
    RadiationType,
)
from beamkeeper.domain.position import Conflict, ConflictKind, CoursePosition, FractionState, PlanPosition
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.lists import ListHead, Person

ZONE = ZoneInfo("Europe/Brussels")
NIGHT = date(2026, 3, 3)
NOW = datetime(2026, 3, 3, 6, 30, tzinfo=UTC)
HEAD = ListHead(
    site_name="Sint-Anna, radiotherapie",
    zone=ZONE,
    night=NIGHT,
    trust="Confirmed by An Peeters and Bo Claes.",
    made_at=NOW,
)


def plan(
    uid: str, label: str = "Prostate", *, fractions: int = 25, approved: bool = True, machine: str = "TB3"
):
    beam = Beam(
        beam_number=1,
        beam_name="Arc 1",
        radiation_type=RadiationType.PHOTON,
        delivery_type=DeliveryType.TREATMENT,
        treatment_machine_name=machine,
        primary_dosimeter_unit=DosimeterUnit.MU,
        beam_meterset=350.0,
        beam_dose_gy=2.0,
        technique="VMAT",
        mlc_leaf_pairs=60,
    )
    return Plan(
        sop_instance_uid=uid,
        patient_id="",
        rt_plan_label=label,
        plan_intent="CURATIVE",
        approval_status=ApprovalStatus.APPROVED if approved else ApprovalStatus.UNAPPROVED,
        fraction_groups=(
            FractionGroup(fraction_group_number=1, number_of_fractions_planned=fractions, beam_numbers=(1,)),
        ),
        beams=(beam,),
    )


def place(
    made: Plan, given: int, *, partial: bool = False, days_ago: int = 1, conflict: str = ""
) -> PlanPosition:
    planned = made.number_of_fractions_planned or 0
    last = NOW - timedelta(days=days_ago) if given or partial else None
    half = FractionState(fraction_number=given + 1, complete=False, partial_beams=((1, 120.0, 350.0),))
    return PlanPosition(
        plan_uid=made.sop_instance_uid,
        rt_plan_label=made.rt_plan_label,
        fractions_planned=planned,
        fractions_complete=given,
        fractions_partial=int(partial),
        next_fraction_number=None if given >= planned else given + 1,
        next_is_continuation=partial,
        dose_so_far_gy=2.0 * given,
        first_treated_at=last,
        last_treated_at=last,
        fractions=(half,) if partial else (),
        conflicts=(Conflict(kind=ConflictKind.COUNT_DIFFERS, text=conflict),) if conflict else (),
    )


def person(
    number: int,
    name: str = "",
    *,
    given: int | None = 12,
    partial: bool = False,
    days_ago: int = 1,
    code: str = "",
    reason: str = "",
    missing: tuple[str, ...] = (),
    conflict: str = "",
    label: str = "Prostate",
    machine: str = "TB3",
    fractions: int = 25,
    diagnosis: str = "C61 prostate",
    appointment_in: timedelta | None = timedelta(hours=3),
    phone: str = "+32 2 555 01 00",
    finished: bool = False,
    born: date | None = date(1950, 1, 2),
    patient_id: str = "",
) -> Person:
    """Return a patient with one plan of which `given` fractions are given; without any plan for None."""
    uid = f"1.2.{number}"
    plans = () if given is None else (plan(uid, label, fractions=fractions, machine=machine),)
    own = (Contact(relation="self", name="", phone=phone),) if phone else ()
    chart = Chart(
        source="aria",
        physicians=(Physician(role="primary oncologist", name="Dr. Mertens", phone="+32 2 555 9999"),),
        triage=Triage(code=code, reason=reason, given_by="Dr. Mertens") if code else None,
        fields=(ChartField(plan_uid=uid, field_id="1", energy="6X"),) if plans else (),
    )
    booked = Appointment(
        starts_at=NOW + (appointment_in or timedelta()), activity="Treatment", machine=machine
    )
    return Person(
        pseudonym=f"p{number:04}",
        entry=CensusEntry(
            patient=Patient(
                patient_id=patient_id or f"{number:07}",
                name=name or f"Patient{number:03}^Anna",
                birth_on=born,
                sex="F",
                language="nl",
                contacts=(*own, Contact(relation="daughter", name="Els Jansen", phone="+32 2 555 02 00")),
            ),
            claims=(Claim(source="aria", reason=CensusReason.SCHEDULED_SOON),),
            courses=(
                Course(
                    course_id="C1", intent="Curative", diagnosis=diagnosis, plan_uids=(uid,) if plans else ()
                ),
            ),
            appointments=(booked,) if appointment_in is not None else (),
            finished=finished,
            charts=(chart,),
        ),
        night=NIGHT,
        plans=plans,
        position=CoursePosition(
            patient_id="",
            plans=tuple(
                place(made, given or 0, partial=partial, days_ago=days_ago, conflict=conflict)
                for made in plans
            ),
        ),
        readiness=tuple(
            Readiness(plan_uid=made.sop_instance_uid, rt_plan_label=made.rt_plan_label, blocking=missing)
            for made in plans
        ),
    )
