"""The server of the room: granian as the console has it; on loopback in clear, elsewhere with TLS only."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.web.certificates import Certificates, make_certificates
from beamkeeper.app.web.serving import serve_pages
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.web.front import Front
    from beamkeeper.clock import Clock

TOKEN_BYTES: Final = 24
CERTIFICATES: Final = "room"
"""Folder of the incident for the certificates of each address it was served at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the pages are served.

    Attributes
    ----------
    listen
        The address that is listened at.
    names
        By which names browsers may ask for them, besides it; each stands in the certificate.
    """

    listen: str
    port: int
    names: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer reaches them."""
        return ipaddress.ip_address(self.listen).is_loopback

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every name and address the pages answer to."""
        own = ("127.0.0.1", "localhost", "::1") if self.is_loopback else (self.listen,)
        return tuple(dict.fromkeys((self.listen, *self.names, *own)))

    @property
    def address(self) -> str:
        """What a browser is given."""
        name = self.names[0] if self.names else self.listen
        host = f"[{name}]" if ":" in name else name
        return f"http{'' if self.is_loopback else 's'}://{host}:{self.port}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeclared:
    """What the command line names for an incident that is still to be declared.

    Attributes
    ----------
    vault
        A copy of a vault.
    holds
        Further copies in which removal is frozen.
    zone_name
        What the form proposes as the clock on the wall.
    """

    vault: Path
    holds: tuple[Path, ...] = ()
    zone_name: str = ""


def place(listen: str, port: int, names: tuple[str, ...] = ()) -> Place:
    """Return where to serve.

    Raises
    ------
    ConfigError
        No address, or one that means every network of the computer and no name to be asked by.
    """
    try:
        address = ipaddress.ip_address(listen)
    except ValueError as error:
        raise ConfigError(
            f"{listen!r} is no address to listen at.", do_next="Give one of this computer: 192.0.2.20."
        ) from error
    if address.is_unspecified:
        raise ConfigError(
            f"{listen} would serve every network this computer is in.",
            do_next="Name the one address that people of the incident reach.",
        )
    return Place(listen=str(address), port=port, names=names)


def new_token() -> str:
    """Return what nobody guesses."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def certificates(folder: IncidentFolder, where: Place, now: datetime) -> Certificates | None:
    """Return the certificates of an address, made once; None on loopback, which needs none."""
    if where.is_loopback:
        return None
    known = hashlib.sha256("\n".join(where.hosts).encode()).hexdigest()[:12]
    return make_certificates(
        folder.path / CERTIFICATES / known, where.hosts, site_name="incident room", now=now
    )


def load(path: Path, where: Place, token: str, clock: Clock, undeclared: Undeclared | None) -> Front:
    """Return the pages as granian asks for them; called in the worker."""
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415 - settings first

    from beamkeeper.app.web.front import Front  # noqa: PLC0415 - only in the worker
    from beamkeeper.app.web.room.settings import prepare  # noqa: PLC0415 - only in the worker

    prepare(path, where, token, clock, undeclared)
    # Found now, so that the first visitor waits neither for the pages nor for the inventory.
    from beamkeeper.app.web.room import urls  # noqa: F401, PLC0415 - after the settings
    from beamkeeper.app.web.room.room import the_room  # noqa: PLC0415 - after the settings

    if undeclared is None:
        the_room().rows(), the_room().order()
    return Front(WSGIHandler())


def serve(path: Path, where: Place, token: str, clock: Clock, undeclared: Undeclared | None = None) -> None:
    """Serve the pages of an incident until somebody stops it; first the one to declare it on, if it is not.

    One worker for as long as it lasts: sessions and what was tried lie in its memory, and the printed address
    must not count again in another.

    Raises
    ------
    ConfigError
        The address is not ours or in use, or the lists of the incident were never finished.
    """
    made = None
    if undeclared is None:
        folder = IncidentFolder.open(path)
        folder.overview()  # an incident without lists has nothing to show: say so here, not in the worker
        made = certificates(folder, where, clock.now())
    pages = partial(load, path, where, token, clock, undeclared)
    try:
        serve_pages("incident room", pages, (where.listen, where.port), made)
    except OSError as error:
        raise ConfigError(
            f"The room cannot be served at {where.listen}:{where.port} ({error}).",
            do_next="Take another --port; an address must be one of this computer.",
        ) from error
