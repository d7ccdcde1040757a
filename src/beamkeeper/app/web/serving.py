"""The server: granian with TLS inside, in this process and one worker of its own.

The worker is replaced once in half a day and then reads its certificate anew, so that one that was
renewed is served without anybody's doing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from beamkeeper.app.sealed_data import verify_sealed
from beamkeeper.app.site import load_site
from beamkeeper.app.web.certificates import Certificates, console_dir, make_certificates
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.app.web.front import Front
    from beamkeeper.clock import Clock

WORKER_LIVES_S: Final = 12 * 3600
WAITING_MAX: Final = 512
"""Requests that may be under way; more have to wait. Slow ones take no thread (`front`)."""
HEADERS_WITHIN_MS: Final = 10_000
"""Whoever takes longer to ask is hung up on."""
BUFFER_BYTES: Final = 64 << 10
STOPS_WITHIN_S: Final = 10


def console_certificates(site: Site, clock: Clock, *, new_authority: bool = False) -> Certificates:
    """Return the certificates of a site's console, made or renewed where due."""
    verify_sealed(site)
    return make_certificates(
        console_dir(site),
        site.console.hosts,
        site_name=site.site.name,
        now=clock.now(),
        new_authority=new_authority,
    )


def load(site_file: Path, clock: Clock) -> Front:
    """Return the pages as granian asks for them; called in the worker."""
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415 - settings first

    from beamkeeper.app.web.front import Front  # noqa: PLC0415 - only in the worker
    from beamkeeper.app.web.settings import prepare  # noqa: PLC0415 - only in the worker

    site = load_site(site_file)
    console_certificates(site, clock)
    prepare(site, clock)
    # Found now, so that the first visitor does not wait for every page to be loaded.
    from beamkeeper.app.web import urls  # noqa: F401, PLC0415 - after the settings

    return Front(WSGIHandler())


def serve(site: Site, site_file: Path, clock: Clock) -> None:
    """Serve the pages of a site until somebody stops it.

    Parameters
    ----------
    site_file
        Where the site file is: the worker reads it anew.

    Raises
    ------
    ConfigError
        The address is not ours or in use.
    """
    certificates = console_certificates(site, clock)
    try:
        serve_pages(
            "console",
            partial(load, site_file, clock),
            (site.console.bind, site.console.port),
            certificates,
            lives_s=WORKER_LIVES_S,
        )
    except OSError as error:
        raise ConfigError(
            f"The console cannot listen at {site.console.bind}:{site.console.port} ({error}).",
            do_next="Check [console] bind and port, and that no other console runs.",
        ) from error


def serve_pages(
    name: str,
    pages: Callable[[], Front],
    at: tuple[str, int],
    certificates: Certificates | None,
    *,
    lives_s: int | None = None,
) -> None:
    """Serve pages of ours until somebody stops it, with the bounds that hold for all of them.

    Parameters
    ----------
    pages
        Makes them, in the worker.
    certificates
        None for loopback in clear.
    lives_s
        After so long, or when it died, the worker is replaced; None for one worker as long as it lasts.

    Raises
    ------
    OSError
        The address is not ours or in use.
    """
    server = Server(
        f"beamkeeper {name}",
        address=at[0],
        port=at[1],
        interface=Interfaces.RSGI,
        workers=1,
        backpressure=WAITING_MAX,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS, max_buffer_size=BUFFER_BYTES),
        websockets=False,
        log_level=LogLevels.warning,
        ssl_cert=certificates.server if certificates else None,
        ssl_key=certificates.server_key if certificates else None,
        ssl_protocol_min=SSLProtocols.tls12,
        workers_lifetime=lives_s,
        workers_kill_timeout=STOPS_WITHIN_S,
        respawn_failed_workers=lives_s is not None,
    )
    server.serve(target_loader=pages, wrap_loader=False)
