"""A word under the name where another patient may be taken for this one; without naming the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.namesakes import NAMED_MAX, Alike
from beamkeeper.domain.words import line, plural, weekday_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.namesakes import Namesake
    from beamkeeper.protect.dossier.source import DossierSource

SHOWN_MAX = 2
_SAID = {
    Alike.SAME_ID: "ANOTHER PERSON HAS THIS PATIENT ID",
    Alike.SAME_NAME: "ANOTHER PATIENT HAS THIS NAME",
    Alike.SIMILAR_NAME: "ANOTHER PATIENT HAS A VERY SIMILAR NAME",
    Alike.SAME_FAMILY_AND_BIRTH: "ANOTHER PATIENT HAS THIS FAMILY NAME AND BIRTH DATE",
}


def name_alerts(source: DossierSource) -> tuple[str, ...]:
    """Return what is said of others whom this patient may be taken for; () for nobody, or nobody looked."""
    found = source.namesakes or ()
    if not found:
        return ()
    said = [" ".join(_one(source, other)) for other in found[:SHOWN_MAX]]
    if (more := len(found) - SHOWN_MAX) > 0:
        said.append(
            f"and {plural(more, 'other')}: the triage list names them all."
            if len(found) < NAMED_MAX
            else f"and at least {plural(more, 'other')}: too many to be named here."
        )
    return (*said, _this_one(source))


def _one(source: DossierSource, other: Namesake) -> Iterator[str]:
    what = ", AND ".join(_SAID[how].removeprefix("ANOTHER PATIENT HAS ") for how in other.how[1:])
    yield f"{_SAID[other.how[0]]}{f', AND {what}' if what else ''}."
    if Alike.SAME_FAMILY_AND_BIRTH not in other.how:
        if other.same_birth_date:
            yield "Born on the same day: the birth date does not tell them apart."
        elif other.same_birth_date is None:
            yield "The birth date of one of them is not known."
        else:
            yield "Born on another day."
    if other.next_at is not None:
        where = f" on {line(other.machine)}" if line(other.machine) else ""
        yield f"The other is booked {weekday_at(other.next_at, source.zone)}{where}."


def _this_one(source: DossierSource) -> str:
    patient = source.entry.patient
    born = f", born {patient.birth_on.isoformat()}" if patient.birth_on else ", birth date not known"
    this = f"This paper is of ID {line(patient.patient_id)}{born}"
    return f"{this}: compare both with the patient before anything is done."
