"""The document share: a folder with what the record system holds besides DICOM."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from beamkeeper.rehearse.sim.treatments import SimPatient


@dataclass(frozen=True, slots=True, kw_only=True)
class SimDocument:
    """One document of one patient.

    Attributes
    ----------
    path
        Below the share; says nothing about the patient.
    revised_on
        When its present version was written; None for the first.
    """

    title: str
    kind: str
    created_on: date
    path: str
    text: tuple[str, ...]
    revised_on: date | None = None


SETUP_TITLE = "Setup instructions"


def documents_of(patient: SimPatient, *, shift_limit_mm: int) -> list[SimDocument]:
    """Return the documents of one patient: setup notes as text, a prescription summary as PDF.

    The summary is written anew with each plan; the setup notes say what somebody typed last.
    """
    first = patient.treatments[0]
    created_on, replanned = first.approved_on, [t for t in patient.treatments if t.version > 1]
    folder = hashlib.sha256(patient.patient_id.encode()).hexdigest()[:12]
    return [
        SimDocument(
            title=SETUP_TITLE,
            kind="setup note",
            created_on=created_on,
            path=f"{folder}/setup.txt",
            text=(
                f"{SETUP_TITLE} (invented)",
                f"Machine: {first.machine}",
                "Supine, knee support, arms on chest. Tattoos: three.",
                f"Image before every fraction the plan asks for; shift limit {shift_limit_mm} mm.",
            ),
        ),
        SimDocument(
            title="Prescription summary",
            kind="prescription",
            created_on=created_on,
            path=f"{folder}/prescription.pdf",
            text=("Prescription summary (invented)", *(f"Plan {one.label}" for one in patient.treatments)),
            revised_on=max((one.approved_on for one in replanned), default=None),
        ),
    ]


def write_document(share: Path, document: SimDocument) -> None:
    """Write one document to the share; writing it again writes the same bytes."""
    target = share / document.path
    target.parent.mkdir(parents=True, exist_ok=True)
    data = pdf(document.text) if target.suffix == ".pdf" else ("\n".join(document.text) + "\n").encode()
    target.write_bytes(data)


def pdf(lines: tuple[str, ...]) -> bytes:
    """Return a one-page PDF 1.4 with these lines in Helvetica; plain ASCII only."""
    shown = "".join(f"({_escaped(line)}) Tj T* " for line in lines)
    page = f"BT /F1 12 Tf 16 TL 72 770 Td {shown}ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
