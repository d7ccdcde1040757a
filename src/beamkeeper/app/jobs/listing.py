"""Tonight's list: ask every source, merge, give everybody the folder they have in the vault."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.looked import TonightList
from beamkeeper.protect.census import CensusWindow, ask_all, merge
from beamkeeper.vault import pseudonym

if TYPE_CHECKING:
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.jobs.sources import Sources
    from beamkeeper.domain.census import Census


def take_census(runtime: Runtime, sources: Sources) -> TonightList:
    """Return everybody who must be kept tonight, whoever answers.

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
    census = merge(answers, now=now, previous=runtime.ledger.last_census())
    return TonightList(census=census, pseudonyms=_pseudonyms(census, runtime.keys.pseudonym_key))


def _pseudonyms(census: Census, key: bytes) -> tuple[str, ...]:
    """Return each patient's folder in the vault.

    The issuer counts only where two patients of tonight share one Patient ID: sources differ in whether
    they name it, and a patient must keep one folder whichever source answers.
    """
    counts = Counter(entry.patient.patient_id for entry in census.entries)
    return tuple(
        pseudonym(
            key,
            entry.patient.issuer_of_patient_id if counts[entry.patient.patient_id] > 1 else "",
            entry.patient.patient_id,
        )
        for entry in census.entries
    )
