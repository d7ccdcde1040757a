"""Who is who among the Patient IDs that sources name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.patient import Patient

Key = tuple[str, str]
"""Patient ID and issuer: what sources are joined by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One source's entry for one person."""

    source: str
    authority: int
    entry: CensusEntry

    @property
    def order(self) -> tuple[int, str, str]:
        """By authority and source, and what one source says twice by its text: never by arrival."""
        return (self.authority, self.source, repr(self.entry))


@dataclass(frozen=True, slots=True)
class People:
    """Every issuer named with each Patient ID, tonight or on the last list."""

    issuers: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, *lists: Iterable[CensusEntry]) -> People:
        """Collect the issuers named with each Patient ID."""
        found: dict[str, set[str]] = {}
        for entries in lists:
            for entry in entries:
                known = found.setdefault(entry.patient.patient_id, set())
                known.update({entry.patient.issuer_of_patient_id} - {""})
        return cls({patient_id: frozenset(issuers) for patient_id, issuers in found.items()})

    def key(self, patient: Patient) -> Key:
        """Return what joins a patient: no issuer means the only one there is, where there is only one."""
        known = self.issuers.get(patient.patient_id, frozenset())
        if not patient.issuer_of_patient_id and len(known) == 1:
            return (patient.patient_id, next(iter(known)))
        return (patient.patient_id, patient.issuer_of_patient_id)

    def is_shared(self, patient_id: str) -> bool:
        """Whether several issuers use the same Patient ID: the ID alone says nothing about either."""
        return len(self.issuers.get(patient_id, frozenset())) > 1

    def plain(self, listed: Iterable[frozenset[str]]) -> frozenset[str]:
        """Return the Patient IDs in some lists, without those that several people share."""
        ids = frozenset[str]().union(*listed)
        return frozenset(patient_id for patient_id in ids if not self.is_shared(patient_id))

    def doubts(self, key: Key) -> tuple[str, ...]:
        """Return what to say where one Patient ID is used by several issuers."""
        if not self.is_shared(key[0]):
            return ()
        issuers = ", ".join(sorted(self.issuers[key[0]]))
        return (f"Patient ID {key[0]} is used by several issuers ({issuers}): not merged",)
