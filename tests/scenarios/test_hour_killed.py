"""A look that is killed at any point loses nothing, and the next one goes on as if it had never been."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import pytest
from archive_site import rewrite
from hour_site import HourSite, copied_site, patient_number, record
from night_site import NIGHT_1, NIGHT_2, SESSIONS_A_PATIENT, WHO, patient_night
from tests.listening import free_port

from beamkeeper.app.jobs.hour_notes import HourOutcome, hour_spool
from beamkeeper.app.jobs.remembered import FORGOTTEN
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from forked import Forks

pytestmark = pytest.mark.long

STEPS = ("found", "brought", "sealed:0", "sealed:1", "published", "taken:0", "taken:1", "noted")
ONE, OTHER = WHO[0], WHO[1]


@pytest.fixture
def kept(tmp_path: Path, hour_root: Path, small_objects: Path) -> Iterator[HourSite]:
    with copied_site(hour_root, small_objects, tmp_path) as site:
        yield site


def killed_at(forked: Forks, kept: HourSite, mark: str) -> bool:
    """Look in a process that dies at a mark; return whether it did."""
    return forked.is_killed("hour", kept.site, datetime.combine(NIGHT_1, time(9), tzinfo=UTC), mark)


@pytest.mark.parametrize("mark", STEPS)
def test_a_look_killed_anywhere_loses_nothing(
    kept: HourSite, tmp_path: Path, forked: Forks, mark: str
) -> None:
    uids = {kept.archive.store(record(ONE)), kept.archive.store(record(OTHER))}
    is_killed = killed_at(forked, kept, mark)
    kept.hour(hour=10)

    assert is_killed
    assert uids <= kept.kept_uids()
    assert kept.restored_uids(tmp_path / "out") == kept.kept_uids()
    assert kept.position_of(patient_number(OTHER).patient_id)[0] == SESSIONS_A_PATIENT + 1
    kept.site.verify_vault()
    assert not list(hour_spool(kept.site.site).glob("*.pack"))
    assert kept.hour(hour=11).outcome is HourOutcome.NOTHING_NEW


@pytest.mark.parametrize("mark", ["published", "taken:0"])
def test_the_night_after_a_look_that_was_killed_keeps_and_tells_the_same(
    kept: HourSite, forked: Forks, mark: str
) -> None:
    uids = {kept.archive.store(record(ONE)), kept.archive.store(record(OTHER))}
    assert killed_at(forked, kept, mark)
    night = kept.site.night(NIGHT_2)

    assert uids <= kept.kept_uids()
    told = [item.sop_instance_uid for patient in night.patients for item in patient.comparisons]
    assert sorted(told) == sorted(uids)
    assert not any(FORGOTTEN in patient.disagreements for patient in night.patients)
    kept.site.verify_vault(NIGHT_2)


@pytest.mark.peer
def test_what_is_sent_unasked_while_a_look_receives_waits_for_the_night(
    kept: HourSite, tmp_path: Path, program: Callable[[str], str]
) -> None:
    port = free_port()
    rewrite(
        kept.site,
        {
            f"port = {kept.site.site.receiver.port}": f"port = {port}",
            f'allowed_callers = ["{kept.archive.ae_title}"]': 'allowed_callers = ["SIMARCHIVE", "STORESCU"]',
        },
    )
    kept.archive.add_destination("BEAMKEEPER", "127.0.0.1", port)
    path = tmp_path / "pushed.dcm"
    path.write_bytes(record(OTHER))
    kept.archive.store(record(ONE))
    storescu = program("storescu")

    def on_step(name: str) -> None:
        if name == "brought":
            command = [storescu, "-aet", "STORESCU", "-aec", "BEAMKEEPER", "127.0.0.1", str(port)]
            subprocess.run([*command, str(path)], check=True, capture_output=True)

    sent = identify(path.read_bytes()).sop_instance_uid
    first = kept.hour(hour=9, on_step=on_step)
    second = kept.hour(hour=10)
    night = kept.site.night(NIGHT_2)

    assert (first.unasked_count, second.unasked_count) == (1, 1)
    assert sent in kept.kept_uids()
    told = patient_night(night, patient_number(OTHER).patient_id).comparisons
    assert [item.sop_instance_uid for item in told] == [sent]
    assert not list(hour_spool(kept.site.site).glob("*.pack"))
