"""What people do in an incident, and the checks before it stands in the journal.

One way for the command line and for the pages: neither writes a line of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.declaring import write
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed, standing
from beamkeeper.respond.incident.clocks import Due, clocks, standing_clocks
from beamkeeper.respond.triage import stated_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.incident import Incident

TEXT_MAX: Final = 5000
"""Characters of one line of the journal: the longest script takes twelve bytes each, and a line 65,536."""
WHO_MAX: Final = 200
REMARKS: Final = frozenset({Deed.NOTED, Deed.DECIDED})
"""What is written down in people's own words alone."""


def within(text: str, most: int = TEXT_MAX) -> str:
    """Return what was typed, if a line of the journal can hold it.

    Raises
    ------
    ConfigError
        It is too long: nothing is cut off in silence.
    """
    if len(text) > most:
        raise ConfigError(
            f"This can have at most {most} characters; it has {len(text)}.",
            do_next="Write what matters, and name the file where the rest lies.",
        )
    return text.strip()


def remark(
    folder: IncidentFolder,
    deed: Deed,
    text: str,
    *,
    by: str,
    at: datetime,
    pseudonym: str | None = None,
    signed: str = "",
) -> AuditRow:
    """Write down what somebody saw, heard, did (`Deed.NOTED`) or decided (`Deed.DECIDED`).

    Parameters
    ----------
    signed
        Login of a person of the incident who gave the passphrase for it; "" where a name was typed.

    Raises
    ------
    ConfigError
        Nothing was said, or too much.
    """
    if deed not in REMARKS:
        raise ValueError(f"{deed} is no remark")
    said = within(text)
    if not said:
        raise ConfigError("Nothing was said.", do_next="Write it in your words.")
    return write(folder, deed, by=by, at=at, pseudonym=pseudonym, said=said, signed=signed)


def tick(
    folder: IncidentFolder,
    item: str,
    *,
    by: str,
    at: datetime,
    said: str = "",
    undo: bool = False,
    signed: str = "",
) -> AuditRow:
    """Tick a step of the checklist, or take a tick back.

    Raises
    ------
    ConfigError
        The checklist has no such step.
    """
    known = [one.item_id for step in folder.steps() for one in step.items]
    if item not in known:
        raise ConfigError(f"The checklist has no {item!r}.", do_next=f"It has {', '.join(known)}.")
    deed = Deed.UNTICKED if undo else Deed.TICKED
    return write(folder, deed, by=by, at=at, about=item, said=within(said), signed=signed)


def reported(
    folder: IncidentFolder, clock: str, *, by: str, at: datetime, said: str = "", signed: str = ""
) -> AuditRow:
    """Write down that an authority or a partner was told: its clock stops.

    Raises
    ------
    ConfigError
        No such clock.
    """
    known = [item.clock_id for item in clocks(folder.incident().laws)]
    if clock not in known:
        raise ConfigError(f"No clock is called {clock!r}.", do_next=f"There are {', '.join(known)}.")
    return write(folder, Deed.REPORTED, by=by, at=at, about=clock, said=within(said), signed=signed)


def state(
    folder: IncidentFolder,
    pseudonym: str,
    about: str,
    value: str,
    *,
    reason: str,
    by: str,
    at: datetime,
    signed: str = "",
) -> AuditRow:
    """Write down what somebody says is true of a patient, or which level the patient has.

    Raises
    ------
    ConfigError
        No reason, no such fact, or no value of it.
    """
    if not reason.strip():
        raise ConfigError("A word without a reason does not count.", do_next="Say why, in your words.")
    stated_value(about, value)
    return write(
        folder,
        Deed.OVERRIDDEN,
        by=by,
        at=at,
        pseudonym=pseudonym,
        about=about,
        value=value.strip().casefold(),
        said=within(reason),
        signed=signed,
    )


def due_clocks(incident: Incident, rows: Sequence[AuditRow], now: datetime) -> tuple[Due, ...]:
    """Return by when whom to tell, the next one first."""
    return standing_clocks(
        clocks(incident.laws),
        aware_at=incident.aware_at,
        reported=standing(rows).reported,
        zone=ZoneInfo(incident.time_zone),
        now=now,
    )
