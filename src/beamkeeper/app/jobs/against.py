"""Tonight's bytes against the copy before; what cannot be compared is kept all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from beamkeeper.app.jobs.judging import entropy_sample
from beamkeeper.domain.change import Change, Grade, ObjectComparison
from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.protect.compare import CompareRules, EntropySample, compare_objects, is_whole

if TYPE_CHECKING:
    from beamkeeper.app.jobs.bytes_at_hand import BytesAtHand
    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.vault import StoredObject


class Against(NamedTuple):
    """What comparing said.

    Attributes
    ----------
    samples
        How dense the object was and is; empty when the copy before cannot be read back.
    is_damaged
        Whether the new copy is damaged inside, where reading alone does not look, and the one before is not.
    """

    verdict: ObjectComparison
    samples: tuple[EntropySample, ...] = ()
    is_damaged: bool = False


def before(kept: StoredObject | None, at_hand: BytesAtHand) -> memoryview | None:
    """Return the bytes of the copy before; None when there is none, or none that can be read back."""
    try:
        return None if kept is None else at_hand.kept(kept)
    except (IntegrityError, KeyUnavailable):
        return None


def against(
    kept: StoredObject, new: memoryview, read: ClinicalObject, *, at_hand: BytesAtHand, rules: CompareRules
) -> Against:
    """Return the verdict on an object that came with other bytes.

    Where the copy before cannot be read back nobody can say what changed: a person must look.
    """
    try:
        old = at_hand.kept(kept)
    except (IntegrityError, KeyUnavailable) as error:
        said = f"Other bytes than before, and the copy before cannot be read back. {error.message}"
        verdict = ObjectComparison(
            sop_instance_uid=kept.sop_instance_uid,
            sop_class_uid=kept.sop_class_uid,
            modality=read.ref.modality,
            kind=read.kind.value,
            label=read.label,
            grade=Grade.CLINICAL,
            changes=(Change(path="", old=None, new=None, text=said, grade=Grade.CLINICAL),),
        )
        return Against(verdict)
    verdict = compare_objects(old, new, rules=rules)
    is_damaged = verdict.grade is Grade.UNREADABLE and is_whole(old) and not is_whole(new)
    return Against(verdict, (entropy_sample(old, new, read.ref.transfer_syntax_uid),), is_damaged)
