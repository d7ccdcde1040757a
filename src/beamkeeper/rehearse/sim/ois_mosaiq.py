"""The department in MOSAIQ's tables: a pure function of its state, with the traps of such a database in it.

What goes wrong goes wrong for a patient by number, so that a department of any size has some of it: a field
edited six times, a prescription edited after approval, a beam in QA mode, a cancelled attempt, a slot that
was used twice, a void session, a field that is hidden. Fractions are never in doubt here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim.documents import SimDocument, documents_of
from beamkeeper.rehearse.sim.mosaiq import Beam, Clinic, tables
from beamkeeper.rehearse.sim.mosaiq.clinic import COMPLETE, SETUP, STATIC, VMAT, VOID
from beamkeeper.rehearse.sim.ois_facts import (
    DIAGNOSES,
    SEX,
    bookings,
    fractions_complete,
    local,
    midnight,
    sessions_of,
)
from beamkeeper.rehearse.sim.patients import at, session_time, working_day
from beamkeeper.rehearse.sim.records import designs_of, gantry_of, given_in
from beamkeeper.rehearse.sim.state import current_treatments, patient_of
from beamkeeper.rehearse.sim.treatments import Technique

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.rehearse.sim.realcases import RealCase
    from beamkeeper.rehearse.sim.records import Session
    from beamkeeper.rehearse.sim.state import DepartmentState, PatientState
    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

_TREAT, _SIMULATE = "77412", "77290"
_EDITED_FIELD, _EDITED_SITE, _QA_MODE, _VOID, _USED_TWICE, _HIDDEN = 0, 2, 3, 4, 6, 7
"""Which patient, counted by eights, has which trap."""
_CAST = 8
_PHOTON, _ELECTRON, _PROTON = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chart:
    """Whose rows are written: keys of the person and of the course."""

    key: int
    course: int
    patient: SimPatient
    member: PatientState

    @property
    def trap(self) -> int:
        return self.patient.index % _CAST


@dataclass(slots=True)
class MosaiqDepartment:
    """Rows of MOSAIQ, and the documents they name.

    Attributes
    ----------
    documents
        With their places on the share: one folder for all.
    """

    zone: ZoneInfo
    clinic: Clinic = field(default_factory=Clinic)
    documents: list[SimDocument] = field(default_factory=list)

    @classmethod
    def of(cls, state: DepartmentState, real: Sequence[RealCase], zone: ZoneInfo) -> MosaiqDepartment:
        """Return what the database says of the department on one evening."""
        made = cls(zone=zone)
        made.clinic.activity(_TREAT, "Treatment Daily")
        made.clinic.activity(_SIMULATE, "CT Simulation")
        for member in state.patients:
            made.write(patient_of(state, member), member, state.last_day)
        for case in real:
            made.write_real(case, state.last_day)
        phantom = made.clinic.patient("QA-1", "ZZ-Phantom", "Daily")
        made.clinic.appointment(phantom, midnight(state.last_day) + timedelta(days=1), _TREAT, "LINAC1")
        return made

    def write(self, patient: SimPatient, member: PatientState, last_day: date) -> None:
        """Write one patient: the person, the course, the appointments, the file."""
        clinic, key = self.clinic, self._person(patient)
        course = clinic.course(key, code=DIAGNOSES[patient.site][0])
        chart = _Chart(key=key, course=course, patient=patient, member=member)
        sites: dict[str, int] = {}
        for treatment in patient.treatments:
            if treatment.version == 1:
                sites[treatment.key] = self._site(chart, treatment, after=sites.get("plan"))
            self._plan(chart, sites[treatment.key], treatment, last_day)
        if chart.trap == _EDITED_SITE:
            clinic.edit_site(sites["plan"])
        if member.finished_on:
            for site in sites.values():
                clinic.current(tables.SITE, "SIT_SET_ID", site)["Status_Enum"] = COMPLETE
        for one in bookings(patient, member, last_day=last_day, zone=self.zone):
            status = " C" if one.is_past else "X" if one.is_cancelled else ""
            activity = _TREAT if one.technique else _SIMULATE
            clinic.appointment(key, local(one.starts_at, self.zone), activity, one.machine, status=status)
        if chart.trap == _USED_TWICE:
            clinic.appointment(key, midnight(last_day) + timedelta(days=1), _TREAT, "LINAC1", status=" C,X")
        for document in documents_of(patient, shift_limit_mm=member.shift_limit_mm):
            filed = replace(document, path=document.path.replace("/", "-"))
            clinic.document(key, [filed.path], midnight(document.created_on))
            self.documents.append(filed)

    def write_real(self, case: RealCase, last_day: date) -> None:
        """Write a published case as a patient who is about to start."""
        last_name, first_name = (*case.patient_name.split("=")[0].split("^"), "")[:2]
        key = self.clinic.patient(case.patient_id, last_name, first_name, Gender="")
        course = self.clinic.course(key, code="")
        approved_at = self._at(last_day, 15, 0) - timedelta(days=3)
        for plan in case.plans:
            fractions = plan.fractions or 0
            site = self.clinic.site(key, course, plan.label, approved_at=approved_at, Fractions=fractions)
            beam = Beam(label="1", plan_uid=plan.uid, number=1, machine=plan.machine)
            self.clinic.beam(key, site, beam)
        starts_at = self._at(working_day(last_day, 3), 14, 0)
        self.clinic.appointment(key, starts_at, _TREAT, case.plans[0].machine)

    def _at(self, day: date, hour: int, minute: int) -> datetime:
        return local(at(day, hour, minute, self.zone), self.zone)

    def _person(self, patient: SimPatient) -> int:
        clinic, person = self.clinic, patient.person
        spoken = clinic.rows.get(tables.PROMPT.name, [])
        known = (row["Pro_ID"] for row in spoken if row["Text"] == person.language)
        language = next(known, None) or clinic.add(
            tables.PROMPT, PGroup="#LNG", Enum=len(spoken) + 1, Text=person.language
        )
        key = clinic.patient(
            person.patient_id,
            person.family_name,
            person.given_name,
            Birth_DtTm=midnight(person.birth_on),
            Gender=SEX[person.sex],
            Pat_CellPhone=person.phone_mobile,
            Language_Spoken_Pro_ID=language,
        )
        if patient.index % _CAST == 0:
            clinic.note(key, "Alert", "Pacemaker", midnight(patient.simulated_on), subject="PACEMAKER")
        return key

    def _site(self, chart: _Chart, treatment: Treatment, *, after: int | None) -> int:
        """Write what was prescribed; a boost refers to the prescription it comes after."""
        patient = chart.patient
        return self.clinic.site(
            chart.key,
            chart.course,
            treatment.label,
            approved_at=self._at(treatment.approved_on, 15, 30),
            Technique=treatment.technique.value,
            Target=patient.anatomy().targets[treatment.target_index].roi_name,
            Fractions=treatment.fractions,
            Dose_Tx=round(100 * treatment.dose_per_fraction_gy, 4),
            IsDoseInCcGE=int(treatment.technique is Technique.PROTON),
            Reference_SIT_Set_ID=after,
            Reference_Fraction=patient.treatments[0].fractions if after else None,
        )

    def _plan(self, chart: _Chart, site: int, treatment: Treatment, last_day: date) -> None:
        """Write one plan, its sessions, and what was given; fields of a plan that was replaced are hidden."""
        clinic, member = self.clinic, chart.member
        fields = self._fields(chart, site, treatment)
        calendar = self._given(chart, treatment, fields)
        if treatment not in current_treatments(chart.patient):
            for field_set in fields.values():
                clinic.edit_beam(field_set, IsHidden=1)
        elif not member.finished_on:
            for ahead in range(1, treatment.fractions - fractions_complete(member, treatment) + 1):
                due_at, number = midnight(working_day(last_day, ahead)), len(calendar) + ahead
                clinic.session(chart.key, chart.course, due_at, list(fields.values()), Seq=number)
        self._traps(chart, list(fields.values()), midnight(last_day))

    def _given(self, chart: _Chart, treatment: Treatment, fields: dict[int, int]) -> dict[int, int]:
        """Write the sessions that took place; return their keys in the calendar by fraction number."""
        calendar: dict[int, int] = {}
        given = sessions_of(chart.member, treatment)
        for count, session in enumerate(given, start=1):
            number = session.fraction_number
            if number not in calendar:
                due_at = midnight(session.on)
                calendar[number] = self.clinic.session(
                    chart.key, chart.course, due_at, list(fields.values()), Seq=number
                )
            self._give(chart, treatment, session, calendar[number], fields)
            if chart.trap == _EDITED_FIELD and count == len(given) // 2:
                for edit in range(6):
                    self.clinic.edit_beam(next(iter(fields.values())), Notes=f"edit {edit}")
        return calendar

    def _fields(self, chart: _Chart, site: int, treatment: Treatment) -> dict[int, int]:
        """Write the fields of a plan; return the set id of each treatment beam by its number."""
        key, patient = chart.key, chart.patient
        uid = patient.plan_uid(treatment)
        designs = designs_of(patient, treatment)
        modality = {Technique.ELECTRON: _ELECTRON, Technique.PROTON: _PROTON}.get(
            treatment.technique, _PHOTON
        )
        energy = 12 if treatment.technique is Technique.ELECTRON else 6
        made, setup = {}, designs[0].number - 1
        if setup:
            beam = Beam(label="S", plan_uid=uid, number=setup, type_enum=SETUP, machine=treatment.machine)
            self.clinic.beam(key, site, beam, Meterset=0.0)
        for design in designs:
            start, stop = gantry_of(design)
            beam = Beam(
                label=design.name,
                plan_uid=uid,
                number=design.number,
                name=design.name,
                meterset=design.meterset,
                machine=treatment.machine,
                type_enum=STATIC if start == stop else VMAT,
                energy=energy,
                gantry=(start, stop),
            )
            made[design.number] = self.clinic.beam(key, site, beam, Modality_Enum=modality)
        return made

    def _give(
        self, chart: _Chart, treatment: Treatment, session: Session, calendar: int, fields: dict[int, int]
    ) -> None:
        """Write what one session gave; a field that was continued to its end is partial no longer."""
        patient = chart.patient
        clinic = self.clinic
        treated_at = session_time(patient, session, self.zone)
        for began_at, given in given_in(patient, treatment, session, treated_at):
            for order, beam in enumerate(given):
                start = local(began_at, self.zone) + timedelta(minutes=3 * order)
                field_set, share = fields[beam.design.number], beam.end - beam.begin
                clinic.treat(calendar, start, fraction=session.fraction_number, share=share, only=[field_set])
                if beam.delivery == "CONTINUATION":
                    entries = clinic.rows[tables.CALENDAR_FIELD.name]
                    where = (calendar, field_set)
                    entry = next(row for row in entries if (row["PCI_ID"], row["FLD_Set_ID"]) == where)
                    entry["IsPartial"] = 0
                    clinic.current(tables.FIELD, "FLD_SET_ID", field_set)["Fractions_Tx"] += 1

    def _traps(self, chart: _Chart, fields: list[int], at_night: datetime) -> None:
        """Write what no count may see: a beam in QA mode, an attempt that was cancelled, a void session."""
        clinic, key, trap = self.clinic, chart.key, chart.trap
        first = clinic.current(tables.FIELD, "FLD_SET_ID", fields[0])
        if trap == _QA_MODE:
            clinic.add(
                tables.DELIVERED,
                Pat_ID1=key,
                FLD_ID=first["FLD_ID"],
                Tx_DtTm=at_night,
                Fractions_Tx=99,
                Fx_Number_InEffect=99,
                Meterset=first["Meterset"],
                Type_Enum=first["Type_Enum"],
                WasQAMode=1,
                PartiallyTreated=0,
            )
            clinic.add(
                tables.TRACKED,
                Pat_ID1=key,
                FLD_ID=first["FLD_ID"],
                Create_DtTm=at_night,
                WasQAMode=0,
                WasBeamOn=0,
                WasCanceled=1,
                WasRecorded=0,
            )
        elif trap == _VOID:
            clinic.session(key, chart.course, at_night, fields, Status_Enum=VOID)
        elif trap == _HIDDEN:
            uid = first["OriginalPlanUID"]
            beam = Beam(label="OLD", plan_uid=uid, number=first["OriginalBeamNumber"] + 50)
            clinic.beam(key, first["SIT_Set_ID"], beam, IsHidden=1)
