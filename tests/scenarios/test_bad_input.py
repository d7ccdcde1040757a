"""Bad input through the whole way: whatever OIS and share say, nights, papers and lists go on and say it."""

from __future__ import annotations

import subprocess
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from night_site import SmallSite, make_objects
from tests.hostile_documents import hostile_documents
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.domain.change import DOCUMENT
from beamkeeper.domain.night import NightOutcome
from beamkeeper.rehearse.sim import aria
from beamkeeper.rehearse.sim.aria import tables
from beamkeeper.rehearse.sim.documents import pdf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.domain.night import NightReport

FIRST, SECOND = date(2026, 11, 21), date(2026, 11, 22)
APPROVED = datetime(2026, 11, 4, 16, 30)  # noqa: DTZ001 - the server's wall clock
BOOKED = datetime(2026, 11, 23, 10, 0)  # noqa: DTZ001 - as above
LONG_AGO = datetime(1900, 1, 1)  # noqa: DTZ001 - as above
INJECTED = "4711'; DROP TABLE Patient; --"
MARKUP = '#eval(read("/etc/passwd")) ] $x$ \\u{41} <script>alert(1)</script> {{7*7}}'
NAMES = {
    "noted": ("Noted", "Nora"),
    INJECTED: (MARKUP, "=HYPERLINK(A1)"),
    "turned": ("\u202ereversed\u202c", "\u200bZero\u200dWidth\ufeff"),
    "stacked": ("S" + "\u0301" * 200, "\U0001f600" * 30),
    "endless": ("E" * 500, "e" * 500),
    "ancient": ("Old", "Olga"),
}
NOTE = "Skin red. " * (1 << 20)
"""Ten million characters."""
CHANGED = 15
"""Of one night; from twenty on the night would be stopped as an attack on all documents."""

SECTION = """
[night]
dossiers = true

[[documents]]
name = "docs"
kind = "folder"
path = "{share}"

[[sources]]
kind = "aria"
name = "ois"
url = "sqlite:///{database}"
schema = ""
timezone = "Europe/Brussels"
"""


def database(path: Path, documents: list[str]) -> None:
    clinic = aria.Clinic()
    clinic.add(tables.NOTE_TYP, note_typ=1, note_typ_desc="Sheet")
    clinic.add(tables.QUICK_NOTE_TYP, quick_note_typ=1, quick_note_desc="Journal")
    for patient_id, (last, first) in NAMES.items():
        born = {"DateOfBirth": LONG_AGO} if patient_id == "ancient" else {}
        patient = clinic.patient(patient_id, last, first, **born)
        when = LONG_AGO if patient_id == "ancient" else APPROVED
        plan = clinic.plan(patient, clinic.course(patient), f"P {MARKUP}"[:60], approved_at=when)
        clinic.treat(plan, 1, when)
        clinic.book(patient, BOOKED)
        if patient_id == "ancient":  # and an appointment that ends before it begins
            clinic.rows["ScheduledActivity"][-1]["ScheduledEndTime"] = BOOKED - timedelta(days=1)
        clinic.add(
            tables.QUICK_NOTE,
            pt_id=f"PT{patient}",
            note_tstamp=when,
            quick_note_text=NOTE if patient_id == "noted" else MARKUP,
            quick_note_typ=1,
            valid_entry_ind="Y",
        )
    for name in documents:
        clinic.add(
            tables.VISIT_NOTE,
            pt_id="PT1",
            note_typ=1,
            template_name=MARKUP[:50],
            trans_log_tstamp=APPROVED,
            doc_file_loc=name,
            valid_entry_ind="Y",
        )
    aria.TABLES.write_sqlite(path, clinic.rows)


@pytest.mark.long
def test_hostile_texts_and_documents_stop_nothing_and_are_said(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    hostile = {f"{at:02}.pdf": data for at, data in enumerate(list(hostile_documents().values())[:CHANGED])}
    share = tmp_path / "share"
    share.mkdir()
    for name in hostile:
        (share / name).write_bytes(pdf(("Sheet", f"of {name}")))
    (share / "nothing.pdf").write_bytes(b"")
    database(tmp_path / "ois.db", [*hostile, "nothing.pdf"])
    make_objects(tmp_path / "source", who=(2,), sessions=1)
    settings = SECTION.format(share=share, database=tmp_path / "ois.db")
    site = SmallSite.make(tmp_path, settings=settings, on=FIRST)
    first = site.night(FIRST)
    for name, data in hostile.items():
        (share / name).write_bytes(data)
    second = site.night(SECOND)

    assert {*NAMES} <= {one.patient_id for one in first.patients}
    assert [one.error for report in (first, second) for one in report.patients if one.error] == []
    assert second.outcome is not NightOutcome.STOPPED
    assert len(told(second)) == CHANGED
    site.restored(tmp_path / "out", SECOND)
    given_back = {path.read_bytes() for path in (tmp_path / "out").rglob("documents/*")}
    assert set(hostile.values()) <= given_back
    papers = {path.parent.name: text_of(program, path) for path in (tmp_path / "out").rglob("dossier.pdf")}
    noted = next(text for text in papers.values() if "Noted, Nora" in text)
    assert f"cut: {len(NOTE.strip()):,} characters in all" in noted
    assert any("<script>alert(1)</script>" in text for text in papers.values())
    assert any("U+202E" in text for text in papers.values())
    site.verify_vault(SECOND)
    lists = CliRunner().invoke(
        app, ["lists", "--site", str(site.site_file), "--out", str(tmp_path / "lists"), "--newest"]
    )
    assert lists.exit_code == 0, lists.output
    page = (tmp_path / "lists" / "triage-list.html").read_text("utf-8")
    assert "<script>" not in page
    assert all(path.stat().st_size < 1 << 20 for path in (tmp_path / "lists").iterdir())


def told(report: NightReport) -> list[str]:
    """Return what is said of documents that changed, each with a sentence."""
    items = [item for one in report.patients for item in one.comparisons if item.kind == DOCUMENT]
    return [item.changes[0].text for item in items if item.changes and item.changes[0].text]


def text_of(program: Callable[[str], str], paper: Path) -> str:
    done = subprocess.run([program("pdftotext"), "-layout", str(paper), "-"], capture_output=True, check=True)
    return " ".join(done.stdout.decode().replace("\u200b", "").split())
