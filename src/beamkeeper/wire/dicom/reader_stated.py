"""What a plan says of itself in numbers, to be held against what is there (PS3.3 C.8.8.13, C.8.8.14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.wire.dicom.reader_bytes import open_object
from beamkeeper.wire.dicom.values import data_set_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from beamkeeper.wire.dicom.values import DataSet


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBeam:
    """One beam's own numbers.

    Attributes
    ----------
    number_of_control_points, final_weight
        Number of Control Points (300A,0110) and Final Cumulative Meterset Weight (300A,010E).
    weights
        Cumulative Meterset Weight of each control point that is there; None where it states none.
    indexes
        Control Point Index of each.
    """

    beam_number: int | None
    number_of_control_points: int | None
    final_weight: float | None
    weights: tuple[float | None, ...]
    indexes: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedGroup:
    """One fraction group's own numbers: Number of Beams (300A,0080), and the beams that it names."""

    fraction_group_number: int | None
    number_of_beams: int | None
    beam_numbers: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPlan:
    """What a plan of external beams states, brachytherapy without."""

    beams: tuple[StatedBeam, ...]
    groups: tuple[StatedGroup, ...]


def read_stated_plan(data: Buffer) -> StatedPlan:
    """Return what an RT Plan or RT Ion Plan says of itself.

    Raises
    ------
    ObjectUnreadable
        The bytes are not a whole DICOM object.
    """
    top = data_set_of(open_object(data), ZoneInfo("UTC"))
    kinds = (("BeamSequence", "ControlPointSequence"), ("IonBeamSequence", "IonControlPointSequence"))
    return StatedPlan(
        beams=tuple(_beam(item, points) for beams, points in kinds for item in top.items(beams)),
        groups=tuple(map(_group, top.items("FractionGroupSequence"))),
    )


def _beam(item: DataSet, points: str) -> StatedBeam:
    found = [
        (point.number("CumulativeMetersetWeight"), point.integer("ControlPointIndex"))
        for point in item.items(points)
    ]
    return StatedBeam(
        beam_number=item.integer("BeamNumber"),
        number_of_control_points=item.integer("NumberOfControlPoints"),
        final_weight=item.number("FinalCumulativeMetersetWeight"),
        weights=tuple(weight for weight, _ in found),
        indexes=tuple(index for _, index in found),
    )


def _group(item: DataSet) -> StatedGroup:
    return StatedGroup(
        fraction_group_number=item.integer("FractionGroupNumber"),
        number_of_beams=item.integer("NumberOfBeams"),
        beam_numbers=tuple(
            one.integer("ReferencedBeamNumber") for one in item.items("ReferencedBeamSequence")
        ),
    )
