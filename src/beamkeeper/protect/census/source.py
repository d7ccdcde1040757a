"""What a source of the list is, what it answers, and asking all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from beamkeeper.errors import BeamkeeperError, ConfigError, SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.chart import Chart
    from beamkeeper.domain.patient import Patient


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusWindow:
    """How far the list looks back and ahead.

    Attributes
    ----------
    approved_days
        A plan approved longer ago than this and never started is not asked for; a patient already on
        the list stays on it all the same.
    finished_days
        How long ago a course may have ended for its patient to be named as finished.
    past_days
        How long ago an appointment of somebody on the list may have been to be shown.
    """

    treated_days: int = 7
    scheduled_days: int = 7
    simulated_days: int = 14
    approved_days: int = 180
    finished_days: int = 90
    past_days: int = 60

    def __post_init__(self) -> None:
        """Refuse a window that looks at nothing."""
        backward = (self.treated_days, self.simulated_days, self.approved_days, self.finished_days)
        if min(self.scheduled_days, self.past_days, *backward) < 1:
            raise ValueError("every part of the window has at least one day")

    def treated_since(self, now: datetime) -> datetime:
        """Return the instant since which a treatment counts as recent."""
        return now - timedelta(days=self.treated_days)

    def scheduled_until(self, now: datetime) -> datetime:
        """Return the instant up to which an appointment counts as soon."""
        return now + timedelta(days=self.scheduled_days)

    def simulated_since(self, now: datetime) -> datetime:
        """Return the instant since which a simulation counts as recent."""
        return now - timedelta(days=self.simulated_days)

    def approved_since(self, now: datetime) -> datetime:
        """Return the instant since which an approval is asked for."""
        return now - timedelta(days=self.approved_days)

    def finished_since(self, now: datetime) -> datetime:
        """Return the instant since which the end of a course is asked for."""
        return now - timedelta(days=self.finished_days)

    def past_since(self, now: datetime) -> datetime:
        """Return the instant since which appointments that were are shown."""
        return now - timedelta(days=self.past_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAnswer:
    """What one source said.

    Attributes
    ----------
    entries
        Everybody who must be kept, with this source's reasons; the same patient may stand there twice.
    authority
        Whose facts are shown first where sources differ: 0 an OIS, 1 an archive. Not who is right.
    finished_patient_ids
        Patients whose treatment this source knows to be complete, on the list or not.
    test_patient_ids
        Patient IDs that are no patients; left out of the list and named on the report.
    charts
        What this source knows of people whom it does not put on the list itself, by how it calls them.
    error
        Why there is no answer, in a plain sentence; "" when there is one.
    """

    source: str
    entries: tuple[CensusEntry, ...] = ()
    authority: int = 0
    finished_patient_ids: frozenset[str] = frozenset()
    test_patient_ids: frozenset[str] = frozenset()
    charts: tuple[tuple[Patient, Chart], ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""

    @property
    def answered(self) -> bool:
        """Whether the source gave an answer at all."""
        return not self.error


class Source(Protocol):
    """Knows who is treated; see tests/contract/census_source_contract.py."""

    @property
    def name(self) -> str:
        """What the source is called on the report."""

    def ask(self, now: datetime, window: CensusWindow) -> SourceAnswer:
        """Return everybody who must be kept at `now`.

        Raises
        ------
        SourceUnavailable
            No answer: says nothing about who is treated.
        SourceAnswerInvalid
            An answer that cannot be read.
        """


def ask_all(sources: Iterable[Source], *, now: datetime, window: CensusWindow) -> tuple[SourceAnswer, ...]:
    """Ask every source once; one that fails is an answer with an error, and the others are still asked."""
    return tuple(_ask(source, now, window) for source in sources)


def _ask(source: Source, now: datetime, window: CensusWindow) -> SourceAnswer:
    try:
        return source.ask(now, window)
    except (SourceUnavailable, SourceAnswerInvalid, ConfigError) as error:
        return SourceAnswer(source=source.name, error=_sentence(error))


def _sentence(error: BeamkeeperError) -> str:
    return f"{error.message} {error.do_next}".strip()
