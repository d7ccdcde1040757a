"""What is to be delivered: courses, prescriptions, machines, plans, beams, control points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from beamkeeper.domain.setup import NOTHING_STATED, BeamSetup, DoseReference, PatientSetup


class ApprovalStatus(StrEnum):
    """Approval Status (300E,0002)."""

    APPROVED = "APPROVED"
    UNAPPROVED = "UNAPPROVED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"
    """The Approval module is absent: not approved as far as anyone can tell."""


class RadiationType(StrEnum):
    """Radiation Type (300A,00C6)."""

    PHOTON = "PHOTON"
    ELECTRON = "ELECTRON"
    NEUTRON = "NEUTRON"
    PROTON = "PROTON"
    ION = "ION"
    BRACHY = "BRACHY"
    UNKNOWN = "UNKNOWN"


class DeliveryType(StrEnum):
    """Treatment Delivery Type (300A,00CE)."""

    TREATMENT = "TREATMENT"
    OPEN_PORTFILM = "OPEN_PORTFILM"
    TRMT_PORTFILM = "TRMT_PORTFILM"
    CONTINUATION = "CONTINUATION"
    SETUP = "SETUP"
    VERIFICATION = "VERIFICATION"
    UNKNOWN = "UNKNOWN"


GIVES_COUNTED_DOSE = frozenset(
    {DeliveryType.TREATMENT, DeliveryType.TRMT_PORTFILM, DeliveryType.CONTINUATION}
)
"""Delivery types whose meterset counts towards a fraction (`protocols` 2.5, rule 2)."""


class DosimeterUnit(StrEnum):
    """Primary Dosimeter Unit (300A,00B3)."""

    MU = "MU"
    MINUTE = "MINUTE"
    NP = "NP"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPoint:
    """One control point of a beam, values carried forward from the last point that stated them.

    Attributes
    ----------
    cumulative_meterset_weight
        Cumulative Meterset Weight (300A,0134); None when empty (type 2).
    nominal_beam_energy
        Nominal Beam Energy (300A,0114), MV or MeV.
    jaw_positions_mm
        For each jaw pair device ("X", "ASYMX", "Y", "ASYMY"): (device, first, second) in mm.
    leaf_positions_mm
        Leaf positions of the MLC, first bank then second bank, mm; empty when there is none.
    isocenter_mm
        Isocenter Position (300A,012C) in the patient frame, mm.
    """

    control_point_index: int
    cumulative_meterset_weight: float | None
    gantry_angle_deg: float | None = None
    collimator_angle_deg: float | None = None
    couch_angle_deg: float | None = None
    nominal_beam_energy: float | None = None
    isocenter_mm: tuple[float, float, float] | None = None
    jaw_positions_mm: tuple[tuple[str, float, float], ...] = ()
    leaf_positions_mm: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """One beam (or brachytherapy application setup) of a plan.

    Attributes
    ----------
    beam_number
        Beam Number (300A,00C0), the key; never the position in a list.
    beam_meterset
        Beam Meterset (300A,0086) of the fraction group, in `primary_dosimeter_unit`; None for
        setup beams and where the plan does not say.
    beam_dose_gy
        Beam Dose (300A,0084), Gy per fraction; None when not stated.
    technique
        "VMAT", "IMRT", "3D", "electron", "scanned ions", … in words, derived from the beam.
    setup
        What the machine must be to give it; nothing is stated in facts of before it was read.
    """

    beam_number: int
    beam_name: str
    radiation_type: RadiationType
    delivery_type: DeliveryType
    treatment_machine_name: str
    primary_dosimeter_unit: DosimeterUnit
    beam_meterset: float | None
    beam_dose_gy: float | None = None
    technique: str = ""
    mlc_leaf_pairs: int = 0
    accessories: tuple[str, ...] = ()
    control_points: tuple[ControlPoint, ...] = ()
    setup: BeamSetup = NOTHING_STATED

    @property
    def is_treatment(self) -> bool:
        """Whether completing a fraction needs this beam: it has a meterset and is no setup field."""
        return (
            self.beam_meterset is not None
            and self.beam_meterset > 0
            and self.delivery_type
            in {
                DeliveryType.TREATMENT,
                DeliveryType.TRMT_PORTFILM,
                DeliveryType.CONTINUATION,
                DeliveryType.UNKNOWN,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FractionGroup:
    """How often which beams are given together.

    Attributes
    ----------
    number_of_fractions_planned
        Number of Fractions Planned (300A,0078); None when empty (type 2).
    beam_numbers
        Referenced Beam Numbers in this group, treatment beams and others.
    """

    fraction_group_number: int
    number_of_fractions_planned: int | None
    beam_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One RT Plan, RT Ion Plan or brachytherapy plan.

    Attributes
    ----------
    plan_intent
        Plan Intent (300A,000A); "" when absent.
    target_prescription_dose_gy
        Largest Target Prescription Dose (300A,0026) among the target dose references; None if unsaid.
    referenced_structure_set_uid
        SOP Instance UID of the structure set; None when the plan refers to none.
    related_plan_uids
        (relationship, SOP Instance UID) from Referenced RT Plan Sequence, e.g. ("PRIOR", "1.2…").
    approved_by
        Reviewer Name (300E,0008) in DICOM form; "" when not stated or not approved.
    prescription_description
        Prescription Description (300A,000E), as written.
    treatment_sites
        Treatment Sites (300A,000B), as written.
    """

    sop_instance_uid: str
    patient_id: str
    rt_plan_label: str
    rt_plan_name: str = ""
    plan_intent: str = ""
    approval_status: ApprovalStatus = ApprovalStatus.UNKNOWN
    approved_at: datetime | None = None
    planned_on: date | None = None
    geometry: str = ""
    referenced_structure_set_uid: str | None = None
    referenced_dose_uids: tuple[str, ...] = ()
    related_plan_uids: tuple[tuple[str, str], ...] = ()
    target_prescription_dose_gy: float | None = None
    fraction_groups: tuple[FractionGroup, ...] = ()
    beams: tuple[Beam, ...] = ()
    approved_by: str = ""
    prescription_description: str = ""
    treatment_sites: tuple[str, ...] = ()
    dose_references: tuple[DoseReference, ...] = ()
    patient_setups: tuple[PatientSetup, ...] = ()

    @property
    def is_clinical(self) -> bool:
        """Whether the plan treats a patient: not verification, machine QA, research or service."""
        return self.plan_intent not in {"VERIFICATION", "MACHINE_QA", "RESEARCH", "SERVICE"}

    @property
    def number_of_fractions_planned(self) -> int | None:
        """Fractions over all groups; None when any group does not say."""
        counts = [group.number_of_fractions_planned for group in self.fraction_groups]
        return None if not counts or None in counts else sum(count for count in counts if count is not None)

    @property
    def dose_per_fraction_gy(self) -> float | None:
        """Beam doses of the first group together, else prescription over fractions, else None."""
        if not self.fraction_groups:
            return None
        in_group = set(self.fraction_groups[0].beam_numbers)
        doses = [
            beam.beam_dose_gy for beam in self.beams if beam.beam_number in in_group and beam.is_treatment
        ]
        if doses and None not in doses:
            return sum(dose for dose in doses if dose is not None)
        fractions = self.number_of_fractions_planned
        if self.target_prescription_dose_gy is not None and fractions:
            return self.target_prescription_dose_gy / fractions
        return None

    @property
    def treatment_machine_names(self) -> tuple[str, ...]:
        """The machines its treatment beams name, each once, in beam order."""
        return tuple(dict.fromkeys(b.treatment_machine_name for b in self.beams if b.treatment_machine_name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """What a physician ordered, as the OIS writes it.

    Attributes
    ----------
    pattern
        How the fractions follow one another, as written ("daily", "twice a day, 6 h").
    """

    name: str
    dose_per_fraction_gy: float | None = None
    total_dose_gy: float | None = None
    number_of_fractions: int | None = None
    target: str = ""
    technique: str = ""
    status: str = ""
    pattern: str = ""
    approved_by: str = ""
    approved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One course of treatment of a patient, as the OIS groups plans.

    Attributes
    ----------
    plan_uids
        SOP Instance UIDs of its plans.
    """

    course_id: str
    intent: str = ""
    diagnosis: str = ""
    prescriptions: tuple[Prescription, ...] = ()
    plan_uids: tuple[str, ...] = ()
