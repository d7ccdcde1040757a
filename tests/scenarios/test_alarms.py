"""Who is called when, minute by minute, through real channels, over restarts and broken ones."""

from __future__ import annotations

import os
import sys
import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.mail_peers.hook_server import Gateway, gateway
from voting_site import (
    DEADLINE,
    MORNING,
    NIGHT_2,
    QUORUM,
    SmallSite,
    ask_people,
    audited,
    ballot,
    ledger_of,
    second_night,
    state_of,
)

from beamkeeper.app.jobs.alert_test import try_channels
from beamkeeper.app.jobs.quorum import cast
from beamkeeper.app.jobs.quorum_duty import LOOK_EVERY, EveryMinute, look, look_at_shares, quorum_duties
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.jobs.serving import Tellers, serve
from beamkeeper.clock import MovableClock
from beamkeeper.errors import ConfigError
from beamkeeper.protect.quorum import Confirmed, Disputed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGER = """
[[alerts]]
name = "pager"
kind = "http"
url = "http://127.0.0.1:{port}/send"
fields = {{ text = "$text", kind = "$kind", night = "$night" }}
"""
SIREN = """
[[alerts]]
name = "siren"
kind = "command"
arguments = {arguments}
when = ["escalated"]
"""


@pytest.fixture
def pager() -> Iterator[Gateway]:
    with gateway() as state:
        yield state


@pytest.fixture
def voting(kept_site: SmallSite, pager: Gateway) -> SmallSite:
    return second_night(kept_site, QUORUM + PAGER.format(port=pager.port))


def look_at(site: SmallSite, instant: datetime) -> tuple[str, ...]:
    found = look(site.site, ledger_of(site), MovableClock(instant))
    return tuple(error.message for error in found.errors)


def watched(site: SmallSite, pager: Gateway, minutes: range) -> list[tuple[int, str]]:
    """Look every minute after the deadline; return (minute, kind) of what the pager got."""
    timeline = []
    for minute in minutes:
        before = len(pager.taken)
        assert look_at(site, DEADLINE + timedelta(minutes=minute)) == ()
        timeline += [(minute, item["kind"]) for item in pager.taken[before:]]
    return timeline


def vote(site: SmallSite, person: str, verdict: str = "confirm", minute: int = 0) -> None:
    given = ballot(site, person, verdict, minute=minute)
    cast(site.site, ledger_of(site), given, given.at)


def test_an_unconfirmed_night_calls_every_ten_minutes_until_two_have_confirmed(
    voting: SmallSite, pager: Gateway
) -> None:
    assert watched(voting, pager, range(-3, 25)) == [(0, "overdue"), (10, "overdue"), (20, "overdue")]
    assert "0 of 2 people" in pager.texts()[-1]
    late = int((DEADLINE - MORNING) / timedelta(minutes=1))
    vote(voting, "an", minute=late + 25)
    vote(voting, "bo", minute=late + 26)
    assert watched(voting, pager, range(27, 60)) == [(27, "all_clear")]
    state = state_of(voting, DEADLINE + timedelta(hours=2))
    assert isinstance(state, Confirmed)
    assert state.late


def test_further_people_are_called_after_an_hour(voting: SmallSite, pager: Gateway) -> None:
    assert watched(voting, pager, range(50, 75, 5)) == [(50, "overdue"), (60, "escalated"), (70, "escalated")]
    assert [line["to"] for line in audited(voting, "people called")] == [
        ["an", "bo"],
        ["an", "bo", "head"],
        ["an", "bo", "head"],
    ]


def test_a_dispute_calls_at_once(voting: SmallSite, pager: Gateway) -> None:
    vote(voting, "an", "dispute")

    assert watched(voting, pager, range(-120, -117)) == [(-120, "disputed")]
    assert "Nothing is purged" in pager.texts()[0]
    assert isinstance(state_of(voting), Disputed)


def test_texts_name_no_patient(voting: SmallSite, pager: Gateway) -> None:
    vote(voting, "an", "dispute")
    watched(voting, pager, range(0, 65, 10))
    said = " ".join(pager.texts()).casefold()

    for row in ledger_of(voting).patients():
        assert row.patient.patient_id.casefold() not in said
        assert row.pseudonym[:10] not in said
        assert not any(part in said for part in row.patient.name.casefold().split("^") if len(part) > 3)


def test_what_no_channel_took_is_tried_again_at_the_next_look(voting: SmallSite, pager: Gateway) -> None:
    pager.status = 503
    errors = look_at(voting, DEADLINE)
    pager.status = 200

    assert "503" in errors[0]
    assert watched(voting, pager, range(1, 12)) == [(1, "overdue"), (10, "overdue")]


def test_a_broken_channel_is_told_through_the_others_once_an_hour(
    kept_site: SmallSite, pager: Gateway
) -> None:
    broken = SIREN.format(arguments='["/nowhere/siren"]').replace('["escalated"]', '["overdue"]')
    site = second_night(kept_site, QUORUM + PAGER.format(port=pager.port) + broken)

    assert watched(site, pager, range(0, 21, 10)) == [
        (0, "overdue"),
        (0, "channel_failed"),
        (10, "overdue"),
        (20, "overdue"),
    ]
    assert "siren" in pager.texts()[1]


def test_the_siren_is_a_real_program_and_only_for_what_it_is_meant_for(
    kept_site: SmallSite, pager: Gateway
) -> None:
    heard = kept_site.root / "heard"
    script = (
        f"import os,sys; open({str(heard)!r},'a').write(os.environ['BEAMKEEPER_ALERT_KIND']+sys.stdin.read())"
    )
    program = kept_site.root / "siren.py"
    program.write_text(script, "utf-8")
    arguments = f'["{sys.executable}", "{program}"]'
    site = second_night(kept_site, QUORUM + PAGER.format(port=pager.port) + SIREN.format(arguments=arguments))
    watched(site, pager, range(50, 61, 10))

    assert heard.read_text("utf-8").startswith("escalatedBeamkeeper")
    assert len(heard.read_text("utf-8").splitlines()) == 1


def test_without_any_channel_the_duty_says_that_nobody_can_be_called(kept_site: SmallSite) -> None:
    site = second_night(kept_site)
    duty = EveryMinute(site.site, ledger_of(site), look, "quorum")

    with pytest.raises(ConfigError, match="Nobody can be called"):
        duty.work(MovableClock(DEADLINE))


def test_the_duty_looks_every_minute_also_after_the_clock_was_set_back(
    voting: SmallSite, pager: Gateway
) -> None:
    clock = MovableClock(DEADLINE)
    duty = EveryMinute(voting.site, ledger_of(voting), look, "quorum")
    assert duty.wait_s(clock) == 0
    duty.work(clock)
    assert duty.wait_s(clock) == LOOK_EVERY.total_seconds()
    clock.move_to(DEADLINE - timedelta(hours=1))
    assert duty.wait_s(clock) == 0


def test_a_share_that_hangs_keeps_nobody_from_being_called(
    kept_site: SmallSite, pager: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = kept_site.site_file.parent / "votes"
    folder.mkdir()
    settings = QUORUM.replace("[quorum]", '[quorum]\nballot_folder = "votes"', 1)
    site = second_night(kept_site, settings + PAGER.format(port=pager.port))
    asked, answered = threading.Event(), threading.Event()
    scandir = os.scandir

    def hangs(path: Path) -> object:
        """As a share does whose server is gone: nothing on loopback hangs like the kernel's own."""
        if path == folder:
            asked.set()
            answered.wait()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", hangs)
    stop = threading.Event()
    tell = Tellers(done=lambda *_: None, failed=lambda *_: None)
    arguments = (quorum_duties(site.site, ledger_of(site)), MovableClock(DEADLINE), tell, stop)
    serving = threading.Thread(target=serve, args=arguments)
    serving.start()
    try:
        assert asked.wait(30)
        end = time.monotonic() + 30
        while not pager.taken and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        answered.set()
        stop.set()
        serving.join()

    assert [item["kind"] for item in pager.taken] == ["overdue"]


def test_votes_are_signed_into_the_vault_at_the_next_look_and_come_back_with_a_new_ledger(
    voting: SmallSite, pager: Gateway
) -> None:
    vote(voting, "an")
    vote(voting, "bo", minute=1)
    clock = MovableClock(MORNING + timedelta(minutes=2))
    assert look_at_shares(voting.site, ledger_of(voting), clock).told == ("votes signed into the vault",)
    before = state_of(voting)
    votes = ledger_of(voting).votes.ballots(NIGHT_2)
    for path in voting.site.data_dir.glob("ledger.db*"):
        path.unlink()
    rebuild_ledger(voting.site, MovableClock(MORNING + timedelta(hours=1)))

    assert state_of(voting) == before
    assert ledger_of(voting).votes.ballots(NIGHT_2) == votes
    assert ledger_of(voting).votes.state(NIGHT_2) == "confirmed"


def test_a_test_goes_through_every_channel_and_says_which_fails(kept_site: SmallSite, pager: Gateway) -> None:
    broken = SIREN.format(arguments='["/nowhere/siren"]')
    ask_people(kept_site, QUORUM + PAGER.format(port=pager.port) + broken)
    tried = try_channels(kept_site.site, MovableClock(MORNING))

    assert tried["pager"] == ""
    assert "cannot be started" in tried["siren"]
    assert "TEST" in pager.texts()[0]
