"""Which records the archives have that we lack, and of whom: asked, sorted out, fetched."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.folders import known_persons
from beamkeeper.app.jobs.hour_look import Came, left_for_night
from beamkeeper.protect.collect import bring, new_records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from beamkeeper.app.jobs.hour_notes import LeftForNight
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.identity import KnownPerson
    from beamkeeper.protect.collect import Arrivals, RecordList, RecordSource
    from beamkeeper.wire.dicom.requester import ExpectedObject

RECORDS_A_LOOK_MAX = 2_000
"""Ten times the records of a large department's day; what is more comes with the next look."""
RECORD = "RTRECORD"
UNKNOWN_PATIENT = "nobody with this Patient ID is kept yet"
SHARED_ID = "several persons have this Patient ID: whose it is, the night finds out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """New records by the folder of whose they are, and what is left for the night.

    Attributes
    ----------
    lists
        What each archive answered.
    wanted
        By pseudonym, then by the name of the source.
    """

    lists: tuple[RecordList, ...]
    persons: Mapping[str, KnownPerson]
    wanted: Mapping[str, Mapping[str, Sequence[ExpectedObject]]]
    left: tuple[LeftForNight, ...] = ()

    @property
    def wanted_uids(self) -> frozenset[str]:
        """The SOP Instance UIDs of everything that was asked for."""
        of_sources = (items for wanted in self.wanted.values() for items in wanted.values())
        return frozenset(item.sop_instance_uid for items in of_sources for item in items)


@dataclass
class _Sorting:
    wanted: dict[str, dict[str, list[ExpectedObject]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    persons: dict[str, KnownPerson] = field(default_factory=dict)
    left: list[LeftForNight] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)


class Finding:
    """Asks archives for records that are not kept; one for each look.

    Parameters
    ----------
    left
        What earlier looks left for the night: not asked for again.
    """

    def __init__(
        self, runtime: Runtime, sources: Sequence[RecordSource], left: Sequence[LeftForNight]
    ) -> None:
        self._run = runtime
        self._sources = sources
        self._left = frozenset(one.sop_instance_uid for one in left)
        self._persons: dict[str, tuple[KnownPerson, ...]] = {}
        self._series: dict[str, Mapping[str, int]] = {}

    def find(self, *, day: date, counts_before: Mapping[str, Mapping[str, int]]) -> Found:
        """Return the records of `day` or later that are not kept."""
        census = self._run.ledger.last_census()
        listed = {entry.patient.patient_id for entry in census.entries} if census else set()
        with self._run.ledger.session():
            lists = tuple(
                new_records(
                    source,
                    day=day,
                    counts_before=counts_before.get(source.name, {}),
                    is_under_treatment=listed.__contains__,
                    kept_count=self._kept_count,
                    is_kept=self._run.ledger.known_uids,
                )
                for source in self._sources
            )
            return self._sorted_out(lists)

    def bring(
        self, found: Found, arrivals: Arrivals, *, deadline: datetime
    ) -> tuple[dict[str, list[Came]], list[str]]:
        """Return what came, by pseudonym, and what went wrong in sentences."""
        by_source: dict[str, list[ExpectedObject]] = defaultdict(list)
        for wanted in found.wanted.values():
            for name, items in wanted.items():
                by_source[name] += items
        brought = bring(by_source, self._sources, arrivals, deadline=deadline, now=self._run.clock.now)
        came = {
            pseudonym: [
                Came(listed=item, versions=brought.received[item.sop_instance_uid])
                for items in wanted.values()
                for item in items
                if item.sop_instance_uid in brought.received
            ]
            for pseudonym, wanted in found.wanted.items()
        }
        return {pseudonym: items for pseudonym, items in came.items() if items}, brought.problems

    def _sorted_out(self, lists: tuple[RecordList, ...]) -> Found:
        sorting = _Sorting()
        for one in lists:
            for records in one.records.values():
                for record in records:
                    self._sort(one.source, record.item, sorting)
        return Found(lists=lists, persons=sorting.persons, wanted=sorting.wanted, left=tuple(sorting.left))

    def _sort(self, source: str, item: ExpectedObject, sorting: _Sorting) -> None:
        uid = item.sop_instance_uid
        if uid in self._left or uid in sorting.taken or len(sorting.taken) >= RECORDS_A_LOOK_MAX:
            return
        persons = self._persons_with(item.patient_id)
        if len(persons) == 1:
            sorting.taken.add(uid)
            sorting.persons[persons[0].pseudonym] = persons[0]
            sorting.wanted[persons[0].pseudonym][source].append(item)
        else:
            sorting.left.append(left_for_night(item, SHARED_ID if persons else UNKNOWN_PATIENT))

    def _kept_count(self, patient_id: str, series_instance_uid: str) -> int:
        return sum(
            self._series_of(person.pseudonym).get(series_instance_uid, 0)
            for person in self._persons_with(patient_id)
        )

    def _series_of(self, pseudonym: str) -> Mapping[str, int]:
        if pseudonym not in self._series:
            self._series[pseudonym] = self._run.ledger.series_counts(pseudonym, RECORD)
        return self._series[pseudonym]

    def _persons_with(self, patient_id: str) -> tuple[KnownPerson, ...]:
        if patient_id not in self._persons:
            self._persons[patient_id] = known_persons(self._run, patient_id)
        return self._persons[patient_id]
