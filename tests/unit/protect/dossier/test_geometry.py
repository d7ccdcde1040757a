"""What is drawn lies where it is in the patient, however the patient lay and the grids are turned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.unit.protect.dossier.phantoms import ORIENTATIONS, Ball, directions, tilted

from beamkeeper.protect.dossier.picture import PictureKind
from beamkeeper.protect.dossier.planes import CutImages, axes_of, patient_axes, plane_through
from beamkeeper.protect.dossier.regions import cut, region_of
from beamkeeper.wire.dicom.reader_pixels import read_contours, read_dose_grid, read_slice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.protect.dossier.planes import Plane

KINDS = (PictureKind.AXIAL, PictureKind.CORONAL, PictureKind.SAGITTAL)
POSITIONS = sorted(ORIENTATIONS)


def lying(position: str, **changes: object) -> Ball:
    """Return the ball in a patient who lies that way."""
    way = directions(position)
    return replace(Ball(), images=way, dose_way=way, position=position, **changes)  # type: ignore[arg-type]


def images_cut(ball: Ball) -> tuple[CutImages, tuple[Plane, ...], NDArray[np.float64]]:
    slices = [read_slice(data) for data in ball.slices()]
    axes = axes_of(slices[0])
    planes = tuple(plane_through(ball.centre, kind, axes) for kind in KINDS)
    images = CutImages(planes=planes, up=axes[int(np.argmax(np.abs(axes @ slices[0].normal)))])
    for one in slices:
        images.add(one)
    return images, planes, axes


def value_at(images: CutImages, index: int, plane: Plane, point: NDArray[np.float64]) -> float:
    """Return what the picture of the images shows where that point of the patient is drawn."""
    raster = images.raster(index, 1.0)
    assert raster is not None
    right, down = plane.placed(point)
    column = int(np.argmin(np.abs(raster.right_mm - right)))
    row = int(np.argmin(np.abs(raster.down_mm - down)))
    return float(raster.values[row, column])


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("absolute", [False, True])
def test_a_dose_is_read_where_it_is_in_every_position_of_the_patient(position: str, absolute: bool) -> None:
    ball = lying(position, gradient_gy_mm=(0.21, -0.13, 0.17))
    grid = read_dose_grid(ball.dose(absolute=absolute))
    points = ball.centre + np.random.default_rng(1).uniform(-50, 50, (200, 3))

    assert np.allclose(grid.at(points), ball.dose_at(points), atol=1e-3)


def test_a_dose_on_a_tilted_grid_is_read_where_it_is() -> None:
    ball = Ball(dose_way=tilted(23), gradient_gy_mm=(0.21, -0.13, 0.17))
    grid = read_dose_grid(ball.dose(bits=16))
    points = ball.centre + np.random.default_rng(2).uniform(-30, 30, (200, 3))

    assert np.allclose(grid.at(points), ball.dose_at(points), atol=5e-3)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_lattice_of_dose_is_the_dose_at_its_points(position: str) -> None:
    ball = lying(position, gradient_gy_mm=(0.21, -0.13, 0.17))
    grid = read_dose_grid(ball.dose())
    for kind in KINDS:
        plane = plane_through(ball.centre, kind, patient_axes())
        right, down = np.linspace(-80, 80, 33), np.linspace(-70, 75, 27)
        points = ball.centre + right[None, :, None] * plane.right + down[:, None, None] * plane.down
        found = grid.on_lattice(plane.centre_mm, plane.right, right, plane.down, down)

        assert np.allclose(found, grid.at(points.reshape(-1, 3)).reshape(27, 33), equal_nan=True)
        assert np.isnan(found[0, 0])


def test_beyond_its_grid_a_dose_is_not_zero_but_unknown() -> None:
    grid = read_dose_grid(Ball().dose(half_mm=20))

    assert np.isnan(grid.at(Ball().centre[None] + 40.0)).all()


@pytest.mark.parametrize("position", POSITIONS)
def test_an_image_shows_a_rod_where_it_stands_in_every_position(position: str) -> None:
    ball = lying(position, pixel_mm=(3.0, 2.0))
    rod = np.array(ball.rod_mm)
    images, planes, _ = images_cut(ball)

    assert value_at(images, 0, planes[0], rod) == pytest.approx(1200)
    assert value_at(images, 0, planes[0], ball.centre * 2 - rod) < 100
    for index in (1, 2):
        # The planes through the ball do not meet the rod, those through the rod do.
        assert value_at(images, index, planes[index], ball.centre) == pytest.approx(40)


@pytest.mark.parametrize("position", POSITIONS)
def test_planes_across_the_slices_show_the_rod_too(position: str) -> None:
    ball = lying(position)
    rod = np.array(ball.rod_mm)
    through = replace(ball, rod_mm=ball.centre_mm)
    images, planes, _ = images_cut(through)
    for index in (1, 2):
        for height in (-40.0, 0.0, 40.0):
            point = ball.centre + np.array([0, 0, height])

            assert value_at(images, index, planes[index], point) == pytest.approx(1200)
    assert not np.allclose(rod, ball.centre)


@pytest.mark.parametrize("position", POSITIONS)
def test_the_letters_are_those_of_anatomy_in_every_position(position: str) -> None:
    _, planes, _ = images_cut(lying(position, slice_mm=30.0, pixel_mm=(10.0, 10.0)))

    assert planes[0].letters == ("R", "L", "A", "P")
    assert planes[1].letters == ("R", "L", "H", "F")
    assert planes[2].letters == ("A", "P", "H", "F")


def test_a_tilted_image_keeps_its_planes_and_its_letters_say_so() -> None:
    ball = Ball(images=tilted(25, (1, 0, 0)), rod_mm=(12.0, -31.0, 47.0))
    images, planes, axes = images_cut(ball)

    assert planes[0].letters == ("R", "L", "AF", "PH")
    assert not planes[0].is_straight
    for index in range(3):
        assert value_at(images, index, planes[index], ball.centre + axes[2] * 0) == pytest.approx(1200)


@pytest.mark.parametrize("position", POSITIONS)
def test_contours_are_cut_where_the_ball_is(position: str) -> None:
    ball = lying(position)
    _, planes, axes = images_cut(ball)
    region = region_of(read_contours(ball.structures())[0], axes)
    assert region is not None
    for plane in planes:
        outlines = cut(region, plane)
        assert outlines is not None
        points = np.concatenate(outlines)

        assert np.abs(np.hypot(*points.T) - ball.radius_mm).max() < 1.6
        assert np.abs(points).max(axis=0) == pytest.approx([30, 30], abs=1.6)


def test_contours_on_tilted_slices_are_cut_by_their_own_planes() -> None:
    ball = Ball(images=tilted(17))
    _, planes, axes = images_cut(ball)
    region = region_of(read_contours(ball.structures())[0], axes)
    assert region is not None
    for plane in planes:
        outlines = cut(region, plane)
        assert outlines

        assert np.abs(np.concatenate(outlines)).max() == pytest.approx(30, abs=1.6)


def test_contours_of_other_planes_than_the_picture_are_not_guessed_at() -> None:
    ball = Ball(images=tilted(17))
    region = region_of(read_contours(ball.structures())[0], axes_of(read_slice(next(ball.slices()))))
    assert region is not None

    assert cut(region, plane_through(ball.centre, PictureKind.CORONAL, patient_axes())) is None


def test_slices_that_are_missing_leave_white_and_are_named() -> None:
    ball = Ball(missing=(19, 20, 21))
    images, planes, _ = images_cut(ball)
    height = (20 - ball.slice_count // 2) * ball.slice_mm
    gap = ball.centre + np.array([0, 0, height])

    assert len(images.gaps_mm) == 1
    assert images.gaps_mm[0] == pytest.approx((gap[2] - 6, gap[2] + 6))
    assert np.isnan(value_at(images, 1, planes[1], gap))
    assert value_at(images, 1, planes[1], ball.centre) == pytest.approx(40)


def test_contours_that_are_missing_leave_a_gap_in_the_outline() -> None:
    ball = Ball(missing=(19, 20, 21))
    region = region_of(read_contours(ball.structures())[0], patient_axes())
    assert region is not None
    outlines = cut(region, plane_through(ball.centre, PictureKind.CORONAL, patient_axes()))

    assert outlines is not None
    assert len(outlines) == 2
    assert len(region.gaps_mm) == 1
