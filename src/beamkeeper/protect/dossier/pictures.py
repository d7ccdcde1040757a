"""The pictures of one plan: three planes through each isocentre, dose-volume histograms, beam's-eye views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.protect.dossier.beams import TargetSeen, draw_beam
from beamkeeper.protect.dossier.curves import Curve, draw_curves
from beamkeeper.protect.dossier.material import Gathered, PlanMaterial, attempt, gathered, is_target
from beamkeeper.protect.dossier.picture import Picture, PictureKind
from beamkeeper.protect.dossier.planes import GAP, CutImages, Plane, axes_of, patient_axes, plane_through
from beamkeeper.protect.dossier.regions import Region, region_of
from beamkeeper.protect.dossier.slices import (
    Slice,
    Window,
    draw_slice,
    isodoses,
    legible,
    region_colour,
)
from beamkeeper.protect.dossier.volumes import dose_volume, inner_points
from beamkeeper.wire.dicom.reader_pixels import read_slice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import DoseVolume, ImageSlice
    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.dossier.planes import Raster

IMAGES_MAX: Final = 3_000
STACKS_MAX: Final = 6
BEAMS_MAX: Final = 24
REGIONS_LOOKED_AT_MAX: Final = 100
"""Each takes some tenths of a second: a structure set of thousands would take the night."""
STEP_MM: Final = 1.0
"""Of the picture between two slices."""
TARGET_STEP_MM: Final = 1.5
LITTLE_DOSE: Final = 0.6
"""Of the prescription; when the largest dose is less, the dose may be of one fraction or phase only."""
_KINDS: Final = (PictureKind.AXIAL, PictureKind.CORONAL, PictureKind.SAGITTAL)
_AXIS: Final = {PictureKind.AXIAL: ("z", 2), PictureKind.CORONAL: ("y", 1), PictureKind.SAGITTAL: ("x", 0)}
_CT_WINDOW: Final = Window(-160.0, 240.0, "CT from -160 (black) to 240 HU (white).")


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one plan and, in words, what they cannot show."""

    pictures: tuple[Picture, ...]
    reservations: tuple[str, ...]

    def named_after(self, plan: Plan) -> Pictures:
        """Return the same with the plan's name before every title and sentence."""
        name = plan.rt_plan_label or "Plan without label"
        return Pictures(
            pictures=tuple(replace(one, title=f"{name}: {one.title}") for one in self.pictures),
            reservations=tuple(f"{name}: {note}" for note in self.reservations),
        )


def pictures_of(material: PlanMaterial) -> Pictures:
    """Return the pictures of one plan, in the order in which they are read.

    What is missing or unreadable is said in the reservations; nothing of that raises. Image slices are opened
    one at a time, and of each only what the planes need is held.
    """
    found = gathered(material)
    if not found.centres:
        _middle_of_images(material, found)
    stack = _stack(material, found)
    axes = patient_axes() if stack is None else stack.axes
    distance = None if stack is None else stack.cut.usual_distance_mm
    regions = _regions(found, axes, distance)
    pictures: list[Picture] = []
    pictures += _slices(material, found, stack, _planes(found, axes), regions)
    pictures += _curves(material, found, regions)
    pictures += _beams(material, found, regions)
    return Pictures(tuple(pictures), found.reservations)


@dataclass(eq=False)
class _Stack:
    """The slices of one series that lie alike."""

    first: ImageSlice
    axes: NDArray[np.float64]
    cut: CutImages
    drawn_on: int = 0
    count: int = 0


def _planes(found: Gathered, axes: NDArray[np.float64]) -> tuple[Plane, ...]:
    return tuple(plane_through(centre, kind, axes) for centre in found.centres for kind in _KINDS)


def _stack(material: PlanMaterial, found: Gathered) -> _Stack | None:
    """Let every slice pass, and return the stack that belongs to the plan; None when there is none."""
    if not material.images:
        found.note("No images are kept of this plan: contours and dose stand on white.")
        return None
    stacks: dict[tuple[object, ...], _Stack] = {}
    elsewhere = unplaced = 0
    for opener in material.images[:IMAGES_MAX]:
        image = attempt(found, "An image slice", lambda opener=opener: read_slice(opener()))  # type: ignore[misc]
        if image is None:
            continue
        if found.frame and image.frame_of_reference_uid not in {"", found.frame}:
            elsewhere += 1
            continue
        key = (
            image.series_instance_uid,
            *np.round(image.row_direction, 3),
            *np.round(image.column_direction, 3),
        )
        if key not in stacks:
            if len(stacks) >= STACKS_MAX:
                unplaced += 1
                continue
            axes = axes_of(image)
            up = axes[int(np.argmax(np.abs(axes @ image.normal)))]
            stacks[key] = _Stack(image, axes, CutImages(planes=_planes(found, axes), up=up))
        stack = stacks[key]
        stack.cut.add(image)
        stack.count += 1
        stack.drawn_on += image.sop_instance_uid in found.drawn_on
    return _chosen(list(stacks.values()), elsewhere, unplaced, material, found)


def _chosen(
    stacks: list[_Stack], elsewhere: int, unplaced: int, material: PlanMaterial, found: Gathered
) -> _Stack | None:
    if elsewhere:
        found.note(f"{elsewhere} image slices lie in another frame of reference than the plan: not shown.")
    if len(material.images) > IMAGES_MAX:
        found.note(f"Of {len(material.images)} image slices the first {IMAGES_MAX} were looked at.")
    if not stacks:
        found.note("No image slice can be laid under contours and dose: they stand on white.")
        return None
    chosen = max(stacks, key=lambda stack: (stack.drawn_on, stack.first.modality == "CT", stack.count))
    if others := sum(stack.count for stack in stacks if stack is not chosen) + unplaced:
        found.note(f"{others} slices of other series are not shown.")
    for low, high in chosen.cut.gaps_mm:
        found.note(f"Image slices are missing between {low:.1f} and {high:.1f} mm: left white.")
    if chosen.count == 1:
        found.note("The images are a single slice: coronal and sagittal planes show none.")
    found.patient_position = found.patient_position or chosen.first.patient_position
    return chosen


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


def _regions(found: Gathered, axes: NDArray[np.float64], distance_mm: float | None) -> tuple[Region, ...]:
    regions = []
    if (count := len(found.regions)) > REGIONS_LOOKED_AT_MAX:
        found.note(f"Of {count} regions the first {REGIONS_LOOKED_AT_MAX}, targets first, were looked at.")
    for roi in found.regions[:REGIONS_LOOKED_AT_MAX]:
        region = region_of(roi, axes, distance_mm=distance_mm)
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
    stack: _Stack | None,
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
            title=_title(plane, found, at // len(_KINDS)),
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
    stack: _Stack | None, index: int, plane: Plane, found: Gathered
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


def _curves(material: PlanMaterial, found: Gathered, regions: tuple[Region, ...]) -> list[Picture]:
    stated = {curve.roi_number: curve for curve in found.histograms}
    drawn: list[tuple[Curve, bool]] = []
    for region in regions:
        histogram: DoseVolume | None = stated.get(region.roi.roi_number)
        if histogram is None and found.dose is not None and not stated:
            histogram = dose_volume(region, found.dose)
        if histogram is not None and (not drawn or histogram.unit == drawn[0][0].histogram.unit):
            name = region.roi.roi_name or f"ROI {region.roi.roi_number}"
            drawn.append(
                (Curve(name, legible(region_colour(region)), histogram), histogram.from_planning_system)
            )
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
        tuple(curve for curve, _ in drawn),
        title="Dose-volume histograms",
        words=(words,),
        prescription_gy=material.plan.target_prescription_dose_gy,
    )
    return [] if picture is None else [picture]


def _beams(material: PlanMaterial, found: Gathered, regions: tuple[Region, ...]) -> list[Picture]:
    region = next((region for region in regions if is_target(region.roi)), None)
    points = None if region is None else inner_points(region, TARGET_STEP_MM)
    positions = {setup.patient_setup_number: setup.patient_position for setup in material.plan.patient_setups}
    beams = [beam for beam in found.beams if beam.is_treatment]
    drawn, without = [], []
    for beam in beams[:BEAMS_MAX]:
        own = tuple(a for a in found.apertures if a.beam_number == str(beam.beam_number))
        target = None
        if region is not None and points is not None:
            position = positions.get(beam.setup.patient_setup_number or 0) or found.patient_position
            target = TargetSeen(name=region.roi.roi_name, points_mm=points, patient_position=position)
        picture = draw_beam(beam, own, target) if own and beam.control_points else None
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
