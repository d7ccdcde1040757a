"""`beamkeeper source check` before a simulated department."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from archive_site import rewrite, site_of, small_department
from night_site import NIGHT_1, SmallSite, at
from tests.listening import free_port

from beamkeeper.app.cli.source import check as command
from beamkeeper.app.jobs.runtime import only_one
from beamkeeper.app.source_check import check_sources, sheets_pdf
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.app.source_check import Sheet
    from beamkeeper.rehearse.sim import Department


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    with small_department(tmp_path_factory.mktemp("department")) as running:
        yield running


@pytest.fixture
def site(department: Department, tmp_path: Path) -> SmallSite:
    return site_of(tmp_path, department, port=free_port())


def check(site: SmallSite) -> Sheet:
    (sheet,) = check_sources(site.site, at(NIGHT_1))
    return sheet


def part(sheet: Sheet, number: int) -> str:
    (found,) = [part for part in sheet.parts if part.number == number]
    return f"{found.verdict}: {' '.join(found.lines)}"


def test_a_sheet_has_all_eight_parts_and_a_plan_of_the_ois_comes_from_the_archive(site: SmallSite) -> None:
    sheet = check(site)

    assert [found.number for found in sheet.parts] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not sheet.has_bad
    assert part(sheet, 3).startswith("good: [course] status:   Active (3 rows): open")
    assert part(sheet, 7).startswith("good: archive, SIMARCHIVE:   C-ECHO: answers.   C-FIND: plan 2.25.")
    assert "is the one that was asked for" in part(sheet, 7)
    assert "2 patients would be kept" in part(sheet, 8)
    assert not (site.site.data_dir / "source-check").exists()
    assert sheets_pdf([sheet], made_at=0) == sheets_pdf([sheet], made_at=0)


def test_documents_are_looked_for_where_the_site_file_says(site: SmallSite, department: Department) -> None:
    folder = department.documents_dir
    share = f'[[documents]]\nkind = "folder"\nname = "emr"\npath = "{folder}"\n'
    rewrite(site, {'[[sources]]\nkind = "sql"': f'{share}\n[[sources]]\nkind = "sql"'})

    assert part(check(site), 6).startswith("good: 4 of 4 are there.")


def test_an_archive_that_does_not_know_us_is_bad_and_the_rest_is_checked(
    department: Department, tmp_path: Path
) -> None:
    site = site_of(tmp_path, department, port=free_port())
    rewrite(site, {'ae_title = "BEAMKEEPER"': 'ae_title = "STRANGER"'})
    sheet = check(site)

    assert sheet.has_bad
    assert part(sheet, 7).startswith("bad: archive, SIMARCHIVE:   C-ECHO: answers.")
    assert part(sheet, 5).startswith("unchecked: □ 1.")


def test_while_a_night_runs_the_archive_is_left_to_it(site: SmallSite) -> None:
    with only_one(site.site):
        sheet = check(site)

    assert part(sheet, 7).startswith("unchecked: Another Beamkeeper process")


def test_a_database_that_is_away_leaves_a_sheet_that_says_so(site: SmallSite, tmp_path: Path) -> None:
    text = site.site_file.read_text(encoding="utf-8")
    lines = [
        f'url = "sqlite:///{tmp_path}/nowhere.db"' if line.startswith("url = ") else line
        for line in text.splitlines()
    ]
    site.site_file.write_text("\n".join(lines), encoding="utf-8")
    sheet = check(site)

    assert [found.verdict for found in sheet.parts] == ["bad", *["unchecked"] * 7]
    assert "There is no database file" in part(sheet, 1)


def test_a_name_that_no_source_has_is_refused(site: SmallSite) -> None:
    with pytest.raises(ConfigError, match="'nobody'"):
        list(check_sources(site.site, at(NIGHT_1), only="nobody"))


def test_the_command_prints_json_and_writes_the_sheet_as_pdf(
    site: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pdf = tmp_path / "sheet.pdf"
    command(name="ois", pdf=pdf, site=site.site_file, json_=True)

    (sheet,) = json.loads(capsys.readouterr().out)["sheets"]
    assert [found["number"] for found in sheet["parts"]] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.stat().st_mode & 0o077 == 0


def test_the_command_prints_the_sheet_and_says_with_its_status_that_something_is_bad(
    site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    status = command(site=site.site_file)  # months after the department's last day: nobody is on the list

    printed = capsys.readouterr().out.splitlines()
    assert status == 1
    assert printed[0] == "Self-check of the source ois, Small department"
    assert "✗ 8. How many there are" in printed
    assert max(map(len, printed)) <= 80
