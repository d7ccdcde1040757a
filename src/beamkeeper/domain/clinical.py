"""One DICOM object read into our terms."""

from __future__ import annotations

from dataclasses import dataclass

from beamkeeper.domain.objects import ObjectKind, ObjectRef, Reference
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TreatmentRecord, TreatmentSummary
from beamkeeper.domain.volume import Dose, Image, Registration, StructureSet

Content = Plan | TreatmentRecord | TreatmentSummary | StructureSet | Dose | Image | Registration


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalObject:
    """One object: what it is, what it points at, and what it says.

    Attributes
    ----------
    label
        What a person calls it ("plan VMAT1", "fraction 7, 2 beams"); never a patient's name.
    content
        None for kinds that are kept untouched (`ObjectKind.OTHER`).
    warnings
        What was odd but readable ("no preamble and no file meta: read as implicit VR little endian").
    """

    ref: ObjectRef
    kind: ObjectKind
    label: str
    references: tuple[Reference, ...] = ()
    content: Content | None = None
    warnings: tuple[str, ...] = ()
