"""Which treatment records an archive has got since it was last asked, with as few questions as it allows.

One question lists all studies with records and how many objects each holds; only a study whose number
changed is asked for its series, and only a series that holds more than we keep for its records. An
archive that does not count is asked for every study of those who are under treatment.

No more is asked to come back than is needed: some archives open a file for each answer that tells
anything they do not index, such as the issuer of a Patient ID or the day of a treatment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.dicom.peers import ExpectedObject, RecordStudy
from beamkeeper.wire.dicom.requester_query import query
from beamkeeper.wire.dicom.requester_retrieve import UIDS_A_REQUEST_MAX
from beamkeeper.wire.dicom.requester_treated import (
    RECORD,
    RECORDS_MAX,
    SERIES_MAX,
    STUDIES_MAX,
    has_records,
    since_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    from beamkeeper.wire.dicom.requester_query import Answer
    from beamkeeper.wire.dicom.requester_treated import Asker

    IsKept = Callable[[Collection[str]], AbstractSet[str]]

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

    def records(
        self, study: RecordStudy, kept_count: Callable[[str], int], is_kept: IsKept
    ) -> tuple[ListedRecord, ...]:
        """Return the records of a study that are not kept.

        Parameters
        ----------
        kept_count
            How many records of a series are kept: one that holds as many is not asked for them.
        is_kept
            Which of some SOP Instance UIDs are kept.
        """
        found: list[ListedRecord] = []
        for series in self._series(study, kept_count):
            items = {item.sop_instance_uid: item for item in self._instances(study, series)}
            missing = items.keys() - is_kept(items)
            days = self._days(study, series, sorted(missing)) if missing else {}
            found += [ListedRecord(item, days.get(uid)) for uid, item in items.items() if uid in missing]
        return tuple(found)

    def _matching(self, study_date: str, day: date) -> tuple[RecordStudy, ...]:
        identifier = query(
            "STUDY",
            returning=("StudyInstanceUID", "NumberOfStudyRelatedInstances", "PatientID"),
            ModalitiesInStudy=RECORD,
            StudyDate=study_date,
        )
        since = since_of(day)
        return tuple(
            RecordStudy(
                patient_id=answer.text("PatientID"),
                study_instance_uid=answer.uid("StudyInstanceUID"),
                instance_count=answer.count("NumberOfStudyRelatedInstances"),
            )
            for answer in self._asker.ask(identifier, limit=STUDIES_MAX, deadline=self._deadline)
            if answer.text("PatientID")
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

    def _instances(self, study: RecordStudy, series: str) -> Iterator[ExpectedObject]:
        for answer in self._ask_for(study, series, "SOPClassUID"):
            yield ExpectedObject(
                sop_instance_uid=answer.uid("SOPInstanceUID"),
                series_instance_uid=series,
                study_instance_uid=study.study_instance_uid,
                modality=RECORD,
                sop_class_uid=next(iter(answer.uids("SOPClassUID")), ""),
                patient_id=study.patient_id,
            )

    def _days(self, study: RecordStudy, series: str, uids: Sequence[str]) -> dict[str, date | None]:
        days = {}
        for first in range(0, len(uids), UIDS_A_REQUEST_MAX):
            some = tuple(uids[first : first + UIDS_A_REQUEST_MAX])
            for answer in self._ask_for(study, series, *_DATES, uids=some):
                days[answer.uid("SOPInstanceUID")] = _day_of(answer)
        return days

    def _ask_for(
        self, study: RecordStudy, series: str, *returning: str, uids: tuple[str, ...] = ()
    ) -> list[Answer]:
        identifier = query(
            "IMAGE",
            returning=returning,
            StudyInstanceUID=study.study_instance_uid,
            SeriesInstanceUID=series,
            SOPInstanceUID=uids or "",
        )
        return self._asker.ask_below(identifier, study.patient_id, limit=RECORDS_MAX, deadline=self._deadline)


def _day_of(answer: Answer) -> date | None:
    days = (answer.day(keyword) for keyword in _DATES)
    return next((day for day in days if day is not None), None)
