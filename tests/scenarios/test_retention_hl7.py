"""A removal of a whole site tells its PACS by name; the name is forgotten when nothing needs it any more."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from night_site import SmallSite
from retention_site import (
    LATER,
    at,
    ledger_of,
    play_until_later,
    put,
    release,
    run_retention,
    vault_of,
    who_left,
)
from tests.mail_peers.hook_server import gateway
from tests.peers.test_hl7 import Receiver

from beamkeeper.app.jobs.retain_duty import RetainDuty
from beamkeeper.domain.patient import Patient

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

pytestmark = pytest.mark.peer
NEXT_DAY = LATER.replace(day=LATER.day + 1)
REMOVAL = """
[[removals]]
name = "mim"
host = "127.0.0.1"
port = 1
template = "ADT^A23"
answer_seconds = 2
"""


@pytest.fixture(scope="module")
def over_root(tmp_path_factory: pytest.TempPathFactory, kept_root: Path) -> Path:
    site = play_until_later(
        SmallSite.copied(kept_root, tmp_path_factory.mktemp("over") / "site"), more=REMOVAL
    )
    release(site, who_left(site).pseudonym, "an", "bo")
    return site.root


@pytest.fixture
def site(tmp_path: Path, over_root: Path) -> SmallSite:
    return SmallSite.copied(over_root, tmp_path / "site")


def listen_at(site: SmallSite, port: int) -> None:
    text = site.site_file.read_text("utf-8")
    site.site_file.write_text(text.replace("port = 1\n", f"port = {port}\n"), "utf-8")


def places(site: SmallSite, pseudonym: str) -> dict[str, str]:
    (row,) = ledger_of(site).removals.all(pseudonym=pseudonym)
    return {place.place: place.state for place in ledger_of(site).removals.places(row.removal_id)}


def test_a_pacs_that_is_down_is_told_when_it_is_back_and_the_name_is_kept_till_then(site: SmallSite) -> None:
    gone = who_left(site)
    outcome = run_retention(site)

    assert places(site, gone.pseudonym) == {"mirror usb": "gone", "hl7 mim": "waiting"}
    assert outcome.waiting[0].patient == gone.patient
    with Receiver("AA") as receiver:
        listen_at(site, receiver.port)
        again = run_retention(site, hour=14)
    (row,) = again.finished
    assert row.patient is None
    assert str(receiver.messages[0].segment("PID")(3)).startswith(gone.patient.patient_id)
    assert {p["place"]: p["state"] for p in row.receipt["places"]} == {
        "mirror usb": "gone",
        "hl7 mim": "not proved",
    }
    assert ledger_of(site).removals.all(pseudonym=gone.pseudonym)[0].patient is None


def test_a_patient_who_came_back_is_not_removed_from_the_pacs(site: SmallSite, small_objects: Path) -> None:
    gone = who_left(site)
    run_retention(site)
    shutil.copytree(small_objects / "p3", site.source / "p3")
    site.night(NEXT_DAY)
    with Receiver("AA") as receiver:
        listen_at(site, receiver.port)
        run_retention(site, NEXT_DAY)

    assert receiver.messages == []
    assert gone.pseudonym in vault_of(site, NEXT_DAY).pseudonyms()
    assert places(site, gone.pseudonym)["hl7 mim"] == "off"


PAGER = """
[[alerts]]
name = "pager"
kind = "http"
url = "http://127.0.0.1:{port}/send"
fields = {{ text = "$text", kind = "$kind" }}
"""


def by_itself(site: SmallSite, day: date, hour: int) -> None:
    """Let `serve` do its part."""
    RetainDuty(site.site, ledger_of(site)).work(at(day, hour))


def test_a_pacs_that_refuses_is_told_ever_more_rarely_and_then_people_are_called(site: SmallSite) -> None:
    gone = who_left(site)
    looks = [(LATER, hour) for hour in (12, 13, 14, 15, 18, 19)] + [(NEXT_DAY, hour) for hour in (10, 11)]
    with gateway() as pager, Receiver("AE") as receiver:
        put(site, PAGER.format(port=pager.port))
        listen_at(site, receiver.port)
        sent, called = [], []
        for day, hour in looks:
            by_itself(site, day, hour)
            sent.append(len(receiver.messages))
            called.append(len(pager.taken))
        run_retention(site, NEXT_DAY, hour=13)
        by_hand = len(receiver.messages)

    # At 12, 13, 15 and 19 o'clock and after eight hours more; then never again by itself.
    assert sent == [1, 2, 2, 3, 3, 4, 5, 5]
    assert by_hand == 6
    assert called == [0] * 6 + [1] * 2
    assert pager.taken[0]["kind"] == "removal"
    assert "1 removed patient is not proved gone from hl7 mim" in pager.taken[0]["text"]
    assert "which event it takes" in pager.taken[0]["text"]
    assert gone.patient.patient_id not in pager.taken[0]["text"]
    assert places(site, gone.pseudonym)["hl7 mim"] == "held"


def test_a_pacs_that_is_silent_for_a_day_calls_people_once_a_week(site: SmallSite) -> None:
    with gateway() as pager:
        put(site, PAGER.format(port=pager.port))
        called = []
        for days in (0, 1, 2, 7, 8):
            by_itself(site, LATER + timedelta(days=days), 12)
            called.append(len(pager.taken))

    assert called == [0, 1, 1, 2, 2]  # LATER is a Monday
    assert "hl7 mim, the first since 2026-04-20" in pager.taken[0]["text"]


def test_somebody_else_with_the_same_patient_id_is_not_removed_along(site: SmallSite) -> None:
    gone = who_left(site)
    stays = next(row for row in ledger_of(site).patients() if row.pseudonym != gone.pseudonym)
    known_too = Patient(patient_id=gone.patient.patient_id, name=stays.patient.name)
    ledger_of(site).remember_identities(stays.pseudonym, [known_too])
    with Receiver("AA") as receiver:
        listen_at(site, receiver.port)
        run_retention(site)

    assert receiver.messages == []
    assert places(site, gone.pseudonym)["hl7 mim"] == "held"
