"""Who was treated lately, from an archive that may index little of it.

Records belong to the study of their plan, so the study's date says when the course began, not when
a fraction was given; a series may hold one record or a whole course. So: studies with records of the
last year, then their record series by date, and the single records only where the series leave it
open. A record without any date makes its patient listed, because the other mistake is worse.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Protocol

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.dicom.peers import TreatedPatient
from beamkeeper.wire.dicom.requester_query import query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.wire.dicom.requester_query import Answer, Query

COURSE_DAYS_MAX = 400
"""How long before a fraction the study of its plan may have been made."""
STUDIES_MAX = 20_000
SERIES_MAX = 5_000
RECORDS_MAX = 20_000
RECORD = "RTRECORD"
_PatientStudy = tuple[str, str]
WHO = ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex")
_SEXES = frozenset({"F", "M", "O"})


class Asker(Protocol):
    """Asks one C-FIND; see `Requester`."""

    def ask(self, identifier: Query, *, limit: int, deadline: float) -> Iterator[Answer]:
        """Yield the answers."""

    def ask_below(self, identifier: Query, patient_id: str, *, limit: int, deadline: float) -> list[Answer]:
        """Return the answers of one patient and study."""


@dataclass(slots=True)
class _Seen:
    studies: dict[str, None] = field(default_factory=dict)
    last: date | None = None


class TreatedSearch:
    """One search; `run` it once."""

    def __init__(self, asker: Asker, *, day: date, deadline: float) -> None:
        self._asker, self._day, self._deadline = asker, day, deadline
        self._since = since_of(day)
        self._found: dict[TreatedPatient, _Seen] = {}

    def run(self) -> tuple[TreatedPatient, ...]:
        """Return the patients treated since the day, in Patient ID order.

        One Patient ID comes several times where its studies name the patient differently: whether that
        is one person is not decided here.
        """
        studies = self._studies_with_records()
        with suppress(SourceAnswerInvalid):  # many archives refuse a series query across studies
            studies.update(self._studies_by_series_date())
        for (patient_id, study), who in studies.items():
            treated, last = self._treated_in(patient_id, study)
            if treated:
                seen = self._found.setdefault(who, _Seen())
                seen.studies[study] = None
                seen.last = max((d for d in (seen.last, last) if d), default=None)
        return tuple(
            replace(who, study_instance_uids=tuple(seen.studies), last_treated_on=seen.last)
            for who, seen in sorted(self._found.items(), key=_by_patient_id)
        )

    def _studies_with_records(self) -> dict[_PatientStudy, TreatedPatient]:
        """Return the studies with records that are of the last year, or of no known date.

        No query finds studies without date, so all are asked for, and only an archive with more
        than `STUDIES_MAX` of them is asked by date.
        """
        try:
            return self._studies_matching("")
        except SourceAnswerInvalid as error:
            if "limit" not in error.facts:
                raise
            return self._studies_matching(f"{self._since:%Y%m%d}-")

    def _studies_matching(self, study_date: str) -> dict[_PatientStudy, TreatedPatient]:
        identifier = query(
            "STUDY",
            returning=("StudyInstanceUID", *WHO),
            ModalitiesInStudy=RECORD,
            StudyDate=study_date,
        )
        return {
            (who.patient_id, answer.uid("StudyInstanceUID")): who
            for answer in self._asker.ask(identifier, limit=STUDIES_MAX, deadline=self._deadline)
            if (who := who_of(answer)) is not None
            and has_records(answer)
            and (answer.day("StudyDate") or self._since) >= self._since
        }

    def _studies_by_series_date(self) -> dict[_PatientStudy, TreatedPatient]:
        identifier = query(
            "SERIES",
            returning=("StudyInstanceUID", "SeriesInstanceUID", *WHO),
            Modality=RECORD,
            SeriesDate=f"{self._day:%Y%m%d}-",
        )
        return {
            (who.patient_id, answer.uid("StudyInstanceUID")): who
            for answer in self._asker.ask(identifier, limit=STUDIES_MAX, deadline=self._deadline)
            if (who := who_of(answer)) is not None
            and answer.text("Modality") == RECORD
            and (answer.day("SeriesDate") or date.min) >= self._day  # the key may have been ignored
        }

    def _treated_in(self, patient_id: str, study: str) -> tuple[bool, date | None]:
        """Return whether a study has a record of the day or later, and the latest day known."""
        identifier = query(
            "SERIES",
            returning=("SeriesInstanceUID", "SeriesDate", "NumberOfSeriesRelatedInstances"),
            StudyInstanceUID=study,
            Modality=RECORD,
        )
        open_series: list[str] = []
        last: date | None = None
        for answer in self._asker.ask_below(
            identifier, patient_id, limit=SERIES_MAX, deadline=self._deadline
        ):
            if answer.text("Modality") != RECORD:
                continue
            day = answer.day("SeriesDate")
            last = _later(last, day)
            single = answer.count("NumberOfSeriesRelatedInstances") == 1
            if day is None or (day < self._day and not single):
                open_series.append(answer.uid("SeriesInstanceUID"))
        if last is not None and last >= self._day:
            return True, last
        undated = False
        for series in open_series:
            day = self._last_record_in(patient_id, study, series)
            undated = undated or day is None
            last = _later(last, day)
        return undated or (last is not None and last >= self._day), last

    def _last_record_in(self, patient_id: str, study: str, series: str) -> date | None:
        """Return the latest treatment date of a series; None when the peer tells none of its dates."""
        identifier = query(
            "IMAGE",
            returning=("SOPInstanceUID", "TreatmentDate", "ContentDate", "InstanceCreationDate"),
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
        )
        last: date | None = None
        for answer in self._asker.ask_below(
            identifier, patient_id, limit=RECORDS_MAX, deadline=self._deadline
        ):
            days = (answer.day(k) for k in ("TreatmentDate", "ContentDate", "InstanceCreationDate"))
            last = _later(last, next((day for day in days if day is not None), None))
        return last


def since_of(day: date) -> date:
    """Return the earliest day on which the study of a plan that is treated on `day` may have been made."""
    return day - timedelta(days=COURSE_DAYS_MAX)


def who_of(answer: Answer) -> TreatedPatient | None:
    """Return whom an answer at study level is about; None without Patient ID."""
    patient_id, sex = answer.text("PatientID"), answer.text("PatientSex")
    if not patient_id:
        return None
    return TreatedPatient(
        patient_id=patient_id,
        name=answer.text("PatientName"),
        birth_on=answer.day("PatientBirthDate"),
        sex=sex if sex in _SEXES else "",
        issuer_of_patient_id=answer.text("IssuerOfPatientID"),
    )


def _by_patient_id(found: tuple[TreatedPatient, _Seen]) -> tuple[str, str, str]:
    who, _ = found
    return (who.patient_id, who.issuer_of_patient_id, who.name)


def has_records(answer: Answer) -> bool:
    """Whether the study names records among its modalities, or the peer names none at all."""
    modalities = answer.text("ModalitiesInStudy")
    return not modalities or RECORD in modalities.split("\\")


def _later(first: date | None, second: date | None) -> date | None:
    return max((day for day in (first, second) if day is not None), default=None)
