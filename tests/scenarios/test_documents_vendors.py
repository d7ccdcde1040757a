"""Documents that ARIA and MOSAIQ name by a path alone: fetched from the share, or refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from night_site import SmallSite, make_objects

from beamkeeper.domain.night import NightOutcome
from beamkeeper.rehearse.sim import aria, mosaiq
from beamkeeper.rehearse.sim.aria import tables as aria_tables
from beamkeeper.rehearse.sim.documents import pdf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.domain.night import PatientNight

    Write = Callable[[Path, tuple[str, ...]], None]

NIGHT = date(2026, 11, 22)
APPROVED = datetime(2026, 11, 4, 16, 30)  # noqa: DTZ001 - the server's wall clock
BOOKED = datetime(2026, 11, 23, 10, 0)  # noqa: DTZ001 - as above
WRITTEN = datetime(2026, 9, 30, 23, 30)  # noqa: DTZ001 - as above; in UTC still September
REVISED = datetime(2026, 10, 1, 0, 30)  # noqa: DTZ001 - as above; in UTC still September
LETTER, SHEET = pdf(("Letter",)), pdf(("Setup sheet", "shift limit 10 mm"))

HOSTILE = {
    r"..\..\..\etc\passwd": 'its path leads back through "." or ".."',
    r"\\evil.example\share\x.pdf": "its path lies on no share that the site file names",
    r"\\ois01\va_docs$\Documents\..\..\x.pdf": 'its path leads back through "." or ".."',
    r"C:\Windows\win.ini": "its path lies on no share that the site file names",
    "/etc/shadow": "its path lies on no share that the site file names",
    "file:///etc/shadow": "a character that no file's name can have, or that means something else",
    "x.pdf'; DROP TABLE Patient; --\x00": "a character that no file's name can have",
    "note.pdf:stream": "a character that no file's name can have",
    "aux.pdf": "a name in its path is a device of Windows",
    "letter\u202efdp.exe\n.pdf": "a character that no file's name can have",
}
"""What a row may name and no collector may open, and why it says it did not."""

SECTION = """
[[documents]]
name = "docs"
kind = "folder"
path = "{share}"
source = "ois"
ois_roots = ['\\\\ois01\\va_docs$\\Documents']
quarters_since = 2018-05-14
time_zone = "Europe/Brussels"

[[sources]]
kind = "{kind}"
name = "ois"
url = "sqlite:///{database}"
timezone = "Europe/Brussels"
{more}
"""


def aria_database(path: Path, names: tuple[str, ...]) -> None:
    """One patient with a letter, a sheet that was revised after the quarter had turned, and hostile rows."""
    clinic = aria.Clinic()
    patient = clinic.patient("4711", "Jansen", "Maria")
    clinic.plan(patient, clinic.course(patient), "VMAT", approved_at=APPROVED)
    clinic.book(patient, BOOKED)
    clinic.add(aria_tables.NOTE_TYP, note_typ=1, note_typ_desc="Setup sheet")
    for name in ("letter.pdf", "sheet.pdf", *names):
        clinic.add(
            aria_tables.VISIT_NOTE,
            pt_id=f"PT{patient}",
            note_typ=1,
            template_name="Setup",
            trans_log_tstamp=WRITTEN,
            trans_log_mtstamp=REVISED,
            doc_file_loc=name,
            revised_ind="Y" if name == "sheet.pdf" else None,
            valid_entry_ind="Y",
        )
    aria.TABLES.write_sqlite(path, clinic.rows)


def mosaiq_database(path: Path, names: tuple[str, ...]) -> None:
    """One patient with a document of two pages and one with hostile files."""
    clinic = mosaiq.Clinic()
    clinic.activity("77412", "Treatment Daily")
    patient = clinic.patient("4711", "Jansen", "Maria")
    site = clinic.site(patient, clinic.course(patient), "BREAST", approved_at=APPROVED)
    clinic.beam(patient, site, mosaiq.Beam(label="1", plan_uid="1.2.3", number=1))
    clinic.appointment(patient, BOOKED, "77412", "LINAC1")
    clinic.document(patient, ["letter.pdf", "sheet.pdf"], WRITTEN)
    clinic.document(patient, names, WRITTEN)
    mosaiq.TABLES.write_sqlite(path, clinic.rows)


def fill_quarters(share: Path) -> None:
    (share / "2026Q3").mkdir(parents=True)
    (share / "2026Q4").mkdir()
    (share / "2026Q3" / "letter.pdf").write_bytes(LETTER)
    (share / "2026Q3" / "sheet.pdf").write_bytes(b"an older version")
    (share / "2026Q4" / "sheet.pdf").write_bytes(SHEET)


def fill_flat(share: Path) -> None:
    share.mkdir()
    (share / "letter.pdf").write_bytes(LETTER)
    (share / "sheet.pdf").write_bytes(SHEET)


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "more", "write", "fill"),
    [
        ("aria", 'schema = ""', aria_database, fill_quarters),
        ("mosaiq", "", mosaiq_database, fill_flat),
    ],
    ids=["aria", "mosaiq"],
)
def test_documents_that_a_vendors_table_names_are_kept_and_hostile_paths_are_refused_by_name(
    tmp_path: Path, kind: str, more: str, write: Write, fill: Callable[[Path], None]
) -> None:
    write(tmp_path / "ois.db", tuple(HOSTILE))
    fill(tmp_path / "share")
    make_objects(tmp_path / "source", who=(2,), sessions=0)
    settings = SECTION.format(share=tmp_path / "share", kind=kind, database=tmp_path / "ois.db", more=more)
    site = SmallSite.make(tmp_path, settings=settings, on=NIGHT)

    report = site.night(NIGHT)

    (night,) = [one for one in report.patients if one.patient_id == "4711"]
    site.restored(tmp_path / "out", NIGHT)
    assert {path.read_bytes() for path in (tmp_path / "out").rglob("documents/*")} == {LETTER, SHEET}
    assert night.document_count == 2
    assert report.outcome is NightOutcome.INCOMPLETE
    assert unexplained(night) == []


def unexplained(night: PatientNight) -> list[str]:
    """Return which hostile names no reason of the report stands for."""
    reasons = sorted(item.reason.removeprefix("refused: ") for item in night.not_kept)
    return [name for name, why in HOSTILE.items() if not any(why in reason for reason in reasons)]
