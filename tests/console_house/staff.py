"""Accounts of a house, made by the command line as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.console_house.visitor import Visitor

if TYPE_CHECKING:
    from tests.console_house.house import House


def command(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `beamkeeper console …` on a house."""
    return subprocess.run(
        [sys.executable, "-m", "beamkeeper", "console", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"BEAMKEEPER_SITE": str(house.site_file)},
    )


def invited(house: House, login: str, role: str) -> str:
    """Return the link of somebody's invitation."""
    done = command(house, "add-person", login, "--role", role, "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["invited"]["link"])


def newcomer(house: House, login: str, role: str) -> Visitor:
    """Return somebody who has accepted the invitation and logged in, with a second factor where one must."""
    visitor = Visitor(house)
    visitor.accept(invited(house, login, role))
    visitor.log_in(login)
    if role != "auditor":
        visitor.set_up_factor()
    return visitor
