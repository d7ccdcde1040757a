"""Where a document lies: from what an OIS writes to names below a share's root."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.chart import ChartDocument
from beamkeeper.protect.documents import (
    ShareRules,
    Wanted,
    each_once,
    is_safe_name,
    quarter_folder,
    wanted_by_ois,
)

BRUSSELS = ZoneInfo("Europe/Brussels")
ARIA = ShareRules(
    name="aria",
    zone=BRUSSELS,
    source="aria",
    ois_roots=("\\\\aria01\\va_docs$\\Documents",),
    quarters_since=date(2018, 5, 14),
)
MOSAIQ = ShareRules(name="mosaiq", zone=BRUSSELS, source="mosaiq", ois_roots=("M:\\ESCAN",))


def document(path: str, created: datetime | None = None, revised: datetime | None = None) -> ChartDocument:
    return ChartDocument(document_id="1", title="Setup", path=path, created_at=created, revised_at=revised)


def places(path: str, *when: datetime | None, source: str = "aria") -> list[str]:
    return [str(place) for place in wanted_by_ois(document(path, *when), source, (ARIA, MOSAIQ)).places]


def refused(path: str) -> str:
    wanted = wanted_by_ois(document(path), "aria", (ARIA, MOSAIQ))
    assert bool(wanted.refused) != bool(wanted.places)
    return wanted.refused


@pytest.mark.parametrize(
    ("day", "folder"),
    [
        (date(2026, 1, 1), "2026Q1"),
        (date(2024, 2, 29), "2024Q1"),
        (date(2026, 3, 31), "2026Q1"),
        (date(2026, 4, 1), "2026Q2"),
        (date(2026, 12, 31), "2026Q4"),
    ],
)
def test_quarters_are_those_of_the_calendar(day: date, folder: str) -> None:
    assert quarter_folder(day) == folder


def test_a_note_lies_in_the_quarter_of_its_present_version() -> None:
    created, revised = datetime(2025, 12, 30, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)

    assert places("note.docx", created) == ["aria/2025Q4/note.docx", "aria/note.docx"]
    assert places("note.docx", created, revised)[0] == "aria/2026Q1/note.docx"
    assert places("note.docx", created, revised)[1:] == ["aria/2025Q4/note.docx", "aria/note.docx"]


def test_the_quarter_turns_with_the_servers_clock_in_winter_and_summer() -> None:
    new_year = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)  # 00:30 in Brussels
    in_summer_time = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # 00:30 on 1 April
    still_march = datetime(2026, 3, 31, 21, 30, tzinfo=UTC)

    assert places("a.docx", new_year)[0] == "aria/2026Q1/a.docx"
    assert places("a.docx", in_summer_time)[0] == "aria/2026Q2/a.docx"
    assert places("a.docx", still_march)[0] == "aria/2026Q1/a.docx"


def test_a_note_from_before_the_quarter_folders_lies_flat() -> None:
    assert places("old.doc", datetime(2018, 5, 13, 12, tzinfo=UTC)) == ["aria/old.doc"]
    assert places("old.doc") == ["aria/old.doc"]


def test_a_whole_path_lies_below_the_root_it_begins_with_whatever_its_case() -> None:
    assert places("\\\\ARIA01\\VA_DOCS$\\documents\\2026Q1\\a.docx") == ["aria/2026Q1/a.docx"]
    assert places("//aria01/va_docs$/Documents/2026Q1/a.docx") == ["aria/2026Q1/a.docx"]
    assert places("M:\\ESCAN\\0001.tif", source="mosaiq") == ["mosaiq/0001.tif"]


def test_the_pages_of_one_scan_are_told_apart_however_a_database_sorts_them() -> None:
    def page(number: int) -> Wanted:
        named = ChartDocument(document_id="7", title=f"scan, page {number}", path=f"{number}.tif")
        return wanted_by_ois(named, "mosaiq", (MOSAIQ,))

    found = {one.document_id: one.title for one in each_once([page(3), page(2), page(1), page(2)])}

    assert found == {"mosaiq/7": "scan, page 1", "mosaiq/7#2": "scan, page 2", "mosaiq/7#3": "scan, page 3"}


def test_a_bare_name_is_looked_for_on_the_share_of_its_ois_alone() -> None:
    assert places("0001.tif", source="mosaiq") == ["mosaiq/0001.tif"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "..\\..\\windows\\win.ini",
        "../../etc/passwd",
        "a/../../b",
        "./a.txt",
        "/etc/passwd",
        "C:\\secret.txt",
        "C:secret.txt",
        "\\\\evil\\share\\a.txt",
        "\\\\aria01\\va_docs$\\Documents\\..\\..\\c$\\a.txt",
        "\\\\aria01\\va_docs$\\DocumentsElsewhere\\a.txt",
        "\\\\?\\C:\\a.txt",
        "\\\\.\\pipe\\x",
        "note.txt:stream",
        "nul",
        "NUL.txt",
        "com1.pdf",
        "COM¹",
        "aux .txt",
        "a\x00.txt",
        "a\n.txt",
        "a*.txt",
        "dots...",
        "blank ",
        "folder /a.txt",
        "x" * 256,
        "a/" * 500 + "b",
        "/".join("abcdefghijklmn"),
        "\ud800.txt",
        "folder\\",
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused_with_a_reason(path: str) -> None:
    if path == "blank ":
        assert places(path) == ["aria/blank"]  # padding of a fixed-length column
    else:
        assert refused(path)


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(["..", ".", "a", "", "C:", "nul", "\\\\x"])).map("\\".join)
)
def test_whatever_a_database_says_only_harmless_names_are_looked_for(path: str) -> None:
    wanted = wanted_by_ois(document(path), "aria", (ARIA, MOSAIQ))

    for place in wanted.places:
        assert place.segments
        assert all(is_safe_name(name) for name in place.segments)
        assert not set("/\\:\x00") & set("".join(place.segments))
        assert ".." not in place.segments
