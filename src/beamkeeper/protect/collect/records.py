"""New treatment records, and nothing else: which an archive has since it was last asked, and their bytes.

What is kept already is neither listed twice nor fetched again. Nothing is called missing here: only the
night asks for everything.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.protect.collect.collection import QUIET_S, SETTLE_S_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from beamkeeper.protect.collect.arrivals import Arrivals
    from beamkeeper.protect.collect.interfaces import RecordSource
    from beamkeeper.wire.dicom.requester import ExpectedObject, ListedRecord, RecordStudy
    from beamkeeper.wire.dicom.requester_records import IsKept
    from beamkeeper.wire.dicom.spool import SpooledObject

ROUNDS = 2
"""What does not come by the list of a series is asked for by itself once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordList:
    """What one source answered.

    Attributes
    ----------
    records
        Records that are not kept, by study.
    counts
        By study, how many objects it holds now, of all studies: what to ask with next time.
    question_count
        How many studies had to be asked for one by one.
    error
        Why it gave no whole answer; "" when it did.
    """

    source: str
    records: Mapping[str, tuple[ListedRecord, ...]]
    counts: Mapping[str, int]
    question_count: int = 0
    error: str = ""


def new_records(
    source: RecordSource,
    *,
    day: date,
    counts_before: Mapping[str, int],
    is_under_treatment: Callable[[str], bool],
    kept_count: Callable[[str, str], int],
    is_kept: IsKept,
) -> RecordList:
    """Return the records of `day` or later that are not kept, as far as the source tells their day.

    Parameters
    ----------
    counts_before
        What the source answered last time, of studies in which nothing was left open.
    is_under_treatment
        Whether a Patient ID is on the list: all that an archive which does not count is asked for.
    kept_count
        How many records are kept of a Patient ID in a series.
    is_kept
        Which of some SOP Instance UIDs are kept, whoever they are of.
    """
    found: dict[str, tuple[ListedRecord, ...]] = {}
    counts: dict[str, int] = {}
    asked = 0
    error = ""
    try:
        for study in source.record_studies(day):
            uid = study.study_instance_uid
            if study.instance_count is not None:
                counts[uid] = study.instance_count
            if not _is_open(study, counts_before, is_under_treatment):
                continue
            asked += 1
            listed = source.records(study, partial(kept_count, study.patient_id), is_kept)
            recent = (one for one in listed if one.treated_on is None or one.treated_on >= day)
            found[uid] = (*found.get(uid, ()), *recent)
    except (SourceUnavailable, SourceAnswerInvalid) as failure:
        error = f"{source.name}: {failure.message}"
    if error:  # what was not looked at must not count as looked at
        counts = {uid: count for uid, count in counts.items() if counts_before.get(uid) == count}
    return RecordList(
        source=source.name,
        records={uid: records for uid, records in found.items() if records},
        counts=counts,
        question_count=asked,
        error=error,
    )


def _is_open(
    study: RecordStudy, counts_before: Mapping[str, int], is_under_treatment: Callable[[str], bool]
) -> bool:
    if study.instance_count is None:
        return is_under_treatment(study.patient_id)
    return counts_before.get(study.study_instance_uid) != study.instance_count


@dataclass(slots=True)
class Brought:
    """What came of records that were asked for.

    Attributes
    ----------
    received
        By SOP Instance UID; several where different bytes came.
    problems
        What went wrong with whole sources, in plain sentences.
    """

    received: dict[str, tuple[SpooledObject, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def bring(
    wanted: Mapping[str, Sequence[ExpectedObject]],
    sources: Sequence[RecordSource],
    arrivals: Arrivals,
    *,
    deadline: datetime,
    now: Callable[[], datetime],
) -> Brought:
    """Fetch the wanted records, each from the source that listed it; what fails stops nothing else.

    Parameters
    ----------
    wanted
        By the name of the source.
    """
    brought = Brought()
    for source in sources:
        items = wanted.get(source.name, ())
        for round_number in range(ROUNDS):
            arrivals.refresh()
            arrived = arrivals.of(_uids(items))
            missing = [item for item in items if item.sop_instance_uid not in arrived]
            for batch in _batches(missing, round_number):
                if now() >= deadline:
                    brought.problems.append(f"{source.name}: the time of this look ran out.")
                    break
                _ask(source, batch, arrivals, brought)
        brought.received.update(arrivals.of(_uids(items)))
    return brought


def _ask(source: RecordSource, batch: Sequence[ExpectedObject], arrivals: Arrivals, brought: Brought) -> None:
    quiet_s = QUIET_S
    try:
        answer = source.fetch_exactly(batch)
    except (SourceUnavailable, SourceAnswerInvalid) as error:
        brought.problems.append(f"{source.name}: {error.message}")
    else:
        if answer.refused_count:
            brought.problems.append(f"{source.name}: {answer.comment or 'it refused to send some records'}")
            quiet_s = 0.5
    arrivals.wait_for(_uids(batch), quiet_s=quiet_s, longest_s=SETTLE_S_MAX)


def _batches(missing: Sequence[ExpectedObject], round_number: int) -> list[list[ExpectedObject]]:
    if round_number:
        return [[item] for item in missing]
    series: dict[tuple[str, str], list[ExpectedObject]] = defaultdict(list)
    for item in missing:
        series[item.study_instance_uid, item.series_instance_uid].append(item)
    return list(series.values())


def _uids(items: Sequence[ExpectedObject]) -> list[str]:
    return [item.sop_instance_uid for item in items]
