"""The department in ARIA's tables: a pure function of its state, with the traps of such a database in it.

What goes wrong goes wrong for a patient by number, so that a department of any size has some of it: a draft
of a plan under the same PlanSetup, no oncologist, two of them, a booking that was deleted, a note filed by
mistake, a document that the share does not have. Fractions are never in doubt here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim.aria import Clinic, Plan, tables
from beamkeeper.rehearse.sim.documents import SimDocument, documents_of
from beamkeeper.rehearse.sim.ois_facts import (
    DIAGNOSES,
    SEX,
    TRIAGE_CODES,
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

    from beamkeeper.rehearse.sim.ionplans import IonDesign
    from beamkeeper.rehearse.sim.plans import BeamDesign
    from beamkeeper.rehearse.sim.realcases import RealCase
    from beamkeeper.rehearse.sim.records import Session
    from beamkeeper.rehearse.sim.state import DepartmentState, PatientState
    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

_DRAFTED, _NO_ONCOLOGIST, _TWO_ONCOLOGISTS, _DELETED, _NOT_ON_SHARE, _MISTAKEN = 0, 2, 3, 4, 5, 6
"""Which patient, counted by eights, has which trap."""
_CAST = 8
_ENERGIES = {Technique.ELECTRON: (2, "ELECTRON", 12000, "12E"), Technique.PROTON: (3, "PROTON", 0, "P")}
_PHOTONS = (1, "PHOTON", 6000, "6X ")


@dataclass(slots=True)
class AriaDepartment:
    """Rows of ARIA, and the documents they name.

    Attributes
    ----------
    documents
        With their places on the share: the folder of the quarter each was written in.
    """

    zone: ZoneInfo
    clinic: Clinic = field(default_factory=Clinic)
    documents: list[SimDocument] = field(default_factory=list)

    @classmethod
    def of(cls, state: DepartmentState, real: Sequence[RealCase], zone: ZoneInfo) -> AriaDepartment:
        """Return what the database says of the department on one evening."""
        made = cls(zone=zone)
        for ser, kind, energy, code in (_PHOTONS, *_ENERGIES.values()):
            made.clinic.add(
                tables.ENERGY_MODE, EnergyModeSer=ser, RadiationType=kind, Energy=energy, DisplayCode=code
            )
        for member in state.patients:
            made.write(patient_of(state, member), member, state.last_day)
        for case in real:
            made.write_real(case, state.last_day)
        made.write_phantom(state.last_day)
        return made

    def write(self, patient: SimPatient, member: PatientState, last_day: date) -> None:
        """Write one patient: the person, the course, the appointments, the file."""
        clinic, trap = self.clinic, patient.index % _CAST
        ser = self._person(patient)
        course = self._course(ser, patient, member)
        for treatment in patient.treatments:
            if treatment.version == 1:
                order = clinic.prescribe(course, treatment.label, treatment.fractions)
                target = patient.anatomy().targets[treatment.target_index].roi_name
                each = f"{treatment.dose_per_fraction_gy:.4g}"
                clinic.target(order, target, total=f"{treatment.total_dose_gy:g}", each=each)
            self._plan(ser, course, patient, member, treatment)
        for one in bookings(patient, member, last_day=last_day, zone=self.zone):
            status = "Completed" if one.is_past else "Cancelled" if one.is_cancelled else "Open"
            activity = "Daily Treatment" if one.technique else "CT Simulation"
            starts_at = local(one.starts_at, self.zone)
            clinic.book(ser, starts_at, activity=activity, machine=one.machine, status=status)
        if trap == _DELETED:
            clinic.book(ser, midnight(last_day) + timedelta(days=1), object_status="Deleted")
        self._documents(ser, patient, member)

    def write_real(self, case: RealCase, last_day: date) -> None:
        """Write a published case as a patient who is about to start."""
        last_name, first_name = (*case.patient_name.split("=")[0].split("^"), "")[:2]
        ser = self.clinic.patient(case.patient_id, last_name, first_name, Sex=None, Language="en")
        self.clinic.doctor(ser, "Vermeulen")
        course = self.clinic.course(ser)
        approved_at = local(at(last_day, 15, 0, self.zone) - timedelta(days=3), self.zone)
        for plan in case.plans:
            setup = self._plan_setup(course, plan.label, "TreatApproval", approved_at)
            self._rt_plan(setup, plan.uid, plan.fractions, approved_at)
            self.clinic.field(setup, "Setup", number=0, machine=plan.machine, is_setup=True)
        starts_at = local(at(working_day(last_day, 3), 14, 0, self.zone), self.zone)
        self.clinic.book(ser, starts_at, machine=case.plans[0].machine)

    def write_phantom(self, last_day: date) -> None:
        """Write the phantom that physicists treat before the day begins; it must never reach a list."""
        ser = self.clinic.patient("$QA-PHANTOM", "QA Phantom", "Daily", Sex="Unknown")
        course = self.clinic.course(ser, "QA")
        approved_at = midnight(last_day)
        self.clinic.plan(ser, course, "DAILYQA", approved_at=approved_at, fractions=999, intent="MACHINE_QA")
        self.clinic.book(ser, approved_at + timedelta(days=1, hours=7), activity="Machine QA")

    def _person(self, patient: SimPatient) -> int:
        clinic, person, trap = self.clinic, patient.person, patient.index % _CAST
        ser = clinic.patient(
            person.patient_id,
            person.family_name,
            person.given_name,
            DateOfBirth=midnight(person.birth_on),
            Sex=SEX[person.sex],
            Language=person.language,
            MobilePhone=person.phone_mobile,
        )
        relation, name, phone = person.relative
        first, _, last = name.partition(" ")
        clinic.add(
            tables.POINT_OF_CONTACT,
            PatientSer=ser,
            PrimaryFlag=1,
            Relationship=relation,
            FirstName=first,
            LastName=last,
            MobilePhone=phone,
        )
        clinic.add(
            tables.PATIENT_PARTICULAR,
            PatientSer=ser,
            MedicalAlerts="Pacemaker" if trap == 0 else None,
            UserDefAttrib03=TRIAGE_CODES[patient.site],
        )
        if trap != _NO_ONCOLOGIST:
            clinic.doctor(ser, "Vermeulen")
        if trap == _TWO_ONCOLOGISTS:
            clinic.doctor(ser, "Claes")
        return ser

    def _course(self, ser: int, patient: SimPatient, member: PatientState) -> int:
        code, text = DIAGNOSES[patient.site]
        course = self.clinic.course(
            ser,
            StartDateTime=midnight(patient.treatments[0].approved_on),
            ClinicalStatus="COMPLETED" if member.finished_on else "ACTIVE",
            CompletedDateTime=midnight(member.finished_on) if member.finished_on else None,
        )
        diagnosis = self.clinic.add(tables.DIAGNOSIS, DiagnosisCode=code, Description=text)
        self.clinic.add(tables.COURSE_DIAGNOSIS, CourseSer=course, DiagnosisSer=diagnosis)
        self.clinic.add(tables.PHYSICIAN_INTENT, CourseSer=course, TreatmentIntentType="Curative")
        return course

    def _plan(
        self, ser: int, course: int, patient: SimPatient, member: PatientState, treatment: Treatment
    ) -> None:
        """Write one plan, what was given of it, and its sessions; a plan that was replaced has none open."""
        complete = fractions_complete(member, treatment)
        is_current = treatment in current_treatments(patient)
        status, said_on = "TreatApproval" if is_current else "Retired", treatment.approved_on
        if member.finished_on and is_current:
            status = "Completed" if complete == treatment.fractions else "CompletedEarly"
            said_on = member.finished_on
        setup = self._plan_setup(course, treatment.label, status, self._at(said_on, 15, 30))
        uid, made_at = patient.plan_uid(treatment), self._at(treatment.approved_on, 15, 30)
        if patient.index % _CAST == _DRAFTED and treatment.version == 1:
            self._rt_plan(setup, f"{uid[:60]}.404", treatment.fractions, made_at - timedelta(hours=2))
        rt_plan = self._rt_plan(setup, uid, treatment.fractions, made_at)
        fields = self._fields(setup, treatment, designs_of(patient, treatment))
        plan = Plan(
            plan_setup_ser=setup,
            rt_plan_ser=rt_plan,
            uid=uid,
            course_ser=course,
            patient_ser=ser,
            fields=tuple(fields.values()),
            fractions=treatment.fractions,
            meterset=0.0,
        )
        for session in sessions_of(member, treatment):
            self._give(plan, fields, patient, treatment, session)
        left = 0 if member.finished_on or not is_current else treatment.fractions - complete
        for state in ("COMPLETE",) * complete + ("TREAT",) * left:
            self.clinic.session(plan, state)
        self.clinic.add(
            tables.DOSE_FIGURES,
            RTPlanSer=rt_plan,
            FractionsDelivered=complete,
            FractionsPlanned=treatment.fractions,
            FractionsRemaining=treatment.fractions - complete,
            RunningPartial=0,
        )

    def _give(
        self,
        plan: Plan,
        fields: dict[int, int],
        patient: SimPatient,
        treatment: Treatment,
        session: Session,
    ) -> None:
        """Write the records of one session; one that came without a plan has the plan's UID alone."""
        treated_at = session_time(patient, session, self.zone)
        for number, (began_at, given) in enumerate(given_in(patient, treatment, session, treated_at)):
            start = local(began_at, self.zone)
            record = self.clinic.add(
                tables.TREATMENT_RECORD,
                PatientSer=plan.patient_ser,
                RTPlanSer=plan.rt_plan_ser if session.names_plan or number else None,
                PlanUID=plan.uid,
                TreatmentRecordDateTime=start,
                ActualMachineSer=self.clinic.machine(treatment.machine),
                NoOfFractions=plan.fractions,
            )
            for order, beam in enumerate(given):
                self.clinic.beam(
                    record,
                    fields[beam.design.number],
                    session.fraction_number,
                    start + timedelta(minutes=3 * order),
                    planned=beam.design.meterset,
                    given=beam.design.meterset * (beam.end - beam.begin),
                    delivery_type=beam.delivery,
                )

    def _at(self, day: date, hour: int, minute: int) -> datetime:
        return local(at(day, hour, minute, self.zone), self.zone)

    def _plan_setup(self, course: int, plan_id: str, status: str, said_at: datetime) -> int:
        return self.clinic.add(
            tables.PLAN_SETUP,
            CourseSer=course,
            PlanSetupId=plan_id[:16],
            Status=status,
            StatusUserName="physicist",
            StatusDate=said_at,
            Intent="CURATIVE",
        )

    def _rt_plan(self, setup: int, uid: str, fractions: int | None, made_at: datetime) -> int:
        """Write one more state of a plan, with a UID of its own."""
        before = [row for row in self.clinic.rows.get("RTPlan", ()) if row["PlanSetupSer"] == setup]
        rt_plan = self.clinic.add(
            tables.RT_PLAN,
            PlanSetupSer=setup,
            PlanUID=uid,
            NoFractions=fractions,
            DicomSeqNumber=len(before) + 1,
            CreationDate=made_at,
        )
        for row in before:
            self.clinic.add(
                tables.PLAN_RELATIONSHIP,
                RTPlanSer=rt_plan,
                RelatedRTPlanSer=row["RTPlanSer"],
                RelationshipType="PREDECESSOR",
            )
        return rt_plan

    def _fields(
        self, setup: int, treatment: Treatment, designs: Sequence[BeamDesign | IonDesign]
    ) -> dict[int, int]:
        """Write the fields of a plan; return the RadiationSer of each treatment beam by its number."""
        clinic = self.clinic
        energy = _ENERGIES.get(treatment.technique, _PHOTONS)[0]
        first = designs[0].number
        if first > 1:
            clinic.field(setup, "Setup 0", number=first - 1, machine=treatment.machine, is_setup=True)
        found = {}
        for design in designs:
            field_ser = clinic.field(
                setup,
                design.name,
                number=design.number,
                machine=treatment.machine,
                meterset=design.meterset,
            )
            start, stop = gantry_of(design)
            clinic.rows["ExternalFieldCommon"][field_ser - 1]["EnergyModeSer"] = energy
            clinic.rows["ExternalField"][field_ser - 1] |= {"GantryRtn": start, "StopAngle": stop}
            found[design.number] = field_ser
        return found

    def _documents(self, ser: int, patient: SimPatient, member: PatientState) -> None:
        """Name each document by its bare file name: where it lies follows from its version's quarter."""
        trap = patient.index % _CAST
        for document in documents_of(patient, shift_limit_mm=member.shift_limit_mm):
            name = document.path.replace("/", "-")
            day = document.revised_on or document.created_on
            filed = replace(document, path=f"{day.year}Q{(day.month + 2) // 3}/{name}")
            self._visit_note(ser, filed, name, valid=True)
            if trap != _NOT_ON_SHARE or document.kind != "prescription":
                self.documents.append(filed)
            if trap == _MISTAKEN:
                self._visit_note(ser, filed, f"mistake-{name}", valid=False)

    def _visit_note(self, ser: int, document: SimDocument, name: str, *, valid: bool) -> None:
        kinds = self.clinic.rows.get("note_typ", [])
        note_typ = next((row["note_typ"] for row in kinds if row["note_typ_desc"] == document.title), 0)
        self.clinic.add(
            tables.VISIT_NOTE,
            pt_id=f"PT{ser}",
            note_typ=note_typ or self.clinic.add(tables.NOTE_TYP, note_typ_desc=document.title),
            template_name=document.kind,
            trans_log_tstamp=self._at(document.created_on, 9, 0),
            trans_log_mtstamp=self._at(document.revised_on, 16, 0) if document.revised_on else None,
            revised_ind="Y" if document.revised_on else None,
            doc_file_loc=name,
            valid_entry_ind="Y" if valid else "N",
        )
