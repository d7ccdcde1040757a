"""Tonight's list: ask every source, merge, give everybody the folder they have in the vault."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.folders import folders_of_list
from beamkeeper.app.jobs.looked import TonightList
from beamkeeper.domain.identity import identity_of
from beamkeeper.domain.namesakes import namesakes
from beamkeeper.protect.census import CensusWindow, ask_all, merge

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.jobs.sources import Sources
    from beamkeeper.domain.census import Census, CensusEntry
    from beamkeeper.domain.patient import Patient
    from beamkeeper.ledger import Ledger


def take_census(runtime: Runtime, sources: Sources, *, run_on: date | None = None) -> TonightList:
    """Return everybody who must be kept tonight, whoever answers.

    Parameters
    ----------
    run_on
        The date this list is for; None for a look at what it would be now.

    Raises
    ------
    ImplausibleChange, SourceUnavailable
        As `census.merge` says: never an empty list in silence.
    """
    section, now = runtime.site.census, runtime.clock.now()
    window = CensusWindow(
        treated_days=section.treated_days,
        scheduled_days=section.scheduled_days,
        simulated_days=section.simulated_days,
    )
    answers = ask_all(sources.list_sources, now=now, window=window)
    census = merge(answers, now=now, previous=_list_before(runtime.ledger, run_on))
    patients = [entry.patient for entry in census.entries]
    return TonightList(
        census=census,
        pseudonyms=folders_of_list(runtime, patients),
        namesakes=namesakes(census.entries, now),
    )


def _list_before(ledger: Ledger, run_on: date | None) -> Census | None:
    """Return the list to keep by: that of the night before, and whoever an earlier try of this date found.

    An earlier try already says who finished since; those are on the list of this date once more, so that
    the end of their course is in its last report too.
    """
    if run_on is None:
        return ledger.last_census()
    before, own = ledger.last_census(before=run_on), ledger.census_of(run_on)
    if before is None or own is None:
        return before or own
    finished = {_key(entry): entry.finished for entry in before.entries}
    entries = {_key(entry): entry for entry in before.entries}
    for entry in own.entries:
        entries[_key(entry)] = replace(entry, finished=finished.get(_key(entry), False))
    return replace(before, taken_at=own.taken_at, entries=tuple(entries.values()))


def _key(entry: CensusEntry) -> Patient:
    return identity_of(entry.patient)
