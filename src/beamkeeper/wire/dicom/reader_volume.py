"""Structure sets, doses, images and registrations into `domain.volume` types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beamkeeper.domain.objects import ObjectRef, Reference, ReferenceRole
from beamkeeper.domain.volume import Dose, Image, Registration, Roi, StructureSet
from beamkeeper.wire.dicom.identify import native_pixel_bytes
from beamkeeper.wire.dicom.reader_references import referenced_uids

if TYPE_CHECKING:
    from beamkeeper.wire.dicom.values import DataSet

_PIXEL_TYPES = {8: "u1", 16: "u2", 32: "u4"}


def read_structure_set(top: DataSet, ref: ObjectRef, references: tuple[Reference, ...]) -> StructureSet:
    """Return the regions of an RT Structure Set and every image it was drawn on."""
    types = {
        item.integer("ReferencedROINumber"): item.code("RTROIInterpretedType")
        for item in top.items("RTROIObservationsSequence")
    }
    drawn = {item.integer("ReferencedROINumber"): _contours(item) for item in top.items("ROIContourSequence")}
    rois, frames = [], dict.fromkeys(_frames(top))
    for item in top.items("StructureSetROISequence"):
        number = item.integer("ROINumber")
        if number is None:
            top.context.warn("a region of interest has no number: ignored")
            continue
        contours, points = drawn.get(number, (0, 0))
        frames[item.uid("ReferencedFrameOfReferenceUID")] = None
        rois.append(
            Roi(
                roi_number=number,
                roi_name=item.text("ROIName"),
                interpreted_type=types.get(number, ""),
                contour_count=contours,
                point_count=points,
            )
        )
    return StructureSet(
        sop_instance_uid=ref.sop_instance_uid,
        patient_id=ref.patient_id,
        structure_set_label=top.text("StructureSetLabel"),
        rois=tuple(rois),
        referenced_image_uids=referenced_uids(references, ReferenceRole.IMAGE),
        frame_of_reference_uids=tuple(uid for uid in frames if uid),
        approval_status=top.code("ApprovalStatus"),
    )


def read_dose(top: DataSet, ref: ObjectRef, references: tuple[Reference, ...]) -> Dose:
    """Return an RT Dose with the largest value of its grid."""
    units, scaling = top.code("DoseUnits"), top.number("DoseGridScaling")
    shape = (
        top.integer("NumberOfFrames") or (1 if "Rows" in top else 0),
        top.integer("Rows") or 0,
        top.integer("Columns") or 0,
    )
    return Dose(
        sop_instance_uid=ref.sop_instance_uid,
        patient_id=ref.patient_id,
        dose_units=units,
        dose_type=top.code("DoseType"),
        dose_summation_type=top.code("DoseSummationType"),
        grid_shape=shape,
        dose_grid_scaling=scaling,
        maximum_dose_gy=_maximum(top) * scaling if units == "GY" and scaling and _has_grid(top) else None,
        referenced_plan_uids=referenced_uids(references, ReferenceRole.PLAN),
        referenced_structure_set_uids=referenced_uids(references, ReferenceRole.STRUCTURE_SET),
        has_dvh=top.first("DVHSequence") is not None,
    )


def read_image(top: DataSet, ref: ObjectRef, references: tuple[Reference, ...]) -> Image:
    """Return the geometry of a CT, MR, PET or RT image."""
    plan = next(iter(referenced_uids(references, ReferenceRole.PLAN)), None)
    item = top.first("ReferencedRTPlanSequence")
    position = top.numbers("ImagePositionPatient")
    spacing = top.numbers("PixelSpacing") or top.numbers("ImagePlanePixelSpacing")
    beam_number = top.integer("ReferencedBeamNumber")
    if beam_number is None and item is not None:
        beam_number = item.integer("ReferencedBeamNumber")
    return Image(
        sop_instance_uid=ref.sop_instance_uid,
        patient_id=ref.patient_id,
        modality=ref.modality,
        rows=top.integer("Rows") or 0,
        columns=top.integer("Columns") or 0,
        frame_of_reference_uid=top.uid("FrameOfReferenceUID"),
        image_position_mm=(position[0], position[1], position[2]) if len(position) == 3 else None,  # noqa: PLR2004
        pixel_spacing_mm=(spacing[0], spacing[1]) if len(spacing) == 2 else None,  # noqa: PLR2004
        instance_number=top.integer("InstanceNumber"),
        description=top.text("RTImageLabel") or top.text("SeriesDescription"),
        referenced_plan_uid=plan,
        referenced_beam_number=beam_number,
    )


def read_registration(top: DataSet, ref: ObjectRef) -> Registration:
    """Return which frames of reference a registration joins."""
    frames = {top.uid("FrameOfReferenceUID"): None}
    for keyword in ("RegistrationSequence", "DeformableRegistrationSequence"):
        for item in top.items(keyword):
            frames[item.uid("FrameOfReferenceUID") or item.uid("SourceFrameOfReferenceUID")] = None
    return Registration(
        sop_instance_uid=ref.sop_instance_uid,
        patient_id=ref.patient_id,
        frame_of_reference_uids=tuple(uid for uid in frames if uid),
    )


def _frames(top: DataSet) -> list[str]:
    return [item.uid("FrameOfReferenceUID") for item in top.items("ReferencedFrameOfReferenceSequence")]


def _contours(roi: DataSet) -> tuple[int, int]:
    """Return how many contours and points a region has."""
    contours = points = 0
    for contour in roi.items("ContourSequence"):
        contours += 1
        stated = contour.integer("NumberOfContourPoints")
        points += (contour.count("ContourData", b"\\") + 1) // 3 if stated is None else max(stated, 0)
    return contours, points


def _has_grid(top: DataSet) -> bool:
    found = top.raw("PixelData")
    if found is None or top.integer("BitsAllocated") not in _PIXEL_TYPES:
        return False
    needed = native_pixel_bytes(top)
    element = found[0]
    return not element.undefined_length and bool(needed) and element.end - element.start >= (needed or 0)


def _maximum(top: DataSet) -> int:
    """Return the largest stored value; the grid is looked at in place, never copied."""
    found, bits = top.raw("PixelData"), top.integer("BitsAllocated") or 0
    if found is None:  # pragma: no cover - _has_grid was asked first
        return 0
    element, data = found
    order = ">" if top.is_big_endian else "<"
    count = (native_pixel_bytes(top) or 0) * 8 // bits
    return int(np.frombuffer(data, f"{order}{_PIXEL_TYPES[bits]}", count, element.start).max())
