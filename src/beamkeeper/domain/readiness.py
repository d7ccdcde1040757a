"""Whether a copy is enough to treat from, and if not, what is missing by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from beamkeeper.domain.chain import Chain, PlanChain
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.placing import fraction_groups, treatment_beams
from beamkeeper.domain.plan import GIVES_COUNTED_DOSE, ApprovalStatus, Plan
from beamkeeper.domain.position import ConflictKind, CoursePosition, PlanPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The verdict on one plan.

    Attributes
    ----------
    blocking
        What is missing or wrong and keeps the plan from being treated from this copy, in words.
    remarks
        What a physicist should know but does not block.
    """

    plan_uid: str
    rt_plan_label: str
    blocking: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether nothing blocks."""
        return not self.blocking


def is_count_in_doubt(
    blocking: Iterable[str], position: PlanPosition | None, course: CoursePosition | None
) -> bool:
    """Return whether conflicting evidence is among what blocks a plan.

    Then no fraction number is to be relied on before a person has looked, and every paper marks it: "13?".
    """
    conflicts = (
        *(position.conflicts if position is not None else ()),
        *(course.conflicts if course is not None else ()),
    )
    return not {conflict.text for conflict in conflicts}.isdisjoint(blocking)


NAMED_UIDS_MAX = 2
"""So many missing UIDs are named in a sentence; the chain has them all."""

REMARKS_ONLY = frozenset(
    {
        ConflictKind.NO_DELIVERY_TYPE,
        ConflictKind.PLAN_UNKNOWN,
        ConflictKind.OIS_PLAN_UNKNOWN,
        ConflictKind.FOLLOWED,
        ConflictKind.REPLACES,
    }
)
"""Conflicts that leave the position of this plan certain: decided by the plan, or about another plan."""


def readiness(plan: Plan, chain: Chain, position: CoursePosition | None) -> Readiness:
    """Return whether `plan` can be treated from the copy that `chain` describes.

    Parameters
    ----------
    chain
        The references among all objects kept of the patient.
    position
        Where the patient stands; None when the records could not be counted, which blocks.

    References
    ----------
    `protocols` 2.2 (what the emergency OIS needs of a plan); design, section 4.
    """
    own = chain.find(plan.sop_instance_uid)
    found = [(text, True) for text in _plan_lacks(plan)]
    if own is None:
        found.append(("The plan itself is not among the objects kept.", True))
    else:
        found += [(text, True) for text in _chain_lacks(plan, own)]
        found += [(text, False) for text in _chain_remarks(plan, own)]
        found += _relations(own)
    found += _position_says(plan, position)
    return Readiness(
        plan_uid=plan.sop_instance_uid,
        rt_plan_label=plan.rt_plan_label,
        blocking=tuple(dict.fromkeys(text for text, blocks in found if blocks)),
        remarks=tuple(dict.fromkeys(text for text, blocks in found if not blocks)),
    )


def _plan_lacks(plan: Plan) -> Iterator[str]:
    """Say what the plan itself lacks."""
    if not plan.is_clinical:
        yield f"The plan is for {plan.plan_intent}, not for treating a patient."
    if plan.approval_status is ApprovalStatus.UNKNOWN:
        yield "Not approved as far as anyone can tell: the plan says nothing about approval."
    elif plan.approval_status is not ApprovalStatus.APPROVED:
        yield f"Not approved: the plan says {plan.approval_status.value}."
    if not plan.number_of_fractions_planned:
        yield "The plan does not say how many fractions are planned."
    needed = {
        beam.beam_number: beam for group in fraction_groups(plan) for beam in treatment_beams(plan, group)
    }
    if not needed:
        yield "The plan has no beam to treat with."
    without_meterset = [
        f"{beam.beam_number} ({beam.beam_name})"
        for beam in plan.beams
        if not beam.beam_meterset and (beam.delivery_type in GIVES_COUNTED_DOSE or beam.beam_number in needed)
    ]
    if without_meterset:
        listed = ", ".join(without_meterset)
        yield f"No meterset for beam {listed}: a setup field, or something is missing."
    without_machine = [number for number, beam in needed.items() if not beam.treatment_machine_name.strip()]
    if without_machine:
        yield f"No machine is named for beam {', '.join(str(number) for number in without_machine)}."


def _chain_lacks(plan: Plan, chain: PlanChain) -> Iterator[str]:
    """Say what the plan stands on and is not here, or is another patient's."""
    foreign = {item.sop_instance_uid: item for item in chain.foreign}
    if chain.structure_set_uid is None:
        if plan.geometry != "TREATMENT_DEVICE":
            yield "The plan refers to no structure set."
    elif not chain.structure_set_found and chain.structure_set_uid not in foreign:
        yield f"The structure set is missing ({chain.structure_set_uid})."
    if missing := chain.missing_image_uids:
        others = sum(item.kind is ObjectKind.IMAGE for item in chain.foreign)
        total = len(missing) + len(chain.image_uids) + others
        yield f"{len(missing)} of {total} planning images are missing ({_some(missing)})."
    elif chain.structure_set_found and not chain.image_uids and not chain.images_in_frame_count:
        yield "No planning image is here."
    if chain.missing_dose_uids:
        yield f"A dose the plan refers to is missing ({_some(chain.missing_dose_uids)})."
    if not chain.dose_uids and not chain.possible_dose_uids and not chain.missing_dose_uids:
        yield "No dose refers to the plan."
    for patient_id in sorted({item.patient_id for item in chain.foreign}):
        kinds = ", ".join(
            sorted({item.kind.value for item in chain.foreign if item.patient_id == patient_id})
        )
        yield f"The plan has Patient ID {plan.patient_id!r}, but its {kinds} {patient_id!r}."


def _chain_remarks(plan: Plan, chain: PlanChain) -> Iterator[str]:
    if chain.structure_set_uid is None and plan.geometry == "TREATMENT_DEVICE":
        yield "The plan is made on the machine's geometry and refers to no structure set."
    if chain.structure_set_found and not chain.image_uids and chain.images_in_frame_count:
        yield (
            f"The structure set names no images, so none can be missed; {chain.images_in_frame_count} images "
            "share its frame of reference."
        )
    if chain.possible_dose_uids and not chain.dose_uids:
        yield "No dose names this plan; one that names no plan refers to its structure set."


def _relations(chain: PlanChain) -> Iterator[tuple[str, bool]]:
    """Say what other plans mean for this one: (text, blocks).

    PREDECESSOR means another plan was derived from this one: once that is approved, somebody has to
    say which is valid. PRIOR is also a first phase before its boost, and only worth knowing; counting
    shows an approved one.
    """
    for other in chain.named_by:
        how, label = other.relationship, f"Plan {other.rt_plan_label!r}"
        if how == "PREDECESSOR":
            state = "approved" if other.is_approved else "not approved"
            yield f"{label} ({state}) was derived from this one: which of them is valid?", other.is_approved
        elif how == "PRIOR" and not other.is_approved:
            yield f"{label} (not approved) follows this one.", False
        elif how in {"ALTERNATIVE", "CONCURRENT"}:
            yield f"{label} is {how.lower()} to this one.", False
    for how, uid in chain.missing_plan_uids:
        if how == "CONCURRENT":
            yield f"It is given together with a plan that is missing ({uid}).", True
        elif how != "VERIFIED_PLAN":
            yield f"It names a plan as {how or 'related'} that is not here ({uid}).", False


def _position_says(plan: Plan, position: CoursePosition | None) -> Iterator[tuple[str, bool]]:
    """Say what keeps the position from being certain, and where it is: (text, blocks)."""
    at = None if position is None else _find(position.plans, plan.sop_instance_uid)
    if position is None or at is None:
        if plan.is_clinical:
            yield "Where the course stands is not known.", True
        return
    for conflict in (*at.conflicts, *position.conflicts):
        yield conflict.text, conflict.kind not in REMARKS_ONLY
    if at.is_finished:
        yield f"All {at.fractions_planned} fractions are given.", False
    elif at.next_is_continuation:
        yield f"Fraction {at.next_fraction_number} was begun and must be completed first.", False


def _find(plans: Sequence[PlanPosition], plan_uid: str) -> PlanPosition | None:
    return next((at for at in plans if at.plan_uid == plan_uid), None)


def _some(uids: Sequence[str]) -> str:
    named = ", ".join(uids[:NAMED_UIDS_MAX])
    more = len(uids) - NAMED_UIDS_MAX
    return named if more <= 0 else f"{named} and {more} more"
