"""What a destination of plain copies should hold: a pure rule on what is known of each patient.

A patient goes there as a plan with everything it stands on: the structure set the plan names, the images
that was drawn on, the doses that name the plan, and what was delivered. So a cone-beam CT stays here
although its class and modality are those of a planning CT, and a plan nobody approved stays here although
it lies in the archive.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.plan import ApprovalStatus, Plan
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.domain.volume import Dose, StructureSet
from beamkeeper.wire.dicom.identify import is_storage_object
from beamkeeper.wire.dicom.reader import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.vault import StoredObject

QUARANTINE: Final = "quarantine/"
"""Where a parcel holds bytes that are no whole object: they go nowhere."""
PAPER_MODALITY: Final = "DOC"


class Share(StrEnum):
    """One part of what is kept of a patient."""

    PLAN = "plan"
    STRUCTURES = "structures"
    DOSE = "dose"
    RECORDS = "records"
    PLANNING_IMAGES = "planning images"
    """The series a plan's structure set was drawn on."""
    OTHER_IMAGES = "other images"
    """Every other image: cone-beam CT, diagnostic series."""
    RT_IMAGES = "rt images"
    REGISTRATIONS = "registrations"
    OTHER = "other"
    DOSSIER = "dossier"
    """The newest dossier of each patient who goes there, as a DICOM object; earlier ones stay there."""
    LISTS = "lists"
    """The newest triage list of the department: of no patient, and of all of them."""


class Group(StrEnum):
    """Which patients; all of them on the list of the last days and not finished."""

    ON_TREATMENT = "on treatment"
    PLAN_READY = "plan ready"
    """A plan that goes there is kept, whether or not it has begun."""
    LISTED = "listed"


USUAL_SHARES: Final = frozenset(
    {Share.PLAN, Share.STRUCTURES, Share.DOSE, Share.RECORDS, Share.PLANNING_IMAGES}
)
USUAL_GROUPS: Final = frozenset({Group.ON_TREATMENT, Group.PLAN_READY})
_IN_TREATMENT: Final = frozenset(
    {CensusReason.TREATED_RECENTLY, CensusReason.BEGUN_NOT_FINISHED, CensusReason.KEPT_BEFORE}
)
_SHARE_OF: Final = {
    ObjectKind.TREATMENT_RECORD: Share.RECORDS,
    ObjectKind.TREATMENT_SUMMARY: Share.RECORDS,
    ObjectKind.RT_IMAGE: Share.RT_IMAGES,
    ObjectKind.REGISTRATION: Share.REGISTRATIONS,
    ObjectKind.OTHER: Share.OTHER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRule:
    """What a site lets go to one destination.

    Attributes
    ----------
    modalities
        Only these of the shares; empty for all.
    any_plan
        Plans that are not approved too. Else a plan goes when it says APPROVED or has been treated.
    listed_days
        A patient who has been on no list for longer is not sent any more. Nothing is removed for that.
    """

    shares: frozenset[Share] = USUAL_SHARES
    groups: frozenset[Group] = USUAL_GROUPS
    modalities: frozenset[str] = frozenset()
    any_plan: bool = False
    listed_days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFacts:
    """What is known of one patient.

    Attributes
    ----------
    last_seen_on
        The last night that had the patient on its list.
    reasons
        Why the patient was on it.
    held
        Every version the vault holds of the patient's objects.
    described
        What the RT objects say.
    dossier
        The newest one of the patient as an object; None where the vault gives none.
    """

    pseudonym: str
    patient_id: str
    last_seen_on: date
    finished: bool
    reasons: frozenset[CensusReason]
    held: tuple[StoredObject, ...]
    described: tuple[ClinicalObject, ...]
    dossier: StoredObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """What a destination should hold, and what stays here that somebody may miss.

    Attributes
    ----------
    objects
        By pseudonym, each patient's together.
    patient_count
        Patients of whom something should be there.
    plans_not_approved
        Plans of patients who would go, held back because nothing says that they are approved.
    structures_without_images
        Structure sets that go, and name no image that is kept: which series is the planning CT is unknown.
    contested
        Objects under one SOP Instance UID of two patients: a person must say whose they are.
    without_dossier
        Patients who go there, whose dossier should go with them, and of whom the vault gives none.
    without_lists
        Lists of the department should go there, and the vault gives none.
    """

    objects: tuple[tuple[str, StoredObject], ...]
    patient_count: int = 0
    plans_not_approved: int = 0
    structures_without_images: int = 0
    contested: int = 0
    without_dossier: int = 0
    without_lists: bool = False


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The plans of one patient that go, and what they stand on."""

    plans: frozenset[str]
    held_back: frozenset[str]
    structures: frozenset[str]
    doses: frozenset[str]
    series: frozenset[str]
    blind_structures: int


def route(
    rule: RoutingRule, patients: Iterable[CopyFacts], lists: Sequence[tuple[str, StoredObject]] = ()
) -> Routed:
    """Return what one destination should hold.

    Parameters
    ----------
    lists
        What is of the whole department, with the folder it lies in.
    """
    everybody = tuple(patients)
    newest = max((facts.last_seen_on for facts in everybody), default=None)
    found: list[tuple[str, StoredObject]] = []
    not_approved = blind = lacking = 0
    for facts in everybody:
        assert newest is not None, "there is at least this patient"  # noqa: S101 - max of the same
        if facts.finished or newest - facts.last_seen_on > timedelta(days=rule.listed_days):
            continue
        current = _current(facts)
        chosen = _chosen(rule, facts, current)
        if not _belongs(rule, facts, chosen):
            not_approved += len(chosen.held_back)
            continue
        going = [item for item in current if _goes(rule, item, chosen)]
        if _wants(rule, Share.DOSSIER):
            dossier = _dossier(facts)
            lacking += dossier is None
            going += [dossier] if dossier is not None else []
        found += ((facts.pseudonym, item) for item in going)
        not_approved += len(chosen.held_back)
        blind += chosen.blind_structures if Share.PLANNING_IMAGES in rule.shares else 0
    objects, contested = _without_contested(found)
    return Routed(
        objects=(*objects, *(lists if _wants(rule, Share.LISTS) else ())),
        patient_count=len({pseudonym for pseudonym, _ in objects}),
        plans_not_approved=not_approved,
        structures_without_images=blind,
        contested=contested,
        without_dossier=lacking,
        without_lists=_wants(rule, Share.LISTS) and not lists,
    )


def _wants(rule: RoutingRule, paper: Share) -> bool:
    return paper in rule.shares and (not rule.modalities or PAPER_MODALITY in rule.modalities)


def _dossier(facts: CopyFacts) -> StoredObject | None:
    """Return the dossier, if it is of the patient by the ID that this person has now."""
    dossier = facts.dossier
    is_theirs = dossier is not None and dossier.patient_id.strip() == facts.patient_id.strip()
    return dossier if is_theirs else None


def _current(facts: CopyFacts) -> tuple[StoredObject, ...]:
    """Return the objects that stand, whole, name the patient they are kept under, and that stores store."""
    return tuple(
        item
        for item in facts.held
        if item.present
        and not item.superseded
        and not item.member.startswith(QUARANTINE)
        and item.patient_id.strip() == facts.patient_id.strip()
        and is_storage_object(item)
    )


def _belongs(rule: RoutingRule, facts: CopyFacts, chosen: _Chosen) -> bool:
    return (
        Group.LISTED in rule.groups
        or (Group.ON_TREATMENT in rule.groups and bool(facts.reasons & _IN_TREATMENT))
        or (Group.PLAN_READY in rule.groups and bool(chosen.plans))
    )


def _chosen(rule: RoutingRule, facts: CopyFacts, current: Sequence[StoredObject]) -> _Chosen:
    standing = {item.sop_instance_uid: item for item in current}
    said = [item.content for item in facts.described if item.ref.sop_instance_uid in standing]
    treated = {record.referenced_plan_uid for record in said if isinstance(record, TreatmentRecord)}
    plans = {plan.sop_instance_uid: plan for plan in said if isinstance(plan, Plan)}
    going = {uid: plan for uid, plan in plans.items() if rule.any_plan or _is_approved(plan, treated)}
    structures = {plan.referenced_structure_set_uid for plan in going.values()} - {None}
    images: dict[str, tuple[str, ...]] = {
        drawn.sop_instance_uid: drawn.referenced_image_uids
        for drawn in said
        if isinstance(drawn, StructureSet) and drawn.sop_instance_uid in structures
    }
    series = {
        uid: {standing[i].series_instance_uid for i in named if i in standing}
        for uid, named in images.items()
    }
    return _Chosen(
        plans=frozenset(going),
        held_back=frozenset(plans.keys() - going.keys()),
        structures=frozenset(images),
        doses=frozenset(_doses(said, going, frozenset(images))),
        series=frozenset().union(*series.values()),
        blind_structures=sum(not found for found in series.values()),
    )


def _is_approved(plan: Plan, treated: Iterable[str | None]) -> bool:
    """Whether a plan is for treatment: it says so, or it has been treated."""
    approved = plan.approval_status is ApprovalStatus.APPROVED and plan.is_clinical
    return approved or plan.sop_instance_uid in treated


def _doses(said: Iterable[object], going: dict[str, Plan], structures: frozenset[str]) -> Iterator[str]:
    """Yield the doses that name a plan that goes; of those that name no plan, its structure set's."""
    named_by_plans = {uid for plan in going.values() for uid in plan.referenced_dose_uids}
    for dose in said:
        if not isinstance(dose, Dose):
            continue
        if dose.referenced_plan_uids:
            belongs = any(uid in going for uid in dose.referenced_plan_uids)
        else:
            belongs = any(uid in structures for uid in dose.referenced_structure_set_uids)
        if belongs or dose.sop_instance_uid in named_by_plans:
            yield dose.sop_instance_uid


def _goes(rule: RoutingRule, item: StoredObject, chosen: _Chosen) -> bool:
    if rule.modalities and item.modality not in rule.modalities:
        return False
    uid, kind = item.sop_instance_uid, kind_of(item)
    if kind is ObjectKind.PLAN:
        return Share.PLAN in rule.shares and uid in chosen.plans
    if kind is ObjectKind.STRUCTURE_SET:
        return Share.STRUCTURES in rule.shares and uid in chosen.structures
    if kind is ObjectKind.DOSE:
        return Share.DOSE in rule.shares and uid in chosen.doses
    if kind is ObjectKind.IMAGE:
        is_planning = item.series_instance_uid in chosen.series
        return (Share.PLANNING_IMAGES if is_planning else Share.OTHER_IMAGES) in rule.shares
    return _SHARE_OF[kind] in rule.shares


def _without_contested(
    found: Sequence[tuple[str, StoredObject]],
) -> tuple[tuple[tuple[str, StoredObject], ...], int]:
    """Return what has one owner: a store knows one object under a SOP Instance UID."""
    owners: dict[str, set[str]] = defaultdict(set)
    for pseudonym, item in found:
        owners[item.sop_instance_uid].add(pseudonym)
    kept = tuple(pair for pair in found if len(owners[pair[1].sop_instance_uid]) == 1)
    return kept, sum(len(names) > 1 for names in owners.values())
