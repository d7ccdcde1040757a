"""What the whole department needs, sealed beside the patients: lists, binder, files for the day it happens.

Each night has a parcel of its own in the vault's folder `DEPARTMENT`, mirrored with all others. It is made
after the report, of which it tells; it is never worth a night: what keeps it from being made is told in the
report. It names patients, so all of it goes, and is made anew, when somebody is removed by rule.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.day_files import FOLDER as DAY
from beamkeeper.app.jobs.day_files import day_files
from beamkeeper.app.jobs.lists import gather_by_site
from beamkeeper.app.jobs.reporting import last_report, write_report
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.lists import list_rows
from beamkeeper.protect.lists.files import list_files
from beamkeeper.protect.quorum import list_digest
from beamkeeper.vault import DEPARTMENT, THIS_PARCEL, PatientState, StoredDocument
from beamkeeper.vault.publishing import small_member

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from beamkeeper.app.jobs.day_files import DayFiles
    from beamkeeper.app.jobs.lists import Gathered
    from beamkeeper.app.jobs.runtime import Runtime

ACTOR: Final = "night"
FOLDER: Final = "lists"
"""Where the files lie in their parcel."""
BINDER: Final = "binder.pdf"
NOT_SEALED: Final = "▲ The lists of the department could not be made and sealed tonight: {why}"
NOT_ALONG: Final = "▲ A file for the day it happens does not go along in the copy. {why}"
_MEDIA_TYPES: Final = {
    ".pdf": "application/pdf",
    ".html": "text/html",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".dcm": "application/dicom",
    ".json": "application/json",
    ".toml": "application/toml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def department_of_tonight(runtime: Runtime, night: date) -> None:
    """Make and seal the lists of a night that was published; why that failed is told in the report."""
    report = last_report(runtime.site, night)
    if report is None or report.outcome is NightOutcome.STOPPED or night not in runtime.vault.nights():
        return
    own = day_files(runtime.site)
    remarks = [NOT_ALONG.format(why=one) for one in own.wrong]
    if why := _seal(runtime, night, ACTOR, own):
        remarks.append(NOT_SEALED.format(why=why))
    if remarks:
        told = replace(report, remarks=(*report.remarks, *remarks))
        write_report(runtime.site.night_dir(night), told, list_digest=list_digest(told))


def renew_department(runtime: Runtime, *, actor: str) -> None:
    """Make and seal the lists of the last night anew: they named somebody who is kept no longer."""
    nights = runtime.vault.nights()
    if nights:
        _seal(runtime, nights[-1], actor, day_files(runtime.site))


def _seal(runtime: Runtime, night: date, actor: str, own: DayFiles) -> str:
    """Make, seal and publish; return why it could not be, as one sentence."""
    now, files, why = runtime.clock.now(), dict[str, bytes](), ""
    if not runtime.site.night.lists and not own.files:
        return ""
    try:
        if runtime.site.night.lists:
            files, why = _made(runtime, gather_by_site(runtime))
        if not why:
            files |= {f"{DAY}/{name}": data for name, data in own.files.items()}
            entry = runtime.vault.seal(
                pseudonym=DEPARTMENT,
                night=night,
                members=[small_member(name, data) for name, data in files.items()],
                state=_state(files, night),
            )
            runtime.vault.publish([entry], night=night, now=now, expires_at=None, keys=runtime.keys)
    except BeamkeeperError as error:
        why = error.message
    runtime.ledger.audit.append(
        "department lists sealed",
        actor=actor,
        outcome="failed" if why else "ok",
        details={"night": night.isoformat(), **({"why": why} if why else {"files": len(files)})},
        at=now,
    )
    return why


def _made(runtime: Runtime, found: Gathered) -> tuple[dict[str, bytes], str]:
    """Return the files by name, or why there are none: anything at all that keeps them from being made.

    The kind of the failure is told and not its words, which may quote a patient.
    """

    def make() -> dict[str, bytes]:
        files = list_files(found.head, list_rows(found.persons, found.head), dicom=True)
        if runtime.site.night.binder:
            files[BINDER] = _binder(runtime, found)
        return {f"{FOLDER}/{name}": data for name, data in files.items()}

    with ThreadPoolExecutor(max_workers=1) as pool:
        work = pool.submit(make)
        failure = work.exception()
    if failure is None:
        return work.result(), ""
    return {}, failure.message if isinstance(failure, BeamkeeperError) else type(failure).__name__


def _binder(runtime: Runtime, found: Gathered) -> bytes:
    # What joins PDFs takes half a second to load, and few nights make a binder.
    from beamkeeper.app.jobs.binder import FOLDER as SHEETS  # noqa: PLC0415
    from beamkeeper.app.jobs.binder import SheetCache, make_binder  # noqa: PLC0415
    from beamkeeper.app.jobs.binder_dossiers import sealed_dossiers  # noqa: PLC0415

    cache = SheetCache(runtime.site.data_dir / SHEETS)
    return make_binder(found, cache=cache, dossiers=sealed_dossiers(found.opened))


def _state(files: Mapping[str, bytes], night: date) -> PatientState:
    """Return what the parcel says of itself: every file with its digest, and nobody's facts."""
    documents = tuple(
        StoredDocument(
            document_id=name,
            title=name.rpartition("/")[2],
            media_type=_MEDIA_TYPES[name[name.rindex(".") :]],
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            parcel=THIS_PARCEL,
            member=name,
            first_seen_on=night,
            last_seen_on=night,
        )
        for name, data in files.items()
    )
    return PatientState(pseudonym=DEPARTMENT, night=night, patient={}, documents=documents)
