"""Closing an incident: what is still open is said first, and stands in the line that closes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.file_mode_records import drops
from beamkeeper.app.jobs.incident_acts import within
from beamkeeper.app.jobs.incident_key import remove
from beamkeeper.app.jobs.paper import all_entries
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.jobs.transfers import transfers
from beamkeeper.errors import IntegrityError
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.incident.lines import not_understood

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow

_LEFT_MAX: Final = 10
_LEFT_CHARACTERS_MAX: Final = 300
"""So much is named in the journal's line, which has an end; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Open:
    """Something that is not at its end.

    Attributes
    ----------
    pseudonym
        Whose it is; "" where nobody knows.
    text
        A sentence without the patient's name: it may stand in the journal.
    """

    pseudonym: str
    text: str


def still_open(folder: IncidentFolder) -> tuple[Open, ...]:
    """Return what is not at its end; what cannot be read is open too."""
    said = [Open("", text) for text in not_understood(folder.journal.rows())]
    for found in (_on_shares, _elsewhere, _not_numbered, _unchecked):
        said += _tried(found, folder)
    return tuple(said)


def close(
    folder: IncidentFolder, said: str, *, places: str, left: tuple[Open, ...], by: str, at: datetime
) -> AuditRow:
    """Write down that the incident is closed, and what was left open; a key that is kept goes first.

    Parameters
    ----------
    places
        Where the notice that freezes removal is taken away, in words; "" for nowhere.

    Raises
    ------
    StorageFull
        The key cannot be removed: nothing is closed.
    """
    remove(folder, by=by, at=at)
    about = "; ".join(
        filter(None, (f"lifted in {places}" if places else "", f"{len(left)} left open" if left else ""))
    )
    return write(
        folder,
        Deed.CLOSED,
        by=by,
        at=at,
        about=about,
        said=within(said),
        left_open=[one.text[:_LEFT_CHARACTERS_MAX] for one in left[:_LEFT_MAX]] or None,
    )


def _tried(found: Callable[[IncidentFolder], Iterator[Open]], folder: IncidentFolder) -> list[Open]:
    try:
        return list(found(folder))
    except IntegrityError as error:
        return [Open("", error.message)]


def _on_shares(folder: IncidentFolder) -> Iterator[Open]:
    known = drops(folder, folder.journal.rows())
    for one in known.damaged:
        yield Open(one.pseudonym, f"{one.error.message} {one.error.do_next}")
    for state in known.states:
        if state.is_open:
            yield Open(
                state.drop.pseudonym,
                f"A plan may still lie on the share of {state.drop.treatment_machine_name} (drop "
                f"{state.drop.drop_id}), and what was given from it is not collected: "
                "`beamkeeper filemode collect`.",
            )


def _elsewhere(folder: IncidentFolder) -> Iterator[Open]:
    for one in transfers(folder.journal.rows()):
        if one.is_away:
            yield Open(
                one.pseudonym,
                f"Bundle {one.bundles[-1]} went to {one.house}; what was given there {one.away_since} is not "
                "known: ask for the last return.",
            )


def _not_numbered(folder: IncidentFolder) -> Iterator[Open]:
    inventory = folder.inventory()
    back = dict.fromkeys(one.pseudonym for one in transfers(folder.journal.rows()) if one.returns)
    for pseudonym in back:
        try:
            questions = patient_now(folder, inventory, pseudonym, inventory.head.made_at).questions
        except IntegrityError as error:  # this patient's alone
            yield Open(pseudonym, f"{error.message} {error.do_next}".strip())
            continue
        for one in questions:
            yield Open(
                pseudonym,
                f"A session that {one.house} gave has no number ({one.key}): `beamkeeper handover assign`.",
            )


def _unchecked(folder: IncidentFolder) -> Iterator[Open]:
    for entry in all_entries(folder):
        if not entry.checked_by and not entry.struck_by:
            yield Open(
                entry.pseudonym,
                f"A fraction from paper (line {entry.number}) was not checked: `beamkeeper paper check`.",
            )
