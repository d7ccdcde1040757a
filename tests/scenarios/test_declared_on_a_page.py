"""Declaring in a browser: three cards typed on a page, and the room opens when the lists lie there."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at
from tests.console_house.chromium import chromium_with, complaints
from tests.console_house.clock import FileClock
from tests.room_house.incident import make_incident
from tests.room_house.server import Served, room_server
from tests.room_house.visitor import Visitor
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.day_files import DayFiles
from beamkeeper.app.jobs.declaring import Declared, last_check
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.runtime import open_vault
from beamkeeper.app.web.room.doors import Doors
from beamkeeper.app.web.room.lobby import Lobby, read_to_its_end
from beamkeeper.app.web.room.serving import Undeclared
from beamkeeper.errors import ConfigError
from beamkeeper.vault import SiteKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

READ_WITHIN_S = 120
"""Three patients take two seconds; a busy machine takes longer."""


@dataclass
class Laptop:
    """A laptop with a copy of the vault, and its browser."""

    served: Served
    cards: list[str]
    visitor: Visitor

    def typed(self, **changes: str) -> dict[str, str]:
        words = dict(zip(("card_1", "card_2", "card_3"), self.cards[::2], strict=True))
        said = {"by": "A. Jansen, physicist", "zone": "Europe/Brussels", "known": "all dark"}
        return words | said | {"aware": "", "worked_until": ""} | changes

    def until_declared(self) -> str:
        deadline = time.monotonic() + READ_WITHIN_S
        while (answer := self.visitor.get("/")).path.startswith("/declare/"):
            assert "copy is being read" in answer.words
            assert time.monotonic() < deadline, answer.words
            time.sleep(0.2)
        return answer.words


@pytest.fixture
def laptop(kept_site: SmallSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    clock = FileClock(tmp_path / "clock")
    clock.move_to(at(NIGHT_1, 12).now())
    folder = IncidentFolder(tmp_path / "incident")
    with room_server(folder, clock, vault=kept_site.vault_dir) as served:
        visitor = Visitor(served)
        assert "Declare an incident" in visitor.open().words
        yield Laptop(served, kept_site.cards, visitor)


def test_cards_that_are_typed_on_a_page_open_the_room(laptop: Laptop) -> None:
    there_is_one_page_and_strangers_get_none(laptop)
    what_is_wrong_is_said_and_nothing_is_typed_twice(laptop)
    what_the_copy_contradicts_is_said(laptop)

    laptop.visitor.post("/declare/", laptop.typed())
    said = laptop.until_declared()
    rows = laptop.served.folder.journal.rows()
    log = (laptop.served.folder.path.parent / "room.log").read_text(encoding="utf-8")

    assert "Declared Mon 2 Mar, 13:00 by A. Jansen, physicist" in said
    assert len(laptop.served.folder.inventory().persons) == 3
    assert [row.action for row in rows][:3] == ["declared", "removal frozen", "inventory made"]
    assert (rows[0].actor, rows[0].details["said"]) == ("A. Jansen, physicist", "all dark")
    assert "Declare an incident" not in laptop.visitor.get("/declare/").words
    assert not [word for card in laptop.cards for word in card.split() if f" {word} " in log]


def there_is_one_page_and_strangers_get_none(laptop: Laptop) -> None:
    for path in ("/patients/", "/wall/", "/journal/", "/paper/incident/"):
        assert laptop.visitor.get(path).path.startswith("/declare/")
    assert laptop.visitor.get("/door/").status == 403
    stranger = Visitor(laptop.served)
    assert stranger.ask("GET", "/declare/").headers["Location"].startswith("/door/")
    assert "Card 1" not in stranger.get("/declare/").text


def what_is_wrong_is_said_and_nothing_is_typed_twice(laptop: Laptop) -> None:
    wrong = laptop.visitor.post("/declare/", laptop.typed(card_2="acid"))
    assert (wrong.status, "card 2 has 1 word" in wrong.words) == (400, True)
    assert laptop.cards[0] in wrong.text  # what was right has not to be typed again
    late = laptop.visitor.post("/declare/", laptop.typed(worked_until="2036-01-01 06:00"))
    assert (late.status, "is in the future" in late.words) == (400, True)
    assert "the copy is open" in late.words
    assert laptop.cards[0] not in late.text
    assert "Nobody declares this" in laptop.visitor.post("/declare/", laptop.typed(by=" ")).words
    assert "no time zone called" in laptop.visitor.post("/declare/", laptop.typed(zone="Mars")).words
    assert not laptop.served.folder.path.exists()


def what_the_copy_contradicts_is_said(laptop: Laptop) -> None:
    laptop.visitor.post("/declare/", laptop.typed(worked_until="2000-01-01 06:00"))
    deadline = time.monotonic() + READ_WITHIN_S
    while "copy is being read" in (shown := laptop.visitor.get("/declare/")).words:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "The copy holds a treatment of" in shown.words
    assert "the copy is open" in shown.words
    kept = laptop.typed(worked_until="2000-01-01 06:00")
    assert all(kept[name] in shown.text for name in ("by", "known", "worked_until", "zone"))


@pytest.mark.parametrize("error", [OSError("the disk was unplugged"), ConfigError("no")])
def test_what_declaring_ended_with_is_told_once_and_the_form_is_there_again(
    tmp_path: Path, error: Exception
) -> None:
    lobby = Lobby(tmp_path, at(NIGHT_1), Doors("x"), Undeclared(vault=tmp_path))
    lobby.begun = Future()
    assert lobby.failure() is None
    assert lobby.begun is not None
    lobby.begun.set_exception(error)

    assert lobby.failure() is error
    assert (lobby.begun, lobby.failure()) == (None, None)


def test_a_copy_that_is_unplugged_while_it_is_read_is_told_in_journal_and_first_sheet(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    clock, folder = at(NIGHT_1, 12), make_incident(tmp_path / "incident", ())
    vault = open_vault(kept_site.site, clock, SiteKeys.load(kept_site.site.vault.keys_dir))
    known, inventory = folder.overview(), folder.inventory()
    declared = Declared(
        folder=folder,
        incident=folder.incident(),
        inventory=inventory,
        rows=(),
        overview=known,
        held=(),
        not_held=(),
        own=DayFiles(files={}),
    )
    shutil.rmtree(kept_site.vault_dir)
    read_to_its_end(declared, vault, holds=(), by="A. Jansen", clock=clock)
    row = folder.journal.rows()[-1]

    assert (row.action, row.outcome, row.actor) == ("vault read", "failed", "A. Jansen")
    assert "NOT READ TO ITS END" in last_check(folder)
    assert "NOT READ TO ITS END" in (folder.path / "incident.html").read_text()


def test_the_form_is_read_aloud_and_typed_without_a_mouse(
    laptop: Laptop, program: Callable[[str], str]
) -> None:
    base = laptop.served.where.address
    with chromium_with(program("chromium")) as browser:
        context = browser.new_context(viewport={"width": 390, "height": 900})
        context.add_cookies([{"name": n, "value": v, "url": base} for n, v in laptop.visitor.cookies.items()])
        page = context.new_page()
        page.goto(base)
        assert complaints(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for number, words in enumerate(laptop.cards[1:4], start=1):
            page.get_by_label(f"Card {number} of 3").fill(words.upper())
        page.get_by_label("Who you are").fill("Ünal van den Brûlé")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Where we stand").wait_for(timeout=READ_WITHIN_S * 1000)


def test_cards_are_typed_on_this_computer_only(kept_site: SmallSite, tmp_path: Path) -> None:
    arguments = ["incident", "room", "--incident", tmp_path / "i", "--vault", kept_site.vault_dir]
    done = CliRunner().invoke(app, [*map(str, arguments), "--listen", "192.0.2.20"], standalone_mode=False)

    assert isinstance(done.exception, ConfigError)
    assert "this computer only" in done.exception.message
