"""The room's command: an address is printed only where it leads somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.incident_folder import INCIDENT, IncidentFolder
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_whose_lists_were_not_finished_is_refused_before_an_address_is_shown(tmp_path: Path) -> None:
    folder = IncidentFolder.create(tmp_path / "incident")
    folder.keep(INCIDENT, b"{}")
    done = CliRunner().invoke(app, ["incident", "room", "--incident", str(folder.path)])

    assert isinstance(done.exception, ConfigError)
    assert "not finished" in done.exception.message
    assert "http" not in done.output
