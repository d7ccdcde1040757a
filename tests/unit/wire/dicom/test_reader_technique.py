"""The technique of a beam in a physicist's words."""

from __future__ import annotations

import pytest

from beamkeeper.domain.plan import ControlPoint, DeliveryType, RadiationType
from beamkeeper.wire.dicom.reader_technique import brachy_technique, ion_technique, photon_technique


def beam(*points: tuple):
    """Points as (weight, gantry in degrees, position of the one moving leaf in mm)."""
    return [
        ControlPoint(
            control_point_index=index,
            cumulative_meterset_weight=weight,
            gantry_angle_deg=gantry,
            leaf_positions_mm=() if leaf is None else (0.0, leaf),
        )
        for index, (weight, gantry, leaf) in enumerate(points)
    ]


@pytest.mark.parametrize(
    ("points", "technique"),
    [
        ([(0, 10, 1), (1, 10, 1)], "3D"),
        ([(0, 10, None), (1, 10, None)], "3D"),
        ([(0, 10, 1), (0.5, 10, 1), (0.5, 10, 9), (1, 10, 9)], "IMRT step-and-shoot"),
        ([(0, 10, 1), (0.5, 10, 5), (1, 10, 9)], "IMRT sliding window"),
        ([(0, 10, 1), (0.2, 20, 5), (1, 30, 9)], "VMAT"),
        ([(0, 10, 1), (0.5, 20, 5), (1, 30, 9)], "DCAT"),
        ([(0, 355, 1), (0.5, 5, 5), (1, 15, 9)], "DCAT"),
        ([(0, 10, 1), (1, 30, 1)], "arc"),
        ([(0, 10, None), (1, 30, None)], "arc"),
        ([(0, 10, 1), (0, 90, 1), (1, 90, 1)], "3D"),
        ([(None, 10, 1), (None, 30, 4)], "IMRT step-and-shoot"),
        ([(0, 10, 1)], "3D"),
        ([], "3D"),
    ],
)
def test_photon_techniques_follow_from_what_moves_while_the_beam_is_on(points, technique):
    assert photon_technique(beam(*points), delivery_type=DeliveryType.TREATMENT) == technique


def test_setup_and_portal_beams_are_setup():
    for kind in (DeliveryType.SETUP, DeliveryType.OPEN_PORTFILM):
        assert photon_technique(beam((0, 1, 1), (1, 90, 9)), delivery_type=kind) == "setup"


def test_ion_and_brachytherapy_techniques():
    assert ion_technique(RadiationType.PROTON, "MODULATED") == "proton spot scanning"
    assert ion_technique(RadiationType.ION, "NONE") == "ion passive scattering"
    assert ion_technique(RadiationType.UNKNOWN, "") == "particle"
    assert brachy_technique("PDR") == "brachy PDR"
    assert brachy_technique("") == "brachy"
