"""`beamkeeper retain` as people use it: what is shown, who may speak, how it ends."""

from __future__ import annotations

import getpass
import json
from typing import TYPE_CHECKING

import pytest
from night_site import SmallSite, at
from retention_site import LATER, ledger_of, play_until_later, release, vault_of, who_left

from beamkeeper.app.checkup_retention import check_retention
from beamkeeper.app.cli import retain as command
from beamkeeper.app.cli.main import app
from beamkeeper.errors import ConfigError, VoteRefused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def over_root(tmp_path_factory: pytest.TempPathFactory, kept_root: Path) -> Path:
    return play_until_later(SmallSite.copied(kept_root, tmp_path_factory.mktemp("over") / "site")).root


@pytest.fixture
def site(tmp_path: Path, over_root: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSite:
    made = SmallSite.copied(over_root, tmp_path / "site")
    monkeypatch.setattr(command, "SystemClock", lambda: at(LATER, 12))
    speak_as(monkeypatch, "an")
    return made


def speak_as(monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(getpass, "getuser", lambda: login)


def beamkeeper(site: SmallSite, *words: object) -> int:
    given = ["retain", *map(str, words)]
    given += ["--site", str(site.site_file)]
    return int(app(given, standalone_mode=False) or 0)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_what_is_held_is_shown_with_its_reason_and_who_decides(
    site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = who_left(site)

    assert beamkeeper(site) == 0
    text = said(capsys)
    assert f"Held: {gone.patient.patient_id}" in text
    assert "2 more must release" in text
    assert "beamkeeper retain release PATIENT" in text


def test_two_people_release_and_a_dry_run_removes_nothing(
    site: SmallSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = who_left(site)
    for login in ("an", "bo"):
        speak_as(monkeypatch, login)
        assert beamkeeper(site, "release", gone.patient.patient_id, "--reason", "treated elsewhere") == 0
    capsys.readouterr()

    assert beamkeeper(site, "run", "--dry-run") == 0
    assert "1 would go now" in said(capsys)
    assert gone.pseudonym in vault_of(site).pseudonyms()
    assert beamkeeper(site, "run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["removed"] == [gone.pseudonym]
    assert len(told["receipts"]) == 1
    assert beamkeeper(site) == 0
    assert "0 would go now" in said(capsys)


def test_everybody_who_is_due_is_released_by_two_people_at_once(
    site: SmallSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = who_left(site)
    release(site, gone.pseudonym, "an", "bo")
    capsys.readouterr()

    assert beamkeeper(site, "release", "--due", "--reason", "a long outage", "--json") == 0
    assert json.loads(capsys.readouterr().out)["pseudonyms"] == [gone.pseudonym]
    with pytest.raises(ConfigError, match="--due"):
        beamkeeper(site, "release", gone.patient.patient_id, "--due", "--reason", "x")


def test_somebody_without_a_vote_may_not_release(site: SmallSite, monkeypatch: pytest.MonkeyPatch) -> None:
    speak_as(monkeypatch, "head")
    with pytest.raises(VoteRefused):
        beamkeeper(site, "release", "--reason", "because")
    assert beamkeeper(site, "hold", "--reason", "an incident") == 0


def test_a_hold_of_everybody_is_shown_and_nothing_goes(
    site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = who_left(site)
    release(site, gone.pseudonym, "an", "bo")
    beamkeeper(site, "hold", "--reason", "ransomware next door")
    capsys.readouterr()

    assert beamkeeper(site, "--json") == 3
    told = json.loads(capsys.readouterr().out)
    assert [freeze["reason"] for freeze in told["freezes"]] == [f"Everybody is held by an since {LATER}."]
    assert beamkeeper(site, "run") == 3
    assert "ransomware next door" not in "".join(ledger_of(site).audit.lines())
    assert gone.pseudonym in vault_of(site).pseudonyms()


def test_doctor_says_what_waits(site: SmallSite) -> None:
    gone = who_left(site)
    release(site, gone.pseudonym, "an", "bo")
    assert check_retention(site.site, at(LATER, 12)).verdict == "unchecked"
    (site.root / "usb").rename(site.root / "away")
    beamkeeper(site, "run")

    waits = check_retention(site.site, at(LATER, 13))
    assert waits.verdict == "warning"
    assert "not proved gone from mirror usb" in waits.text
    (site.root / "away").rename(site.root / "usb")
    beamkeeper(site, "run")
    assert check_retention(site.site, at(LATER, 13)).verdict == "good"
    assert check_retention(site.site, at(LATER.replace(day=LATER.day + 4), 13)).verdict == "warning"
