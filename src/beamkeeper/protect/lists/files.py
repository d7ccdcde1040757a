"""The three lists in every form, as files: the same rows, the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.domain.patient import Patient
from beamkeeper.protect.lists import contacts, schedule, triage
from beamkeeper.protect.lists.csv_file import sheet_csv
from beamkeeper.protect.lists.html import page_html
from beamkeeper.protect.lists.pdf import page_pdf
from beamkeeper.protect.lists.row import DECIDES
from beamkeeper.protect.lists.sheet import contact_sheet, schedule_sheet, triage_sheet
from beamkeeper.protect.lists.text import page_text
from beamkeeper.protect.lists.xlsx_file import workbook_xlsx
from beamkeeper.wire.dicom.encapsulated import EncapsulatedDocument, encapsulated_pdf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.protect.lists.row import ListHead, ListRow

NOBODY: Final = Patient(patient_id="BEAMKEEPER-LISTS", name="LISTS^OF THE DEPARTMENT")
"""Whose object a list is in DICOM, where every object is of a patient: no patient may bear this ID."""
TRIAGE, CONTACTS, SCHEDULE, WORKBOOK = "triage-list", "contact-list", "day-schedule", "lists.xlsx"


def list_files(
    head: ListHead, rows: Sequence[ListRow], *, bom: bool = False, dicom: bool = False
) -> dict[str, bytes]:
    """Return every file of the three lists by its name.

    Parameters
    ----------
    bom
        CSV begins with a byte order mark, by which Excel knows that it is UTF-8.
    dicom
        The PDFs as DICOM objects (Encapsulated PDF), too.
    """
    pages = {
        TRIAGE: triage.triage_page(head, rows),
        CONTACTS: contacts.contact_page(head, rows),
        SCHEDULE: schedule.schedule_page(head, rows),
    }
    summary = triage.counts(head, rows)
    sheets = {
        TRIAGE: triage_sheet(head, rows, decides=DECIDES, summary=summary),
        CONTACTS: contact_sheet(head, rows, decides=contacts.DECIDES, summary=summary),
        SCHEDULE: schedule_sheet(head, rows, decides=schedule.DECIDES, summary=summary),
    }
    files: dict[str, bytes] = {}
    for name, page in pages.items():
        files[f"{name}.pdf"] = page_pdf(page, made_at=int(head.made_at.timestamp()))
        files[f"{name}.html"] = page_html(page).encode("utf-8", "replace")
        files[f"{name}.txt"] = page_text(page).encode("utf-8", "replace")
        files[f"{name}.csv"] = sheet_csv(sheets[name], bom=bom)
    if dicom:
        for name, page in pages.items():
            files[f"{name}.dcm"] = _encapsulated(head, name, page.title, files[f"{name}.pdf"])
    files[WORKBOOK] = workbook_xlsx(tuple(sheets.values()), made_at=head.made_at)
    return files


def _encapsulated(head: ListHead, name: str, title: str, pdf: bytes) -> bytes:
    """Return a list as DICOM object: all lists of a department are one study of a patient who is nobody."""
    document = EncapsulatedDocument(
        site_name=head.site_name,
        patient=NOBODY,
        title=f"{title}, night of {head.night}",
        kind=name,
        made_at=head.made_at.astimezone(head.zone),
    )
    return encapsulated_pdf(document, pdf)
