"""What moved is drawn, named and true to scale; what did not is not; nothing in a file becomes markup."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.protect.compare.synthetic_objects import structure_set
from tests.unit.protect.compare.synthetic_plans import vmat_plan

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.report.drawing import DRAWN_MAX, drawn_plans, drawn_structures
from beamkeeper.rehearse.sim.alterations import with_one_leaf_moved
from beamkeeper.rehearse.sim.objects import encode
from beamkeeper.wire.dicom.shapes import apertures, outlines

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    """Return the SVG; it must be well formed, and hold no script, style or link."""
    root = ET.fromstring(svg)  # noqa: S314 - our own output
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "defs", "pattern", "path", "rect", "polyline", "polygon", "line", "text")
    }
    for element in root.iter():
        assert not {name for name in element.attrib if name.startswith("on") or name in {"style", "href"}}
    return root


@pytest.mark.parametrize("seed", range(10))
def test_the_moved_leaf_is_hatched_at_its_place_numbered_and_as_wide_as_it_moved(seed: int) -> None:
    old = encode(vmat_plan())
    new, moved = with_one_leaf_moved(old, np.random.default_rng(seed))
    drawing, *_ = drawn_plans(old, new, key="p")
    assert drawing.title.startswith(f"Beam {moved.beam_number} ")
    assert f"control point {moved.control_point_index}:" in drawing.title
    assert drawing.largest_mm == pytest.approx(abs(moved.new_mm - moved.old_mm))
    root = parsed(drawing.svg)
    (hatched,) = root.iter(f"{SVG}rect")
    assert float(hatched.attrib["width"]) == pytest.approx(abs(moved.new_mm - moved.old_mm), abs=0.02)
    assert float(hatched.attrib["x"]) == pytest.approx(min(moved.new_mm, moved.old_mm), abs=0.02)
    assert str(moved.leaf_pair) in {text.text for text in root.iter(f"{SVG}text")}


def test_a_jaw_that_moved_is_hatched_and_every_edge_of_the_field_stays_within_the_frame() -> None:
    dataset = vmat_plan()
    jaws = dataset.BeamSequence[0].ControlPointSequence[0].BeamLimitingDevicePositionSequence[0]
    was, other = map(float, jaws.LeafJawPositions)
    jaws.LeafJawPositions = [was - 15, other]
    drawing, *_ = drawn_plans(encode(vmat_plan()), encode(dataset), key="p")
    root = parsed(drawing.svg)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    (hatched,) = root.iter(f"{SVG}rect")
    ends = ("x1", "x2", "y1", "y2")
    lines = [{end: float(line.attrib[end]) for end in ends} for line in root.iter(f"{SVG}line")]

    assert float(hatched.attrib["width"]) == pytest.approx(15)
    assert {line["x1"] for line in lines if line["x1"] == line["x2"]} >= {was, was - 15}
    for line in lines:
        assert left < min(line["x1"], line["x2"]) <= max(line["x1"], line["x2"]) < left + width
        assert top < min(line["y1"], line["y2"]) <= max(line["y1"], line["y2"]) < top + height


def test_equal_plans_and_equal_structures_draw_nothing() -> None:
    plan, structures = encode(vmat_plan()), encode(structure_set())
    assert drawn_plans(plan, plan, key="p") == ()
    assert drawn_structures(structures, structures, key="s") == ()


def moved_contour(roi: int, contour: int, by_mm: float) -> Dataset:
    dataset = structure_set()
    item = dataset.ROIContourSequence[roi].ContourSequence[contour]
    item.ContourData = [
        f"{float(value) + (by_mm if at % 3 == 0 else 0):.3f}" for at, value in enumerate(item.ContourData)
    ]
    return dataset


def test_the_slice_that_moved_most_is_drawn_of_each_region_that_changed() -> None:
    new = encode(moved_contour(1, 2, 4.0))
    (drawing,) = drawn_structures(encode(structure_set()), new, key="s")
    z_mm = outlines(new)[1].outlines[2].z_mm
    assert f"slice z = {z_mm:g} mm" in drawing.title
    assert 0 < drawing.largest_mm <= 4.0
    assert len(list(parsed(drawing.svg).iter(f"{SVG}polygon"))) == 2


def test_no_more_than_the_largest_changes_are_drawn() -> None:
    dataset = vmat_plan(points=30)
    for index, point in enumerate(dataset.BeamSequence[0].ControlPointSequence):
        for device in point.BeamLimitingDevicePositionSequence:
            positions = [float(value) for value in device.LeafJawPositions]
            positions[0] -= 0.5 + index / 10
            device.LeafJawPositions = positions
    drawings = drawn_plans(encode(vmat_plan(points=30)), encode(dataset), key="p")
    assert len(drawings) == DRAWN_MAX
    assert [one.largest_mm for one in drawings] == sorted((d.largest_mm for d in drawings), reverse=True)


@settings(max_examples=30, deadline=None)
@given(name=st.text(max_size=20).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)))
def test_no_name_in_a_file_becomes_markup(name: str) -> None:
    old, new = structure_set(), moved_contour(0, 0, 3.0)
    for dataset in (old, new):
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.StructureSetROISequence[0].ROIName = '<script>"&' + name.replace("\\", "")
    for drawing in drawn_structures(encode(old), encode(new), key="s"):
        parsed(drawing.svg)


@given(st.binary(max_size=300))
def test_what_is_no_object_is_refused_in_our_own_words(data: bytes) -> None:
    for read in (apertures, outlines):
        try:
            read(data)
        except ObjectUnreadable:
            continue


def test_real_plans_and_structure_sets_are_read(real_data: Path) -> None:
    seen = 0
    for path in sorted(real_data.rglob("*.dcm"))[:400]:
        data = path.read_bytes()
        try:
            seen += bool(apertures(data)) + bool(outlines(data))
        except ObjectUnreadable:
            continue
    assert seen > 0
