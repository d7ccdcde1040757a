"""Whom a command means: by Patient ID, which two persons may share, or by the letters of a pseudonym."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.ledger import Ledger, PatientRow

LETTERS_MIN = 6
"""So many letters of a pseudonym are needed: fewer could be a Patient ID mistyped."""

IssuerOption = Annotated[
    str | None,
    typer.Option("--issuer", metavar="ISSUER", help="Whose Patient ID it is, where two persons share one."),
]


def kept_patients(ledger: Ledger, patient: str, issuer: str | None) -> tuple[PatientRow, ...]:
    """Return everybody kept under a Patient ID, or the one whose pseudonym begins so.

    Raises
    ------
    ConfigError
        Nobody is.
    """
    found = ledger.patient_by_id(patient)
    if issuer is not None:
        of_issuer = {
            person.pseudonym
            for person in ledger.persons_with_id(patient)
            if issuer in {stated.issuer_of_patient_id for stated in person.known_as}
        }
        found = tuple(row for row in found if row.pseudonym in of_issuer)
    if not found and issuer is None and len(patient) >= LETTERS_MIN:
        found = tuple(row for row in ledger.patients() if row.pseudonym.startswith(patient.lower()))
    if not found:
        what = "No patient with this Patient ID" + (" and issuer" if issuer is not None else "")
        raise ConfigError(f"{what} is kept.", do_next="`beamkeeper patients` lists them.")
    return found


def the_one(found: tuple[PatientRow, ...]) -> PatientRow:
    """Return the one patient that was meant.

    Raises
    ------
    ConfigError
        Several persons share the Patient ID: it names their folders, and never guesses.
    """
    if len(found) == 1:
        return found[0]
    folders = ", ".join(f"{row.pseudonym} ({_issuer(row)})" for row in found)
    raise ConfigError(
        f"{len(found)} persons are kept under this Patient ID: {folders}.",
        do_next="Look at them with `beamkeeper patient ID`, then say --issuer, or give the first letters of "
        "the pseudonym instead of the Patient ID.",
    )


def _issuer(row: PatientRow) -> str:
    issuer = row.patient.issuer_of_patient_id
    return f"issuer {issuer}" if issuer else "no issuer stated"
