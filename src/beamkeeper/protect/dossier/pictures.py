"""The pictures of one plan: three planes through each isocentre, dose-volume histograms, beam's-eye views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.protect.dossier.beams import draw_beam
from beamkeeper.protect.dossier.curves import CURVES_MAX, Curve, draw_curves
from beamkeeper.protect.dossier.material import (
    Gathered,
    PlanMaterial,
    attempt,
    gathered,
    importance,
    is_target,
    read_structures,
    treating,
)
from beamkeeper.protect.dossier.picture import Picture, PictureKind
from beamkeeper.protect.dossier.planes import GAP, Plane, patient_axes
from beamkeeper.protect.dossier.regions import Region, region_of
from beamkeeper.protect.dossier.slices import (
    Slice,
    Window,
    draw_slice,
    isodoses,
    legible,
    region_colour,
)
from beamkeeper.protect.dossier.source_view import TargetSeen
from beamkeeper.protect.dossier.stacks import IMAGES_MAX, KINDS, Stack, planes_of, stacks_of
from beamkeeper.protect.dossier.volumes import dose_volumes, inner_points
from beamkeeper.wire.dicom.reader_pixels import read_slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import DoseGrid, DoseVolume, ImageSlice, Points, RoiContours
    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.dossier.material import Opener, Structures
    from beamkeeper.protect.dossier.planes import Raster

BEAMS_MAX: Final = 24
REGIONS_LOOKED_AT_MAX: Final = 100
"""Each takes some tenths of a second: a structure set of thousands would take the night."""
TOGETHER_MAX: Final = 4
"""Plans that are drawn in one pass over their images: the doses of all of them are held meanwhile."""
STEP_MM: Final = 1.0
"""Of the picture between two slices."""
TARGET_STEP_MM: Final = 1.5
NO_PLAN: Final = "Pictures are drawn of plans, and none is here."
LITTLE_DOSE: Final = 0.6
"""Of the prescription; when the largest dose is less, the dose may be of one fraction or phase only."""
_AXIS: Final = {PictureKind.AXIAL: ("z", 2), PictureKind.CORONAL: ("y", 1), PictureKind.SAGITTAL: ("x", 0)}
_CT_WINDOW: Final = Window(-160.0, 240.0, "CT from -160 (black) to 240 HU (white).")


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one plan and, in words, what they cannot show."""

    pictures: tuple[Picture, ...]
    reservations: tuple[str, ...]


def named(made: Iterable[tuple[Plan, Pictures]]) -> Pictures:
    """Return the pictures of several plans as one, each under the name of its plan.

    A sentence that holds for several plans is said once, with the names of all of them; without any plan it
    is said that there is nothing to draw.
    """
    pictures: list[Picture] = []
    about: dict[str, list[str]] = {}
    has_plan = False
    for plan, one in made:
        has_plan = True
        name = plan.rt_plan_label or "Plan without label"
        pictures += (replace(picture, title=f"{name}: {picture.title}") for picture in one.pictures)
        for note in one.reservations:
            about.setdefault(note, []).append(name)
    if not has_plan:
        return Pictures((), (NO_PLAN,))
    return Pictures(
        tuple(pictures), tuple(f"{', '.join(dict.fromkeys(names))}: {note}" for note, names in about.items())
    )


def pictures_of(material: PlanMaterial) -> Pictures:
    """Return the pictures of one plan, in the order in which they are read.

    What is missing or unreadable is said in the reservations; nothing of that raises. Image slices are opened
    one at a time, and of each only what the planes need is held.
    """
    return pictures_together([material])[0]


def pictures_together(materials: Sequence[PlanMaterial]) -> tuple[Pictures, ...]:
    """Return the pictures of several plans of one patient, those of each as `pictures_of` would.

    Images and structures that plans share, that is the same opener, are read once for `TOGETHER_MAX` plans.
    """
    made: list[Pictures] = []
    for first in range(0, len(materials), TOGETHER_MAX):
        made += _together(materials[first : first + TOGETHER_MAX])
    return tuple(made)


def _together(materials: Sequence[PlanMaterial]) -> list[Pictures]:
    shared = _Shared()
    plans = [(material, gathered(material, shared.structures(material))) for material in materials]
    for material, found in plans:
        if not found.centres:
            _middle_of_images(material, found)
    stacks: dict[int, Stack | None] = {}
    for images in dict.fromkeys(tuple(material.images) for material in materials):
        here = [at for at, material in enumerate(materials) if tuple(material.images) == images]
        stacks |= zip(here, stacks_of(images, [plans[at][1] for at in here]), strict=True)
    shared.doses = tuple(found.dose for _, found in plans if found.dose is not None and not found.histograms)
    return [_drawn(*plan, stacks[at], shared) for at, plan in enumerate(plans)]


def _drawn(material: PlanMaterial, found: Gathered, stack: Stack | None, shared: _Shared) -> Pictures:
    axes = patient_axes() if stack is None else stack.axes
    distance = None if stack is None else stack.cut.usual_distance_mm
    regions = _regions(found, axes, distance, shared)
    pictures: list[Picture] = []
    pictures += _slices(material, found, stack, planes_of(found, axes), regions)
    pictures += _curves(material, found, regions, shared)
    pictures += _beams(material, found, regions, shared)
    return Pictures(tuple(pictures), found.reservations)


class _Shared:
    """What plans of one patient have in common, worked out once.

    Attributes
    ----------
    doses
        Of the plans whose histograms are computed here.
    """

    def __init__(self) -> None:
        self.doses: tuple[DoseGrid, ...] = ()
        self._histograms: dict[tuple[Region, DoseGrid], DoseVolume | None] = {}
        self._structures: dict[Opener, Structures] = {}
        self._regions: dict[tuple[RoiContours, bytes, float | None], Region | None] = {}
        self._points: dict[Region, Points] = {}

    def structures(self, material: PlanMaterial) -> Structures:
        """Return what the structure set of a plan says."""
        opener = material.structure_set
        if opener is None:
            return read_structures(None)
        if opener not in self._structures:
            self._structures[opener] = read_structures(opener)
        return self._structures[opener]

    def region(self, roi: RoiContours, axes: NDArray[np.float64], distance_mm: float | None) -> Region | None:
        """Return a region as a stack; see `region_of`."""
        key = (roi, axes.tobytes(), distance_mm)
        if key not in self._regions:
            self._regions[key] = region_of(roi, axes, distance_mm=distance_mm)
        return self._regions[key]

    def histogram(self, region: Region, dose: DoseGrid) -> DoseVolume | None:
        """Return a dose-volume histogram; those of the same region in the other doses are made with it."""
        if (region, dose) not in self._histograms:
            keys = [(region, other) for other in self.doses]
            self._histograms |= zip(keys, dose_volumes(region, self.doses), strict=True)
        return self._histograms[region, dose]

    def points_in(self, region: Region) -> Points:
        """Return points that fill a region."""
        if region not in self._points:
            self._points[region] = inner_points(region, TARGET_STEP_MM)
        return self._points[region]


def _middle_of_images(material: PlanMaterial, found: Gathered) -> None:
    """Let the planes go through the middle of the images; they are opened once more for that."""
    corners = []
    for opener in material.images[:IMAGES_MAX]:
        image = attempt(found, "An image slice", lambda opener=opener: read_slice(opener()))  # type: ignore[misc]
        if image is not None and (not found.frame or image.frame_of_reference_uid == found.frame):
            rows, columns = image.stored.shape
            across = image.row_direction * image.column_spacing_mm * (columns - 1)
            down = image.column_direction * image.row_spacing_mm * (rows - 1)
            corners += [image.position_mm, image.position_mm + across + down]
    if corners:
        found.centres = ((np.min(corners, axis=0) + np.max(corners, axis=0)) / 2,)
        found.note("The plan names no isocentre: the planes go through the middle of the images.")
    else:
        found.note("There is nothing to draw planes of: no isocentre, contours, dose or images.")


def _regions(
    found: Gathered, axes: NDArray[np.float64], distance_mm: float | None, shared: _Shared
) -> tuple[Region, ...]:
    regions = []
    if (count := len(found.regions)) > REGIONS_LOOKED_AT_MAX:
        found.note(f"Of {count} regions the first {REGIONS_LOOKED_AT_MAX}, targets first, were looked at.")
    for roi in found.regions[:REGIONS_LOOKED_AT_MAX]:
        region = shared.region(roi, axes, distance_mm)
        if region is None:
            found.note(f"The contours of {roi.roi_name} enclose nothing, or are senselessly many: not drawn.")
            continue
        if region.left_out > roi.left_out:
            found.note(
                f"{region.left_out - roi.left_out} contours of {roi.roi_name} lie in no plane: not drawn."
            )
        for low, high in region.gaps_mm:
            found.note(
                f"{roi.roi_name} has no contours between {low:.1f} and {high:.1f} mm: left open there."
            )
        regions.append(region)
    return tuple(regions)


def _slices(
    material: PlanMaterial,
    found: Gathered,
    stack: Stack | None,
    planes: tuple[Plane, ...],
    regions: tuple[Region, ...],
) -> list[Picture]:
    prescription = material.plan.target_prescription_dose_gy
    levels, dose_words = ((), "") if found.dose is None else isodoses(found.dose, prescription)
    about_dose: tuple[str, ...] = ()
    if found.dose is not None:
        about_dose = (f"{found.dose_words}; lines where {dose_words}.", *_doubts(found, prescription))
    drawn = []
    for at, plane in enumerate(planes):
        image, shown, words = _pixels(stack, at, plane, found)
        what = Slice(
            title=_title(plane, found, at // len(KINDS)),
            plane=shown,
            image=image,
            window=None if image is None or stack is None else _window(stack.first, image),
            regions=regions,
            dose=found.dose,
            levels=levels,
            has_isocentre=found.has_isocentre,
            words=(*words, *about_dose),
        )
        picture = draw_slice(what)
        if picture is not None:
            drawn.append(picture)
    return drawn


def _doubts(found: Gathered, prescription_gy: float | None) -> tuple[str, ...]:
    dose = found.dose
    if dose is None or not prescription_gy or dose.unit != "Gy":
        return ()
    if dose.maximum < LITTLE_DOSE * prescription_gy:
        found.note(
            f"The largest dose kept, {dose.maximum:.2f} Gy, is far below the prescription of"
            f" {prescription_gy:.2f} Gy: it may be the dose of one fraction or of a part of the plan."
        )
    return (f"Largest dose {dose.maximum:.2f} Gy.",)


def _title(plane: Plane, found: Gathered, number: int) -> str:
    which = f" {number + 1}" if len(found.centres) > 1 else ""
    through = f"isocentre{which}" if found.has_isocentre else "the target or dose"
    return f"{plane.kind.value.capitalize()} plane through {through}"


def _pixels(
    stack: Stack | None, index: int, plane: Plane, found: Gathered
) -> tuple[Raster | None, Plane, tuple[str, ...]]:
    """Return the image in a plane, the plane that is really shown, and where it lies in words."""
    letter, axis = _AXIS[plane.kind]
    centre = ", ".join(f"{name} {value:.1f}" for name, value in zip("xyz", plane.centre_mm, strict=True))
    words = [f"Centre {centre} mm in the patient frame."]
    image: Raster | None = None
    shown = plane
    if stack is not None:
        nearest = stack.cut.nearest(index)
        if nearest is not None:
            moved = plane.moved_to(nearest.position_mm)
            away = float(abs((moved.centre_mm - plane.centre_mm) @ plane.normal))
            if away <= (stack.cut.usual_distance_mm or away) * GAP / 2:
                shown = moved
                words.append(f"Shown is the nearest image slice, {away:.1f} mm from it.")
                image = stack.cut.raster(index, STEP_MM)
            else:
                found.note(
                    f"The nearest image slice is {away:.1f} mm from the {plane.kind.value} plane: not shown."
                )
        elif stack.count > 1:
            image = stack.cut.raster(index, STEP_MM)
            if image is None:
                found.note(f"The images do not reach the {plane.kind.value} plane.")
    if shown.is_straight:
        words.insert(0, f"Plane at {letter} {shown.centre_mm[axis]:.1f} mm.")
    else:
        words.append("The images were taken obliquely; the plane is theirs, not straight in the patient.")
    position = found.patient_position
    words.append(
        f"Patient position {position}; drawn as anatomy is, whatever the position." if position else ""
    )
    return image, shown, tuple(word for word in words if word)


def _window(first: ImageSlice, image: Raster) -> Window:
    if first.modality == "CT":
        return _CT_WINDOW
    seen = image.values[~np.isnan(image.values)]
    low, high = (float(v) for v in np.percentile(seen, (1, 99))) if seen.size else (0.0, 1.0)
    high = max(high, low + 1e-6)
    return Window(low, high, f"{first.modality} from {low:.4g} (black) to {high:.4g} (white).")


def _curves(
    material: PlanMaterial, found: Gathered, regions: tuple[Region, ...], shared: _Shared
) -> list[Picture]:
    stated = {curve.roi_number: curve for curve in found.histograms}
    drawn: list[Curve] = []
    others: list[str] = []
    for region in regions:
        name = region.roi.roi_name or f"ROI {region.roi.roi_number}"
        if len(drawn) >= CURVES_MAX:
            others += [name] if region.roi.roi_number in stated or not stated else []
            continue
        histogram: DoseVolume | None = stated.get(region.roi.roi_number)
        if histogram is None and found.dose is not None and not stated:
            histogram = shared.histogram(region, found.dose)
        if histogram is not None and (not drawn or histogram.unit == drawn[0].histogram.unit):
            drawn.append(Curve(name, legible(region_colour(region)), histogram))
    if not drawn:
        return []
    if stated:
        words = "DVH from the planning system; minimum, mean and maximum are read off its curves."
        without = [r.roi.roi_name for r in regions if r.roi.roi_number not in stated]
        if without:
            words += f" It brought none of: {', '.join(without)}."
    else:
        words = (
            "DVH computed here, for orientation: planning systems build volumes and interpolate doses"
            f" differently. {found.dose_words}."
        )
    picture = draw_curves(
        tuple(drawn),
        others=tuple(others),
        title="Dose-volume histograms",
        words=(words,),
        prescription_gy=material.plan.target_prescription_dose_gy,
    )
    return [] if picture is None else [picture]


def _target(regions: tuple[Region, ...]) -> Region | None:
    """Return what the beams were shaped to: of the foremost kind of target the one of most contours."""
    targets = [region for region in regions if is_target(region.roi)]
    foremost = [region for region in targets if importance(region.roi)[0] == importance(targets[0].roi)[0]]
    return max(foremost, key=lambda region: len(region.roi.contours), default=None)


def _beams(
    material: PlanMaterial, found: Gathered, regions: tuple[Region, ...], shared: _Shared
) -> list[Picture]:
    region = _target(regions)
    points = None if region is None else shared.points_in(region)
    positions = {setup.patient_setup_number: setup.patient_position for setup in material.plan.patient_setups}
    beams = treating(found.beams)
    drawn, without = [], []
    for beam in beams[:BEAMS_MAX]:
        own = tuple(a for a in found.apertures if a.beam_number == str(beam.beam_number))
        target = None
        if region is not None and points is not None:
            position = positions.get(beam.setup.patient_setup_number or 0) or found.patient_position
            target = TargetSeen(name=region.roi.roi_name, points_mm=points, patient_position=position)
        blocks = tuple(block for block in found.blocks if block.beam_number == str(beam.beam_number))
        picture = draw_beam(beam, own, blocks, target)
        if picture is None:
            without.append(str(beam.beam_number))
        else:
            drawn.append(picture)
    if without and material.plan_bytes is not None:
        said = f"Of beam {', '.join(without)} leaves and jaws are not stated, or senseless"
        found.note(f"{said}: no beam's-eye view.")
    if len(beams) > BEAMS_MAX:
        found.note(f"Of {len(beams)} beams the first {BEAMS_MAX} are drawn.")
    return drawn
