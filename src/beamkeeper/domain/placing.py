"""Where each delivery belongs: plan, fraction group, beam, fraction. Never guessed (`protocols` 2.4, 2.5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from beamkeeper.domain.findings import Findings
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE, MetersetTolerance, Part, usable
from beamkeeper.domain.plan import GIVES_COUNTED_DOSE, Beam, DeliveryType, DosimeterUnit, FractionGroup, Plan
from beamkeeper.domain.position import ConflictKind, OpenPortFilm
from beamkeeper.domain.record import BeamDelivery, TreatmentRecord

COUNTED_TYPES = GIVES_COUNTED_DOSE | {DeliveryType.UNKNOWN}
"""A type left empty (type 2) is decided by the plan: its treatment beams count (`protocols` 2.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Every delivery of one plan, in its place.

    Attributes
    ----------
    unassigned_record_uids
        Records with at least one delivery that has no place; that delivery is not counted.
    """

    parts: tuple[Part, ...]
    open_portfilms: tuple[OpenPortFilm, ...] = ()
    unassigned_record_uids: frozenset[str] = frozenset()


def fraction_groups(plan: Plan) -> tuple[FractionGroup, ...]:
    """Return the plan's fraction groups; a plan that lists none is one group of all its beams."""
    numbers = tuple(beam.beam_number for beam in plan.beams)
    if not plan.fraction_groups:
        return (
            FractionGroup(fraction_group_number=1, number_of_fractions_planned=None, beam_numbers=numbers),
        )
    return tuple(sorted(plan.fraction_groups, key=lambda group: group.fraction_group_number))


def treatment_beams(plan: Plan, group: FractionGroup) -> tuple[Beam, ...]:
    """Return the beams a fraction of `group` needs: those that have a meterset (`protocols` 2.5, rule 4).

    A plan whose beams all lack a meterset is counted against what its records specify; then every
    beam that is meant to treat is needed.
    """
    members = [beam for beam in plan.beams if beam.beam_number in group.beam_numbers]
    with_meterset = tuple(beam for beam in members if beam.is_treatment)
    if with_meterset:
        return with_meterset
    return tuple(
        beam for beam in members if beam.beam_meterset is None and beam.delivery_type in COUNTED_TYPES
    )


def place(
    plan: Plan,
    records: Iterable[TreatmentRecord],
    findings: Findings,
    *,
    tolerance: MetersetTolerance = DEFAULT_TOLERANCE,
) -> Placement:
    """Return where every delivery in `records`, all of this plan, belongs.

    Key: plan, beam number, fraction number (rule 1). The fraction group number of a record is used
    only where the beam is in several groups: CyberKnife records carry the fraction number there.
    """
    parts: list[Part] = []
    films: list[OpenPortFilm] = []
    homeless: set[str] = set()
    placer = _Placer(plan, findings, tolerance)
    for record in records:
        if not record.deliveries:
            text = "A record names no beam at all: nothing of it is counted."
            findings.add(ConflictKind.UNKNOWN_BEAM, text, record.sop_instance_uid)
            homeless.add(record.sop_instance_uid)
        for delivery in record.deliveries:
            if delivery.delivery_type is DeliveryType.OPEN_PORTFILM:
                films.append(_film(record, delivery))
                continue
            if delivery.delivery_type not in COUNTED_TYPES:
                continue
            beam = placer.beam(record, delivery)
            if beam is not None and not placer.is_needed(beam):
                placer.note_uncalled(beam, record, delivery)
                continue
            part = placer.part(record, delivery, beam)
            if part is None:
                homeless.add(record.sop_instance_uid)
            else:
                parts.append(part)
    films.sort(key=lambda film: (film.record_uid, film.beam_number or 0, film.fraction_number or 0))
    return Placement(
        parts=tuple(parts), open_portfilms=tuple(films), unassigned_record_uids=frozenset(homeless)
    )


def _film(record: TreatmentRecord, delivery: BeamDelivery) -> OpenPortFilm:
    return OpenPortFilm(
        beam_number=delivery.referenced_beam_number,
        fraction_number=delivery.current_fraction_number,
        delivered_meterset=usable(delivery.delivered_meterset),
        record_uid=record.sop_instance_uid,
    )


class _Placer:
    """Places single deliveries of one plan."""

    def __init__(self, plan: Plan, findings: Findings, tolerance: MetersetTolerance) -> None:
        self._plan = plan
        self._findings = findings
        self._tolerance = tolerance
        self._beams = {beam.beam_number: beam for beam in plan.beams}
        self._groups = fraction_groups(plan)
        self._needed = {b.beam_number for group in self._groups for b in treatment_beams(plan, group)}

    def is_needed(self, beam: Beam) -> bool:
        """Whether a fraction is incomplete without this beam."""
        return beam.beam_number in self._needed

    def beam(self, record: TreatmentRecord, delivery: BeamDelivery) -> Beam | None:
        """Return the beam by number, or by a name that only one beam has where the number is absent."""
        number, name = delivery.referenced_beam_number, delivery.beam_name.strip()
        if number is not None and number in self._beams:
            return self._beams[number]
        named = [beam for beam in self._plan.beams if name and beam.beam_name.strip() == name]
        if number is None and len(named) == 1:
            return named[0]
        said = (
            f"beam number {number}"
            if number is not None
            else f"the beam name “{name}”"
            if name
            else "no beam"
        )
        why = "which more than one beam of the plan has" if len(named) > 1 else "which the plan does not have"
        text = f"A record names {said}{'' if said == 'no beam' else f', {why}'}: its delivery is not counted."
        self._findings.add(ConflictKind.UNKNOWN_BEAM, text, record.sop_instance_uid)
        return None

    def note_uncalled(self, beam: Beam, record: TreatmentRecord, delivery: BeamDelivery) -> None:
        """Show dose given with a beam that the plan does not need for any fraction."""
        if delivery.delivery_type is DeliveryType.UNKNOWN or not usable(delivery.delivered_meterset):
            return
        text = (
            f"Beam {beam.beam_number} has no meterset to treat with in the plan, but a record delivered one."
        )
        self._findings.add(ConflictKind.METERSET_DIFFERS, text, record.sop_instance_uid)

    def part(self, record: TreatmentRecord, delivery: BeamDelivery, beam: Beam | None) -> Part | None:
        """Return the delivery in its place, or None when it has none."""
        uid = record.sop_instance_uid
        fraction = delivery.current_fraction_number
        if fraction is None or fraction < 1:
            text = "A record does not say which fraction it belongs to: not counted, a person must place it."
            self._findings.add(ConflictKind.NO_FRACTION_NUMBER, text, uid)
            return None
        group = None if beam is None else self._group(record, beam)
        if beam is None or group is None:
            return None
        if delivery.delivery_type is DeliveryType.UNKNOWN:
            text = (
                "A record leaves the delivery type empty: counted, because the plan means the beam to treat."
            )
            self._findings.add(ConflictKind.NO_DELIVERY_TYPE, text, uid)
        specified, delivered = self._metersets(record, delivery, beam, fraction)
        return Part(
            record_uid=uid,
            fraction_group_number=group,
            fraction_number=fraction,
            beam_number=beam.beam_number,
            delivery_type=delivery.delivery_type,
            termination_status=delivery.termination_status,
            specified=specified,
            delivered=delivered,
            delivered_at=delivery.started_at or record.treated_at,
            unit=beam.primary_dosimeter_unit or delivery.primary_dosimeter_unit,
        )

    def _group(self, record: TreatmentRecord, beam: Beam) -> int | None:
        """Return the group by the beam; by the record's word only where the beam leaves it open."""
        groups = [g.fraction_group_number for g in self._groups if beam.beam_number in g.beam_numbers]
        if len(groups) == 1:
            return groups[0]
        if record.referenced_fraction_group_number in groups:
            return record.referenced_fraction_group_number
        text = f"Beam {beam.beam_number} is in several fraction groups; a record names none: not counted."
        self._findings.add(ConflictKind.NO_FRACTION_GROUP, text, record.sop_instance_uid)
        return None

    def _metersets(
        self, record: TreatmentRecord, delivery: BeamDelivery, beam: Beam, fraction: int
    ) -> tuple[float | None, float | None]:
        """Return (specified, delivered) in the plan's unit; a number in another unit is no number here."""
        where = f"Beam {beam.beam_number}, fraction {fraction}"
        planned_in, said_in = beam.primary_dosimeter_unit, delivery.primary_dosimeter_unit
        if DosimeterUnit.UNKNOWN not in {planned_in, said_in} and planned_in is not said_in:
            text = f"{where}: the plan counts in {planned_in}, a record in {said_in}; how much is not known."
            self._findings.add(ConflictKind.UNIT_DIFFERS, text, record.sop_instance_uid)
            return None, None
        specified, delivered = usable(delivery.specified_meterset), usable(delivery.delivered_meterset)
        if delivered is None:
            text = f"{where}: a record does not say how much was given; the beam counts as begun."
            self._findings.add(ConflictKind.NO_METERSET, text, record.sop_instance_uid)
        planned = beam.beam_meterset
        if planned and specified is not None:
            allowed = self._tolerance.allowed(planned, planned_in)
            if abs(specified - planned) > allowed:
                text = f"{where}: a record specifies {specified:g} {planned_in}, the plan {planned:g}."
                self._findings.add(ConflictKind.METERSET_DIFFERS, text, record.sop_instance_uid)
        return specified, delivered
