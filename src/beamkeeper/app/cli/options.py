"""Options that several subcommands share, and opening what they need."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from beamkeeper.app.site import Site, load_site
from beamkeeper.errors import ConfigError

SITE_VARIABLE = "BEAMKEEPER_SITE"
PLACES = (Path("beamkeeper.toml"), Path("/etc/beamkeeper/site.toml"))

SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site",
        metavar="FILE",
        help="Site file; else $BEAMKEEPER_SITE, ./beamkeeper.toml, /etc/beamkeeper/site.toml.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def open_site(given: Path | None) -> Site:
    """Return the site file that was named, or the first one found.

    Raises
    ------
    ConfigError
        None found, or the file is wrong.
    """
    return load_site(find_site(given))


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
