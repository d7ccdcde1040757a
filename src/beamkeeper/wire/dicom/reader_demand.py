"""RT Plan and RT Ion Plan into `PlanDemand`: what another machine has to be able to do (PS3.3 C.8.8.14)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.domain.demand import BeamDemand, LimitingDevice, PlanDemand, Wedge
from beamkeeper.domain.plan import Plan
from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.dicom.reader import read_object
from beamkeeper.wire.dicom.reader_bytes import open_object
from beamkeeper.wire.dicom.values import data_set_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from typing_extensions import Buffer

    from beamkeeper.domain.plan import Beam
    from beamkeeper.wire.dicom.values import DataSet

MOVED_MM = 0.05
MOVED_DEG = 0.05
OPEN_MM = 0.5
"""A pair open by less is closed: leaves of many machines never touch."""
_PICTURE_WORDS = (("cbct", "CBCT"), ("cone beam", "CBCT"), ("kv", "kV"), ("mv", "MV"), ("portal", "MV"))
"""What people call setup beams; the first that stands in a name decides."""


def read_demand(data: Buffer, *, zone: ZoneInfo) -> PlanDemand:
    """Return what a plan asks of a machine.

    Raises
    ------
    ObjectUnreadable
        The bytes are not a whole DICOM object.
    SourceAnswerInvalid
        It is whole, and no plan.
    """
    item = read_object(data, zone=zone)
    if not isinstance(item.content, Plan):
        raise SourceAnswerInvalid(
            f"The file is no RT Plan but {item.kind.value}.", do_next="Name the plan's file."
        )
    plan, top = item.content, data_set_of(open_object(data), zone)
    stated = {beam.beam_number: beam for beam in plan.beams}
    return PlanDemand(
        sop_instance_uid=plan.sop_instance_uid,
        rt_plan_label=plan.rt_plan_label,
        beams=tuple(_beams(top, stated)) or tuple(_applications(plan)),
        patient_positions=_once(setup.patient_position for setup in plan.patient_setups),
        motion_techniques=_once(
            technique
            for setup in top.items("PatientSetupSequence")
            for motion in setup.items("MotionSynchronizationSequence")
            if (technique := motion.code("RespiratoryMotionCompensationTechnique")) != "NONE"
        ),
        setup_words=_once(
            word for setup in plan.patient_setups for word in (setup.technique, *setup.devices)
        ),
        things=_once(word for setup in plan.patient_setups for word in setup.things),
        imaging=tuple(dict.fromkeys(_pictures(top))),
        tolerance_tables=_once(
            table.text("ToleranceTableLabel") or table.text("ToleranceTableNumber")
            for table in top.items("ToleranceTableSequence")
        ),
    )


def _pictures(top: DataSet) -> Iterator[str]:
    """Yield what each setup beam takes pictures with, by its name: DICOM has no element that says it."""
    for item in top.items("BeamSequence"):
        if item.code("TreatmentDeliveryType") == "SETUP":
            said = f"{item.text('BeamName')} {item.text('BeamDescription')}".casefold()
            yield next((kind for word, kind in _PICTURE_WORDS if word in said), "")


def _beams(top: DataSet, stated: dict[int, Beam]) -> Iterator[BeamDemand]:
    for sequence, ion in (("BeamSequence", False), ("IonBeamSequence", True)):
        for item in top.items(sequence):
            beam = stated.get(item.integer("BeamNumber") or 0)
            if beam is not None and beam.is_treatment:
                yield _beam(item, beam, ion=ion)


def _applications(plan: Plan) -> Iterator[BeamDemand]:
    """Yield brachytherapy set-ups: no linac gives them, and that is all there is to say."""
    for beam in plan.beams:
        if beam.is_treatment:
            yield BeamDemand(
                beam_number=beam.beam_number,
                beam_name=beam.beam_name,
                radiation_type=beam.radiation_type,
                technique=beam.technique,
                treatment_machine_name=beam.treatment_machine_name,
            )


def _beam(item: DataSet, beam: Beam, *, ion: bool) -> BeamDemand:
    points = list(item.items("IonControlPointSequence" if ion else "ControlPointSequence"))
    applicator = item.first("ApplicatorSequence")
    rates = [rate for point in points if (rate := point.number("DoseRateSet")) is not None]
    return BeamDemand(
        beam_number=beam.beam_number,
        beam_name=beam.beam_name,
        radiation_type=beam.radiation_type,
        technique=beam.technique,
        treatment_machine_name=beam.treatment_machine_name,
        manufacturer=beam.setup.manufacturer,
        model=beam.setup.model,
        energies=_numbers(point.nominal_beam_energy for point in beam.control_points),
        fluence_mode=_fluence(item),
        beam_meterset=beam.beam_meterset,
        devices=tuple(_devices(item, points, ion=ion)),
        wedges=tuple(_wedges(item)),
        applicator="" if applicator is None else applicator.text("ApplicatorID"),
        applicator_type="" if applicator is None else applicator.code("ApplicatorType"),
        block_count=_count(item, "BlockSequence", "IonBlockSequence"),
        compensator_count=_count(item, "CompensatorSequence", "IonRangeCompensatorSequence"),
        bolus_count=_count(item, "ReferencedBolusSequence"),
        accessories=_once(
            one.text("GeneralAccessoryID") or one.text("GeneralAccessoryDescription")
            for one in item.items("GeneralAccessorySequence")
        ),
        gantry_moves=_turns(point.gantry_angle_deg for point in beam.control_points),
        couch_moves=_turns(point.couch_angle_deg for point in beam.control_points),
        collimator_moves=_turns(point.collimator_angle_deg for point in beam.control_points),
        couch_angles_deg=_numbers(point.couch_angle_deg for point in beam.control_points),
        dose_rate_max=max(rates, default=None),
        source_axis_distance_mm=item.number("SourceAxisDistance"),
    )


def _fluence(item: DataSet) -> str:
    mode = item.first("PrimaryFluenceModeSequence")
    if mode is None:
        return ""
    kind, named = mode.code("FluenceMode"), mode.text("FluenceModeID").upper()
    if kind == "STANDARD":
        return "STANDARD"
    return "FFF" if "FFF" in named else named or kind


def _wedges(item: DataSet) -> Iterator[Wedge]:
    """Yield the wedges that are in the beam at any control point; all where that is not stated."""
    used = {
        position.integer("ReferencedWedgeNumber")
        for point in item.items("ControlPointSequence")
        for position in point.items("WedgePositionSequence")
        if position.code("WedgePosition") == "IN"
    }
    for wedge in item.items("WedgeSequence"):
        if not used or wedge.integer("WedgeNumber") in used:
            yield Wedge(
                wedge_type=wedge.code("WedgeType"),
                wedge_id=wedge.text("WedgeID") or wedge.text("AccessoryCode"),
                angle_deg=wedge.number("WedgeAngle"),
            )


def _devices(item: DataSet, points: list[DataSet], *, ion: bool) -> Iterator[LimitingDevice]:
    positions: dict[str, list[tuple[float, ...]]] = {}
    for point in points:
        for one in point.items("BeamLimitingDevicePositionSequence"):
            if numbers := one.numbers("LeafJawPositions"):
                positions.setdefault(one.code("RTBeamLimitingDeviceType"), []).append(tuple(numbers))
    for device in item.items("IonBeamLimitingDeviceSequence" if ion else "BeamLimitingDeviceSequence"):
        found = LimitingDevice(
            device_type=device.code("RTBeamLimitingDeviceType"),
            pair_count=device.integer("NumberOfLeafJawPairs") or 0,
            boundaries_mm=tuple(device.numbers("LeafPositionBoundaries")),
        )
        yield _as_used(found, positions.get(found.device_type, []))


def _as_used(device: LimitingDevice, positions: list[tuple[float, ...]]) -> LimitingDevice:
    if not positions:
        return device
    first = positions[0]
    moves = any(
        len(one) == len(first) and max(abs(a - b) for a, b in zip(one, first, strict=True)) > MOVED_MM
        for one in positions
    )
    used = [value for one in positions for value in one]
    whole = replace(device, lowest_mm=min(used), highest_mm=max(used), moves=moves)
    pairs, edges = device.pair_count, device.boundaries_mm
    if not device.is_mlc or len(edges) != pairs + 1:
        return whole
    is_open = [
        any(len(one) == 2 * pairs and one[pairs + index] - one[index] > OPEN_MM for one in positions)
        for index in range(pairs)
    ]
    if not any(is_open):
        return whole
    last = pairs - is_open[::-1].index(True)
    return replace(whole, open_from_mm=edges[is_open.index(True)], open_to_mm=edges[last])


def _turns(angles: Iterable[float | None]) -> bool:
    stated = [angle for angle in angles if angle is not None]
    return any(abs((angle - stated[0] + 180) % 360 - 180) > MOVED_DEG for angle in stated)


def _numbers(values: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(dict.fromkeys(round(value, 4) for value in values if value is not None))


def _count(item: DataSet, *sequences: str) -> int:
    return sum(1 for sequence in sequences for _ in item.items(sequence))


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, words)))
