"""The sheet of what was delivered, a PDF: sealed with the records, and for two days also in clear.

In clear it lies in `hourly/` of the data directory, for its owner only, so that it can be printed when the
vault cannot be opened; a collector that only encrypts has that directory sealed.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.protect.dossier import RecordReport, record_report
from beamkeeper.vault import StoredDocument
from beamkeeper.vault.state import THIS_PARCEL

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from beamkeeper.app.jobs.looked import Looked
    from beamkeeper.app.site import Site

SHEET_NAME = "documents/treatment-records.pdf"
SHEET_ID = "treatment-record-report"
"""Where the sheet lies in a parcel."""
FOLDER = "hourly"
KEPT_FOR = timedelta(hours=48)
_STAMP = "%Y%m%dT%H%M%SZ"


def sheet_of(site: Site, looked: Looked, as_of: datetime) -> bytes:
    """Return the sheet of one patient as PDF."""
    assert looked.night.position is not None  # noqa: S101 - whoever was looked at has one
    return record_report(
        RecordReport(
            site_name=site.site.name,
            zone=site.zone,
            patient=looked.facts.entry.patient,
            position=looked.night.position,
            records=tuple(
                item.content for item in looked.facts.objects if isinstance(item.content, TreatmentRecord)
            ),
            as_of=as_of,
        )
    )


def stored_sheet(sheet: bytes, night: date) -> StoredDocument:
    """Return how a parcel's state names the sheet in it."""
    return StoredDocument(
        document_id=SHEET_ID,
        title="Treatment record report",
        media_type="application/pdf",
        sha256=hashlib.sha256(sheet).hexdigest(),
        size_bytes=len(sheet),
        parcel=THIS_PARCEL,
        member=SHEET_NAME,
        first_seen_on=night,
        last_seen_on=night,
    )


def keep_sheet(site: Site, pseudonym: str, sheet: bytes, as_of: datetime) -> None:
    """Keep a sheet in clear for its owner, under a name that says nothing of the patient."""
    write_whole(_folder(site) / f"{pseudonym}-{as_of.astimezone(UTC):{_STAMP}}.pdf", sheet)


def remove_old_sheets(site: Site, now: datetime) -> int:
    """Remove the sheets in clear that are older than `KEPT_FOR`, or of a time to come; return how many."""
    old = [
        path for path in _folder(site).glob("*.pdf") if not timedelta(0) <= now - _made_at(path) <= KEPT_FOR
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _made_at(path: Path) -> datetime:
    """Return when a sheet was made, by its name; long ago for a name that is not ours."""
    try:
        return datetime.strptime(path.stem.rpartition("-")[2], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _folder(site: Site) -> Path:
    return site.data_dir / FOLDER
