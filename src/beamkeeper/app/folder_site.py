"""A site made of one folder of DICOM files: for anyone who wants to see a night on their own data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.app.setup import make_keys_and_vault
from beamkeeper.app.site import load_site
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.setup import NewSite
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock

_SITE = """\
# Made by `beamkeeper night --folder`: a folder of DICOM files as the only source.
format = 1

[site]
name = {name}
time_zone = "UTC"
data_dir = "data"

[vault]
directory = "vault"
keys_dir = "keys"

[[sources]]
kind = "folder"
name = "folder"
path = {path}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSite:
    """The site of a folder, and what was made for it just now; None when it was there before."""

    site: Site
    new: NewSite | None


def folder_site(folder: Path, data: Path, clock: Clock) -> FolderSite:
    """Return the site of `folder`, made in `data` on the first call.

    Raises
    ------
    ConfigError
        No such folder, none with a file in it to begin with, or `data` belongs to another one.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder.", do_next="Name a folder that holds DICOM files.")
    site_file = data / "beamkeeper.toml"
    path = str(folder.resolve())
    if site_file.exists():
        site = load_site(site_file)
        kept = str(getattr(site.sources[0], "path", "nothing of a folder"))
        if kept != path:
            raise ConfigError(
                f"{data} keeps another folder: {kept}.",
                do_next="Name another place with --data for this one, or remove that one.",
            )
        return FolderSite(site=site, new=None)
    if not any(item.is_file() for item in folder.rglob("*")):
        raise ConfigError(f"There is no file in {folder}.", do_next="Name a folder that holds DICOM files.")
    text = _SITE.format(name=json.dumps(folder.resolve().name or "folder"), path=json.dumps(path))
    write_whole(site_file, text.encode())
    return FolderSite(site=load_site(site_file), new=make_keys_and_vault(site_file, clock))
