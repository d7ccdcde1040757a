"""Following the references of a plan to everything it stands on: what is here, and what is missing by name.

record → plan → structure set → images; dose → plan; RT image → plan; registration by frame of
reference (`protocols` 2.1). One clinic found 464 plans and structure sets missing from its archive
in a normal year (`clinical` 2.1): "it is in the PACS" is not evidence, this is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.objects import ObjectKind, ReferenceRole
from beamkeeper.domain.plan import ApprovalStatus, Plan
from beamkeeper.domain.volume import Image, Registration, StructureSet


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignObject:
    """An object the plan leads to that names another Patient ID: shown, not merged."""

    sop_instance_uid: str
    kind: ObjectKind
    patient_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedPlan:
    """A plan here that names another one; RT Plan Relationship (300A,0055), e.g. "PREDECESSOR"."""

    relationship: str
    sop_instance_uid: str
    rt_plan_label: str
    is_approved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChain:
    """Everything one plan stands on, and everything that stands on it.

    Attributes
    ----------
    structure_set_uid
        What the plan refers to; None when it refers to none.
    structure_set_found
        Whether that is here under the plan's Patient ID.
    image_uids, missing_image_uids
        The images the structure set was drawn on, here and not here; both empty when it names none.
    images_in_frame_count
        Images here that share a frame of reference with the structure set, named by it or not.
    dose_uids
        Doses that refer to the plan (the safe direction: plans seldom name their dose), and those
        the plan names.
    missing_dose_uids
        Doses the plan names that are not here.
    possible_dose_uids
        Doses that name no plan at all but the plan's structure set: seen in practice, proves nothing.
    named_by
        Plans here that name this one.
    missing_plan_uids
        (relationship, SOP Instance UID) of plans this one names that are not here.
    foreign
        Objects of the chain under another Patient ID; they are in none of the lists above.
    """

    plan_uid: str
    structure_set_uid: str | None
    structure_set_found: bool
    image_uids: tuple[str, ...] = ()
    missing_image_uids: tuple[str, ...] = ()
    images_in_frame_count: int = 0
    dose_uids: tuple[str, ...] = ()
    missing_dose_uids: tuple[str, ...] = ()
    possible_dose_uids: tuple[str, ...] = ()
    record_uids: tuple[str, ...] = ()
    rt_image_uids: tuple[str, ...] = ()
    registration_uids: tuple[str, ...] = ()
    named_by: tuple[RelatedPlan, ...] = ()
    missing_plan_uids: tuple[tuple[str, str], ...] = ()
    foreign: tuple[ForeignObject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The chains of every plan among some objects.

    Attributes
    ----------
    orphan_uids
        Doses, records, summaries and RT images that name no plan, or one that is not here.
    """

    plans: tuple[PlanChain, ...]
    orphan_uids: tuple[str, ...] = ()

    def find(self, plan_uid: str) -> PlanChain | None:
        """Return the chain of one plan; None when that plan is not among the objects."""
        return next((chain for chain in self.plans if chain.plan_uid == plan_uid), None)


STANDS_ON_PLAN = frozenset(
    {ObjectKind.DOSE, ObjectKind.TREATMENT_RECORD, ObjectKind.TREATMENT_SUMMARY, ObjectKind.RT_IMAGE},
)
"""Kinds that belong to a plan by their own reference."""


def resolve_chain(objects: Iterable[ClinicalObject]) -> Chain:
    """Return, plan by plan, what is here of its reference chain and what is missing by name.

    Objects are taken once by SOP Instance UID, in any order.

    References
    ----------
    DICOM PS3.3 C.8.8.14 (plan to structure set, conditional on RT Plan Geometry), C.8.8.5 (structure
    set to images), C.8.8.3 (dose to plan).
    """
    index = _Index(objects)
    return Chain(
        plans=tuple(_plan_chain(plan, index) for plan in index.plans.values()),
        orphan_uids=tuple(
            uid
            for uid, item in index.by_uid.items()
            if item.kind in STANDS_ON_PLAN and not index.plans.keys() & _named(item, ReferenceRole.PLAN)
        ),
    )


def _named(item: ClinicalObject, role: ReferenceRole) -> frozenset[str]:
    return frozenset(r.sop_instance_uid for r in item.references if r.role is role)


class _Index:
    """The objects by UID, and by the plan they name; all in the order of their UIDs."""

    def __init__(self, objects: Iterable[ClinicalObject]) -> None:
        found: dict[str, ClinicalObject] = {}
        for item in objects:
            held = found.setdefault(item.ref.sop_instance_uid, item)
            if item.ref.sha256 < held.ref.sha256:
                found[item.ref.sop_instance_uid] = item
        self.by_uid = {uid: found[uid] for uid in sorted(found)}
        self.plans = {
            uid: item.content for uid, item in self.by_uid.items() if isinstance(item.content, Plan)
        }
        self.naming_plan: dict[str, list[ClinicalObject]] = {}
        self.doses_without_plan: dict[str, list[ClinicalObject]] = {}
        self.images_by_frame: dict[str, list[ClinicalObject]] = {}
        for item in self.by_uid.values():
            self._file(item)

    def _file(self, item: ClinicalObject) -> None:
        plans = _named(item, ReferenceRole.PLAN)
        if item.kind in STANDS_ON_PLAN:
            for uid in plans:
                self.naming_plan.setdefault(uid, []).append(item)
        if item.kind is ObjectKind.DOSE and not plans:
            for uid in _named(item, ReferenceRole.STRUCTURE_SET):
                self.doses_without_plan.setdefault(uid, []).append(item)
        if item.kind is ObjectKind.IMAGE and isinstance(item.content, Image):
            self.images_by_frame.setdefault(item.content.frame_of_reference_uid, []).append(item)

    def registrations(self, frames: frozenset[str]) -> list[ClinicalObject]:
        """Return registrations that join any of `frames`."""
        return [
            item
            for item in self.by_uid.values()
            if isinstance(item.content, Registration) and frames & set(item.content.frame_of_reference_uids)
        ]


class _Sorter:
    """Tells the plan's own objects from those of another Patient ID."""

    def __init__(self, patient_id: str) -> None:
        self._patient_id = patient_id.strip()
        self.foreign: dict[str, ForeignObject] = {}

    def own(self, items: Iterable[ClinicalObject]) -> tuple[str, ...]:
        """Return the UIDs of the plan's patient; note the others."""
        kept: list[str] = []
        for item in items:
            uid = item.ref.sop_instance_uid
            if item.ref.patient_id.strip() == self._patient_id:
                kept.append(uid)
            else:
                self.foreign[uid] = ForeignObject(
                    sop_instance_uid=uid,
                    kind=item.kind,
                    patient_id=item.ref.patient_id,
                )
        return tuple(sorted(set(kept)))


def _plan_chain(plan: Plan, index: _Index) -> PlanChain:
    sorter = _Sorter(plan.patient_id)
    here = index.by_uid
    structure_uid = plan.referenced_structure_set_uid
    structure = here.get(structure_uid or "")
    drawn = (
        structure.content if structure is not None and isinstance(structure.content, StructureSet) else None
    )
    named_images = drawn.referenced_image_uids if drawn else ()
    frames = frozenset(drawn.frame_of_reference_uids if drawn else ()) - {""}
    naming = index.naming_plan.get(plan.sop_instance_uid, [])
    doses = [item for item in naming if item.kind is ObjectKind.DOSE]
    doses += [here[uid] for uid in plan.referenced_dose_uids if uid in here]
    in_frame = [item for frame in frames for item in index.images_by_frame.get(frame, [])]
    return PlanChain(
        plan_uid=plan.sop_instance_uid,
        structure_set_uid=structure_uid,
        structure_set_found=bool(drawn and sorter.own([structure] if structure else [])),
        image_uids=sorter.own(here[uid] for uid in named_images if uid in here),
        missing_image_uids=tuple(sorted(set(named_images) - here.keys())),
        images_in_frame_count=sum(
            item.ref.patient_id.strip() == plan.patient_id.strip() for item in in_frame
        ),
        dose_uids=sorter.own(doses),
        missing_dose_uids=tuple(sorted(set(plan.referenced_dose_uids) - here.keys())),
        possible_dose_uids=sorter.own(index.doses_without_plan.get(structure_uid or "", [])),
        record_uids=sorter.own(item for item in naming if item.kind is ObjectKind.TREATMENT_RECORD),
        rt_image_uids=sorter.own(item for item in naming if item.kind is ObjectKind.RT_IMAGE),
        registration_uids=sorter.own(index.registrations(frames)),
        named_by=_named_by(plan, index.plans),
        missing_plan_uids=tuple(
            sorted((how, uid) for how, uid in plan.related_plan_uids if uid not in index.plans),
        ),
        foreign=tuple(sorter.foreign[uid] for uid in sorted(sorter.foreign)),
    )


def _named_by(plan: Plan, plans: Mapping[str, Plan]) -> tuple[RelatedPlan, ...]:
    return tuple(
        RelatedPlan(
            relationship=how,
            sop_instance_uid=uid,
            rt_plan_label=other.rt_plan_label,
            is_approved=other.approval_status is ApprovalStatus.APPROVED,
        )
        for uid, other in plans.items()
        for how, named in other.related_plan_uids
        if named == plan.sop_instance_uid
    )
