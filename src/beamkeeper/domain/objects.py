"""What is known of one stored DICOM object without interpreting it, and how objects point at each other."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum


class ObjectKind(StrEnum):
    """What an object is for, decided by SOP class and modality."""

    PLAN = "plan"
    TREATMENT_RECORD = "treatment record"
    TREATMENT_SUMMARY = "treatment summary"
    STRUCTURE_SET = "structure set"
    DOSE = "dose"
    IMAGE = "image"
    RT_IMAGE = "RT image"
    REGISTRATION = "registration"
    OTHER = "other"
    """Kept untouched, not interpreted (second-generation RT, delivery instructions, documents, private)."""


class ReferenceRole(StrEnum):
    """Why one object points at another (DICOM PS3.3, `protocols` 2.1)."""

    PLAN = "plan"  # Referenced RT Plan Sequence (300C,0002)
    STRUCTURE_SET = "structure set"  # Referenced Structure Set Sequence (300C,0060)
    DOSE = "dose"  # Referenced Dose Sequence (300C,0080)
    IMAGE = "image"  # Contour Image Sequence (3006,0016), Referenced Image Sequence (0008,1140)
    TREATMENT_RECORD = "treatment record"  # Referenced Treatment Record Sequence (3008,0030)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One pointer from an object to another."""

    role: ReferenceRole
    sop_instance_uid: str
    sop_class_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """The identity of one object and the digest of the bytes kept for it.

    Attributes
    ----------
    patient_id
        Patient ID (0010,0020) as the object says it, outer blanks removed; "" when empty.
    sha256
        Lower-case hexadecimal SHA-256 of the whole file as kept.
    size_bytes
        Size of that file.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    modality: str
    transfer_syntax_uid: str
    sha256: str
    size_bytes: int

    def plain(self) -> ObjectRef:
        """Return the identity alone, without what a subclass adds."""
        return ObjectRef(**{field.name: getattr(self, field.name) for field in fields(ObjectRef)})
