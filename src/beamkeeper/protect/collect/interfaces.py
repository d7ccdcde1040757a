"""The port where sources of objects meet the collector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from beamkeeper.wire.dicom.requester import ExpectedObject, ListedRecord, RecordStudy
    from beamkeeper.wire.dicom.requester_records import IsKept


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchAnswer:
    """What a source said about one request to send.

    Attributes
    ----------
    refused
        SOP Instance UIDs the source named as failed.
    refused_count
        How many it counted as failed; larger than `refused` when it does not name them.
    comment
        Its own words, for the report; "" when it gave none.
    """

    refused: frozenset[str] = frozenset()
    refused_count: int = 0
    comment: str = ""


class PatientSource(Protocol):
    """Holds objects of patients; see tests/contract for what every adapter must do."""

    @property
    def name(self) -> str:
        """The source's name in the site file."""

    def list_objects(self, patient_id: str) -> tuple[ExpectedObject, ...]:
        """Return all it holds of exactly this patient; () means it answered "nothing".

        Raises
        ------
        SourceUnavailable
            No answer.
        SourceAnswerInvalid
            An answer that cannot be trusted.
        """

    def fetch(self, wanted: Sequence[ExpectedObject], *, deadline: datetime) -> FetchAnswer:
        """Have the wanted objects brought into the spool; returns when the source says it is done.

        Raises SourceUnavailable when it stops answering: what arrived by then stays.
        """


class RecordSource(Protocol):
    """Can be asked for new treatment records alone, between two nights."""

    @property
    def name(self) -> str:
        """The source's name in the site file."""

    def record_studies(self, day: date) -> tuple[RecordStudy, ...]:
        """Return the studies that may hold a record of `day` or later.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
            As `PatientSource.list_objects`.
        """

    def records(
        self, study: RecordStudy, kept_count: Callable[[str], int], is_kept: IsKept
    ) -> tuple[ListedRecord, ...]:
        """Return the records of a study that are not kept.

        Parameters
        ----------
        kept_count
            How many records of a series are kept.
        is_kept
            Which of some SOP Instance UIDs are kept.
        """

    def fetch_exactly(self, wanted: Sequence[ExpectedObject]) -> FetchAnswer:
        """Have these objects of one series, and no other, brought into the spool."""
