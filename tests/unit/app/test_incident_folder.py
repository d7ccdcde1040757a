"""A folder of an incident that was interrupted, changed or cannot be written."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.incident_folder import INVENTORY, OVERVIEW, IncidentFolder
from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.errors import ConfigError, IntegrityError, StorageFull
from beamkeeper.respond.incident import Deed, Inventory, overview

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)


@pytest.fixture
def begun(tmp_path: Path) -> IncidentFolder:
    folder = IncidentFolder.create(tmp_path / "incident")
    write(folder, Deed.DECLARED, by="A", at=NOW)
    return folder


def finish(folder: IncidentFolder) -> Inventory:
    inventory = Inventory(
        site_name="AZ",
        time_zone="UTC",
        night=date(2026, 11, 21),
        trust="",
        made_at=NOW,
        attacked_at=NOW,
    )
    values = ((INVENTORY, inventory), (OVERVIEW, overview(inventory, ())))
    digests = {name: hashlib.sha256(folder.keep_value(name, value)).hexdigest() for name, value in values}
    write(folder, Deed.LISTED, by="A", at=NOW, sha256_of=digests)
    return inventory


def test_a_declaration_that_was_interrupted_goes_on_in_the_same_folder(begun: IncidentFolder) -> None:
    with pytest.raises(ConfigError, match="not finished"):
        begun.inventory()
    again = IncidentFolder.create(begun.path)
    inventory = finish(again)

    assert again.inventory() == inventory
    assert [row.action for row in again.journal.rows()] == ["declared", "inventory made"]
    with pytest.raises(ConfigError, match="holds an incident already"):
        IncidentFolder.create(begun.path)


def test_an_inventory_is_parsed_once_and_still_held_against_the_journal_each_time(
    begun: IncidentFolder,
) -> None:
    finish(begun)
    assert begun.inventory() is IncidentFolder(begun.path).inventory()


def test_an_inventory_changed_on_the_disk_is_refused(begun: IncidentFolder) -> None:
    finish(begun)
    begun.inventory()
    path = begun.path / INVENTORY
    path.write_bytes(path.read_bytes().replace(b"2026-11-21", b"2026-11-20"))

    with pytest.raises(IntegrityError, match=r"inventory\.json of the incident is not what was written"):
        begun.inventory()


def test_what_is_asked_every_minute_needs_no_reading_of_the_inventory(begun: IncidentFolder) -> None:
    inventory = finish(begun)
    (begun.path / INVENTORY).unlink()

    assert begun.overview() == overview(inventory, ())


def test_a_folder_that_cannot_be_made_is_told_as_no_room(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StorageFull, match=r"list\.pdf cannot be written"):
        write_whole(tmp_path / "file" / "lists" / "list.pdf", b"x")
