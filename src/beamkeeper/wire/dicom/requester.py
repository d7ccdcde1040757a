"""Asking DICOM peers: C-ECHO, C-FIND, C-MOVE and C-GET, Study Root (DICOM PS3.4 C).

A peer is a stranger: its answers are bounded in number and time, its UIDs checked, and objects it
lists for another Patient ID than the one asked for are dropped. Nothing that identifies a patient
is logged.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from beamkeeper.errors import ObjectUnreadable, SourceAnswerInvalid
from beamkeeper.wire.dicom.dimse import VERIFICATION_UID
from beamkeeper.wire.dicom.dimse_requestor import STATUS_SUCCESS, Question
from beamkeeper.wire.dicom.peers import (
    ExpectedObject,
    MoveOutcome,
    Peer,
    RecordStudy,
    Timeouts,
    TreatedPatient,
    verify_ae_title,
)
from beamkeeper.wire.dicom.requester_get import GetSession
from beamkeeper.wire.dicom.requester_link import Link, query_context
from beamkeeper.wire.dicom.requester_query import Answer, patient_id_key, query
from beamkeeper.wire.dicom.requester_records import ListedRecord, RecordSearch
from beamkeeper.wire.dicom.requester_retrieve import (
    outcome_of,
    retrieve_queries,
    together,
    verify_not_refused,
)
from beamkeeper.wire.dicom.requester_treated import TreatedSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date
    from types import TracebackType
    from typing import Self

    from beamkeeper.wire.dicom.requester_query import Query
    from beamkeeper.wire.dicom.requester_records import IsKept
    from beamkeeper.wire.dicom.spool import SpoolWriter

__all__ = [
    "ExpectedObject",
    "ListedRecord",
    "MoveOutcome",
    "Peer",
    "RecordStudy",
    "Requester",
    "Timeouts",
    "TreatedPatient",
]

STUDIES_MAX = 20_000
SERIES_MAX = 20_000
INSTANCES_MAX = 500_000
"""Answers one question may have, patients of years included; more is no answer to that question."""
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"


class Requester:
    """Asks one peer; keeps one association open from question to question. One thread only.

    Use it as a context manager, or call `close`.
    """

    def __init__(self, *, own_ae_title: str, peer: Peer, timeouts: Timeouts | None = None) -> None:
        verify_ae_title(own_ae_title)
        self._own_ae_title, self._peer, self._timeouts = own_ae_title, peer, timeouts or Timeouts()
        self._link = Link(
            own_ae_title=own_ae_title,
            peer=peer,
            timeouts=self._timeouts,
            contexts=[query_context(uid) for uid in (VERIFICATION_UID, STUDY_ROOT_FIND, STUDY_ROOT_MOVE)],
        )
        self._takes_patient_id_below = True
        self._get_session: GetSession | None = None
        self._sop_class_uids: dict[str, None] = {}

    @property
    def peer(self) -> Peer:
        """Whom we ask."""
        return self._peer

    def close(self) -> None:
        """Release what is open; harmless when nothing is."""
        self._link.close()
        self._close_get_session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def echo(self) -> None:
        """Verify that the peer answers C-ECHO.

        Raises
        ------
        SourceUnavailable
            It does not answer, or refuses us.
        SourceAnswerInvalid
            It answers with a failure.
        """
        answers = self._link.answers(
            Question.C_ECHO,
            VERIFICATION_UID,
            service="C-ECHO",
            wait_s=self._timeouts.answer_s,
            deadline=time.monotonic() + self._timeouts.answer_s,
        )
        for response, _, _ in answers:
            if response.status != STATUS_SUCCESS:
                raise SourceAnswerInvalid(
                    f"{self._peer} answered C-ECHO with status {response.status:04X}.",
                    status=response.status,
                )

    def expect(self, sop_class_uids: Iterable[str]) -> None:
        """Have these kinds of object negotiated first by the next `get`: we know that the peer has them."""
        self._sop_class_uids.update(dict.fromkeys(uid for uid in sop_class_uids if uid))

    def find_instances(self, patient_id: str) -> tuple[ExpectedObject, ...]:
        """Return every object the peer lists for exactly this Patient ID; () when it says it has none.

        Raises
        ------
        SourceUnavailable
            No answer, or not in time.
        SourceAnswerInvalid
            Answers that break DICOM, or more of them than any patient has.
        PatientMismatch
            A Patient ID that cannot be asked for.
        """
        key = patient_id_key(patient_id)
        deadline = time.monotonic() + self._timeouts.query_s
        found: dict[str, ExpectedObject] = {}
        for study in self._studies_of(patient_id, key, deadline):
            for series, modality in self._series_of(patient_id, study, deadline):
                for item in self._instances_of(patient_id, study, series, modality, deadline):
                    found[item.sop_instance_uid] = item
                    if len(found) > INSTANCES_MAX:
                        raise _too_many("objects of one patient", INSTANCES_MAX)
        self.expect(item.sop_class_uid for item in found.values())
        return tuple(found.values())

    def find_patients_treated_since(self, day: date) -> tuple[TreatedPatient, ...]:
        """Return the patients with treatment records of that day or later, as far as the peer indexes them.

        Raises
        ------
        SourceUnavailable
            No answer, or not in time.
        SourceAnswerInvalid
            Answers that break DICOM.
        """
        deadline = time.monotonic() + self._timeouts.query_s
        return TreatedSearch(self, day=day, deadline=deadline).run()

    def find_record_studies(self, day: date) -> tuple[RecordStudy, ...]:
        """Return the studies that may hold a treatment record of `day` or later, in one question.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
            As `find_patients_treated_since`.
        """
        deadline = time.monotonic() + self._timeouts.query_s
        return RecordSearch(self, deadline=deadline).studies(day)

    def find_records(
        self, study: RecordStudy, kept_count: Callable[[str], int], is_kept: IsKept
    ) -> tuple[ListedRecord, ...]:
        """Return the treatment records of a study that are not kept; see `RecordSearch.records`.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
            As `find_patients_treated_since`.
        """
        deadline = time.monotonic() + self._timeouts.query_s
        found = RecordSearch(self, deadline=deadline).records(study, kept_count, is_kept)
        self.expect(record.item.sop_class_uid for record in found)
        return found

    def move(
        self,
        *,
        study_instance_uid: str,
        series_instance_uid: str | None = None,
        sop_instance_uids: Sequence[str] = (),
        destination_ae_title: str,
    ) -> MoveOutcome:
        """Have the peer send a study, a series or single objects to a storage receiver.

        Raises
        ------
        SourceUnavailable
            The peer stopped answering; what it sent by then has arrived.
        SourceAnswerInvalid
            The peer refuses the whole transfer, for example because it does not know the destination.
        """
        verify_ae_title(destination_ae_title)
        deadline = time.monotonic() + self._timeouts.transfer_s
        outcomes = [
            self._move_once(identifier, destination_ae_title, deadline)
            for identifier in retrieve_queries(study_instance_uid, series_instance_uid, sop_instance_uids)
        ]
        outcome = together(outcomes)
        verify_not_refused(outcome, self._peer, f"C-MOVE to {destination_ae_title}")
        return outcome

    def get(
        self,
        *,
        study_instance_uid: str,
        series_instance_uid: str | None = None,
        sop_instance_uids: Sequence[str] = (),
        writer: SpoolWriter,
        bytes_max: int | None = None,
    ) -> MoveOutcome:
        """Fetch a study, a series or single objects over our own association into a spool, byte for byte.

        Parameters
        ----------
        bytes_max
            All objects of one request together; None for no other bound than the disk's.

        The kinds of object named by the last `find_instances` are negotiated first.

        Raises
        ------
        SourceUnavailable
            The peer stopped answering; what it sent by then is in the spool.
        SourceAnswerInvalid
            The peer refuses the whole transfer.
        StorageFull
            The spool takes no more.
        """
        if self._get_session is None or not self._get_session.covers(self._sop_class_uids):
            self._close_get_session()
            self._get_session = GetSession(
                own_ae_title=self._own_ae_title,
                peer=self._peer,
                timeouts=self._timeouts,
                sop_class_uids=tuple(self._sop_class_uids),
            )
        deadline = time.monotonic() + self._timeouts.transfer_s
        outcomes = [
            outcome_of(
                self._get_session.answers(identifier, writer=writer, deadline=deadline, bytes_max=bytes_max)
            )
            for identifier in retrieve_queries(study_instance_uid, series_instance_uid, sop_instance_uids)
        ]
        writer.commit()
        outcome = together(outcomes)
        verify_not_refused(outcome, self._peer, "C-GET")
        return outcome

    def ask(self, identifier: Query, *, limit: int, deadline: float) -> Iterator[Answer]:
        """Yield the answers of one C-FIND, at most `limit`.

        Raises
        ------
        SourceUnavailable
            No answer, or not in time.
        SourceAnswerInvalid
            A failure status, an unreadable answer, or more than `limit`.
        """
        answers = self._link.answers(
            Question.C_FIND,
            STUDY_ROOT_FIND,
            identifier,
            service=f"C-FIND at {identifier.level} level",
            wait_s=self._timeouts.answer_s,
            deadline=deadline,
        )
        count = 0
        with closing(answers):  # leaving early breaks the association off
            for response, data, is_explicit in answers:
                if not response.is_pending:
                    self._verify_success(response.status, identifier.level)
                    return
                count += 1
                if count > limit:
                    raise _too_many(f"answers at {identifier.level} level", limit)
                yield self._read(data, identifier.level, is_explicit=is_explicit)

    def ask_below(self, identifier: Query, patient_id: str, *, limit: int, deadline: float) -> list[Answer]:
        """Return the answers at SERIES or IMAGE level that are of this patient and of what was asked.

        One study may hold two patients (seen in real sets; Orthanc keeps them apart), so the Patient
        ID goes along at every level. Archives that refuse it there are asked without.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
            As `ask`.
        """
        narrowed = identifier.having(PatientID=patient_id_key(patient_id))
        asking = narrowed if self._takes_patient_id_below else identifier
        try:
            answers = list(self.ask(asking, limit=limit, deadline=deadline))
        except SourceAnswerInvalid as error:
            if "status" not in error.facts or not self._takes_patient_id_below:
                raise
            self._takes_patient_id_below = False
            answers = list(self.ask(identifier, limit=limit, deadline=deadline))
        asked = {k: identifier.keys.get(k) for k in ("StudyInstanceUID", "SeriesInstanceUID")}
        return [
            answer
            for answer in answers
            if answer.text("PatientID") in {"", patient_id.strip()}
            and all(answer.uid(keyword) == uid for keyword, uid in asked.items() if uid)
        ]

    def _read(self, data: bytes, level: str, *, is_explicit: bool) -> Answer:
        try:
            if data:
                return Answer(data, explicit=is_explicit)
        except ObjectUnreadable as error:
            raise self._not_dicom(level) from error
        raise self._not_dicom(level)

    def _not_dicom(self, level: str) -> SourceAnswerInvalid:
        return SourceAnswerInvalid(f"{self._peer} sent an answer that is not DICOM.", level=level)

    def _verify_success(self, status: int, level: str) -> None:
        if status != STATUS_SUCCESS:
            raise SourceAnswerInvalid(
                f"{self._peer} refuses a query at {level} level: status {status:04X}.",
                status=status,
                level=level,
            )

    def _move_once(self, identifier: Query, destination: str, deadline: float) -> MoveOutcome:
        answers = self._link.answers(
            Question.C_MOVE,
            STUDY_ROOT_MOVE,
            identifier,
            service="C-MOVE",
            wait_s=self._timeouts.pending_s,
            deadline=deadline,
            move_destination_ae_title=destination,
        )
        return outcome_of(answers)

    def _studies_of(self, patient_id: str, key: str, deadline: float) -> list[str]:
        studies: dict[str, None] = {}
        identifier = query("STUDY", returning=("StudyInstanceUID",), PatientID=key)
        for answer in self.ask(identifier, limit=STUDIES_MAX, deadline=deadline):
            # A peer may match more loosely than asked, or ignore the key: only the exact ID counts.
            if answer.text("PatientID") == patient_id.strip():
                studies[answer.uid("StudyInstanceUID")] = None
        return list(studies)

    def _series_of(self, patient_id: str, study: str, deadline: float) -> list[tuple[str, str]]:
        identifier = query("SERIES", returning=("SeriesInstanceUID", "Modality"), StudyInstanceUID=study)
        return [
            (answer.uid("SeriesInstanceUID"), answer.text("Modality"))
            for answer in self.ask_below(identifier, patient_id, limit=SERIES_MAX, deadline=deadline)
        ]

    def _instances_of(
        self, patient_id: str, study: str, series: str, modality: str, deadline: float
    ) -> list[ExpectedObject]:
        identifier = query(
            "IMAGE",
            returning=("SOPInstanceUID", "SOPClassUID"),
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
        )
        return [
            ExpectedObject(
                sop_instance_uid=answer.uid("SOPInstanceUID"),
                series_instance_uid=series,
                study_instance_uid=study,
                modality=modality,
                sop_class_uid=next(iter(answer.uids("SOPClassUID")), ""),
                patient_id=patient_id.strip(),
            )
            for answer in self.ask_below(identifier, patient_id, limit=INSTANCES_MAX, deadline=deadline)
        ]

    def _close_get_session(self) -> None:
        if self._get_session is not None:
            self._get_session.close()
        self._get_session = None


def _too_many(what: str, limit: int) -> SourceAnswerInvalid:
    return SourceAnswerInvalid(
        f"The peer sent more than {limit} {what}: it ignores what was asked, or is not what it seems.",
        limit=limit,
    )
