"""Which objects go along: what the plans to be treated lead to, and no more of a person than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.domain.chain import resolve_chain
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.volume import Image, Registration, StructureSet

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.objects import ObjectRef


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes, and what stays."""

    chosen: tuple[ObjectRef, ...]
    left_out: tuple[ObjectRef, ...]


def select(objects: Sequence[ClinicalObject], plan_uids: Collection[str]) -> Selection:
    """Return what goes along with some plans.

    The plans, what they stand on (structures, doses, planning images), what was registered to those, every
    image in the same frame of reference (setup CT among them), and records and portal images of the plans.
    Treatment records of other plans go too: dose that was given counts wherever the next is given.

    Parameters
    ----------
    objects
        Everything held of one patient.

    References
    ----------
    `protocols` 2.1, the reference chain.
    """
    chains = [chain for chain in resolve_chain(objects).plans if chain.plan_uid in plan_uids]
    wanted: set[str] = set()
    for chain in chains:
        wanted |= {chain.plan_uid, *chain.image_uids, *chain.dose_uids, *chain.possible_dose_uids}
        wanted |= {*chain.record_uids, *chain.rt_image_uids, *chain.registration_uids}
        if chain.structure_set_uid is not None:
            wanted.add(chain.structure_set_uid)
    frames = _frames(objects, wanted)
    for item in objects:
        in_frame = isinstance(item.content, Image) and item.content.frame_of_reference_uid in frames
        if in_frame or item.kind in {ObjectKind.TREATMENT_RECORD, ObjectKind.TREATMENT_SUMMARY}:
            wanted.add(item.ref.sop_instance_uid)
    here = {item.ref.sop_instance_uid: item.ref for item in objects}
    return Selection(
        chosen=tuple(here[uid] for uid in sorted(wanted & here.keys())),
        left_out=tuple(here[uid] for uid in sorted(here.keys() - wanted)),
    )


def _frames(objects: Sequence[ClinicalObject], wanted: Collection[str]) -> frozenset[str]:
    """Return the frames of reference that the chosen structures and registrations live in."""
    found: set[str] = set()
    for item in objects:
        if item.ref.sop_instance_uid in wanted and isinstance(item.content, StructureSet | Registration):
            found |= set(item.content.frame_of_reference_uids)
    return frozenset(found - {""})
