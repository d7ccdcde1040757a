"""The images under contours and dose: slices pass one by one, and each plan keeps what its planes need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.dossier.picture import PictureKind
from beamkeeper.protect.dossier.planes import CutImages, Plane, axes_of, plane_through
from beamkeeper.wire.dicom.reader_pixels import read_slice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import ImageSlice
    from beamkeeper.protect.dossier.material import Gathered, Opener

IMAGES_MAX: Final = 3_000
STACKS_MAX: Final = 6
KINDS: Final = (PictureKind.AXIAL, PictureKind.CORONAL, PictureKind.SAGITTAL)


@dataclass(eq=False)
class Stack:
    """The slices of one series that lie alike."""

    first: ImageSlice
    axes: NDArray[np.float64]
    cut: CutImages
    drawn_on: int = 0
    count: int = 0


def planes_of(found: Gathered, axes: NDArray[np.float64]) -> tuple[Plane, ...]:
    """Return the three planes through each centre, in the directions of the images."""
    return tuple(plane_through(centre, kind, axes) for centre in found.centres for kind in KINDS)


def stacks_of(images: Sequence[Opener], plans: Sequence[Gathered]) -> tuple[Stack | None, ...]:
    """Return for each plan on the same images the stack that belongs to it; None where there is none.

    Each slice is opened once for all of them; what is unreadable or left out is said to each.
    """
    passing = [_Passing(found) for found in plans]
    for opener in images[:IMAGES_MAX]:
        try:
            image = read_slice(opener())
        except BeamkeeperError as error:
            for found in plans:
                found.note(f"An image slice cannot be shown: {error.message}")
            continue
        for one in passing:
            one.add(image)
    return tuple(one.chosen(len(images)) for one in passing)


@dataclass(eq=False)
class _Passing:
    """What one plan keeps of the slices that pass."""

    found: Gathered
    stacks: dict[tuple[object, ...], Stack] = field(default_factory=dict)
    elsewhere: int = 0
    unplaced: int = 0

    def add(self, image: ImageSlice) -> None:
        """Let one slice pass."""
        found = self.found
        if found.frame and image.frame_of_reference_uid not in {"", found.frame}:
            self.elsewhere += 1
            return
        key = (
            image.series_instance_uid,
            *np.round(image.row_direction, 3).tolist(),
            *np.round(image.column_direction, 3).tolist(),
        )
        if key not in self.stacks:
            if len(self.stacks) >= STACKS_MAX:
                self.unplaced += 1
                return
            axes = axes_of(image)
            up = axes[int(np.argmax(np.abs(axes @ image.normal)))]
            self.stacks[key] = Stack(image, axes, CutImages(planes=planes_of(found, axes), up=up))
        stack = self.stacks[key]
        stack.cut.add(image)
        stack.count += 1
        stack.drawn_on += image.sop_instance_uid in found.drawn_on

    def chosen(self, image_count: int) -> Stack | None:
        """Return the stack that belongs to the plan, and say what is not shown."""
        found, stacks = self.found, list(self.stacks.values())
        if not image_count:
            found.note("No images are kept of this plan: contours and dose stand on white.")
            return None
        if self.elsewhere:
            found.note(
                f"{self.elsewhere} image slices lie in another frame of reference than the plan: not shown."
            )
        if image_count > IMAGES_MAX:
            found.note(f"Of {image_count} image slices the first {IMAGES_MAX} were looked at.")
        if not stacks:
            found.note("No image slice can be laid under contours and dose: they stand on white.")
            return None
        chosen = max(stacks, key=lambda stack: (stack.drawn_on, stack.first.modality == "CT", stack.count))
        others = sum(stack.count for stack in stacks if stack is not chosen) + self.unplaced
        if others:
            found.note(f"{others} slices of other series are not shown.")
        for low, high in chosen.cut.gaps_mm:
            found.note(f"Image slices are missing between {low:.1f} and {high:.1f} mm: left white.")
        if chosen.count == 1:
            found.note("The images are a single slice: coronal and sagittal planes show none.")
        found.patient_position = found.patient_position or chosen.first.patient_position
        return chosen
