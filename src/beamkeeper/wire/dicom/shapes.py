"""The shapes in a plan and a structure set, for drawing: apertures by control point, blocks, outlines by ROI.

References
----------
DICOM PS3.3 C.8.8.14 (RT Beams), C.8.8.6 (ROI Contour), C.8.8.5 (Structure Set).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydicom.datadict import tag_for_keyword

from beamkeeper.wire.dicom.elements import open_object

if TYPE_CHECKING:
    from beamkeeper.wire.dicom.elements import DataSet

LEAF_PAIRS_MAX: Final = 200
CONTROL_POINTS_MAX: Final = 5_000
POINTS_MAX: Final = 200_000
"""Points of one contour that are read."""


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword  # noqa: S101 - a misspelt keyword is a mistake of ours
    return tag


_BEAMS, _BEAM_NUMBER, _BEAM_NAME = _tag("BeamSequence"), _tag("BeamNumber"), _tag("BeamName")
_DEVICES, _DEVICE = _tag("BeamLimitingDeviceSequence"), _tag("RTBeamLimitingDeviceType")
_BOUNDARIES = _tag("LeafPositionBoundaries")
_CONTROL_POINTS, _POSITIONS = _tag("ControlPointSequence"), _tag("BeamLimitingDevicePositionSequence")
_LEAF_JAW = _tag("LeafJawPositions")
_BLOCKS, _BLOCK_TYPE, _BLOCK_DATA = _tag("BlockSequence"), _tag("BlockType"), _tag("BlockData")
_BLOCK_NAMES = (_tag("BlockName"), _tag("BlockTrayID"), _tag("BlockNumber"))
_ROIS, _ROI_NUMBER, _ROI_NAME = _tag("StructureSetROISequence"), _tag("ROINumber"), _tag("ROIName")
_ROI_CONTOURS, _REFERENCED_ROI = _tag("ROIContourSequence"), _tag("ReferencedROINumber")
_CONTOURS, _CONTOUR_DATA = _tag("ContourSequence"), _tag("ContourData")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One beam limiting device at one control point, as seen from the source at the isocentre plane.

    Attributes
    ----------
    device_type
        RT Beam Limiting Device Type (300A,00B8): X, Y, ASYMX, MLCX, …; the last letter is its axis.
    boundaries_mm
        Leaf Position Boundaries, one more than leaf pairs; empty for jaws.
    side_1_mm, side_2_mm
        Positions of both sides, one for each pair; IEC beam limiting device coordinates.
    """

    device_type: str
    boundaries_mm: tuple[float, ...]
    side_1_mm: tuple[float, ...]
    side_2_mm: tuple[float, ...]

    @property
    def is_mlc(self) -> bool:
        """Whether it has leaves with boundaries that fit."""
        return len(self.boundaries_mm) == len(self.side_1_mm) + 1 > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Aperture:
    """What one control point lets through."""

    beam_number: str
    beam_name: str
    control_point: int
    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a beam, as seen from the source at the isocentre plane.

    Attributes
    ----------
    is_aperture
        Whether the beam passes inside its edge (Block Type (300A,00F8) is APERTURE) or outside of it.
    edge_mm
        Corners in IEC beam limiting device coordinates, the last joined to the first.
    """

    beam_number: str
    name: str
    is_aperture: bool
    edge_mm: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One contour: points in the patient frame, mm, at one height."""

    z_mm: float
    points_mm: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiOutlines:
    """All contours of one region of interest."""

    roi_number: str
    roi_name: str
    outlines: tuple[Outline, ...]


def apertures(data: bytes) -> tuple[Aperture, ...]:
    """Return every aperture of a plan; positions that a control point leaves out stand as before it.

    Raises
    ------
    ObjectUnreadable
        The bytes are no whole object. Numbers that are none are left out, never guessed.
    """
    found: list[Aperture] = []
    for beam in open_object(data).dataset.items(_BEAMS):
        number, name = beam.text(_BEAM_NUMBER), _label(beam, _BEAM_NAME)
        boundaries = {item.text(_DEVICE): _numbers(item, _BOUNDARIES) for item in beam.items(_DEVICES)}
        standing: dict[str, Device] = {}
        for index, point in enumerate(beam.items(_CONTROL_POINTS)[:CONTROL_POINTS_MAX]):
            for item in point.items(_POSITIONS):
                kind, positions = item.text(_DEVICE), _numbers(item, _LEAF_JAW)
                half = len(positions) // 2
                if 0 < half <= LEAF_PAIRS_MAX and len(positions) == 2 * half:
                    standing[kind] = Device(
                        device_type=kind,
                        boundaries_mm=boundaries.get(kind, ()),
                        side_1_mm=positions[:half],
                        side_2_mm=positions[half:],
                    )
            devices = tuple(standing.values())
            found.append(Aperture(beam_number=number, beam_name=name, control_point=index, devices=devices))
    return tuple(found)


def blocks(data: bytes) -> tuple[Block, ...]:
    """Return every block of a plan whose edge is stated.

    Raises
    ------
    ObjectUnreadable
        The bytes are no whole object.
    """
    return tuple(
        Block(
            beam_number=beam.text(_BEAM_NUMBER),
            name=next((name for tag in _BLOCK_NAMES if (name := _label(item, tag).strip())), ""),
            is_aperture=item.text(_BLOCK_TYPE) == "APERTURE",
            edge_mm=tuple(zip(edge[0::2], edge[1::2], strict=True)),
        )
        for beam in open_object(data).dataset.items(_BEAMS)
        for item in beam.items(_BLOCKS)
        if len(edge := _numbers(item, _BLOCK_DATA)) >= 6 and len(edge) % 2 == 0  # noqa: PLR2004 - three corners
    )


def outlines(data: bytes) -> tuple[RoiOutlines, ...]:
    """Return every region's contours of a structure set.

    Raises
    ------
    ObjectUnreadable
        The bytes are no whole object.
    """
    dataset = open_object(data).dataset
    names = {item.text(_ROI_NUMBER): _label(item, _ROI_NAME) for item in dataset.items(_ROIS)}
    found = []
    for roi in dataset.items(_ROI_CONTOURS):
        number = roi.text(_REFERENCED_ROI)
        contours = [_outline(_numbers(item, _CONTOUR_DATA)) for item in roi.items(_CONTOURS)]
        known = tuple(contour for contour in contours if contour is not None)
        found.append(RoiOutlines(roi_number=number, roi_name=names.get(number, ""), outlines=known))
    return tuple(found)


def _outline(flat: tuple[float, ...]) -> Outline | None:
    if len(flat) < 3 or len(flat) % 3:  # noqa: PLR2004 - x, y, z
        return None
    points = tuple(zip(flat[0::3], flat[1::3], strict=True))
    return Outline(z_mm=round(sum(flat[2::3]) / len(points), 3), points_mm=points)


def _label(item: DataSet, tag: int) -> str:
    text = (item.value(tag) or b"").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "�" for char in text)[:64]


def _numbers(item: DataSet, tag: int) -> tuple[float, ...]:
    """Return the numbers of a DS element; none when one of them is no finite number."""
    raw = item.value(tag) or b""
    if not raw or raw.count(b"\\") >= 3 * POINTS_MAX:
        return ()
    try:
        values = tuple(map(float, raw.split(b"\\")))
    except ValueError:
        return ()
    return values if all(map(math.isfinite, values)) else ()
