"""Where pixels lie, and what a plan says of itself, are read without asking what the pixels are."""

from __future__ import annotations

import numpy as np
import pytest
from reader_objects import CT, DOSE, EXPLICIT, IMPLICIT, file_of, identity, plan

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.reader_pixels import read_lattice
from beamkeeper.wire.dicom.reader_stated import read_stated_plan

PLACE = {
    "ImagePositionPatient": ["-10", "-20", "5"],
    "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
    "PixelSpacing": ["2", "1"],
    "Rows": 11,
    "Columns": 21,
}


def test_a_slice_says_its_place_without_pixels() -> None:
    found = read_lattice(
        file_of(identity(CT, "CT", PatientPosition="HFS", FrameOfReferenceUID="1.9", **PLACE))
    )

    assert (found.shape, found.patient_position, found.frame_of_reference_uid) == ((1, 11, 21), "HFS", "1.9")
    assert (found.row_spacing_mm, found.column_spacing_mm) == (2.0, 1.0)
    assert found.position_mm.tolist() == [-10, -20, 5]


def test_a_lattice_holds_what_lies_on_it_half_a_pixel_around_included() -> None:
    grid = {"NumberOfFrames": "3", "GridFrameOffsetVector": ["0", "4", "8"]}
    found = read_lattice(file_of(identity(DOSE, "RTDOSE", **PLACE, **grid)))
    inside = [(-10, -20, 5), (10, 0, 13), (-10.4, -20.9, 3.1), (10.4, 0.9, 14.9)]
    outside = [(-10.6, 0, 5), (0, 1.1, 5), (0, 0, 2.9), (0, 0, 15.1), (0, -21.1, 5), (10.6, 0, 5)]

    assert found.holds(np.array(inside, dtype=float)).all()
    assert not found.holds(np.array(outside, dtype=float)).any()


@pytest.mark.parametrize("lost", PLACE)
def test_what_does_not_say_its_place_is_refused(lost: str) -> None:
    stated = {keyword: value for keyword, value in PLACE.items() if keyword != lost}
    with pytest.raises(ObjectUnreadable):
        read_lattice(file_of(identity(CT, "CT", **stated)))


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
def test_a_plan_says_how_many_beams_and_points_it_has(syntax: str) -> None:
    group = {
        "FractionGroupNumber": "1",
        "NumberOfBeams": "3",
        "ReferencedBeamSequence": [{"ReferencedBeamNumber": "7"}],
    }
    points = [{"ControlPointIndex": "0", "CumulativeMetersetWeight": "0"}, {"ControlPointIndex": "1"}]
    beam = {
        "BeamNumber": "7",
        "NumberOfControlPoints": "4",
        "FinalCumulativeMetersetWeight": "1.5",
        "ControlPointSequence": points,
    }
    stated = read_stated_plan(file_of(plan(BeamSequence=[beam], FractionGroupSequence=[group]), syntax))

    assert (stated.groups[0].number_of_beams, stated.groups[0].beam_numbers) == (3, (7,))
    assert stated.beams[0].number_of_control_points == 4
    assert (stated.beams[0].final_weight, stated.beams[0].weights, stated.beams[0].indexes) == (
        1.5,
        (0.0, None),
        (0, 1),
    )
