"""The treatment record report of one patient: what the records say was given, as of now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import typst

from beamkeeper.domain.patient import shown_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.position import CoursePosition, FractionState, PlanPosition
    from beamkeeper.domain.record import BeamDelivery, TreatmentRecord

_TEMPLATE = files(__package__).joinpath("record_report.typ").read_bytes()
_UNIT_WORDS = {"MU": "MU", "MINUTE": "min"}


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
    """Return the sheet as PDF; the same facts give the same bytes.

    Not PDF/A: that refuses a name with a character the font lacks, and no sheet at all is worse.
    """
    facts = json.dumps(_facts(report), ensure_ascii=False)
    pdf = typst.compile(_TEMPLATE, sys_inputs={"facts": facts}, timestamp=int(report.as_of.timestamp()))
    assert isinstance(pdf, bytes), "one document was asked for"  # noqa: S101
    return pdf


def _facts(report: RecordReport) -> dict[str, object]:
    patient, records = report.patient, {record.sop_instance_uid: record for record in report.records}
    return {
        "site": report.site_name,
        "name": shown_name(patient.name) or "(no name)",
        "id": patient.patient_id,
        "issuer": patient.issuer_of_patient_id,
        "born": str(patient.birth_on or "unknown"),
        "sex": patient.sex or "unknown",
        "as_of": _at(report.as_of, report.zone),
        "plans": [_plan(plan, records, report.zone) for plan in report.position.plans],
        "unassigned": len(report.position.unassigned_record_uids),
        "conflicts": [conflict.text for conflict in report.position.conflicts],
    }


def _plan(plan: PlanPosition, records: Mapping[str, TreatmentRecord], zone: ZoneInfo) -> dict[str, object]:
    return {
        "label": plan.rt_plan_label or "(plan without label)",
        "complete": plan.fractions_complete,
        "planned": "unknown" if plan.fractions_planned is None else str(plan.fractions_planned),
        "next": _next(plan),
        "dose": "unknown" if plan.dose_so_far_gy is None else f"{plan.dose_so_far_gy:.2f} Gy",
        "last": _at(plan.last_treated_at, zone),
        "conflicts": [conflict.text for conflict in plan.conflicts],
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
    deliveries = [
        _delivery(delivery, record, zone)
        for uid in fraction.record_uids
        if (record := records.get(uid)) is not None
        for delivery in record.deliveries
        if delivery.current_fraction_number in {None, fraction.fraction_number}
    ]
    state = "complete" if fraction.complete else "partial" if fraction.is_partial else "nothing delivered"
    return {
        "number": fraction.fraction_number,
        "state": state,
        "at": _at(fraction.first_treated_at, zone),
        "beams": deliveries,
    }


def _delivery(delivery: BeamDelivery, record: TreatmentRecord, zone: ZoneInfo) -> dict[str, object]:
    unit = _UNIT_WORDS.get(delivery.primary_dosimeter_unit.value, "")
    number = "?" if delivery.referenced_beam_number is None else str(delivery.referenced_beam_number)
    return {
        "beam": f"{number} {delivery.beam_name}".strip(),
        "given": f"{_number(delivery.delivered_meterset)} of {_number(delivery.specified_meterset)} {unit}",
        "end": delivery.termination_status.value,
        "machine": delivery.treatment_machine_name or record.treatment_machine_name,
        "at": _at(delivery.started_at or record.treated_at, zone, only_time=True),
    }


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"


def _at(instant: datetime | None, zone: ZoneInfo, *, only_time: bool = False) -> str:
    if instant is None:
        return "?" if only_time else "no date"
    return instant.astimezone(zone).strftime("%H:%M" if only_time else "%Y-%m-%d %H:%M")
