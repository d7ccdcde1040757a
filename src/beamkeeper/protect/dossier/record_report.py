"""The treatment record report of one patient: what the records say was given, as of now."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.words import SEXES, at, gy, line
from beamkeeper.protect.dossier.delivered import deliveries_of, delivery_words, state_words
from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.position import CoursePosition, FractionState, PlanPosition
    from beamkeeper.domain.record import BeamDelivery, TreatmentRecord

_TEMPLATE = files(__package__).joinpath("record_report.typ").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReport:
    """What stands on the sheet.

    Attributes
    ----------
    records
        All records that are kept of the patient, in any order.
    as_of
        When the source was last asked; aware.
    """

    site_name: str
    zone: ZoneInfo
    patient: Patient
    position: CoursePosition
    records: tuple[TreatmentRecord, ...]
    as_of: datetime


def record_report(report: RecordReport) -> bytes:
    """Return the sheet as PDF; the same facts give the same bytes."""
    return set_pdf(_TEMPLATE, _facts(report), made_at=int(report.as_of.timestamp()))


def _facts(report: RecordReport) -> dict[str, object]:
    patient, records = report.patient, {record.sop_instance_uid: record for record in report.records}
    return {
        "site": line(report.site_name),
        "name": line(shown_name(patient.name)) or "(no name)",
        "id": line(patient.patient_id),
        "issuer": line(patient.issuer_of_patient_id),
        "born": str(patient.birth_on or "unknown"),
        "sex": SEXES.get(patient.sex, "unknown"),
        "as_of": at(report.as_of, report.zone),
        "plans": [_plan(plan, records, report.zone) for plan in report.position.plans],
        "unassigned": len(report.position.unassigned_record_uids),
        "conflicts": [line(conflict.text) for conflict in report.position.conflicts],
    }


def _plan(plan: PlanPosition, records: Mapping[str, TreatmentRecord], zone: ZoneInfo) -> dict[str, object]:
    return {
        "label": line(plan.rt_plan_label) or "(plan without label)",
        "complete": plan.fractions_complete,
        "planned": "unknown" if plan.fractions_planned is None else str(plan.fractions_planned),
        "next": _next(plan),
        "dose": gy(plan.dose_so_far_gy),
        "last": at(plan.last_treated_at, zone),
        "conflicts": [line(conflict.text) for conflict in plan.conflicts],
        "fractions": [_fraction(fraction, records, zone) for fraction in plan.fractions],
    }


def _next(plan: PlanPosition) -> str:
    if plan.is_finished:
        return "finished"
    if plan.next_fraction_number is None:
        return "a person has to say"
    return f"{plan.next_fraction_number}" + " (to be completed first)" * plan.next_is_continuation


def _fraction(
    fraction: FractionState, records: Mapping[str, TreatmentRecord], zone: ZoneInfo
) -> dict[str, object]:
    return {
        "number": fraction.fraction_number,
        "state": state_words(fraction),
        "at": at(fraction.first_treated_at, zone),
        "beams": [_beam(delivery, record, zone) for delivery, record in deliveries_of(fraction, records)],
    }


def _beam(delivery: BeamDelivery, record: TreatmentRecord, zone: ZoneInfo) -> dict[str, object]:
    beam, given, end, machine, when = delivery_words(delivery, record, zone)
    return {"beam": beam, "given": given, "end": end, "machine": machine, "at": when}
