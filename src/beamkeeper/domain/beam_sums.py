"""What each beam of each fraction adds up to, and whether that is all of it (`protocols` 2.5, rule 3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from beamkeeper.domain.findings import Findings
from beamkeeper.domain.meterset import MetersetTolerance, Part, Sum, ended_normally, total
from beamkeeper.domain.plan import Beam, DosimeterUnit, Plan
from beamkeeper.domain.position import ConflictKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamSum:
    """One beam in one fraction over all its records.

    Attributes
    ----------
    delivered, specified
        In the beam's unit; specified is None when neither plan nor record states it.
    begun
        True as soon as anything was delivered, or a record does not say how much.
    delivered_at
        Every time its records state.
    """

    fraction_group_number: int
    fraction_number: int
    beam_number: int
    delivered: float
    specified: float | None
    begun: bool
    complete: bool
    delivered_at: tuple[datetime, ...]
    record_uids: tuple[str, ...]


def sum_beams(
    plan: Plan, parts: Iterable[Part], findings: Findings, tolerance: MetersetTolerance
) -> tuple[BeamSum, ...]:
    """Return one sum for each (group, fraction, beam) that has a record, in that order."""
    by_key: dict[tuple[int, int, int], list[Part]] = {}
    parts = tuple(parts)
    _show_same_moment(parts, findings)
    for part in parts:
        key = (part.fraction_group_number, part.fraction_number, part.beam_number)
        by_key.setdefault(key, []).append(part)
    beams = {beam.beam_number: beam for beam in plan.beams}
    return tuple(_beam_sum(beams[key[2]], by_key[key], findings, tolerance) for key in sorted(by_key))


def _show_same_moment(parts: Iterable[Part], findings: Findings) -> None:
    """Show one beam given in two fractions in the same second: no machine can; one number is wrong.

    Both stay counted: which fraction was meant is not ours to guess.
    """
    by_moment: dict[tuple[int, datetime], list[Part]] = {}
    for part in parts:
        if part.delivered_at is not None and part.delivered != 0:
            moment = (part.beam_number, part.delivered_at.replace(microsecond=0))
            by_moment.setdefault(moment, []).append(part)
    for (beam_number, _), together in by_moment.items():
        fractions = sorted({part.fraction_number for part in together})
        uids = {part.record_uid for part in together}
        if len(fractions) > 1 and len(uids) > 1:
            listed = ", ".join(str(number) for number in fractions)
            text = (
                f"Beam {beam_number} is recorded in the same second for fractions {listed}; all are counted."
            )
            findings.add(ConflictKind.SUSPECTED_DUPLICATE, text, *uids)


def _beam_sum(beam: Beam, parts: Sequence[Part], findings: Findings, tolerance: MetersetTolerance) -> BeamSum:
    """Sum one beam of one fraction.

    Complete means: nothing is left to give, within tolerance, and one record ended normally. Too much
    is complete as well, and shown in red: offering the rest of such a beam would be absurd.
    """
    unit = beam.primary_dosimeter_unit or max(part.unit for part in parts)
    specified = _specified(beam, parts)
    allowed = tolerance.allowed(specified or 0.0, unit)
    given = total(parts, allowed=allowed)
    enough = specified is not None and given.counted > 0 and given.counted >= specified - allowed
    normal = ended_normally(parts)
    found = BeamSum(
        fraction_group_number=parts[0].fraction_group_number,
        fraction_number=parts[0].fraction_number,
        beam_number=beam.beam_number,
        delivered=given.counted,
        specified=specified,
        begun=given.counted > 0 or any(part.delivered is None for part in parts),
        complete=enough and normal,
        delivered_at=tuple(sorted(part.delivered_at for part in parts if part.delivered_at is not None)),
        record_uids=tuple(sorted({part.record_uid for part in parts})),
    )
    _show(found, given, allowed, unit, findings)
    if enough and not normal:
        text = (
            f"{_where(found)}: everything was given, but no record ended normally; the fraction stays open."
        )
        findings.add(ConflictKind.ENDED_ABNORMALLY, text, *found.record_uids)
    return found


def _where(found: BeamSum) -> str:
    return f"Beam {found.beam_number}, fraction {found.fraction_number}"


def _specified(beam: Beam, parts: Iterable[Part]) -> float | None:
    """Return the plan's meterset, else the largest a record specifies (a record specifies the whole beam)."""
    if beam.beam_meterset:
        return beam.beam_meterset
    return max((part.specified for part in parts if part.specified), default=None)


def _show(found: BeamSum, given: Sum, allowed: float, unit: DosimeterUnit, findings: Findings) -> None:
    """Note what does not fit, in words with numbers."""
    where = _where(found)
    if found.specified is None:
        text = f"{where}: neither plan nor record says how much belongs to it; it cannot be complete."
        findings.add(ConflictKind.NO_METERSET, text, *found.record_uids)
    elif given.counted > found.specified + allowed:
        text = f"{where}: {given.counted:.7g} {unit} delivered, {found.specified:.7g} planned."
        findings.add(ConflictKind.OVER_DELIVERY, text, *found.record_uids)
    if given.duplicate_record_uids:
        text = (
            f"{where}: records with the same time and meterset, counted once as {given.counted:.7g} {unit}; "
            f"if each was a delivery of its own, {given.as_recorded:.7g} {unit} were given."
        )
        findings.add(ConflictKind.SUSPECTED_DUPLICATE, text, *given.duplicate_record_uids)
