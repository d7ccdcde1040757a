"""Plans and records in a few words, for the tests of the counting rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from beamkeeper.domain.counting import course_position
from beamkeeper.domain.plan import Beam, DeliveryType, DosimeterUnit, FractionGroup, Plan, RadiationType
from beamkeeper.domain.record import BeamDelivery, TerminationStatus, TreatmentRecord

if TYPE_CHECKING:
    from beamkeeper.domain.position import ConflictKind, CoursePosition, PlanPosition

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NORMAL, MACHINE = TerminationStatus.NORMAL, TerminationStatus.MACHINE
TREATMENT, CONTINUATION = DeliveryType.TREATMENT, DeliveryType.CONTINUATION


def beam(number: int, meterset: float | None = 100.0, **more: object) -> Beam:
    said: dict[str, object] = {
        "beam_number": number,
        "beam_name": f"Arc {number}",
        "radiation_type": RadiationType.PHOTON,
        "delivery_type": TREATMENT,
        "treatment_machine_name": "TB1",
        "primary_dosimeter_unit": DosimeterUnit.MU,
        "beam_meterset": meterset,
        "beam_dose_gy": 1.0,
    }
    return Beam(**(said | more))  # type: ignore[arg-type]


def plan(uid: str = "1.1", *, beams: tuple[Beam, ...] = (beam(1), beam(2)), **more: object) -> Plan:
    said: dict[str, object] = {
        "sop_instance_uid": uid,
        "patient_id": "P1",
        "rt_plan_label": f"plan {uid}",
        "beams": beams,
        "fraction_groups": (
            FractionGroup(
                fraction_group_number=1,
                number_of_fractions_planned=30,
                beam_numbers=tuple(b.beam_number for b in beams),
            ),
        ),
    }
    return Plan(**(said | more))  # type: ignore[arg-type]


def delivery(
    number: int | None = 1,
    fraction: int | None = 1,
    mu: float | None = 100.0,
    **more: object,
) -> BeamDelivery:
    said: dict[str, object] = {
        "referenced_beam_number": number,
        "beam_name": "",
        "current_fraction_number": fraction,
        "delivery_type": TREATMENT,
        "termination_status": NORMAL,
        "specified_meterset": 100.0,
        "delivered_meterset": mu,
        "primary_dosimeter_unit": DosimeterUnit.MU,
    }
    return BeamDelivery(**(said | more))  # type: ignore[arg-type]


def record(
    uid: str,
    *deliveries: BeamDelivery,
    at: datetime | None = MONDAY,
    plan_uid: str | None = "1.1",
    **more: object,
) -> TreatmentRecord:
    return TreatmentRecord(
        **(
            {"sop_instance_uid": uid, "patient_id": "P1", "referenced_plan_uid": plan_uid, "treated_at": at}
            | {"deliveries": deliveries}
            | more
        ),  # type: ignore[arg-type]
    )


def fraction(number: int, uid: str = "9") -> TreatmentRecord:
    """Return both beams of one fraction, whole, on its own day."""
    at = MONDAY + timedelta(days=number - 1)
    return record(f"{uid}.{number}", delivery(1, number), delivery(2, number), at=at)


def position(
    *records: TreatmentRecord,
    plans: tuple[Plan, ...] = (plan(),),
    **more: object,
) -> CoursePosition:
    return course_position(plans, records, patient_id="P1", **more)  # type: ignore[arg-type]


def stands(*records: TreatmentRecord, plans: tuple[Plan, ...] = (plan(),), **more: object) -> PlanPosition:
    return position(*records, plans=plans, **more).plans[0]


def kinds(of: PlanPosition | CoursePosition) -> set[ConflictKind]:
    return {conflict.kind for conflict in of.conflicts}
