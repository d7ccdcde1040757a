"""What may happen to an object that is already there: another encoding, or one leaf somewhere else."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian

from beamkeeper.rehearse.sim.objects import ds, encode

if TYPE_CHECKING:
    import numpy as np
    from pydicom.dataset import Dataset

_MOVED_MM = -3.3
_OPEN_AT_LEAST_MM = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedLeaf:
    """Which leaf was moved.

    Attributes
    ----------
    leaf_pair
        Counted from 1, as people do.
    bank
        "X1" for the first half of Leaf/Jaw Positions (300A,011C), "X2" for the second.
    """

    beam_number: int
    control_point_index: int
    leaf_pair: int
    bank: str
    old_mm: float
    new_mm: float


def re_encoded(data: bytes) -> bytes:
    """Return the same object in implicit VR with sequences of undefined length: no value changes."""
    dataset = dcmread(BytesIO(data))
    _undefine_lengths(dataset)
    return encode(dataset, ImplicitVRLittleEndian)


def _undefine_lengths(dataset: Dataset) -> None:
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                _undefine_lengths(item)


def with_one_leaf_moved(data: bytes, rng: np.random.Generator) -> tuple[bytes, MovedLeaf]:
    """Return the plan with one leaf of one control point moved 3.3 mm, and everything else as it was.

    Raises
    ------
    LookupError
        The plan has no leaf pair that is open wide enough.
    """
    dataset = dcmread(BytesIO(data))
    shaped = [
        (beam, point, device)
        for beam in dataset.BeamSequence
        for point in beam.ControlPointSequence
        if (device := _leaves(point)) is not None
    ]
    for index in rng.permutation(len(shaped)):
        beam, point, device = shaped[index]
        positions = [float(value) for value in device.LeafJawPositions]
        pairs = len(positions) // 2
        wide = [k for k in range(pairs) if positions[pairs + k] - positions[k] >= _OPEN_AT_LEAST_MM]
        if wide:
            pair = wide[int(rng.integers(len(wide)))]
            new = round(positions[pair] + _MOVED_MM, 1)
            device.LeafJawPositions[pair] = ds(new, 1)
            moved = MovedLeaf(
                beam_number=int(beam.BeamNumber),
                control_point_index=int(point.ControlPointIndex),
                leaf_pair=pair + 1,
                bank="X1",
                old_mm=positions[pair],
                new_mm=new,
            )
            return encode(dataset, dataset.file_meta.TransferSyntaxUID), moved
    raise LookupError("no leaf pair of this plan is open wide enough to move a leaf")


def _leaves(point: Dataset) -> Dataset | None:
    """Return the MLC item of a control point; None when it states no leaves."""
    devices: list[Dataset] = point.get("BeamLimitingDevicePositionSequence") or []
    for device in devices:
        if device.RTBeamLimitingDeviceType == "MLCX":
            return device
    return None
