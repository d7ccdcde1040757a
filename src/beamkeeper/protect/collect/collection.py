"""One patient's collection: ask what there is, ask for it, count what came, ask again for the rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from beamkeeper.protect.collect.arrivals import Arrivals
    from beamkeeper.protect.collect.interfaces import FetchAnswer, PatientSource
    from beamkeeper.wire.dicom.requester import ExpectedObject
    from beamkeeper.wire.dicom.spool import SpooledObject

ROUNDS_MAX = 3
"""Whole studies, then the series that lack something, then single objects."""
FAILURES_MAX = 2
"""So often in a row a source may fail without bringing anything before the patient goes on without it."""
OUT_OF_TIME = "The time of the night ran out before everything was asked for."
QUIET_S = 3.0
SETTLE_S_MAX = 60.0


class Outcome(StrEnum):
    """How one expected object ended."""

    RECEIVED = "received"
    REFUSED = "refused by the source"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What was listed and what came, for one patient.

    Attributes
    ----------
    expected
        Everything the sources say they hold, by SOP Instance UID.
    received
        What lies in the spool for it; more than one entry where a UID came with different bytes.
    outcomes
        One for each expected UID.
    problems
        What went wrong with whole sources, in plain sentences.
    unavailable_sources
        Sources that gave no list at all: what they hold is unknown, so nothing may be called missing.
    """

    expected: Mapping[str, ExpectedObject]
    received: Mapping[str, tuple[SpooledObject, ...]]
    outcomes: Mapping[str, Outcome]
    problems: tuple[str, ...] = ()
    unavailable_sources: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every source answered and every expected object was received."""
        return not self.unavailable_sources and all(o is Outcome.RECEIVED for o in self.outcomes.values())


@dataclass
class _Work:
    """What is known so far while collecting one patient.

    Attributes
    ----------
    listed_by
        By SOP Instance UID, every source that lists the object, each with what it says of it.
    asked
        How often each object was asked for: the sources that list it take turns.
    refused
        (source, SOP Instance UID).
    """

    expected: dict[str, ExpectedObject] = field(default_factory=dict)
    listed_by: dict[str, list[tuple[PatientSource, ExpectedObject]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    asked: Counter[str] = field(default_factory=Counter)
    refused: set[tuple[str, str]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    unavailable: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def next_source(self, sop_instance_uid: str) -> tuple[PatientSource, ExpectedObject]:
        """Return whom to ask for an object: the next in turn that has not failed too often."""
        listed_by = self.listed_by[sop_instance_uid]
        turn = self.asked[sop_instance_uid] % len(listed_by)
        in_turn = [*listed_by[turn:], *listed_by[:turn]]
        return next((one for one in in_turn if self.failures[one[0].name] < FAILURES_MAX), in_turn[0])


def collect_patient(
    patient_id: str,
    sources: Sequence[PatientSource],
    arrivals: Arrivals,
    *,
    deadline: datetime,
    now: Callable[[], datetime],
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Collection:
    """Return all that could be collected of one patient until `deadline`.

    Objects that already lie in the night's spool (an earlier try of the same night) are not asked for
    again. A source that fails does not stop the others; what it refuses or does not bring is asked of
    the next source that lists it, in the next round.
    """
    work = _list(patient_id, sources, in_time=lambda: now() < deadline)
    for round_number in range(ROUNDS_MAX):
        arrivals.refresh()
        missing = _missing(work, arrivals)
        on_progress(len(work.expected) - len(missing), len(work.expected))
        if not missing or now() >= deadline:
            break
        for source, wanted in _batches(missing, work, round_number):
            if now() >= deadline:
                work.problems.append(OUT_OF_TIME)
                break
            if work.failures[source.name] < FAILURES_MAX:
                _ask(source, wanted, work, arrivals, deadline)
    return _conclude(work, arrivals)


def _list(patient_id: str, sources: Sequence[PatientSource], *, in_time: Callable[[], bool]) -> _Work:
    work = _Work()
    for source in sources:
        if not in_time():
            work.unavailable.append(source.name)
            work.problems.append(f"{source.name}: {OUT_OF_TIME}")
            continue
        try:
            listed = _listed(source, patient_id)
        except (SourceUnavailable, SourceAnswerInvalid) as error:
            work.unavailable.append(source.name)
            work.problems.append(f"{source.name}: {error.message}")
            continue
        for item in listed:
            work.expected.setdefault(item.sop_instance_uid, item)
            listed_by = work.listed_by[item.sop_instance_uid]
            if not listed_by or listed_by[-1][0] is not source:  # a source may list an object twice
                listed_by.append((source, item))
    return work


def _listed(source: PatientSource, patient_id: str) -> tuple[ExpectedObject, ...]:
    """Ask for the list; once more when nothing answered, because archives drop idle associations."""
    try:
        return source.list_objects(patient_id)
    except SourceUnavailable:
        return source.list_objects(patient_id)


def _missing(work: _Work, arrivals: Arrivals) -> list[ExpectedObject]:
    arrived = arrivals.of(work.expected)
    return [item for uid, item in work.expected.items() if uid not in arrived]


def _batches(
    missing: Iterable[ExpectedObject], work: _Work, round_number: int
) -> list[tuple[PatientSource, tuple[ExpectedObject, ...]]]:
    """Group what is missing by source and study, series, or object, the larger first."""
    groups: dict[tuple[str, ...], list[ExpectedObject]] = defaultdict(list)
    sources: dict[str, PatientSource] = {}
    for wanted in missing:
        source, item = work.next_source(wanted.sop_instance_uid)
        sources[source.name] = source
        keys = (item.study_instance_uid, item.series_instance_uid, item.sop_instance_uid)
        groups[(source.name, *keys[: round_number + 1])].append(item)
    return [(sources[name], tuple(items)) for (name, *_), items in groups.items()]


def _ask(
    source: PatientSource,
    wanted: tuple[ExpectedObject, ...],
    work: _Work,
    arrivals: Arrivals,
    deadline: datetime,
) -> None:
    uids = {item.sop_instance_uid for item in wanted}
    work.asked.update(uids)
    try:
        answer: FetchAnswer = source.fetch(wanted, deadline=deadline)
    except (SourceUnavailable, SourceAnswerInvalid) as error:
        work.problems.append(f"{source.name}: {error.message}")
        arrivals.wait_for(uids, quiet_s=QUIET_S, longest_s=SETTLE_S_MAX)
        came = len(arrivals.of(uids))
        work.failures[source.name] = 0 if came else work.failures[source.name] + 1
        return
    work.refused |= {(source.name, uid) for uid in answer.refused & uids}
    if answer.refused_count and answer.comment:
        work.problems.append(f"{source.name}: {answer.comment}")
    quiet_s = 0.5 if answer.refused_count else QUIET_S
    coming = {uid for uid in uids if (source.name, uid) not in work.refused}
    arrivals.wait_for(coming, quiet_s=quiet_s, longest_s=SETTLE_S_MAX)
    if len(uids) == 1 and answer.refused_count:
        work.refused |= {
            (source.name, uid) for uid in uids
        }  # the only one asked for, so the one refused, even when it is not named


def _conclude(work: _Work, arrivals: Arrivals) -> Collection:
    arrivals.refresh()
    received = arrivals.of(work.expected)
    refused = {uid for _, uid in work.refused}
    outcomes = {
        uid: Outcome.RECEIVED if uid in received else Outcome.REFUSED if uid in refused else Outcome.NO_ANSWER
        for uid in work.expected
    }
    return Collection(
        expected=work.expected,
        received=received,
        outcomes=outcomes,
        problems=tuple(dict.fromkeys(work.problems)),
        unavailable_sources=tuple(work.unavailable),
    )
