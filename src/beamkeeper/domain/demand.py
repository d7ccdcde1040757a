"""What a plan asks of a machine, beam by beam: everything another machine has to be able to do."""

from __future__ import annotations

from dataclasses import dataclass

from beamkeeper.domain.plan import RadiationType


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitingDevice:
    """One beam limiting device of one beam, as the plan uses it.

    Attributes
    ----------
    device_type
        RT Beam Limiting Device Type (300A,00B8): "X", "ASYMY", "MLCX", "MLCX1", …
    pair_count
        Number of Leaf/Jaw Pairs (300A,00BC).
    boundaries_mm
        Leaf Position Boundaries (300A,00BE); () for jaws and where they are not stated.
    lowest_mm, highest_mm
        The positions used furthest out, over all control points; None where none is stated.
    open_from_mm, open_to_mm
        Across the leaves: from where to where a pair stands open in any control point; None for jaws.
    moves
        Whether positions change while the beam is given.
    """

    device_type: str
    pair_count: int
    boundaries_mm: tuple[float, ...] = ()
    lowest_mm: float | None = None
    highest_mm: float | None = None
    open_from_mm: float | None = None
    open_to_mm: float | None = None
    moves: bool = False

    @property
    def is_mlc(self) -> bool:
        """Whether it is a multileaf collimator."""
        return self.device_type.startswith("MLC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wedge:
    """One wedge; `wedge_type` is "STANDARD", "DYNAMIC", "MOTORIZED" or "PARTIAL_MOTORIZED"."""

    wedge_type: str
    wedge_id: str = ""
    angle_deg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamDemand:
    """What one treatment beam asks.

    Attributes
    ----------
    energies
        Nominal Beam Energy (300A,0114), MV or MeV, each once.
    fluence_mode
        "STANDARD" or "FFF"; other non-standard modes as written; "" when not stated.
    gantry_moves, couch_moves, collimator_moves
        Whether it turns while the beam is given.
    couch_angles_deg
        Patient Support Angle at each control point, each once.
    dose_rate_max
        Largest Dose Rate Set (300A,0115), MU/min; None when not stated.
    """

    beam_number: int
    beam_name: str
    radiation_type: RadiationType
    technique: str
    treatment_machine_name: str
    manufacturer: str = ""
    model: str = ""
    energies: tuple[float, ...] = ()
    fluence_mode: str = ""
    beam_meterset: float | None = None
    devices: tuple[LimitingDevice, ...] = ()
    wedges: tuple[Wedge, ...] = ()
    applicator: str = ""
    applicator_type: str = ""
    block_count: int = 0
    compensator_count: int = 0
    bolus_count: int = 0
    accessories: tuple[str, ...] = ()
    gantry_moves: bool = False
    couch_moves: bool = False
    collimator_moves: bool = False
    couch_angles_deg: tuple[float, ...] = ()
    dose_rate_max: float | None = None
    source_axis_distance_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDemand:
    """What a plan asks of the machine and the room that give it.

    Attributes
    ----------
    beams
        Those that treat; () when the plan lists none.
    patient_positions
        Patient Position (0018,5100) of its set-ups.
    motion_techniques
        Respiratory Motion Compensation Technique (0018,9170), none of "NONE".
    setup_words
        Setup techniques and devices, as written.
    things
        Of these, what lies in a cupboard: masks, frames, bite blocks.
    imaging
        What its setup beams take pictures with, as their names say: "CBCT", "kV", "MV"; "" for one whose name
        does not say.
    tolerance_tables
        Labels of its tolerance tables, or their numbers where they have none.
    """

    sop_instance_uid: str
    rt_plan_label: str
    beams: tuple[BeamDemand, ...]
    patient_positions: tuple[str, ...] = ()
    motion_techniques: tuple[str, ...] = ()
    setup_words: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    imaging: tuple[str, ...] = ()
    tolerance_tables: tuple[str, ...] = ()

    @property
    def treatment_machine_names(self) -> tuple[str, ...]:
        """The machines it names, each once."""
        return tuple(dict.fromkeys(beam.treatment_machine_name for beam in self.beams))
