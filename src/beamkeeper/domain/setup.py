"""How a patient is positioned and what a machine must be: what a partner has to know besides the beams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RESPIRATION: Final = "respiration: "
"""Begins the words about how the patient breathes, among the devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientSetup:
    """One item of the Patient Setup Sequence (300A,0180).

    Attributes
    ----------
    patient_position
        Patient Position (0018,5100), e.g. "HFS"; "" when absent.
    technique
        Setup Technique (300A,01B0) and its description, as written.
    devices
        Fixation, shielding and setup devices and respiratory motion technique, in words.
    shifts_mm
        (direction, millimetres) of Table Top Setup Displacements (300A,01D2/01D4/01D6), from the setup
        reference point to the isocentre: "vertical", "longitudinal", "lateral".
    """

    patient_setup_number: int
    patient_position: str = ""
    technique: str = ""
    devices: tuple[str, ...] = ()
    shifts_mm: tuple[tuple[str, float], ...] = ()

    @property
    def things(self) -> tuple[str, ...]:
        """The devices without how the patient breathes: what lies in a cupboard."""
        return tuple(one for one in self.devices if not one.startswith(RESPIRATION))


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseReference:
    """One item of the Dose Reference Sequence (300A,0010): what shall get, or shall not exceed, which dose.

    Attributes
    ----------
    dose_reference_type
        "TARGET" or "ORGAN_AT_RISK".
    target_prescription_dose_gy, delivery_maximum_dose_gy
        (300A,0026) and (300A,0023); None when not stated.
    """

    dose_reference_type: str
    description: str = ""
    target_prescription_dose_gy: float | None = None
    delivery_maximum_dose_gy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamSetup:
    """What a machine must be, and where the couch stands, to give one beam.

    Attributes
    ----------
    manufacturer, model
        Of the machine, as the plan states it.
    fluence_mode
        "STANDARD", "NON_STANDARD FFF", …; "" when not stated.
    tolerance_table
        Label, or number where there is no label; "" when the beam refers to none.
    gantry_rotation
        Gantry Rotation Direction (300A,011F) at the first control point: "CW" or "CC" (clockwise and
        counter-clockwise for who looks at the gantry); "" when it stands still or nothing is stated.
    patient_setup_number
        Which `PatientSetup`; None when not stated.
    leaf_boundaries_mm
        Leaf Position Boundaries (300A,00BE) of the MLC.
    control_point_count
        How many the plan states; facts that are remembered keep only some of them.
    couch_mm
        (direction, millimetres) of the table top at the first control point.
    """

    manufacturer: str = ""
    model: str = ""
    fluence_mode: str = ""
    tolerance_table: str = ""
    gantry_rotation: str = ""
    patient_setup_number: int | None = None
    leaf_boundaries_mm: tuple[float, ...] = ()
    control_point_count: int = 0
    couch_mm: tuple[tuple[str, float], ...] = ()


NOTHING_STATED = BeamSetup()
"""Of a beam whose plan says nothing of it, and of facts from before it was read."""
