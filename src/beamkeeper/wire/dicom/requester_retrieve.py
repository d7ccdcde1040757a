"""What C-MOVE and C-GET have in common: which objects are asked for, and what a peer says became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.errors import ObjectUnreadable, SourceAnswerInvalid
from beamkeeper.wire.dicom.dimse_requestor import STATUS_SUCCESS
from beamkeeper.wire.dicom.peers import MoveOutcome
from beamkeeper.wire.dicom.requester_query import Answer, query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.wire.dicom.peers import Peer
    from beamkeeper.wire.dicom.requester_link import Answers
    from beamkeeper.wire.dicom.requester_query import Query

UIDS_A_REQUEST_MAX = 256
"""SOP Instance UIDs of one request; 16-bit lengths end near 1000."""
_SUBOPERATIONS_FAILED = 0xB000
_STATUS_WORDS = {
    0xA701: "out of resources: it could not count the matches",
    0xA702: "out of resources: it could not send the objects",
    0xA801: "it does not know the move destination",
    0xA900: "it does not accept this kind of request",
    0xB000: "some objects could not be sent",
    0xFE00: "the transfer was cancelled",
}


def retrieve_queries(
    study_instance_uid: str,
    series_instance_uid: str | None,
    sop_instance_uids: Sequence[str],
) -> Iterator[Query]:
    """Yield the identifiers that ask for a study, a series or single objects."""
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
            SOPInstanceUID=tuple(sop_instance_uids[start : start + UIDS_A_REQUEST_MAX]),
        )


def outcome_of(answers: Answers) -> MoveOutcome:
    """Return what the last answer says; counts it leaves out are taken from the one before."""
    completed = failed = warning = 0
    status, comment = STATUS_SUCCESS, ""
    failed_uids: tuple[str, ...] = ()
    for response, data, is_explicit in answers:
        completed = completed if response.completed is None else response.completed
        failed = failed if response.failed is None else response.failed
        warning = warning if response.warning is None else response.warning
        if response.is_pending:
            continue
        status, comment = response.status, response.comment
        failed_uids = _failed_uids(data, is_explicit=is_explicit)
    if status != STATUS_SUCCESS:
        comment = comment or _STATUS_WORDS.get(status, "it gives no reason")
    return MoveOutcome(
        completed=completed,
        failed=max(failed, len(failed_uids)),
        warning=warning,
        failed_sop_instance_uids=failed_uids,
        status=status,
        comment=comment,
    )


def _failed_uids(data: bytes, *, is_explicit: bool) -> tuple[str, ...]:
    """Return which objects a peer says it could not send; () when it names none one can read."""
    try:
        return Answer(data, explicit=is_explicit).uids("FailedSOPInstanceUIDList") if data else ()
    except ObjectUnreadable:
        return ()


def together(outcomes: Sequence[MoveOutcome]) -> MoveOutcome:
    """Return several transfers as one, with the worst status."""
    worst = max(outcomes, key=lambda outcome: (outcome.status != STATUS_SUCCESS, outcome.failed))
    return MoveOutcome(
        completed=sum(outcome.completed for outcome in outcomes),
        failed=sum(outcome.failed for outcome in outcomes),
        warning=sum(outcome.warning for outcome in outcomes),
        failed_sop_instance_uids=tuple(uid for o in outcomes for uid in o.failed_sop_instance_uids),
        status=worst.status,
        comment=worst.comment,
    )


def verify_not_refused(outcome: MoveOutcome, peer: Peer, service: str) -> None:
    """Raise SourceAnswerInvalid where not one object was even tried."""
    if outcome.status in {STATUS_SUCCESS, _SUBOPERATIONS_FAILED}:
        return
    if outcome.completed or outcome.failed or outcome.warning:
        return
    raise SourceAnswerInvalid(
        f"{peer} refuses {service}: {outcome.comment} (status {outcome.status:04X}).",
        do_next="Check that our receiver runs, and that the peer has its AE title, address and port.",
        status=outcome.status,
    )
