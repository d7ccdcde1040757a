"""Which of a patient's objects one plan is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.volume import Dose, StructureSet
from beamkeeper.protect.dossier.material import PlanMaterial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.protect.dossier.material import Opener

_SLICES: Final = frozenset({"CT", "MR", "PT"})


def materials_of(
    objects: Iterable[ClinicalObject], fetch: Callable[[ObjectRef], bytes]
) -> tuple[PlanMaterial, ...]:
    """Return what each plan for a patient is drawn from, in the order of the objects.

    The structure set is the one the plan names; the images are those it was drawn on, or, where none of them
    is kept or none is named, every slice of the patient: `pictures_of` keeps those of the plan's frame. The
    doses are those that name the plan or are named by it.

    Parameters
    ----------
    fetch
        Gives the bytes of an object; may raise any error of ours, which is then said in words.
    """
    held = list(objects)
    openers = {id(item): _opener(item, fetch) for item in held}
    return tuple(
        _material(item, item.content, held, openers)
        for item in held
        if isinstance(item.content, Plan) and item.content.is_clinical
    )


def _opener(item: ClinicalObject, fetch: Callable[[ObjectRef], bytes]) -> Opener:
    return lambda: fetch(item.ref)


def _material(
    own: ClinicalObject, plan: Plan, held: list[ClinicalObject], openers: Mapping[int, Opener]
) -> PlanMaterial:
    """Return what one plan is drawn from; what several plans share has one opener in all of them."""

    def opener(item: ClinicalObject) -> Opener:
        return openers[id(item)]

    structures: ClinicalObject | None = None
    drawn_on: frozenset[str] = frozenset()
    for item in held:
        content = item.content
        if (
            isinstance(content, StructureSet)
            and content.sop_instance_uid == plan.referenced_structure_set_uid
        ):
            structures, drawn_on = item, frozenset(content.referenced_image_uids)
    # Of an image a night remembers no more than which one it is.
    slices = [item for item in held if item.kind is ObjectKind.IMAGE and item.ref.modality in _SLICES]
    images = [item for item in slices if item.ref.sop_instance_uid in drawn_on] or slices
    doses = [item for item in held if _is_of(item, plan)]
    all_of_it = [own, *images, *([structures] if structures else ()), *doses]
    return PlanMaterial(
        plan=plan,
        plan_bytes=opener(own),
        images=tuple(map(opener, images)),
        structure_set=None if structures is None else opener(structures),
        doses=tuple(map(opener, doses)),
        made_from=tuple(item.ref.sha256 for item in all_of_it),
    )


def _is_of(item: ClinicalObject, plan: Plan) -> bool:
    dose = item.content
    return isinstance(dose, Dose) and (
        plan.sop_instance_uid in dose.referenced_plan_uids
        or dose.sop_instance_uid in plan.referenced_dose_uids
    )
