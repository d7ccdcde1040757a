"""Every patient of a night as its report has them: found, sealed, or sharing a study with another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.again import told_with_earlier
from beamkeeper.app.jobs.judging import shared_studies

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from beamkeeper.app.jobs.night_notes import NightNotes
    from beamkeeper.domain.night import PatientNight
    from beamkeeper.ledger import Ledger


def as_reported(
    ledger: Ledger, notes: NightNotes, folder: Path, run_on: date, *, stopped: bool
) -> list[PatientNight]:
    """Return everybody of the list, in its order.

    Parameters
    ----------
    stopped
        Whether a mass change ended the night before anything was sealed.
    """
    everybody = notes.tonight().everybody
    shared = shared_studies({one: _studies(ledger, notes, one) for one in everybody})
    found = []
    for pseudonym in everybody:
        night = told_with_earlier(ledger, folder, notes.looked(pseudonym), run_on)
        night = replace(night, disagreements=(*night.disagreements, *shared.get(pseudonym, ())))
        found.append(night if stopped or night.error else _sealed(notes, pseudonym, night))
    return found


def _studies(ledger: Ledger, notes: NightNotes, pseudonym: str) -> set[str]:
    """Return the studies of which a patient has objects, kept or come tonight."""
    kept = ledger.current_objects(pseudonym)
    came = notes.looked(pseudonym).arrived
    return {item.study_instance_uid for item in kept} | {item.study_instance_uid for item in came}


def _sealed(notes: NightNotes, pseudonym: str, night: PatientNight) -> PatientNight:
    sealed = notes.sealed(pseudonym)
    no_paper = (sealed.dossier_error,) if sealed.dossier_error else ()
    return replace(
        night,
        disagreements=(*night.disagreements, *no_paper),
        stored=not sealed.error,
        parcel=sealed.path or night.parcel,
        parcel_bytes=sealed.size_bytes or night.parcel_bytes,
        error=sealed.error,
    )
