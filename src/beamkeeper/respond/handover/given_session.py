"""One session that another house gave: what its records say together, and how it lies beside others.

Nothing is decided here; `given_there` asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.meterset import DEFAULT_TOLERANCE, usable
from beamkeeper.domain.placing import COUNTED_TYPES, fraction_groups, treatment_beams
from beamkeeper.domain.plan import DeliveryType
from beamkeeper.domain.record import TerminationStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from beamkeeper.domain.plan import Beam, Plan
    from beamkeeper.domain.record import BeamDelivery, TreatmentRecord

SAME_SESSION_MAX: Final = timedelta(hours=3)
"""Clocks of two houses differ, and paper is written later; two a day lie further apart."""
SAME_BEAM_MAX: Final = timedelta(minutes=2)
"""No machine gives a beam of two fractions within it: one is the other, told again."""
_NEARLY: Final = 1 - DEFAULT_TOLERANCE.relative


@dataclass(frozen=True, slots=True)
class GivenSession:
    """One fraction of one plan as another house numbers it."""

    house: str
    plan: Plan
    made_there: Plan | None
    plan_uid: str
    number: int
    records: tuple[TreatmentRecord, ...]

    @property
    def given_at(self) -> datetime | None:
        """When it began; None where no record says."""
        return min((at for one in self.records for at in _times(one)), default=None)

    @property
    def is_recalculated(self) -> bool:
        """Whether it was given by another plan than ours, with other metersets."""
        return self.plan_uid != self.plan.sop_instance_uid and any(
            not _has_our_meterset(delivery, self.plan) for delivery in self.deliveries
        )

    @property
    def deliveries(self) -> tuple[BeamDelivery, ...]:
        """What gave dose that counts."""
        return tuple(
            one for record in self.records for one in record.deliveries if one.delivery_type in COUNTED_TYPES
        )

    @property
    def is_whole(self) -> bool:
        """Whether each beam was given to the end, and none is missing of a plan that came along."""
        given: dict[str, float] = {}
        specified: dict[str, float] = {}
        ended: set[str] = set()
        for one in self.deliveries:
            beam = _beam_key(one)
            given[beam] = given.get(beam, 0.0) + (usable(one.delivered_meterset) or 0.0)
            specified[beam] = max(specified.get(beam, 0.0), usable(one.specified_meterset) or 0.0)
            if one.termination_status is TerminationStatus.NORMAL:
                ended.add(beam)
        needed = {str(one.beam_number) for one in _treatment(self.made_there)} if self.made_there else set()
        return (
            bool(given)
            and needed <= given.keys()
            and all(
                beam in ended and specified[beam] > 0 and given[beam] >= specified[beam] * _NEARLY
                for beam in given
            )
        )

    def as_fraction(self, fraction: int) -> tuple[TreatmentRecord, ...]:
        """Return its records under our number; a recalculated session as one whole fraction of our plan."""
        if not self.is_recalculated:
            return tuple(_numbered(record, fraction) for record in self.records)
        first = min(self.records, key=lambda one: one.sop_instance_uid)
        model = self.deliveries[0]
        deliveries = tuple(
            replace(
                model,
                referenced_beam_number=beam.beam_number,
                beam_name=beam.beam_name,
                current_fraction_number=fraction,
                delivery_type=DeliveryType.TREATMENT,
                termination_status=TerminationStatus.NORMAL,
                specified_meterset=beam.beam_meterset,
                delivered_meterset=beam.beam_meterset,
                primary_dosimeter_unit=beam.primary_dosimeter_unit,
                started_at=self.given_at,
            )
            for beam in _treatment(self.plan)
        )
        return (replace(first, deliveries=deliveries, number_of_fractions_planned=None),)


def clash_of(session: GivenSession, before: Iterable[TreatmentRecord]) -> str:
    """Return why a session cannot be the fraction whose number it bears; "" where it can.

    It cannot where a beam of that fraction was given at another time, and both together are more than the
    plan gives: nobody gave that fraction twice, the house counts anew.
    """
    if session.given_at is None or _resumes(session):
        return ""
    for record in before:
        at = min(_times(record), default=None)
        if at is None or is_near(at, session.given_at):
            continue
        for own in record.deliveries:
            if own.current_fraction_number == session.number and _is_too_much(own, session):
                return (
                    f"that house seems to number its fractions anew: fraction {session.number} was given "
                    f"before, on {at:%Y-%m-%d}"
                )
    return ""


def _is_too_much(own: BeamDelivery, session: GivenSession) -> bool:
    """Whether a beam was given before so far that the session would be more than the plan has."""
    beam = next((one for one in session.plan.beams if str(one.beam_number) == _beam_key(own)), None)
    if beam is None or not beam.beam_meterset:
        return True
    given = sum(
        usable(one.delivered_meterset) or 0.0
        for one in session.deliveries
        if _beam_key(one) == _beam_key(own)
    )
    allowed = DEFAULT_TOLERANCE.allowed(beam.beam_meterset, beam.primary_dosimeter_unit)
    return (usable(own.delivered_meterset) or 0.0) + given > beam.beam_meterset + allowed


def _resumes(session: GivenSession) -> bool:
    """Whether it says of itself that it goes on with a fraction that was begun."""
    return all(one.delivery_type is DeliveryType.CONTINUATION for one in session.deliveries)


def is_told_again(session: GivenSession, before: Iterable[TreatmentRecord]) -> bool:
    """Whether it is one of our own sessions, exported anew there: same number, same hours."""
    return any(
        session.number in _numbers(record) and any(is_near(at, session.given_at) for at in _times(record))
        for record in before
    )


def told_under(session: GivenSession, before: Iterable[TreatmentRecord]) -> int | None:
    """Return the number of our own session that was given in the same minutes; None where none was."""
    times = [at for record in session.records for at in _times(record)]
    for record in before:
        if any(abs(own - at) <= SAME_BEAM_MAX for own in _times(record) for at in times):
            return next(iter(_numbers(record)), None)
    return None


def _has_our_meterset(delivery: BeamDelivery, plan: Plan) -> bool:
    beam = next((one for one in plan.beams if one.beam_number == delivery.referenced_beam_number), None)
    planned, specified = (beam.beam_meterset if beam else None), delivery.specified_meterset
    if beam is None or planned is None or specified is None:
        return False
    return abs(specified - planned) <= DEFAULT_TOLERANCE.allowed(planned, beam.primary_dosimeter_unit)


def _numbered(record: TreatmentRecord, fraction: int) -> TreatmentRecord:
    deliveries = tuple(replace(one, current_fraction_number=fraction) for one in record.deliveries)
    return replace(record, deliveries=deliveries, number_of_fractions_planned=None)


def _treatment(plan: Plan) -> tuple[Beam, ...]:
    found = (beam for group in fraction_groups(plan) for beam in treatment_beams(plan, group))
    return tuple({beam.beam_number: beam for beam in found}.values())


def one_number(record: TreatmentRecord) -> int | None:
    """Return the only fraction that a record is of; None where it names none, or several."""
    found = {one.current_fraction_number for one in record.deliveries}
    return found.pop() if len(found) == 1 else None


def _numbers(record: TreatmentRecord) -> set[int]:
    return {
        one.current_fraction_number for one in record.deliveries if one.current_fraction_number is not None
    }


def _times(record: TreatmentRecord) -> list[datetime]:
    found = [one.started_at or record.treated_at for one in record.deliveries] or [record.treated_at]
    return [at for at in found if at is not None]


def is_near(one: datetime, other: datetime | None) -> bool:
    """Whether two instants may be of one session."""
    return other is not None and abs(one - other) <= SAME_SESSION_MAX


def _beam_key(delivery: BeamDelivery) -> str:
    number = delivery.referenced_beam_number
    return delivery.beam_name.strip() if number is None else str(number)
