"""One attack, from the days before it to the inventory on a strange laptop, held against the truth.

1. the days before are played with the real program (`home`);
2. everything is deleted but the disk, and three of the five cards are found;
3. `beamkeeper declare` runs as a process of its own: a fresh home, and no network where we may say so;
4. its inventory is held against the truth, patient by patient (`rehearse.attack`).
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.drill.home import Home
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.clock import local_date, zone
from beamkeeper.errors import IntegrityError
from beamkeeper.rehearse.attack import Minute, copy_at, moment_of, month_of, verdict
from beamkeeper.rehearse.sim.orthanc import orthanc_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.rehearse.attack import Moment, Month, Verdict

ZONE_NAME: Final = "Europe/Brussels"
FIRST_DAYS: Final = (date(2025, 3, 10), date(2025, 10, 6))
"""Mondays of months in which the clocks are changed."""
CARDS_FOUND: Final = (0, 2, 4)
NIGHTS_BEFORE: Final = 1
"""So many nights are played before the one on the disk; the first of them takes everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """What came of one attack.

    Attributes
    ----------
    played_s, declared_s
        Seconds on the clock: for the days before the attack; from the start of `declare` to its end, the
        whole vault read.
    without_network
        Whether `declare` ran in a network namespace with nothing in it.
    """

    seed: int
    month: Month
    verdict: Verdict
    nights: int
    played_s: float
    declared_s: float
    without_network: bool
    incident: Path
    cards: tuple[str, ...]


def attack(root: Path, seed: int, *, patients: int) -> Attacked:
    """Play the attack of a seed in a new folder.

    Raises
    ------
    IntegrityError
        `declare` did not come to its end.
    """
    month = month_of(
        seed, patients=patients, first_day=FIRST_DAYS[seed % len(FIRST_DAYS)], zone=zone(ZONE_NAME)
    )
    moment = moment_of(month, seed)
    begun = time.monotonic()
    with Home(root, month, with_orthanc=orthanc_program() is not None) as home:
        nights = _play(home, moment, random.Random(f"disk/{seed}"))  # noqa: S311 - repeatable
        home.is_destroyed()
    played_s = time.monotonic() - begun
    cards = tuple(" ".join(home.cards[number]) for number in CARDS_FOUND)
    begun = time.monotonic()
    incident, without_network = _declare(root, moment, cards, month)
    return Attacked(
        seed=seed,
        month=month,
        verdict=verdict(month, moment, IncidentFolder.open(incident).inventory()),
        nights=nights,
        played_s=played_s,
        declared_s=time.monotonic() - begun,
        without_network=without_network,
        incident=incident,
        cards=cards,
    )


def _play(home: Home, moment: Moment, chance: random.Random) -> int:
    """Play the days before the attack; return how many nights there were."""
    copy = moment.copy
    first = copy.night - timedelta(days=NIGHTS_BEFORE)
    nights = 0
    home.make_site(home.month.start_of(first))
    for day in _days(first, copy.night):
        home.night(day)
        nights += 1
    if copy.as_of is not None:
        home.hour(copy.as_of)
    home.plug_in(copy.plugged_at)
    if moment.minute is Minute.IN_THE_COPY:
        nights += _break_off(home, moment, chance)
    return nights


def _break_off(home: Home, moment: Moment, chance: random.Random) -> int:
    """Play on to the attack, and leave the disk as it is in the middle of being written."""
    today = local_date(moment.attacked_at, home.month.zone)
    days = list(_days(moment.copy.night + timedelta(days=1), today))
    for day in days:
        home.night(day)
    writing = copy_at(home.month, moment.attacked_at)
    if writing.as_of is not None:
        home.hour(writing.as_of)
    before = home.usb.with_name("usb-before")
    shutil.copytree(home.usb, before)
    home.plug_in(moment.attacked_at)
    old = {path.relative_to(before) for path in before.rglob("*")}
    files = sorted(
        (path for path in home.usb.rglob("*") if path.is_file()), key=lambda path: path.stat().st_mtime_ns
    )
    written = [path for path in files if path.relative_to(home.usb) not in old]
    for path in written[chance.randrange(max(1, len(written))) :]:
        path.unlink()
    for path in (one for one in before.rglob("*") if one.is_file()):
        shutil.copy2(path, home.usb / path.relative_to(before))  # what is replaced is replaced last
    shutil.rmtree(before)
    return len(days)


def _days(first: date, last: date) -> Iterator[date]:
    yield from (first + timedelta(days=number) for number in range((last - first).days + 1))


def _declare(root: Path, moment: Moment, cards: tuple[str, ...], month: Month) -> tuple[Path, bool]:
    """Run `beamkeeper declare` on the disk, as on a laptop that was never here."""
    laptop, incident = root / "laptop", root / "incident"
    laptop.mkdir()
    worked_until = moment.attacked_at.astimezone(month.zone).isoformat(timespec="minutes")
    command = [sys.executable, "-m", "beamkeeper", "declare", "--vault", str(root / "usb"), "--words"]
    command += ["--zone", month.zone.key, "--worked-until", worked_until, "--by", "drill"]
    alone = _without_network()
    done = subprocess.run(
        [*alone, *command, "--out", str(incident), "--json"],
        input="\n".join((*cards, "")),
        env={"HOME": str(laptop), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise IntegrityError(f"declare ended with {done.returncode}: {done.stderr[-2000:]}")
    return incident, bool(alone)


def _without_network() -> list[str]:
    """Return what runs a command without any network; nothing where that takes more than we may."""
    unshare = shutil.which("unshare")
    if (
        unshare is None
        or subprocess.run([unshare, "-n", "true"], capture_output=True, check=False).returncode
    ):
        return []
    return [unshare, "-n"]
