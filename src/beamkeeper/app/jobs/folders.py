"""Which folder of the vault is whose: one for each person, also where two have the same Patient ID.

A folder's name is a keyed hash of the Patient ID and a number: the first person has none, the second is
`#2`. So all folders of a Patient ID can be found with the key alone, and none says whose it is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from beamkeeper.domain.codec import NotThisShapeError, from_json
from beamkeeper.domain.identity import KnownPerson, identity_of
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.vault import pseudonym

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from beamkeeper.app.jobs.runtime import Runtime

PERSONS_OF_AN_ID_MAX = 32
"""More than so many persons with one Patient ID are none: an archive rewrites names, for example."""


def pseudonym_of(key: bytes, patient_id: str, number: int) -> str:
    """Return the folder of the first, second, … person with a Patient ID."""
    return pseudonym(key, "" if number == 1 else f"#{number}", patient_id)


def pseudonyms_of(key: bytes, patient_id: str, is_there: Callable[[str], bool]) -> tuple[str, ...]:
    """Return every folder of a Patient ID that is there."""
    names = (pseudonym_of(key, patient_id, number) for number in range(1, PERSONS_OF_AN_ID_MAX + 1))
    return tuple(name for name in names if is_there(name))


def known_persons(runtime: Runtime, patient_id: str) -> tuple[KnownPerson, ...]:
    """Return everybody who has a folder under a Patient ID.

    A folder that the vault has and the ledger does not know (it was lost and not rebuilt) is asked itself.
    """
    persons = {person.pseudonym: person for person in runtime.ledger.persons_with_id(patient_id)}
    key = runtime.keys.pseudonym_key
    in_vault = pseudonyms_of(key, patient_id, lambda name: runtime.vault.latest(name) is not None)
    for name in in_vault:
        if name not in persons:
            persons[name] = KnownPerson(pseudonym=name, known_as=(_as_sealed(runtime, name, patient_id),))
    numbered = pseudonyms_of(key, patient_id, persons.__contains__)
    return tuple(persons.pop(name) for name in numbered) + tuple(persons.values())


def folders_for(
    patients: Sequence[Patient], persons: Sequence[KnownPerson], *, key: bytes
) -> tuple[str, ...]:
    """Return the folder of each of some patients of tonight who have one Patient ID, each another.

    Whoever fits a folder best gets it; who fits none gets a new one.
    """
    fits = [
        (how.rank, -index, -at)
        for index, patient in enumerate(patients)
        for at, person in enumerate(persons)
        if not (how := person.likeness_to(patient)).is_other
    ]
    found: dict[int, str] = {}
    for _, minus_index, minus_at in sorted(fits, reverse=True):
        name = persons[-minus_at].pseudonym
        if -minus_index not in found and name not in found.values():
            found[-minus_index] = name
    taken = {person.pseudonym for person in persons}
    for index, patient in enumerate(patients):
        if index not in found:
            found[index] = new_folder(key, patient.patient_id, taken)
            taken.add(found[index])
    return tuple(found[index] for index in range(len(patients)))


def new_folder(key: bytes, patient_id: str, taken: Collection[str]) -> str:
    """Return the name of a folder nobody has yet.

    Raises
    ------
    IntegrityError
        More than `PERSONS_OF_AN_ID_MAX` persons have this Patient ID.
    """
    for number in range(1, PERSONS_OF_AN_ID_MAX + 1):
        if (name := pseudonym_of(key, patient_id, number)) not in taken:
            return name
    raise IntegrityError(
        f"More than {PERSONS_OF_AN_ID_MAX} persons seem to have one Patient ID.",
        do_next="Look into the archive: does it change names and birth dates of what it sends?",
    )


def folders_of_list(runtime: Runtime, patients: Sequence[Patient]) -> tuple[str, ...]:
    """Return the folder of each patient of a list, in its order."""
    by_id: dict[str, list[int]] = defaultdict(list)
    for index, patient in enumerate(patients):
        by_id[patient.patient_id].append(index)
    found: dict[int, str] = {}
    key = runtime.keys.pseudonym_key
    with runtime.ledger.session():
        for patient_id, indexes in by_id.items():
            some = [patients[index] for index in indexes]
            names = folders_for(some, known_persons(runtime, patient_id), key=key)
            found.update(zip(indexes, names, strict=True))
    return tuple(found[index] for index in range(len(patients)))


def _as_sealed(runtime: Runtime, name: str, patient_id: str) -> Patient:
    """Return who a folder says it is of; a patient without any fact when it cannot be opened here."""
    entry = runtime.vault.latest(name)
    try:
        if entry is not None and runtime.keys.identities:
            state = runtime.vault.read_state(entry, identities=runtime.keys.identities)
            return identity_of(from_json(Patient, state.patient))
    except (IntegrityError, KeyUnavailable, NotThisShapeError):
        pass  # `vault verify` says so; until then the folder stays that of whoever has the Patient ID
    return Patient(patient_id=patient_id, name="")
