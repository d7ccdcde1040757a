"""Beams that move and blocks: what is open for how long, where the collimator turns it, and said in words."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from beamkeeper.domain.plan import Beam, ControlPoint, DeliveryType, DosimeterUnit, RadiationType
from beamkeeper.protect.dossier.beams import DARKEST, draw_beam
from beamkeeper.protect.dossier.openings import field_mm, open_area_mm2, share_open, shares
from beamkeeper.wire.dicom.shapes import Aperture, Block, Device

if TYPE_CHECKING:
    from beamkeeper.protect.dossier.picture import Picture

BORDERS = (-20.0, 0.0, 20.0)


def leaves(*pairs: tuple[float, float], kind: str = "MLCX") -> Device:
    first, second = zip(*pairs, strict=True)
    return Device(device_type=kind, boundaries_mm=BORDERS, side_1_mm=first, side_2_mm=second)


def jaws(kind: str, first: float, second: float) -> Device:
    return Device(device_type=kind, boundaries_mm=(), side_1_mm=(first,), side_2_mm=(second,))


def aperture(at: int, *devices: Device) -> Aperture:
    return Aperture(beam_number="1", beam_name="A", control_point=at, devices=devices)


def beam(*points: tuple[float, float], collimator: float = 0.0) -> Beam:
    """Return a beam with control points of (gantry angle, cumulative meterset weight)."""
    return Beam(
        beam_number=1,
        beam_name="A",
        radiation_type=RadiationType.PHOTON,
        delivery_type=DeliveryType.TREATMENT,
        treatment_machine_name="L1",
        primary_dosimeter_unit=DosimeterUnit.MU,
        beam_meterset=100.0,
        accessories=("wedge W30", "block Lead"),
        control_points=tuple(
            ControlPoint(
                control_point_index=index,
                cumulative_meterset_weight=weight,
                gantry_angle_deg=gantry,
                collimator_angle_deg=collimator,
                couch_angle_deg=0.0,
                isocenter_mm=(0.0, 0.0, 0.0),
            )
            for index, (gantry, weight) in enumerate(points)
        ),
    )


def grey_of(picture: Picture) -> np.ndarray:
    """Return the map of a picture as pixels, (row, column), from its PNG."""
    found = re.search(rb"base64,([^\"]+)", picture.svg)
    assert found is not None
    data = base64.b64decode(found[1])
    columns, rows = struct.unpack(">II", data[16:24])
    at = data.index(b"IDAT")
    packed = data[at + 4 : at + 4 + struct.unpack(">I", data[at - 4 : at])[0]]
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(rows, columns + 1)
    assert (lines[:, 0] == 1).all()
    return np.cumsum(lines[:, 1:], axis=1, dtype=np.uint8)


def test_a_point_is_open_for_the_meterset_during_which_no_leaf_and_no_jaw_covers_it() -> None:
    moving = (
        aperture(0, jaws("ASYMY", -5, 15), leaves((-10, 0), (-10, 10))),
        aperture(1, jaws("ASYMY", -5, 15), leaves((0, 0), (-10, 30))),
    )
    x, y = np.array([-5.0, 5.0, 20.0, 40.0]), np.array([-10.0, -2.0, 10.0, 18.0, 25.0])
    found = share_open(moving, np.array([0.25, 0.75]), x, y)

    assert found.tolist() == [
        [0, 0, 0, 0],  # behind a jaw
        [0.25, 0, 0, 0],
        [1, 1, 0.75, 0],
        [0, 0, 0, 0],  # behind the other jaw
        [0, 0, 0, 0],  # beyond the leaves
    ]


def test_leaves_that_move_along_y_open_columns() -> None:
    found = share_open(
        (aperture(0, leaves((-10, 10), (5, 5), kind="MLCY")),),
        np.ones(1),
        np.array([-10.0, 10.0]),
        np.array([0.0, 15.0]),
    )

    assert found.tolist() == [[1, 0], [0, 0]]


def test_the_meterset_around_each_control_point_is_one_together() -> None:
    points = beam((0, 0.0), (0, 0.5), (0, 0.5), (0, 1.0)).control_points
    unsaid = tuple(replace(point, cumulative_meterset_weight=None) for point in points)

    assert shares(points).tolist() == [0.25, 0.25, 0.25, 0.25]
    assert shares(unsaid).tolist() == [0.25, 0.25, 0.25, 0.25]
    assert shares(beam((0, 0.0), (0, 0.0), (0, 2.0)).control_points).tolist() == [0, 0.5, 0.5]


def test_a_beam_whose_leaves_move_is_a_map_of_how_long_each_point_is_open() -> None:
    picture = draw_beam(
        beam((10, 0.0), (10, 1.0)),
        (aperture(0, leaves((-20, 0), (-20, 0))), aperture(1, leaves((-20, 20), (-20, 20)))),
        (),
        None,
    )
    assert picture is not None
    grey = grey_of(picture)
    middle = grey.shape[0] // 2

    assert picture.width_mm == 58
    assert "white is open all the time, dark never" in picture.caption
    assert grey[middle, middle - 20] == 255
    assert grey[middle, middle + 20] == pytest.approx((255 + DARKEST) / 2, abs=1)
    assert grey[0, 0] == DARKEST


def test_the_map_turns_with_the_collimator_against_the_clock() -> None:
    # Open on the right of the collimator: at 90 degrees that is towards the gantry, up on paper (IEC 61217).
    picture = draw_beam(
        beam((0, 0.0), (0, 1.0), collimator=90.0),
        (aperture(0, leaves((5, 18), (5, 18))), aperture(1, leaves((5, 19), (5, 19)))),
        (),
        None,
    )
    assert picture is not None
    grey = grey_of(picture)
    middle = grey.shape[0] // 2

    assert grey[middle - 20, middle] == 255
    assert grey[middle + 20, middle] == grey[middle, middle - 20] == grey[middle, middle + 20] == DARKEST


def test_an_arc_shows_the_map_and_three_control_points_by_name() -> None:
    around = [(angle % 360, index / 9) for index, angle in enumerate(range(270, 451, 20))]
    shapes = tuple(aperture(at, leaves((-10 - at, 10), (-10, 10 + at))) for at in range(10))
    picture = draw_beam(beam(*around), shapes, (), None)
    assert picture is not None
    said = picture.svg.decode()

    assert picture.width_mm == 178
    assert "All 10 control points" in said
    assert "G 270.0° → 90.0° C 0.0°" in said
    assert re.findall(r">Control point (\d+)<", said) == ["2", "5", "8"]
    assert "Then the leaves (grey) at three of 10 control points." in picture.caption
    assert "At control point 5: The field is open from -14.0 to 14.0 mm along X" in picture.alternative


def test_what_a_block_shuts_is_drawn_and_said_and_no_longer_named_as_missing() -> None:
    corners = ((-5.0, -5.0), (5.0, -5.0), (0.0, 8.0))
    still = (aperture(0, jaws("X", -30, 30), jaws("Y", -30, 30)),)
    aperture_block = Block(beam_number="1", name="Lead", is_aperture=True, edge_mm=corners)
    inside = draw_beam(beam((0, 0.0)), still, (aperture_block,), None)
    outside = draw_beam(beam((0, 0.0)), still, (replace(aperture_block, is_aperture=False),), None)
    assert inside is not None
    assert outside is not None

    assert "block Lead; the beam passes inside the line" in inside.caption
    assert "block Lead; the beam does not pass inside the line" in outside.caption
    assert "Not drawn: wedge W30." in inside.caption
    # What an aperture shuts has two borders, what a shield shuts has one.
    counts = [
        re.search(r'd="([^"]+)" fill="#c4c4c4"', one.svg.decode())[1].count("M")  # type: ignore[index]
        for one in (inside, outside)
    ]
    assert counts == [2, 1]


def test_a_field_without_jaws_ends_where_the_leaves_do() -> None:
    shut_above = aperture(0, leaves((-12, 7), (3, 3)))

    assert field_mm(shut_above) == (-12, -20, 7, 0)
    assert open_area_mm2(shut_above) == 19 * 20
    assert field_mm(aperture(0, *shut_above.devices, jaws("X", -5, 5), jaws("Y", -9, 9))) == (-5, -9, 5, 9)


def test_a_beam_without_leaves_and_jaws_has_no_picture() -> None:
    assert draw_beam(beam((0, 0.0)), (aperture(0),), (), None) is None
    assert draw_beam(beam((0, 0.0)), (), (), None) is None
