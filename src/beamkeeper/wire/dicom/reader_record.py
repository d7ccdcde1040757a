"""Treatment records and summaries into `TreatmentRecord`, `TreatmentSummary` (`protocols` 2.3 to 2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.objects import ObjectRef, Reference, ReferenceRole
from beamkeeper.domain.plan import DeliveryType, DosimeterUnit
from beamkeeper.domain.record import (
    BeamDelivery,
    FractionStatus,
    TerminationStatus,
    TreatmentRecord,
    TreatmentSummary,
)
from beamkeeper.wire.dicom.reader_plan import choose
from beamkeeper.wire.dicom.reader_references import referenced_uids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from beamkeeper.wire.dicom.values import DataSet

_SESSIONS = (
    ("TreatmentSessionBeamSequence", "ControlPointDeliverySequence"),
    ("TreatmentSessionIonBeamSequence", "IonControlPointDeliverySequence"),
)


def read_record(top: DataSet, ref: ObjectRef, references: tuple[Reference, ...]) -> TreatmentRecord:
    """Return what an RT Beams, RT Ion Beams or RT Brachy Treatment Record says was delivered."""
    plans = referenced_uids(references, ReferenceRole.PLAN)
    if len(plans) > 1:
        top.context.warn("the record refers to more than one plan: only the first is used")
    treated_at = top.instant("TreatmentDate", "TreatmentTime")
    machine = _machine_name(top)
    unit = choose(DosimeterUnit, top.code("PrimaryDosimeterUnit"), DosimeterUnit.UNKNOWN)
    deliveries = (
        *_beam_deliveries(top, unit, machine, treated_at),
        *_brachy_deliveries(top, machine, treated_at),
    )
    return TreatmentRecord(
        sop_instance_uid=ref.sop_instance_uid,
        patient_id=ref.patient_id,
        referenced_plan_uid=plans[0] if plans else None,
        treated_at=treated_at or min((d.started_at for d in deliveries if d.started_at), default=None),
        number_of_fractions_planned=top.integer("NumberOfFractionsPlanned"),
        referenced_fraction_group_number=top.integer("ReferencedFractionGroupNumber"),
        treatment_machine_name=machine,
        deliveries=deliveries,
    )


def read_summary(top: DataSet, ref: ObjectRef, references: tuple[Reference, ...]) -> TreatmentSummary:
    """Return the state of the course an RT Treatment Summary Record states."""
    plans = referenced_uids(references, ReferenceRole.PLAN)
    groups = list(top.items("FractionGroupSummarySequence"))
    return TreatmentSummary(
        sop_instance_uid=ref.sop_instance_uid,
        patient_id=ref.patient_id,
        referenced_plan_uid=plans[0] if plans else None,
        current_treatment_status=top.code("CurrentTreatmentStatus"),
        number_of_fractions_planned=_total(groups, "NumberOfFractionsPlanned"),
        number_of_fractions_delivered=_total(groups, "NumberOfFractionsDelivered"),
        fractions=tuple(
            FractionStatus(
                fraction_number=number,
                termination_status=_termination(item),
                treated_at=item.instant("TreatmentDate", "TreatmentTime"),
            )
            for group in groups
            for item in group.items("FractionStatusSummarySequence")
            if (number := item.integer("ReferencedFractionNumber")) is not None
        ),
    )


def _total(groups: list[DataSet], keyword: str) -> int | None:
    counts = [group.integer(keyword) for group in groups]
    stated = [count for count in counts if count is not None]
    return sum(stated) if stated and len(stated) == len(counts) else None


def _machine_name(top: DataSet) -> str:
    machine = top.first("TreatmentMachineSequence")
    return top.text("TreatmentMachineName") if machine is None else machine.text("TreatmentMachineName")


def _termination(item: DataSet) -> TerminationStatus:
    return choose(TerminationStatus, item.code("TreatmentTerminationStatus"), TerminationStatus.UNKNOWN)


def _delivery_type(item: DataSet) -> DeliveryType:
    return choose(DeliveryType, item.code("TreatmentDeliveryType"), DeliveryType.UNKNOWN)


def _beam_deliveries(
    top: DataSet, unit: DosimeterUnit, machine: str, treated_at: datetime | None
) -> Iterator[BeamDelivery]:
    for session_keyword, points_keyword in _SESSIONS:
        for item in top.items(session_keyword):
            specified, delivered, started_at = _from_control_points(item, points_keyword)
            primary = item.number("SpecifiedPrimaryMeterset")
            given = item.number("DeliveredPrimaryMeterset")
            yield BeamDelivery(
                referenced_beam_number=item.integer("ReferencedBeamNumber"),
                beam_name=item.text("BeamName"),
                current_fraction_number=item.integer("CurrentFractionNumber"),
                delivery_type=_delivery_type(item),
                termination_status=_termination(item),
                specified_meterset=specified if primary is None else primary,
                delivered_meterset=delivered if given is None else given,
                primary_dosimeter_unit=unit,
                treatment_machine_name=machine,
                started_at=started_at or treated_at,
            )


def _from_control_points(item: DataSet, keyword: str) -> tuple[float | None, float | None, datetime | None]:
    """Return specified and delivered meterset and the start, as the control points of one item tell.

    Delivered is what this item alone gave: the last point's value less the first one's, because a
    continuation starts where the earlier part ended (PS3.3 C.8.8.21.2).
    """
    specified: float | None = None
    first: float | None = None
    last: float | None = None
    started_at: datetime | None = None
    for position, point in enumerate(item.items(keyword)):
        if position == 0:
            started_at = point.instant("TreatmentControlPointDate", "TreatmentControlPointTime")
        stated = point.number("SpecifiedMeterset")
        specified = specified if stated is None else stated
        stated = point.number("DeliveredMeterset")
        if stated is not None:
            first = stated if first is None else first
            last = stated
    if first is None or last is None:
        return specified, None, started_at
    return specified, last - first, started_at


def _brachy_deliveries(top: DataSet, machine: str, treated_at: datetime | None) -> Iterator[BeamDelivery]:
    """Yield application setups as deliveries; meterset is the channels' time together, in minutes."""
    for item in top.items("TreatmentSessionApplicationSetupSequence"):
        channels = list(item.items("RecordedChannelSequence"))
        first = item.first("BrachyControlPointDeliveredSequence") or (
            channels[0].first("BrachyControlPointDeliveredSequence") if channels else None
        )
        started_at = first and first.instant("TreatmentControlPointDate", "TreatmentControlPointTime")
        yield BeamDelivery(
            referenced_beam_number=item.integer("ReferencedBrachyApplicationSetupNumber"),
            beam_name=item.text("ApplicationSetupName") or item.text("ApplicationSetupType"),
            current_fraction_number=item.integer("CurrentFractionNumber"),
            delivery_type=_delivery_type(item),
            termination_status=_termination(item),
            specified_meterset=_minutes(channels, "SpecifiedChannelTotalTime"),
            delivered_meterset=_minutes(channels, "DeliveredChannelTotalTime"),
            primary_dosimeter_unit=DosimeterUnit.MINUTE,
            treatment_machine_name=machine,
            started_at=started_at or treated_at,
        )


def _minutes(channels: list[DataSet], keyword: str) -> float | None:
    seconds = [stated for channel in channels if (stated := channel.number(keyword)) is not None]
    return sum(seconds) / 60 if seconds else None
