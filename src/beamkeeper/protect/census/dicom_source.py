"""The list from DICOM alone: whoever has a treatment record of the last days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.clock import local_date
from beamkeeper.domain.census import CensusEntry, CensusReason, Claim
from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.protect.census.source import CensusWindow, SourceAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.patient import Patient

PATIENTS_MAX = 100_000
"""More patients than this in a few days is not one department."""

AUTHORITY = 1


class DicomSource:
    """Asks an archive for treatment records by date.

    Parameters
    ----------
    name
        What the archive is called on the report.
    treated_since
        Returns the patients with a treatment record on or after a day (study- or series-level C-FIND,
        RTRECORD); raises `SourceUnavailable` or `SourceAnswerInvalid`. A patient may come several
        times, also with different spellings: that is shown, not hidden.
    zone
        Zone in which the archive's dates are written.
    is_test_patient
        Tells Patient IDs that are no patients.
    """

    def __init__(
        self,
        name: str,
        treated_since: Callable[[date], Iterable[Patient]],
        *,
        zone: ZoneInfo,
        is_test_patient: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._name = name
        self._treated_since = treated_since
        self._zone = zone
        self._is_test_patient = is_test_patient

    @property
    def name(self) -> str:
        """What the archive is called on the report."""
        return self._name

    def ask(self, now: datetime, window: CensusWindow) -> SourceAnswer:
        """Return everybody with a record since the first day of the window.

        An archive knows neither who comes tomorrow nor who has finished, so it says neither.
        """
        claim = Claim(source=self._name, reason=CensusReason.TREATED_RECENTLY)
        entries: dict[Patient, CensusEntry] = {}
        for patient in self._treated_since(local_date(window.treated_since(now), self._zone)):
            if len(entries) >= PATIENTS_MAX:
                raise SourceAnswerInvalid(
                    f"The archive {self._name} names more than {PATIENTS_MAX} patients in a few days.",
                    do_next="Check that the archive filters by study date; ask it with findscu.",
                )
            entries[patient] = CensusEntry(patient=patient, claims=(claim,))
        test = frozenset(p.patient_id for p in entries if self._is_test_patient(p.patient_id))
        return SourceAnswer(
            source=self._name, entries=tuple(entries.values()), authority=AUTHORITY, test_patient_ids=test
        )
