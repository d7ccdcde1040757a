"""The notice of an open incident in copies that are no folder of this computer: mirrors of every kind.

A file names them: the keys of one `[[mirrors]]` section, as for a handover, or a whole site file, which
means every mirror of it. Lines may be dead, so they are asked after the lists lie there. A place is believed
once the notice was read back from it.
"""

from __future__ import annotations

import io
import tomllib
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.carrying import open_place
from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.destinations import connect
from beamkeeper.app.site import load_site
from beamkeeper.errors import BeamkeeperError, ConfigError, SourceAnswerInvalid
from beamkeeper.protect.mirror import find_notice
from beamkeeper.respond.incident import Deed
from beamkeeper.vault import LocalStore
from beamkeeper.vault.hold import HOLD_NAME, Hold, find_hold, hold_bytes, lift_hold
from beamkeeper.wire.destination import NameTaken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from beamkeeper.app.jobs.declaring import Declared
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.wire.destination import Destination

SITE_BYTES_MAX = 1 << 20


def freeze(destination: Destination, hold: Hold) -> None:
    """Put the notice into a place and read it back; one that is there already stays.

    Raises
    ------
    StorageFull, SourceUnavailable
        Nothing was put there, or nobody knows.
    SourceAnswerInvalid
        It said that it took the notice, and has none.
    """
    data = hold_bytes(hold)
    with suppress(NameTaken):
        destination.put(HOLD_NAME, io.BytesIO(data), size_bytes=len(data))
    if find_notice(destination) is None:
        raise SourceAnswerInvalid(
            "It took the notice that freezes removal, and does not give it back.",
            do_next="Have removal stopped there by hand.",
        )


def thaw(destination: Destination) -> None:
    """Take the notice away; done already is fine."""
    destination.remove(HOLD_NAME)


def freeze_elsewhere(
    declared: Declared, files: Iterable[Path], *, site: Site | None, by: str, clock: Clock
) -> Declared:
    """Put the notice into every copy that files or a site name, and write down where it lies and where not.

    Parameters
    ----------
    files
        Folders among them are left out: they have it already.
    """
    incident = declared.incident
    hold = Hold(incident_id=incident.incident_id, declared_at=incident.declared_at)
    held: list[str] = []
    not_held: list[str] = []
    for name, open_it in _copies(files, site):
        try:
            with closing(open_it()) as destination:
                freeze(destination, hold)
        except BeamkeeperError as error:
            not_held.append(f"{name}: {error.message}")
            write(declared.folder, Deed.HELD, by=by, at=clock.now(), about=not_held[-1], outcome="failed")
        else:
            held.append(name)
            write(declared.folder, Deed.HELD, by=by, at=clock.now(), about=name)
    return replace(declared, held=(*declared.held, *held), not_held=(*declared.not_held, *not_held))


def lift(path: Path, incident_id: str) -> tuple[str, ...]:
    """Take the notice of an incident away from a folder, or from every copy that a file names.

    The notice of another incident stays: a drill that is closed must not let anything go.

    Returns
    -------
    Where a notice still lies, or may, and why, a sentence each; () when it is gone everywhere.
    """
    left = []
    folders = [path] if not path.is_file() else []
    try:
        if _is_site(path) and (vault := load_site(path).vault.directory).is_dir():
            folders.append(vault)
        for folder in folders:
            store = LocalStore(folder)
            if other := _of_another(find_hold(store), incident_id):
                left.append(f"{folder}: {other}")
            else:
                lift_hold(store)
    except BeamkeeperError as error:
        left.append(f"{path}: {error.message}")
    for name, open_it in _copies((path,), None):
        try:
            with closing(open_it()) as destination:
                if other := _of_another(find_notice(destination), incident_id):
                    left.append(f"{name}: {other}")
                else:
                    thaw(destination)
        except BeamkeeperError as error:
            left.append(f"{name}: {error.message}")
    return tuple(left)


def _of_another(found: Hold | None, incident_id: str) -> str:
    """Return why a notice stays; "" for ours, for one that cannot be read, and for none."""
    if found is None or found.incident_id in {"", incident_id}:
        return ""
    return f"the notice of another incident lies there, {found.incident_id}, and stays."


def _copies(files: Iterable[Path], site: Site | None) -> Iterator[tuple[str, Callable[[], Destination]]]:
    """Yield each copy by name, with what opens it; a file that names none is told when it is opened."""
    for path in files:
        if _is_site(path):
            try:
                yield from _mirrors(load_site(path))
            except ConfigError as error:
                yield str(path), partial(_refuse, error)
        elif path.is_file():
            yield str(path), partial(open_place, path)
    if site is not None:
        yield from _mirrors(site)


def _mirrors(site: Site) -> Iterator[tuple[str, Callable[[], Destination]]]:
    for section in site.mirrors:
        yield f"mirror {section.name}", partial(connect, section, site)


def _refuse(error: ConfigError) -> Destination:
    raise error


def _is_site(path: Path) -> bool:
    """Return whether a file is a site file: a place has no `[site]`."""
    try:
        with path.open("rb") as file:
            return "site" in tomllib.loads(file.read(SITE_BYTES_MAX).decode())
    except (OSError, ValueError, RecursionError):
        return False
