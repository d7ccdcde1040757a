"""Asking DICOM peers: C-ECHO, C-FIND, C-MOVE and C-GET, Study Root (DICOM PS3.4 C).

A peer is a stranger: its answers are bounded in number and time, its UIDs checked, and objects it
lists for another Patient ID than the one asked for are dropped. Nothing that identifies a patient
is logged.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.dicom.peers import (
    ExpectedObject,
    MoveOutcome,
    Peer,
    Timeouts,
    TlsClient,
    TreatedPatient,
    verify_ae_title,
)
from beamkeeper.wire.dicom.requester_get import GetSession
from beamkeeper.wire.dicom.requester_link import STATUS_PENDING, STATUS_SUCCESS, Link, query_context
from beamkeeper.wire.dicom.requester_query import Answer, patient_id_key, query
from beamkeeper.wire.dicom.requester_treated import TreatedSearch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from types import TracebackType
    from typing import Self

    from pydicom.dataset import Dataset

    from beamkeeper.wire.dicom.requester_link import Answers
    from beamkeeper.wire.dicom.spool import SpoolWriter

__all__ = [
    "ExpectedObject",
    "MoveOutcome",
    "Peer",
    "Requester",
    "Timeouts",
    "TlsClient",
    "TreatedPatient",
]

STUDIES_MAX = 20_000
SERIES_MAX = 20_000
INSTANCES_MAX = 500_000
"""Answers one question may have, patients of years included; more is no answer to that question."""
UIDS_A_REQUEST_MAX = 256
"""SOP Instance UIDs of one C-MOVE; 16-bit lengths end near 1000."""
_SUBOPERATIONS_FAILED = 0xB000
_STATUS_WORDS = {
    0xA701: "out of resources: it could not count the matches",
    0xA702: "out of resources: it could not send the objects",
    0xA801: "it does not know the move destination",
    0xA900: "it does not accept this kind of request",
    0xB000: "some objects could not be sent",
    0xFE00: "the transfer was cancelled",
}


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
            contexts=[
                query_context(uid)
                for uid in (
                    Verification,
                    StudyRootQueryRetrieveInformationModelFind,
                    StudyRootQueryRetrieveInformationModelMove,
                )
            ],
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
        self._link.verify_accepted(Verification, "C-ECHO")
        association = self._link.association()
        association.dimse_timeout = self._timeouts.answer_s
        try:
            status = association.send_c_echo(self._link.next_message_id())
        except (RuntimeError, ValueError) as error:
            raise SourceUnavailable(f"{self._peer} closed the association.") from error
        if "Status" not in status:
            self._link.abort()
            raise SourceUnavailable(f"{self._peer} did not answer C-ECHO.")
        if status.Status != STATUS_SUCCESS:
            raise SourceAnswerInvalid(
                f"{self._peer} answered C-ECHO with status {status.Status:04X}.",
                status=status.Status,
            )

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
        self._sop_class_uids.update(dict.fromkeys(o.sop_class_uid for o in found.values() if o.sop_class_uid))
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
        self._link.verify_accepted(StudyRootQueryRetrieveInformationModelMove, "C-MOVE")
        deadline = time.monotonic() + self._timeouts.transfer_s
        outcomes = [
            self._move_once(identifier, destination_ae_title, deadline)
            for identifier in _retrieve_identifiers(
                study_instance_uid, series_instance_uid, sop_instance_uids
            )
        ]
        outcome = _together(outcomes)
        self._verify_not_refused(outcome, f"C-MOVE to {destination_ae_title}")
        return outcome

    def get(
        self,
        *,
        study_instance_uid: str,
        series_instance_uid: str | None = None,
        sop_instance_uids: Sequence[str] = (),
        writer: SpoolWriter,
    ) -> MoveOutcome:
        """Fetch a study, a series or single objects over our own association into a spool, byte for byte.

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
            _outcome(self._get_session.answers(identifier, writer=writer, deadline=deadline))
            for identifier in _retrieve_identifiers(
                study_instance_uid,
                series_instance_uid,
                sop_instance_uids,
            )
        ]
        writer.commit()
        outcome = _together(outcomes)
        self._verify_not_refused(outcome, "C-GET")
        return outcome

    def ask(self, identifier: Dataset, *, limit: int, deadline: float) -> Iterator[Answer]:
        """Yield the answers of one C-FIND, at most `limit`.

        Raises
        ------
        SourceUnavailable
            No answer, or not in time.
        SourceAnswerInvalid
            A failure status, an unreadable answer, or more than `limit`.
        """
        self._link.verify_accepted(StudyRootQueryRetrieveInformationModelFind, "C-FIND")
        level = str(identifier.QueryRetrieveLevel)
        answers = self._link.answers(
            lambda association, message_id: association.send_c_find(
                identifier, StudyRootQueryRetrieveInformationModelFind, message_id
            ),
            service=f"C-FIND at {level} level",
            wait_s=self._timeouts.answer_s,
            deadline=deadline,
        )
        count = 0
        with closing(answers):  # leaving early breaks the association off
            for status, answer in answers:
                if status.Status not in STATUS_PENDING:
                    self._verify_success(status, level)
                    return
                if answer is None:
                    raise SourceAnswerInvalid(f"{self._peer} sent an answer that is not DICOM.", level=level)
                count += 1
                if count > limit:
                    raise _too_many(f"answers at {level} level", limit)
                yield Answer(answer)

    def ask_below(self, identifier: Dataset, patient_id: str, *, limit: int, deadline: float) -> list[Answer]:
        """Return the answers at SERIES or IMAGE level that are of this patient and of what was asked.

        One study may hold two patients (seen in real sets; Orthanc keeps them apart), so the Patient
        ID goes along at every level. Archives that refuse it there are asked without.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
            As `ask`.
        """
        if self._takes_patient_id_below:
            identifier.PatientID = patient_id_key(patient_id)
        try:
            answers = list(self.ask(identifier, limit=limit, deadline=deadline))
        except SourceAnswerInvalid as error:
            if "status" not in error.facts or not self._takes_patient_id_below:
                raise
            self._takes_patient_id_below = False
            del identifier.PatientID
            answers = list(self.ask(identifier, limit=limit, deadline=deadline))
        asked = {k: identifier[k].value for k in ("StudyInstanceUID", "SeriesInstanceUID") if k in identifier}
        return [
            answer
            for answer in answers
            if answer.text("PatientID") in {"", patient_id.strip()}
            and all(answer.uid(keyword) == uid for keyword, uid in asked.items() if uid)
        ]

    def _verify_success(self, status: Dataset, level: str) -> None:
        if status.Status != STATUS_SUCCESS:
            raise SourceAnswerInvalid(
                f"{self._peer} refuses a query at {level} level: status {status.Status:04X}.",
                status=int(status.Status),
                level=level,
            )

    def _move_once(self, identifier: Dataset, destination: str, deadline: float) -> MoveOutcome:
        model = StudyRootQueryRetrieveInformationModelMove
        answers = self._link.answers(
            lambda association, message_id: association.send_c_move(
                identifier, destination, model, message_id
            ),
            service="C-MOVE",
            wait_s=self._timeouts.pending_s,
            deadline=deadline,
        )
        return _outcome(answers)

    def _verify_not_refused(self, outcome: MoveOutcome, service: str) -> None:
        """Raise SourceAnswerInvalid where not one object was even tried."""
        if outcome.status in {STATUS_SUCCESS, _SUBOPERATIONS_FAILED}:
            return
        if outcome.completed or outcome.failed or outcome.warning:
            return
        raise SourceAnswerInvalid(
            f"{self._peer} refuses {service}: {outcome.comment} (status {outcome.status:04X}).",
            do_next="Check that our receiver runs, and that the peer has its AE title, address and port.",
            status=outcome.status,
        )

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


def _retrieve_identifiers(
    study_instance_uid: str,
    series_instance_uid: str | None,
    sop_instance_uids: Sequence[str],
) -> Iterator[Dataset]:
    if not sop_instance_uids:
        if series_instance_uid is None:
            yield query("STUDY", StudyInstanceUID=study_instance_uid)
        else:
            yield query("SERIES", StudyInstanceUID=study_instance_uid, SeriesInstanceUID=series_instance_uid)
        return
    if series_instance_uid is None:
        raise ValueError("single objects are asked for by study, series and SOP Instance UID (PS3.4 C.4.2)")
    for start in range(0, len(sop_instance_uids), UIDS_A_REQUEST_MAX):
        yield query(
            "IMAGE",
            StudyInstanceUID=study_instance_uid,
            SeriesInstanceUID=series_instance_uid,
            SOPInstanceUID=list(sop_instance_uids[start : start + UIDS_A_REQUEST_MAX]),
        )


def _outcome(answers: Answers) -> MoveOutcome:
    """Return the last answer; counts it leaves out are taken from the one before."""
    counts = {"Completed": 0, "Failed": 0, "Warning": 0}
    outcome = MoveOutcome(completed=0, failed=0, warning=0)
    for status, identifier in answers:
        for name, before in counts.items():
            stated = status.get(f"NumberOf{name}Suboperations")
            counts[name] = before if stated is None else int(stated)
        failed_uids = Answer(identifier).uids("FailedSOPInstanceUIDList") if identifier is not None else ()
        code = int(status.Status)
        comment = str(status.get("ErrorComment", "") or "")
        if code not in {STATUS_SUCCESS, *STATUS_PENDING}:
            comment = comment or _STATUS_WORDS.get(code, "it gives no reason")
        outcome = MoveOutcome(
            completed=counts["Completed"],
            failed=max(counts["Failed"], len(failed_uids)),
            warning=counts["Warning"],
            failed_sop_instance_uids=failed_uids,
            status=code,
            comment=comment,
        )
    return outcome


def _together(outcomes: list[MoveOutcome]) -> MoveOutcome:
    worst = max(outcomes, key=lambda outcome: (outcome.status != STATUS_SUCCESS, outcome.failed))
    return MoveOutcome(
        completed=sum(outcome.completed for outcome in outcomes),
        failed=sum(outcome.failed for outcome in outcomes),
        warning=sum(outcome.warning for outcome in outcomes),
        failed_sop_instance_uids=tuple(uid for o in outcomes for uid in o.failed_sop_instance_uids),
        status=worst.status,
        comment=worst.comment,
    )


def _too_many(what: str, limit: int) -> SourceAnswerInvalid:
    return SourceAnswerInvalid(
        f"The peer sent more than {limit} {what}: it ignores what was asked, or is not what it seems.",
        limit=limit,
    )
