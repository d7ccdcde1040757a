"""Whether two statements under one Patient ID are about one person: by issuer, name and birth date.

One fact alone changes for good reasons: a marriage, a corrected date, an issuer that is written another
way; and a slip of the pen is no other fact at all. Two facts that plainly differ are another person
(docs/decisions/0043-identity.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.domain.names import near_name, same_name
from beamkeeper.domain.patient import Patient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DIFFERENT_FACTS_MIN = 2
"""So many facts must differ before one Patient ID is taken for two persons."""
FIRST_BIRTH_DATE = date(1900, 1, 2)
"""Earlier dates are what systems write when they know none (1900-01-01, 1858-11-17, 0001-01-01)."""


_NO_NAME = " ^="


class IdentityFact(StrEnum):
    """What tells persons apart who have one Patient ID."""

    ISSUER = "issuer of the Patient ID"
    NAME = "name"
    BIRTH_DATE = "birth date"


class Agreement(StrEnum):
    """How one fact compares in two statements."""

    SAME = "same"
    NEAR = "a slip of the pen apart"
    DIFFERENT = "different"
    UNKNOWN = "one of them does not say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How two statements about a person compare; a fact that one of them lacks is in no set."""

    same: frozenset[IdentityFact]
    near: frozenset[IdentityFact]
    different: frozenset[IdentityFact]

    @property
    def is_other(self) -> bool:
        """Whether these are two persons.

        An issuer alone tells two apart where nothing else is known of one of them: a Patient ID is
        unique only together with its issuer (DICOM PS3.3 C.2.2).
        """
        if len(self.different) >= DIFFERENT_FACTS_MIN:
            return True
        return IdentityFact.ISSUER in self.different and not (self.same or self.near)

    @property
    def is_doubtful(self) -> bool:
        """Whether it is taken for one person although something differs: a person should be told."""
        return bool(self.different or self.near) and not self.is_other

    @property
    def rank(self) -> tuple[int, int, int]:
        """Order by how well they fit: fewer differences first, then more that agrees."""
        return (-len(self.different), -len(self.near), len(self.same))


def likeness(one: Patient, other: Patient) -> Likeness:
    """Return how two statements about the holder of one Patient ID compare; sex is not asked."""
    compared = {
        IdentityFact.ISSUER: _issuers(one.issuer_of_patient_id, other.issuer_of_patient_id),
        IdentityFact.NAME: _names(one.name, other.name),
        IdentityFact.BIRTH_DATE: _birth_dates(one.birth_on, other.birth_on),
    }

    def those(agreement: Agreement) -> frozenset[IdentityFact]:
        return frozenset(fact for fact, found in compared.items() if found is agreement)

    return Likeness(
        same=those(Agreement.SAME), near=those(Agreement.NEAR), different=those(Agreement.DIFFERENT)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """One person who has a Patient ID.

    Attributes
    ----------
    pseudonym
        The folder in the vault; "" for nobody's yet.
    known_as
        Every way in which this person's facts were stated so far.
    """

    pseudonym: str
    known_as: tuple[Patient, ...]

    def likeness_to(self, patient: Patient) -> Likeness:
        """Return how well a statement fits the best of those known.

        What one of them leaves out is taken from the others: a source that does not name the issuer must
        not make this person like everybody.
        """
        return max((likeness(known, patient) for known in self._completed()), key=lambda found: found.rank)

    def _completed(self) -> frozenset[Patient]:
        issuer = next((p.issuer_of_patient_id for p in self.known_as if p.issuer_of_patient_id), "")
        name = next((p.name for p in self.known_as if p.name.strip(_NO_NAME)), "")
        birth_on = next((p.birth_on for p in self.known_as if p.birth_on), None)
        return frozenset(
            Patient(
                patient_id=stated.patient_id,
                issuer_of_patient_id=stated.issuer_of_patient_id or issuer,
                name=stated.name if stated.name.strip(_NO_NAME) else name,
                birth_on=stated.birth_on or birth_on,
            )
            for stated in self.known_as
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoIsIt:
    """Whose a statement is.

    Attributes
    ----------
    indexes
        Which of the persons asked about fit best: none for somebody else, several when it says too
        little to tell them apart.
    is_doubtful
        Whether something differs from the one it is taken for.
    """

    indexes: tuple[int, ...]
    is_doubtful: bool = False


def who_is_it(patient: Patient, persons: Sequence[KnownPerson]) -> WhoIsIt:
    """Return which of some persons with one Patient ID a statement is about."""
    found = [(index, person.likeness_to(patient)) for index, person in enumerate(persons)]
    fitting = [(index, how) for index, how in found if not how.is_other]
    if not fitting:
        return WhoIsIt(indexes=())
    best = max(how.rank for _, how in fitting)
    top = [(index, how) for index, how in fitting if how.rank == best]
    return WhoIsIt(indexes=tuple(index for index, _ in top), is_doubtful=top[0][1].is_doubtful)


def told_apart(statements: Iterable[Patient]) -> tuple[KnownPerson, ...]:
    """Return the persons that statements under one Patient ID are about, whatever their order.

    Those that say most come first; one that fits several persons equally well makes none.
    """
    persons: list[KnownPerson] = []
    for patient in sorted(set(map(identity_of, statements)), key=_most_said_first):
        who = who_is_it(patient, persons)
        if not who.indexes:
            persons.append(KnownPerson(pseudonym="", known_as=(patient,)))
        elif len(who.indexes) == 1:
            at = who.indexes[0]
            known = persons[at]
            persons[at] = KnownPerson(pseudonym=known.pseudonym, known_as=(*known.known_as, patient))
    return tuple(persons)


def identity_of(patient: Patient) -> Patient:
    """Return only what identifies a person: Patient ID, issuer, name, birth date."""
    return Patient(
        patient_id=patient.patient_id,
        name=patient.name,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        birth_on=patient.birth_on,
    )


def _most_said_first(patient: Patient) -> tuple[int, str, str, str]:
    born = patient.birth_on.isoformat() if patient.birth_on else ""
    said = (patient.issuer_of_patient_id, patient.name, born)
    return (-sum(map(bool, said)), *said)


def _issuers(one: str, other: str) -> Agreement:
    first, second = one.strip().casefold(), other.strip().casefold()
    if not first or not second:
        return Agreement.UNKNOWN
    return Agreement.SAME if first == second else Agreement.DIFFERENT


def _names(one: str, other: str) -> Agreement:
    if not one.strip(_NO_NAME) or not other.strip(_NO_NAME):
        return Agreement.UNKNOWN
    if same_name(one, other):
        return Agreement.SAME
    return Agreement.NEAR if near_name(one, other) else Agreement.DIFFERENT


def _birth_dates(one: date | None, other: date | None) -> Agreement:
    if one is None or other is None or min(one, other) < FIRST_BIRTH_DATE:
        return Agreement.UNKNOWN
    if one == other:
        return Agreement.SAME
    swapped = (one.year, one.month, one.day) == (other.year, other.day, other.month)
    digits = sum(first != second for first, second in zip(f"{one:%Y%m%d}", f"{other:%Y%m%d}", strict=True))
    return Agreement.NEAR if swapped or digits == 1 else Agreement.DIFFERENT
