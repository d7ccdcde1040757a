"""What this computer itself still knows of a removed patient: ledger, remembered facts, sheets, reports.

The pseudonym stays, in the audit log, the receipts and earlier reports: it says that somebody was here,
and nothing of who. Every step may be repeated.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.copy_papers import note_path
from beamkeeper.app.jobs.dossier_pictures import forget_pictures
from beamkeeper.app.jobs.hour_sheets import FOLDER as SHEETS
from beamkeeper.app.jobs.imprints import imprints_path
from beamkeeper.app.jobs.notes import read_note
from beamkeeper.app.jobs.reporting import NOTE_NAME, write_report
from beamkeeper.domain.night import NightReport, PatientNight
from beamkeeper.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from beamkeeper.app.jobs.runtime import Runtime

REMOVED_SINCE = "Removed by rule since this night: {count}. Of them only numbers stand here."


def forget_here(runtime: Runtime, pseudonyms: Collection[str]) -> None:
    """Forget these patients on this computer, the ledger first.

    A ledger that named objects of parcels that are gone would call them known, and the next night would
    not take them.
    """
    runtime.ledger.removals.forget(pseudonyms)
    for pseudonym in pseudonyms:
        runtime.facts_path(pseudonym).unlink(missing_ok=True)
        imprints_path(runtime, pseudonym).unlink(missing_ok=True)
        note_path(runtime.site, pseudonym).unlink(missing_ok=True)
        forget_pictures(runtime, pseudonym)
        for sheet in (runtime.site.data_dir / SHEETS).glob(f"{pseudonym}-*"):
            sheet.unlink(missing_ok=True)
    folder = runtime.site.data_dir / "nights"
    for night in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (night / NOTE_NAME).is_file():
            _forget_in_report(night, pseudonyms)


def _forget_in_report(folder: Path, pseudonyms: Collection[str]) -> None:
    """Write a report anew without what it says of these patients; one that cannot be read goes whole."""
    written = (folder / NOTE_NAME).read_bytes()
    if not any(pseudonym.encode() in written for pseudonym in pseudonyms):
        return
    try:
        report = read_note(folder / NOTE_NAME, NightReport)
    except IntegrityError:
        for path in folder.glob("report.*"):
            path.unlink(missing_ok=True)
        return
    if report is not None and any(_says_who(patient, pseudonyms) for patient in report.patients):
        write_report(folder, without(report, pseudonyms))


def _says_who(patient: PatientNight, pseudonyms: Collection[str]) -> bool:
    return patient.pseudonym in pseudonyms and bool(patient.patient_id)


def without(report: NightReport, pseudonyms: Collection[str]) -> NightReport:
    """Return a report that says of these patients only how many objects they had.

    Names of files go whole: one may be called after any patient.
    """
    patients = tuple(
        _numbers_of(patient) if patient.pseudonym in pseudonyms else patient for patient in report.patients
    )
    count = sum(not patient.patient_id for patient in patients)
    said = REMOVED_SINCE.format(count="1 patient" if count == 1 else f"{count} patients")
    begins = REMOVED_SINCE.partition("{")[0]
    remarks = (*(remark for remark in report.remarks if not remark.startswith(begins)), said)
    return replace(report, patients=patients, remarks=remarks, page_only=())


def _numbers_of(patient: PatientNight) -> PatientNight:
    return PatientNight(
        pseudonym=patient.pseudonym,
        patient_id="",
        patient_name="",
        reasons=patient.reasons,
        finished=patient.finished,
        expected_count=patient.expected_count,
        received_count=patient.received_count,
        identical_count=patient.identical_count,
        parcel=patient.parcel,
        parcel_bytes=patient.parcel_bytes,
        stored=patient.stored,
    )
