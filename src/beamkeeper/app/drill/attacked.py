"""One attack, from the days before it to the inventory on a strange laptop, held against the truth.

1. the days before are played by the department, a process in a network of its own (`before`);
2. everything is deleted but the disk, and three of the five cards are found;
3. `beamkeeper declare` is typed on a laptop that was never here, in another network with nothing in it;
4. its inventory is held against the truth, patient by patient (`rehearse.attack`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.drill.before import drilled_month
from beamkeeper.app.drill.home import DISK, HOME
from beamkeeper.app.drill.house import House, enclosed, is_enclosing, last_words, surroundings
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.errors import IntegrityError
from beamkeeper.rehearse.attack import moment_of, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.rehearse.attack import Moment, Month, Verdict

CARDS_FOUND: Final = (0, 2, 4)
LAPTOP, PARTNER = "laptop", "partner"
"""Folders of the houses that go on, beside the disk."""
DECLARED_AFTER: Final = timedelta(minutes=40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """What came of one attack.

    Attributes
    ----------
    played_s, declared_s
        Seconds on the clock: for the days before the attack; from the cold start of `declare` to its end,
        the whole vault read.
    is_enclosed
        Whether each house had a network and a file system of its own.
    """

    seed: int
    month: Month
    verdict: Verdict
    nights: int
    played_s: float
    declared_s: float
    is_enclosed: bool
    incident: Path
    cards: tuple[str, ...]


def attack(root: Path, seed: int, *, patients: int) -> Attacked:
    """Play the attack of a seed in a new folder.

    Raises
    ------
    IntegrityError
        A command did not come to its end.
    """
    month = drilled_month(seed, patients)
    moment = moment_of(month, seed)
    for name in (HOME, DISK, LAPTOP, PARTNER):
        (root / name).mkdir(parents=True)
    begun = time.monotonic()
    cards, nights = _before(root, seed, patients)
    shutil.rmtree(root / HOME)
    played_s = time.monotonic() - begun
    found = tuple(" ".join(cards[number]) for number in CARDS_FOUND)
    begun = time.monotonic()
    incident = _declare(root, moment, found, month)
    declared_s = time.monotonic() - begun
    return Attacked(
        seed=seed,
        month=month,
        verdict=verdict(month, moment, IncidentFolder.open(incident).inventory()),
        nights=nights,
        played_s=played_s,
        declared_s=declared_s,
        is_enclosed=is_enclosing(),
        incident=incident,
        cards=found,
    )


def laptop(root: Path) -> House:
    """Return the laptop on which home goes on: it sees its own folder and the disk."""
    return House(root / LAPTOP, hidden=[root / PARTNER])


def _before(root: Path, seed: int, patients: int) -> tuple[list[list[str]], int]:
    """Play the days before the attack; return the cards and how many nights there were."""
    command = [sys.executable, "-m", "beamkeeper.app.drill.before", root, seed, patients]
    done = subprocess.run(
        [*enclosed([root / PARTNER, root / LAPTOP]), *map(str, command)],
        cwd=root / HOME,
        env=surroundings(root / HOME),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = f"{done.stderr[-2000:]}{last_words(root / HOME)}"
        raise IntegrityError(f"The days before ended with {done.returncode}: {said}")
    said = json.loads(done.stdout)
    return said["cards"], said["nights"]


def _declare(root: Path, moment: Moment, cards: tuple[str, ...], month: Month) -> Path:
    """Type `beamkeeper declare` on the laptop: what is left is a disk and three cards."""
    incident = root / LAPTOP / "incident"
    worked_until = moment.attacked_at.astimezone(month.zone).isoformat(timespec="minutes")
    with laptop(root) as house:
        house.type(
            *("declare", "--vault", root / DISK, "--words", "--zone", month.zone.key),
            *("--worked-until", worked_until, "--by", "drill", "--out", incident, "--json"),
            at=moment.attacked_at + DECLARED_AFTER,
            keys="\n".join((*cards, "")),
        )
    return incident
