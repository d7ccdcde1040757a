"""Reading the files of an opened bundle for its verification report: each once, only what is judged kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.domain.objects import ObjectKind
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.reader import read_object_and_patient
from beamkeeper.wire.dicom.reader_pixels import (
    read_contours,
    read_frame_of_reference,
    read_lattice,
    read_rescale,
)
from beamkeeper.wire.dicom.reader_stated import StatedPlan, read_stated_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from typing_extensions import Buffer

    from beamkeeper.domain.chain import PlanChain
    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.imaging import Lattice, Points
    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.plan import Plan

TARGETS: Final = frozenset({"PTV", "CTV", "GTV"})
"""RT ROI Interpreted Types (3006,00A4) of what is to be hit."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Region:
    """One target of a structure set, as points in the patient.

    Attributes
    ----------
    points_mm
        (point, 3), of all its contours together.
    """

    roi_name: str
    points_mm: Points


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Imported:
    """One object that could be read.

    Attributes
    ----------
    lattice
        Of images and doses; None where their place in the patient is not stated, and `place_said` says why.
    frame_of_reference_uid
        As the object states it at its top level; "" when it does not.
    rescale
        (slope, intercept) of a CT slice; None where it states none, and of everything else.
    regions, left_out
        Targets of a structure set, and how many contours of it could not be read.
    """

    name: str
    item: ClinicalObject
    patient: Patient | None
    frame_of_reference_uid: str = ""
    lattice: Lattice | None = None
    place_said: str = ""
    rescale: tuple[float, float] | None = None
    stated: StatedPlan | None = None
    regions: tuple[Region, ...] = ()
    left_out: int = 0

    @property
    def uid(self) -> str:
        """SOP Instance UID."""
        return self.item.ref.sop_instance_uid


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PlanSet:
    """One plan and what it stands on, of all that was read.

    Attributes
    ----------
    objects
        Everything that was read, by SOP Instance UID.
    """

    plan: Plan
    chain: PlanChain
    objects: Mapping[str, Imported]

    @property
    def about(self) -> str:
        """How the plan is called in a finding."""
        return self.plan.rt_plan_label or self.plan.rt_plan_name or "(no label)"

    @property
    def own(self) -> Imported | None:
        """The plan's own file."""
        return self.objects.get(self.plan.sop_instance_uid)

    @property
    def structures(self) -> Imported | None:
        """Its structure set."""
        return self.objects.get(self.chain.structure_set_uid or "")

    @property
    def images(self) -> list[Imported]:
        """The images that its structures are drawn on."""
        return [self.objects[uid] for uid in self.chain.image_uids if uid in self.objects]

    @property
    def doses(self) -> list[Imported]:
        """The doses that name it, or that it names."""
        return [self.objects[uid] for uid in self.chain.dose_uids if uid in self.objects]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """One file that could not be read, and why."""

    name: str
    why: str


def read_imported(files: Iterable[tuple[str, Buffer]], *, zone: ZoneInfo) -> tuple[Imported | Unread, ...]:
    """Return what each file says; one that cannot be read never stops the others.

    Parameters
    ----------
    files
        (name, bytes); only one is held at a time where an iterator gives them.
    zone
        Where dates and times are meant.
    """
    return tuple(_read(name, data, zone) for name, data in files)


def _read(name: str, data: Buffer, zone: ZoneInfo) -> Imported | Unread:
    try:
        item, patient = read_object_and_patient(data, zone=zone)
        frame = read_frame_of_reference(data)
        stated = read_stated_plan(data) if item.kind is ObjectKind.PLAN else None
        rescale = read_rescale(data) if item.ref.modality == "CT" else None
        regions, left_out = _regions(data) if item.kind is ObjectKind.STRUCTURE_SET else ((), 0)
    except ObjectUnreadable as error:
        return Unread(name=name, why=error.message)
    lattice, said = None, ""
    if item.kind in {ObjectKind.IMAGE, ObjectKind.DOSE}:
        try:
            lattice = read_lattice(data)
        except ObjectUnreadable as error:
            said = error.message
    return Imported(
        name=name,
        item=item,
        patient=patient,
        frame_of_reference_uid=frame,
        lattice=lattice,
        place_said=said,
        rescale=rescale,
        stated=stated,
        regions=regions,
        left_out=left_out,
    )


def _regions(data: Buffer) -> tuple[tuple[Region, ...], int]:
    contours = read_contours(data)
    targets = tuple(
        Region(roi_name=one.roi_name, points_mm=np.concatenate(one.contours))
        for one in contours
        if one.interpreted_type in TARGETS and one.contours
    )
    return targets, sum(one.left_out for one in contours)
