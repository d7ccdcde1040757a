"""The room before there is an incident: three cards are typed, somebody declares, and the room opens.

The same as `beamkeeper declare`, for whoever would rather read a page. On this computer alone. What is typed
of the cards is kept nowhere; what opens the vault stays in this process until it ends.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.conf import settings

from beamkeeper.app.jobs.declaration import Typed, declaration, times
from beamkeeper.app.jobs.declaring import check_vault, declare, print_pages, write
from beamkeeper.app.jobs.freezing import freeze_elsewhere
from beamkeeper.app.jobs.incident_acts import WHO_MAX, within
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.web.room.room import SETTING, Room
from beamkeeper.clock import zone as zone_named
from beamkeeper.errors import BeamkeeperError, ConfigError
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.declaring import Declared
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.app.web.room.doors import Doors
    from beamkeeper.app.web.room.serving import Undeclared
    from beamkeeper.clock import Clock
    from beamkeeper.vault import Vault

CARDS: Final = 3


@dataclass
class Lobby:
    """An incident that is being declared; one a process.

    Attributes
    ----------
    typed, zone_typed
        What was last declared with: where the copy contradicts it, nobody types the rest again.
    """

    path: Path
    clock: Clock
    doors: Doors
    undeclared: Undeclared
    opened: OpenedVault | None = None
    begun: Future[None] | None = None
    typed: Typed | None = None
    zone_typed: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "declaring"))

    def unlock(self, cards: Sequence[str]) -> None:
        """Open the copy with three cards; one that was opened stays open.

        Raises
        ------
        KeyUnavailable
            The cards are not right.
        BeamkeeperError
            The copy is not what it should be.
        """
        from beamkeeper.app.opened import (  # noqa: PLC0415 - a room that was declared reads no vault
            open_elsewhere,
            recovery_from_cards,
        )

        with self._lock:
            if self.opened is None:
                recovery = recovery_from_cards(cards)
                self.opened = open_elsewhere(self.undeclared.vault, recovery, self.clock)

    def begin(self, typed: Typed, zone_name: str) -> None:
        """Begin to declare, in the background; pressed twice is pressed once.

        Raises
        ------
        ConfigError
            What was typed can be seen to be wrong before anything is read.
        """
        where = zone_named(zone_name)
        if not typed.by.strip():
            raise ConfigError("Nobody declares this.", do_next="Write your name and role.")
        within(typed.by, WHO_MAX), within(typed.known), times(typed, where, self.clock.now())
        with self._lock:
            assert self.opened is not None  # noqa: S101 - `unlock` comes first
            if self.begun is None:
                self.typed, self.zone_typed = typed, zone_name
                self.begun = self._worker.submit(self._declare, self.opened, typed, where)

    def failure(self) -> BaseException | None:
        """Return the error that declaring ended with, once: then the form stands there again."""
        with self._lock:
            if self.begun is None or not self.begun.done():
                return None
            found, self.begun = self.begun.exception(), None
            return found

    def _declare(self, opened: OpenedVault, typed: Typed, where: ZoneInfo) -> None:
        from beamkeeper.app.jobs.lists import gather_elsewhere  # noqa: PLC0415 - as above

        now = self.clock.now()
        found = gather_elsewhere(opened, zone=where, now=now)
        said = declaration(typed, found, now)
        folder = IncidentFolder.create(self.path)
        declared = declare(
            found, opened.vault, said, folder=folder, clock=self.clock, more_places=self.undeclared.holds
        )
        room = Room(folder, self.clock, self.doors)
        room.rows(), room.order()
        setattr(settings, SETTING, room)  # people work from here on; the rest of the vault is read meanwhile
        read_to_its_end(declared, opened.vault, holds=self.undeclared.holds, by=said.by, clock=self.clock)


def read_to_its_end(
    declared: Declared, vault: Vault, *, holds: Sequence[Path], by: str, clock: Clock
) -> None:
    """Freeze other copies and read the whole vault; nobody waits: journal and first sheet say what failed."""
    try:
        declared = freeze_elsewhere(declared, holds, site=None, by=by, clock=clock)
        check_vault(declared, vault, by=by, clock=clock, progress=None)
    except BeamkeeperError as error:
        told = f"NOT READ TO ITS END: {error.message} Read it again: beamkeeper vault verify."
        write(declared.folder, Deed.CHECKED, by=by, at=clock.now(), said=told, outcome="failed")
        print_pages(declared.folder, declared.overview, now=clock.now(), checked=told)


def the_lobby() -> Lobby | None:
    """Return the lobby of this process; None once there is an incident."""
    found = getattr(settings, SETTING)
    return found if isinstance(found, Lobby) else None
