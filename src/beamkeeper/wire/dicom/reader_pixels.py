"""What is drawn: pixels, contours, dose grids and dose-volume curves out of the bytes of one object.

Sizes are checked against what the object states before anything is made of them, and stored values are
looked at in place, never copied, unless they are compressed. What cannot be shown is `ObjectUnreadable` with
the reason in words; a contour or a curve that makes no sense is left out and counted, the others stay.

References
----------
DICOM PS3.3 C.7.6.2 (Image Plane), C.8.8.3 (RT Dose), C.8.8.4 (RT DVH), C.8.8.6 (ROI Contour).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from beamkeeper.domain.imaging import DoseGrid, DoseVolume, ImageSlice, Lattice, Points, RoiContours
from beamkeeper.domain.objects import ReferenceRole
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.decoding import decoded, fragments_of
from beamkeeper.wire.dicom.identify import native_pixel_bytes
from beamkeeper.wire.dicom.reader_bytes import open_object
from beamkeeper.wire.dicom.reader_references import read_references, referenced_uids
from beamkeeper.wire.dicom.values import DataSet, data_set_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from typing_extensions import Buffer

PIXELS_MAX: Final = 4096 * 4096
"""Of one slice."""
VOXELS_MAX: Final = 200_000_000
"""Of one dose grid; 600 MB is the largest seen, at 4 bytes each."""
POINTS_MAX: Final = 6_000_000
"""Contour points of one structure set; 600 regions have about a million."""
CURVE_NUMBERS_MAX: Final = 400_000
ROIS_MAX: Final = 2_000
PLACE_MM_MAX: Final = 5_000.0
"""Nothing in or around a patient lies further from the origin of a frame of reference."""
SPACING_MM_MIN, SPACING_MM_MAX = 1e-3, 1_000.0
VALUE_MAX: Final = 1e6
"""No dose (Gy or %) is larger, and no rescaling of an image (per stored value) steeper."""
FLAT_MM: Final = 0.5
"""By which the points of a planar contour may leave their plane."""
_UNIT_LENGTH: Final = 0.01
_TYPES: Final = {8: "1", 16: "2", 32: "4"}
_UTC: Final = ZoneInfo("UTC")


def read_slice(data: Buffer) -> ImageSlice:
    """Return one slice of CT, MR or PET with its pixels.

    Raises
    ------
    ObjectUnreadable
        Not whole, compressed in a way that is not decoded, in colour, too large, or without its place in the
        patient.
    """
    opened = open_object(data)
    top = data_set_of(opened, _UTC)
    position, row, column, spacing = _placed(top)
    rows, columns = _whole(top, "Rows"), _whole(top, "Columns")
    if rows * columns > PIXELS_MAX or (top.integer("NumberOfFrames") or 1) != 1:
        raise ObjectUnreadable(
            "The image has several frames or too many pixels to be drawn.", rows=rows, columns=columns
        )
    slope, intercept = top.number("RescaleSlope"), top.number("RescaleIntercept")
    if max(abs(slope or 0), abs(intercept or 0)) > VALUE_MAX:
        raise ObjectUnreadable("The image is rescaled by senselessly large numbers.")
    return ImageSlice(
        sop_instance_uid=top.uid("SOPInstanceUID"),
        series_instance_uid=top.uid("SeriesInstanceUID"),
        frame_of_reference_uid=top.uid("FrameOfReferenceUID"),
        modality=top.code("Modality"),
        patient_position=top.code("PatientPosition"),
        position_mm=position,
        row_direction=row,
        column_direction=column,
        row_spacing_mm=spacing[0],
        column_spacing_mm=spacing[1],
        stored=_stored(top, (rows, columns), opened.transfer_syntax_uid),
        slope=1.0 if slope is None else slope,
        intercept=intercept or 0.0,
    )


def read_dose_grid(data: Buffer) -> DoseGrid:
    """Return the dose of an RT Dose on its own grid.

    Raises
    ------
    ObjectUnreadable
        Not whole, without a grid, compressed in a way that is not decoded, too large, or the frames of the
        grid have no order.
    """
    opened = open_object(data)
    top = data_set_of(opened, _UTC)
    units, scaling = top.code("DoseUnits"), top.number("DoseGridScaling")
    if top.raw("PixelData") is None:
        raise ObjectUnreadable("The dose has no grid.")
    if units not in {"GY", "RELATIVE"} or scaling is None or scaling <= 0:
        raise ObjectUnreadable("The dose does not say in which unit it is, or has no Dose Grid Scaling.")
    position, row, column, spacing = _placed(top)
    frames = top.integer("NumberOfFrames") or 1
    shape = (frames, _whole(top, "Rows"), _whole(top, "Columns"))
    if frames < 1 or shape[0] * shape[1] * shape[2] > VOXELS_MAX:
        raise ObjectUnreadable("The dose grid has no or too many voxels to be drawn.", shape=shape)
    stored = _stored(top, shape, opened.transfer_syntax_uid)
    scaling = scaling if units == "GY" else scaling * 100
    if int(stored.max()) * scaling > VALUE_MAX:
        raise ObjectUnreadable("The dose is senselessly large.")
    return DoseGrid(
        sop_instance_uid=top.uid("SOPInstanceUID"),
        frame_of_reference_uid=top.uid("FrameOfReferenceUID"),
        unit="Gy" if units == "GY" else "%",
        dose_type=top.code("DoseType"),
        summation_type=top.code("DoseSummationType"),
        position_mm=position,
        row_direction=row,
        column_direction=column,
        row_spacing_mm=spacing[0],
        column_spacing_mm=spacing[1],
        offsets_mm=_offsets(top, frames, position, np.cross(row, column)),
        stored=stored,
        scaling=scaling,
    )


def read_lattice(data: Buffer) -> Lattice:
    """Return where the pixels of a slice or of a dose lie, however they are compressed.

    Raises
    ------
    ObjectUnreadable
        Not whole, without its place in the patient, or the frames of a grid have no order.
    """
    top = _opened(data)
    position, row, column, spacing = _placed(top)
    frames = top.integer("NumberOfFrames") or 1
    if not 1 <= frames <= VOXELS_MAX:
        raise ObjectUnreadable("The object has no frames, or too many.")
    return Lattice(
        sop_instance_uid=top.uid("SOPInstanceUID"),
        series_instance_uid=top.uid("SeriesInstanceUID"),
        frame_of_reference_uid=top.uid("FrameOfReferenceUID"),
        position_mm=position,
        row_direction=row,
        column_direction=column,
        row_spacing_mm=spacing[0],
        column_spacing_mm=spacing[1],
        offsets_mm=_offsets(top, frames, position, np.cross(row, column)),
        shape=(frames, _whole(top, "Rows"), _whole(top, "Columns")),
        patient_position=top.code("PatientPosition"),
    )


def read_rescale(data: Buffer) -> tuple[float, float] | None:
    """Return (slope, intercept) by which stored values are CT numbers; None where it is not stated.

    Raises
    ------
    ObjectUnreadable
        Not whole.
    """
    top = _opened(data)
    slope, intercept = top.number("RescaleSlope"), top.number("RescaleIntercept")
    return None if slope is None or intercept is None else (slope, intercept)


def read_contours(data: Buffer) -> tuple[RoiContours, ...]:
    """Return every region of a structure set that has a place in its list of regions, in its order.

    Raises
    ------
    ObjectUnreadable
        Not whole, or beyond the named limits.
    """
    top = _opened(data)
    types = {
        item.integer("ReferencedROINumber"): item.code("RTROIInterpretedType")
        for item in top.items("RTROIObservationsSequence")
    }
    drawn: dict[int, tuple[tuple[int, int, int] | None, list[Points], int]] = {}
    left = POINTS_MAX
    for item in top.items("ROIContourSequence"):
        number = item.integer("ReferencedROINumber")
        if number is None or len(drawn) >= ROIS_MAX:
            continue
        kept, left_out = [], 0
        for contour in item.items("ContourSequence"):
            points = _contour(contour)
            left -= 0 if points is None else len(points)
            if points is None:
                left_out += 1
            elif left < 0:
                raise ObjectUnreadable(
                    f"The structure set has more than {POINTS_MAX} points; it was not drawn."
                )
            else:
                kept.append(points)
        drawn.setdefault(number, (_colour(item), kept, left_out))
    return tuple(_regions(top, types, drawn))


def read_dose_volumes(data: Buffer) -> tuple[DoseVolume, ...]:
    """Return the dose-volume histograms that an RT Dose brings, each of one region, as cumulative curves.

    A curve of several regions together, in units that cannot be told, or with senseless numbers is left out.

    Raises
    ------
    ObjectUnreadable
        Not whole.
    """
    found = (_dose_volume(item) for item in _opened(data).items("DVHSequence"))
    return tuple(curve for curve in found if curve is not None)


def read_frame_of_reference(data: Buffer) -> str:
    """Return the Frame of Reference UID an object states at its top level; "" when it states none.

    Raises
    ------
    ObjectUnreadable
        Not whole.
    """
    return _opened(data).uid("FrameOfReferenceUID")


def read_images_drawn_on(data: Buffer) -> frozenset[str]:
    """Return the SOP Instance UIDs of every image a structure set refers to.

    Raises
    ------
    ObjectUnreadable
        Not whole.
    """
    return frozenset(referenced_uids(read_references(_opened(data), images=True), ReferenceRole.IMAGE))


def _opened(data: Buffer) -> DataSet:
    return data_set_of(open_object(data), _UTC)


def _whole(top: DataSet, keyword: str) -> int:
    value = top.integer(keyword)
    if value is None or value < 1:
        raise ObjectUnreadable(f"The object does not state its {keyword}.")
    return value


def _placed(top: DataSet) -> tuple[Points, Points, Points, tuple[float, float]]:
    """Return position, row direction, column direction and (row, column) spacing."""
    position, spacing = top.numbers("ImagePositionPatient"), top.numbers("PixelSpacing")
    orientation = np.array(top.numbers("ImageOrientationPatient"), dtype=np.float64)
    if len(position) != 3 or len(spacing) != 2 or len(orientation) != 6:  # noqa: PLR2004 - PS3.3 C.7.6.2
        raise ObjectUnreadable(
            "The pixels' place in the patient (position, orientation, spacing) is not stated."
        )
    row, column = orientation[:3], orientation[3:]
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(float(row @ column))) > _UNIT_LENGTH:
        raise ObjectUnreadable("Image Orientation (Patient) does not name two directions at a right angle.")
    if min(spacing) < SPACING_MM_MIN or max(spacing) > SPACING_MM_MAX:
        raise ObjectUnreadable("Pixel Spacing is not greater than zero by enough, or senselessly large.")
    if max(map(abs, position)) > PLACE_MM_MAX:
        raise ObjectUnreadable(f"The pixels lie more than {PLACE_MM_MAX:.0f} mm from the origin.")
    return np.array(position), row / lengths[0], column / lengths[1], (spacing[0], spacing[1])


def _stored(top: DataSet, shape: tuple[int, ...], transfer_syntax_uid: str) -> NDArray[np.generic]:
    """Return the stored values in that shape, in place where they are not compressed."""
    found, bits = top.raw("PixelData"), top.integer("BitsAllocated")
    if found is None or found[0].start == found[0].end:
        raise ObjectUnreadable("The object has no pixel data.")
    element, data = found
    if bits not in _TYPES or (top.integer("SamplesPerPixel") or 1) != 1:
        raise ObjectUnreadable(
            "The pixel data are in colour or of an unusual depth: they cannot be shown here."
        )
    if element.undefined_length:
        fragments = fragments_of(data, element.start, element.end)
        return _with_sign(top, decoded(fragments, transfer_syntax_uid, shape, bits))
    needed = native_pixel_bytes(top)
    count = int(np.prod(shape))
    if needed != count * bits // 8 or element.end - element.start < needed:
        raise ObjectUnreadable("The pixel data are not as many as rows, columns and frames say.")
    kind = "i" if top.integer("PixelRepresentation") == 1 else "u"
    order = ">" if top.is_big_endian else "<"
    return np.frombuffer(data, f"{order}{kind}{_TYPES[bits]}", count, element.start).reshape(shape)


def _with_sign(top: DataSet, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return decoded values as what they stand for: two's complement of Bits Stored where signed."""
    bits = top.integer("BitsStored") or 0
    if top.integer("PixelRepresentation") != 1 or not 0 < bits <= values.itemsize * 8:
        return values
    unused = values.itemsize * 8 - bits
    return (values.astype(f"<u{values.itemsize}") << unused).view(f"<i{values.itemsize}") >> unused


def _offsets(top: DataSet, frames: int, position: Points, normal: Points) -> Points:
    """Return the frames' offsets along the normal: Grid Frame Offset Vector (3004,000C), relative or not.

    PS3.3 C.8.8.3.2: a vector that begins with 0 is relative to the first frame; otherwise, on a grid that
    lies straight in the patient, its values are heights (z).
    """
    if frames == 1:
        return np.zeros(1)
    stated = _floats(top, "GridFrameOffsetVector", VOXELS_MAX)
    if stated is None or len(stated) != frames:
        raise ObjectUnreadable("The dose does not say where each of its frames lies.")
    if stated[0] != 0:
        if abs(abs(normal[2]) - 1) > _UNIT_LENGTH or abs(stated[0] - position[2]) > FLAT_MM:
            raise ObjectUnreadable(
                "Where the frames of the dose lie is said in a way that fits no rule of DICOM."
            )
        stated = (stated - stated[0]) * np.sign(normal[2])
    if float(np.abs(stated).max()) > PLACE_MM_MAX:
        raise ObjectUnreadable(f"Frames of the dose lie more than {PLACE_MM_MAX:.0f} mm from its first.")
    steps = np.diff(stated)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise ObjectUnreadable("The frames of the dose do not lie one after the other.")
    return stated


def _floats(item: DataSet, keyword: str, count_max: int) -> Points | None:
    """Return every number of a DS value, however many; None when absent, too many or senseless."""
    found = item.raw(keyword)
    if found is None or found[0].end - found[0].start > count_max * 17:
        return None
    raw = bytes(found[1][found[0].start : found[0].end]).strip(b" \0")
    if not raw or raw.count(b"\\") >= count_max or b"_" in raw:  # Python's numbers may have it, DICOM's not
        return None
    try:
        values = np.fromiter(map(float, raw.split(b"\\")), np.float64)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _contour(item: DataSet) -> Points | None:
    """Return the points of a closed planar contour; None when it is none."""
    kind = item.code("ContourGeometricType")
    if kind and not kind.startswith("CLOSED"):
        return None
    flat = _floats(item, "ContourData", 3 * POINTS_MAX)
    if flat is None or len(flat) < 9 or len(flat) % 3:  # noqa: PLR2004 - three points
        return None
    return flat.reshape(-1, 3) if float(np.abs(flat).max()) <= PLACE_MM_MAX else None


def _colour(item: DataSet) -> tuple[int, int, int] | None:
    parts = item.numbers("ROIDisplayColor")
    if len(parts) != 3 or not all(0 <= part <= 255 for part in parts):  # noqa: PLR2004 - PS3.3 C.8.8.6
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])


def _regions(
    top: DataSet,
    types: dict[int | None, str],
    drawn: dict[int, tuple[tuple[int, int, int] | None, list[Points], int]],
) -> Iterator[RoiContours]:
    for item in top.items("StructureSetROISequence"):
        number = item.integer("ROINumber")
        if number is None:
            continue
        colour, contours, left_out = drawn.pop(number, (None, [], 0))
        yield RoiContours(
            roi_number=number,
            roi_name=item.text("ROIName"),
            interpreted_type=types.get(number, ""),
            frame_of_reference_uid=item.uid("ReferencedFrameOfReferenceUID"),
            contours=tuple(contours),
            colour=colour,
            left_out=left_out,
        )


def _dose_volume(item: DataSet) -> DoseVolume | None:
    regions = list(item.items("DVHReferencedROISequence"))
    number = regions[0].integer("ReferencedROINumber") if len(regions) == 1 else None
    if number is None or regions[0].code("DVHROIContributionType") not in {"", "INCLUDED"}:
        return None
    unit = {"GY": "Gy", "RELATIVE": "%"}.get(item.code("DoseUnits"))
    kind, volume_unit = item.code("DVHType"), item.code("DVHVolumeUnits")
    scaling = item.number("DVHDoseScaling")
    data = _floats(item, "DVHData", CURVE_NUMBERS_MAX)
    if unit is None or kind not in {"CUMULATIVE", "DIFFERENTIAL"} or data is None or len(data) % 2:
        return None
    widths, volumes = data[0::2] * (1.0 if scaling is None else scaling), data[1::2]
    if (widths < 0).any() or (volumes < 0).any():
        return None
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    if kind == "CUMULATIVE":
        # The first bin begins at dose zero; each volume is what gets at least its lower edge.
        dose, volume = edges[:-1], volumes
    else:
        dose, volume = edges, np.concatenate([np.cumsum(volumes[::-1])[::-1], [0.0]])
    whole = float(volume[0])
    if whole <= 0:
        return None
    dose = dose if unit == "Gy" else dose * 100
    lost = -np.diff(volume, append=0.0)
    # Read off the curve: some systems state them in percent of the prescription whatever the unit (Eclipse).
    return DoseVolume(
        roi_number=number,
        unit=unit,
        dose=dose,
        volume_percent=volume / whole * 100,
        volume_cm3=whole if volume_unit == "CM3" else None,
        minimum=float(dose[np.flatnonzero(volume >= whole * (1 - 1e-4))[-1]]),
        maximum=float(dose[np.flatnonzero(volume > whole * 1e-6)[-1]]),
        mean=float((dose * lost).sum() / whole),
        from_planning_system=True,
    )
