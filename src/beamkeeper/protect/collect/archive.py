"""A DICOM archive as a source: C-FIND for the list, C-MOVE or C-GET for the bytes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from beamkeeper.protect.collect.interfaces import FetchAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from beamkeeper.wire.dicom.requester import (
        ExpectedObject,
        ListedRecord,
        MoveOutcome,
        RecordStudy,
        Requester,
    )
    from beamkeeper.wire.dicom.requester_records import IsKept
    from beamkeeper.wire.dicom.spool import SpoolWriter


class ArchiveSource:
    """Fetches from a query/retrieve peer into our own receiver (C-MOVE) or over one association (C-GET).

    Parameters
    ----------
    open_requester
        Makes a requester for one thread.
    destination_ae_title
        Our receiver's AE title as the archive knows it; None to fetch by C-GET.
    spool_writer
        Opens a writer into the night's spool, used by C-GET only.
    """

    def __init__(
        self,
        name: str,
        open_requester: Callable[[], Requester],
        *,
        destination_ae_title: str | None,
        spool_writer: Callable[[], SpoolWriter],
    ) -> None:
        self._name = name
        self._open_requester = open_requester
        self._of_thread = threading.local()
        self._opened: list[Requester] = []
        self._lock = threading.Lock()
        self._destination_ae_title = destination_ae_title
        self._spool_writer = spool_writer

    @property
    def name(self) -> str:
        """The source's name in the site file."""
        return self._name

    def close(self) -> None:
        """Release every association."""
        with self._lock:
            while self._opened:
                self._opened.pop().close()
            self._of_thread = threading.local()

    @property
    def _requester(self) -> Requester:
        """The requester of the calling thread: an association serves one question at a time."""
        requester: Requester | None = getattr(self._of_thread, "requester", None)
        if requester is None:
            requester = self._of_thread.requester = self._open_requester()
            with self._lock:
                self._opened.append(requester)
        return requester

    def list_objects(self, patient_id: str) -> tuple[ExpectedObject, ...]:
        """Return all the archive lists for exactly this Patient ID."""
        return self._requester.find_instances(patient_id)

    def fetch(self, wanted: Sequence[ExpectedObject], *, deadline: datetime) -> FetchAnswer:  # noqa: ARG002
        """Ask for one study, one series or single objects, whichever `wanted` spans."""
        return _as_answer([self._fetch_study(study, items) for study, items in _by_study(wanted).items()])

    def record_studies(self, day: date) -> tuple[RecordStudy, ...]:
        """Return the studies that may hold a treatment record of `day` or later."""
        return self._requester.find_record_studies(day)

    def records(
        self, study: RecordStudy, kept_count: Callable[[str], int], is_kept: IsKept
    ) -> tuple[ListedRecord, ...]:
        """Return the treatment records of a study that are not kept."""
        return self._requester.find_records(study, kept_count, is_kept)

    def fetch_exactly(self, wanted: Sequence[ExpectedObject]) -> FetchAnswer:
        """Ask for these objects of one series by name, and for no other."""
        outcome = self._ask_for(
            wanted[0].study_instance_uid,
            wanted[0].series_instance_uid,
            tuple(item.sop_instance_uid for item in wanted),
        )
        return _as_answer([outcome])

    def _fetch_study(self, study_instance_uid: str, items: Sequence[ExpectedObject]) -> MoveOutcome:
        series = {item.series_instance_uid for item in items}
        one_series = next(iter(series)) if len(series) == 1 else None
        single = (items[0].sop_instance_uid,) if len(items) == 1 else ()
        return self._ask_for(study_instance_uid, one_series, single)

    def _ask_for(self, study: str, series: str | None, uids: Sequence[str]) -> MoveOutcome:
        if self._destination_ae_title is not None:
            return self._requester.move(
                study_instance_uid=study,
                series_instance_uid=series,
                sop_instance_uids=uids,
                destination_ae_title=self._destination_ae_title,
            )
        writer = self._spool_writer()
        try:
            return self._requester.get(
                study_instance_uid=study,
                series_instance_uid=series,
                sop_instance_uids=uids,
                writer=writer,
            )
        finally:
            writer.close()


def _as_answer(outcomes: Sequence[MoveOutcome]) -> FetchAnswer:
    return FetchAnswer(
        refused=frozenset(uid for outcome in outcomes for uid in outcome.failed_sop_instance_uids),
        refused_count=sum(outcome.failed for outcome in outcomes),
        comment="; ".join(dict.fromkeys(outcome.comment for outcome in outcomes if outcome.comment)),
    )


def _by_study(wanted: Sequence[ExpectedObject]) -> dict[str, list[ExpectedObject]]:
    studies: dict[str, list[ExpectedObject]] = {}
    for item in wanted:
        studies.setdefault(item.study_instance_uid, []).append(item)
    return studies
