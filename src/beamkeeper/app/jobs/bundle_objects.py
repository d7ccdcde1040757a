"""The DICOM files of a bundle: each read by its own words, and whose it says it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beamkeeper.domain.identity import IdentityFact, likeness
from beamkeeper.errors import ObjectUnreadable, SourceUnavailable
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
        """Whether it is of this patient: one of the Patient IDs, and nothing else says somebody else.

        Birth dates that differ are somebody else; so are name and birth date that both differ. An issuer is
        compared under the patient's own number only.
        """
        number = self.content.ref.patient_id
        if number not in {patient.patient_id, *other_ids}:
            return False
        if self.patient is None:
            return True
        born = self.patient.birth_on
        if born is not None and patient.birth_on is not None and born != patient.birth_on:
            return False
        stated = self.patient
        if number != patient.patient_id:
            stated = replace(stated, issuer_of_patient_id=patient.issuer_of_patient_id)
        return not likeness(stated, patient).is_other and not _is_nobody_near(stated, patient)


def _is_nobody_near(one: Patient, other: Patient) -> bool:
    """Whether the names are two persons' and nothing else speaks for one."""
    found = likeness(one, other)
    return IdentityFact.NAME in found.different and IdentityFact.BIRTH_DATE not in found.same


def read_held(paths: Iterable[Path], zone: ZoneInfo) -> Iterator[Held | Path]:
    """Yield each file read, or its path where it is no DICOM object.

    Raises
    ------
    SourceUnavailable
        A file cannot be read at all.
    """
    for path in paths:
        try:
            content, patient = read_object_and_patient(path.read_bytes(), zone=zone)
        except OSError as error:
            raise SourceUnavailable(
                f"{path.name} cannot be read: {error.strerror}.",
                do_next="Copy the files anew, and try again.",
            ) from error
        except ObjectUnreadable:
            yield path
        else:
            yield Held(path, content, patient)
