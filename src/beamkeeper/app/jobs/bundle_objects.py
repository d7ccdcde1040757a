"""The DICOM files of a bundle: each read by its own words, and whose it says it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.reader import read_object_and_patient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.patient import Patient


@dataclass(frozen=True, slots=True)
class Held:
    """One DICOM file.

    Attributes
    ----------
    patient
        Who it says it is of; None when it names no Patient ID.
    """

    path: Path
    content: ClinicalObject
    patient: Patient | None

    @property
    def uid(self) -> str:
        """Its SOP Instance UID."""
        return self.content.ref.sop_instance_uid

    def is_of(self, patient: Patient, *, other_ids: Iterable[str] = ()) -> bool:
        """Whether it is of this patient: one of the Patient IDs, and the birth date where both say one."""
        if self.content.ref.patient_id not in {patient.patient_id, *other_ids}:
            return False
        born = self.patient.birth_on if self.patient else None
        return born is None or patient.birth_on is None or born == patient.birth_on


def read_held(paths: Iterable[Path], zone: ZoneInfo) -> Iterator[Held | Path]:
    """Yield each file read, or its path where it is no DICOM object."""
    for path in paths:
        try:
            content, patient = read_object_and_patient(path.read_bytes(), zone=zone)
        except ObjectUnreadable:
            yield path
        else:
            yield Held(path, content, patient)
