"""Accounts of a house, made as a person would make them on the collector; all in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.console_house.clock import FileClock
from tests.console_house.visitor import Visitor

from beamkeeper.app.site import load_site
from beamkeeper.app.web.serving import console_certificates
from beamkeeper.app.web.settings import prepare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.console_house.house import House

ROOT = Path(__file__).resolve().parents[2]


def command(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `beamkeeper console …` on a house; by the machine's own clock."""
    return subprocess.run(
        [sys.executable, "-m", "beamkeeper", "console", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"BEAMKEEPER_SITE": str(house.site_file)},
    )


def invite(house: House, clock: FileClock, roles: Mapping[str, str]) -> dict[str, str]:
    """Return the links of invitations, by login."""
    command = [sys.executable, "-m", "tests.console_house.staff", str(house.site_file), str(clock.path)]
    done = subprocess.run(
        [*command, *(f"{login}:{role}" for login, role in roles.items())],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def newcomers(house: House, clock: FileClock, roles: Mapping[str, str]) -> dict[str, Visitor]:
    """Return people who accepted their invitations and logged in, with a second factor where one must."""
    staff = {}
    for login, link in invite(house, clock, roles).items():
        staff[login] = Visitor(house)
        staff[login].accept(link)
        staff[login].log_in(login)
        if roles[login] != "auditor":
            staff[login].set_up_factor()
    return staff


def _main() -> None:
    site = load_site(Path(sys.argv[1]))
    clock = FileClock(Path(sys.argv[2]))
    console_certificates(site, clock)
    prepare(site, clock)
    from beamkeeper.app.web.accounts import add_person
    from beamkeeper.app.web.console import the_console

    pairs = [pair.split(":") for pair in sys.argv[3:]]
    made = {login: add_person(the_console(), login, role).link for login, role in pairs}
    sys.stdout.write(json.dumps(made))


if __name__ == "__main__":
    _main()
