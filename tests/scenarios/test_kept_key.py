"""The key of an incident: cards are typed once, a passphrase goes on; and what the folder then holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from night_site import SmallSite
from two_houses import PARTNER
from typer.testing import CliRunner

from beamkeeper.app.cli.key import FROM_VARIABLE
from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.incident_key import KEY
from beamkeeper.app.opening_data import in_clear_beside
from beamkeeper.errors import BeamkeeperError, ConfigError, IntegrityError, KeyUnavailable
from beamkeeper.vault import RecoveryKeys, join_words

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "een lange zin over de regen"
AT_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@dataclass
class Laptop:
    """A laptop that was never in the house: a disk with a copy of the vault, and the incident's folder."""

    root: Path
    disk: Path
    cards: list[str]

    @property
    def incident(self) -> IncidentFolder:
        return IncidentFolder(self.root / "incident")

    @property
    def key(self) -> Path:
        return self.incident.path / KEY

    @property
    def recovery(self) -> RecoveryKeys:
        return RecoveryKeys(secret=join_words([card.split() for card in self.cards]))

    @property
    def identity(self) -> Path:
        path = self.root / "identity"
        path.write_text(self.recovery.identity, encoding="utf-8")
        return path

    def typed(self, *arguments: object, lines: tuple[str, ...] = (), **env: str) -> tuple[int, str]:
        done = CliRunner().invoke(
            app,
            list(map(str, arguments)),
            standalone_mode=False,
            input="".join(f"{line}\n" for line in lines),
            env={"COLUMNS": "80", "XDG_STATE_HOME": str(self.root / "state"), **env},
        )
        if done.exception is not None:
            raise done.exception
        return done.return_value or 0, " ".join(done.output.split())

    def on_it(self, *arguments: object, lines: tuple[str, ...] = (), **env: str) -> tuple[int, str]:
        return self.typed(*arguments, "--incident", self.incident.path, lines=lines, **env)

    def keep(self, *more: object, passphrase: str = PASSPHRASE) -> tuple[int, str]:
        opened_by = more or ("--vault", self.disk, "--identity", self.identity)
        return self.on_it("incident", "key", *opened_by, "--by", "A. Jansen", lines=(passphrase,))

    def chart(self, *more: object, lines: tuple[str, ...] = (PASSPHRASE,), **env: str) -> tuple[int, str]:
        """Type a command that reads the copy, as often as one likes."""
        shutil.rmtree(self.root / "drawn", ignore_errors=True)
        arguments = ("paper", "chart", self.patient, "--out", self.root / "drawn" / "chart.pdf")
        return self.on_it(*arguments, "--vault", self.disk, *more, lines=lines, **env)

    @property
    def patient(self) -> str:
        return min(one.entry.patient.patient_id for one in self.incident.inventory().persons)

    def deeds(self) -> list[str]:
        return [row.action for row in self.incident.journal.rows()]

    def refused(self, kind: type[BeamkeeperError], *more: object, lines: tuple[str, ...] = ()) -> str:
        with pytest.raises(kind) as raised:
            self.chart(*more, lines=lines)
        assert not (self.root / "drawn").exists()
        return raised.value.message

    def copied(self, root: Path) -> Laptop:
        """Copy the incident's folder to another place; the disk stays plugged in where it is."""
        shutil.copytree(self.incident.path, root / "incident")
        return Laptop(root, self.disk, self.cards)


@pytest.fixture(scope="module")
def declared(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """A laptop on which an incident was declared with three cards; do not change it."""
    root = tmp_path_factory.mktemp("laptop")
    shutil.copytree(SmallSite(kept_root).vault_dir, root / "disk")
    laptop = Laptop(root, root / "disk", SmallSite(kept_root).cards[:3])
    where = ("--vault", laptop.disk, "--zone", "Europe/Brussels", "--out", laptop.incident.path)
    assert laptop.typed("declare", *where, "--words", "--quick", lines=tuple(laptop.cards))[0] == 0
    return laptop


@pytest.fixture(scope="module")
def with_key(declared: Laptop) -> Laptop:
    """The same after the cards were typed once more, to keep the key; do not change it."""
    laptop = declared.copied(declared.root / "with-key")
    status, said = laptop.on_it(
        *("incident", "key", "--vault", laptop.disk, "--words", "--by", "A. Jansen"),
        lines=(PASSPHRASE, *laptop.cards),
    )
    assert (status, "Put the cards back" in said, PASSPHRASE in said) == (0, True, False)
    return laptop


@pytest.fixture
def before(declared: Laptop, tmp_path: Path) -> Laptop:
    return declared.copied(tmp_path / "before")


@pytest.fixture
def laptop(with_key: Laptop, tmp_path: Path) -> Laptop:
    return with_key.copied(tmp_path / "laptop")


def test_after_three_cards_the_passphrase_alone_hands_a_patient_over(laptop: Laptop) -> None:
    home, partner = laptop.incident.path / "handover", laptop.root / "partner"
    laptop.typed("desk", "init", "--desk", home, "--name", "UZ Zuid")
    laptop.typed("desk", "init", "--desk", partner, "--name", PARTNER)
    number = json.loads(laptop.typed("desk", "card", "--desk", partner, "--json")[1])["number"]
    laptop.typed("desk", "trust", partner / "card.json", "--number", number, "--desk", home)
    status, said = laptop.on_it("handover", "make", laptop.patient, "--to", PARTNER, lines=(PASSPHRASE,))

    assert (status, said.count("✓")) == (0, 1)
    assert "Card 1" not in said
    assert laptop.deeds()[-1] == "bundle made"


def test_every_command_that_is_given_a_copy_asks_for_the_passphrase(laptop: Laptop) -> None:
    assert laptop.chart()[0] == 0
    lists = ("lists", "--vault", laptop.disk, "--out", laptop.root / "lists")
    named = {"BEAMKEEPER_INCIDENT": str(laptop.incident.path)}

    assert laptop.typed(*lists, lines=(PASSPHRASE,), **named)[0] == 0
    with pytest.raises(ConfigError, match="opens with a key"):
        laptop.typed(*lists, lines=(PASSPHRASE,))


def test_a_wrong_passphrase_is_one_sentence(laptop: Laptop) -> None:

    assert laptop.refused(KeyUnavailable, lines=(PASSPHRASE + "!",)) == "This is not the passphrase."
    assert laptop.refused(KeyUnavailable).startswith("Nobody typed the passphrase")


def test_what_is_kept_is_its_owners_and_no_secret_stands_anywhere(laptop: Laptop, before: Laptop) -> None:
    recovery = laptop.recovery
    laptop.on_it("incident", "print")
    written = [path for path in laptop.incident.path.rglob("*") if path.is_file()]
    earlier = {path.name for path in before.incident.path.rglob("*")}
    secrets = [PASSPHRASE, recovery.identity, recovery.identity.lower(), recovery.secret.hex()]
    secrets += [" ".join(card.split()[:3]) for card in laptop.cards]

    assert {path.name for path in written} - earlier == {KEY}
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert laptop.incident.path.stat().st_mode & 0o777 == 0o700
    for text in secrets:
        assert not [path.name for path in written if text.encode() in path.read_bytes()]
    line = laptop.incident.journal.rows()[-1]
    assert (line.action, line.actor, line.details["about"]) == ("key kept", "A. Jansen", str(laptop.disk))


def test_a_forgotten_key_opens_nothing_even_with_the_old_file(laptop: Laptop) -> None:
    old = laptop.key.read_bytes()
    assert "is kept in this folder, by A. Jansen" in laptop.on_it("incident", "show")[1]
    forget = ("incident", "key", "--forget", "--by", "B. Peeters")
    assert laptop.on_it(*forget)[0] == 0
    line = laptop.incident.journal.rows()[-1]
    assert (line.action, line.actor) == ("key removed", "B. Peeters")
    assert not (laptop.incident.path / KEY).exists()
    assert laptop.on_it(*forget)[0] == 3
    assert len(laptop.incident.journal.rows()) == line.sequence

    assert "opens with a key" in laptop.refused(ConfigError, lines=(PASSPHRASE,))
    assert "is kept in this folder" not in laptop.on_it("incident", "show")[1]
    (laptop.incident.path / KEY).write_bytes(old)
    assert "not the key that the journal speaks of" in laptop.refused(IntegrityError, lines=(PASSPHRASE,))
    assert "by nobody whom we know" in laptop.on_it("incident", "show")[1]


def test_closing_removes_the_key_and_says_so(laptop: Laptop) -> None:
    _, said = laptop.on_it("incident", "close", "--said", "back")
    assert "The key that was kept in the folder is removed" in said

    assert not (laptop.incident.path / KEY).exists()
    assert laptop.deeds()[-2:] == ["key removed", "closed"]
    assert "key" not in laptop.on_it("incident", "close", "--said", "again")[1]


def test_a_key_or_a_copy_of_another_house_is_not_kept(before: Laptop, tmp_path: Path) -> None:
    house = SmallSite.make(tmp_path / "other", tmp_path)
    other, lines = Laptop(tmp_path, house.vault_dir, house.cards[:3]), len(before.deeds())
    with pytest.raises(IntegrityError, match="another"):
        before.keep("--vault", before.disk, "--identity", other.identity)
    with pytest.raises(ConfigError, match="lacks what the incident knows of 3 of its 3"):
        before.keep("--vault", other.disk, "--identity", other.identity)

    assert not before.key.exists()
    assert len(before.deeds()) == lines


@pytest.mark.parametrize("passphrase", ["te kort", "aaaaaaaaaaaaaaaa", ""])
def test_a_passphrase_that_will_not_do_is_refused_before_a_card_is_asked(
    before: Laptop, passphrase: str
) -> None:
    with pytest.raises(ConfigError, match="passphrase"):
        before.keep("--vault", before.disk, "--words", passphrase=passphrase)

    assert not before.key.exists()


def test_a_damaged_key_is_named_and_the_cards_go_on(laptop: Laptop) -> None:
    whole = laptop.key.read_bytes()
    for damaged in (b"", b"{}", whole[:-9], whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:]):
        laptop.key.write_bytes(damaged)
        assert "not the key that the journal speaks of" in laptop.refused(IntegrityError, lines=(PASSPHRASE,))

    assert laptop.chart("--words", lines=tuple(laptop.cards))[0] == 0


def test_a_copy_that_is_elsewhere_now_is_said_before_anybody_types(laptop: Laptop) -> None:
    moved = laptop.disk.rename(laptop.disk.with_name("moved"))
    try:
        with pytest.raises(ConfigError, match=f"not at {laptop.disk} any more"):
            laptop.on_it("handover", "make", laptop.patient, "--to", PARTNER, lines=(PASSPHRASE,))
        assert laptop.chart("--vault", moved)[0] == 0
    finally:
        moved.rename(laptop.disk)


def test_the_environment_says_where_the_passphrase_lies_and_never_what_it_is(laptop: Laptop) -> None:
    handed = laptop.root / "credentials"
    handed.mkdir()
    (handed / "key").write_text(PASSPHRASE + "\n", encoding="utf-8")
    by_systemd = {FROM_VARIABLE: "credential:key", "CREDENTIALS_DIRECTORY": str(handed)}
    assert laptop.chart(lines=(), **by_systemd)[0] == 0

    for value in (PASSPHRASE, "env:SECRET"):
        with pytest.raises(ConfigError, match="file:PATH or credential:NAME") as raised:
            laptop.chart(lines=(), **{FROM_VARIABLE: value, "SECRET": PASSPHRASE})
        assert PASSPHRASE not in str(raised.value)
    beside = f"file:{handed / 'key'}"
    if in_clear_beside(beside, laptop.incident.path):  # an encrypted disk keeps both
        with pytest.raises(KeyUnavailable, match="a thief would have both"):
            laptop.chart(lines=(), **{FROM_VARIABLE: beside})


def test_at_a_terminal_the_passphrase_is_asked_twice_and_never_shown(before: Laptop) -> None:
    options = ["--vault", before.disk, "--identity", before.identity, "--incident", before.incident.path]
    answers = (PASSPHRASE, "another sentence", PASSPHRASE, PASSPHRASE)
    shown = at_a_terminal(before, ["incident", "key", *options], *answers)

    assert shown.count("Passphrase: ") == 2
    assert shown.count("Repeat") == 2
    assert not [text for text in answers if text in shown]
    assert before.chart()[0] == 0


def at_a_terminal(laptop: Laptop, arguments: list[Any], *answers: str) -> str:
    """Type a command at a real terminal; return what it showed."""
    line = [sys.executable, "-c", AT_A_TERMINAL, sys.executable, "-m", "beamkeeper", *map(str, arguments)]
    env = os.environ | {"XDG_STATE_HOME": str(laptop.root / "state")}
    waiting, shown = list(answers), b""
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as typed:
        assert typed.stdin is not None
        assert typed.stdout is not None
        while block := os.read(typed.stdout.fileno(), 4096):
            shown += block
            if waiting and shown.endswith(b": "):
                typed.stdin.write(f"{waiting.pop(0)}\n".encode())
                typed.stdin.flush()
    assert typed.returncode == 0, shown.decode()
    return shown.decode()
