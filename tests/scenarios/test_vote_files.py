"""Votes as signed files in a folder that anybody may write to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from voting_site import (
    DEADLINE,
    MORNING,
    NIGHT_2,
    QUORUM,
    SmallSite,
    audited,
    ballot,
    ledger_of,
    second_night,
    state_of,
)

from beamkeeper.app.jobs.ballot_files import NAMESPACE, read_files, read_vote, vote_bytes
from beamkeeper.app.jobs.quorum import cast
from beamkeeper.domain.ballot import VotePath
from beamkeeper.errors import IntegrityError, SourceUnavailable
from beamkeeper.protect.quorum import Confirmed, Disputed, Unverified
from beamkeeper.wire import sshsig

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

pytestmark = pytest.mark.peer


@pytest.fixture
def keys(program, tmp_path: Path) -> dict[str, Path]:
    made = {name: tmp_path / f"id_{name}" for name in ("an", "bo", "mallory")}
    for path in made.values():
        subprocess.run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return made


@pytest.fixture
def voting(kept_site: SmallSite, keys: dict[str, Path]) -> SmallSite:
    settings = QUORUM.replace("[quorum]", '[quorum]\nballot_folder = "votes"', 1)
    for name, mark in (("an", 'login = "an"\n'), ("bo", 'login = "bo"\n')):
        public = " ".join(keys[name].with_suffix(".pub").read_text("ascii").split()[:2])
        settings = settings.replace(mark, f'{mark}signing_key = "{public}"\n', 1)
    (kept_site.site_file.parent / "votes").mkdir()
    return second_night(kept_site, settings)


def folder(site: SmallSite) -> Path:
    return site.site_file.parent / "votes"


def drop(
    site: SmallSite,
    key: Path,
    person: str,
    verdict: str = "confirm",
    *,
    minute: int = 0,
    name: str = "",
    namespace: str = NAMESPACE,
    scope: tuple[str, ...] | None = None,
) -> Path:
    """Put a signed vote into the folder as its person does."""
    given = ballot(site, person, verdict, minute=minute, path=VotePath.FILE, scope=scope)
    data = vote_bytes(given, site.site.site.name)
    path = folder(site) / (name or f"{person}-{verdict}-{minute}.json")
    path.write_bytes(data)
    path.with_name(path.name + ".sig").write_bytes(
        sshsig.sign(data, private_key=key.read_bytes(), namespace=namespace)
    )
    return path


def taken(site: SmallSite, at: datetime = MORNING + timedelta(minutes=30)) -> int:
    return read_files(site.site, ledger_of(site), at)


def why(site: SmallSite) -> str:
    return str(audited(site, "vote refused")[-1]["why"])


def test_two_signed_files_confirm_the_night_once(voting: SmallSite, keys: dict[str, Path]) -> None:
    drop(voting, keys["an"], "an")
    drop(voting, keys["bo"], "bo")

    assert taken(voting) == 2
    assert taken(voting) == 0
    assert isinstance(state_of(voting), Confirmed)
    assert {b.path for b in ledger_of(voting).votes.ballots(NIGHT_2)} == {VotePath.FILE}


def test_a_vote_counts_from_when_it_was_read(voting: SmallSite, keys: dict[str, Path]) -> None:
    drop(voting, keys["an"], "an", minute=-60)
    drop(voting, keys["bo"], "bo", minute=-60)
    taken(voting, DEADLINE + timedelta(minutes=1))
    state = state_of(voting)

    assert isinstance(state, Confirmed)
    assert state.late


def test_a_signature_of_another_key_or_for_another_purpose_is_refused(
    voting: SmallSite, keys: dict[str, Path]
) -> None:
    drop(voting, keys["mallory"], "an", name="1.json")
    drop(voting, keys["bo"], "an", name="2.json")
    drop(voting, keys["an"], "an", name="3.json", namespace="file")
    drop(voting, keys["mallory"], "cy", name="4.json")

    assert taken(voting) == 0
    assert len(audited(voting, "vote refused")) == 4
    assert isinstance(state_of(voting), Unverified)


def test_a_changed_file_is_refused(voting: SmallSite, keys: dict[str, Path]) -> None:
    path = drop(voting, keys["an"], "an", "dispute")
    path.write_text(path.read_text("utf-8").replace("dispute", "confirm"), "utf-8")

    assert taken(voting) == 0
    assert "changed" in why(voting)


def test_an_old_file_dropped_again_does_not_undo_what_was_said_since(
    voting: SmallSite, keys: dict[str, Path]
) -> None:
    drop(voting, keys["an"], "an", minute=1)
    old = drop(voting, keys["an"], "an", minute=5, name="held-back.json")
    held = [(path, path.read_bytes()) for path in (old, old.with_name(old.name + ".sig"))]
    for path, _ in held:
        path.unlink()
    assert taken(voting, MORNING + timedelta(minutes=2)) == 1
    later = ballot(voting, "an", "dispute", minute=10)
    cast(voting.site, ledger_of(voting), later, later.at)
    for path, data in held:
        path.write_bytes(data)

    assert taken(voting) == 0
    assert "before the last one" in why(voting)
    assert isinstance(state_of(voting), Disputed)


def test_a_vote_for_another_site_or_of_another_form_is_refused(
    voting: SmallSite, keys: dict[str, Path]
) -> None:
    given = ballot(voting, "an")
    with pytest.raises(IntegrityError, match="another site"):
        read_vote(vote_bytes(given, "Elsewhere"), site_name="Here")
    good = json.loads(vote_bytes(given, "Here"))
    for damage in ({"version": 2}, {"more": 1}, {"person": 5}, {"night": "x"}, {"list": ""}, {"scope": [""]}):
        with pytest.raises(IntegrityError, match="no vote"):
            read_vote(json.dumps(good | damage).encode(), site_name="Here")
    for data in (b"", b"[]", b"null", b"{" * 10_000, b"\xff"):
        with pytest.raises(IntegrityError, match="no vote"):
            read_vote(data, site_name="Here")


def test_links_pipes_large_files_and_files_without_a_signature_are_passed_over(
    voting: SmallSite, keys: dict[str, Path], tmp_path: Path
) -> None:
    path = drop(voting, keys["an"], "an")
    moved = tmp_path / "elsewhere.json"
    path.rename(moved)
    path.symlink_to(moved)
    os.mkfifo(folder(voting) / "pipe.json")
    (folder(voting) / "large.json").write_bytes(b" " * 100_000)
    (folder(voting) / "alone.json").write_bytes(moved.read_bytes())

    assert taken(voting) == 0
    assert audited(voting, "vote refused") == []


def test_a_folder_that_is_gone_is_told(voting: SmallSite) -> None:
    folder(voting).rmdir()

    with pytest.raises(SourceUnavailable, match="folder of signed votes"):
        taken(voting)


def test_the_command_line_signs_a_vote_without_a_site_file(
    voting: SmallSite, keys: dict[str, Path], tmp_path: Path
) -> None:
    facts = ledger_of(voting).votes.facts(NIGHT_2)
    assert facts is not None
    command = [sys.executable, "-m", "beamkeeper", "vote", "sign", "confirm", "--key", str(keys["an"])]
    command += ["--as", "an", "--night", "2026-03-03", "--list", facts.digest, "--json"]
    command += ["--site-name", voting.site.site.name, "--out", str(folder(voting))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120)
    written = json.loads(done.stdout)
    # The machine's clock is not the one of the played night: the vote is read, verified, and too early.
    vote = read_vote((folder(voting) / written["vote"]).read_bytes(), site_name=voting.site.site.name)

    assert done.returncode == 0, done.stderr
    assert (vote.person, vote.digest) == ("an", facts.digest)
    assert taken(voting, vote.at) == 0
    assert "too late" in why(voting)
