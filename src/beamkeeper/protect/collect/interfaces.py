"""The port where sources of objects meet the collector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beamkeeper.wire.dicom.requester import ExpectedObject


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
