"""`beamkeeper gap`: one course, without a site; with one, by its days and numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.site_template import SiteAnswers, site_text
from beamkeeper.errors import ConfigError
from beamkeeper.respond.gap.course_file import EXAMPLE
from beamkeeper.respond.gap.parameters_file import OWN_TEXT


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BEAMKEEPER_SITE", raising=False)
    Path("course.toml").write_text(EXAMPLE, encoding="utf-8")

    def invoke(*arguments: str):
        return CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(app, ["gap", *arguments])

    return invoke


def test_the_example_it_prints_is_one_it_computes(run) -> None:
    Path("own.toml").write_text(run("--example").stdout, encoding="utf-8")

    assert "61.50" in run("own.toml").stdout


def test_the_parameters_it_prints_are_those_it_uses(run) -> None:
    assert run("--show-parameters").stdout == OWN_TEXT


def test_json_is_one_document(run) -> None:
    document = json.loads(run("course.toml", "--json").stdout)

    assert (document["format"], document["version"]) == ("beamkeeper-gap", 1)
    assert document["nothing"]["tumour"]["bed_gy"] == pytest.approx(61.5)


def test_the_sheets_are_written_for_their_owner_alone(run) -> None:
    result = run("course.toml", "--pdf", "out/sheet.pdf", "--html", "out/sheet.html", "--explain")

    assert result.exit_code == 0
    assert "HOW EACH NUMBER COMES ABOUT" in result.stdout
    assert Path("out/sheet.pdf").read_bytes().startswith(b"%PDF")
    assert Path("out/sheet.pdf").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "No course file was named"),
        (("absent.toml",), "absent.toml cannot be read"),
        (("course.toml", "--parameters", "absent.toml"), "absent.toml cannot be read"),
        (("course.toml", "--site", "absent.toml"), "cannot be read"),
    ],
)
def test_what_is_not_there_is_named(run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)

    assert isinstance(result.exception, ConfigError)
    assert said in result.exception.message


def test_a_file_too_large_or_not_text_is_refused(run) -> None:
    Path("large.toml").write_bytes(b"#" * 300_000)
    Path("odd.toml").write_bytes(b"\xff\xfe")

    assert "larger than" in run("large.toml").exception.message
    assert "cannot be read" in run("odd.toml").exception.message


def test_the_days_of_the_site_file_are_those_of_the_department(run) -> None:
    answers = SiteAnswers(
        name="a",
        time_zone="Europe/Brussels",
        data_dir=Path("data"),
        vault_dir=Path("vault"),
        keys_dir=Path("keys"),
        archive=("PACS", "192.0.2.10", 104),
    )
    Path("beamkeeper.toml").write_text(
        site_text(answers) + "\n[gap]\nservice = [2026-10-12]\nmake_up_days = []\n", encoding="utf-8"
    )
    document = json.loads(run("course.toml", "--json").stdout)

    assert document["nothing"]["schedule"][0]["on"] == "2026-10-13"
    assert "weekends" not in [option["id"] for option in document["options"]]


def test_a_site_file_that_nobody_can_read_is_named_and_does_not_stop_a_course(run, monkeypatch) -> None:
    monkeypatch.setenv("BEAMKEEPER_SITE", "absent-site.toml")
    result = run("course.toml")

    assert result.exit_code == 0
    assert "absent-site.toml cannot be read by you" in result.stderr
