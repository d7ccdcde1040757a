"""When a beam's meterset is complete, and when one delivery is written down twice.

Facts: `protocols` 2.4 (what real records look like) and 2.5 (rules 3 and 5). Equality never
serves: a CyberKnife record says 509.07054 of 509.07073 MU and is complete, a proton record says
9335.681 of 9335.68 and gave nothing too much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from beamkeeper.domain.plan import DeliveryType, DosimeterUnit
from beamkeeper.domain.record import TerminationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class MetersetTolerance:
    """How far delivered and specified may lie apart: the larger of both bounds (`protocols` 2.5, rule 3).

    Attributes
    ----------
    absolute_mu
        MU; also where no unit is stated.
    absolute_minute
        Minutes, for sources and tubes counted in time (0.01 min = 0.6 s). Particle numbers (NP)
        have the relative bound alone: a tenth of a proton means nothing.
    relative
        Share of the specified meterset.
    """

    absolute_mu: float = 0.1
    absolute_minute: float = 0.01
    relative: float = 0.001

    def allowed(self, specified: float, unit: DosimeterUnit) -> float:
        """Return the largest difference that is rounding, in `unit`."""
        absolute = {DosimeterUnit.MINUTE: self.absolute_minute, DosimeterUnit.NP: 0.0}.get(
            unit, self.absolute_mu
        )
        return max(absolute, self.relative * abs(specified))


DEFAULT_TOLERANCE = MetersetTolerance()


def usable(meterset: float | None) -> float | None:
    """Return a meterset that can be one: finite and not negative; anything else is as good as unsaid."""
    return meterset if meterset is not None and math.isfinite(meterset) and meterset >= 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one record gave of one beam in one fraction, once it is known where that belongs.

    Attributes
    ----------
    specified, delivered
        In `unit`; None when the record does not say (or says it in another unit than the plan).
    delivered_at
        Start of the delivery, else the time of its record; None when neither is stated.
    """

    record_uid: str
    fraction_group_number: int
    fraction_number: int
    beam_number: int
    delivery_type: DeliveryType
    termination_status: TerminationStatus
    specified: float | None
    delivered: float | None
    delivered_at: datetime | None
    unit: DosimeterUnit = DosimeterUnit.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """The meterset of one beam in one fraction over all records.

    Attributes
    ----------
    counted
        Every delivery once.
    as_recorded
        Every delivery as often as it is recorded; larger than `counted` where duplicates are suspected.
    duplicate_record_uids
        The records among which duplicates are suspected.
    """

    counted: float
    as_recorded: float
    duplicate_record_uids: tuple[str, ...] = ()


def total(parts: Iterable[Part], *, allowed: float) -> Sum:
    """Return what `parts`, all of one beam and fraction, add up to.

    Two *records* (different SOP Instance UIDs) of the same beam and fraction with the same time and
    the same meterset are a suspected duplicate: one delivery exported by two systems. It is counted
    once. Adding it would show a finished beam where half was given, or an over-delivery that never
    was; leaving both out would offer a fraction again that was given. Counted once, the position is
    that of the least dose surely given, nothing is skipped, and the conflict keeps the plan from
    being called ready until a person has decided (`protocols` 2.5, rule 5).

    Same time means the same second (exports keep different fractions of it); a record without time
    cannot be told from one with time. Same meterset means within `allowed`. A TREATMENT and its
    CONTINUATION are never the same delivery; two items of one record are not either, by its own word.

    Further parts never lower the sum: the largest of each group of alike values stands for it.
    """
    known = [part for part in parts if part.delivered is not None]
    counted: list[float] = []
    suspects: set[str] = set()
    for resumed in (False, True):
        of_kind = [part for part in known if (part.delivery_type is DeliveryType.CONTINUATION) == resumed]
        for value, duplicates in _each_delivery(of_kind, allowed):
            counted.append(value)
            suspects |= duplicates
    return Sum(
        counted=math.fsum(counted),
        as_recorded=math.fsum(part.delivered or 0.0 for part in known),
        duplicate_record_uids=tuple(sorted(suspects)),
    )


@dataclass(frozen=True, slots=True)
class _Alike:
    """Records whose metersets cannot be told apart; the largest stands for them all."""

    largest: float
    record_uids: frozenset[str]

    @property
    def duplicates(self) -> frozenset[str]:
        return self.record_uids if len(self.record_uids) > 1 else frozenset()


def _each_delivery(parts: Iterable[Part], allowed: float) -> Iterator[tuple[float, frozenset[str]]]:
    """Yield (meterset, suspected duplicates) of each delivery; what a record without time repeats adds 0."""
    by_second: dict[datetime | None, list[Part]] = {}
    for part in parts:
        second = None if part.delivered_at is None else part.delivered_at.replace(microsecond=0)
        by_second.setdefault(second, []).append(part)
    untimed = _alike(by_second.pop(None, []), allowed)
    timed = [group for same_second in by_second.values() for group in _alike(same_second, allowed)]
    for group in timed:
        yield group.largest, group.duplicates
    for group in untimed:
        twins = [other for other in timed if abs(other.largest - group.largest) <= allowed]
        repeated = max((twin.largest for twin in twins), default=0.0)
        together = group.record_uids.union(*(twin.record_uids for twin in twins))
        yield max(0.0, group.largest - repeated), together if twins else group.duplicates


def _alike(parts: Iterable[Part], allowed: float) -> list[_Alike]:
    """Group what each record gave, from the largest down, in steps of `allowed`; zeros add nothing."""
    by_record: dict[str, list[float]] = {}
    for part in parts:
        by_record.setdefault(part.record_uid, []).append(part.delivered or 0.0)
    groups: list[_Alike] = []
    for value, uid in sorted(((math.fsum(given), uid) for uid, given in by_record.items()), reverse=True):
        if value <= 0:
            break
        if groups and groups[-1].largest - value <= allowed:
            groups[-1] = _Alike(groups[-1].largest, groups[-1].record_uids | {uid})
        else:
            groups.append(_Alike(value, frozenset({uid})))
    return groups


def ended_normally(parts: Iterable[Part]) -> bool:
    """Return whether any of `parts` ended NORMAL, or does not say how it ended.

    `protocols` 2.5 (rule 3) asks for a last status of NORMAL. "Last" needs times, which records may
    lack, and a machine that stops while nothing is left to give would undo a finished beam; so one
    normal end among the parts is enough. UNKNOWN is no word against it: the meterset speaks.
    """
    return any(
        part.termination_status in {TerminationStatus.NORMAL, TerminationStatus.UNKNOWN} for part in parts
    )
