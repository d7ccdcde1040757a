"""Pictures of beams: what the leaves and jaws leave open, seen from the source, with the target behind.

References
----------
IEC 61217:2011 (coordinate systems, rotations), DICOM PS3.3 C.8.8.12 (Patient Position), C.8.8.14.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.protect.dossier.picture import Picture, PictureKind
from beamkeeper.protect.dossier.planes import Raster, contour_lines
from beamkeeper.protect.dossier.svg import TEXT_MM, Paper

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import Points
    from beamkeeper.domain.plan import Beam, ControlPoint
    from beamkeeper.wire.dicom.shapes import Aperture, Device

PAPER_MM: Final = (58.0, 68.0)
SHOWN_MM: Final = 58.0
SOURCE_AXIS_MM: Final = 1000.0
"""Distance from source to isocentre by which the target is enlarged and shrunk."""
CLOSED_MM: Final = 0.5
"""A leaf pair open no further than this counts as shut."""
MARGIN_MM: Final = 15.0
HALF_MM_MIN, HALF_MM_MAX = 30.0, 500.0
"""Half of what a picture shows. No field is wider than a metre: a jaw further out is senseless."""
_BIN_MM: Final = 2.0
_ON_TABLE: Final[dict[str, tuple[str, str, str]]] = {
    "HFS": ("+x", "+z", "-y"),
    "HFP": ("-x", "+z", "+y"),
    "HFDR": ("+y", "+z", "+x"),
    "HFDL": ("-y", "+z", "-x"),
    "FFS": ("-x", "-z", "-y"),
    "FFP": ("+x", "-z", "+y"),
    "FFDR": ("-y", "-z", "+x"),
    "FFDL": ("+y", "-z", "-x"),
}
"""The patient's axes that point along the table's X, Y (to the gantry) and Z (up), for each position."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TargetSeen:
    """The target as points in the patient.

    Attributes
    ----------
    points_mm
        That fill it, no further apart than 2 mm.
    patient_position
        "HFS" and so on; when none of the eight, the target is not drawn.
    """

    name: str
    points_mm: Points
    patient_position: str


def draw_beam(beam: Beam, apertures: tuple[Aperture, ...], target: TargetSeen | None) -> Picture | None:
    """Return what a beam leaves open where it is open widest; None when nothing is stated, or senseless."""
    if not apertures:
        return None
    aperture = max(apertures, key=open_area_mm2)
    if not aperture.devices:
        return None
    point = _point(beam, aperture.control_point)
    turned = _turned(point.collimator_angle_deg or 0.0)
    leaves = [np.array(corners) @ turned.T for device in aperture.devices for corners in _shut(device)]
    field = field_mm(aperture)
    border = np.array(
        [(field[0], field[1]), (field[2], field[1]), (field[2], field[3]), (field[0], field[3])]
    )
    jaws = np.vstack([border, border[:1]]) @ turned.T
    seen = _target(target, point) if target is not None else ()
    half = max(HALF_MM_MIN, *(float(np.abs(run).max()) + MARGIN_MM for run in (jaws, *seen)))
    if half > HALF_MM_MAX:
        return None
    title = f"Beam {beam.beam_number} {beam.beam_name}".strip()
    paper = Paper(*PAPER_MM)
    _draw(paper, half, leaves, jaws, seen)
    _words_on(paper, title, point)
    caption = _caption(beam, apertures, aperture, point, target if seen else None)
    return Picture(
        kind=PictureKind.BEAMS_EYE,
        title=title,
        caption=caption,
        svg=paper.svg(title),
        alternative=f"{title}. {_words_of_field(aperture)}",
        width_mm=paper.width_mm,
        height_mm=paper.height_mm,
    )


def _words_of_field(aperture: Aperture) -> str:
    x_1, y_1, x_2, y_2 = field_mm(aperture)
    return (
        f"The field is open from {x_1:.1f} to {x_2:.1f} mm along X and from {y_1:.1f} to {y_2:.1f} mm along Y"
        f" of the collimator; {open_area_mm2(aperture) / 100:.1f} cm² are open."
    )


def field_mm(aperture: Aperture) -> tuple[float, float, float, float]:
    """Return x 1, y 1, x 2, y 2 of what the jaws leave open; where one is missing, what the leaves reach."""
    reach = {"X": (-200.0, 200.0), "Y": (-200.0, 200.0)}
    for device in sorted(aperture.devices, key=lambda device: not device.is_mlc):
        own = device.device_type[-1:]
        if device.is_mlc and own[:1]:
            other = "X" if device.device_type.rstrip("12").endswith("Y") else "Y"
            own = "Y" if other == "X" else "X"
            open_pairs = _open_pairs(device)
            if open_pairs:
                reach[own] = min(p[0] for p in open_pairs), max(p[1] for p in open_pairs)
                reach[other] = min(p[2] for p in open_pairs), max(p[3] for p in open_pairs)
        elif own in reach and not device.device_type.startswith("MLC"):
            reach[own] = device.side_1_mm[0], device.side_2_mm[0]
    return reach["X"][0], reach["Y"][0], reach["X"][1], reach["Y"][1]


def open_area_mm2(aperture: Aperture) -> float:
    """Return what leaves and jaws leave open together."""
    x_1, y_1, x_2, y_2 = field_mm(aperture)
    layers = [device for device in aperture.devices if device.is_mlc]
    if not layers:
        return max(x_2 - x_1, 0.0) * max(y_2 - y_1, 0.0)
    areas = []
    for device in layers:
        is_y = device.device_type.rstrip("12").endswith("Y")
        low, high, side_low, side_high = (y_1, y_2, x_1, x_2) if is_y else (x_1, x_2, y_1, y_2)
        areas.append(
            sum(
                max(min(b, high) - max(a, low), 0.0) * max(min(d, side_high) - max(c, side_low), 0.0)
                for a, b, c, d in _open_pairs(device)
            )
        )
    return min(areas)


def gantry_view(points_mm: Points, point: ControlPoint, patient_position: str) -> Points | None:
    """Return points of the patient as the source sees them at the isocentre plane: X and Y of the gantry, mm.

    None when the patient's position is none of the eight or the control point has no isocentre.
    """
    axes = _ON_TABLE.get(patient_position)
    if axes is None or point.isocenter_mm is None:
        return None
    rows = np.zeros((3, 3))
    for row, axis in enumerate(axes):
        rows[row, "xyz".index(axis[1])] = 1.0 if axis[0] == "+" else -1.0
    table = (points_mm - np.array(point.isocenter_mm)) @ rows.T
    couch, gantry = (math.radians(angle or 0.0) for angle in (point.couch_angle_deg, point.gantry_angle_deg))
    x = table[:, 0] * math.cos(couch) - table[:, 1] * math.sin(couch)
    y = table[:, 0] * math.sin(couch) + table[:, 1] * math.cos(couch)
    across = x * math.cos(gantry) - table[:, 2] * math.sin(gantry)
    towards = x * math.sin(gantry) + table[:, 2] * math.cos(gantry)
    enlarged = SOURCE_AXIS_MM / (SOURCE_AXIS_MM - np.clip(towards, -SOURCE_AXIS_MM, SOURCE_AXIS_MM / 2))
    return np.stack([across * enlarged, y * enlarged], axis=1)


def _point(beam: Beam, index: int) -> ControlPoint:
    return beam.control_points[min(index, len(beam.control_points) - 1)]


def _turned(angle_deg: float) -> NDArray[np.float64]:
    """Return the rotation from collimator to gantry; IEC 61217: against the clock, seen from the source."""
    angle = math.radians(angle_deg)
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def _open_pairs(device: Device) -> list[tuple[float, float, float, float]]:
    """Return (from, to, along the leaves; from, to, across them) of each pair that is open."""
    return [
        (a, b, c, d)
        for a, b, c, d in zip(
            device.side_1_mm,
            device.side_2_mm,
            device.boundaries_mm[:-1],
            device.boundaries_mm[1:],
            strict=True,
        )
        if b - a > CLOSED_MM
    ]


def _shut(device: Device) -> Iterable[list[tuple[float, float]]]:
    """Yield the corners of the leaves that stand in the field."""
    if not device.is_mlc:
        return
    is_y = device.device_type.rstrip("12").endswith("Y")
    for a, b, c, d in zip(
        device.side_1_mm, device.side_2_mm, device.boundaries_mm[:-1], device.boundaries_mm[1:], strict=True
    ):
        for tip, far in ((a, min(a, -200.0)), (b, max(b, 200.0))):
            corners = [(far, c), (tip, c), (tip, d), (far, d), (far, c)]
            yield [(y, x) for x, y in corners] if is_y else corners


def _target(target: TargetSeen, point: ControlPoint) -> tuple[Points, ...]:
    """Return the outline of the target's shadow at the isocentre plane."""
    placed = gantry_view(target.points_mm, point, target.patient_position)
    if placed is None or not len(placed):
        return ()
    low = np.floor(placed.min(axis=0) / _BIN_MM - 3) * _BIN_MM
    counts = (np.ceil((placed.max(axis=0) - low) / _BIN_MM) + 3).astype(int)
    if (counts > 400).any():  # noqa: PLR2004 - 80 cm: no target is that large
        return ()
    index = ((placed - low) / _BIN_MM).astype(np.intp)
    hit = np.zeros(counts)
    hit[index[:, 0], index[:, 1]] = 1.0
    smooth = np.mean([np.roll(hit, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1)], axis=0)
    axes = [low[axis] + _BIN_MM * (np.arange(counts[axis]) + 0.5) for axis in (0, 1)]
    return contour_lines(Raster(right_mm=axes[0], down_mm=axes[1], values=smooth.T), (0.5,))[0]


def _draw(paper: Paper, half: float, leaves: list[Points], jaws: Points, seen: tuple[Points, ...]) -> None:
    scale = SHOWN_MM / (2 * half)

    def on_paper(run: Points) -> Points:
        return np.stack([(run[:, 0] + half) * scale, (half - run[:, 1]) * scale], axis=1)

    paper.begin_clip(0, 0, SHOWN_MM, SHOWN_MM)
    paper.box(0, 0, SHOWN_MM, SHOWN_MM, fill="#ffffff")
    paper.lines([on_paper(leaf) for leaf in leaves], colour="#8a8a8a", width=0.08, fill="#dcdcdc")
    paper.lines([on_paper(run) for run in seen], colour="#b2182b", width=0.45, dash="1.4 0.7", edge="#ffffff")
    paper.lines([on_paper(jaws)], width=0.5)
    arms = [[(0.0, -half), (0.0, half)], [(-half, 0.0), (half, 0.0)]]
    paper.lines([on_paper(np.array(arm)) for arm in arms], width=0.12, dash="0.8 0.8")
    ticks = [
        line
        for at in range(-int(half // 10) * 10, int(half) + 1, 10)
        for size in (2.0 if at % 50 else 4.0,)
        for line in ([(at, -size / 2), (at, size / 2)], [(-size / 2, at), (size / 2, at)])
    ]
    paper.lines([on_paper(np.array(tick, dtype=np.float64)) for tick in ticks], width=0.12)
    paper.end_clip()
    paper.box(0.1, 0.1, SHOWN_MM - 0.2, SHOWN_MM - 0.2, line=0.2)


def _words_on(paper: Paper, title: str, point: ControlPoint) -> None:
    angles = (
        f"G {_degrees(point.gantry_angle_deg)}  C {_degrees(point.collimator_angle_deg)}"
        f"  T {_degrees(point.couch_angle_deg)}"
    )
    paper.text(0.5, SHOWN_MM + TEXT_MM + 1, _fitting(title), bold=True)
    paper.text(0.5, SHOWN_MM + 2.4 * TEXT_MM + 1, angles)
    paper.text(0.5, SHOWN_MM + 3.8 * TEXT_MM + 1, "marks every 10 mm at the isocentre")
    paper.text(SHOWN_MM - 1, SHOWN_MM / 2 - 0.8, "X", anchor="end", edge=True)
    paper.text(SHOWN_MM / 2 + 0.8, TEXT_MM + 0.6, "Y", edge=True)


def _fitting(text: str) -> str:
    letters = int(PAPER_MM[0] / (TEXT_MM * 0.602))
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _angles(point: ControlPoint) -> str:
    return (
        f"Gantry {_degrees(point.gantry_angle_deg)}, collimator {_degrees(point.collimator_angle_deg)},"
        f" couch {_degrees(point.couch_angle_deg)}"
    )


def _degrees(angle: float | None) -> str:
    return "?" if angle is None else f"{angle:.1f}°"


def _caption(
    beam: Beam,
    apertures: tuple[Aperture, ...],
    aperture: Aperture,
    point: ControlPoint,
    target: TargetSeen | None,
) -> str:
    where = f"control point {aperture.control_point + 1} of {len(apertures)}"
    if len(apertures) > 1:
        where += (
            ", the one open widest"
            if open_area_mm2(apertures[0]) < open_area_mm2(aperture)
            else ", the first"
        )
    words = [
        "Seen from the source at the isocentre plane, X of the gantry to the right, Y towards the gantry up.",
        f"{where[0].upper()}{where[1:]}.",
        f"{_angles(point)} (IEC 61217).",
        "Thick line: jaws." + (" Grey: leaves." if any(d.is_mlc for d in aperture.devices) else ""),
    ]
    if target is not None:
        words.append(
            f"Dashed: {target.name}, to about {_BIN_MM:.0f} mm, patient {target.patient_position}, source at"
            f" {SOURCE_AXIS_MM:.0f} mm."
        )
    if beam.accessories:
        words.append(f"Not drawn: {', '.join(beam.accessories)}.")
    return " ".join(words)
