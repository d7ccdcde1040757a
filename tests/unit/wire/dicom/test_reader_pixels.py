"""Pixels, contours, dose grids and curves out of bytes; hostile and broken ones are refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from tests.unit.protect.dossier.phantoms import ORIENTATIONS, Ball, encoded, new, numbers, pixels

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.reader_pixels import (
    read_contours,
    read_dose_grid,
    read_dose_volumes,
    read_frame_of_reference,
    read_slice,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = Ball(slice_mm=30.0, pixel_mm=(12.0, 10.0))


def altered(data: bytes, change: Callable[[Dataset], object]) -> bytes:
    dataset = dcmread(DicomBytesIO(data))
    change(dataset)
    return encoded(dataset)


def test_a_slice_is_read_in_place_with_its_geometry() -> None:
    data = next(SMALL.slices())
    image = read_slice(data)

    assert image.stored.base is not None
    assert (image.row_spacing_mm, image.column_spacing_mm) == (12.0, 10.0)
    assert image.stored[0, 0] * image.slope + image.intercept == -1000
    assert image.patient_position == "HFS"


def test_signed_pixels_are_read_signed() -> None:
    def change(data: Dataset) -> None:
        data.PixelRepresentation = 1
        data.PixelData = np.full((int(data.Rows), int(data.Columns)), -7, "<i2").tobytes()

    assert read_slice(altered(next(SMALL.slices()), change)).stored.max() == -7


IMAGES: dict[str, tuple[Callable[[Dataset], object], str]] = {
    "in colour": (lambda d: setattr(d, "SamplesPerPixel", 3), "as many as|colour|Truncated"),
    "without pixels": (lambda d: d.__delitem__("PixelData"), "no pixel data"),
    "without place": (lambda d: d.__delitem__("ImagePositionPatient"), "place in the patient"),
    "skew": (lambda d: setattr(d, "ImageOrientationPatient", list("100100")), "right angle"),
    "no spacing": (lambda d: setattr(d, "PixelSpacing", ["0", "1"]), "greater than zero"),
    "no room": (lambda d: setattr(d, "PixelSpacing", ["1e-300", "1"]), "greater than zero"),
    "far away": (lambda d: setattr(d, "ImagePositionPatient", ["0", "0", "1e9"]), "from the origin"),
    "huge pixels": (lambda d: setattr(d, "PixelSpacing", ["1e9", "1"]), "senselessly large"),
    "endless directions": (
        lambda d: setattr(d, "ImageOrientationPatient", ["1e30"] * 6),
        "right angle",
    ),
    "rescaled to nothing": (lambda d: setattr(d, "RescaleSlope", "1e20"), "senselessly large numbers"),
    "no rows": (lambda d: setattr(d, "Rows", 0), "Rows"),
    "a billion rows": (lambda d: [setattr(d, "Rows", 65535), setattr(d, "Columns", 65535)], "Truncated|many"),
}


@pytest.mark.parametrize("what", sorted(IMAGES))
def test_a_slice_that_cannot_be_shown_is_refused_in_words(what: str) -> None:
    change, words = IMAGES[what]
    with pytest.raises(ObjectUnreadable, match=words):
        read_slice(altered(next(SMALL.slices()), change))


def test_compressed_pixels_are_kept_and_not_shown() -> None:
    with pytest.raises(ObjectUnreadable, match=r"compressed .*kept whole and cannot be drawn"):
        read_slice(compressed(next(SMALL.slices())))


def compressed(data: bytes) -> bytes:
    """Return the slice with one encapsulated fragment instead of its pixels."""
    at = data.rindex(b"\xe0\x7f\x10\x00OW")
    fragment = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00\xff\xd8\xff\xd9"
    end = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    return data[:at] + b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff" + fragment + end


DOSES: dict[str, tuple[Callable[[Dataset], object], str]] = {
    "no scaling": (lambda d: d.__delitem__("DoseGridScaling"), "Scaling"),
    "endless scaling": (lambda d: setattr(d, "DoseGridScaling", "1e30"), "senselessly large"),
    "no unit": (lambda d: d.__delitem__("DoseUnits"), "unit"),
    "no offsets": (lambda d: d.__delitem__("GridFrameOffsetVector"), "where each of its frames"),
    "too few offsets": (
        lambda d: setattr(d, "GridFrameOffsetVector", ["0", "2"]),
        "where each of its frames",
    ),
    "offsets that turn back": (
        lambda d: setattr(d, "GridFrameOffsetVector", ["0", "2", "1", *map(str, range(3, 46))]),
        "one after the other|where each",
    ),
    "offsets of another grid": (
        lambda d: setattr(d, "GridFrameOffsetVector", [str(900 + i) for i in range(int(d.NumberOfFrames))]),
        "no rule of DICOM",
    ),
    "frames without end": (
        lambda d: setattr(d, "GridFrameOffsetVector", [str(i * 1e7) for i in range(int(d.NumberOfFrames))]),
        "from its first",
    ),
    "no grid": (lambda d: d.__delitem__("PixelData"), "no grid"),
}


@pytest.mark.parametrize("what", sorted(DOSES))
def test_a_dose_that_cannot_be_shown_is_refused_in_words(what: str) -> None:
    change, words = DOSES[what]
    with pytest.raises(ObjectUnreadable, match=words):
        read_dose_grid(altered(SMALL.dose(step_mm=(10.0, 20.0, 20.0)), change))


def test_a_dose_in_percent_says_percent() -> None:
    def change(data: Dataset) -> None:
        data.DoseUnits, data.DoseGridScaling = "RELATIVE", "0.00000002"

    grid = read_dose_grid(altered(SMALL.dose(step_mm=(10.0, 20.0, 20.0)), change))

    assert grid.unit == "%"
    assert grid.maximum == pytest.approx(62e6 * 2e-8 * 100, rel=0.1)


def test_points_open_lines_and_nonsense_are_counted_not_drawn() -> None:
    def change(data: Dataset) -> None:
        drawn = data.ROIContourSequence[0]
        point, line, broken, far = (Dataset() for _ in range(4))
        far.ContourGeometricType, far.ContourData = "CLOSED_PLANAR", ["0", "0", "1e9"] * 3
        point.ContourGeometricType, point.ContourData = "POINT", ["1", "2", "3"]
        line.ContourGeometricType, line.ContourData = "OPEN_PLANAR", ["1", "2", "3"] * 4
        broken.ContourGeometricType, broken.ContourData = "CLOSED_PLANAR", ["1", "2", "3", "4"]
        drawn.ContourSequence = [*drawn.ContourSequence, point, line, broken, far]

    (roi,) = read_contours(altered(SMALL.structures(points=12), change))

    assert roi.left_out == 4
    assert len(roi.contours) == 1
    assert roi.contours[0].shape == (12, 3)
    assert (roi.roi_name, roi.interpreted_type, roi.colour) == ("Ball", "PTV", (255, 0, 0))


def with_curve(kind: str, values: list[float], **more: object) -> bytes:
    data = new("1.2.840.10008.5.1.4.1.1.481.2", "1.2.5.2", "RTDOSE")
    curve, roi = Dataset(), Dataset()
    roi.ReferencedROINumber, roi.DVHROIContributionType = "7", "INCLUDED"
    curve.DVHReferencedROISequence = [roi]
    curve.DVHType, curve.DoseUnits, curve.DoseType = kind, "GY", "PHYSICAL"
    curve.DVHDoseScaling, curve.DVHVolumeUnits = "1", "CM3"
    curve.DVHData = numbers(values)
    for keyword, value in more.items():
        setattr(curve, keyword, value)
    data.DVHSequence = [curve]
    return encoded(data)


def test_a_curve_of_the_planning_system_is_read_cumulative_or_differential() -> None:
    # 10 cm³: a fifth gets 0 to 2 Gy, the rest 2 to 4 Gy.
    (cumulative,) = read_dose_volumes(with_curve("CUMULATIVE", [2, 10, 2, 8, 2, 0]))
    (differential,) = read_dose_volumes(with_curve("DIFFERENTIAL", [2, 2, 2, 8]))

    for curve in (cumulative, differential):
        assert np.interp([0, 2, 4], curve.dose, curve.volume_percent) == pytest.approx([100, 80, 0])
        assert curve.volume_cm3 == 10
        assert curve.from_planning_system
    assert (cumulative.minimum, cumulative.maximum) == (0, 2)


def test_numbers_beside_a_curve_are_not_believed_where_they_contradict_it() -> None:
    # Eclipse writes these in percent of the prescription, the curve in Gy.
    data = with_curve("CUMULATIVE", [1, 10] * 40 + [1, 0], DVHMeanDose="101.5", DVHMaximumDose="105")
    (curve,) = read_dose_volumes(data)

    assert curve.maximum == pytest.approx(39)
    assert curve.mean == pytest.approx(39)


@pytest.mark.parametrize("values", [[1, 10, 1], [-1, 10, 1, 5], [1, -10, 1, 5], [1, 0, 1, 0]])
def test_a_senseless_curve_is_left_out(values: list[float]) -> None:
    assert read_dose_volumes(with_curve("CUMULATIVE", values)) == ()


def test_a_plan_says_its_frame_of_reference() -> None:
    assert read_frame_of_reference(Ball().plan_bytes()) == "1.2.826.1"


@pytest.mark.parametrize("position", sorted(ORIENTATIONS))
def test_eclipse_doses_of_eight_positions_put_a_known_voxel_where_it_is(
    real_data: Path, position: str
) -> None:
    """The published files have Eclipse's headers and no pixels: they are filled, one voxel at 100 Gy."""
    folder = real_data / "tps-singles-pymedphys" / "dicom" / "eclipse-orientations"
    data = dcmread(folder / f"RD.DICOMORIENT.Dose_{position}.dcm")
    row, column = (np.array(data.ImageOrientationPatient[at : at + 3], dtype=float) for at in (0, 3))
    shape = (int(data.NumberOfFrames), int(data.Rows), int(data.Columns))
    stored = np.zeros(shape, "<u4")
    frame, line, place = 30, 20, 200
    stored[frame, line, place] = 100_000_000
    corner = np.array(data.ImagePositionPatient, dtype=float)
    # PS3.3 C.7.6.2.1.1 and C.8.8.3.2, written out.
    spacing = [float(part) for part in data.PixelSpacing]
    known = (
        corner
        + place * spacing[1] * row
        + line * spacing[0] * column
        + float(data.GridFrameOffsetVector[frame]) * np.cross(row, column)
    )
    grid = read_dose_grid(pixels(data, stored))

    assert (tuple(row), tuple(column)) == ORIENTATIONS[position]
    assert grid.at(known[None])[0] == pytest.approx(100)
    # The couch of all eight plans is one: the phantom lies along the table around the same heights.
    assert grid.at(known[None] + np.cross(row, column) * 1.0)[0] == pytest.approx(50)
    assert abs(known[2]) == pytest.approx(1200, abs=70)
