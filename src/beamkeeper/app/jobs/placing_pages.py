"""The pages of a placement as files: PDF, HTML, text, and the same facts as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.triage import rules_text
from beamkeeper.protect.lists import ListHead
from beamkeeper.protect.lists.csv_file import sheet_csv
from beamkeeper.protect.lists.html import page_html
from beamkeeper.protect.lists.pdf import page_pdf
from beamkeeper.protect.lists.text import page_text
from beamkeeper.respond.placement.draft_page import draft_page
from beamkeeper.respond.placement.pages import PAGES, Told, pages
from beamkeeper.respond.placement.sheets import fit_sheet, patient_sheet, session_sheet
from beamkeeper.respond.triage import read_rules, shares_said

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.placement.drafting import Draft
    from beamkeeper.respond.placement.instance import Instance
    from beamkeeper.respond.placement.partners import PartnersFile


def head_of(folder: IncidentFolder, made_at: datetime) -> ListHead:
    """Return what stands above every page of an incident."""
    incident = folder.incident()
    return ListHead(
        site_name=incident.site_name,
        zone=ZoneInfo(incident.time_zone),
        night=incident.night,
        trust=incident.trust,
        made_at=made_at,
        confirmed_by=incident.confirmed_by,
        warnings=folder.overview().warnings,
        shares=shares_said(read_rules(rules_text(folder))),
    )


VERSION_FILES: Final = (
    *(f"{name}.{kind}" for name in PAGES for kind in ("pdf", "html", "txt")),
    "patients.csv",
    "sessions.csv",
)
DRAFT_FILES: Final = ("deliverable.pdf", "deliverable.html", "deliverable.txt", "deliverable.csv")


def draft_files(
    head: ListHead, draft: Draft, instance: Instance, file: PartnersFile, summary: str
) -> dict[str, bytes]:
    """Return every file of a draft by its name."""
    page = draft_page(head, draft, instance, file, summary=summary)
    return {
        "deliverable.pdf": page_pdf(page, made_at=int(draft.made_at.timestamp())),
        "deliverable.html": page_html(page).encode("utf-8", "replace"),
        "deliverable.txt": page_text(page).encode("utf-8", "replace"),
        "deliverable.csv": sheet_csv(fit_sheet(draft)),
    }


def version_files(told: Told) -> dict[str, bytes]:
    """Return every file of a version by its name."""
    made_at = int(told.version.made_at.timestamp())
    files: dict[str, bytes] = {}
    for name, page in pages(told).items():
        files[f"{name}.pdf"] = page_pdf(page, made_at=made_at)
        files[f"{name}.html"] = page_html(page).encode("utf-8", "replace")
        files[f"{name}.txt"] = page_text(page).encode("utf-8", "replace")
    files["patients.csv"] = sheet_csv(patient_sheet(told))
    files["sessions.csv"] = sheet_csv(session_sheet(told))
    return files
