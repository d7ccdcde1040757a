"""What invented patients are treated with: techniques, machines, prescriptions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim.anatomy import Anatomy, Grid, anatomy

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.rehearse.sim.people import Person
    from beamkeeper.rehearse.sim.seeded import Seed


class Technique(StrEnum):
    """How the dose is given."""

    VMAT = "VMAT"
    IMRT = "IMRT"
    WEDGED = "3D"
    ELECTRON = "electron"
    PROTON = "proton"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimMachine:
    """One treatment machine of the department.

    Attributes
    ----------
    record_per_beam
        True: one treatment record for each beam; False: one for each fraction.
    dates_series
        Whether it writes Series Date (type 3) into its records: an archive tells by it who was treated when,
        and has to be asked for single records where it is missing.
    """

    name: str
    manufacturer: str
    model: str
    serial: str
    record_per_beam: bool
    dates_series: bool


MACHINES: dict[str, SimMachine] = {
    machine.name: machine
    for machine in (
        SimMachine(
            name="LINAC1",
            manufacturer="Simulated",
            model="SimArc",
            serial="1001",
            record_per_beam=False,
            dates_series=True,
        ),
        SimMachine(
            name="LINAC2",
            manufacturer="Simulated",
            model="SimBeam",
            serial="1002",
            record_per_beam=True,
            dates_series=True,
        ),
        SimMachine(
            name="PROTON1",
            manufacturer="Simulated",
            model="SimSpot",
            serial="2001",
            record_per_beam=True,
            dates_series=False,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One plan a patient is treated with.

    Attributes
    ----------
    key
        Names the plan inside the patient ("plan", "boost").
    version
        1 for the first plan, 2 for the plan that replaced it after a replan, …
    gantry_angles_deg
        IEC 61217; for arcs, where each starts.
    target_index
        Which target of the anatomy it treats.
    """

    key: str
    version: int
    label: str
    technique: Technique
    machine: str
    total_dose_gy: float
    fractions: int
    gantry_angles_deg: tuple[float, ...]
    target_index: int = 0
    approved_on: date

    @property
    def dose_per_fraction_gy(self) -> float:
        """Dose of one fraction, Gy."""
        return self.total_dose_gy / self.fractions

    @property
    def beam_numbers(self) -> tuple[int, ...]:
        """Beam numbers in the plan; number 1 is a setup field where there is one."""
        first = 1 if self.technique is Technique.PROTON else 2
        return tuple(range(first, first + len(self.gantry_angles_deg)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """How finely objects are drawn: small for a demonstration, clinical size for benchmarks."""

    ct_size: int = 96
    ct_spacing_mm: float = 4.5
    ct_slices: int = 24
    ct_slice_spacing_mm: float = 5.0
    cbct_size: int = 64
    cbct_slices: int = 10
    contour_points: int = 40
    control_points_per_arc: int = 46

    @property
    def ct_grid(self) -> Grid:
        """The planning CT's voxels."""
        return Grid.centred(self.ct_size, self.ct_spacing_mm, self.ct_slices, self.ct_slice_spacing_mm)

    @property
    def cbct_grid(self) -> Grid:
        """A cone-beam CT's voxels: a shorter, coarser series around the same origin."""
        spacing = self.ct_size * self.ct_spacing_mm * 0.8 / self.cbct_size
        return Grid.centred(self.cbct_size, spacing, self.cbct_slices, self.ct_slice_spacing_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimPatient:
    """One synthetic patient of the department.

    Attributes
    ----------
    index
        Position in the cast, from 0.
    simulated_on
        Day of the planning CT.
    cbct_every
        A cone-beam CT every so many fractions; 0 for never.
    registered
        Whether a registration is exported with each cone-beam CT.
    """

    seed: Seed
    index: int
    person: Person
    site: str
    simulated_on: date
    treatments: tuple[Treatment, ...]
    cbct_every: int
    registered: bool
    detail: Detail = Detail()

    @property
    def patient_id(self) -> str:
        """Patient ID (0010,0020)."""
        return self.person.patient_id

    def uid(self, *name: object) -> str:
        """Return the UID of something of this patient."""
        return self.seed.uid(self.index, *name)

    @property
    def study_uid(self) -> str:
        """Study of the planning objects."""
        return self.uid("study")

    @property
    def frame_uid(self) -> str:
        """Frame of Reference of the planning CT."""
        return self.uid("frame")

    def anatomy(self, version: int = 1) -> Anatomy:
        """Return the anatomy plans of that version are made on."""
        boost = any(treatment.target_index for treatment in self.treatments)
        return anatomy(self.site, self.seed, self.index, boost=boost, shrunk=0.92 ** (version - 1))

    def ct_uid(self, slice_index: int) -> str:
        """Return the SOP Instance UID of one planning CT slice."""
        return self.uid("ct", slice_index)

    def structure_set_uid(self, version: int) -> str:
        """Return the SOP Instance UID of the structure set that version of plans refers to."""
        return self.uid("structures", version)

    def plan_uid(self, treatment: Treatment) -> str:
        """Return the SOP Instance UID of the plan of a treatment."""
        return self.uid("plan", treatment.key, treatment.version)

    def dose_uid(self, treatment: Treatment) -> str:
        """Return the SOP Instance UID of the dose of a treatment."""
        return self.uid("dose", treatment.key, treatment.version)
