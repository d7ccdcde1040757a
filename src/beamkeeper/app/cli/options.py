"""Options that several subcommands share, and opening what they need."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from beamkeeper.app.cli.console import err
from beamkeeper.app.sealed_data import enter
from beamkeeper.app.site import Site, load_site
from beamkeeper.errors import ConfigError

SITE_VARIABLE = "BEAMKEEPER_SITE"
INCIDENT_VARIABLE = "BEAMKEEPER_INCIDENT"
PLACES = (Path("beamkeeper.toml"), Path("/etc/beamkeeper/site.toml"))

SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site",
        metavar="FILE",
        help="Site file; else $BEAMKEEPER_SITE, ./beamkeeper.toml, /etc/beamkeeper/site.toml.",
    ),
]
SolverOption = Annotated[
    str,
    typer.Option("--solver", metavar="NAME", help="highs, or cp-sat where beamkeeper[cp-sat] is installed."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def read_site(given: Path | None) -> Site:
    """Return the site file that was named, or the first one found, whether or not its data can be used.

    Raises
    ------
    ConfigError
        None found, or the file is wrong.
    """
    return load_site(find_site(given))


def open_site(given: Path | None, *, with_key: bool = False) -> Site:
    """Return a site whose data may be read and written.

    Parameters
    ----------
    with_key
        Open its sealed data directory if it is shut and the site file says where the key is.

    Raises
    ------
    ConfigError
        No site file found, the file is wrong, or its data would lie in clear although it says `encrypt_only`.
    DataClosed
        The data directory is sealed, and shut.
    """
    site = read_site(given)
    if with_key and _open_by_reference(site):
        err.print(f"{site.data_dir} was opened, and stays so until `beamkeeper data close`.", soft_wrap=True)
    enter(site)
    return site


def _open_by_reference(site: Site) -> bool:
    from beamkeeper.app.opening_data import open_by_reference

    return open_by_reference(site)


def find_site(given: Path | None) -> Path:
    """Return where the site file is: the one that was named, or the first one found.

    Raises
    ------
    ConfigError
        None found.
    """
    if given is not None:
        return given
    if named := os.environ.get(SITE_VARIABLE):
        return Path(named)
    for place in PLACES:
        if place.exists():
            return place
    raise ConfigError(
        "No site file was found.",
        do_next="Write one with `beamkeeper init`, name one with --site, or try `beamkeeper demo`.",
    )
