"""What a department writes into ARIA: a patient, a plan with its fields, sessions, beams, appointments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from beamkeeper.rehearse.sim.aria import tables

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Table

    from beamkeeper.rehearse.sim.vendor_tables import Rows

BEAM = timedelta(minutes=2)
FIRST_MACHINE = 9_000_000
"""Resources (machines, doctors) have keys of their own, apart from those of the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan as it stands in the database.

    Attributes
    ----------
    fields
        RadiationSer of each treatment field.
    """

    plan_setup_ser: int
    rt_plan_ser: int
    uid: str
    course_ser: int
    patient_ser: int
    fields: tuple[int, ...]
    fractions: int
    meterset: float


@dataclass(slots=True)
class Clinic:
    """Rows of every table, written as a department would write them; naive local times."""

    rows: Rows = field(default_factory=dict)
    _machines: dict[str, int] = field(default_factory=dict)
    _activities: dict[str, int] = field(default_factory=dict)
    _doctors: dict[str, int] = field(default_factory=dict)

    def add(self, table: Table, **values: Any) -> int:
        """Write one row; return its number, which is its key unless the row brings its own."""
        of_table = self.rows.setdefault(table.name, [])
        name = table.primary_key.columns[0].name
        number = len(of_table) + 1
        of_table.append({name: number, **values})
        return number

    def machine(self, name: str, *, scale: str = "IEC61217") -> int:
        """Return the ResourceSer of a machine; it is written when it is first named."""
        if name not in self._machines:
            self._machines[name] = FIRST_MACHINE + len(self._machines)
            self.add(tables.MACHINE, ResourceSer=self._machines[name], MachineId=name, MachineScale=scale)
        return self._machines[name]

    def patient(self, patient_id: str, last_name: str, first_name: str, **values: Any) -> int:
        """Write a patient with the fixed-length columns filled up."""
        ser = self.add(
            tables.PATIENT,
            PatientId=patient_id,
            LastName=last_name,
            FirstName=first_name,
            **{"Sex": "Female", "PatientType": "Patient", **values},
        )
        self.add(tables.PT, pt_id=f"PT{ser}", patient_ser=ser)
        return ser

    def doctor(self, patient_ser: int, last_name: str, *, primary: bool = True) -> None:
        """Write who answers for a patient."""
        if last_name not in self._doctors:
            self._doctors[last_name] = FIRST_MACHINE + 1000 + len(self._doctors)
            self.add(
                tables.DOCTOR,
                ResourceSer=self._doctors[last_name],
                DoctorId=last_name[:16],
                FirstName="Doctor",
                LastName=last_name,
                OncologistFlag=1,
            )
        self.add(
            tables.PATIENT_DOCTOR,
            PatientSer=patient_ser,
            ResourceSer=self._doctors[last_name],
            PrimaryFlag=int(primary),
            OncologistFlag=1,
        )

    def course(self, patient_ser: int, course_id: str = "C1", **values: Any) -> int:
        """Write a course."""
        return self.add(
            tables.COURSE,
            PatientSer=patient_ser,
            CourseId=course_id,
            **{"ClinicalStatus": "ACTIVE", **values},
        )

    def plan(
        self,
        patient_ser: int,
        course_ser: int,
        plan_id: str,
        *,
        approved_at: datetime,
        fractions: int = 15,
        field_count: int = 2,
        meterset: float = 100.0,
        machine: str = "LINAC1",
        status: str = "TreatApproval",
        intent: str | None = None,
    ) -> Plan:
        """Write a plan: PlanSetup, RTPlan, a setup field and its treatment fields."""
        setup = self.add(
            tables.PLAN_SETUP,
            CourseSer=course_ser,
            PlanSetupId=plan_id,
            Status=status,
            StatusUserName="physicist",
            StatusDate=approved_at,
            Intent=intent,
            TreatmentType="Photon",
        )
        uid = f"1.2.246.352.71.5.{setup}"
        rt_plan = self.add(
            tables.RT_PLAN,
            PlanSetupSer=setup,
            PlanUID=uid,
            NoFractions=fractions,
            PrescribedDose=2.0,
            DicomSeqNumber=1,
            CreationDate=approved_at,
        )
        self.field(setup, "Setup 0", number=1, machine=machine, is_setup=True)
        fields = tuple(
            self.field(setup, f"Arc {number}", number=number + 1, machine=machine, meterset=meterset)
            for number in range(1, field_count + 1)
        )
        return Plan(
            plan_setup_ser=setup,
            rt_plan_ser=rt_plan,
            uid=uid,
            course_ser=course_ser,
            patient_ser=patient_ser,
            fields=fields,
            fractions=fractions,
            meterset=meterset,
        )

    def field(
        self,
        plan_setup_ser: int,
        name: str,
        *,
        number: int,
        machine: str,
        meterset: float | None = None,
        is_setup: bool = False,
    ) -> int:
        """Write one field with its two subtypes."""
        ser = self.add(
            tables.RADIATION,
            PlanSetupSer=plan_setup_ser,
            ResourceSer=self.machine(machine),
            RadiationId=name,
            RadiationName=name,
            RadiationNumber=number,
            SetupNote="Arms up" if is_setup else None,
        )
        self.add(
            tables.EXTERNAL_FIELD_COMMON,
            RadiationSer=ser,
            Meterset=meterset,
            SetupFieldFlag=int(is_setup),
            PatientSupportAngle=0.0,
            EnergyModeSer=1,
        )
        self.add(tables.EXTERNAL_FIELD, RadiationSer=ser, GantryRtn=181.0, StopAngle=179.0, CollRtn=30.0)
        return ser

    def revise(self, plan: Plan, at: datetime) -> Plan:
        """Write a revision: one more RTPlan row for the same PlanSetup, with a UID of its own."""
        uid = f"{plan.uid}.2"
        rt_plan = self.add(
            tables.RT_PLAN,
            PlanSetupSer=plan.plan_setup_ser,
            PlanUID=uid,
            NoFractions=plan.fractions,
            PrescribedDose=2.0,
            DicomSeqNumber=2,
            CreationDate=at,
        )
        self.add(
            tables.PLAN_RELATIONSHIP,
            RTPlanSer=rt_plan,
            RelatedRTPlanSer=plan.rt_plan_ser,
            RelationshipType="PREDECESSOR",
        )
        return Plan(
            plan_setup_ser=plan.plan_setup_ser,
            rt_plan_ser=rt_plan,
            uid=uid,
            course_ser=plan.course_ser,
            patient_ser=plan.patient_ser,
            fields=plan.fields,
            fractions=plan.fractions,
            meterset=plan.meterset,
        )

    def session(self, plan: Plan, status: str) -> None:
        """Write a session of a plan: open (TREAT), delivered (COMPLETE), or what else there is."""
        number = len(self.rows.get(tables.SESSION.name, ())) + 1
        session = self.add(tables.SESSION, CourseSer=plan.course_ser, SessionNum=number)
        self.add(
            tables.SESSION_RT_PLAN, SessionSer=session, RTPlanSer=plan.rt_plan_ser, Status=status.ljust(16)
        )

    def treat(
        self,
        plan: Plan,
        fraction_number: int,
        at: datetime,
        *,
        metersets: tuple[float, ...] = (),
        delivery_type: str = "TREATMENT",
        machine: str = "",
        plan_known: bool = True,
    ) -> None:
        """Write one record with its beams; `metersets` are what the first fields got, else all of it."""
        record = self.add(
            tables.TREATMENT_RECORD,
            PatientSer=plan.patient_ser,
            RTPlanSer=plan.rt_plan_ser if plan_known else None,
            PlanUID=plan.uid,
            TreatmentRecordDateTime=at,
            ActualMachineSer=self.machine(machine or "LINAC1"),
            MachOverrideFlag=int(bool(machine)),
            NoOfFractions=plan.fractions,
        )
        given = metersets or tuple(plan.meterset for _ in plan.fields)
        for index, (radiation, meterset) in enumerate(zip(plan.fields, given, strict=False)):
            start = at + index * BEAM
            self.beam(
                record,
                radiation,
                fraction_number,
                start,
                planned=plan.meterset,
                given=meterset,
                delivery_type=delivery_type,
            )

    def beam(
        self,
        record: int,
        radiation: int,
        fraction_number: int,
        at: datetime,
        *,
        planned: float | None,
        given: float | None,
        delivery_type: str | None = "TREATMENT",
    ) -> None:
        """Write one delivered beam."""
        whole = planned is None or (given or 0) >= planned
        history = self.add(
            tables.RADIATION_HSTRY,
            TreatmentRecordSer=record,
            RadiationSer=radiation,
            RadiationHstryType="RadiationHstry",
            TreatmentDeliveryType=delivery_type,
            TerminationStatus="NORMAL" if whole else "MACHINE",
            TreatmentStartTime=at,
            TreatmentEndTime=at + BEAM,
            FractionNumber=fraction_number,
            OverrideFlag=0,
        )
        self.add(
            tables.EXTERNAL_FIELD_COMMON_HSTRY,
            RadiationHstrySer=history,
            PlannedMeterset=planned,
            ActualMeterset=given,
        )

    def book(
        self,
        patient_ser: int,
        at: datetime,
        *,
        activity: str = "Daily Treatment",
        machine: str = "LINAC1",
        status: str = "Open",
        object_status: str = "Active",
    ) -> int:
        """Write an appointment with two resources, as most have."""
        if activity not in self._activities:
            code = f"ACT{len(self._activities) + 1}"
            self._activities[activity] = self.add(tables.ACTIVITY, ActivityCode=code, ObjectStatus="Active")
            for language in ("ENU", "DEU"):
                self.add(
                    tables.LOOKUP_TABLE,
                    ListSelector="ACTIVITY",
                    LanguageId=language,
                    LookupValue=code,
                    Expression1=activity,
                )
        instance = self.add(
            tables.ACTIVITY_INSTANCE, ActivitySer=self._activities[activity], ObjectStatus="Active"
        )
        for resource in (self.machine(machine), FIRST_MACHINE + 5000):
            self.add(tables.ATTENDEE, ActivityInstanceSer=instance, ResourceSer=resource)
        return self.add(
            tables.SCHEDULED_ACTIVITY,
            ActivityInstanceSer=instance,
            PatientSer=patient_ser,
            ScheduledStartTime=at,
            ScheduledEndTime=at + timedelta(minutes=15),
            ObjectStatus=object_status,
            ScheduledActivityCode=status,
        )

    def prescribe(self, course_ser: int, name: str, fractions: int, *, status: str = "Approved") -> int:
        """Write a prescription without its targets."""
        phase = self.add(tables.TREATMENT_PHASE, CourseSer=course_ser)
        return self.add(
            tables.PRESCRIPTION,
            TreatmentPhaseSer=phase,
            PrescriptionName=name,
            Status=status,
            NumberOfFractions=fractions,
            Technique="VMAT",
        )

    def target(self, prescription_ser: int, name: str, *, total: str, each: str, unit: str = "Gy") -> None:
        """Write a target volume with its doses: text, as the vendor keeps them."""
        anatomy = self.add(
            tables.PRESCRIPTION_ANATOMY, PrescriptionSer=prescription_ser, AnatomyRole=2, AnatomyName=name
        )
        for kind, value in (("TOTAL DOSE", total), ("DOSE PER FRACTION", each)):
            self.add(
                tables.PRESCRIPTION_ANATOMY_ITEM,
                PrescriptionAnatomySer=anatomy,
                ItemType=kind,
                ItemValue=value,
                ItemValueUnit=unit,
            )
