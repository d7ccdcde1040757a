"""Tonight's bytes against the copy before; what cannot be compared is kept all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from beamkeeper.app.jobs.judging import entropy_sample, is_compressed
from beamkeeper.domain.change import Change, Grade, ObjectComparison
from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.protect.compare import (
    CompareRules,
    EntropySample,
    byte_entropy,
    compare_objects,
    compare_with_imprint,
    is_whole,
)

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

    Where the copy before cannot be read back, and no imprint of it is left, nobody can say what changed: a
    person must look.
    """
    try:
        old = at_hand.kept(kept)
    except (IntegrityError, KeyUnavailable) as error:
        if (found := _by_imprint(kept, new, read, at_hand=at_hand, rules=rules)) is not None:
            return found
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


def _by_imprint(
    kept: StoredObject, new: memoryview, read: ClinicalObject, *, at_hand: BytesAtHand, rules: CompareRules
) -> Against | None:
    """Return the same by what is left of the copy before; None when nothing is."""
    old = None if at_hand.imprints is None else at_hand.imprints.of(kept.sha256)
    if at_hand.imprints is None or old is None:
        return None
    sample = EntropySample(
        before_bits=old.entropy_bits,
        now_bits=byte_entropy(new),
        compressed=is_compressed(read.ref.transfer_syntax_uid),
    )
    verdict = compare_with_imprint(old, new, key=at_hand.imprints.key, rules=rules)
    # Only of a whole object is an imprint taken.
    return Against(verdict, (sample,), verdict.grade is Grade.UNREADABLE and not is_whole(new))
