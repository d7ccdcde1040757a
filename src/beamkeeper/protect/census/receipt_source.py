"""The list from the planning system's receipts: who has a plan that was approved lately, and how urgent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.domain.census import CensusEntry, CensusReason, Claim
from beamkeeper.domain.chart import Chart, PlanExport
from beamkeeper.domain.patient import Patient
from beamkeeper.protect.census.receipts import Receipt, read_receipts
from beamkeeper.protect.census.source import CensusWindow, SourceAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

AUTHORITY = 2
"""Below an OIS and an archive: a receipt says what was sent, not who is treated."""
LISTED_FOR = timedelta(days=14)
"""So long after its approval a plan puts its patient on the list; then the OIS or the archive knows them."""


class ReceiptSource:
    """Reads a folder of receipts.

    Parameters
    ----------
    name
        What the source is called on the report.
    zone
        Zone of the planning system's wall times.
    days
        Receipts older than this say nothing any more.
    is_test_patient
        Tells Patient IDs that are no patients.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        zone: ZoneInfo,
        days: int,
        is_test_patient: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._name = name
        self._folder = folder
        self._zone = zone
        self._days = days
        self._is_test_patient = is_test_patient

    @property
    def name(self) -> str:
        """What the source is called on the report."""
        return self._name

    def ask(self, now: datetime, window: CensusWindow) -> SourceAnswer:  # noqa: ARG002 - it has its own days
        """Return whose plans were approved lately, and the chart of everybody with a receipt.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
            As `read_receipts` does.
        """
        since = now - timedelta(days=self._days)
        read = read_receipts(self._folder, since=since, now=now, zone=self._zone)
        people: dict[Patient, list[Receipt]] = {}
        for receipt in read.receipts:
            if receipt.approved:
                stated = Patient(patient_id=receipt.patient_id, name=receipt.patient_name)
                people.setdefault(stated, []).append(receipt)
        return SourceAnswer(
            source=self._name,
            entries=tuple(
                self._entry(patient)
                for patient, receipts in people.items()
                if receipts[-1].export.exported_at >= now - LISTED_FOR
            ),
            authority=AUTHORITY,
            test_patient_ids=frozenset(
                patient.patient_id for patient in people if self._is_test_patient(patient.patient_id)
            ),
            charts=tuple((patient, _chart(self._name, receipts)) for patient, receipts in people.items()),
            warnings=read.problems,
        )

    def _entry(self, patient: Patient) -> CensusEntry:
        claim = Claim(source=self._name, reason=CensusReason.PLANNED_NOT_STARTED)
        return CensusEntry(patient=patient, claims=(claim,))


def _chart(source: str, receipts: Sequence[Receipt]) -> Chart:
    """Return the last word on each plan and destination, and the code given last; receipts come in order."""
    exports: dict[tuple[object, ...], PlanExport] = {}
    for receipt in receipts:
        one = receipt.export
        exports[one.case, one.plan_name, one.rt_plan_label, one.destination, one.reviewed_at] = one
    codes = [receipt.triage for receipt in receipts if receipt.triage is not None]
    return Chart(source=source, triage=codes[-1] if codes else None, exports=tuple(exports.values()))
