"""Who is who among the Patient IDs that sources name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.domain.identity import identity_of, told_apart, who_is_it

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.identity import KnownPerson
    from beamkeeper.domain.patient import Patient

Key = tuple[str, int]
"""Patient ID, and which of the persons who have it: what sources are joined by."""


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
    """Everybody named with each Patient ID, tonight or on the last list, told apart by domain.identity."""

    persons: Mapping[str, tuple[KnownPerson, ...]]

    @classmethod
    def of(cls, *lists: Iterable[CensusEntry]) -> People:
        """Tell apart who is named with each Patient ID."""
        found: dict[str, set[Patient]] = {}
        for entries in lists:
            for entry in entries:
                found.setdefault(entry.patient.patient_id, set()).add(identity_of(entry.patient))
        return cls({patient_id: told_apart(stated) for patient_id, stated in found.items()})

    def keys(self, patient: Patient) -> tuple[Key, ...]:
        """Return whom a statement is about: several where it says too little to tell who of them."""
        stated = identity_of(patient)
        persons = self.persons[patient.patient_id]
        own = [index for index, person in enumerate(persons) if stated in person.known_as]
        return tuple((patient.patient_id, index) for index in own or who_is_it(stated, persons).indexes)

    def whose(self, patient: Patient) -> tuple[Key, ...]:
        """Return whom on the list a statement from beside it is about; not one where that is unclear."""
        persons = self.persons.get(patient.patient_id, ())
        return tuple(
            (patient.patient_id, index) for index in who_is_it(identity_of(patient), persons).indexes
        )

    def stated(self, key: Key) -> Patient:
        """Return what says most about a person."""
        return self.persons[key[0]][key[1]].known_as[0]

    def issuer(self, key: Key) -> str:
        """Return the issuer of a person's ID; "" when nobody names one."""
        known_as = self.persons[key[0]][key[1]].known_as
        return min((p.issuer_of_patient_id for p in known_as if p.issuer_of_patient_id), default="")

    def is_shared(self, patient_id: str) -> bool:
        """Whether several persons have the same Patient ID: the ID alone says nothing about either."""
        return len(self.persons.get(patient_id, ())) > 1

    def plain(self, listed: Iterable[frozenset[str]]) -> frozenset[str]:
        """Return the Patient IDs in some lists, without those that several people share."""
        ids = frozenset[str]().union(*listed)
        return frozenset(patient_id for patient_id in ids if not self.is_shared(patient_id))

    def doubts(self, key: Key) -> tuple[str, ...]:
        """Return what to say where one Patient ID is used by several persons."""
        if not self.is_shared(key[0]):
            return ()
        persons = self.persons[key[0]]
        issuers = sorted({self.issuer((key[0], index)) for index in range(len(persons))} - {""})
        if len(issuers) > 1:
            return (f"Patient ID {key[0]} is used by several issuers ({', '.join(issuers)}): not merged",)
        said = (
            f"Patient ID {key[0]} is used for {len(persons)} persons, whose names and birth dates differ: "
            "not merged. A physicist must say whose it is"
        )
        return (said,)
