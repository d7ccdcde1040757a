"""A year of 4,000 patients: the OIS, the records and the dossier give one position, or the conflict is shown.

One in eight bears a fault in its evidence. None of them may pass in silence, whatever else happens in the
course: interruptions, two fractions a day, new plans, boosts, other machines.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from year import NEW_YEAR, Fault, Quirk, YearPatient, year_of

from beamkeeper.domain.counting import course_position
from beamkeeper.domain.plan import DeliveryType
from beamkeeper.protect.census import CensusWindow, SqlSource
from beamkeeper.protect.census.mosaiq import mosaiq_mapping
from beamkeeper.protect.dossier import DossierSource, Provenance, make_dossier, render_text
from beamkeeper.protect.ois_settings import MosaiqSettings
from beamkeeper.rehearse.sim.mosaiq import TABLES, Beam, Clinic, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from year import Given

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.position import CoursePosition

NOW = NEW_YEAR + timedelta(days=500)
ZONE = ZoneInfo("UTC")
IN_ONE_DATABASE = 50
GIVES_DOSE = frozenset({DeliveryType.TREATMENT, DeliveryType.CONTINUATION})


def charted(patients: Iterable[YearPatient]) -> Clinic:
    """Return what a MOSAIQ would hold of some patients: it sees what was given, not what records say."""
    clinic = Clinic()
    clinic.activity("TX", "Treatment Daily")
    for patient in patients:
        key = clinic.patient(patient.patient_id, f"Year {patient.patient_id}")
        course = clinic.course(key)
        for number in range(1, len(patient.plans) + 1):
            moved = patient.fault is Fault.COURSE_MOVED and number == len(patient.plans)
            _chart_plan(clinic, key, clinic.course(key, 2) if moved else course, patient, number)
        clinic.appointment(key, (NOW + timedelta(days=1)).replace(tzinfo=None), "TX", "LINAC1")
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


def listed(patients: list[YearPatient], folder: Path) -> dict[str, CensusEntry]:
    """Return what the census reads of some patients out of a MOSAIQ database."""
    path = folder / f"{patients[0].patient_id}.db"
    TABLES.write_sqlite(path, charted(patients).rows)
    source = SqlSource(mosaiq_mapping(MosaiqSettings(timezone="UTC")), f"sqlite:///{path}")
    return {e.patient.patient_id: e for e in source.ask(NOW, CensusWindow()).entries}


def batches(count: int) -> Iterator[list[YearPatient]]:
    patients = year_of(count)
    while batch := list(islice(patients, IN_ONE_DATABASE)):
        yield batch


def stands(patient: YearPatient, entry: CensusEntry) -> CoursePosition:
    return course_position(
        patient.plans, patient.records, patient_id=patient.patient_id, ois_counts=entry.counts
    )


def conflicts_of(position: CoursePosition) -> list[str]:
    everywhere = (*position.conflicts, *(c for plan in position.plans for c in plan.conflicts))
    return [conflict.text for conflict in everywhere]


def dossier_of(patient: YearPatient, entry: CensusEntry, position: CoursePosition) -> str:
    made = make_dossier(
        DossierSource(
            site_name="A year",
            zone=ZONE,
            entry=entry,
            position=position,
            plans=patient.plans,
            records=tuple(patient.records),
            readiness=(),
            provenance=Provenance(),
            as_of=NOW.astimezone(UTC),
        )
    )
    return " ".join(render_text(made).split())


def judged(patient: YearPatient, entry: CensusEntry) -> str:
    """Return how the three views of one patient stand to each other; fails where a fault is silent."""
    position = stands(patient, entry)
    shown = conflicts_of(position)
    text = dossier_of(patient, entry, position)
    truly = {uid: (patient.complete[uid], patient.partial[uid]) for uid in patient.complete}
    counted = {plan.plan_uid: (plan.fractions_complete, plan.fractions_partial) for plan in position.plans}
    who = (patient.patient_id, patient.quirk.value, patient.fault)

    assert {count.plan_uid for count in entry.counts} == set(truly), (who, entry.counts)
    for plan in position.plans:
        of = f" of {plan.fractions_planned}"
        assert f"{plan.fractions_complete}{of} fractions complete" in text, (who, text[:2000])
    if patient.fault is None:
        assert counted == truly, (who, shown)
        assert not shown or patient.quirk is Quirk.REPLANNED, (who, shown)  # which plan is valid is asked
        return "agree"
    assert shown, (who, "a fault that nobody is told of")
    assert all(" ".join(said.split()) in text for said in shown[:1]), (who, shown, text[:2000])
    return "shown"


def judge_year(count: int, folder: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for batch in batches(count):
        entries = listed(batch, folder)
        found.update(judged(patient, entries[patient.patient_id]) for patient in batch)
    return found


def test_every_view_of_a_course_agrees_or_the_conflict_is_shown(tmp_path: Path) -> None:
    found = judge_year(IN_ONE_DATABASE, tmp_path)

    assert found["agree"] > 40
    assert found["shown"] > 4


@pytest.mark.long
def test_of_four_thousand_patients_of_a_year_no_fault_is_silent(tmp_path: Path) -> None:
    found = judge_year(4000, tmp_path)

    assert sum(found.values()) == 4000
    assert found["shown"] > 400
