"""The inside of an invented patient: a body, a target and organs, as ellipses that images and contours share.

Patient coordinates (LPS, head first supine): x to the patient's left, y to the back, z to the head; mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.rehearse.sim.seeded import Seed

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organ:
    """One structure: an ellipsoid, or an elliptical cylinder where the third semi-axis is infinite.

    Attributes
    ----------
    hounsfield
        What it looks like on CT, HU.
    interpreted_type
        RT ROI Interpreted Type (3006,00A4).
    """

    roi_number: int
    roi_name: str
    interpreted_type: str
    centre_mm: Vector
    semi_axes_mm: Vector
    hounsfield: int
    colour: tuple[int, int, int]

    def scale_at(self, z_mm: float) -> float:
        """Return how large the cross-section at `z_mm` is, from 0 (none) to 1 (through the centre)."""
        if math.isinf(self.semi_axes_mm[2]):
            return 1.0
        inside = 1.0 - ((z_mm - self.centre_mm[2]) / self.semi_axes_mm[2]) ** 2
        return math.sqrt(inside) if inside > 0 else 0.0

    def radius(
        self, x_mm: NDArray[np.float64], y_mm: NDArray[np.float64], z_mm: float
    ) -> NDArray[np.float64]:
        """Return the elliptical radius at points of one plane: below 1 is inside."""
        a, b, c = self.semi_axes_mm
        dz = 0.0 if math.isinf(c) else (z_mm - self.centre_mm[2]) / c
        return np.sqrt(((x_mm - self.centre_mm[0]) / a) ** 2 + ((y_mm - self.centre_mm[1]) / b) ** 2 + dz**2)

    def contour(self, z_mm: float, point_count: int) -> list[tuple[float, float, float]]:
        """Return the closed planar contour at `z_mm`; empty where the structure does not reach."""
        scale = self.scale_at(z_mm)
        if scale < 0.2:  # noqa: PLR2004 - a tip thinner than this nobody draws
            return []
        a, b = self.semi_axes_mm[0] * scale, self.semi_axes_mm[1] * scale
        angles = [2 * math.pi * k / point_count for k in range(point_count)]
        x0, y0 = self.centre_mm[:2]
        return [(x0 + a * math.cos(t), y0 + b * math.sin(t), z_mm) for t in angles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where the voxels of an axial series lie.

    Attributes
    ----------
    origin_mm
        Centre of the first voxel of the first slice.
    spacing_mm
        Column spacing = row spacing, and slice spacing.
    shape
        (slices, rows, columns).
    """

    origin_mm: Vector
    spacing_mm: tuple[float, float]
    shape: tuple[int, int, int]

    def plane(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return x and y of every voxel of a slice, mm, each (row, column)."""
        _, rows, columns = self.shape
        x = self.origin_mm[0] + self.spacing_mm[0] * np.arange(columns)
        y = self.origin_mm[1] + self.spacing_mm[0] * np.arange(rows)
        return np.meshgrid(x, y)[0], np.meshgrid(x, y)[1]

    def z_mm(self, slice_index: int) -> float:
        """Return the z of one slice, mm."""
        return self.origin_mm[2] + self.spacing_mm[1] * slice_index

    @staticmethod
    def centred(size: int, spacing_mm: float, slices: int, slice_spacing_mm: float) -> Grid:
        """Return a square grid around the origin."""
        edge = -(size - 1) / 2 * spacing_mm
        foot = -(slices // 2) * slice_spacing_mm
        return Grid(
            origin_mm=(edge, edge, foot),
            spacing_mm=(spacing_mm, slice_spacing_mm),
            shape=(slices, size, size),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """A body, what is in it, and what is to be treated.

    Attributes
    ----------
    targets
        The PTV first; a boost volume inside it second, where there is one.
    """

    body: Organ
    targets: tuple[Organ, ...]
    organs: tuple[Organ, ...]

    @property
    def structures(self) -> tuple[Organ, ...]:
        """Everything a structure set lists."""
        return (self.body, *self.targets, *self.organs)


# site: (body semi-axes, PTV centre, PTV semi-axes, PTV HU, organs (name, centre, semi-axes, HU))
_Table = tuple[str, Vector, Vector, int]
_SITES: dict[str, tuple[tuple[float, float], _Table, tuple[_Table, ...]]] = {
    "prostate": (
        (172, 112),
        ("PTV", (0, 8, 0), (30, 27, 32), 45),
        (
            ("Bladder", (0, -28, 22), (38, 26, 28), 10),
            ("Rectum", (0, 52, 4), (17, 15, 52), -20),
            ("FemurHead_L", (92, 12, 0), (24, 24, 26), 420),
            ("FemurHead_R", (-92, 12, 0), (24, 24, 26), 420),
        ),
    ),
    "head and neck": (
        (82, 100),
        ("PTV", (18, -18, 0), (28, 30, 36), 55),
        (
            ("Parotid_L", (56, 4, 22), (13, 17, 22), 20),
            ("Parotid_R", (-56, 4, 22), (13, 17, 22), 20),
            ("SpinalCord", (0, 48, 0), (6, 6, 200), 25),
            ("Mandible", (0, -64, 10), (40, 12, 12), 900),
        ),
    ),
    "breast": (
        (165, 108),
        ("PTV", (76, -62, 0), (34, 17, 38), -40),
        (
            ("Lung_L", (74, 6, 6), (52, 60, 90), -760),
            ("Lung_R", (-74, 6, 6), (52, 60, 90), -760),
            ("Heart", (14, -24, -14), (34, 32, 40), 40),
            ("SpinalCord", (0, 66, 0), (7, 7, 200), 25),
        ),
    ),
    "brain": (
        (76, 92),
        ("PTV", (-22, -20, 8), (24, 22, 25), 60),
        (
            ("Brainstem", (0, 26, -22), (12, 12, 24), 35),
            ("Eye_L", (32, -66, -22), (12, 12, 12), 5),
            ("Eye_R", (-32, -66, -22), (12, 12, 12), 5),
            ("OpticChiasm", (0, -14, -18), (8, 5, 6), 36),
        ),
    ),
    "lung": (
        (168, 114),
        ("PTV", (-70, -6, 4), (24, 24, 25), 15),
        (
            ("Lung_L", (74, 6, 6), (52, 60, 90), -760),
            ("Lung_R", (-74, 6, 6), (52, 60, 90), -760),
            ("Heart", (14, -34, -20), (32, 32, 38), 40),
            ("Esophagus", (4, 40, 0), (8, 7, 200), 10),
            ("SpinalCord", (0, 66, 0), (7, 7, 200), 25),
        ),
    ),
    "skin": (
        (160, 105),
        ("PTV", (0, -82, 0), (34, 10, 34), 30),
        (
            ("Lung_L", (72, 10, 6), (50, 56, 90), -760),
            ("Lung_R", (-72, 10, 6), (50, 56, 90), -760),
            ("SpinalCord", (0, 66, 0), (7, 7, 200), 25),
        ),
    ),
}

BODY_PART = {
    "prostate": "PELVIS",
    "head and neck": "NECK",
    "breast": "CHEST",
    "brain": "HEAD",
    "lung": "CHEST",
    "skin": "CHEST",
}
"""Body Part Examined (0018,0015) for each site; none of them is a paired organ."""

_COLOURS = ((0, 160, 255), (255, 200, 0), (0, 200, 90), (200, 90, 255), (255, 120, 60))


def _organ(number: int, kind: str, row: _Table, jitter: Vector, colour: tuple[int, int, int]) -> Organ:
    name, centre, axes, hounsfield = row
    moved = tuple(round(c + j, 1) for c, j in zip(centre, jitter, strict=True))
    return Organ(
        roi_number=number,
        roi_name=name,
        interpreted_type=kind,
        centre_mm=(moved[0], moved[1], moved[2]),
        semi_axes_mm=axes,
        hounsfield=hounsfield,
        colour=colour,
    )


def anatomy(site: str, seed: Seed, patient: int, *, boost: bool = False, shrunk: float = 1.0) -> Anatomy:
    """Return the anatomy of one invented patient.

    Parameters
    ----------
    boost
        Add a smaller second target inside the first.
    shrunk
        Factor on the target's size: a replan follows a tumour that has shrunk.
    """
    axes, target, organs = _SITES[site]
    rng = seed.rng("anatomy", patient)
    factor = rng.uniform(0.94, 1.06)

    def jitter() -> Vector:
        a, b, c = rng.uniform(-3, 3, 3)
        return float(a), float(b), float(c)

    body_row: _Table = ("BODY", (0, 0, 0), (axes[0] * factor, axes[1] * factor, math.inf), 30)
    body = _organ(1, "EXTERNAL", body_row, (0, 0, 0), (240, 220, 180))
    name, centre, size, hounsfield = target
    size = (size[0] * shrunk, size[1] * shrunk, size[2] * shrunk)
    ptv = _organ(2, "PTV", (name, centre, size, hounsfield), jitter(), (255, 0, 0))
    rest = [
        _organ(number, "ORGAN", row, jitter(), _COLOURS[number % len(_COLOURS)])
        for number, row in enumerate(organs, start=4)
    ]
    targets: tuple[Organ, ...] = (ptv,)
    if boost:
        small = (size[0] * 0.55, size[1] * 0.55, size[2] * 0.55)
        targets = (ptv, _organ(3, "PTV", ("PTV_Boost", ptv.centre_mm, small, 65), (0, 0, 0), (255, 90, 160)))
    return Anatomy(body=body, targets=targets, organs=tuple(rest))


def hounsfield_volume(
    inside: Anatomy, grid: Grid, rng: np.random.Generator, noise: float
) -> NDArray[np.int16]:
    """Return a CT of the anatomy, HU, (slice, row, column); noise has a standard deviation of `noise` HU."""
    x, y = grid.plane()
    volume = np.full(grid.shape, -1000, np.int16)
    grain = rng.normal(0, noise, grid.shape[1:]).astype(np.int16)
    for index in range(grid.shape[0]):
        z = grid.z_mm(index)
        plane = volume[index]
        in_body = inside.body.radius(x, y, z) < 1
        plane[in_body] = inside.body.hounsfield
        for organ in (*inside.organs, *inside.targets):
            plane[(organ.radius(x, y, z) < 1) & in_body] = organ.hounsfield
        plane[in_body] += np.roll(grain, (7 * index, 13 * index), (0, 1))[in_body]
    return volume
