"""What a department decided beforehand survives the attack on its collector: it goes along every night."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite
from test_placement import PARTNERS
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.day_files import CALENDAR, NAMES, PARAMETERS, lay_out
from beamkeeper.app.jobs.gap_choice import parameter_sets
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.lists import gather_by_site
from beamkeeper.app.jobs.reporting import last_report
from beamkeeper.app.jobs.treatment_days import days_said
from beamkeeper.app.jobs.triage import rules_text
from beamkeeper.respond.gap import read_parameters
from beamkeeper.respond.gap.parameters_file import OWN_TEXT
from beamkeeper.respond.triage import read_rules, shipped_rules

if TYPE_CHECKING:
    from pathlib import Path

HOLIDAY = "2026-04-06"
SECTIONS = f"""
[incident]
triage_rules = "our-rules.toml"
partners = "who-helps.toml"
[gap]
parameters = "our-numbers.toml"
holidays = [{HOLIDAY}]
make_up_days = ["sat"]
"""


@pytest.fixture
def deciding(kept_site: SmallSite) -> SmallSite:
    """A site whose people wrote their files."""
    folder = kept_site.site_file.parent
    (folder / "our-rules.toml").write_text(shipped_rules().replace('version = "', 'version = "ours-'))
    (folder / "who-helps.toml").write_text(PARTNERS)
    (folder / "our-numbers.toml").write_text(OWN_TEXT)
    kept_site.site_file.write_text(kept_site.site_file.read_text() + SECTIONS)
    return kept_site


def declared_elsewhere(site: SmallSite, tmp_path: Path) -> tuple[IncidentFolder, dict[str, object]]:
    """Declare from what is left: a copy of the vault and three cards."""
    shutil.move(site.vault_dir, tmp_path / "copy")
    cards = "\n".join((*site.cards[:3], ""))
    shutil.rmtree(site.site_file.parent)
    where = ("--vault", tmp_path / "copy", "--words", "--zone", "Europe/Brussels")
    out = ("--out", tmp_path / "incident", "--by", "A", "--json")
    strange = {"HOME": str(tmp_path / "laptop"), "XDG_STATE_HOME": ""}
    done = CliRunner().invoke(app, ["declare", *map(str, (*where, *out))], input=cards, env=strange)
    assert done.exit_code == 0, done.output
    return IncidentFolder.open(tmp_path / "incident"), json.loads(done.stdout[done.stdout.index("{") :])


def test_rules_partners_numbers_and_days_of_the_department_count_on_a_strange_laptop(
    deciding: SmallSite, tmp_path: Path
) -> None:
    deciding.night(NIGHT_2)

    folder, said = declared_elsewhere(deciding, tmp_path)

    assert read_rules(rules_text(folder)).version.startswith("ours-")
    lists = [page.read_text().split() for page in (folder.path / "lists").glob("*.txt")]
    assert [sum(word.startswith("ours-") for word in words) for words in lists] == [1] * 3
    assert (folder.path / "partners.toml").read_text() == PARTNERS
    assert parameter_sets(folder) != read_parameters([])
    days = days_said(folder.journal.rows())
    assert days is not None
    assert (HOLIDAY in map(str, days.holidays), days.make_up_weekdays) == (True, frozenset({5}))
    assert said["own_files"] == sorted(NAMES)
    told = [row.details.get("said", "") for row in folder.journal.rows()]
    assert sum("as the copy brought it" in str(one) for one in told) == 4


def test_a_wrong_file_does_not_go_along_and_every_night_says_so(deciding: SmallSite, tmp_path: Path) -> None:
    (deciding.site_file.parent / "our-rules.toml").write_text("format = 7\n")
    (deciding.site_file.parent / "who-helps.toml").unlink()

    deciding.night(NIGHT_2)
    report = last_report(deciding.site, NIGHT_2)
    folder, said = declared_elsewhere(deciding, tmp_path)

    assert report is not None
    assert sum("does not go along" in one for one in report.remarks) == 2
    assert said["own_files"] == [CALENDAR, PARAMETERS]
    assert rules_text(folder) == shipped_rules()


def test_rules_changed_on_the_collector_since_the_night_count_neither_in_lists_nor_in_the_order(
    deciding: SmallSite, tmp_path: Path
) -> None:
    deciding.night(NIGHT_2)
    rules = deciding.site_file.parent / "our-rules.toml"
    rules.write_text(rules.read_text().replace('version = "ours-', 'version = "theirs-'))
    out = ("--site", deciding.site_file, "--out", tmp_path / "incident", "--by", "A", "--newest", "--quick")
    done = CliRunner().invoke(app, ["declare", *map(str, out)])
    folder = IncidentFolder.open(tmp_path / "incident")

    assert done.exit_code == 0, done.output
    assert read_rules(rules_text(folder)).version.startswith("ours-")
    lists = [page.read_text() for page in (folder.path / "lists").glob("*.txt")]
    assert [("ours-" in page, "theirs-" in page) for page in lists] == [(True, False)] * 3


def test_files_of_an_earlier_night_come_with_the_copy_of_that_night(
    deciding: SmallSite, tmp_path: Path
) -> None:
    deciding.night(NIGHT_2)
    before = gather_by_site(deciding.runtime(), night=NIGHT_1)
    folder = IncidentFolder.create(tmp_path / "incident")

    assert not lay_out(folder, before).files
    assert lay_out(folder, gather_by_site(deciding.runtime(), night=NIGHT_2)).files
