"""A source that holds many unreadable objects, night after night."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from night_site import NIGHT_1, NIGHT_2, NIGHT_3, ZONE, SmallSite
from source_changes import a_plan

from beamkeeper.domain.change import Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.collect import folder
from beamkeeper.protect.compare import is_whole
from beamkeeper.wire.dicom.reader import read_object

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.wire.dicom.spool import SpoolWriter

ALARM_OBJECTS_MIN = 20


def test_what_was_unreadable_before_is_named_every_night_and_stops_none(
    small_site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = small_site.root / "damaged"
    damaged.mkdir()
    whole, seed = folder._copy, "first"

    def noise(writer: SpoolWriter, ref: ObjectRef, path: Path) -> bool:
        instead = damaged / ref.sop_instance_uid
        instead.write_bytes(random.Random(seed + ref.sop_instance_uid).randbytes(4096))
        return whole(writer, ref, instead)

    monkeypatch.setattr(folder, "_copy", noise)
    stopped = small_site.night(NIGHT_1)
    small_site.night(NIGHT_1, hour=8, despite_alarm="that archive is known to be damaged")
    steady = small_site.night(NIGHT_2)
    seed = "second"
    overwritten = small_site.night(NIGHT_3)

    assert stopped.count(Grade.UNREADABLE) >= ALARM_OBJECTS_MIN
    assert (stopped.outcome, steady.alarm) == (NightOutcome.STOPPED, "")
    assert steady.count(Grade.UNREADABLE) == steady.eyes_count == stopped.count(Grade.UNREADABLE)
    assert (overwritten.outcome, bool(overwritten.alarm)) == (NightOutcome.STOPPED, True)


def damaged_inside(whole: bytes) -> bytes:
    """Return an object with one damaged length inside, where reading it does not look."""
    for place in range(len(whole) // 2, len(whole) - 2):
        damaged = whole[:place] + b"\xff\xff" + whole[place + 2 :]
        try:
            read_object(memoryview(damaged), zone=ZONE)
        except ObjectUnreadable:
            continue
        if not is_whole(damaged):
            return damaged
    raise AssertionError("reading looked everywhere")


def test_a_plan_damaged_inside_is_named_every_night_and_takes_no_good_plans_place(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    path = a_plan(kept_site, "p2")
    good = path.read_bytes()
    path.write_bytes(damaged_inside(good))
    first, second = kept_site.night(NIGHT_2), kept_site.night(NIGHT_3)
    restored = list(kept_site.restored(tmp_path / "out", NIGHT_3).values())

    assert (first.count(Grade.UNREADABLE), second.count(Grade.UNREADABLE)) == (1, 1)
    assert second.eyes_count == 1
    assert good in restored
    assert path.read_bytes() not in restored
