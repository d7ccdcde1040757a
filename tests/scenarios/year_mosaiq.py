"""What a MOSAIQ would hold of the year's patients: it sees what was given, not what records say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from year import ASKED_AT, GIVES_DOSE, NEW_YEAR, Fault

from beamkeeper.protect.census.mosaiq import mosaiq_mapping
from beamkeeper.protect.ois_settings import MosaiqSettings
from beamkeeper.rehearse.sim.mosaiq import TABLES, Beam, Clinic, tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from year import Given, YearPatient

    from beamkeeper.protect.census import OisMapping


def mapping() -> OisMapping:
    return mosaiq_mapping(MosaiqSettings(timezone="UTC"))


def write(path: Path, patients: Iterable[YearPatient]) -> None:
    TABLES.write_sqlite(path, _charted(patients).rows)


def _charted(patients: Iterable[YearPatient]) -> Clinic:
    clinic = Clinic()
    clinic.activity("TX", "Treatment Daily")
    for patient in patients:
        key = clinic.patient(patient.patient_id, f"Year {patient.patient_id}")
        course = clinic.course(key)
        for number in range(1, len(patient.plans) + 1):
            moved = patient.fault is Fault.COURSE_MOVED and number == len(patient.plans)
            _chart_plan(clinic, key, clinic.course(key, 2) if moved else course, patient, number)
        clinic.appointment(key, (ASKED_AT + timedelta(days=1)).replace(tzinfo=None), "TX", "LINAC1")
    return clinic


def _chart_plan(clinic: Clinic, key: int, course: int, patient: YearPatient, number: int) -> None:
    plan = patient.plans[number - 1]
    planned = plan.number_of_fractions_planned or 0
    approved_at = NEW_YEAR.replace(tzinfo=None) - timedelta(days=3)
    site = clinic.site(key, course, f"SITE{number}", approved_at=approved_at, Fractions=planned)
    fields = {
        beam.beam_number: clinic.beam(
            key,
            site,
            Beam(
                label=f"{number}.{beam.beam_number}",
                plan_uid=plan.sop_instance_uid,
                number=beam.beam_number,
                meterset=beam.beam_meterset or 0.0,
            ),
        )
        for beam in plan.beams
    }
    given = [one for one in patient.given if one.plan_uid == plan.sop_instance_uid]
    if patient.fault is Fault.COURSE_MOVED and number == len(patient.plans):
        given = []
    for fraction in range(1, planned + 1):
        due = NEW_YEAR.replace(tzinfo=None) + timedelta(days=fraction)
        session = clinic.session(key, course, due, list(fields.values()), Seq=fraction)
        _chart_fraction(clinic, session, fields, [one for one in given if one.fraction_number == fraction])


def _chart_fraction(clinic: Clinic, session: int, fields: dict[int, int], given: list[Given]) -> None:
    for beam_number, field_set in fields.items():
        parts = [g for g in given if g.beam_number == beam_number and g.meterset and g.kind in GIVES_DOSE]
        whole = clinic.current(tables.FIELD, "FLD_SET_ID", field_set)["Meterset"]
        for part in parts:
            at = part.at.replace(tzinfo=None)
            share = part.meterset / whole
            clinic.treat(session, at, fraction=part.fraction_number, share=share, only=[field_set])
        if len(parts) > 1 and sum(part.meterset for part in parts) > 0.99 * whole:
            entries = clinic.rows[tables.CALENDAR_FIELD.name]
            entry = next(r for r in entries if (r["PCI_ID"], r["FLD_Set_ID"]) == (session, field_set))
            entry["IsPartial"] = 0
            clinic.current(tables.FIELD, "FLD_SET_ID", field_set)["Fractions_Tx"] += 1
