"""What a department decided beforehand, and what becomes of it: sealed each night, laid out on the day.

Rules of triage, parameters and days for gaps, and the partners' file lie on the collector, which the attack
takes. So they go along in the parcel of the department, and `declare` lays them into the incident's folder,
where triage, gap and placement look for them. A file that says something wrong does not go along, and every
night says so until it is mended: the day it happens is too late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.app.site_gap import GapSection
from beamkeeper.errors import BeamkeeperError, ConfigError
from beamkeeper.vault import DEPARTMENT
from beamkeeper.vault.reading import read_first_members

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.lists import Gathered
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.app.site import Site

FOLDER: Final = "day"
"""Where they lie in the department's parcel."""
RULES: Final = "triage-rules.toml"
PARAMETERS: Final = "gap-parameters.toml"
CALENDAR: Final = "gap-calendar.json"
"""The department's days, as `[gap]` of its site file has them; on the day they are said in the journal."""
PARTNERS: Final = "partners.toml"
NAMES: Final = (RULES, PARAMETERS, CALENDAR, PARTNERS)
"""In an incident's folder; what a person lays there under such a name counts just so."""
BYTES_MAX: Final = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFiles:
    """The department's own files.

    Attributes
    ----------
    files
        By the name that they have in an incident's folder.
    wrong
        What does not go along and why, a sentence each.
    """

    files: Mapping[str, bytes]
    wrong: tuple[str, ...] = ()


def day_files(site: Site) -> DayFiles:
    """Return the files that a site names, each read as it will be read on the day."""
    files, wrong = {}, []
    named = {
        RULES: site.incident.triage_rules,
        PARAMETERS: site.gap.parameters,
        PARTNERS: site.incident.partners,
    }
    for name, path in named.items():
        try:
            if path is not None:
                files[name] = _checked(name, _bytes_of(path))
        except BeamkeeperError as error:
            wrong.append(f"{path}: {error.message}")
    days = site.gap.model_copy(update={"parameters": None})
    if days != GapSection():
        files[CALENDAR] = days.model_dump_json(exclude={"parameters"}).encode()
    return DayFiles(files=files, wrong=tuple(wrong))


def lay_out(folder: IncidentFolder, found: Gathered) -> DayFiles:
    """Lay what was sealed last, up to the night of the inventory, into an incident's folder.

    Returns
    -------
    What was laid out; `wrong` says what could not be, and that the program's own is used instead.
    """
    if found.opened is None:
        return DayFiles(files={})
    sealed = found.own or sealed_files(found.opened, found.head.night)
    files, wrong = {}, list(sealed.wrong)
    for name, data in sealed.files.items():
        try:
            if name != CALENDAR:  # days are said in the journal
                folder.keep(name, data)
            files[name] = data
        except BeamkeeperError as error:
            wrong.append(f"{name}: {error.message}")
    return DayFiles(files=files, wrong=tuple(wrong))


def sealed_files(opened: OpenedVault, night: date) -> DayFiles:
    """Return what was sealed last, up to a night, each file read as it will be read on the day."""
    entry = opened.vault.latest(DEPARTMENT, night=night)
    if entry is None:
        return DayFiles(files={})
    names = {f"{FOLDER}/{name}": name for name in NAMES}
    try:
        members = read_first_members(opened.vault.store, entry, opened.identities, names)
    except BeamkeeperError as error:
        return DayFiles(files={}, wrong=(f"The department's own files cannot be read: {error.message}",))
    files, wrong = {}, []
    for member, data in members.items():
        name = names[member]
        try:
            files[name] = _checked(name, data)
        except BeamkeeperError as error:
            wrong.append(f"{name}, as it was sealed with {entry.night}: {error.message}")
    return DayFiles(files=files, wrong=tuple(wrong))


def shares_of(files: DayFiles | None) -> str:
    """Return from which share of capacity a triage code is treated, by the department's rules or ours."""
    from beamkeeper.respond.triage import read_rules, shares_said, shipped_rules  # noqa: PLC0415 - as below

    own = None if files is None else files.files.get(RULES)
    return shares_said(read_rules(shipped_rules() if own is None else own.decode()))


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"It cannot be read: {error.strerror}.") from error
    if len(data) > BYTES_MAX:
        raise ConfigError(f"It is larger than {BYTES_MAX >> 20} MB.")
    return data


def _checked(name: str, data: bytes) -> bytes:
    """Return a file that is what its name says.

    Raises
    ------
    ConfigError
        It is not.
    """
    try:
        _read(name, data.decode())
    except ValueError as error:  # no UTF-8, or what pydantic says of the calendar
        raise ConfigError("It is no text that can be read.") from error
    return data


def _read(name: str, text: str) -> object:
    """Read a file as it will be read on the day."""
    # Loaded here: a night without such files needs none of these modules.
    from beamkeeper.respond.gap import read_parameters  # noqa: PLC0415
    from beamkeeper.respond.placement.partners import read_partners  # noqa: PLC0415
    from beamkeeper.respond.triage import read_rules  # noqa: PLC0415

    if name == RULES:
        return read_rules(text)
    if name == PARAMETERS:
        return read_parameters([(PARAMETERS, text)])
    return read_partners(text) if name == PARTNERS else GapSection.model_validate_json(text)
