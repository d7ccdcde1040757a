"""A source that holds many unreadable objects, night after night."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite

from beamkeeper.domain.change import Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.protect.collect import folder

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
