"""What there is to draw of one plan: read once, in one frame of reference, and what is missing in words.

Nothing here raises for what is absent, unreadable or does not fit: it is said, and the rest is drawn.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from beamkeeper.domain.plan import DeliveryType, Plan
from beamkeeper.errors import BeamkeeperError
from beamkeeper.wire.dicom.reader import read_object
from beamkeeper.wire.dicom.reader_pixels import (
    read_contours,
    read_dose_grid,
    read_dose_volumes,
    read_frame_of_reference,
    read_images_drawn_on,
)
from beamkeeper.wire.dicom.shapes import Aperture, Block, apertures, blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from beamkeeper.domain.imaging import DoseGrid, DoseVolume, Points, RoiContours
    from beamkeeper.domain.plan import Beam

    _Read = TypeVar("_Read")
    Opener = Callable[[], bytes]
    """Gives the bytes of one object; may raise any error of ours."""

SAME_POINT_MM: Final = 0.5
SAME_GRID_MM: Final = 0.01
ISOCENTRES_MAX: Final = 4
_UTC: Final = ZoneInfo("UTC")
_TARGETS: Final = ("PTV", "CTV", "GTV")


@dataclass(frozen=True, kw_only=True)
class PlanMaterial:
    """Everything that is kept of one plan.

    Attributes
    ----------
    plan_bytes
        The plan itself, for leaves and jaws; None when it is not kept.
    images
        One opener for each slice of the images the plan was made on.
    structure_set
        Of the plan; None when none is kept.
    doses
        Every RT Dose that refers to the plan.
    made_from
        The SHA-256 of everything above, in that order: the same bytes give the same pictures.
    """

    plan: Plan
    plan_bytes: Opener | None = None
    images: Sequence[Opener] = ()
    structure_set: Opener | None = None
    doses: Sequence[Opener] = ()
    made_from: tuple[str, ...] = ()


@dataclass(eq=False)
class Gathered:
    """What could be read of one plan, all of it in the frame of reference `frame`.

    Attributes
    ----------
    patient_position
        How the patient lies in all beams, else on the images; "" when neither says.
    reservations
        What is missing, unreadable or left out, in words, each once.
    centres
        The isocentres, or the one point the planes go through instead.
    has_isocentre
        Whether `centres` are isocentres.
    dose_words
        What the dose is and where it is from.
    """

    frame: str = ""
    patient_position: str = ""
    centres: tuple[Points, ...] = ()
    has_isocentre: bool = False
    regions: tuple[RoiContours, ...] = ()
    drawn_on: frozenset[str] = frozenset()
    dose: DoseGrid | None = None
    dose_words: str = ""
    histograms: tuple[DoseVolume, ...] = ()
    beams: tuple[Beam, ...] = ()
    apertures: tuple[Aperture, ...] = ()
    blocks: tuple[Block, ...] = ()
    notes: dict[str, None] = field(default_factory=dict)

    @property
    def reservations(self) -> tuple[str, ...]:
        """Each once, in the order in which they were met."""
        return tuple(self.notes)

    def note(self, words: str) -> None:
        """Keep one reservation."""
        self.notes[words] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Structures:
    """What a structure set says.

    Attributes
    ----------
    drawn_on
        SOP Instance UIDs of the images it refers to.
    notes
        What is missing or unreadable, in words.
    """

    regions: tuple[RoiContours, ...] = ()
    drawn_on: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def gathered(material: PlanMaterial, structures: Structures) -> Gathered:
    """Return what can be read of a plan but for its images."""
    found = Gathered(beams=material.plan.beams)
    stated = _plan_itself(material, found)
    positions = {setup.patient_position for setup in material.plan.patient_setups} - {""}
    found.patient_position = positions.pop() if len(positions) == 1 else ""
    for note in structures.notes:
        found.note(note)
    regions, found.drawn_on = structures.regions, structures.drawn_on
    doses = _doses(material, found)
    found.frame = stated or _usual_frame(regions, doses)
    if not stated and material.plan_bytes is not None:
        found.note("The plan does not name its frame of reference: that of structures and dose is taken.")
    found.regions = tuple(sorted(_in_frame(regions, found), key=importance))
    _choose_dose(doses, found)
    found.centres = _isocentres(found)
    found.has_isocentre = bool(found.centres)
    if not found.centres:
        _other_centre(found)
    return found


def importance(roi: RoiContours) -> tuple[int, int]:
    """Return a key that sorts targets first, then organs, the outline of the body, and the rest."""
    kind, name = roi.interpreted_type, roi.roi_name.upper()
    for rank, target in enumerate(_TARGETS):
        if kind == target or (kind not in _TARGETS and name.startswith(target)):
            return rank, roi.roi_number
    if kind == "EXTERNAL":
        return 5, roi.roi_number
    helpers = {"SUPPORT", "BOLUS", "FIXATION", "CONTROL", "DOSE_REGION", "IRRAD_VOLUME", "TREATED_VOLUME"}
    return (6 if kind in helpers else 4), roi.roi_number


def is_target(roi: RoiContours) -> bool:
    """Whether a region is a target volume."""
    return importance(roi)[0] < len(_TARGETS)


def treating(beams: Iterable[Beam]) -> tuple[Beam, ...]:
    """Return the beams that treat; of a plan without any meterset, all but setup fields."""
    held = tuple(beams)
    return tuple(beam for beam in held if beam.is_treatment) or tuple(
        beam for beam in held if beam.delivery_type is not DeliveryType.SETUP
    )


def attempt(found: Gathered, what: str, read: Callable[[], _Read]) -> _Read | None:
    """Return what is read; on an error of ours None, and the reason is kept."""
    try:
        return read()
    except BeamkeeperError as error:
        found.note(f"{what} cannot be shown: {error.message}")
        return None


def _plan_itself(material: PlanMaterial, found: Gathered) -> str:
    """Return the frame of reference the plan states; "" when it states none."""
    if material.plan_bytes is None:
        found.note("The plan's own file is not kept: no beam's-eye views.")
        return ""
    data = attempt(found, "The plan", material.plan_bytes)
    if data is None:
        return ""
    found.apertures = attempt(found, "Leaves and jaws", lambda: apertures(data)) or ()
    found.blocks = attempt(found, "Blocks", lambda: blocks(data)) or ()
    stated = Counter(aperture.beam_number for aperture in found.apertures)
    if any(len(b.control_points) < stated[str(b.beam_number)] for b in material.plan.beams):
        # Facts that are remembered have some control points only, or none: the plan itself has all.
        whole = attempt(found, "The plan", lambda: read_object(data, zone=_UTC).content)
        found.beams = whole.beams if isinstance(whole, Plan) else found.beams
    return attempt(found, "The plan", lambda: read_frame_of_reference(data)) or ""


def read_structures(opener: Opener | None) -> Structures:
    """Return what a structure set says; nothing of it raises."""
    found = Gathered()
    if opener is None:
        return Structures(
            notes=("No structure set is kept of this plan: no contours, no dose-volume histogram.",)
        )
    data = attempt(found, "The structure set", opener)
    if data is None:
        return Structures(notes=found.reservations)
    drawn_on = attempt(found, "The structure set", lambda: read_images_drawn_on(data)) or frozenset()
    regions = attempt(found, "The structure set", lambda: read_contours(data)) or ()
    if regions and not any(roi.contours for roi in regions):
        found.note("The structure set has no closed contours.")
    return Structures(
        regions=tuple(roi for roi in regions if roi.contours), drawn_on=drawn_on, notes=found.reservations
    )


def _doses(material: PlanMaterial, found: Gathered) -> list[tuple[DoseGrid, tuple[DoseVolume, ...]]]:
    if not material.doses:
        found.note("No dose is kept of this plan: no dose lines.")
    read = []
    for opener in material.doses:
        data = attempt(found, "A dose", opener)
        grid = None if data is None else attempt(found, "A dose", lambda data=data: read_dose_grid(data))  # type: ignore[misc]
        if data is None:
            continue
        curves = attempt(found, "A dose-volume histogram", lambda data=data: read_dose_volumes(data)) or ()  # type: ignore[misc]
        found.histograms = found.histograms or curves
        if grid is not None:
            read.append((grid, curves))
    return read


def _usual_frame(
    regions: tuple[RoiContours, ...], doses: list[tuple[DoseGrid, tuple[DoseVolume, ...]]]
) -> str:
    frames = [roi.frame_of_reference_uid for roi in regions]
    frames += [grid.frame_of_reference_uid for grid, _ in doses]
    return max(sorted(set(frames) - {""}), key=frames.count, default="")


def _in_frame(regions: tuple[RoiContours, ...], found: Gathered) -> list[RoiContours]:
    kept = [roi for roi in regions if roi.frame_of_reference_uid in {"", found.frame} or not found.frame]
    others = [roi.roi_name for roi in regions if roi not in kept]
    if others:
        found.note(
            f"Drawn in another frame of reference than the plan's, so not laid over it: {', '.join(others)}."
        )
    left_out = [f"{roi.roi_name} ({roi.left_out})" for roi in kept if roi.left_out]
    if left_out:
        found.note(f"Contours that are points, open lines or senseless are not drawn: {', '.join(left_out)}.")
    return kept


def _choose_dose(doses: list[tuple[DoseGrid, tuple[DoseVolume, ...]]], found: Gathered) -> None:
    """Take the dose of the whole plan, else the doses of its beams together."""
    here = [one for one in doses if one[0].frame_of_reference_uid in {"", found.frame} or not found.frame]
    if len(here) < len(doses):
        found.note("A dose in another frame of reference than the plan's is not laid over it.")
    wholes = [
        one for one in here if one[0].summation_type not in {"BEAM", "CONTROL_POINT", "BRACHY", "FRACTION"}
    ]
    if wholes:
        grid, curves = max(wholes, key=lambda one: one[0].maximum)
        found.histograms = curves or found.histograms
        if len(wholes) > 1:
            found.note(
                f"{len(wholes)} doses of the whole plan are kept: the one with the largest dose is shown."
            )
        found.dose, found.dose_words = grid, "Dose of the plan as the planning system wrote it"
    elif here:
        grids = [grid for grid, _ in here]
        together = _together(grids)
        if together is None:
            found.note("The doses of the beams lie on different grids: they are not added, and not shown.")
            return
        found.dose = together
        many = f"the {len(grids)} partial doses kept" if len(grids) > 1 else "the one partial dose kept"
        found.dose_words = f"Sum of {many} ({', '.join(sorted({g.summation_type for g in grids}))})"
        found.note(f"No dose of the whole plan is kept: what is shown is the sum of {many}.")
    if found.dose is not None and found.dose.dose_type == "EFFECTIVE":
        found.dose_words += ", effective (weighted for biology)"
    if found.dose is not None and found.dose.maximum <= 0:
        found.note("The dose kept is zero everywhere.")


def _together(grids: list[DoseGrid]) -> DoseGrid | None:
    """Return the sum of doses on one grid; None when they lie on several."""
    first = grids[0]
    if len(grids) == 1:
        return first
    for other in grids[1:]:
        same = other.stored.shape == first.stored.shape and other.unit == first.unit
        if not same or not all(
            np.allclose(a, b, atol=SAME_GRID_MM)
            for a, b in (
                (other.position_mm, first.position_mm),
                (other.offsets_mm, first.offsets_mm),
                (other.row_direction, first.row_direction),
                (other.column_direction, first.column_direction),
                (
                    [other.row_spacing_mm, other.column_spacing_mm],
                    [first.row_spacing_mm, first.column_spacing_mm],
                ),
            )
        ):
            return None
    total = np.zeros(first.stored.shape, dtype=np.float32)
    for grid in grids:
        total += grid.stored.astype(np.float32) * np.float32(grid.scaling)
    return replace(first, stored=total, scaling=1.0)


def _isocentres(found: Gathered) -> tuple[Points, ...]:
    """Return the different isocentres of the treatment beams, in the order of the beams."""
    points: list[Points] = []
    for beam in treating(found.beams):
        for point in beam.control_points[:1]:
            if point.isocenter_mm is None:
                continue
            here = np.array(point.isocenter_mm)
            if all(float(np.linalg.norm(here - other)) > SAME_POINT_MM for other in points):
                points.append(here)
    if len(points) > ISOCENTRES_MAX:
        found.note(f"The plan has {len(points)} isocentres: pictures of the first {ISOCENTRES_MAX}.")
    return tuple(points[:ISOCENTRES_MAX])


def _other_centre(found: Gathered) -> None:
    """Let the planes go through the middle of the target, else of the largest dose."""
    if found.regions and is_target(found.regions[0]):
        corners = np.concatenate(found.regions[0].contours)
        found.centres = ((corners.min(axis=0) + corners.max(axis=0)) / 2,)
        found.note(
            f"The plan names no isocentre: the planes go through the middle of {found.regions[0].roi_name}."
        )
    elif found.dose is not None and found.dose.maximum > 0:
        frame, row, column = np.unravel_index(int(found.dose.stored.argmax()), found.dose.stored.shape)
        dose = found.dose
        found.centres = (
            dose.position_mm
            + dose.normal * dose.offsets_mm[frame]
            + dose.column_direction * dose.row_spacing_mm * row
            + dose.row_direction * dose.column_spacing_mm * column,
        )
        found.note("The plan names no isocentre: the planes go through the largest dose.")
    elif found.regions:
        corners = np.concatenate([contour for roi in found.regions for contour in roi.contours])
        found.centres = ((corners.min(axis=0) + corners.max(axis=0)) / 2,)
        found.note("The plan names no isocentre: the planes go through the middle of the contours.")
