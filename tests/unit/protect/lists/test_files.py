"""Every form says what the rows say, computes nothing, and is the same for the same rows."""

from __future__ import annotations

import csv
import html
import io
import re
import subprocess
import zipfile
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from people_on_lists import HEAD, person
from pydicom import dcmread
from reading_pdf import pdf_text, squeezed

from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.words import COLUMNS, columns_of
from beamkeeper.protect.lists import ListRow, Section, list_rows
from beamkeeper.protect.lists.csv_file import DANGEROUS, HARMLESS, harmless
from beamkeeper.protect.lists.files import list_files
from beamkeeper.protect.lists.pdf import page_pdf
from beamkeeper.protect.lists.triage import triage_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NASTY = (
    '=HYPERLINK("http://x")^A',
    "+32^A",
    "-2+3^A",
    "@SUM(A1)^A",
    "\t=1^A",
    "#strong[x]^*_$<b>&\\\"'",
    "<script>alert(1)</script>^B",
    "Wolfeschlegelsteinhausenbergerdorff" * 5 + "^Hubert",
    "王^小東=Wang^XiaoDong",
    "بن علي^محمد",
    "Müller-Østergård^Zoë",
    "Jansen^Maria",
    "JANSEN^MARIA",
)
ATTRIBUTES = {
    *("lang", "charset", "name", "content", "http-equiv", "class", "style"),
    *("scope", "colspan", "dir", "tabindex", "role", "aria-label"),
}
SPREADSHEET = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


@pytest.fixture(scope="module")
def rows() -> tuple[ListRow, ...]:
    persons = [
        person(number, name, code=str(number % 5 or ""), partial=number == 3, days_ago=number % 4)
        for number, name in enumerate(NASTY, start=1)
    ]
    more = [
        person(50, given=0),
        person(51, given=None, phone=""),
        person(52, given=25),
        person(53, given=0, missing=("The structure set is missing (1.2.3).",)),
        person(54, conflict="The OIS counts 13 fractions.", appointment_in=timedelta(days=1), machine="TB1"),
    ]
    return list_rows([*persons, *more], HEAD)


@pytest.fixture(scope="module")
def files(rows: tuple[ListRow, ...]) -> dict[str, bytes]:
    return list_files(HEAD, rows)


def test_the_same_rows_give_the_same_bytes_in_every_form(
    rows: tuple[ListRow, ...], files: dict[str, bytes]
) -> None:
    assert list_files(HEAD, rows) == files


def test_a_pdf_ends_with_a_line_so_that_no_archive_takes_its_last_byte_for_padding(
    files: dict[str, bytes],
) -> None:
    assert all(data.endswith(b"%%EOF\n") for name, data in files.items() if name.endswith(".pdf"))


def test_the_pdf_has_every_patient_with_id_fraction_next_machine_and_phone(
    rows: tuple[ListRow, ...], files: dict[str, bytes], tmp_path: Path
) -> None:
    text = squeezed(pdf_text(files["triage-list.pdf"], tmp_path))

    for row in rows:
        assert f"ID{row.patient.patient_id}" in text
        assert all(squeezed(line.given) in text for line in row.plans)
        assert row.first_call is None or squeezed(row.first_call.phone) in text
        for said in (row.because, *row.warnings):
            if said.isascii() and len(said) < 120:
                assert squeezed(said) in text
    assert "finishfraction13first:beam1has120.00of350.00MU" in text
    assert "18patientsinthisnight:14ontreatment,1readytostart,2notreadytostart,1finished." in text
    assert "page1of" in text


def test_every_page_of_the_pdf_says_who_decides_and_of_which_night(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    for name in ("triage-list.pdf", "contact-list.pdf", "day-schedule.pdf"):
        for page in filter(str.strip, pdf_text(files[name], tmp_path).split("\f")):
            assert "physician decides" in " ".join(page.split())
            assert "Night of Tuesday 2026-03-03" in " ".join(page.split())
            assert "Not a medical device" in " ".join(page.split())


def test_a_name_that_no_font_shows_stands_as_code_points_in_pdf_a(tmp_path: Path) -> None:
    made = list_files(HEAD, list_rows([person(1, "王^小東"), person(2, "Jan\u202eets^\u0645")], HEAD))
    text = squeezed(pdf_text(made["triage-list.pdf"], tmp_path))

    assert "‹U+738B›,‹U+5C0F›‹U+6771›" in text
    assert "Jan‹U+202E›ets" in text
    for name in ("triage-list.pdf", "contact-list.pdf", "day-schedule.pdf"):
        assert b"<pdfaid:part>2</pdfaid:part>" in made[name]
    assert "王, 小東" in html.unescape(made["triage-list.html"].decode())


class _Read(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", ["triage-list", "contact-list", "day-schedule"])
def test_the_html_runs_and_loads_nothing_and_has_every_name(
    rows: tuple[ListRow, ...], files: dict[str, bytes], name: str
) -> None:
    read = _Read(files[f"{name}.html"].decode())

    assert "script" not in {tag for tag, _ in read.tags}
    assert not {"src", "href", "onclick", "onload"} & {
        key for _, attributes in read.tags for key in attributes
    }
    policy = next(told["content"] for _, told in read.tags if "http-equiv" in told)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "style" not in {key for _, attributes in read.tags for key in attributes}
    for row in rows:
        if name != "day-schedule" or row.appointments:
            assert squeezed(shown_name(row.patient.name)) in squeezed(html.unescape(read.text))


@pytest.mark.parametrize("name", ["triage-list", "contact-list", "day-schedule"])
def test_the_text_keeps_within_80_columns_and_has_every_patient(
    rows: tuple[ListRow, ...], files: dict[str, bytes], name: str
) -> None:
    lines = files[f"{name}.txt"].decode().splitlines()

    assert max(map(columns_of, lines)) <= COLUMNS
    assert all(f"ID {row.patient.patient_id}" in "\n".join(lines) for row in rows if row.appointments)


def read_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_the_csv_has_a_line_for_each_plan_and_gives_every_value_back(
    rows: tuple[ListRow, ...], files: dict[str, bytes]
) -> None:
    found = read_csv(files["triage-list.csv"])

    expected = [(row, line) for row in rows for line in row.plans]
    assert len(found) == len(expected)
    for (row, line), values in zip(expected, found, strict=True):
        plain = {key: value.removeprefix(HARMLESS) for key, value in values.items()}
        assert plain["name"] == shown_name(row.patient.name)
        assert plain["Patient ID"] == row.patient.patient_id
        assert (plain["given"], plain["next fraction"]) == (line.given, line.next_fraction)
        assert plain["call first"] == (row.first_call.phone if row.first_call else "")


def test_no_cell_of_a_csv_begins_like_a_formula(files: dict[str, bytes]) -> None:
    cells = [
        value
        for name, data in files.items()
        if name.endswith(".csv")
        for values in read_csv(data)
        for value in values.values()
    ]

    assert any("HYPERLINK" in value for value in cells)
    assert not [value for value in cells if value[:1] in DANGEROUS and value]


@pytest.mark.parametrize("sign", sorted(DANGEROUS))
def test_a_dangerous_cell_reads_the_same_behind_one_blank(sign: str) -> None:
    assert harmless(f"{sign}1+1") == f"{HARMLESS}{sign}1+1"
    assert harmless("Jansen = 1") == "Jansen = 1"


def test_a_byte_order_mark_is_written_when_asked_for(rows: tuple[ListRow, ...]) -> None:
    assert list_files(HEAD, rows, bom=True)["triage-list.csv"].startswith(b"\xef\xbb\xbf")
    assert list_files(HEAD, rows)["triage-list.csv"].startswith(b'"')


def cells_of(book: zipfile.ZipFile, number: int) -> list[list[str]]:
    shared = ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314 - ours
    texts = ["".join(part.itertext()) for part in shared.findall("m:si", SPREADSHEET)]
    sheet = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314
    return [
        [texts[int(cell.findtext("m:v", "", SPREADSHEET))] for cell in row.findall("m:c", SPREADSHEET)]
        for row in sheet.iterfind(".//m:row", SPREADSHEET)
    ]


def test_the_workbook_holds_text_only_and_what_the_rows_say(
    rows: tuple[ListRow, ...], files: dict[str, bytes]
) -> None:
    book = zipfile.ZipFile(io.BytesIO(files["lists.xlsx"]))
    names = [info.filename for info in book.infolist()]
    sheets = [book.read(name) for name in names if name.startswith("xl/worksheets/sheet")]

    assert len(sheets) == 3
    assert not [name for name in names if "vba" in name.lower() or "external" in name.lower()]
    for sheet in sheets:
        assert b"<f>" not in sheet
        assert b"<hyperlink" not in sheet
        assert set(re.findall(rb' t="(\w+)"', sheet)) == {b"s"}
    found = cells_of(book, 1)
    at = next(index for index, row in enumerate(found) if row[:2] == ["no.", "name"])
    assert [row[1] for row in found[at + 1 :]] == [
        shown_name(row.patient.name) for row in rows for _ in row.plans
    ]
    assert all(len(row[2]) == 7 for row in found[at + 1 :]), "an ID keeps its zeros"
    assert {info.date_time for info in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_from_which_share_of_capacity_a_code_is_treated_stands_on_every_list(tmp_path: Path) -> None:
    said = "Codes 1 and 2 from 10 % of normal capacity."
    made = list_files(replace(HEAD, shares=said), list_rows([person(1, "A^B")], HEAD))
    book = zipfile.ZipFile(io.BytesIO(made["lists.xlsx"]))

    for name in ("triage-list", "contact-list", "day-schedule"):
        assert squeezed(said) in squeezed(pdf_text(made[f"{name}.pdf"], tmp_path))
        assert all(said in made[f"{name}.{kind}"].decode() for kind in ("html", "txt"))
    assert all(["capacity", said] in [row[:2] for row in cells_of(book, sheet)] for sheet in (1, 2, 3))


def test_what_xml_cannot_hold_of_a_name_is_called_by_its_code_point() -> None:
    book = list_files(HEAD, list_rows([person(1, "A\x01\x00B^C")], HEAD))

    found = cells_of(zipfile.ZipFile(io.BytesIO(book["lists.xlsx"])), 1)
    assert found[-1][1] == "A‹U+0001›‹U+0000›B, C"


def test_an_empty_night_says_that_it_is_no_quiet_one(tmp_path: Path) -> None:
    files = list_files(HEAD, ())

    said = "Nobody is on the list of this night. That is not a quiet night: find out why."
    assert squeezed(said) in squeezed(pdf_text(files["triage-list.pdf"], tmp_path))
    assert said in html.unescape(files["triage-list.html"].decode())
    assert squeezed(said) in squeezed(files["triage-list.txt"].decode())
    assert "0 patients in this night" in files["triage-list.txt"].decode()
    assert read_csv(files["triage-list.csv"]) == []


def test_three_hundred_patients_are_all_on_the_pages(tmp_path: Path) -> None:
    rows = list_rows([person(number, given=number % 26) for number in range(300)], HEAD)
    text = squeezed(pdf_text(page_pdf(triage_page(HEAD, rows), made_at=0), tmp_path))

    assert all(f"ID{row.patient.patient_id}" in text for row in rows)
    assert {row.section for row in rows} == {Section.ON_TREATMENT, Section.READY, Section.FINISHED}


def test_a_list_as_dicom_holds_the_pdf_and_is_of_nobody_on_it(
    program: Callable[[str], str], tmp_path: Path
) -> None:
    rows = list_rows([person(1)], HEAD)
    files = list_files(HEAD, rows, dicom=True)
    made = dcmread(io.BytesIO(files["triage-list.dcm"]))
    path = tmp_path / "triage-list.dcm"
    path.write_bytes(files["triage-list.dcm"])
    said = subprocess.run([program("dciodvfy"), path], capture_output=True, text=True, check=False)

    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == files["triage-list.pdf"]
    assert (made.PatientID, made.PatientBirthDate) == ("BEAMKEEPER-LISTS", "")
    assert "Error" not in said.stdout + said.stderr
    assert list_files(HEAD, rows, dicom=True) == files
    assert not [name for name in list_files(HEAD, rows) if name.endswith(".dcm")]


def test_a_word_longer_than_a_column_is_broken_and_reads_the_same(tmp_path: Path) -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff" * 3
    text = pdf_text(page_pdf(triage_page(HEAD, list_rows([person(1, long)], HEAD)), made_at=0), tmp_path)

    assert long not in text
    assert all(piece in squeezed(text) for piece in (long[:16], long[16:32]))
