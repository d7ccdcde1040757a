"""A department's year of patients: what was truly given, and what plans and records say of it.

The truth is a list of sessions; records are made from it, with every quirk real departments show. Faults
are put into records and counts afterwards, each on patients of its own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.domain.plan import (
    ApprovalStatus,
    Beam,
    DeliveryType,
    DosimeterUnit,
    FractionGroup,
    Plan,
    RadiationType,
)
from beamkeeper.domain.record import BeamDelivery, TerminationStatus, TreatmentRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_YEAR = datetime(2026, 1, 5, 8, tzinfo=UTC)
ASKED_AT = NEW_YEAR + timedelta(days=500)
"""When the OIS is asked; everybody has one appointment left."""
GIVES_DOSE = frozenset({DeliveryType.TREATMENT, DeliveryType.CONTINUATION})
SCHEMES = ((5, 5.2), (15, 2.67), (20, 2.75), (25, 2.0), (30, 2.0), (35, 2.0), (1, 8.0), (3, 18.0))
MACHINES = ("LINAC1", "LINAC2", "LINAC3", "LINAC4")


class Quirk(StrEnum):
    """What happens in real courses and is no fault."""

    PLAIN = "plain"
    INTERRUPTED = "a fraction interrupted and continued on another day"
    LEFT_PARTIAL = "the last fraction begun and not yet continued"
    TWICE_A_DAY = "two fractions a day"
    REPLANNED = "a new plan for the remaining fractions"
    BOOST = "a boost after the first plan"
    OTHER_MACHINE = "a day on another machine"
    RECORD_EACH_BEAM = "one record for each beam"
    NOTHING_GIVEN = "a beam that ended before any dose, and was given again"
    PORT_FILM = "an image outside the field before the beams"
    NOT_STARTED = "approved, not started"


class Fault(StrEnum):
    """What must never pass in silence."""

    RECORD_MISSING = "a record that nobody sent"
    RECORD_TWICE = "one delivery exported twice, under two UIDs"
    WRONG_PLAN = "a record that refers to another plan"
    COURSE_MOVED = "a plan moved to another course, whose sessions count from zero"


@dataclass(slots=True, kw_only=True)
class Given:
    """One beam given, or part of it: the truth of one moment."""

    plan_uid: str
    fraction_number: int
    beam_number: int
    meterset: float
    at: datetime
    machine: str
    kind: DeliveryType = DeliveryType.TREATMENT
    end: TerminationStatus = TerminationStatus.NORMAL


@dataclass(slots=True, kw_only=True)
class YearPatient:
    """One patient: plans, the truth, and the records made of it.

    Attributes
    ----------
    complete
        Fractions truly complete, by SOP Instance UID of the plan.
    partial
        Fractions truly begun and not finished.
    """

    patient_id: str
    quirk: Quirk
    plans: tuple[Plan, ...]
    given: list[Given]
    complete: dict[str, int]
    partial: dict[str, int]
    records: list[TreatmentRecord] = field(default_factory=list)
    fault: Fault | None = None


def year_of(count: int, seed: int = 2026) -> Iterator[YearPatient]:
    """Yield the patients of one year; one in eight bears a fault."""
    for number in range(count):
        rng = random.Random(seed * 1_000_003 + number)
        patient = _patient(number, rng)
        patient.records = _records(patient)
        if number % 8 == 0 and patient.given:
            _spoil(patient, list(Fault)[number // 8 % len(Fault)], rng)
        yield patient


def _patient(number: int, rng: random.Random) -> YearPatient:
    quirk = list(Quirk)[number % len(Quirk)]
    fractions, dose = rng.choice(SCHEMES)
    start = NEW_YEAR + timedelta(days=7 * rng.randrange(50), minutes=rng.randrange(540))
    machine = rng.choice(MACHINES)
    first = _plan(f"2.25.{number}.1", f"Y{number:05}", fractions, dose, machine, beams=rng.randint(1, 4))
    plans, wanted = [first], [(first, rng.randint(1, fractions))]
    if quirk is Quirk.NOT_STARTED:
        wanted = []
    elif quirk is Quirk.REPLANNED and fractions > 1:
        done = rng.randint(1, fractions - 1)
        second = _plan(f"2.25.{number}.2", f"Y{number:05}", fractions - done, dose, machine, beams=2)
        plans.append(replace(second, related_plan_uids=(("PREDECESSOR", first.sop_instance_uid),)))
        wanted = [(first, done), (plans[1], rng.randint(0, fractions - done))]
    elif quirk is Quirk.BOOST:
        second = _plan(f"2.25.{number}.2", f"Y{number:05}", 5, dose, machine, beams=3)
        plans.append(replace(second, related_plan_uids=(("PRIOR", first.sop_instance_uid),)))
        wanted = [(first, fractions), (plans[1], rng.randint(0, 5))]
    given, complete, partial = [], dict.fromkeys((p.sop_instance_uid for p in plans), 0), {}
    at = start
    for plan, count in wanted:
        complete[plan.sop_instance_uid] = count
        for fraction in range(1, count + 1):
            given += _session(plan, fraction, at, quirk, rng, is_last=fraction == count)
            at = _next_time(at, quirk, fraction)
    if quirk is Quirk.LEFT_PARTIAL and given:
        uid, last = given[-1].plan_uid, given[-1]
        given[-1] = replace(last, meterset=last.meterset / 3, end=TerminationStatus.MACHINE)
        complete[uid], partial[uid] = complete[uid] - 1, 1
    return YearPatient(
        patient_id=f"Y{number:05}",
        quirk=quirk,
        plans=tuple(plans),
        given=given,
        complete=complete,
        partial={plan.sop_instance_uid: partial.get(plan.sop_instance_uid, 0) for plan in plans},
    )


def _plan(uid: str, patient_id: str, fractions: int, dose: float, machine: str, *, beams: int) -> Plan:
    numbers = tuple(range(1, beams + 1))
    return Plan(
        sop_instance_uid=uid,
        patient_id=patient_id,
        rt_plan_label=f"PLAN{uid[-1]}",
        approval_status=ApprovalStatus.APPROVED,
        fraction_groups=(
            FractionGroup(
                fraction_group_number=1, number_of_fractions_planned=fractions, beam_numbers=numbers
            ),
        ),
        beams=tuple(
            Beam(
                beam_number=n,
                beam_name=f"F{n}",
                radiation_type=RadiationType.PHOTON,
                delivery_type=DeliveryType.TREATMENT,
                treatment_machine_name=machine,
                primary_dosimeter_unit=DosimeterUnit.MU,
                beam_meterset=100.0 + 10 * n,
                beam_dose_gy=dose / beams,
            )
            for n in numbers
        ),
    )


def _session(
    plan: Plan, fraction: int, at: datetime, quirk: Quirk, rng: random.Random, *, is_last: bool
) -> list[Given]:
    machine = plan.beams[0].treatment_machine_name
    if quirk is Quirk.OTHER_MACHINE and fraction % 7 == 3:
        machine = rng.choice(MACHINES)
    found = []
    for position, beam in enumerate(plan.beams):
        began = at + timedelta(minutes=3 * position)
        whole = Given(
            plan_uid=plan.sop_instance_uid,
            fraction_number=fraction,
            beam_number=beam.beam_number,
            meterset=beam.beam_meterset or 0.0,
            at=began,
            machine=machine,
        )
        is_odd_day = fraction % 5 == 2 and position == 0 and not is_last
        if quirk is Quirk.INTERRUPTED and is_odd_day:
            share = round(whole.meterset * rng.uniform(0.1, 0.9), 2)
            found.append(replace(whole, meterset=share, end=TerminationStatus.MACHINE))
            rest = replace(whole, meterset=whole.meterset - share, kind=DeliveryType.CONTINUATION)
            found.append(replace(rest, at=began + timedelta(hours=20)))
        elif quirk is Quirk.NOTHING_GIVEN and is_odd_day:
            found.append(replace(whole, meterset=0.0, end=TerminationStatus.OPERATOR))
            found.append(replace(whole, at=began + timedelta(minutes=1)))
        elif quirk is Quirk.PORT_FILM and is_odd_day:
            found.append(replace(whole, meterset=2.0, kind=DeliveryType.OPEN_PORTFILM))
            found.append(replace(whole, at=began + timedelta(minutes=1)))
        else:
            found.append(whole)
    return found


def _next_time(at: datetime, quirk: Quirk, fraction: int) -> datetime:
    if quirk is Quirk.TWICE_A_DAY and fraction % 2:
        return at + timedelta(hours=6)
    following = at + timedelta(days=1) - (timedelta(hours=6) if quirk is Quirk.TWICE_A_DAY else timedelta())
    while following.weekday() > 4:
        following += timedelta(days=1)
    return following


def _records(patient: YearPatient) -> list[TreatmentRecord]:
    """Return one record a session and plan, or one a beam; a continuation always has its own."""
    groups: dict[tuple[object, ...], list[Given]] = {}
    for number, one in enumerate(patient.given):
        is_own = patient.quirk is Quirk.RECORD_EACH_BEAM or one.kind is DeliveryType.CONTINUATION
        key = (one.plan_uid, one.fraction_number, number if is_own else None)
        groups.setdefault(key, []).append(one)
    planned = {plan.sop_instance_uid: plan.number_of_fractions_planned for plan in patient.plans}
    meterset = {(p.sop_instance_uid, b.beam_number): b.beam_meterset for p in patient.plans for b in p.beams}
    return [
        TreatmentRecord(
            sop_instance_uid=f"{group[0].plan_uid}.9.{number}",
            patient_id=patient.patient_id,
            referenced_plan_uid=group[0].plan_uid,
            treated_at=group[0].at,
            number_of_fractions_planned=planned[group[0].plan_uid],
            treatment_machine_name=group[0].machine,
            deliveries=tuple(_delivery(one, meterset[one.plan_uid, one.beam_number]) for one in group),
        )
        for number, group in enumerate(groups.values())
    ]


def _delivery(one: Given, specified: float | None) -> BeamDelivery:
    return BeamDelivery(
        referenced_beam_number=one.beam_number,
        beam_name=f"F{one.beam_number}",
        current_fraction_number=one.fraction_number,
        delivery_type=one.kind,
        termination_status=one.end,
        specified_meterset=specified,
        delivered_meterset=one.meterset,
        primary_dosimeter_unit=DosimeterUnit.MU,
        treatment_machine_name=one.machine,
        started_at=one.at,
    )


def _spoil(patient: YearPatient, fault: Fault, rng: random.Random) -> None:
    """Put one fault into the evidence; what was truly given stays what it was."""
    if fault is Fault.COURSE_MOVED and patient.given[-1].plan_uid != patient.plans[-1].sop_instance_uid:
        fault = Fault.RECORD_TWICE  # moved before anything was given: nothing is lost by it
    at = rng.randrange(len(patient.records))
    record = patient.records[at]
    patient.fault = fault
    if fault is Fault.RECORD_MISSING:
        del patient.records[at]
    elif fault is Fault.RECORD_TWICE:
        patient.records.append(replace(record, sop_instance_uid=f"{record.sop_instance_uid}.2"))
    elif fault is Fault.WRONG_PLAN:
        plans = (plan.sop_instance_uid for plan in patient.plans)
        others = [uid for uid in plans if uid != record.referenced_plan_uid]
        wrong = rng.choice([*others, f"{record.referenced_plan_uid}.404"])
        patient.records[at] = replace(record, referenced_plan_uid=wrong)
