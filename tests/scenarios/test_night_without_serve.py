"""A site that runs `beamkeeper night` from a timer and nothing else: its disk says which nights count."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from night_site import CARDS
from voting_site import NIGHT_1, QUORUM, SmallSite, ask_people, lose_a_structure_set

from beamkeeper.app.drill.keyboard import typed
from beamkeeper.app.jobs.incident_folder import IncidentFolder

if TYPE_CHECKING:
    from pathlib import Path

WAITS, QUIET = NIGHT_1 + timedelta(days=1), NIGHT_1 + timedelta(days=2)


def run(site: SmallSite, *words: object, on: date, hour: int = 2, account: str = "", keys: str = "") -> None:
    at = datetime.combine(on, time(hour), tzinfo=UTC)
    done = typed([*map(str, words)], at=at, account=account, keys=keys)
    assert done.status in {0, 3}, done.err


def night(site: SmallSite, on: date) -> None:
    run(site, "night", "--site", site.site_file, "--on", on, on=on)


def passed_over(site: SmallSite, root: Path, on: date) -> set[date]:
    """Carry the vault away on a disk, declare on a laptop with three cards; return what is not believed."""
    shutil.copytree(site.vault_dir, root / f"disk-{on}")
    words = "\n".join((site.root / CARDS).read_text().splitlines()[:3]) + "\n"
    out = root / f"incident-{on}"
    command = ("declare", "--vault", root / f"disk-{on}", "--words", "--zone", "UTC", "--out", out)
    run(site, *command, "--by", "A", "--quick", on=on, hour=12, keys=words)
    inventory = IncidentFolder.open(out).inventory()
    assert inventory.night == on
    return {night for one in inventory.persons for night in one.passed_over}


@pytest.mark.long
def test_a_quiet_night_counts_and_one_that_waits_for_people_does_not(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    ask_people(kept_site, QUORUM)
    lose_a_structure_set(kept_site)
    night(kept_site, WAITS)
    assert passed_over(kept_site, tmp_path, WAITS) == {WAITS}
    for person in ("an", "bo"):
        run(kept_site, "vote", "confirm", "--site", kept_site.site_file, on=WAITS, hour=8, account=person)

    night(kept_site, QUIET)
    assert passed_over(kept_site, tmp_path, QUIET) == set()
