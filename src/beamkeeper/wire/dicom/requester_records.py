"""Which treatment records an archive has got since it was last asked, with as few questions as it allows.

One question lists all studies with records and how many objects each holds; only a study whose number
changed is asked for its series, and only a series that holds more than we keep for its records. An
archive that does not count is asked for every study of those who are under treatment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.dicom.peers import ExpectedObject, RecordStudy
from beamkeeper.wire.dicom.requester_query import query
from beamkeeper.wire.dicom.requester_treated import (
    RECORD,
    RECORDS_MAX,
    SERIES_MAX,
    STUDIES_MAX,
    WHO,
    has_records,
    since_of,
    who_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from beamkeeper.wire.dicom.requester_query import Answer
    from beamkeeper.wire.dicom.requester_treated import Asker

_DATES = ("TreatmentDate", "ContentDate", "InstanceCreationDate")


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """One treatment record as the archive lists it.

    Attributes
    ----------
    treated_on
        The day of the treatment as far as the archive tells; None when it tells none.
    """

    item: ExpectedObject
    treated_on: date | None


class RecordSearch:
    """Asks one archive for records; `studies` first, then `records` of those that changed."""

    def __init__(self, asker: Asker, *, deadline: float) -> None:
        self._asker, self._deadline = asker, deadline

    def studies(self, day: date) -> tuple[RecordStudy, ...]:
        """Return the studies that may hold a record of `day` or later, with the number of their objects.

        No question finds studies without a date, so all are asked for; only an archive with more than
        `STUDIES_MAX` of them is asked by date.
        """
        try:
            return self._matching("", day)
        except SourceAnswerInvalid as error:
            if "limit" not in error.facts:
                raise
            return self._matching(f"{since_of(day):%Y%m%d}-", day)

    def records(self, study: RecordStudy, kept_count: Callable[[str], int]) -> tuple[ListedRecord, ...]:
        """Return the records of a study, but for series of which as many are kept as the archive holds.

        Parameters
        ----------
        kept_count
            How many records of a series are kept.
        """
        return tuple(
            record for series in self._series(study, kept_count) for record in self._instances(study, series)
        )

    def _matching(self, study_date: str, day: date) -> tuple[RecordStudy, ...]:
        identifier = query(
            "STUDY",
            returning=("StudyInstanceUID", "NumberOfStudyRelatedInstances", *WHO),
            ModalitiesInStudy=RECORD,
            StudyDate=study_date,
        )
        since = since_of(day)
        return tuple(
            RecordStudy(
                patient_id=who.patient_id,
                study_instance_uid=answer.uid("StudyInstanceUID"),
                instance_count=answer.count("NumberOfStudyRelatedInstances"),
            )
            for answer in self._asker.ask(identifier, limit=STUDIES_MAX, deadline=self._deadline)
            if (who := who_of(answer)) is not None
            and has_records(answer)
            and (answer.day("StudyDate") or since) >= since
        )

    def _series(self, study: RecordStudy, kept_count: Callable[[str], int]) -> Iterator[str]:
        identifier = query(
            "SERIES",
            returning=("SeriesInstanceUID", "NumberOfSeriesRelatedInstances"),
            StudyInstanceUID=study.study_instance_uid,
            Modality=RECORD,
        )
        answers = self._asker.ask_below(
            identifier, study.patient_id, limit=SERIES_MAX, deadline=self._deadline
        )
        for answer in answers:
            if answer.text("Modality") != RECORD:
                continue
            series = answer.uid("SeriesInstanceUID")
            count = answer.count("NumberOfSeriesRelatedInstances")
            if count is None or count != kept_count(series):
                yield series

    def _instances(self, study: RecordStudy, series: str) -> Iterator[ListedRecord]:
        identifier = query(
            "IMAGE",
            returning=("SOPInstanceUID", "SOPClassUID", *_DATES),
            StudyInstanceUID=study.study_instance_uid,
            SeriesInstanceUID=series,
        )
        answers = self._asker.ask_below(
            identifier, study.patient_id, limit=RECORDS_MAX, deadline=self._deadline
        )
        for answer in answers:
            yield ListedRecord(
                ExpectedObject(
                    sop_instance_uid=answer.uid("SOPInstanceUID"),
                    series_instance_uid=series,
                    study_instance_uid=study.study_instance_uid,
                    modality=RECORD,
                    sop_class_uid=next(iter(answer.uids("SOPClassUID")), ""),
                    patient_id=study.patient_id,
                ),
                _day_of(answer),
            )


def _day_of(answer: Answer) -> date | None:
    days = (answer.day(keyword) for keyword in _DATES)
    return next((day for day in days if day is not None), None)
