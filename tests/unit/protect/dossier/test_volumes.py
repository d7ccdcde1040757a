"""Dose-volume histograms computed here, against what geometry says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.protect.dossier.phantoms import ORIENTATIONS, Ball, directions, tilted

from beamkeeper.domain.imaging import DoseVolume, RoiContours
from beamkeeper.protect.dossier.planes import axes_of, patient_axes
from beamkeeper.protect.dossier.regions import Region, region_of
from beamkeeper.protect.dossier.volumes import dose_volume, inner_points
from beamkeeper.wire.dicom.reader_pixels import read_contours, read_dose_grid, read_slice


def histogram_of(ball: Ball, **dose: object) -> DoseVolume:
    axes = axes_of(read_slice(next(ball.slices())))
    region = region_of(read_contours(ball.structures())[0], axes)
    assert region is not None
    found = dose_volume(region, read_dose_grid(ball.dose(**dose)))  # type: ignore[arg-type]
    assert found is not None
    return found


def check(ball: Ball) -> None:
    found = histogram_of(ball)
    steepest = float(np.linalg.norm(ball.gradient_gy_mm)) * ball.radius_mm
    volume = 4 / 3 * np.pi * ball.radius_mm**3 / 1000

    assert found.volume_cm3 == pytest.approx(volume, rel=0.01)
    assert found.mean == pytest.approx(ball.dose_gy, rel=0.01)
    assert found.minimum == pytest.approx(ball.dose_gy - steepest, rel=0.01)
    assert found.maximum == pytest.approx(ball.dose_gy + steepest, rel=0.01)
    # Half of a ball lies on either side of its centre.
    assert np.interp(ball.dose_gy, found.dose, found.volume_percent) == pytest.approx(50, abs=1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_ball_in_a_steady_dose_is_right_within_one_percent(axis: int) -> None:
    gradient = [0.0, 0.0, 0.0]
    gradient[axis] = 0.2
    check(Ball(gradient_gy_mm=(gradient[0], gradient[1], gradient[2]), slice_mm=2.0))


@pytest.mark.parametrize("position", sorted(ORIENTATIONS))
def test_it_is_so_in_every_position_of_the_patient(position: str) -> None:
    way = directions(position)
    check(replace(Ball(gradient_gy_mm=(0.1, -0.12, 0.08)), images=way, dose_way=way))


def test_it_is_so_on_tilted_images_and_on_a_dose_tilted_otherwise() -> None:
    check(
        Ball(images=tilted(20), dose_way=tilted(-15, (0, 1, 0.2)), half_mm=36, gradient_gy_mm=(0.1, 0.1, 0))
    )


def test_a_hole_is_not_inside_whichever_way_it_is_drawn() -> None:
    whole = circle(30)
    hole = circle(15)
    for contours in ([whole, hole], [whole, hole[::-1]]):
        assert volume(contours) == pytest.approx(np.pi * (900 - 225) * 3 / 1000, rel=0.01)


def test_a_channel_to_a_hole_encloses_nothing() -> None:
    whole, hole = circle(30), circle(15)[::-1]
    keyhole = np.concatenate([whole, whole[:1], hole, hole[:1]])

    assert volume([keyhole]) == pytest.approx(np.pi * (900 - 225) * 3 / 1000, rel=0.01)


def test_a_part_outside_the_dose_grid_is_counted_and_the_smallest_dose_not_claimed() -> None:
    found = histogram_of(Ball(), half_mm=15.0)

    assert found.outside_percent > 50
    assert found.minimum is None


def test_points_that_fill_a_region_lie_in_it() -> None:
    ball = Ball()
    region = region_of(read_contours(ball.structures())[0], patient_axes())
    assert region is not None
    away = np.linalg.norm(inner_points(region, 2.0) - ball.centre, axis=1)

    assert 28.5 < away.max() < 32
    assert away.min() < 2


def circle(radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(240)], axis=1)


def region(contours: list[np.ndarray]) -> Region:
    roi = RoiContours(
        roi_number=1, roi_name="R", interpreted_type="", frame_of_reference_uid="", contours=tuple(contours)
    )
    found = region_of(roi, patient_axes())
    assert found is not None
    return found


def volume(contours: list[np.ndarray]) -> float:
    ball = Ball(centre_mm=(0.0, 0.0, 0.0))
    found = dose_volume(region(contours), read_dose_grid(ball.dose()))
    assert found is not None
    assert found.volume_cm3 is not None
    return found.volume_cm3
