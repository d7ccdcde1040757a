"""Who may sign in an incident: passphrases, and a file that somebody changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.incident_people import (
    PEOPLE,
    admit,
    dismiss,
    exchanged,
    members,
    proved,
    verify_passphrase,
)
from beamkeeper.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 3, 7, tzinfo=UTC)
WORDS = "een lange zin over de regen"


@pytest.fixture
def folder(tmp_path: Path) -> IncidentFolder:
    return IncidentFolder.create(tmp_path / "incident")


def let_in(folder: IncidentFolder, login: str = "an", passphrase: str = WORDS) -> None:
    admit(folder, login, name="An Peeters", duty="physician", passphrase=passphrase, by="A", at=NOW)


def signs(folder: IncidentFolder, login: str = "an", passphrase: str = WORDS) -> bool:
    return proved(folder, folder.journal.rows(), login, passphrase) is not None


def test_a_person_signs_with_the_passphrase_and_nothing_else(folder: IncidentFolder) -> None:
    let_in(folder)

    assert signs(folder)
    assert not signs(folder, passphrase=WORDS + "!")
    assert not signs(folder, login="bo")
    assert not signs(folder, passphrase="x" * 1_000_000)
    assert WORDS not in (folder.path / PEOPLE).read_text()
    assert (folder.path / PEOPLE).stat().st_mode & 0o077 == 0
    (line,) = folder.journal.rows()
    assert (line.action, line.details["about"], line.details["said"]) == (
        "person admitted",
        "an",
        "An Peeters, physician",
    )


def test_an_entry_that_was_exchanged_counts_for_nobody(folder: IncidentFolder, tmp_path: Path) -> None:
    let_in(folder)
    other = IncidentFolder.create(tmp_path / "other")
    let_in(other, passphrase="wat de aanvaller graag typt")
    (folder.path / PEOPLE).write_bytes((other.path / PEOPLE).read_bytes())

    assert not signs(folder, passphrase="wat de aanvaller graag typt")
    assert members(folder, folder.journal.rows()) == ()
    assert exchanged(folder, folder.journal.rows()) == ("an",)


def test_who_was_dismissed_signs_no_more_even_with_the_old_file(folder: IncidentFolder) -> None:
    let_in(folder)
    before = (folder.path / PEOPLE).read_bytes()
    dismiss(folder, "an", by="A", at=NOW)
    assert not signs(folder)
    (folder.path / PEOPLE).write_bytes(before)

    assert not signs(folder)
    with pytest.raises(ConfigError, match="Nobody of the incident has the login 'bo'"):
        dismiss(folder, "bo", by="A", at=NOW)


def test_who_forgot_is_admitted_anew_and_the_old_passphrase_ends(folder: IncidentFolder) -> None:
    let_in(folder)
    let_in(folder, passphrase="nog een zin, over de zon")

    assert not signs(folder)
    assert signs(folder, passphrase="nog een zin, over de zon")


@pytest.mark.parametrize("passphrase", ["short", "", "aaaaaaaaaaaaaaaa", "an peeters the elder", "x" * 257])
def test_what_is_guessed_at_once_is_no_passphrase(passphrase: str) -> None:
    with pytest.raises(ConfigError, match="passphrase"):
        verify_passphrase(passphrase, "an", "An Peeters the elder")


@pytest.mark.parametrize(
    "wrong",
    [
        {"login": "An"},
        {"login": "../x"},
        {"name": " "},
        {"name": "a\nb"},
        {"name": "a" * 81},
        {"duty": "boss"},
    ],
)
def test_who_cannot_be_written_down_is_not_admitted(folder: IncidentFolder, wrong: dict[str, str]) -> None:
    said = {"login": "an", "name": "An", "duty": "it", **wrong}
    with pytest.raises(ConfigError):
        admit(folder, said.pop("login"), **said, passphrase=WORDS, by="A", at=NOW)

    assert folder.journal.rows() == ()


def test_a_damaged_file_of_people_is_told(folder: IncidentFolder) -> None:
    let_in(folder)
    (folder.path / PEOPLE).write_text(json.dumps({"format": 2, "value": []}))

    with pytest.raises(IntegrityError, match=r"people\.json of the incident is not what was written"):
        signs(folder)
