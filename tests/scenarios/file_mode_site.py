"""An incident of two patients with whole plans, for treating from files and from paper; the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import night_site
import pytest
from night_site import NIGHT_1, SmallSite, make_objects
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

ID, BORN, OTHER_ID = "00012345", "1951-03-14", "BK-21120"
BOTH = ("--by", "A. Jansen", "--by", "B. Peeters", "--reason", "OIS gone")
MACHINES = """format = 1
[[machine]]
id = "l1"
name = "LINAC1"
site = "Home"
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc", "Synthetic"]
own = true
commissioned = ["VMAT"]
[[machine]]
id = "other"
name = "LINAC9"
site = "Home"
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc", "Synthetic"]
commissioned = ["VMAT"]
"""


def beamkeeper(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(map(str, arguments)), standalone_mode=False, env={"COLUMNS": "80"})
    if done.exception is not None:
        raise done.exception
    return done.return_value or 0, done.stdout


def make_incident(root: Path) -> None:
    """Two patients with whole plans on one machine, a night, and an incident in which nothing is in doubt."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(night_site, "IMAGES_A_PATIENT", 1000)
        make_objects(root / "site" / "source", who=(0, 7), sessions=2)
    site = SmallSite.make(root / "site")
    assert site.night(NIGHT_1).outcome.value == "complete"
    (root / "machines.toml").write_text(MACHINES)
    folder = ("--incident", root / "incident")
    beamkeeper("declare", "--site", site.site_file, "--out", root / "incident", "--by", "A", "--quick")
    for patient in (ID, OTHER_ID):
        assert beamkeeper("incident", "settle", patient, "--next", 3, *BOTH, *folder)[0] == 0
