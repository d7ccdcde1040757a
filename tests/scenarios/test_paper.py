"""Treating from paper: charts of real plans, and what was signed typed back in by two people."""

from __future__ import annotations

import io
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from file_mode_site import BOTH, ID, beamkeeper
from pypdf import PdfReader

from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

WHEN = ("--given-at", "2026-11-20 10:30", "--machine", "LINAC1")


class Desk:
    """An incident and the commands of paper in a few words."""

    def __init__(self, root: Path, made: Path) -> None:
        self.made = made
        shutil.copytree(made / "incident", root / "incident")
        self.incident = IncidentFolder.open(root / "incident")

    def do(self, command: str, *arguments: object) -> tuple[int, str]:
        return beamkeeper("paper", command, *arguments, "--incident", self.incident.path)

    def enter(self, fraction: int, *more: object, by: str = "A. Jansen") -> int:
        _, said = self.do("enter", ID, "--fraction", fraction, *WHEN, *more, "--by", by, "--json")
        number: int = json.loads(said)["entry"]["number"]
        return number

    def chart(self, *more: object) -> str:
        out = self.incident.path / "chart.pdf"
        assert self.do("chart", ID, "--out", out, *more)[0] == 0
        pages = PdfReader(io.BytesIO(out.read_bytes())).pages
        return " ".join(" ".join(page.extract_text() for page in pages).split())

    def total(self) -> float:
        entry = json.loads(self.do("show", "--json")[1])["entries"][-1]
        return float(sum(meterset for _, meterset in entry["beams"]))


@pytest.fixture
def desk(tmp_path: Path, file_mode_root: Path) -> Desk:
    return Desk(tmp_path, file_mode_root)


def test_a_fraction_from_paper_counts_once_two_people_read_it(desk: Desk) -> None:
    assert "Next fraction 3" in desk.chart()
    line = desk.enter(3)
    said = desk.chart()
    assert "NOT CHECKED" in said
    assert "Next fraction 4?" in said
    status, shown = desk.do("show")
    assert status == 3
    assert f"ID {ID}), line {line}: fraction 3, " in " ".join(shown.split())
    with pytest.raises(ConfigError, match=f"line {line}\\) was not checked"):
        beamkeeper("incident", "close", "--said", "x", "--incident", desk.incident.path)

    assert desk.do("check", line, "--fraction", 3, "--total", round(desk.total()), "--by", "B")[0] == 0
    said = desk.chart()
    assert "Next fraction 4 " in said
    assert f"by hand, line {line}" in said
    assert desk.do("show")[0] == 0


def test_who_typed_it_in_does_not_check_it_and_is_not_told_to_others(desk: Desk) -> None:
    line = desk.enter(3)
    with pytest.raises(ConfigError, match="does not check it"):
        desk.do("check", line, "--fraction", 3, "--total", 1, "--by", " a.  JANSEN")
    status, said = desk.do("check", line, "--fraction", 3, "--total", 1, "--by", "B")

    assert status == 3
    assert str(round(desk.total())) not in said
    assert "Next fraction 4?" in desk.chart()


def test_what_is_wrong_is_struck_out_and_stays_in_the_journal(desk: Desk) -> None:
    line = desk.enter(3)
    with pytest.raises(ConfigError, match="different people"):
        desk.do("strike", line, "--by", "A", "--by", "A", "--reason", "x")
    desk.do("strike", line, *BOTH)

    assert "Next fraction 3" in desk.chart()
    deeds = [row.action for row in desk.incident.journal.rows()]
    assert deeds[-2:] == ["fraction entered by hand", "hand entry struck out"]
    with pytest.raises(ConfigError, match="struck out"):
        desk.do("check", line, "--fraction", 3, "--total", 1, "--by", "B")


def test_a_part_from_paper_is_finished_first(desk: Desk) -> None:
    line = desk.enter(3, "--beam", "2=100")
    desk.do("check", line, "--fraction", 3, "--total", 100, "--by", "B")
    assert "the rest may have been given since" in desk.chart()
    beamkeeper("incident", "settle", ID, "--next", 3, *BOTH, "--incident", desk.incident.path)
    said = desk.chart()
    assert "Next fraction finish 3 " in said
    assert "269.38 MU left" in said

    rest = desk.enter(3)
    desk.do("check", rest, "--fraction", 3, "--total", desk.total(), "--by", "B")
    assert "Next fraction 4" in desk.chart()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fraction", 21, *WHEN), "no fraction 21"),
        (("--fraction", 3, "--given-at", "2199-01-01 10:00", "--machine", "T"), "in the future"),
        (("--fraction", 3, *WHEN, "--beam", "9=10"), "no beam 9"),
        (("--fraction", 3, *WHEN, "--beam", "2=nan"), "no meterset"),
        (("--fraction", 3, *WHEN, "--beam", "2=900"), "more than the 369.38"),
        (("--fraction", 3, *WHEN, "--beam", "two"), "no beam and meterset"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    desk: Desk, arguments: tuple[object, ...], said: str
) -> None:
    before = len(desk.incident.journal.rows())
    with pytest.raises(ConfigError, match=said):
        desk.do("enter", ID, *arguments, "--by", "A")

    assert len(desk.incident.journal.rows()) == before


def test_more_than_the_plan_gives_is_taken_with_a_remark_and_shown(desk: Desk) -> None:
    line = desk.enter(3, "--beam", "2=500", "--remark", "given twice by mistake, physicist told")
    desk.do("check", line, "--fraction", 3, "--total", 500, "--by", "B")

    assert "500 MU delivered" in desk.chart()


def test_with_paper_in_it_an_incident_is_no_drill(desk: Desk, tmp_path: Path) -> None:
    desk.enter(3)
    machines = ("--machines", desk.made / "machines.toml", "--to", "l1", "--share", tmp_path)
    with pytest.raises(ConfigError, match="treats patients"):
        beamkeeper(
            "filemode", "drop", ID, "--fraction", 3, "--born", "1951-03-14", *machines, *BOTH, "--drill",
            "--incident", desk.incident.path,
        )  # fmt: skip
