"""The days before an attack, as a process of its own.

    python -m beamkeeper.app.drill.before ROOT SEED PATIENTS

runs in the department's own network and prints, as JSON, the recovery cards and how many nights it played.
What it leaves behind is a folder, which the attack destroys, and a disk, which it does not reach.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beamkeeper.app.drill.home import Home
from beamkeeper.clock import local_date, zone
from beamkeeper.rehearse.attack import Minute, copy_at, moment_of, month_of
from beamkeeper.rehearse.sim.orthanc import orthanc_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.rehearse.attack import Moment, Month

ZONE_NAME: Final = "Europe/Brussels"
FIRST_DAYS: Final = (date(2025, 3, 10), date(2025, 10, 6))
"""Mondays of months in which the clocks are changed."""
NIGHTS_BEFORE: Final = 1
"""So many nights are played before the one on the disk; the first of them takes everything."""


def drilled_month(seed: int, patients: int) -> Month:
    """Return the month of a seed."""
    return month_of(
        seed, patients=patients, first_day=FIRST_DAYS[seed % len(FIRST_DAYS)], zone=zone(ZONE_NAME)
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
    before = home.disk.with_name("before")
    shutil.copytree(home.disk, before)
    home.plug_in(moment.attacked_at)
    old = {path.relative_to(before) for path in before.rglob("*")}
    files = sorted(
        (path for path in home.disk.rglob("*") if path.is_file()), key=lambda path: path.stat().st_mtime_ns
    )
    written = [path for path in files if path.relative_to(home.disk) not in old]
    for path in written[chance.randrange(max(1, len(written))) :]:
        path.unlink()
    for path in (one for one in before.rglob("*") if one.is_file()):
        shutil.copy2(path, home.disk / path.relative_to(before))  # what is replaced is replaced last
    shutil.rmtree(before)
    return len(days)


def _days(first: date, last: date) -> Iterator[date]:
    yield from (first + timedelta(days=number) for number in range((last - first).days + 1))


def main(root: Path, seed: int, patients: int) -> int:
    """Play one seed."""
    month = drilled_month(seed, patients)
    moment = moment_of(month, seed)
    with Home(root, month, with_orthanc=orthanc_program() is not None) as home:
        nights = _play(home, moment, random.Random(f"disk/{seed}"))  # noqa: S311 - repeatable
    sys.stdout.write(json.dumps({"cards": home.cards, "nights": nights}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
