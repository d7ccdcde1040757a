"""What is different between two copies, and how much it matters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How much a difference matters, from nothing to a person's eyes."""

    IDENTICAL = "identical"
    RE_ENCODED = "re_encoded"
    """Other bytes, the same meaning: transfer syntax, group lengths, padding, volatile elements."""
    ADMINISTRATIVE = "administrative"
    """Meaning changed, but neither dose, geometry, count nor identity."""
    NEW = "new"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    CLINICAL = "clinical"
    """Dose, geometry, count, approval or identity changed: a physicist must look."""


SEVERITY: dict[Grade, int] = {
    Grade.IDENTICAL: 0,
    Grade.RE_ENCODED: 1,
    Grade.NEW: 2,
    Grade.ADMINISTRATIVE: 3,
    Grade.MISSING: 4,
    Grade.UNREADABLE: 5,
    Grade.CLINICAL: 6,
}
"""Order in which people should look; the largest comes first in a report."""


DOCUMENT = "document"
"""Kind of what is no DICOM object: a letter, a setup note, a scan of the record system's share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference inside one object, in words.

    Attributes
    ----------
    path
        Where, in DICOM keywords: `BeamSequence[BeamNumber=2]/ControlPointSequence[17]/…`.
    old, new
        The values as text; None where that side has none.
    text
        One sentence for a physicist: "Beam 2, control point 17, leaf pair 31 (bank A): 12.4 → 9.1 mm".
    """

    path: str
    old: str | None
    new: str | None
    text: str
    grade: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectComparison:
    """The verdict on one object, or on something the OIS says, which has no UIDs.

    Attributes
    ----------
    kind
        What the object is ("plan", "treatment record", …: values of `ObjectKind`), what the OIS says
        (`domain.prescribed`), or `DOCUMENT`.
    label
        What a person calls it ("VMAT1", "fraction 7", "planning CT slice 31"); no patient's name.
    expected
        Why the change needs no alarm ("a new fraction", "replan announced by …"); "" when unexpected.
    """

    sop_instance_uid: str
    sop_class_uid: str
    modality: str
    kind: str
    label: str
    grade: Grade
    changes: tuple[Change, ...] = ()
    expected: str = ""

    @property
    def title(self) -> str:
        """What it is and what it is called: "plan: VMAT1", "structure set STRUCT1"; no kind said twice."""
        kind = self.kind.casefold()
        said = self.label.casefold().startswith(kind) or self.label.casefold().endswith(kind)
        return self.label if said else f"{self.kind}: {self.label}"

    @property
    def needs_eyes(self) -> bool:
        """Whether a person must look: above re-encoded and not expected."""
        return not self.expected and SEVERITY[self.grade] > SEVERITY[Grade.RE_ENCODED]


class AnnouncedScope(StrEnum):
    """What an announcement lets happen."""

    REPLAN = "replan"
    """New plans, structure sets, doses, images and registrations; old ones may go."""
    STRUCTURES = "structures"
    """New structure sets; existing ones may be redrawn or go."""
    ALL = "all"
    """All of these, and administrative changes of anything."""
